#ifndef LASTMILE_GATEWAY_APP_USER_COMMAND_H_
#define LASTMILE_GATEWAY_APP_USER_COMMAND_H_

#include <iosfwd>
#include <string>

#include "gateway/app/config.h"

namespace CLI {
class App;
}  // namespace CLI

namespace lastmile::app {

// `lastmile user add` and `lastmile user passwd`: the users of `source: sqlite:PATH`. What is
// stored of a password are its two hashes.
struct UserCommand {
  enum class Action { kAdd, kPasswd };

  Action action = Action::kAdd;
  std::string name;
  std::string caller_id;  // kAdd; "" = the name
  std::string tenant;     // kAdd; "" = none
};

// Adds `user add` and `user passwd` to the command line; they fill `command` and `config_file`.
CLI::App* AddUserCommand(CLI::App& cli, std::string& config_file, UserCommand& command);

// The password is the first line of `in`; at a terminal (`terminal`: standard input is one) it is
// asked for twice, without echo. Writes what was done to `out` and what is wrong to `err`. Returns
// the exit status: 0; 1 if nothing was changed; 2 if the configuration has no such file of users.
// Thread: main.
int RunUser(const UserCommand& command, const Config& config, bool terminal, std::istream& in,
            std::ostream& out, std::ostream& err);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_USER_COMMAND_H_

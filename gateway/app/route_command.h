#ifndef LASTMILE_GATEWAY_APP_ROUTE_COMMAND_H_
#define LASTMILE_GATEWAY_APP_ROUTE_COMMAND_H_

#include <iosfwd>
#include <string>

#include "gateway/app/config.h"

namespace CLI {
class App;
}  // namespace CLI

namespace lastmile::app {

// `lastmile route`: where a number would go, and why.
struct RouteCommand {
  std::string number;  // as it would be dialled
  std::string user;    // who dials it,
  std::string tenant;  // of a user from a source of users,
  std::string trunk;   // or whose call it is
  std::string at;      // "2026-11-25T23:31Z"; "": now
  bool json = false;
};

CLI::App* AddRouteCommand(CLI::App& cli, std::string& config_file, RouteCommand& command);

// Writes the decision to `out` and what is wrong with the command to `err`. Returns the exit
// status: 0: it goes somewhere; 1: it does not; 2: the command asks for what the configuration does
// not have. Thread: main.
int RunRoute(const RouteCommand& command, const Config& config, std::ostream& out,
             std::ostream& err);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_ROUTE_COMMAND_H_

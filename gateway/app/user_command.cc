#include "gateway/app/user_command.h"

#include <termios.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <istream>
#include <ostream>
#include <utility>

#include "gateway/browser/user_directory.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/lexical.h"
#include "gateway/users/sqlite_users.h"

namespace lastmile::app {
namespace {

constexpr int kExitRefused = 1;
constexpr int kExitConfig = 2;

// No echo of what is typed, for as long as this lives.
class HiddenInput {
 public:
  HiddenInput() {
    is_set_ = tcgetattr(STDIN_FILENO, &before_) == 0;
    termios hidden = before_;
    hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    if (is_set_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
  }
  ~HiddenInput() {
    if (is_set_) tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  HiddenInput(const HiddenInput&) = delete;
  HiddenInput& operator=(const HiddenInput&) = delete;

 private:
  termios before_{};
  bool is_set_ = false;
};

Result<std::string> ReadLine(std::istream& in) {
  std::string line;
  if (!std::getline(in, line)) return Fail("there is no password on standard input");
  if (!line.empty() && line.back() == '\r') line.pop_back();
  if (line.empty()) return Fail("a password must not be empty");
  return line;
}

Result<std::string> ReadPassword(bool terminal, std::istream& in, std::ostream& err) {
  if (!terminal) return ReadLine(in);
  const HiddenInput hidden;
  err << "Password: " << std::flush;
  auto password = ReadLine(in);
  if (!password) return password;
  err << "\nOnce more: " << std::flush;
  const auto again = ReadLine(in);
  err << '\n';
  if (!again || *again != *password) return Fail("the two passwords are not the same");
  return password;
}

// "" if a browser can use it as the user part of an address.
std::string WhatIsWrongWith(const std::string& name) {
  if (name.empty() || name.size() > browser::UserDirectory::kMaxName) {
    return "the name of a user has 1 to " + std::to_string(browser::UserDirectory::kMaxName) +
           " bytes";
  }
  const auto is_odd = [](char c) { return sip::IsControl(c) || sip::IsBlank(c) || c == ':'; };
  // A colon would end the name in the hash (RFC 7616 section 3.4.2).
  if (std::ranges::any_of(name, is_odd)) return "the name of a user has no blank and no colon";
  return "";
}

Result<std::string> Change(const UserCommand& command, const std::string& file,
                           const browser::User& user) {
  const bool adds = command.action == UserCommand::Action::kAdd;
  // Only `add` makes a file that is not there.
  if (!adds) {
    if (auto there = users::SqliteUsers::OpenToRead(file); !there) {
      return std::unexpected(there.error());
    }
  }
  auto users = users::SqliteUsers::OpenToWrite(file);
  if (!users) return std::unexpected(users.error());
  const auto changed = adds ? users->Add(user) : users->ChangePassword(user);
  if (!changed) return std::unexpected(changed.error());
  if (*changed) return (adds ? "added " : "changed the password of ") + user.name + " in " + file;
  return Fail(adds ? "there is a user " + user.name + " already: `user passwd` changes its password"
                   : "there is no user " + user.name);
}

}  // namespace

CLI::App* AddUserCommand(CLI::App& cli, std::string& config_file, UserCommand& command) {
  CLI::App* user = cli.add_subcommand("user", "about users in a file: source: sqlite:PATH");
  user->require_subcommand(1);
  const auto add = [&](const char* name, const char* help, UserCommand::Action action) {
    CLI::App* sub = user->add_subcommand(name, help);
    sub->add_option("name", command.name, "name of the user")->required();
    sub->add_option("-c,--config", config_file, "configuration file")->required();
    sub->callback([&command, action] { command.action = action; });
    return sub;
  };
  CLI::App* adding =
      add("add", "add a user; the password is read from standard input", UserCommand::Action::kAdd);
  adding->add_option("--caller-id", command.caller_id, "number shown to carriers");
  adding->add_option("--tenant", command.tenant, "what routes know the user by");
  add("passwd", "change a password; it is read from standard input", UserCommand::Action::kPasswd);
  return user;
}

int RunUser(const UserCommand& command, const Config& config, bool terminal, std::istream& in,
            std::ostream& out, std::ostream& err) {
  const auto fail = [&](const std::string& why, int status) {
    err << "lastmile: " << why << '\n';
    return status;
  };
  if (!config.user_source || config.user_source->sqlite.empty()) {
    return fail(config.file + " has no `users: { source: sqlite:PATH }`", kExitConfig);
  }
  if (const std::string wrong = WhatIsWrongWith(command.name); !wrong.empty()) {
    return fail(wrong, kExitRefused);
  }
  const auto password = ReadPassword(terminal, in, err);
  if (!password) return fail(password.error().message, kExitRefused);
  const auto hash = [&](sip::DigestAlgorithm algorithm) {
    return sip::Ha1(command.name, config.domain, *password, algorithm);
  };
  const auto done = Change(command, config.user_source->sqlite,
                           {.name = command.name,
                            .ha1 = hash(sip::DigestAlgorithm::kMd5),
                            .caller_id = command.caller_id,
                            .ha1_sha256 = hash(sip::DigestAlgorithm::kSha256),
                            .tenant = command.tenant});
  if (!done) return fail(done.error().message, kExitRefused);
  out << *done << '\n';
  return 0;
}

}  // namespace lastmile::app

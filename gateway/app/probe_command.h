#ifndef LASTMILE_GATEWAY_APP_PROBE_COMMAND_H_
#define LASTMILE_GATEWAY_APP_PROBE_COMMAND_H_

#include <iosfwd>
#include <string>

#include "gateway/app/config.h"

namespace CLI {
class App;
}  // namespace CLI

namespace lastmile::app {

// `lastmile trunks test NAME`: one trunk, step by step.
struct ProbeCommand {
  std::string trunk;
  std::string number;  // that is called; "": no call
  bool json = false;
};

// Adds `trunks test` to the command line; it fills `command` and `config_file`.
CLI::App* AddProbeCommand(CLI::App& cli, std::string& config_file, ProbeCommand& command);

// Both print what they find while they find it, in colour if `terminal` (standard output is one),
// and write what is wrong with the command to `err`. They return the exit status: 0 if all is well,
// 1 if something failed, 2 if there is no such trunk. Thread: main; SIGINT ends them.
int RunProbe(const ProbeCommand& command, const Config& config, bool terminal, std::ostream& out,
             std::ostream& err);
// `lastmile check --connect`: all trunks in turn, one line each, no call.
int ProbeAll(const Config& config, bool terminal, std::ostream& out);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_PROBE_COMMAND_H_

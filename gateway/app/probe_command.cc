#include "gateway/app/probe_command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <ostream>
#include <vector>

#include "base/log.h"
#include "gateway/app/probe_report.h"
#include "gateway/app/trunk_probe.h"

namespace lastmile::app {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitConfig = 2;
constexpr Duration kLimitOfEach = 10s;  // of `check --connect`

volatile std::sig_atomic_t interrupted = 0;

// A call that was placed must not stay behind: it is ended before the program is.
void CatchInterrupts() {
  std::signal(SIGINT, [](int) { interrupted = 1; });
  std::signal(SIGTERM, [](int) { interrupted = 1; });
}

}  // namespace

CLI::App* AddProbeCommand(CLI::App& cli, std::string& config_file, ProbeCommand& command) {
  CLI::App* trunks = cli.add_subcommand("trunks", "about the trunks of a configuration");
  trunks->require_subcommand(1);
  CLI::App* test = trunks->add_subcommand(
      "test", "try a trunk: its servers, TLS, OPTIONS, registration and, if wanted, a call");
  test->add_option("name", command.trunk, "name of the trunk")->required();
  test->add_option("-c,--config", config_file, "configuration file")->required();
  test->add_option("--call", command.number,
                   "call this number and send a tone for 2 s; best one that echoes");
  test->add_flag("--json", command.json, "print the result as JSON, at the end");
  return trunks;
}

int RunProbe(const ProbeCommand& command, const Config& config, bool terminal, std::ostream& out,
             std::ostream& err) {
  if (std::ranges::find(config.trunks, command.trunk, &trunk::Trunk::name) == config.trunks.end()) {
    err << "lastmile: there is no trunk " << command.trunk << " (" << config.file << " has";
    for (const trunk::Trunk& trunk : config.trunks) err << ' ' << trunk.name;
    err << (config.trunks.empty() ? " none)\n" : ")\n");
    return kExitConfig;
  }
  spdlog::set_level(spdlog::level::off);  // the steps are what was asked for
  CatchInterrupts();
  std::vector<ProbeStep> steps;
  TrunkProbe probe(config,
                   {.trunk = command.trunk, .number = command.number, .interrupted = &interrupted},
                   [&](const ProbeStep& step) {
                     steps.push_back(step);
                     if (!command.json) out << ToText(step, terminal) << std::flush;
                   });
  probe.Run();
  if (command.json) out << ToJson(command.trunk, steps) << '\n';
  return IsGood(steps) && interrupted == 0 ? 0 : kExitFailed;
}

int ProbeAll(const Config& config, bool terminal, std::ostream& out) {
  spdlog::set_level(spdlog::level::off);
  CatchInterrupts();
  bool good = true;
  for (const trunk::Trunk& trunk : config.trunks) {
    if (interrupted != 0) return kExitFailed;
    std::vector<ProbeStep> steps;
    TrunkProbe probe(config,
                     {.trunk = trunk.name, .limit = kLimitOfEach, .interrupted = &interrupted},
                     [&](const ProbeStep& step) { steps.push_back(step); });
    probe.Run();
    good &= IsGood(steps);
    out << ToLine(trunk.name, steps, terminal) << std::flush;
  }
  return good && interrupted == 0 ? 0 : kExitFailed;
}

}  // namespace lastmile::app

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "base/log.h"
#include "gateway/app/config.h"
#include "gateway/app/demo_files.h"
#include "gateway/app/gateway.h"
#include "gateway/app/probe_command.h"
#include "gateway/app/route_command.h"
#include "gateway/app/sdp_command.h"
#include "gateway/app/serve.h"
#include "gateway/app/user_command.h"

namespace lastmile::app {
namespace {

constexpr int kExitFailed = 1;  // the gateway could not start, or did not work
constexpr int kExitConfig = 2;  // the configuration is wrong

int PrintDiagnostics(const std::vector<Diagnostic>& diagnostics, const std::string& file,
                     const std::string& text) {
  for (const Diagnostic& diagnostic : diagnostics) {
    std::cerr << FormatDiagnostic(diagnostic, file, text);
  }
  return kExitConfig;
}

std::string TextOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int RunGateway(Config config) {
  InitLog(config.log_level);
  sigset_t signals;
  sigemptyset(&signals);
  for (int number : {SIGINT, SIGTERM, SIGUSR1, SIGHUP}) sigaddset(&signals, number);
  // Blocked before the first thread starts: only Serve() hears them.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Gateway gateway(std::move(config));
  if (auto started = gateway.Start(); !started) {
    std::cerr << "lastmile: " << started.error().message << '\n';
    return kExitFailed;
  }
  for (const std::string& line : gateway.Greeting()) std::cout << line << '\n';
  std::cout << "ready" << std::endl;
  Serve(gateway, signals);
  spdlog::info("stopping");
  gateway.Stop();
  return EXIT_SUCCESS;
}

int CheckAndRun(const Result<Config, std::vector<Diagnostic>>& config, const std::string& file,
                const std::string& text, bool run) {
  if (!config) return PrintDiagnostics(config.error(), file, text);
  const auto faults = CheckMachine(*config);
  if (!faults.empty()) return PrintDiagnostics(faults, file, text);
  PrintDiagnostics(Warnings(*config), file, text);
  if (run) return RunGateway(*config);
  const int calls = (config->trunk_media.port_max - config->trunk_media.port_min + 1) / 2;
  std::cout << file << ": ok; users: "
            << (config->user_source ? "looked up" : std::to_string(config->users.size()))
            << ", trunks: " << config->trunks.size() << ", room for calls: " << calls << '\n';
  return EXIT_SUCCESS;
}

int RunDemo(std::string folder) {
  DemoFiles files(std::move(folder));
  auto text = files.Config();
  if (!text) {
    std::cerr << "lastmile: " << text.error().message << '\n';
    return kExitFailed;
  }
  auto config = ParseConfig(*text, "demo.yaml");
  if (config) config->file.clear();  // there is none that could change
  return CheckAndRun(config, "demo.yaml", *text, true);
}

int RunSdpCommand(const SdpCommand& command, const std::string& file) {
  spdlog::set_level(spdlog::level::off);  // the call's steps are not what was asked for
  if (file.empty()) return RunSdp(command, nullptr, std::cout, std::cerr);
  const auto config = LoadConfig(file);
  if (!config) return PrintDiagnostics(config.error(), file, TextOf(file));
  return RunSdp(command, &*config, std::cout, std::cerr);
}

int RunProbeCommand(const ProbeCommand& command, const std::string& file) {
  const auto config = LoadConfig(file);
  if (!config) return PrintDiagnostics(config.error(), file, TextOf(file));
  return RunProbe(command, *config, isatty(STDOUT_FILENO) == 1, std::cout, std::cerr);
}

int RunUserCommand(const UserCommand& command, const std::string& file) {
  const auto config = LoadConfig(file);
  if (!config) return PrintDiagnostics(config.error(), file, TextOf(file));
  return RunUser(command, *config, isatty(STDIN_FILENO) == 1, std::cin, std::cout, std::cerr);
}

int PrintEffective(const std::string& file) {
  const auto loaded = LoadConfig(file);
  if (!loaded) return PrintDiagnostics(loaded.error(), file, TextOf(file));
  std::cout << EffectiveConfig(loaded->text, file).value_or("");
  return EXIT_SUCCESS;
}

int RunRouteCommand(const RouteCommand& command, const std::string& file) {
  const auto config = LoadConfig(file);
  if (!config) return PrintDiagnostics(config.error(), file, TextOf(file));
  return RunRoute(command, *config, std::cout, std::cerr);
}

CLI::App* AddSdpCommand(CLI::App& cli, std::string& config_file, SdpCommand& command) {
  using Print = SdpCommand::Print;
  CLI::App* sdp = cli.add_subcommand("sdp", "say what a call would make of an SDP offer, and why");
  sdp->add_option("file", command.file, "the offer; - for standard input")->capture_default_str();
  sdp->add_option_function<std::string>(
         "--to", [&command](const std::string& side) { command.to_trunk = side == "trunk"; },
         "whom the result is for")
      ->check(CLI::IsMember({"trunk", "browser"}))
      ->required();
  sdp->add_option("--trunk", command.trunk, "trunk of the configuration, if it has several");
  sdp->add_option("-c,--config", config_file, "configuration file; without it: a default trunk");
  CLI::Option* explain = sdp->add_flag_callback(
      "--explain", [&command] { command.print = Print::kDiff; },
      "print each change and its reason");
  sdp->add_flag_callback(
         "--json", [&command] { command.print = Print::kJson; }, "the same as JSON")
      ->excludes(explain);
  return sdp;
}

int Main(int argc, char** argv) {
  CLI::App cli("WebRTC-to-SIP gateway: browsers on one side, carriers on the other", "lastmile");
  cli.require_subcommand(1);
  std::string file;
  bool demo = false;
  CLI::App* run = cli.add_subcommand("run", "run the gateway");
  CLI::Option* run_file = run->add_option("-c,--config", file, "configuration file");
  std::string demo_folder;
  CLI::Option* run_demo = run->add_flag("--demo", demo, "run the built-in demo configuration");
  run_demo->excludes(run_file);
  run->add_option("--demo-files", demo_folder, "folder of the demo's cert.pem and key.pem")
      ->check(CLI::ExistingDirectory)
      ->needs(run_demo);
  CLI::App* check = cli.add_subcommand("check", "say what is wrong with a configuration file");
  check->add_option("-c,--config", file, "configuration file")->required();
  bool connect = false;
  check->add_flag("--connect", connect, "and try each trunk: its servers, OPTIONS, registration");
  CLI::App* config = cli.add_subcommand("config", "about configuration files");
  config->require_subcommand(1);
  config->add_subcommand("example", "print a commented example");
  CLI::App* effective = config->add_subcommand(
      "effective",
      "print what a file comes to, with defaults, profiles and where each value is from");
  effective->add_option("-c,--config", file, "configuration file")->required();
  SdpCommand sdp_command;
  CLI::App* sdp = AddSdpCommand(cli, file, sdp_command);
  UserCommand user_command;
  CLI::App* user = AddUserCommand(cli, file, user_command);
  RouteCommand route_command;
  CLI::App* route = AddRouteCommand(cli, file, route_command);
  ProbeCommand probe_command;
  CLI::App* trunks = AddProbeCommand(cli, file, probe_command);
  CLI::App* version = cli.add_subcommand("version", "print the version");
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& fault) {
    return cli.exit(fault) == 0 ? EXIT_SUCCESS : kExitConfig;
  }
  if (version->parsed()) {
    std::cout << "lastmile " << LASTMILE_VERSION << '\n';
    return EXIT_SUCCESS;
  }
  if (effective->parsed()) return PrintEffective(file);
  if (config->parsed()) {
    std::cout << ExampleConfig();
    return EXIT_SUCCESS;
  }
  if (sdp->parsed()) return RunSdpCommand(sdp_command, file);
  if (route->parsed()) return RunRouteCommand(route_command, file);
  if (user->parsed()) return RunUserCommand(user_command, file);
  if (trunks->parsed()) return RunProbeCommand(probe_command, file);
  if (demo) return RunDemo(demo_folder);
  if (file.empty()) {
    std::cerr << "lastmile: name a configuration with -c FILE, or use --demo\n";
    return kExitConfig;
  }
  const auto loaded = LoadConfig(file);
  const int status = CheckAndRun(loaded, file, TextOf(file), run->parsed());
  if (!connect || status != EXIT_SUCCESS) return status;
  return ProbeAll(*loaded, isatty(STDOUT_FILENO) == 1, std::cout);
}

}  // namespace
}  // namespace lastmile::app

int main(int argc, char** argv) { return lastmile::app::Main(argc, argv); }

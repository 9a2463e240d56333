// A load for media relays and gateways; scripts/bench.sh runs it. Usage:
//   lastmile-load relay ...   rtpengine alone     lastmile-load calls ...   a whole gateway
// Reads the process numbers of the programs under test from its input once it is ready itself, and
// prints one object of JSON.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "tests/bench/load/call_run.h"
#include "tests/bench/load/process_meter.h"
#include "tests/bench/load/relay_run.h"

namespace lastmile::bench {
namespace {

ProcessMeter ReadPrograms() {
  std::string line;
  std::getline(std::cin, line);
  std::istringstream words(line);
  std::vector<pid_t> pids;
  for (pid_t pid; words >> pid;) pids.push_back(pid);
  return ProcessMeter(pids);
}

int Tell(const Result<nlohmann::json>& result) {
  if (!result) {
    std::fprintf(stderr, "lastmile-load: %s\n", result.error().message.c_str());
    return 1;
  }
  std::printf("%s\n", result->dump().c_str());
  return 0;
}

struct Arguments {
  std::string address;
  int calls = 100;
  double seconds = 5;
  double idle = 0;
  bool gcm = false;
  uint16_t carrier_port = 0;
  CallOptions call;
};

Duration SecondsOf(double count) {
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(count));
}

int RunOne(bool relay, Arguments& arguments) {
  const auto address = Endpoint::Parse(arguments.address);
  if (!address) return Tell(std::unexpected(address.error()));
  PumpOptions pump;
  pump.measured = SecondsOf(arguments.seconds);
  if (relay) {
    return Tell(RunRelay({*address, arguments.calls, arguments.gcm, pump}, ReadPrograms()));
  }
  CallRun run(arguments.carrier_port);
  CallOptions options = arguments.call;
  options.gateway = *address;
  options.calls = arguments.calls;
  options.clients = std::max(options.clients, arguments.calls);
  options.pump = pump;
  options.idle = SecondsOf(arguments.idle);
  return Tell(run.Run(options, ReadPrograms()));
}

}  // namespace
}  // namespace lastmile::bench

int main(int argc, char** argv) {
  lastmile::bench::Arguments arguments;
  CLI::App app("Load for media relays and gateways");
  app.require_subcommand(1);
  CLI::App* const relay = app.add_subcommand("relay", "rtpengine alone, by its ng protocol");
  relay->add_flag("--gcm", arguments.gcm, "AEAD_AES_128_GCM instead of AES_CM_128_HMAC_SHA1_80");
  CLI::App* const calls = app.add_subcommand("calls", "WebSocket clients call a carrier");
  calls->add_flag("--tls", arguments.call.tls, "wss instead of ws");
  calls->add_option("--origin", arguments.call.origin, "of the clients' page")->required();
  calls->add_option("--domain", arguments.call.domain, "of the users")->required();
  calls->add_option("--carrier-port", arguments.carrier_port, "where SIP is awaited")->required();
  calls->add_option("--clients", arguments.call.clients, "as many as calls at least");
  calls->add_option("--rate", arguments.call.rate, "calls a second");
  calls->add_option("--idle", arguments.idle, "seconds without a call, measured");
  calls->add_option("--handshakes", arguments.call.handshakes,
                    "calls a second that the other clients begin and end");
  calls->add_option("--step", arguments.call.step, "calls more until they do not get through");
  for (CLI::App* const command : {relay, calls}) {
    command->add_option("address", arguments.address, "of its control or WebSocket port")
        ->required();
    command->add_option("--calls", arguments.calls, "at once");
    command->add_option("--seconds", arguments.seconds, "of media that is measured");
  }
  CLI11_PARSE(app, argc, argv);
  return lastmile::bench::RunOne(relay->parsed(), arguments);
}

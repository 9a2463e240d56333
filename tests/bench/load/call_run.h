#ifndef LASTMILE_TESTS_BENCH_LOAD_CALL_RUN_H_
#define LASTMILE_TESTS_BENCH_LOAD_CALL_RUN_H_

#include <deque>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/endpoint.h"
#include "base/result.h"
#include "tests/bench/load/client.h"
#include "tests/bench/load/handshakes.h"
#include "tests/bench/load/load_loop.h"
#include "tests/bench/load/process_meter.h"
#include "tests/bench/load/pump.h"
#include "tests/support/sip_carrier.h"

namespace lastmile::bench {

struct CallOptions {
  Endpoint gateway;  // its WebSocket listener
  bool tls = false;
  std::string origin;
  std::string domain;
  int clients = 0;   // "user0" ... with the password "secret"
  int calls = 0;     // of the first clients, one each
  double rate = 40;  // calls a second that are set up
  Duration idle{};   // how long the clients do nothing before they call
  // Not 0: as many calls more, again and again, until they do not get through or all clients call.
  int step = 0;
  // Not 0: after the calls have talked they talk once more, while the other clients call and hang
  // up so many times a second.
  double handshakes = 0;
  PumpOptions pump;
};

// A load for a whole gateway: clients that connect by WebSocket, register and call, and the carrier
// that answers. Thread: main.
class CallRun {
 public:
  // Listens for the gateway's SIP at 127.0.0.1:`carrier_port`.
  explicit CallRun(uint16_t carrier_port);

  // Connect, register, rest, call, talk, hang up; tells what each step cost the programs under
  // test: CPU a piece in ms, memory in KiB, latencies in ms and what PumpMedia() tells. With
  // `handshakes` also what it tells beside them, as `beside_...`, how many there were a second,
  // `handshakes`, of which some `handshakes_failed`, and INVITE to media, `handshake_p50_ms` and
  // p99. With `step` instead: `capacity`, the most calls that got through, and whether the
  // `load_was_full` by then. The error says which step did not come to its end.
  Result<nlohmann::json> Run(const CallOptions& options, const ProcessMeter& meter);

 private:
  struct CarrierReader final : Readable {
    explicit CarrierReader(CallRun& of_run) : run(of_run) {}
    void OnReadable(TimePoint now) override;
    CallRun& run;
  };

  Result<void> Connect();
  Result<void> Register();
  void Rest();  // and memory
  void BeIdle();
  Result<nlohmann::json> CallOnce();
  Result<nlohmann::json> FindCapacity();
  bool GetThrough(int calls);
  Result<void> SetUp(int from, int to);
  nlohmann::json Talk(int calls, Handshakes* beside = nullptr);
  Result<void> TalkBesideHandshakes(int calls);
  Result<void> HangUp();

  bool AllReady(int calls) const;
  void TellLatencies();
  // CPU of the programs under test for `step`, a piece of `count`, in ms, as result_[name].
  Result<void> Measure(const std::string& name, int count,
                       const std::function<Result<void>()>& step);
  // Turns the loop until `done`, for 20 s at most.
  bool Until(const std::function<bool()>& done);
  void TurnUntil(TimePoint until);
  void Upkeep(TimePoint now);
  void WatchCarrier();

  LoadLoop loop_;
  Tally tally_;
  uint32_t next_leg_ = 0;
  test::SipCarrier carrier_;
  CarrierReader carrier_reader_{*this};
  std::deque<Client> clients_;
  TimePoint next_upkeep_{};
  const CallOptions* options_ = nullptr;
  const ProcessMeter* meter_ = nullptr;
  nlohmann::json result_;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_CALL_RUN_H_

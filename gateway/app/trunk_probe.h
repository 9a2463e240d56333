#ifndef LASTMILE_GATEWAY_APP_TRUNK_PROBE_H_
#define LASTMILE_GATEWAY_APP_TRUNK_PROBE_H_

#include <csignal>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/random.h"
#include "base/time.h"
#include "gateway/app/config.h"
#include "gateway/app/probe_report.h"
#include "gateway/app/trunk_probe_call.h"
#include "gateway/app/trunk_streams.h"
#include "gateway/net/loop.h"
#include "gateway/net/stream_hub.h"
#include "gateway/trunk/selection.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

struct ProbeOptions {
  std::string trunk;        // a name that the configuration has
  std::string number = {};  // that is called; "": no call
  Duration limit = 60s;     // of everything before the call
  // Not 0: somebody wants it to end. A call is then ended, too. nullptr: nobody does.
  const volatile std::sig_atomic_t* interrupted = nullptr;
};

// A test of one trunk, step by step: where its servers are, a connection to each, then by the
// gateway's own TrunkEdge OPTIONS, its registration and a call with a tone. It needs no gateway
// that runs, and disturbs none: it registers the same Contact, for as long, and does not take it
// back. Runs its own loop. Thread: main.
class TrunkProbe final : private net::StreamSink {
 public:
  // `on_step` hears of each step when it is done.
  TrunkProbe(const Config& config, ProbeOptions options,
             std::function<void(const ProbeStep&)> on_step);
  ~TrunkProbe() override;

  void Run();  // once

  static constexpr size_t kMaxEndpoints = 8;  // that are connected to
  static constexpr Duration kConnectTimeout = 5s;
  // After the handshake: whether the server turns us away for our certificate (TLS 1.3 tells late).
  static constexpr Duration kSettle = 150ms;
  static constexpr Duration kAnswerTime = 8s;  // of OPTIONS, and of REGISTER

 private:
  enum class State { kResolving, kConnecting, kOptions, kRegistering, kCalling, kDone };
  struct LookUp {  // of one configured server
    trunk::ConfiguredServer server;
    trunk::Selection selection;
    std::vector<DnsType> found = {};
    bool reported = false;
  };
  struct Attempt {  // to connect
    std::string host;
    Endpoint endpoint;
    TimePoint started;
    std::optional<ProbeStep> open = {};  // to be said when it has settled
    TimePoint settled_at = kNever;
  };

  TimePoint OnTurn();
  void Enter(State next, Duration limit, TimePoint now);
  void Advance(TimePoint now);
  void Report(ProbeStep step);
  void Finish();

  void StartLookUps(TimePoint now);
  void Ask(size_t index);
  void OnResolving(TimePoint now);
  void ReportLookUp(LookUp& look_up, TimePoint now);
  void StartConnections(TimePoint now);
  void OnConnecting(TimePoint now);
  void StartEdge(TimePoint now);
  void OnOptions(TimePoint now);
  void OnOptionsAnswered(const sip::RequestAnswered& answered, TimePoint now);
  void AfterOptions(TimePoint now);
  void OnRegistering(TimePoint now);
  void AfterRegister(TimePoint now);
  void Flush(TimePoint now);
  void OnEvent(trunk::TrunkEvent& event, TimePoint now);
  void Decline(const trunk::TrunkEvent& event, TimePoint now);

  void OnStreamOpen(net::StreamId stream, const net::StreamPeer& peer) override;
  void OnStreamBytes(net::StreamId stream, ByteView bytes) override;
  void OnStreamClosed(net::StreamId stream, const net::StreamEnd& end) override;

  const Config& config_;
  const ProbeOptions options_;
  const std::function<void(const ProbeStep&)> on_step_;
  std::vector<trunk::Trunk> trunks_;  // the one
  SystemRandom random_;
  net::Loop loop_;
  net::StreamHub hub_;
  State state_ = State::kResolving;
  TimePoint started_ = TimePoint::min();  // of the state
  TimePoint deadline_ = kNever;           // of the state
  TimePoint limit_at_ = kNever;           // of all before the call
  std::vector<LookUp> look_ups_;
  std::map<net::StreamId, Attempt> attempts_;
  size_t connected_ = 0;  // of the attempts
  std::unique_ptr<trunk::TrunkEdge> edge_;
  std::unique_ptr<TrunkStreams> streams_;
  net::StreamFault last_fault_ = net::StreamFault::kNone;  // of the edge's connections
  sip::ClientRequestId options_id_;
  std::optional<sip::RequestAnswered> options_answer_;
  std::unique_ptr<TrunkProbeCall> call_;
};

// The trunk's host of SIP and SDP as a gateway with that configuration has it.
trunk::TrunkOptions ProbeEdgeOptions(const Config& config, const std::vector<trunk::Trunk>& trunks);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_TRUNK_PROBE_H_

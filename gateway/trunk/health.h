#ifndef LASTMILE_GATEWAY_TRUNK_HEALTH_H_
#define LASTMILE_GATEWAY_TRUNK_HEALTH_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace lastmile::trunk {

enum class HealthState {
  kUnknown,  // nothing was heard of it yet: calls are offered
  kUp,
  kSuspect,  // calls fail, a probe is missing or it hung up: calls only if there is no better one
  kDown,     // no calls; probed ever more rarely
  kProbing,  // a probe was good: no calls before kGoodProbes of them
};
std::string_view ToString(HealthState state);

struct HealthOptions {
  // Between OPTIONS while it is well; zero: none, and only calls tell.
  Duration keepalive = Duration::zero();
  // Whether a server that fails is left alone until probes say that it is back. Without (the only
  // server of a trunk that nobody wanted watched) failures are only noted.
  bool breaker = false;
};

// How one server of a trunk is: what its calls and the probes of it (a connection, and an OPTIONS
// over it) have told. A circuit breaker: a server that is down gets at most one probe in
// kProbeSpacing, and no call until kGoodProbes of them in a row were good, twice as many each time
// that it fails again soon, so that one that flaps is not given calls to lose. Sans-IO. Thread:
// signalling.
class ServerHealth {
 public:
  // `name`: of the server, for the log.
  ServerHealth(std::string name, HealthOptions options, RandomSource& random);

  void SetOptions(HealthOptions options, TimePoint now);

  // --- probes ---
  bool wants_probe(TimePoint now) const { return !probing_ && now >= probe_at_; }
  void OnProbeSent(TimePoint now);
  // Any final response: whoever refuses OPTIONS is there. 503 is a failure.
  void OnProbeAnswered(int status, TimePoint now);
  // No connection, or none any more.
  void OnProbeFailed(std::string_view reason, TimePoint now);
  // Ends a probe that had no answer in kProbeTimeout. True: the connection is of no use any more.
  bool OnTimer(bool connected, TimePoint now);

  // --- what calls tell ---
  // A final response, or a provisional one other than 100. `retry_after`: seconds, of a 503.
  void OnCallAnswered(int status, uint32_t retry_after, TimePoint now);
  // Refused, lost, or silent: the server is down.
  void OnCallFailed(std::string_view reason, TimePoint now);
  // One that stood, and is gone.
  void OnConnectionLost(std::string_view reason, TimePoint now);

  bool takes_calls() const;
  bool is_first_choice() const { return state_ != HealthState::kSuspect; }
  HealthState state() const { return state_; }
  // Of the last OPTIONS that was answered; zero: none was.
  Duration rtt() const { return rtt_; }
  // A sentence; "": nothing has failed yet.
  const std::string& last_failure() const { return last_failure_; }
  TimePoint next_timeout() const;

  static constexpr int kGoodProbes = 3;
  static constexpr int kMostGoodProbes = 12;
  static constexpr Duration kSteady = 60s;  // well for so long: its past is forgotten
  static constexpr Duration kProbeSpacing = 1s;
  static constexpr Duration kMaxBackOff = 16s;  // between probes of a server that is down
  static constexpr Duration kProbeTimeout = 2s;
  static constexpr Duration kMaxRest = 300s;  // of a Retry-After
  static constexpr int kMinOutcomes = 10;     // calls before their failures mean anything
  static constexpr Duration kForget = 60s;    // failed calls of a suspect count so long

 private:
  void SetState(HealthState next, std::string_view reason);
  void GoDown(std::string_view reason, TimePoint now);
  void ProbeAt(TimePoint at);
  void OnGoodProbe(TimePoint now);
  void OnMissingProbe(bool connected, TimePoint now);
  void CountOutcome(bool good, TimePoint now);
  void ForgetOutcomes();
  Duration Jittered(Duration delay);

  const std::string name_;
  HealthOptions options_;
  RandomSource& random_;
  HealthState state_ = HealthState::kUnknown;
  Duration rtt_ = Duration::zero();
  std::string last_failure_;
  TimePoint probe_at_ = kNever;
  TimePoint probe_sent_ = TimePoint::min();
  TimePoint rest_until_ = kNever;  // set: a Retry-After is obeyed
  TimePoint forget_at_ = kNever;
  bool probing_ = false;          // one is under way
  bool answers_options_ = false;  // it did, once
  int good_probes_ = 0;
  int needed_probes_ = kGoodProbes;
  TimePoint up_since_ = TimePoint::min();  // when it was last down and came back
  int missing_probes_ = 0;
  int failures_ = 0;       // probes in a row
  uint32_t outcomes_ = 0;  // of the last calls, one bit each: 1 = failed
  int outcome_count_ = 0;
};

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_HEALTH_H_

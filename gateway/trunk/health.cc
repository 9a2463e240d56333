#include "gateway/trunk/health.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <utility>

#include "base/log.h"

namespace lastmile::trunk {
namespace {

constexpr int kRememberedOutcomes = 16;
constexpr int kMaxDoublings = 8;
constexpr int kMissingProbes = 2;  // in a row, of a server that did answer OPTIONS
// More to wait after every second good probe: a server that flaps in the rhythm of equal waits
// would be there whenever it is asked.
constexpr Duration kOffBeat = 400ms;

bool IsServerFailure(int status) { return status == 408 || (status >= 500 && status < 600); }

}  // namespace

std::string_view ToString(HealthState state) {
  switch (state) {
    case HealthState::kUnknown:
      return "unknown";
    case HealthState::kUp:
      return "up";
    case HealthState::kSuspect:
      return "suspect";
    case HealthState::kDown:
      return "down";
    case HealthState::kProbing:
      return "probing";
  }
  return "";
}

ServerHealth::ServerHealth(std::string name, HealthOptions options, RandomSource& random)
    : name_(std::move(name)), options_(options), random_(random) {
  if (options_.keepalive > Duration::zero()) probe_at_ = TimePoint::min();
}

void ServerHealth::SetOptions(HealthOptions options, TimePoint now) {
  options_ = options;
  if (options_.breaker || state_ == HealthState::kUp || state_ == HealthState::kUnknown) return;
  SetState(HealthState::kUnknown, "it is the only server");
  probe_at_ = options_.keepalive > Duration::zero() ? now : kNever;
}

void ServerHealth::SetState(HealthState next, std::string_view reason) {
  if (state_ == next) return;
  const bool bad = next == HealthState::kDown || next == HealthState::kSuspect;
  spdlog::log(bad ? spdlog::level::warn : spdlog::level::info, "leg=trunk server={} {} -> {}: {}",
              name_, ToString(state_), ToString(next), reason);
  state_ = next;
}

Duration ServerHealth::Jittered(Duration delay) {
  constexpr int64_t kShare = 5;  // at most a fifth more
  const auto range = static_cast<uint64_t>(delay.count() / kShare) + 1;
  return delay + Duration(static_cast<int64_t>(random_.Next64() % range));
}

bool ServerHealth::takes_calls() const {
  if (rest_until_ != kNever) return false;
  return !options_.breaker || (state_ != HealthState::kDown && state_ != HealthState::kProbing);
}

TimePoint ServerHealth::next_timeout() const {
  return std::min({probing_ ? probe_sent_ + kProbeTimeout : probe_at_, rest_until_, forget_at_});
}

// --- probes ---

void ServerHealth::OnProbeSent(TimePoint now) {
  probing_ = true;
  probe_sent_ = now;
}

void ServerHealth::OnProbeAnswered(int status, TimePoint now) {
  if (!probing_) return;
  if (status == 503) return OnProbeFailed("it answers OPTIONS with 503", now);
  rtt_ = now - probe_sent_;
  answers_options_ = true;
  OnGoodProbe(now);
}

void ServerHealth::OnGoodProbe(TimePoint now) {
  probing_ = false;
  failures_ = missing_probes_ = 0;
  const bool was_down = state_ == HealthState::kDown || state_ == HealthState::kProbing;
  const bool is_doubted = was_down || state_ == HealthState::kSuspect;
  good_probes_ = is_doubted ? good_probes_ + 1 : kGoodProbes;
  if (good_probes_ < (was_down ? needed_probes_ : kGoodProbes)) {
    if (was_down) SetState(HealthState::kProbing, "a probe was good");
    const bool even = good_probes_ % 2 == 0;
    ProbeAt(now + Jittered(kProbeSpacing) + (even ? kOffBeat : Duration::zero()));
    return;
  }
  if (options_.keepalive > Duration::zero()) {
    ProbeAt(now + options_.keepalive);
  } else {
    probe_at_ = kNever;
  }
  if (was_down) {
    up_since_ = now;
    ForgetOutcomes();
    SetState(HealthState::kUp, "enough probes were good");
  } else if (forget_at_ == kNever) {
    // Of failed calls it is no proof: it has to answer some, or time has to pass.
    SetState(HealthState::kUp, "it answers");
  }
}

void ServerHealth::ForgetOutcomes() {
  forget_at_ = kNever;
  outcomes_ = 0;
  outcome_count_ = 0;
}

void ServerHealth::OnProbeFailed(std::string_view reason, TimePoint now) {
  if (probing_) GoDown(reason, now);
}

bool ServerHealth::OnTimer(bool connected, TimePoint now) {
  if (rest_until_ <= now) {
    rest_until_ = kNever;
    spdlog::info("leg=trunk server={} has had its rest: calls are offered to it again", name_);
  }
  if (forget_at_ <= now) {
    ForgetOutcomes();
    if (state_ == HealthState::kSuspect) SetState(HealthState::kUp, "its failures are long ago");
  }
  if (!probing_ || now < probe_sent_ + kProbeTimeout) return false;
  OnMissingProbe(connected, now);
  return state_ == HealthState::kDown;
}

// A server that never answered an OPTIONS may have no answer to one: then it is well as long as it
// takes a connection.
void ServerHealth::OnMissingProbe(bool connected, TimePoint now) {
  if (!connected) return OnProbeFailed("it takes no connection", now);
  if (!answers_options_) return OnGoodProbe(now);
  const bool trusted = state_ == HealthState::kUp || state_ == HealthState::kSuspect;
  if (!trusted || ++missing_probes_ >= kMissingProbes) {
    return OnProbeFailed("it does not answer OPTIONS any more", now);
  }
  probing_ = false;
  ProbeAt(now);
  good_probes_ = 0;
  last_failure_ = "an OPTIONS was not answered";
  SetState(HealthState::kSuspect, last_failure_);
}

void ServerHealth::GoDown(std::string_view reason, TimePoint now) {
  last_failure_ = reason;
  good_probes_ = missing_probes_ = 0;
  probing_ = false;
  if (!options_.breaker) {
    spdlog::info("leg=trunk server={} failed: {}", name_, reason);
    if (options_.keepalive > Duration::zero()) ProbeAt(now + Jittered(kProbeSpacing));
    return;
  }
  // A few probes may by chance all fall into the moments in which one that flaps is there.
  if (state_ == HealthState::kProbing || now < up_since_ + kSteady) {
    needed_probes_ = std::min(2 * needed_probes_, kMostGoodProbes);
  } else if (state_ != HealthState::kDown) {
    needed_probes_ = kGoodProbes;
  }
  const Duration wait = kProbeSpacing * (1 << std::min(failures_++, kMaxDoublings));
  ProbeAt(now + Jittered(std::min(wait, kMaxBackOff)));
  SetState(HealthState::kDown, reason);
}

void ServerHealth::ProbeAt(TimePoint at) { probe_at_ = std::max(at, probe_sent_ + kProbeSpacing); }

// --- calls ---

void ServerHealth::OnCallAnswered(int status, uint32_t retry_after, TimePoint now) {
  if (status == 503 && retry_after > 0) {
    const Duration rest = std::min<Duration>(std::chrono::seconds(retry_after), kMaxRest);
    rest_until_ = now + rest;
    last_failure_ = "it is overloaded (503 with Retry-After)";
    spdlog::warn("leg=trunk server={} is overloaded: left alone for {} s", name_,
                 std::chrono::ceil<std::chrono::seconds>(rest).count());
    return;
  }
  if (IsServerFailure(status)) last_failure_ = "it answers calls with " + std::to_string(status);
  CountOutcome(!IsServerFailure(status), now);
}

void ServerHealth::CountOutcome(bool good, TimePoint now) {
  outcomes_ = (outcomes_ << 1 | (good ? 0U : 1U)) & ((1U << kRememberedOutcomes) - 1);
  outcome_count_ = std::min(outcome_count_ + 1, kRememberedOutcomes);
  const int failed = std::popcount(outcomes_);
  const bool bad = outcome_count_ >= kMinOutcomes && 2 * failed >= outcome_count_;
  if (bad) {
    forget_at_ = now + kForget;
    if (state_ == HealthState::kUp || state_ == HealthState::kUnknown) {
      SetState(HealthState::kSuspect, "half of its calls fail");
    }
  } else if (good) {
    forget_at_ = kNever;
    if (state_ == HealthState::kUnknown || (state_ == HealthState::kSuspect && !probing_)) {
      SetState(HealthState::kUp, "it answers calls");
    }
  }
}

// Of a server that is down it is no news.
void ServerHealth::OnCallFailed(std::string_view reason, TimePoint now) {
  if (state_ != HealthState::kDown || probing_) GoDown(reason, now);
}

void ServerHealth::OnConnectionLost(std::string_view reason, TimePoint now) {
  if (probing_ || state_ == HealthState::kProbing) return GoDown(reason, now);
  if (options_.keepalive == Duration::zero() || state_ == HealthState::kDown) return;
  last_failure_ = reason;
  good_probes_ = 0;
  // An idle connection may be closed at any time; whether there is another tells a probe.
  ProbeAt(now);
  if (options_.breaker) SetState(HealthState::kSuspect, reason);
}

}  // namespace lastmile::trunk

#include "media_anchor/core/media_doctor.h"

#include <algorithm>
#include <utility>

namespace lastmile::media {
namespace {

constexpr uint8_t kComfortNoise = 13;
// Reserved by RFC 3551 table 4, because it was that of comfort noise once; some still send it.
constexpr uint8_t kOldComfortNoise = 19;
constexpr uint8_t kG729 = 18;
constexpr size_t kG729Frame = 10;             // bytes
constexpr size_t kG729SilenceDescriptor = 2;  // the same (RFC 3551 section 4.5.6)

bool IsComfortNoise(uint8_t type) { return type == kComfortNoise || type == kOldComfortNoise; }

// Of packets that came and were refused, as opposed to none and to a path that is not there.
bool IsRefusal(SilenceCause cause) {
  return cause == SilenceCause::kWrongSource || cause == SilenceCause::kWrongPayloadType ||
         cause == SilenceCause::kNotAuthentic || cause == SilenceCause::kUnusable;
}

}  // namespace

bool ReceivedTypes::ends_in_silence() const {
  return IsComfortNoise(last) ||
         (last == kG729 && last_size % kG729Frame == kG729SilenceDescriptor);
}

void ReceivedTypes::OnUnknown(uint8_t type) {
  if (IsComfortNoise(type)) return;
  ++unknown;
  last_unknown = type;
}

void MediaDoctor::Begin(Direction& direction, const DirectionCounts& counts, TimePoint now) {
  direction.alive_at = now;
  direction.at_alive = counts;
  direction.known = counts.known;
  direction.blocked = counts.browser_fault.has_value();
}

void MediaDoctor::Watch(MediaWatch watch, const DirectionCounts& to_browser,
                        const DirectionCounts& to_trunk, TimePoint now) {
  if (watch == watch_) return;
  watch_ = watch;
  Begin(to_browser_, to_browser, now);
  Begin(to_trunk_, to_trunk, now);
  if (!watches()) {
    next_look_ = kNever;
  } else if (next_look_ == kNever) {
    next_look_ = now + kPeriod;
  }
}

void MediaDoctor::Look(const DirectionCounts& to_browser, const DirectionCounts& to_trunk,
                       TimePoint now, std::vector<MediaEvent>& events) {
  if (now < next_look_) return;
  next_look_ = now + kPeriod;
  Look(to_browser_, to_browser, now, events);
  Look(to_trunk_, to_trunk, now, events);
}

void MediaDoctor::Look(Direction& direction, const DirectionCounts& counts, TimePoint now,
                       std::vector<MediaEvent>& events) {
  const bool flows = counts.through != direction.at_alive.through;
  if (flows && direction.silent) {
    direction.silent.reset();
    events.push_back(DirectionFlows{session_, direction.to_browser});
  }
  const Finding finding = Diagnose(direction, counts);
  const bool pauses =
      finding.cause == SilenceCause::kNothingReceived && counts.types.ends_in_silence();
  // It has its time from when both sides are known, and again from when the browser's path stands.
  const bool begins =
      counts.known != direction.known || (direction.blocked && !counts.browser_fault);
  if (flows || pauses || begins || !counts.known) return Begin(direction, counts, now);
  direction.blocked = counts.browser_fault.has_value();
  if (now - direction.alive_at < kSilentLooks * kPeriod || !Reports(finding)) return;
  if (!direction.silent) return Tell(direction, finding, counts, events);
  const SilenceCause before = direction.silent->cause;
  // What is refused explains more than that nothing comes, and one refusal is enough.
  const bool known_better =
      IsRefusal(before) && direction.silent->leg == finding.leg &&
      (IsRefusal(finding.cause) || finding.cause == SilenceCause::kNothingReceived);
  if (*direction.silent == finding || known_better) return;
  Tell(direction, finding, counts, events);
}

// The path of the browser first: without it nothing can be said of the rest.
MediaDoctor::Finding MediaDoctor::Diagnose(const Direction& direction,
                                           const DirectionCounts& counts) const {
  const MediaLeg source = direction.to_browser ? MediaLeg::kTrunk : MediaLeg::kBrowser;
  if (watch_ == MediaWatch::kHeldByBrowser) return {MediaLeg::kBrowser, SilenceCause::kOnHold};
  if (watch_ == MediaWatch::kHeldByTrunk) return {MediaLeg::kTrunk, SilenceCause::kOnHold};
  if (counts.browser_fault) return {MediaLeg::kBrowser, *counts.browser_fault};
  const DirectionCounts& before = direction.at_alive;
  const std::array refused = {
      Finding{source, SilenceCause::kWrongSource,
              counts.refused.wrong_source - before.refused.wrong_source},
      Finding{source, SilenceCause::kNotAuthentic,
              counts.refused.not_authentic - before.refused.not_authentic},
      Finding{source, SilenceCause::kWrongPayloadType, counts.types.unknown - before.types.unknown},
  };
  const Finding& most = *std::ranges::max_element(refused, {}, &Finding::refused);
  if (most.refused >= kMinRefused) return most;
  const uint64_t dropped = counts.dropped - before.dropped;
  // Comfort noise that is in no mapping is dropped, too.
  if (dropped >= kMinRefused && !counts.types.ends_in_silence()) {
    return {source, SilenceCause::kUnusable, dropped};
  }
  return {source, SilenceCause::kNothingReceived};
}

// Before the answer nobody has to send, and no browser has to have a path.
bool MediaDoctor::Reports(const Finding& finding) const {
  if (watch_ != MediaWatch::kEarly) return true;
  return finding.cause != SilenceCause::kNothingReceived && finding.cause != SilenceCause::kNoIce &&
         finding.cause != SilenceCause::kNoNomination;
}

void MediaDoctor::Tell(Direction& direction, const Finding& finding, const DirectionCounts& counts,
                       std::vector<MediaEvent>& events) const {
  direction.silent = finding;
  DirectionSilent silent{.session = session_,
                         .to_browser = direction.to_browser,
                         .leg = finding.leg,
                         .cause = finding.cause,
                         .refused = finding.refused};
  if (finding.cause == SilenceCause::kWrongSource) silent.source = counts.refused.stranger;
  if (finding.cause == SilenceCause::kWrongPayloadType) {
    silent.payload_type = counts.types.last_unknown;
  }
  events.push_back(silent);
}

void MediaDoctor::OnBrowserFailed(SilenceCause cause, std::vector<MediaEvent>& events) {
  if (!watches()) return;
  const Finding finding{MediaLeg::kBrowser, cause};
  for (Direction* direction : {&to_browser_, &to_trunk_}) {
    if (direction->silent != finding) Tell(*direction, finding, {}, events);
  }
  Watch(MediaWatch::kNothing, {}, {}, {});
}

bool MediaDoctor::misses(MediaLeg leg) const {
  const Direction& from_leg = leg == MediaLeg::kTrunk ? to_browser_ : to_trunk_;
  return watches() && from_leg.silent &&
         *from_leg.silent == Finding{leg, SilenceCause::kNothingReceived};
}

}  // namespace lastmile::media

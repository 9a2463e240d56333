#ifndef LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_DOCTOR_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_DOCTOR_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"

namespace lastmile::media {

// What a leg refused before its packets were looked at, and why.
struct RefusedPackets {
  uint64_t wrong_source = 0;
  uint64_t not_authentic = 0;
  Endpoint stranger;  // the last wrong source
};

// The types of what a leg sent and was its own.
struct ReceivedTypes {
  uint64_t unknown = 0;  // packets of a type that is in no mapping
  uint8_t last_unknown = 0;
  uint8_t last = 0;
  uint16_t last_size = 0;  // bytes of payload

  void OnPacket(uint8_t type, size_t payload_size, bool known) {
    last = type;
    last_size = static_cast<uint16_t>(payload_size);
    if (!known) OnUnknown(type);
  }
  // The sender has said that it now sends nothing, because nobody speaks: comfort noise (RFC 3389
  // section 4), also by the number of its drafts, or the silence descriptor of G.729 annex B.
  bool ends_in_silence() const;

 private:
  void OnUnknown(uint8_t type);
};

// What a session counts of one direction of its audio.
struct DirectionCounts {
  bool known = false;    // both sides have said where they take media
  uint64_t through = 0;  // packets that were relayed, or not for a good reason
  uint64_t dropped = 0;
  RefusedPackets refused;  // by the leg it comes from
  ReceivedTypes types;
  std::optional<SilenceCause> browser_fault = std::nullopt;  // nothing can pass the browser leg
};

// Finds out which direction of a session's audio is silent and why, sans-IO. It looks at counters
// that are kept anyway, once a second; a direction is silent after kSilentLooks looks without a
// packet, that is between two and three seconds. Opus sends one every 400 ms at least, whoever
// speaks; who sends comfort noise last is not silent. Thread: its owner's (the media worker's).
class MediaDoctor {
 public:
  explicit MediaDoctor(SessionId session) : session_(session) {}

  void Watch(MediaWatch watch, const DirectionCounts& to_browser, const DirectionCounts& to_trunk,
             TimePoint now);
  bool watches() const { return watch_ != MediaWatch::kNothing; }
  MediaWatch watch() const { return watch_; }
  TimePoint next_look() const { return next_look_; }
  // To be called when next_look() is over. Appends DirectionSilent and DirectionFlows.
  void Look(const DirectionCounts& to_browser, const DirectionCounts& to_trunk, TimePoint now,
            std::vector<MediaEvent>& events);
  // The browser leg is over because of `cause`: both directions are silent from now on.
  void OnBrowserFailed(SilenceCause cause, std::vector<MediaEvent>& events);
  // Nothing is heard of that leg, whose direction should flow.
  bool misses(MediaLeg leg) const;

  static constexpr Duration kPeriod = 1s;
  static constexpr int kSilentLooks = 2;
  // Fewer are strays, which explain nothing.
  static constexpr uint64_t kMinRefused = 10;

 private:
  struct Finding {
    MediaLeg leg = MediaLeg::kTrunk;
    SilenceCause cause = SilenceCause::kNothingReceived;
    uint64_t refused = 0;
    bool operator==(const Finding& other) const { return leg == other.leg && cause == other.cause; }
  };
  struct Direction {
    bool to_browser = false;
    // It flowed, paused, or was not to flow, or its path changed.
    TimePoint alive_at = {};
    DirectionCounts at_alive = {};  // as they were then
    bool known = false;             // at the last look
    bool blocked = false;           // the same: nothing can pass the browser leg
    std::optional<Finding> silent = std::nullopt;
  };

  static void Begin(Direction& direction, const DirectionCounts& counts, TimePoint now);
  void Look(Direction& direction, const DirectionCounts& counts, TimePoint now,
            std::vector<MediaEvent>& events);
  Finding Diagnose(const Direction& direction, const DirectionCounts& counts) const;
  bool Reports(const Finding& finding) const;
  void Tell(Direction& direction, const Finding& finding, const DirectionCounts& counts,
            std::vector<MediaEvent>& events) const;

  const SessionId session_;
  MediaWatch watch_ = MediaWatch::kNothing;
  TimePoint next_look_ = kNever;
  Direction to_browser_{.to_browser = true};
  Direction to_trunk_{};
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_DOCTOR_H_

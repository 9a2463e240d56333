#ifndef LASTMILE_GATEWAY_CALL_MEDIA_HEALTH_H_
#define LASTMILE_GATEWAY_CALL_MEDIA_HEALTH_H_

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "gateway/call/call_io.h"
#include "media_anchor/core/leg_plan.h"

namespace lastmile::call {

// The words for causes in the log, in JSON and in metrics, by their number.
inline constexpr std::array<std::string_view, media::kSilenceCauses> kSilenceCauseWords = {
    "on-hold",       "nothing-received", "wrong-source", "wrong-payload-type",
    "not-authentic", "unusable",         "no-ice",       "no-nomination",
    "no-consent",    "dtls-unfinished",  "dtls-failed",  "wrong-fingerprint"};
inline std::string_view ToString(media::SilenceCause cause) {
  return kSilenceCauseWords[static_cast<size_t>(cause)];
}
// "browser" and "trunk"; of a bridge "first" and "second".
std::string_view NameOf(media::MediaLeg leg, bool bridge);
// "to-browser", "to-trunk"; of a bridge "to-first", "to-second".
std::string_view NameOfDirection(bool to_browser, bool bridge);

// A direction of a call's audio that was silent.
struct MediaFault {
  bool to_browser = false;
  media::MediaLeg leg = media::MediaLeg::kTrunk;  // where the cause is
  media::SilenceCause cause = media::SilenceCause::kNothingReceived;
  TimePoint at;                    // when it was noticed
  std::optional<TimePoint> until;  // it flowed, or had another cause; nothing: the call's end
  std::string seen;                // instead: an address, a payload type; "" for nothing
};

// A direction that is silent now.
struct SilenceSnapshot {
  media::MediaLeg leg = media::MediaLeg::kTrunk;
  media::SilenceCause cause = media::SilenceCause::kNothingReceived;
  std::string seen;
  std::chrono::milliseconds noticed_ago{};
  bool operator==(const SilenceSnapshot&) const = default;
};
struct MediaSnapshot {
  std::optional<SilenceSnapshot> to_trunk;  // nothing: not silent
  std::optional<SilenceSnapshot> to_browser;
  bool operator==(const MediaSnapshot&) const = default;
};

// What the media anchor tells of silent directions of one call or bridge: a line in the log, with
// what to try, and the record. It changes nothing. Thread: signalling.
class MediaHealth {
 public:
  MediaHealth(CallId id, bool bridge) : id_(id), bridge_(bridge) {}

  void On(const media::DirectionSilent& silent, TimePoint now);
  void On(const media::DirectionFlows& flows, TimePoint now);

  // In the order they began.
  const std::vector<MediaFault>& faults() const { return faults_; }
  MediaSnapshot Snapshot(TimePoint now) const;

  // More are logged alone; a hold makes room for what is none.
  static constexpr size_t kMaxFaults = 8;

 private:
  std::optional<MediaFault>& Now(bool to_browser) { return to_browser ? to_browser_ : to_trunk_; }
  // Takes it out of what is silent now.
  std::optional<MediaFault> End(bool to_browser, TimePoint now);
  void Note(const MediaFault& fault);

  const CallId id_;
  const bool bridge_;
  std::optional<MediaFault> to_trunk_;  // now
  std::optional<MediaFault> to_browser_;
  std::vector<MediaFault> faults_;
};

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_MEDIA_HEALTH_H_

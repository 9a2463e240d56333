#ifndef LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_TIMEOUT_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_TIMEOUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "base/time.h"
#include "media_anchor/core/leg_plan.h"

namespace lastmile::media {

// Whether a trunk leg is gone: nothing of it has come for so long although everybody should talk,
// neither RTP nor RTCP. It is looked at as often as the doctor looks. Thread: its owner's (the
// media worker's).
class TrunkTimeout {
 public:
  explicit TrunkTimeout(Duration limit) : limit_(limit) {}  // Duration::max(): none

  // What should flow has changed. `heard`: packets of the leg up to now.
  void Begin(uint64_t heard, TimePoint now) {
    heard_ = heard;
    since_ = now;
  }
  // True: it is gone. Said again after another `limit`.
  bool Look(uint64_t heard, TimePoint now) {
    const bool gone = heard == heard_ && now - since_ >= limit_;
    if (gone || heard != heard_) Begin(heard, now);
    return gone;
  }
  Duration limit() const { return limit_; }

 private:
  const Duration limit_;
  uint64_t heard_ = 0;
  TimePoint since_;
};

inline SessionFailed TrunkGone(SessionId session, std::string_view who, Duration limit) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  return {session, SessionFault::kTrunkGone,
          std::string(who) + " has sent neither audio nor a report for " + std::to_string(seconds) +
              " s"};
}

// Long enough for whoever says nothing for a while and sends no report either.
inline constexpr Duration kTrunkTimeout = 300s;

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_TIMEOUT_H_

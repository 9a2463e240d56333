#ifndef LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_PACE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_PACE_H_

#include <cstdint>

#include "base/time.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// Bounds what one direction of one call costs everybody else (T-11): media passes at most twice as
// fast as it is spoken, and kBurst of it at once, for a path that stood still for a while. Asked
// only about packets that are known to be the peer's, or a stranger could use up its share.
// Thread: its owner's (the media worker's). No allocation.
class MediaPace {
 public:
  explicit MediaPace(bool video) : video_(video) {}

  // False: too fast, to be dropped. `clock_rate` in Hz, not 0.
  bool Take(const RtpHeader& header, uint32_t clock_rate, TimePoint now);

  static constexpr int kFactor = 2;
  static constexpr Duration kBurst = 3s;
  // A packet of audio is as long as the timestamp says, within these: a source that counts wrongly
  // gets 200 packets a second.
  static constexpr Duration kShortest = 10ms;
  static constexpr Duration kLongest = 120ms;  // RFC 6716 section 2.1.4
  // The packets of a picture share one timestamp. 1,000 packets a second are three times what a
  // browser sends of 1080p.
  static constexpr Duration kOfVideo = 2ms;

 private:
  Duration LengthOf(const RtpHeader& header, uint32_t clock_rate);

  const bool video_;
  bool any_ = false;
  uint32_t ssrc_ = 0;  // this and below: of the packet before
  uint32_t timestamp_ = 0;
  TimePoint at_;
  Duration left_ = kBurst;  // may pass at once
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_PACE_H_

#include "media_anchor/core/media_pace.h"

#include <algorithm>

namespace lastmile::media {

bool MediaPace::Take(const RtpHeader& header, uint32_t clock_rate, TimePoint now) {
  // At the first packet left_ is full.
  left_ = any_ ? std::min<Duration>(left_ + kFactor * (now - at_), kBurst) : kBurst;
  const Duration length = LengthOf(header, clock_rate);
  any_ = true;
  at_ = now;
  ssrc_ = header.ssrc;
  timestamp_ = header.timestamp;
  if (left_ < length) return false;
  left_ -= length;
  return true;
}

Duration MediaPace::LengthOf(const RtpHeader& header, uint32_t clock_rate) {
  if (video_) return kOfVideo;
  const auto ticks = static_cast<int32_t>(header.timestamp - timestamp_);
  if (!any_ || header.ssrc != ssrc_ || ticks <= 0) return kShortest;
  const Duration length = Duration(1s) * ticks / clock_rate;
  return std::clamp<Duration>(length, kShortest, kLongest);
}

}  // namespace lastmile::media

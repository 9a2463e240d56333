#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_DELAY_ESTIMATE_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_DELAY_ESTIMATE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace lastmile::media {

// How long packets of a stream have to wait so that nearly all of them are there in time. It looks
// at the transit times (arrival minus media time, each against an origin of its own) of the last
// kWindow packets: the fastest one is the base, and all but kLateOnes came within target() after
// it. A clock that drifts moves the base along; when kDetour packets in a row took longer than the
// longest wait, the way has changed and they are all that counts. Thread: its owner's. No
// allocation.
class DelayEstimate {
 public:
  void On(Duration transit);
  void Reset();

  bool empty() const { return count_ == 0; }
  Duration base() const { return base_; }
  Duration target() const { return target_; }

  static constexpr Duration kLeast = 20ms;
  static constexpr Duration kMost = 200ms;
  // Until kFewPackets tell more.
  static constexpr Duration kAtFirst = 40ms;
  static constexpr size_t kFewPackets = 50;
  static constexpr size_t kWindow = 256;  // 5 s of 20 ms packets
  static constexpr size_t kLateOnes = 2;
  static constexpr size_t kDetour = 10;

 private:
  void Recompute();

  std::array<int64_t, kWindow> transits_{};
  size_t count_ = 0;      // ever
  size_t on_detour_ = 0;  // in a row
  Duration base_{};
  Duration target_ = kAtFirst;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_DELAY_ESTIMATE_H_

#include "media_anchor/codec/delay_estimate.h"

#include <algorithm>
#include <functional>

namespace lastmile::media {
namespace {

// Packets between two looks at the whole window, if none of them is out of what is known.
constexpr size_t kLookEvery = 8;

}  // namespace

void DelayEstimate::Reset() {
  count_ = 0;
  on_detour_ = 0;
  base_ = Duration{};
  target_ = kAtFirst;
}

void DelayEstimate::On(Duration transit) {
  on_detour_ = !empty() && transit > base_ + kMost ? on_detour_ + 1 : 0;
  if (on_detour_ == kDetour) Reset();
  transits_[count_++ % kWindow] = transit.count();
  const bool expected = transit >= base_ && transit <= base_ + target_;
  if (count_ <= kLookEvery || !expected || count_ % kLookEvery == 0) Recompute();
}

void DelayEstimate::Recompute() {
  std::array<int64_t, kWindow> sorted = transits_;
  const size_t size = std::min(count_, kWindow);
  const auto end = sorted.begin() + static_cast<ptrdiff_t>(size);
  base_ = Duration(*std::min_element(sorted.begin(), end));
  const auto latest = sorted.begin() + static_cast<ptrdiff_t>(std::min(kLateOnes, size - 1));
  std::nth_element(sorted.begin(), latest, end, std::greater());
  const Duration least = count_ < kFewPackets ? kAtFirst : kLeast;
  target_ = std::clamp(Duration(*latest) - base_, least, kMost);
}

}  // namespace lastmile::media

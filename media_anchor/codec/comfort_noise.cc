#include "media_anchor/codec/comfort_noise.h"

#include <algorithm>
#include <cmath>

namespace lastmile::media {
namespace {

constexpr uint8_t kLevelBits = 0x7f;
// Speech is louder: a packet that wants more is not obeyed beyond that.
constexpr int kLoudest = 20;  // below overload, in dB
// 0 dBov is a square wave that fills the range (RFC 3389 section 3).
constexpr double kOverload = 32768;

}  // namespace

bool ComfortNoise::OnPacket(ByteView payload) {
  if (payload.empty()) return false;
  const int below = std::max(payload[0] & kLevelBits, kLoudest);
  // Evenly distributed numbers have a peak of sqrt(3) times their effective value.
  peak_ =
      static_cast<int32_t>(std::lround(std::sqrt(3.0) * kOverload * std::pow(10, -below / 20.0)));
  return true;
}

void ComfortNoise::Fill(MutablePcm out) {
  for (int16_t& sample : out) {
    state_ = state_ * 1664525 + 1013904223;  // D. Knuth, TAOCP 3.3.4
    const auto random = static_cast<int16_t>(state_ >> 16);
    sample = static_cast<int16_t>(random * peak_ / 32768);
  }
}

}  // namespace lastmile::media

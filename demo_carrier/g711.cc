#include "demo_carrier/g711.h"

#include <algorithm>
#include <bit>

namespace lastmile::demo_carrier {
namespace {

constexpr int kMuBias = 33;        // in 14-bit units
constexpr int kMuMax = 8191 - 33;  // the largest magnitude before the bias is added

uint8_t EncodeMu(int16_t sample) {
  const bool negative = sample < 0;
  const int magnitude = std::min((negative ? -(sample + 1) : int{sample}) >> 2, kMuMax) + kMuBias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 6;
  const int step = (magnitude >> (segment + 1)) & 0x0f;
  return static_cast<uint8_t>(~((negative ? 0x80 : 0) | segment << 4 | step));
}

int16_t DecodeMu(uint8_t byte) {
  const uint8_t bits = static_cast<uint8_t>(~byte);
  const int segment = (bits >> 4) & 7;
  const int magnitude = ((((bits & 0x0f) << 1) + 33) << segment) - kMuBias;
  return static_cast<int16_t>((bits & 0x80) ? -magnitude * 4 : magnitude * 4);
}

uint8_t EncodeA(int16_t sample) {
  const bool negative = sample < 0;
  const int magnitude = (negative ? -(sample + 1) : int{sample}) >> 4;  // 11 bits
  const int segment =
      std::max(static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 4, 0);
  const int step = (segment <= 1 ? magnitude : magnitude >> (segment - 1)) & 0x0f;
  return static_cast<uint8_t>(((negative ? 0 : 0x80) | segment << 4 | step) ^ 0x55);
}

int16_t DecodeA(uint8_t byte) {
  const uint8_t bits = byte ^ 0x55;
  const int segment = (bits >> 4) & 7;
  const int step = ((bits & 0x0f) << 1) + 1;
  const int magnitude = segment == 0 ? step : (step + 32) << (segment - 1);
  return static_cast<int16_t>((bits & 0x80) ? magnitude * 8 : -magnitude * 8);
}

}  // namespace

uint8_t EncodeG711(Codec codec, int16_t sample) {
  return codec == Codec::kPcmu ? EncodeMu(sample) : EncodeA(sample);
}

int16_t DecodeG711(Codec codec, uint8_t byte) {
  return codec == Codec::kPcmu ? DecodeMu(byte) : DecodeA(byte);
}

}  // namespace lastmile::demo_carrier

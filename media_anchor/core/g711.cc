#include "media_anchor/core/g711.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace lastmile::media {
namespace {

constexpr int kBias = 132;
constexpr int kALawToggled = 0x55;

// Sign and magnitude of 16 bits become sign, segment and step; G.711 sections 3 and 4.
uint8_t EncodeMuLaw(int sample) {
  constexpr int kLargest = 32635;
  const int magnitude = std::min(std::abs(sample), kLargest) + kBias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8;
  const int code = segment << 4 | (magnitude >> (segment + 3) & 0x0f);
  return static_cast<uint8_t>(~(code | (sample < 0 ? 0x80 : 0)));
}

uint8_t EncodeALaw(int sample) {
  const int magnitude = std::min(sample < 0 ? -sample - 1 : sample, 32767);
  const int width = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude)));
  const int segment = std::max(0, width - 8);
  const int step = magnitude >> (segment < 2 ? 4 : segment + 3) & 0x0f;
  return static_cast<uint8_t>((segment << 4 | step | (sample < 0 ? 0 : 0x80)) ^ kALawToggled);
}

// The middle of the step that the encoder chose.
int DecodeMuLaw(uint8_t code) {
  const int bits = ~code & 0xff;
  const int segment = bits >> 4 & 0x07;
  const int magnitude = (((bits & 0x0f) << 3) + kBias) << segment;
  return bits & 0x80 ? kBias - magnitude : magnitude - kBias;
}

int DecodeALaw(uint8_t code) {
  const int bits = code ^ kALawToggled;
  const int segment = bits >> 4 & 0x07;
  const int step = ((bits & 0x0f) << 4) + 8;
  const int magnitude = segment == 0 ? step : (step + 0x100) << (segment - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

double SampleOf(const Tone& tone, double at) {
  const double peak = kPeakOfZeroDbm0 * std::pow(10, tone.dbm0 / 20);
  return peak * std::sin(2 * std::numbers::pi * tone.hz * at / kG711Rate);
}

}  // namespace

uint8_t EncodeG711(G711 law, int sample) {
  return law == G711::kALaw ? EncodeALaw(sample) : EncodeMuLaw(sample);
}

int DecodeG711(G711 law, uint8_t code) {
  return law == G711::kALaw ? DecodeALaw(code) : DecodeMuLaw(code);
}

void FillTones(const Tone& one, const Tone& other, G711 law, uint32_t first, MutableByteView out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const double at = first + static_cast<double>(i);
    out[i] =
        EncodeG711(law, static_cast<int>(std::lround(SampleOf(one, at) + SampleOf(other, at))));
  }
}

void FillTone(const Tone& tone, G711 law, uint32_t first, MutableByteView out) {
  for (size_t i = 0; i < out.size(); ++i) {
    const double at = first + static_cast<double>(i);
    out[i] = EncodeG711(law, static_cast<int>(std::lround(SampleOf(tone, at))));
  }
}

}  // namespace lastmile::media

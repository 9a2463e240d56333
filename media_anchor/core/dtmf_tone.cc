#include "media_anchor/core/dtmf_tone.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace lastmile::media {
namespace {

constexpr double kSampleRate = 8000;
// A sine of 0 dBm0 lies 3.14 dB (A-law) or 3.17 dB (mu-law) below the largest one G.711 can say
// (ITU-T G.711 table 5): of 16-bit samples its peak is about 22,800.
constexpr double kPeakOfZeroDbm0 = 22800;

struct Pair {
  double low;
  double high;
};
// By event: 0 to 9, *, #, A to D.
constexpr std::array<Pair, 16> kPairs = {{{941, 1336},
                                          {697, 1209},
                                          {697, 1336},
                                          {697, 1477},
                                          {770, 1209},
                                          {770, 1336},
                                          {770, 1477},
                                          {852, 1209},
                                          {852, 1336},
                                          {852, 1477},
                                          {941, 1209},
                                          {941, 1477},
                                          {697, 1633},
                                          {770, 1633},
                                          {852, 1633},
                                          {941, 1633}}};

// Sign and magnitude of 16 bits become sign, segment and step; G.711 sections 3 and 4.
uint8_t EncodeMuLaw(int sample) {
  constexpr int kBias = 132;
  constexpr int kLargest = 32635;
  const int magnitude = std::min(std::abs(sample), kLargest) + kBias;
  const int segment = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude))) - 8;
  const int code = segment << 4 | (magnitude >> (segment + 3) & 0x0f);
  return static_cast<uint8_t>(~(code | (sample < 0 ? 0x80 : 0)));
}

uint8_t EncodeALaw(int sample) {
  constexpr int kToggled = 0x55;
  const int magnitude = std::min(sample < 0 ? -sample - 1 : sample, 32767);
  const int width = static_cast<int>(std::bit_width(static_cast<unsigned>(magnitude)));
  const int segment = std::max(0, width - 8);
  const int step = magnitude >> (segment < 2 ? 4 : segment + 3) & 0x0f;
  return static_cast<uint8_t>((segment << 4 | step | (sample < 0 ? 0 : 0x80)) ^ kToggled);
}

uint8_t Encode(G711 law, int sample) {
  return law == G711::kALaw ? EncodeALaw(sample) : EncodeMuLaw(sample);
}

double PeakAt(double dbm0) { return kPeakOfZeroDbm0 * std::pow(10, dbm0 / 20); }

}  // namespace

bool HasTones(uint8_t event) { return event < kPairs.size(); }

void FillTones(uint8_t event, G711 law, uint32_t first, MutableByteView out) {
  if (!HasTones(event)) return FillSilence(law, out);
  const Pair& pair = kPairs[event];
  const double low_peak = PeakAt(-9);
  const double high_peak = PeakAt(-7);
  for (size_t i = 0; i < out.size(); ++i) {
    const double angle = 2 * std::numbers::pi * (first + static_cast<double>(i)) / kSampleRate;
    const double sample =
        low_peak * std::sin(pair.low * angle) + high_peak * std::sin(pair.high * angle);
    out[i] = Encode(law, static_cast<int>(std::lround(sample)));
  }
}

void FillSilence(G711 law, MutableByteView out) { std::ranges::fill(out, Encode(law, 0)); }

}  // namespace lastmile::media

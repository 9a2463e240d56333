#include "media_anchor/core/dtmf_tone.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace lastmile::media {
namespace {

constexpr std::array kLow = {697, 770, 852, 941};
constexpr std::array kHigh = {1209, 1336, 1477, 1633};
// Rows of a telephone's keys, by frequency, as events.
constexpr int kKeys[4][4] = {{1, 2, 3, 12}, {4, 5, 6, 13}, {7, 8, 9, 14}, {10, 0, 11, 15}};

// G.711 read back by its definition: the middle of each step (ITU-T G.711, tables 1 and 2).
int DecodeMuLaw(uint8_t byte) {
  const int code = ~byte & 0xff;
  const int magnitude = (((code & 0x0f) << 3) + 132) << (code >> 4 & 7);
  return (code & 0x80 ? -1 : 1) * (magnitude - 132);
}
int DecodeALaw(uint8_t byte) {
  const int code = byte ^ 0x55;
  const int segment = code >> 4 & 7;
  const int step = (code & 0x0f) << 4;
  const int magnitude = segment == 0 ? step + 8 : (step + 0x108) << (segment - 1);
  return (code & 0x80 ? 1 : -1) * magnitude;
}

std::vector<double> Decoded(int event, G711 law, size_t frames) {
  std::vector<double> samples;
  for (size_t frame = 0; frame < frames; ++frame) {
    Bytes bytes(160);
    FillTones(static_cast<uint8_t>(event), law, static_cast<uint32_t>(frame * 160), bytes);
    for (const uint8_t byte : bytes) {
      samples.push_back(law == G711::kALaw ? DecodeALaw(byte) : DecodeMuLaw(byte));
    }
  }
  return samples;
}

// The level of one frequency in dBm0: a sine of 0 dBm0 has 3.14 dB less than the largest of A-law,
// 3.17 dB less than that of mu-law, whose largest samples are 32,256 and 32,124.
double LevelOf(const std::vector<double>& samples, double hz, G711 law) {
  double in_phase = 0;
  double across = 0;
  for (size_t i = 0; i < samples.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / 8000;
    in_phase += samples[i] * std::cos(angle);
    across += samples[i] * std::sin(angle);
  }
  const double peak = 2 * std::hypot(in_phase, across) / static_cast<double>(samples.size());
  const bool a_law = law == G711::kALaw;
  return 20 * std::log10(peak / (a_law ? 32768 : 32636)) + (a_law ? 3.14 : 3.17);
}

TEST(DtmfTone, EveryKeyIsItsTwoTonesAtTheLevelOfATelephone) {
  for (const G711 law : {G711::kMuLaw, G711::kALaw}) {
    for (size_t row = 0; row < 4; ++row) {
      for (size_t column = 0; column < 4; ++column) {
        const auto samples = Decoded(kKeys[row][column], law, 50);
        for (size_t i = 0; i < 4; ++i) {
          const double low = LevelOf(samples, kLow[i], law);
          const double high = LevelOf(samples, kHigh[i], law);
          if (i == row) {
            EXPECT_NEAR(low, -9, 0.2);
          } else {
            EXPECT_LT(low, -40);
          }
          if (i == column) {
            EXPECT_NEAR(high, -7, 0.2);
          } else {
            EXPECT_LT(high, -40);
          }
        }
      }
    }
  }
}

TEST(DtmfTone, PacketsJoinWithoutAClick) {
  Bytes whole(320);
  FillTones(5, G711::kALaw, 0, whole);
  Bytes second(160);
  FillTones(5, G711::kALaw, 160, second);
  EXPECT_TRUE(std::equal(second.begin(), second.end(), whole.begin() + 160));
}

TEST(DtmfTone, SilenceIsTheSmallestStep) {
  Bytes bytes(3);
  FillSilence(G711::kMuLaw, bytes);
  EXPECT_EQ(bytes, Bytes(3, 0xff));
  FillSilence(G711::kALaw, bytes);
  EXPECT_EQ(bytes, Bytes(3, 0xd5));
  FillTones(kFlash, G711::kMuLaw, 0, bytes);
  EXPECT_EQ(bytes, Bytes(3, 0xff)) << "a flash has no tones";
  EXPECT_TRUE(HasTones(15));
  EXPECT_FALSE(HasTones(kFlash));
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/codec/comfort_noise.h"

#include <gtest/gtest.h>

#include "tests/support/codec_signals.h"

namespace lastmile::media {
namespace {

double LevelFor(ByteView payload) {
  ComfortNoise noise;
  EXPECT_TRUE(noise.OnPacket(payload));
  test::Samples out(8000);
  noise.Fill(out);
  return test::LevelOf(out) - 3;  // of a square wave that fills the range
}

TEST(ComfortNoise, IsAsLoudAsThePacketSays) {
  EXPECT_NEAR(LevelFor(Bytes{40}), -40, 0.5);
  EXPECT_NEAR(LevelFor(Bytes{60}), -60, 0.5);
  EXPECT_NEAR(LevelFor(Bytes{60 | 0x80}), -60, 0.5);
}

TEST(ComfortNoise, TheSpectrumIsNotNeeded) {
  EXPECT_NEAR(LevelFor(Bytes{50, 1, 2, 3, 4, 5}), -50, 0.5);
}

TEST(ComfortNoise, NoPacketMakesItLoud) { EXPECT_NEAR(LevelFor(Bytes{0}), -20, 0.5); }

TEST(ComfortNoise, TheQuietestIsSilence) {
  ComfortNoise noise;
  EXPECT_TRUE(noise.OnPacket(Bytes{127}));
  test::Samples out(160, 5);
  noise.Fill(out);
  EXPECT_EQ(out, test::Samples(160));
}

TEST(ComfortNoise, AnEmptyPayloadIsNone) { EXPECT_FALSE(ComfortNoise().OnPacket({})); }

}  // namespace
}  // namespace lastmile::media

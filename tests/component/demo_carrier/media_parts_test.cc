#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>

#include "demo_carrier/dial_plan.h"
#include "demo_carrier/dtmf.h"
#include "demo_carrier/g711.h"
#include "demo_carrier/tone.h"

namespace lastmile::demo_carrier {
namespace {

TEST(G711, KnowsTheEndsOfItsScales) {
  EXPECT_EQ(DecodeG711(Codec::kPcmu, 0xff), 0);
  EXPECT_EQ(DecodeG711(Codec::kPcmu, 0x80), 32124);
  EXPECT_EQ(DecodeG711(Codec::kPcmu, 0x00), -32124);
  EXPECT_EQ(DecodeG711(Codec::kPcma, 0xd5), 8);
  EXPECT_EQ(DecodeG711(Codec::kPcma, 0x55), -8);
  EXPECT_EQ(DecodeG711(Codec::kPcma, 0xaa), 32256);
  EXPECT_EQ(DecodeG711(Codec::kPcma, 0x2a), -32256);
  EXPECT_EQ(EncodeG711(Codec::kPcmu, 0), 0xff);
  EXPECT_EQ(EncodeG711(Codec::kPcma, 0), 0xd5);
}

TEST(G711, EveryByteComesBackAndEverySampleIsNear) {
  for (Codec codec : {Codec::kPcmu, Codec::kPcma}) {
    for (int byte = 0; byte < 256; ++byte) {
      const int16_t sample = DecodeG711(codec, static_cast<uint8_t>(byte));
      const int16_t again = DecodeG711(codec, EncodeG711(codec, sample));
      EXPECT_EQ(again, sample) << byte;
    }
    for (int sample = -32768; sample <= 32767; ++sample) {
      const int back = DecodeG711(codec, EncodeG711(codec, static_cast<int16_t>(sample)));
      EXPECT_LE(std::abs(back - sample), std::max(16, std::abs(sample) / 16)) << sample;
    }
  }
}

Heard MeterOf(ToneSource& source, Codec codec) {
  ToneMeter meter;
  Heard heard;
  std::array<int16_t, 160> frame;
  for (int frames = 0; frames < 50; ++frames) {
    source.Fill(frame);
    for (int16_t sample : frame) {
      meter.Add(DecodeG711(codec, EncodeG711(codec, sample)), heard);
    }
  }
  return heard;
}

TEST(Tone, IsFoundWithinHalfAHertzThroughG711) {
  for (Codec codec : {Codec::kPcmu, Codec::kPcma}) {
    for (double hz : {100.0, 440.0, 660.3, 880.0, 1004.7, 3399.9}) {
      ToneSource source;
      source.Set(hz);
      const Heard heard = MeterOf(source, codec);
      EXPECT_NEAR(heard.hz, hz, 0.5);
      EXPECT_NEAR(heard.level_db, 20 * std::log10(0.3) - 3.01, 0.2);
    }
  }
}

TEST(Tone, SilenceHasNoFrequency) {
  ToneSource source;
  for (Codec codec : {Codec::kPcmu, Codec::kPcma}) {
    const Heard heard = MeterOf(source, codec);
    EXPECT_EQ(heard.hz, 0);
    EXPECT_LT(heard.level_db, -70);
  }
  EXPECT_EQ(ToneMeter().Take().level_db, -127);
}

TEST(Tone, KeysHaveTheirPairs) {
  EXPECT_EQ(DtmfPair('1'), std::pair(697.0, 1209.0));
  EXPECT_EQ(DtmfPair('5'), std::pair(770.0, 1336.0));
  EXPECT_EQ(DtmfPair('0'), std::pair(941.0, 1336.0));
  EXPECT_EQ(DtmfPair('#'), std::pair(941.0, 1477.0));
  EXPECT_EQ(DtmfPair('D'), std::pair(941.0, 1633.0));
  EXPECT_FALSE(DtmfPair('x'));
}

TEST(Dtmf, AKeyPressIsHeardOnce) {
  DtmfListener listener;
  const std::array<uint8_t, 4> five = {5, 10, 0, 160};
  const std::array<uint8_t, 4> five_ends = {5, 0x8a, 3, 32};
  EXPECT_EQ(listener.OnEvent(1000, five), '5');
  EXPECT_EQ(listener.OnEvent(1000, five), std::nullopt);
  EXPECT_EQ(listener.OnEvent(1000, five_ends), std::nullopt);
  EXPECT_EQ(listener.OnEvent(2600, five_ends), '5') << "only its end arrived";
  EXPECT_EQ(listener.OnEvent(4000, std::array<uint8_t, 4>{11, 10, 0, 160}), '#');
  EXPECT_EQ(listener.OnEvent(5000, std::array<uint8_t, 4>{16, 10, 0, 160}), std::nullopt);
  EXPECT_EQ(listener.OnEvent(6000, std::array<uint8_t, 3>{1, 10, 0}), std::nullopt);
}

TEST(DialPlan, UnknownNumbersAreNotFound) {
  for (const char* number : {"", "60", "6000", "607", "612", "alice", "600 "}) {
    EXPECT_EQ(PlanFor(number).refuse_code, 404) << number;
  }
  EXPECT_EQ(PlanFor("600").refuse_code, 0);
}

}  // namespace
}  // namespace lastmile::demo_carrier

#include "media_anchor/codec/audio_coder.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/support/codec_line.h"

namespace lastmile::media {
namespace {

using test::Samples;

class EachCodec : public ::testing::TestWithParam<AudioCodec> {
 protected:
  uint32_t rate() const { return NativeRateOf(GetParam()); }
  std::unique_ptr<AudioDecoder> decoder() const { return AudioDecoder::Create(GetParam(), rate()); }
  Samples room() const { return Samples(SamplesOf(kLongestPacket, rate())); }
};

TEST_P(EachCodec, AToneKeepsItsLevel) {
  const auto payloads = test::EncodeAll(GetParam(), test::MakeTone(1000, -12, 1s));
  const Samples heard = test::DecodeAll(GetParam(), payloads, rate());
  ASSERT_EQ(heard.size(), rate());
  const auto tone = test::FindTone(Pcm(heard).last(rate() / 2), rate(), 1000);
  EXPECT_NEAR(tone.level, -12, 0.5);
  EXPECT_GT(tone.purity, 25);
}

TEST_P(EachCodec, TicksAreTheTimeOfThePayload) {
  for (const Duration ptime : {10ms, 20ms, 40ms, 60ms}) {
    for (const Bytes& payload :
         test::EncodeAll(GetParam(), test::MakeTone(440, -20, 240ms), ptime)) {
      EXPECT_EQ(TicksOf(GetParam(), payload), SamplesOf(ptime, RtpClockOf(GetParam())));
    }
  }
}

TEST_P(EachCodec, NothingAndTooMuchIsNoPayload) {
  EXPECT_EQ(TicksOf(GetParam(), {}), 0u);
  // A frame count of 63 in Opus.
  EXPECT_EQ(TicksOf(GetParam(), Bytes(1500, 0xff)), 0u);
}

// A part of a second that was lost: as loud as it was, then fading, then silent.
TEST_P(EachCodec, ALossIsConcealedAndFades) {
  const auto payloads = test::EncodeAll(GetParam(), test::MakeTone(200, -12, 1s));
  const auto decoder = this->decoder();
  Samples out = room();
  for (const Bytes& payload : payloads) decoder->Decode(payload, out);
  const auto frame = MutablePcm(out).first(rate() / 50);
  decoder->Conceal({}, frame);
  const double at_once = test::LevelOf(frame);
  EXPECT_GT(at_once, -20);  // libopus is the most careful
  for (int i = 0; i < 20; ++i) decoder->Conceal({}, frame);
  EXPECT_LT(test::LevelOf(frame), at_once - 15);
  decoder->Decode(payloads.back(), out);
  decoder->Decode(payloads.back(), out);
  EXPECT_GT(test::LevelOf(frame), -20);
}

TEST_P(EachCodec, ResetForgetsTheStream) {
  const auto decoder = this->decoder();
  Samples out = room();
  for (const Bytes& payload : test::EncodeAll(GetParam(), test::MakeTone(440, -6, 200ms))) {
    decoder->Decode(payload, out);
  }
  decoder->Reset();
  const auto frame = MutablePcm(out).first(rate() / 50);
  decoder->Conceal({}, frame);
  EXPECT_LT(test::LevelOf(frame), -60);
}

TEST_P(EachCodec, AnyBytesAreDecodedWithinTheRoom) {
  SeededRandom random(GetParam() == AudioCodec::kOpus ? 1 : 2);
  const auto decoder = this->decoder();
  Samples out = room();
  for (int i = 0; i < 2000; ++i) {
    Bytes payload(random.Next64() % 1501);
    random.Fill(payload);
    const size_t expected =
        TicksOf(GetParam(), payload) * (rate() / 1000) / (RtpClockOf(GetParam()) / 1000);
    if (expected == 0) continue;
    const size_t samples = decoder->Decode(payload, out);
    EXPECT_TRUE(samples == expected || samples == 0) << samples << " of " << expected;
    decoder->Conceal(payload, MutablePcm(out).first(rate() / 50));
  }
}

TEST_P(EachCodec, EveryBeginningOfAPacketIsHarmless) {
  const auto payloads = test::EncodeAll(GetParam(), test::MakeSpeech(100ms, 1), 20ms);
  const auto decoder = this->decoder();
  Samples out = room();
  for (const Bytes& payload : payloads) {
    for (size_t size = 1; size < payload.size(); ++size) {
      const ByteView begin = ByteView(payload).first(size);
      if (TicksOf(GetParam(), begin) > 0) decoder->Decode(begin, out);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, EachCodec, ::testing::ValuesIn(test::kCodecs),
                         [](const auto& which) { return test::NameOf(which.param); });

TEST(AudioCoder, OnlyOpusCodesAtOtherRates) {
  EXPECT_TRUE(AudioDecoder::Create(AudioCodec::kOpus, 8000));
  EXPECT_TRUE(AudioEncoder::Create(AudioCodec::kOpus, 16000));
  EXPECT_FALSE(AudioEncoder::Create(AudioCodec::kOpus, 44100));
  EXPECT_FALSE(AudioDecoder::Create(AudioCodec::kG722, 8000));
  EXPECT_FALSE(AudioEncoder::Create(AudioCodec::kPcma, 16000));
}

TEST(AudioCoder, PtimeIsOneThatTheCodecHas) {
  EXPECT_EQ(NearestPtime(AudioCodec::kPcmu, 30ms), 30ms);
  EXPECT_EQ(NearestPtime(AudioCodec::kOpus, 30ms), 20ms);
  EXPECT_EQ(NearestPtime(AudioCodec::kOpus, 50ms), 40ms);
  EXPECT_EQ(NearestPtime(AudioCodec::kG722, 24ms), 20ms);
  EXPECT_EQ(NearestPtime(AudioCodec::kG722, 0ms), 10ms);
  EXPECT_EQ(NearestPtime(AudioCodec::kOpus, 200ms), 60ms);
}

}  // namespace
}  // namespace lastmile::media

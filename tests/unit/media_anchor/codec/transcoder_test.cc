#include "media_anchor/codec/transcoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

#include "tests/support/codec_line.h"

namespace lastmile::media {
namespace {

using test::LinePacket;
using test::Samples;
using ::testing::Combine;
using ::testing::Values;
using ::testing::ValuesIn;

constexpr double kHz = 1000;
constexpr double kLevel = -12;

class EachToEach : public ::testing::TestWithParam<std::tuple<AudioCodec, AudioCodec>> {
 protected:
  AudioCodec in() const { return std::get<0>(GetParam()); }
  AudioCodec out() const { return std::get<1>(GetParam()); }
};

// Of what is heard, the part between the beginning and the concealment behind the end.
Pcm Middle(const Samples& heard, uint32_t rate, Duration length) {
  return Pcm(heard).subspan(SamplesOf(500ms, rate), SamplesOf(length, rate));
}

TEST_P(EachToEach, AToneArrivesAtItsFrequencyAndLevel) {
  const auto transcoder = test::MakeTranscoder(test::PlanOf(in(), out()));
  const auto sent = test::Packetize(in(), test::MakeTone(kHz, kLevel, 3s));
  const auto left = test::Run(*transcoder, sent, 40ms);
  const uint32_t rate = NativeRateOf(out());
  const auto tone = test::FindTone(Middle(test::Hear(out(), left, rate), rate, 2s), rate, kHz);
  EXPECT_NEAR(tone.level, kLevel, 0.7);
  EXPECT_GT(tone.purity, 20);
  EXPECT_EQ(transcoder->source().stats().concealed, 0u);
  EXPECT_EQ(transcoder->source().stats().shortened, 0u);
}

TEST_P(EachToEach, NumbersGoOnWithoutAGap) {
  const auto transcoder = test::MakeTranscoder(test::PlanOf(in(), out()));
  const auto left = test::Run(*transcoder, test::Packetize(in(), test::MakeSpeech(2s, 1)), 40ms);
  ASSERT_GT(left.size(), 95u);
  const uint32_t ticks = RtpClockOf(out()) / 50;
  for (size_t i = 0; i < left.size(); ++i) {
    const RtpHeader& header = left[i].header;
    EXPECT_EQ(header.sequence, static_cast<uint16_t>(test::kFirstOut.sequence + i));
    EXPECT_EQ(header.timestamp, left[0].header.timestamp + static_cast<uint32_t>(i) * ticks);
    EXPECT_EQ(header.ssrc, test::kFirstOut.ssrc);
    EXPECT_EQ(header.payload_type, test::TypeOf(out()));
    EXPECT_EQ(header.marker, i == 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Codecs, EachToEach,
                         Combine(ValuesIn(test::kCodecs), ValuesIn(test::kCodecs)),
                         [](const auto& which) {
                           return test::NameOf(std::get<0>(which.param)) + "_to_" +
                                  test::NameOf(std::get<1>(which.param));
                         });

// ptime of what comes in and of what goes out, ms.
class Ptimes : public ::testing::TestWithParam<std::tuple<AudioCodec, int, int>> {};

TEST_P(Ptimes, EachPtimeBecomesTheOneThatIsAskedFor) {
  const auto [codec, in, out] = GetParam();
  const auto transcoder = test::MakeTranscoder(test::PlanOf(codec, AudioCodec::kPcmu, out * 1ms));
  const auto sent = test::Packetize(codec, test::MakeTone(kHz, kLevel, 3s), {.ptime = in * 1ms});
  const auto left = test::Run(*transcoder, sent, 20ms);
  for (const LinePacket& packet : left) {
    ASSERT_EQ(packet.payload.size(), static_cast<size_t>(out) * 8);
  }
  const auto tone =
      test::FindTone(Middle(test::Hear(AudioCodec::kPcmu, left, 8000), 8000, 2s), 8000, kHz);
  EXPECT_NEAR(tone.level, kLevel, 0.7);
  EXPECT_GT(tone.purity, 20);
  EXPECT_EQ(transcoder->source().stats().starved, 0u);
}

INSTANTIATE_TEST_SUITE_P(Times, Ptimes,
                         Combine(Values(AudioCodec::kOpus, AudioCodec::kPcma),
                                 Values(10, 20, 40, 60), Values(10, 20, 30, 40, 60)),
                         [](const auto& which) {
                           return test::NameOf(std::get<0>(which.param)) + "_" +
                                  std::to_string(std::get<1>(which.param)) + "_to_" +
                                  std::to_string(std::get<2>(which.param));
                         });

class TranscoderTest : public ::testing::Test {
 protected:
  std::array<uint8_t, Transcoder::kMaxPacket> room_{};
  const std::unique_ptr<Transcoder> transcoder_ =
      test::MakeTranscoder(test::PlanOf(AudioCodec::kPcma, AudioCodec::kOpus));
  const std::vector<LinePacket> speech_ =
      test::Packetize(AudioCodec::kPcma, test::MakeSpeech(2s, 1));
};

TEST_F(TranscoderTest, NothingIsDueBeforeAPacketCame) {
  EXPECT_EQ(transcoder_->next(), kNever);
  EXPECT_FALSE(transcoder_->Pop(TimePoint{} + 1h, room_));
}

TEST_F(TranscoderTest, ASourceThatDiesIsSeenAsDead) {
  const auto left = test::Run(*transcoder_, speech_, 1min);
  EXPECT_EQ(transcoder_->next(), kNever);
  const Duration longer = left.back().at - speech_.back().at;
  EXPECT_LE(longer, Transcoder::kSilent);
  EXPECT_GE(longer, Transcoder::kSilent - 20ms);
}

TEST_F(TranscoderTest, ASourceThatComesBackGoesOnWhereTimeIs) {
  auto packets = speech_;
  const auto later =
      test::Packetize(AudioCodec::kPcma, test::MakeSpeech(1s, 2),
                      {.first_sequence = 9, .ssrc = 77, .start = speech_[0].at + 1min});
  packets.insert(packets.end(), later.begin(), later.end());
  const auto left = test::Run(*transcoder_, packets);
  const auto first = std::ranges::find_if(
      left, [&](const LinePacket& packet) { return packet.at >= later[0].at; });
  ASSERT_NE(first, left.end());
  EXPECT_TRUE(first->header.marker);
  EXPECT_EQ(first->header.sequence, static_cast<uint16_t>(std::prev(first)->header.sequence + 1));
  const Duration passed = first->at - left[0].at;
  EXPECT_EQ(first->header.timestamp - left[0].header.timestamp, SamplesOf(passed, 48000));
}

TEST_F(TranscoderTest, ALateCallerGetsWhatIsDueAndNotWhatIsLongOverdue) {
  TimePoint now = speech_[0].at;
  RtpHeader last;
  for (size_t i = 0; i < 20; ++i) {
    now = speech_[i].at;
    transcoder_->OnPacket(speech_[i].header, speech_[i].payload, now, room_);
    while (const auto packet = transcoder_->Pop(now, room_)) last = packet->header;
  }
  const RtpHeader before = last;
  now += 100ms;
  size_t due = 0;
  while (transcoder_->Pop(now, room_)) ++due;
  EXPECT_EQ(due, 5u);
  now += 1s;
  due = 0;
  for (; const auto packet = transcoder_->Pop(now, room_); ++due) last = packet->header;
  EXPECT_LE(due, 2u);
  EXPECT_EQ(last.timestamp, before.timestamp + 48000 / 10 * 11);
}

TEST_F(TranscoderTest, WhatIsNoAudioOfThePlanIsRefused) {
  const TimePoint now = speech_[0].at;
  const RtpHeader header{.payload_type = 8};
  const Bytes long_one(1500);
  transcoder_->OnPacket(header, long_one, now, room_);
  transcoder_->OnPacket(header, {}, now, room_);
  transcoder_->OnPacket({.payload_type = 0}, Bytes(160), now, room_);
  EXPECT_EQ(transcoder_->stats().refused, 3u);
  EXPECT_EQ(transcoder_->next(), kNever);
}

TEST_F(TranscoderTest, ComfortNoiseIsHeardAtItsLevelUntilTheVoiceComesBack) {
  TranscoderPlan plan = test::PlanOf(AudioCodec::kPcma, AudioCodec::kPcmu);
  plan.noise_in = 13;
  const auto transcoder = test::MakeTranscoder(plan);
  auto packets = speech_;
  LinePacket noise = packets.back();
  noise.at += 20ms;
  noise.header.sequence += 1;
  noise.header.timestamp += 160;
  noise.header.payload_type = 13;
  noise.payload = {50};
  packets.push_back(noise);
  const auto left = test::Run(*transcoder, packets, 10s);
  const Samples heard = test::Hear(AudioCodec::kPcmu, left, 8000);
  const Pcm late = Pcm(heard).last(8000);
  // A sine that fills the range is 3 dB below overload.
  EXPECT_NEAR(test::LevelOf(late), -50 + 3, 1);
  EXPECT_EQ(transcoder->source().stats().starved, 0u);
}

}  // namespace
}  // namespace lastmile::media

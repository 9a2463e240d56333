// Digits beside the codecs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/codec_line.h"

namespace lastmile::media {
namespace {

using test::LinePacket;
using test::Samples;

constexpr uint8_t kEventIn = 110;
constexpr uint8_t kEventOut = 101;

struct Way {
  AudioCodec in;
  AudioCodec out;
  uint32_t in_clock;
  uint32_t out_clock;
};

// 400 ms of a voice, a digit of 100 ms and 500 ms of voice again.
class EventsTest : public ::testing::TestWithParam<Way> {
 protected:
  enum class Meanwhile { kNothing, kTone };

  // The audio of the digit, where it is sent too, is a tone of 697 Hz.
  std::vector<LinePacket> Packets(Meanwhile meanwhile) const {
    Samples source = test::MakeTone(1200, -12, 1s);
    const Samples digit = test::MakeTone(697, -6, 100ms);
    std::ranges::copy(digit, source.begin() + 400 * 48);
    auto audio = test::Packetize(GetParam().in, source);
    std::vector<LinePacket> packets(audio.begin(), audio.begin() + 20);
    uint16_t sequence = audio[20].header.sequence;
    for (int i = 1; i <= 7; ++i) {  // 5, and the last twice again
      const size_t at = 20 + std::min(i - 1, 4);
      const auto duration = static_cast<uint16_t>(GetParam().in_clock / 50 * std::min(i, 5));
      LinePacket event = audio[at];
      event.header = {.marker = i == 1,
                      .payload_type = kEventIn,
                      .sequence = sequence++,
                      .timestamp = audio[20].header.timestamp,
                      .ssrc = audio[0].header.ssrc};
      event.payload.assign(TelephoneEvent::kSize, 0);
      TelephoneEvent{.event = 5, .end = i >= 5, .duration = duration}.Write(event.payload);
      packets.push_back(event);
      if (meanwhile == Meanwhile::kNothing || i > 5) continue;
      audio[at].header.sequence = sequence++;
      packets.push_back(audio[at]);
    }
    for (size_t i = 25; i < audio.size(); ++i) {
      audio[i].header.sequence = sequence++;
      packets.push_back(audio[i]);
    }
    return packets;
  }

  std::unique_ptr<Transcoder> Make(std::optional<uint8_t> event_out = kEventOut) const {
    TranscoderPlan plan = test::PlanOf(GetParam().in, GetParam().out);
    plan.events = EventTypes{kEventIn, GetParam().in_clock, event_out, GetParam().out_clock};
    return test::MakeTranscoder(plan);
  }

  static std::vector<LinePacket> OfType(const std::vector<LinePacket>& packets, uint8_t type) {
    std::vector<LinePacket> of_type;
    std::ranges::copy_if(packets, std::back_inserter(of_type), [type](const LinePacket& packet) {
      return packet.header.payload_type == type;
    });
    return of_type;
  }

  // The loudest 20 ms of the digit's tone in what is heard.
  double LoudestTone(const std::vector<LinePacket>& left) const {
    const uint32_t rate = NativeRateOf(GetParam().out);
    const Samples heard = test::Hear(GetParam().out, left, rate);
    double loudest = -100;
    for (size_t at = 0; at + rate / 50 <= heard.size(); at += rate / 50) {
      loudest =
          std::max(loudest, test::FindTone(Pcm(heard).subspan(at, rate / 50), rate, 697).level);
    }
    return loudest;
  }
};

TEST_P(EventsTest, ADigitPassesInTheOtherClock) {
  const auto transcoder = Make();
  const auto sent = Packets(Meanwhile::kNothing);
  const auto left = test::Run(*transcoder, sent);
  const auto events = OfType(left, kEventOut);
  ASSERT_EQ(events.size(), 7u);
  for (size_t i = 0; i < events.size(); ++i) {
    const auto event = TelephoneEvent::Parse(events[i].payload);
    ASSERT_TRUE(event);
    EXPECT_EQ(event->event, 5);
    EXPECT_EQ(event->end, i >= 4);
    EXPECT_EQ(event->duration, GetParam().out_clock / 50 * std::min<size_t>(i + 1, 5));
    EXPECT_EQ(events[i].header.marker, i == 0);
    EXPECT_EQ(events[i].header.timestamp, events[0].header.timestamp);
    EXPECT_EQ(events[i].header.ssrc, test::kFirstOut.ssrc);
  }
}

TEST_P(EventsTest, APacketThatTheNetworkDoublesLeavesOnce) {
  const auto transcoder = Make();
  auto sent = Packets(Meanwhile::kNothing);
  sent.insert(sent.begin() + 22, sent[21]);
  EXPECT_EQ(OfType(test::Run(*transcoder, sent), kEventOut).size(), 7u);
}

// At once, on the time line of the audio, and in its numbers.
TEST_P(EventsTest, ADigitStandsWhereItWasOnTheTimeLine) {
  const auto transcoder = Make();
  const auto sent = Packets(Meanwhile::kNothing);
  const auto left = test::Run(*transcoder, sent);
  const auto events = OfType(left, kEventOut);
  EXPECT_EQ(events[0].at, sent[20].at);
  const uint32_t clock = RtpClockOf(GetParam().out);
  EXPECT_EQ(events[0].header.timestamp - left[0].header.timestamp,
            SamplesOf(events[0].at - left[0].at, clock));
  for (size_t i = 1; i < left.size(); ++i) {
    EXPECT_EQ(left[i].header.sequence, static_cast<uint16_t>(left[i - 1].header.sequence + 1));
    if (left[i].header.payload_type == kEventOut || left[i - 1].header.payload_type == kEventOut) {
      continue;
    }
    EXPECT_EQ(left[i].header.timestamp - left[i - 1].header.timestamp,
              SamplesOf(left[i].at - left[i - 1].at, clock));
  }
}

TEST_P(EventsTest, NoAudioLeavesMeanwhile) {
  const auto transcoder = Make();
  const auto sent = Packets(Meanwhile::kTone);
  const auto left = test::Run(*transcoder, sent);
  const auto events = OfType(left, kEventOut);
  for (const LinePacket& packet : OfType(left, test::TypeOf(GetParam().out))) {
    EXPECT_TRUE(packet.at < events.front().at || packet.at >= events[4].at);
  }
}

TEST_P(EventsTest, TheToneOfADigitIsNotHeardBesideIt) {
  const auto with_tone = Packets(Meanwhile::kTone);
  const auto transcoder = Make();
  const auto left = test::Run(*transcoder, with_tone);
  EXPECT_LT(LoudestTone(left), -25);
  // And the voice is heard again.
  const uint32_t rate = NativeRateOf(GetParam().out);
  const Samples heard = test::Hear(GetParam().out, left, rate);
  const Pcm end = Pcm(heard).subspan(heard.size() - rate * 6 / 10, rate / 5);
  EXPECT_NEAR(test::FindTone(end, rate, 1200).level, -12, 1);
}

TEST_P(EventsTest, ADigitWithoutATypeIsTold) {
  const auto transcoder = Make(std::nullopt);
  const auto left = test::Run(*transcoder, Packets(Meanwhile::kTone));
  EXPECT_EQ(transcoder->TakeHeard(), 5);
  EXPECT_EQ(transcoder->TakeHeard(), std::nullopt);
  EXPECT_TRUE(OfType(left, kEventOut).empty());
  EXPECT_LT(LoudestTone(left), -25);
}

INSTANTIATE_TEST_SUITE_P(Ways, EventsTest,
                         ::testing::Values(Way{AudioCodec::kOpus, AudioCodec::kPcmu, 48000, 8000},
                                           Way{AudioCodec::kPcmu, AudioCodec::kOpus, 8000, 48000},
                                           Way{AudioCodec::kOpus, AudioCodec::kG722, 8000, 8000},
                                           Way{AudioCodec::kG722, AudioCodec::kPcma, 8000, 8000}),
                         [](const auto& which) {
                           return test::NameOf(which.param.in) +
                                  std::to_string(which.param.in_clock) + "_to_" +
                                  test::NameOf(which.param.out) +
                                  std::to_string(which.param.out_clock);
                         });

TEST(Events, ADigitBeforeAllAudioPasses) {
  TranscoderPlan plan = test::PlanOf(AudioCodec::kOpus, AudioCodec::kPcmu);
  plan.events = EventTypes{kEventIn, 48000, kEventOut, 8000};
  const auto transcoder = test::MakeTranscoder(plan);
  std::array<uint8_t, Transcoder::kMaxPacket> room;
  Bytes payload(TelephoneEvent::kSize);
  TelephoneEvent{.event = 1, .duration = 960}.Write(payload);
  const TimePoint now = TimePoint{} + 1h;
  const auto first = transcoder->OnPacket({.payload_type = kEventIn, .sequence = 1, .timestamp = 9},
                                          payload, now, room);
  ASSERT_TRUE(first);
  EXPECT_EQ(first->header.timestamp, test::kFirstOut.timestamp);
  const auto second = transcoder->OnPacket(
      {.payload_type = kEventIn, .sequence = 2, .timestamp = 48009}, payload, now + 1s, room);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->header.timestamp, test::kFirstOut.timestamp + 8000);
  EXPECT_EQ(transcoder->next(), kNever);
}

}  // namespace
}  // namespace lastmile::media

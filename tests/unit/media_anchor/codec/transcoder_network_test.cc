// What networks and clocks do to a stream, in scripted and in seeded form.
#include <gtest/gtest.h>

#include <iostream>
#include <random>

#include "media_anchor/codec/transcoder.h"
#include "tests/support/codec_line.h"

namespace lastmile::media {
namespace {

using test::LinePacket;
using test::Samples;

std::vector<LinePacket> WithLoss(std::vector<LinePacket> packets, double share, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::erase_if(packets, [&](const LinePacket&) {
    return static_cast<double>(random() >> 11) * 0x1p-53 < share;
  });
  return packets;
}

// Each packet by itself: they overtake each other.
std::vector<LinePacket> WithJitter(std::vector<LinePacket> packets, Duration most, uint64_t seed) {
  std::mt19937_64 random(seed);
  for (LinePacket& packet : packets) {
    packet.at += Duration(static_cast<int64_t>(random() % static_cast<uint64_t>(most.count() + 1)));
  }
  return packets;
}

// The sender's clock runs so many millionths fast.
std::vector<LinePacket> WithDrift(std::vector<LinePacket> packets, double ppm) {
  const TimePoint start = packets.front().at;
  for (LinePacket& packet : packets) {
    const Duration since = packet.at - start;
    packet.at =
        start + Duration(std::llround(static_cast<double>(since.count()) / (1 + ppm / 1e6)));
  }
  return packets;
}

struct Heard {
  test::Compared compared;
  PcmSource::Stats stats;
  JitterBuffer::Stats jitter;
};

Heard Through(AudioCodec in, AudioCodec out, const std::vector<LinePacket>& packets,
              const Samples& source) {
  const auto transcoder = test::MakeTranscoder(test::PlanOf(in, out));
  const auto left = test::Run(*transcoder, packets, 20ms);
  const uint32_t rate = NativeRateOf(out);
  return {test::SegmentalSnr(test::Hear(out, left, rate), rate, source),
          transcoder->source().stats(), transcoder->source().jitter().stats()};
}

// What the lost packets leave if nothing is put in their place.
test::Compared Unconcealed(AudioCodec in, const std::vector<LinePacket>& all,
                           const std::vector<LinePacket>& arrived, const Samples& source) {
  const uint32_t rate = NativeRateOf(in);
  const size_t frame = rate / 50;
  Samples heard;
  const auto decoder = AudioDecoder::Create(in, rate);
  Samples room(SamplesOf(kLongestPacket, rate));
  size_t next = 0;
  for (const LinePacket& packet : all) {
    std::ranges::fill(room, int16_t{0});
    if (next < arrived.size() && arrived[next].header.sequence == packet.header.sequence) {
      decoder->Decode(arrived[next++].payload, room);
    }
    heard.insert(heard.end(), room.begin(), room.begin() + static_cast<ptrdiff_t>(frame));
  }
  return test::SegmentalSnr(heard, rate, source);
}

struct Loss {
  AudioCodec in;
  int percent;
};
class LossTest : public ::testing::TestWithParam<Loss> {};

TEST_P(LossTest, WhatIsLostIsConcealed) {
  const auto [in, percent] = GetParam();
  const AudioCodec out = in == AudioCodec::kOpus ? AudioCodec::kPcmu : AudioCodec::kPcma;
  const Samples source = test::MakeSpeech(10s, 3);
  const auto packets = test::Packetize(in, source);
  const auto arrived = WithLoss(packets, percent / 100.0, 5);
  const auto heard = Through(in, out, arrived, source);
  const auto clean = Through(in, out, packets, source).compared;
  const auto holes = Unconcealed(in, packets, arrived, source);
  const auto print = [](const char* what, const test::Compared& compared) {
    std::cout << what << compared.snr << " dB, levels " << compared.level_error << " dB off";
  };
  std::cout << test::NameOf(in) << " at " << percent;
  print(" % loss: ", heard.compared);
  print("; without loss: ", clean);
  print("; with holes: ", holes);
  std::cout << '\n';
  const uint64_t lost = packets.size() - arrived.size();
  EXPECT_NEAR(static_cast<double>(heard.jitter.lost), static_cast<double>(lost), 3);
  EXPECT_EQ(heard.stats.broken, 0u);
  EXPECT_LT(heard.compared.snr, clean.snr);
  // What a voice would have said is not known; that it goes on is.
  EXPECT_LT(heard.compared.level_error, holes.level_error / 2);
  // A copy knows more.
  if (in == AudioCodec::kOpus) {
    EXPECT_GT(heard.compared.snr, holes.snr);
  }
}

INSTANTIATE_TEST_SUITE_P(Shares, LossTest,
                         ::testing::Values(Loss{AudioCodec::kOpus, 5}, Loss{AudioCodec::kOpus, 20},
                                           Loss{AudioCodec::kG722, 5}, Loss{AudioCodec::kG722, 20},
                                           Loss{AudioCodec::kPcmu, 5}, Loss{AudioCodec::kPcmu, 20}),
                         [](const auto& which) {
                           return test::NameOf(which.param.in) + "_" +
                                  std::to_string(which.param.percent);
                         });

// The copy that the next packet carries is nearer to what was lost than a guess.
TEST(Fec, OfOpusIsUsed) {
  const Samples source = test::MakeSpeech(10s, 3);
  const auto packets = test::Packetize(AudioCodec::kOpus, source);
  std::vector<LinePacket> arrived;
  for (size_t i = 0; i < packets.size(); ++i) {
    if (i % 5 != 3) arrived.push_back(packets[i]);
  }
  const double with_copy =
      Through(AudioCodec::kOpus, AudioCodec::kPcmu, arrived, source).compared.snr;
  // The same by hand, without looking at the next packet.
  const auto decoder = AudioDecoder::Create(AudioCodec::kOpus, 8000);
  Samples guessed;
  Samples room(960);
  for (size_t i = 0; i < packets.size(); ++i) {
    const auto frame = MutablePcm(room).first(160);
    if (i % 5 == 3) {
      decoder->Conceal({}, frame);
    } else {
      decoder->Decode(packets[i].payload, room);
    }
    guessed.insert(guessed.end(), frame.begin(), frame.end());
  }
  const double without = test::SegmentalSnr(guessed, 8000, source).snr;
  std::cout << "every 5th packet lost: with the copy " << with_copy << " dB, without " << without
            << " dB\n";
  EXPECT_GT(with_copy, without + 0.5);
}

class JitterTest : public ::testing::TestWithParam<int> {};

TEST_P(JitterTest, HardlyAnythingIsTooLate) {
  const Duration most = GetParam() * 1ms;
  const Samples source = test::MakeSpeech(16s, 4);
  const auto packets =
      WithJitter(test::Packetize(AudioCodec::kOpus, source), most, 11 + most.count());
  const auto heard = Through(AudioCodec::kOpus, AudioCodec::kPcmu, packets, source);
  std::cout << GetParam() << " ms of jitter: " << heard.jitter.late << " late, "
            << heard.jitter.lost << " lost, " << heard.stats.starved << " starved, "
            << heard.stats.shortened << " shortened, " << heard.stats.lengthened << " lengthened\n";
  // 800 packets.
  EXPECT_LE(heard.jitter.late, 8u);
  EXPECT_LE(heard.stats.concealed, 8u);
  EXPECT_EQ(heard.jitter.discarded, 0u);
  EXPECT_EQ(heard.jitter.streams, 1u);
}

INSTANTIATE_TEST_SUITE_P(Milliseconds, JitterTest, ::testing::Values(0, 10, 20, 40, 80));

// The way becomes longer in mid-call: a gap, and then everything is as it was.
TEST(Detour, IsHeardOnce) {
  for (const Duration detour : {100ms, 300ms, 800ms}) {
    const Samples source = test::MakeSpeech(10s, 4);
    auto packets = test::Packetize(AudioCodec::kPcma, source);
    for (size_t i = 200; i < packets.size(); ++i) packets[i].at += detour;
    const auto heard = Through(AudioCodec::kPcma, AudioCodec::kPcmu, packets, source);
    EXPECT_LE(heard.stats.concealed, static_cast<uint64_t>(detour / 10ms) + 4) << detour / 1ms;
    EXPECT_EQ(heard.jitter.discarded, 0u) << detour / 1ms;
    EXPECT_LE(heard.stats.shortened, 10u) << detour / 1ms;
    EXPECT_LE(heard.stats.lengthened, 10u) << detour / 1ms;
  }
}

class DriftTest : public ::testing::TestWithParam<int> {};

// 5 minutes are 60 ms of drift: three packets too many or too few.
TEST_P(DriftTest, ACallOfFiveMinutesKeepsItsDelay) {
  const Samples part = test::MakeSpeech(10s, 9);
  Samples source;
  for (int i = 0; i < 30; ++i) source.insert(source.end(), part.begin(), part.end());
  const auto packets =
      WithJitter(WithDrift(test::Packetize(AudioCodec::kPcma, source), GetParam()), 10ms, 21);
  const auto transcoder = test::MakeTranscoder(test::PlanOf(AudioCodec::kPcma, AudioCodec::kPcmu));
  const std::vector<LinePacket> first(packets.begin(), packets.begin() + 3000);
  auto left = test::Run(*transcoder, first, Duration{});
  const uint64_t starved_first = transcoder->source().stats().starved;
  test::Run(*transcoder, {packets.begin() + 3000, packets.end()}, Duration{});
  const auto& stats = transcoder->source().stats();
  std::cout << GetParam() << " ppm: " << stats.starved << " starved, " << stats.shortened
            << " shortened, " << stats.lengthened << " lengthened\n";
  EXPECT_LE(stats.starved, starved_first + 2);
  EXPECT_LE(transcoder->source().jitter().stats().late, 5u);
  EXPECT_EQ(transcoder->source().jitter().stats().streams, 1u);
  // 60 ms by splices of 5 to 15 ms.
  EXPECT_GE(stats.shortened, GetParam() > 0 ? 2u : 0u);
  EXPECT_LE(stats.shortened, 20u);
  EXPECT_LE(stats.lengthened, 20u);
}

INSTANTIATE_TEST_SUITE_P(Ppm, DriftTest, ::testing::Values(-200, 0, 200), [](const auto& which) {
  return which.param < 0 ? "slow" : which.param > 0 ? "fast" : "true";
});

// Sequence numbers wrap twice; timestamps do at the start.
TEST(Wrap, SeventyThousandPackets) {
  const Samples second = test::MakeTone(1000, -12, 1s);
  const auto payloads = test::EncodeAll(AudioCodec::kPcma, second);
  const auto transcoder = test::MakeTranscoder(test::PlanOf(AudioCodec::kPcma, AudioCodec::kPcmu));
  std::array<uint8_t, Transcoder::kMaxPacket> room;
  RtpHeader header{.payload_type = 8, .sequence = 65000, .timestamp = 0xfffff000, .ssrc = 1};
  TimePoint now = TimePoint{} + 1h;
  uint64_t left = 0;
  uint16_t expected = test::kFirstOut.sequence;
  for (int i = 0; i < 70000; ++i) {
    transcoder->OnPacket(header, payloads[static_cast<size_t>(i) % payloads.size()], now, room);
    while (const auto packet = transcoder->Pop(now, room)) {
      ASSERT_EQ(packet->header.sequence, expected++);
      ++left;
    }
    ++header.sequence;
    header.timestamp += 160;
    now += 20ms;
  }
  EXPECT_GE(left, 69990u);
  EXPECT_EQ(transcoder->source().stats().concealed, 0u);
  EXPECT_EQ(transcoder->source().jitter().stats().streams, 1u);
}

TEST(Stream, AnotherSourceIsHeardAfterItsDelay) {
  const auto first = test::Packetize(AudioCodec::kPcma, test::MakeTone(1000, -12, 1s));
  auto packets = first;
  const auto second = test::Packetize(
      AudioCodec::kPcma, test::MakeTone(600, -12, 1s),
      {.first_sequence = 40000, .first_timestamp = 77, .ssrc = 2, .start = first.back().at + 20ms});
  packets.insert(packets.end(), second.begin(), second.end());
  const auto transcoder = test::MakeTranscoder(test::PlanOf(AudioCodec::kPcma, AudioCodec::kPcmu));
  const auto left = test::Run(*transcoder, packets, 20ms);
  EXPECT_EQ(transcoder->source().jitter().stats().streams, 2u);
  const Samples heard = test::Hear(AudioCodec::kPcmu, left, 8000);
  const auto tone = test::FindTone(Pcm(heard).last(6400), 8000, 600);
  EXPECT_NEAR(tone.level, -12, 0.5);
  EXPECT_GT(tone.purity, 25);
  for (size_t i = 1; i < left.size(); ++i) {
    ASSERT_EQ(left[i].header.sequence, static_cast<uint16_t>(left[i - 1].header.sequence + 1));
    ASSERT_EQ(left[i].header.timestamp, left[i - 1].header.timestamp + 160);
  }
}

}  // namespace
}  // namespace lastmile::media

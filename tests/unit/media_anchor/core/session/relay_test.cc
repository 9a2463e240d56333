#include "media_anchor/core/relay.h"

#include <gtest/gtest.h>

#include <set>

namespace lastmile::media {
namespace {

const PayloadMapping kPcmu{
    .browser_pt = 0, .trunk_pt = 0, .trunk_pt_in = 0, .clock_rate = 8000, .telephone_event = false};
const PayloadMapping kEvents{.browser_pt = 126,
                             .trunk_pt = 101,
                             .trunk_pt_in = 101,
                             .clock_rate = 8000,
                             .telephone_event = true};

class RelayTest : public testing::Test {
 protected:
  RelayTest() { relay_.SetPayloads(std::vector{kPcmu, kEvents}); }

  std::optional<RtpHeader> Send(RtpHeader in) { return SendOn(relay_.to_trunk(), in); }
  std::optional<RtpHeader> SendOn(RelayStream& stream, RtpHeader in) {
    Bytes packet(172, 0x55);
    packet[0] = 0x80;
    packet[1] = static_cast<uint8_t>((in.marker ? 0x80 : 0) | in.payload_type);
    StoreBe16(&packet[2], in.sequence);
    StoreBe32(&packet[4], in.timestamp);
    StoreBe32(&packet[8], in.ssrc);
    const auto view = RtpView::Parse(packet);
    const auto out = stream.Forward(*view, now_);
    if (!out) return std::nullopt;
    EXPECT_EQ(out->packet.size(), 172u);
    return RtpView::Parse(out->packet)->header();
  }
  RtpHeader Packet(uint16_t sequence, uint32_t timestamp, uint32_t ssrc = 0x1111) {
    return {.marker = false,
            .payload_type = 0,
            .sequence = sequence,
            .timestamp = timestamp,
            .ssrc = ssrc};
  }

  SeededRandom random_{1};
  Relay relay_{random_, false};
  TimePoint now_{1000s};
};

TEST_F(RelayTest, MapsPayloadTypesBothWays) {
  RtpHeader event = Packet(1, 160);
  event.payload_type = 126;
  EXPECT_EQ(Send(event)->payload_type, 101);
  event.payload_type = 101;
  EXPECT_EQ(SendOn(relay_.to_browser(), event)->payload_type, 126);
}

TEST_F(RelayTest, TheTrunkMaySendAnotherNumberThanItTakes) {
  relay_.SetPayloads(std::vector{PayloadMapping{.browser_pt = 111,
                                                .trunk_pt = 96,
                                                .trunk_pt_in = 98,
                                                .clock_rate = 48000,
                                                .telephone_event = false}});
  RtpHeader opus = Packet(1, 160);
  opus.payload_type = 111;
  EXPECT_EQ(Send(opus)->payload_type, 96);
  opus.payload_type = 96;
  EXPECT_FALSE(SendOn(relay_.to_browser(), opus)) << "that is the number it takes";
  opus.payload_type = 98;
  EXPECT_EQ(SendOn(relay_.to_browser(), opus)->payload_type, 111);
}

TEST_F(RelayTest, TwoTypesMaySwapTheirNumbers) {
  const auto mapping = [](uint8_t browser, uint8_t out, uint8_t in) {
    return PayloadMapping{.browser_pt = browser,
                          .trunk_pt = out,
                          .trunk_pt_in = in,
                          .clock_rate = 8000,
                          .telephone_event = false};
  };
  relay_.SetPayloads(std::vector{mapping(96, 97, 98), mapping(97, 98, 97)});
  RtpHeader packet = Packet(1, 160);
  packet.payload_type = 97;
  EXPECT_EQ(Send(packet)->payload_type, 98);
  EXPECT_EQ(SendOn(relay_.to_browser(), packet)->payload_type, 97);
  packet = Packet(2, 320);
  packet.payload_type = 98;
  EXPECT_EQ(SendOn(relay_.to_browser(), packet)->payload_type, 96);
}

TEST_F(RelayTest, TakesTheMappingsOfItsKindOnly) {
  PayloadMapping vp8{.browser_pt = 96, .trunk_pt = 0, .trunk_pt_in = 0, .clock_rate = 90000};
  vp8.video = true;
  relay_.SetPayloads(std::vector{vp8, kPcmu});
  RtpHeader packet = Packet(1, 160);
  packet.payload_type = 96;
  EXPECT_FALSE(Send(packet));
  EXPECT_EQ(relay_.to_browser().ClockRateOf(0), 8000u);
  Relay video(random_, true);
  video.SetPayloads(std::vector{vp8, kPcmu});
  EXPECT_EQ(SendOn(video.to_trunk(), packet)->payload_type, 0);
  EXPECT_EQ(video.to_browser().ClockRateOf(0), 90000u);
}

TEST_F(RelayTest, DropsWhatIsInNoMapping) {
  RtpHeader opus = Packet(1, 160);
  opus.payload_type = 111;
  EXPECT_FALSE(Send(opus));
  relay_.SetPayloads({});
  EXPECT_FALSE(Send(Packet(2, 320)));
}

TEST_F(RelayTest, AMappingToATypeThatDoesNotExistMapsNothing) {
  relay_.SetPayloads(std::vector{PayloadMapping{.browser_pt = 0, .trunk_pt = 200}});
  EXPECT_FALSE(Send(Packet(1, 160)));
}

TEST_F(RelayTest, HidesTheSourceAndKeepsDistances) {
  const auto first = Send(Packet(65534, 0xfffffff0));
  ASSERT_TRUE(first);
  EXPECT_NE(first->ssrc, 0x1111u);
  EXPECT_TRUE(first->marker);
  for (uint16_t i = 1; i < 2000; ++i) {
    const auto next = Send(Packet(static_cast<uint16_t>(65534 + i), 0xfffffff0 + 160u * i));
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->marker);
    EXPECT_EQ(next->sequence, static_cast<uint16_t>(first->sequence + i));
    EXPECT_EQ(next->timestamp, first->timestamp + 160 * i);
    EXPECT_EQ(next->ssrc, first->ssrc);
  }
}

TEST_F(RelayTest, KeepsNumbersTogetherOverManyWraps) {
  const auto first = Send(Packet(0, 0));
  for (uint32_t i = 1; i < 3 * 65536 + 10; ++i) {
    const auto next = Send(Packet(static_cast<uint16_t>(i), 160 * i));
    ASSERT_TRUE(next);
    ASSERT_EQ(next->sequence, static_cast<uint16_t>(first->sequence + i));
    ASSERT_EQ(next->timestamp, first->timestamp + 160 * i);
  }
}

TEST_F(RelayTest, LossAndReorderingStayVisible) {
  const uint16_t base = Send(Packet(100, 0))->sequence;
  EXPECT_EQ(Send(Packet(103, 480))->sequence, static_cast<uint16_t>(base + 3));
  EXPECT_EQ(Send(Packet(101, 160))->sequence, static_cast<uint16_t>(base + 1));
  EXPECT_FALSE(Send(Packet(101, 160))) << "a duplicate";
  EXPECT_FALSE(Send(Packet(103, 480))) << "a duplicate";
  EXPECT_FALSE(Send(Packet(99, 480))) << "before the first";
  EXPECT_EQ(Send(Packet(102, 320))->sequence, static_cast<uint16_t>(base + 2));
}

TEST_F(RelayTest, ANewSourceGoesOnWhereTheOldOneStopped) {
  const auto last = Send(Packet(100, 5000));
  now_ += 60ms;
  const auto joined = Send(Packet(40000, 77, 0x2222));
  ASSERT_TRUE(joined);
  EXPECT_EQ(joined->ssrc, last->ssrc);
  EXPECT_EQ(joined->sequence, static_cast<uint16_t>(last->sequence + 1));
  EXPECT_EQ(joined->timestamp, last->timestamp + 480);  // 60 ms at 8 kHz
  EXPECT_TRUE(joined->marker);
  EXPECT_FALSE(Send(Packet(101, 5160))) << "a late packet of the source that was left";
  EXPECT_EQ(Send(Packet(40001, 237, 0x2222))->timestamp, joined->timestamp + 160);
  now_ += RelayStream::kLateWindow;
  EXPECT_EQ(Send(Packet(102, 5320))->sequence, static_cast<uint16_t>(joined->sequence + 2));
}

TEST_F(RelayTest, AnEventThatJoinsGetsNoMarkerOfOurs) {
  RtpHeader event = Packet(1, 160);
  event.payload_type = 126;
  EXPECT_FALSE(Send(event)->marker);
}

TEST_F(RelayTest, AStrayNumberIsDroppedAndAJumpFollowed) {
  const auto first = Send(Packet(100, 0));
  EXPECT_FALSE(Send(Packet(30000, 0)));
  EXPECT_EQ(Send(Packet(101, 160))->sequence, static_cast<uint16_t>(first->sequence + 1));
  EXPECT_FALSE(Send(Packet(50000, 9999)));
  const auto jumped = Send(Packet(50001, 10159));
  ASSERT_TRUE(jumped);
  EXPECT_EQ(jumped->sequence, static_cast<uint16_t>(first->sequence + 2));
  EXPECT_EQ(jumped->timestamp, first->timestamp + 160 + 160);
}

TEST_F(RelayTest, NoOutgoingNumberIsUsedTwiceWhateverComesIn) {
  std::mt19937 random(7);
  std::set<uint16_t> used;
  for (int i = 0; i < 20000 && used.size() < 60000; ++i) {
    now_ += 5ms;
    const auto out = Send(Packet(static_cast<uint16_t>(random() % 300 + (random() % 8) * 7000),
                                 static_cast<uint32_t>(random()), 1 + random() % 3));
    if (!out) continue;
    EXPECT_TRUE(used.insert(out->sequence).second) << out->sequence;
  }
  EXPECT_GT(used.size(), 100u);
}

TEST_F(RelayTest, TellsWhatTheSourceCalledANumber) {
  RelayStream& stream = relay_.to_trunk();
  EXPECT_FALSE(stream.source_ssrc());
  EXPECT_FALSE(stream.SourceSequenceOf(0));
  const uint16_t base = Send(Packet(65530, 0))->sequence;
  EXPECT_EQ(stream.source_ssrc(), 0x1111u);
  Send(Packet(65533, 480));
  for (uint16_t i = 0; i <= 3; ++i) {
    EXPECT_EQ(stream.SourceSequenceOf(static_cast<uint16_t>(base + i)), 65530 + i)
        << "sent or lost";
  }
  EXPECT_FALSE(stream.SourceSequenceOf(static_cast<uint16_t>(base + 4))) << "to come";
  EXPECT_FALSE(stream.SourceSequenceOf(static_cast<uint16_t>(base - 1))) << "before the first";
  now_ += 1s;
  const uint16_t joined = Send(Packet(7, 0, 0x2222))->sequence;
  EXPECT_EQ(stream.SourceSequenceOf(joined), 7);
  EXPECT_FALSE(stream.SourceSequenceOf(base)) << "of the source that was left";
  for (uint16_t i = 1; i < 5000; ++i) Send(Packet(static_cast<uint16_t>(7 + i), 160u * i, 0x2222));
  const auto highest = static_cast<uint16_t>(joined + 4999);
  EXPECT_EQ(stream.SourceSequenceOf(static_cast<uint16_t>(highest - RelayStream::kMaxAge + 1)),
            5006 - RelayStream::kMaxAge + 1);
  EXPECT_FALSE(stream.SourceSequenceOf(static_cast<uint16_t>(highest - RelayStream::kMaxAge)));
}

TEST_F(RelayTest, TheWindowOfLatePacketsHasNoHoles) {
  for (uint16_t step : {1, 2, 63, 64, 65, 127, 128, 129}) {
    Relay relay(random_, false);
    relay.SetPayloads(std::vector{kPcmu});
    const auto send = [&](int number) {
      return SendOn(relay.to_trunk(), Packet(static_cast<uint16_t>(number), 0)).has_value();
    };
    EXPECT_TRUE(send(1000));
    EXPECT_TRUE(send(1001));
    for (int i = 1002; i < 1200; i += 2) EXPECT_TRUE(send(i)) << i;
    EXPECT_TRUE(send(1198 + step));
    for (int age = 1; age < RelayStream::kMaxMisorder; ++age) {
      const int number = 1198 + step - age;
      const bool was_sent = number <= 1198 && number % 2 == 0;
      EXPECT_EQ(send(number), !was_sent) << number << " after a step of " << step;
      EXPECT_FALSE(send(number)) << "twice";
    }
  }
}

class VideoRelayTest : public RelayTest {
 protected:
  VideoRelayTest() {
    video_.SetPayloads(std::vector{PayloadMapping{.browser_pt = 0,
                                                  .trunk_pt = 0,
                                                  .trunk_pt_in = 0,
                                                  .clock_rate = 90000,
                                                  .telephone_event = false,
                                                  .video = true}});
  }
  Relay video_{random_, true};
};

TEST_F(VideoRelayTest, TheMarkerIsTheEndOfAPictureAndNotOurs) {
  RtpHeader packet = Packet(1, 3000);
  EXPECT_FALSE(SendOn(video_.to_trunk(), packet)->marker);
  packet = Packet(2, 3000);
  packet.marker = true;
  EXPECT_TRUE(SendOn(video_.to_trunk(), packet)->marker);
  now_ += 1s;
  EXPECT_FALSE(SendOn(video_.to_trunk(), Packet(900, 0, 0x2222))->marker);
}

TEST_F(VideoRelayTest, PacketsSentAgainTooLateMoveNothing) {
  uint16_t first = 0;
  for (uint16_t i = 0; i < 400; ++i) {
    const auto out = SendOn(video_.to_trunk(), Packet(i, 3000u * i));
    ASSERT_TRUE(out);
    if (i == 0) first = out->sequence;
  }
  for (uint16_t i = 10; i < 20; ++i) EXPECT_FALSE(SendOn(video_.to_trunk(), Packet(i, 3000u * i)));
  const auto next = SendOn(video_.to_trunk(), Packet(400, 3000 * 400));
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sequence, static_cast<uint16_t>(first + 400));
}

}  // namespace
}  // namespace lastmile::media

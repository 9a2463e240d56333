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
  Relay relay_{random_};
  TimePoint now_{1000s};
};

TEST_F(RelayTest, MapsPayloadTypesBothWays) {
  RtpHeader event = Packet(1, 160);
  event.payload_type = 126;
  EXPECT_EQ(Send(event)->payload_type, 101);
  event.payload_type = 101;
  EXPECT_EQ(SendOn(relay_.to_browser(), event)->payload_type, 126);
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

}  // namespace
}  // namespace lastmile::media

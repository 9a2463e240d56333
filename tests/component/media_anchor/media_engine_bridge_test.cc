#include <gtest/gtest.h>

#include "tests/component/media_anchor/engine_fixture.h"
#include "tests/support/rtcp_packets.h"

// A bridge between two carriers on real sockets.
namespace lastmile::media {
namespace {

using test::PlainRtpPeer;
using test::TestRtp;

constexpr uint8_t kFirstAudio = 8;
constexpr uint8_t kSecondAudio = 100;

class MediaEngineBridgeTest : public EngineTest {
 protected:
  // Both numbers of telephone-event differ, too.
  static std::vector<PayloadMapping> Payloads() {
    return {{.browser_pt = kFirstAudio,
             .trunk_pt = kSecondAudio,
             .trunk_pt_in = kSecondAudio,
             .clock_rate = 8000,
             .codec = AudioCodec::kPcma},
            {.browser_pt = 101,
             .trunk_pt = 96,
             .trunk_pt_in = 96,
             .clock_rate = 8000,
             .telephone_event = true}};
  }
  static TestRtp Audio(uint8_t type, uint16_t sequence) {
    return {.payload_type = type,
            .marker = false,
            .sequence = sequence,
            .timestamp = sequence * 160u,
            .ssrc = 4711,
            .payload = Bytes(160, 0x11)};
  }
  BridgeOpened OpenBetween(bool latch = false) {
    id_ = ids_.Next();
    EXPECT_TRUE(engine_->Post(OpenBridge{.session = id_,
                                         .first = first_.Description(latch),
                                         .second = second_.Description(),
                                         .payloads = Payloads()}));
    const auto opened = WaitEvent<BridgeOpened>(id_);
    EXPECT_TRUE(opened);
    return opened.value_or(BridgeOpened{});
  }
  static std::optional<std::pair<TestRtp, Endpoint>> Receive(PlainRtpPeer& peer) {
    std::optional<std::pair<TestRtp, Endpoint>> got;
    WaitFor([&] { return (got = peer.Receive()).has_value(); }, WaitABit);
    return got;
  }
  void ExpectEmpty() {
    EXPECT_EQ(engine_->gauges().sessions, 0u);
    EXPECT_EQ(engine_->gauges().ports_in_use, 0u);
  }

  PlainRtpPeer first_{Loopback(1)};
  PlainRtpPeer second_{Loopback(1)};
  SessionId id_;
};

TEST_F(MediaEngineBridgeTest, AudioAndDigitsGoBothWays) {
  StartEngine();
  const size_t descriptors = OpenDescriptors();
  const BridgeOpened opened = OpenBetween();
  EXPECT_EQ(engine_->gauges().sessions, 1u);
  EXPECT_EQ(engine_->gauges().ports_in_use, 4u);
  EXPECT_NE(opened.first.rtp, opened.second.rtp);
  for (uint16_t i = 0; i < 20; ++i) {
    first_.Send(Audio(i == 10 ? 101 : kFirstAudio, i), opened.first.rtp);
    const auto at_second = Receive(second_);
    second_.Send(Audio(i == 10 ? 96 : kSecondAudio, i), opened.second.rtp);
    const auto at_first = Receive(first_);
    ASSERT_TRUE(at_second && at_first) << i;
    EXPECT_EQ(at_second->second, opened.second.rtp) << "it comes from where the second one sends";
    EXPECT_EQ(at_second->first.payload_type, i == 10 ? 96 : kSecondAudio);
    EXPECT_EQ(at_first->second, opened.first.rtp);
    EXPECT_EQ(at_first->first.payload_type, i == 10 ? 101 : kFirstAudio);
    EXPECT_EQ(at_first->first.payload, Bytes(160, 0x11));
  }
  const SessionStats stats = CloseCall(id_);
  EXPECT_EQ(stats.browser_to_trunk.packets, 20u);
  EXPECT_EQ(stats.trunk_to_browser.packets, 20u);
  ExpectEmpty();
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST_F(MediaEngineBridgeTest, StrangersAreNotHeard) {
  StartEngine();
  const BridgeOpened opened = OpenBetween();
  PlainRtpPeer stranger(Loopback(1));
  stranger.Send(Audio(kFirstAudio, 7), opened.first.rtp);
  second_.Send(Audio(kFirstAudio, 8), opened.first.rtp);  // the other carrier, at the wrong port
  first_.Send(Audio(kFirstAudio, 9), opened.first.rtp);
  const auto at_second = Receive(second_);
  ASSERT_TRUE(at_second);
  EXPECT_EQ(CloseCall(id_).browser_to_trunk.packets, 1u);
  ExpectEmpty();
}

TEST_F(MediaEngineBridgeTest, ASideMayComeLaterAndMove) {
  StartEngine();
  id_ = ids_.Next();
  ASSERT_TRUE(engine_->Post(OpenBridge{.session = id_}));
  const auto opened = WaitEvent<BridgeOpened>(id_);
  ASSERT_TRUE(opened);
  PlainRtpPeer moved(Loopback(1));
  for (PlainRtpPeer* first : {&first_, &moved}) {
    ASSERT_TRUE(engine_->Post(UpdateBridge{.session = id_,
                                           .first = first->Description(),
                                           .second = second_.Description(),
                                           .payloads = Payloads()}));
    uint16_t sequence = 0;
    EXPECT_TRUE(WaitFor([&] { return first->Receive().has_value(); },
                        [&] {
                          second_.Send(Audio(kSecondAudio, ++sequence), opened->second.rtp);
                          WaitABit();
                        }));
  }
  CloseCall(id_);
  ExpectEmpty();
}

TEST_F(MediaEngineBridgeTest, EachSideGetsReports) {
  StartEngine();
  const BridgeOpened opened = OpenBetween();
  first_.Send(Audio(kFirstAudio, 1), opened.first.rtp);
  ASSERT_TRUE(Receive(second_));
  first_.SendRtcp(test::Compound({}), opened.first.rtcp);
  std::optional<std::pair<Bytes, Endpoint>> at_first;
  std::optional<std::pair<Bytes, Endpoint>> at_second;
  WaitFor(
      [&] {
        if (!at_first) at_first = first_.ReceiveRtcp();
        if (!at_second) at_second = second_.ReceiveRtcp();
        return at_first && at_second;
      },
      WaitABit);
  ASSERT_TRUE(at_first && at_second);
  EXPECT_EQ(at_first->second, opened.first.rtcp);
  EXPECT_EQ(at_second->second, opened.second.rtcp);
  CloseCall(id_);
  ExpectEmpty();
}

TEST_F(MediaEngineBridgeTest, ADigitByCommandReachesTheSideThatIsNamed) {
  StartEngine();
  OpenBetween();
  ASSERT_TRUE(
      engine_->Post(SendDigit{.session = id_, .event = 7, .duration = 60ms, .to_first = true}));
  const auto at_first = Receive(first_);
  ASSERT_TRUE(at_first);
  EXPECT_EQ(at_first->first.payload_type, 101);
  EXPECT_EQ(at_first->first.payload.at(0), 7);
  EXPECT_FALSE(second_.Receive());
  CloseCall(id_);
  ExpectEmpty();
}

// One pair is free: a bridge needs two, and gives the one back.
TEST_F(MediaEngineBridgeTest, WithoutTwoPairsOfPortsItIsRefused) {
  MediaOptions options = LoopbackOptions();
  options.trunk_port_max = static_cast<uint16_t>(options.trunk_port_min + 1);
  StartEngine(options);
  id_ = ids_.Next();
  ASSERT_TRUE(engine_->Post(OpenBridge{.session = id_}));
  const auto failed = WaitEvent<SessionFailed>(id_);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->fault, SessionFault::kNoPort);
  EXPECT_EQ(engine_->gauges().ports_in_use, 0u);
  CloseCall(id_);
  ExpectEmpty();
}

TEST_F(MediaEngineBridgeTest, StoppingTheEngineClosesBridgesToo) {
  StartEngine();
  OpenBetween();
  engine_->Stop();
  EXPECT_TRUE(WaitEvent<SessionClosed>(id_));
  ExpectEmpty();
}

}  // namespace
}  // namespace lastmile::media

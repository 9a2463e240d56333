#include "media_anchor/core/trunk_bridge.h"

#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/event_receiver.h"
#include "tests/unit/media_anchor/core/session/fake_browser.h"

namespace lastmile::media {
namespace {

const Endpoint kStranger = *Endpoint::Parse("203.0.113.66:4000");

// A sender report of `ssrc` and nothing else.
Bytes SenderReport(uint32_t ssrc) {
  Bytes report(28);
  report[0] = 0x80;
  report[1] = 200;
  StoreBe16(&report[2], 6);
  StoreBe32(&report[4], ssrc);
  return report;
}

TEST_F(BridgeTest, AudioGoesBothWaysInTheNumbersOfEachSide) {
  Update(first_, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 10), first_.rtp);
  Rtp(kSecond, PlainRtp(kSecondAudioIn, 20), second_.rtp);
  const auto sent = TakeSent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].endpoint, second_.rtp);
  EXPECT_EQ(sent[0].kind, kSecond);
  EXPECT_EQ(sent[0].bytes[1] & 0x7f, kSecondAudioOut);
  EXPECT_EQ(sent[1].endpoint, first_.rtp);
  EXPECT_EQ(sent[1].kind, kFirst);
  EXPECT_EQ(sent[1].bytes[1] & 0x7f, kFirstAudioOut);
  EXPECT_EQ(bridge_.stats().browser_to_trunk.packets, 1u);
  EXPECT_EQ(bridge_.stats().trunk_to_browser.packets, 1u);
}

TEST_F(BridgeTest, ARelayedPacketLeavesNothingElseToDo) {
  Update(first_, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 10), first_.rtp);
  EXPECT_FALSE(settled_) << "reports begin with the first packet";
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 11), first_.rtp);
  EXPECT_TRUE(settled_);
  Rtp(kSecond, PlainRtp(kSecondAudioIn, 20), second_.rtp);
  EXPECT_TRUE(settled_);
}

TEST_F(BridgeTest, OneSourceGoesOutAndItsNumbersGoOn) {
  Update(first_, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 10, 1), first_.rtp);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 11, 1), first_.rtp);
  now_ += 20ms;
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 40000, 2), first_.rtp);
  const auto sent = TakeSent();
  ASSERT_EQ(sent.size(), 3u);
  for (size_t i = 1; i < sent.size(); ++i) {
    EXPECT_EQ(LoadBe16(&sent[i].bytes[2]), LoadBe16(&sent[0].bytes[2]) + i);
    EXPECT_EQ(LoadBe32(&sent[i].bytes[8]), LoadBe32(&sent[0].bytes[8]));
  }
  EXPECT_EQ(LoadBe32(&sent[2].bytes[4]) - LoadBe32(&sent[1].bytes[4]), 160u);
}

TEST_F(BridgeTest, OnlyTheAddressOfTheSdpIsBelieved) {
  Update(first_, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 1), kStranger);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 2), second_.rtp);  // by the other side's port
  Rtp(kSecond, PlainRtp(kSecondAudioIn, 3), first_.rtp);
  EXPECT_TRUE(TakeSent().empty());
  EXPECT_EQ(bridge_.stats().browser_to_trunk.dropped, 2u);
  EXPECT_EQ(bridge_.stats().trunk_to_browser.dropped, 1u);
}

TEST_F(BridgeTest, ASideBehindANatIsFoundByItsFirstPacket) {
  TrunkRemote behind_nat = first_;
  behind_nat.latch = true;
  behind_nat.signalled_from = kStranger.address;
  Update(behind_nat, second_);
  EXPECT_FALSE(bridge_.trunk(kFirst)->fixed());
  EXPECT_TRUE(bridge_.trunk(kSecond)->fixed());
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 1), kStranger);
  Rtp(kSecond, PlainRtp(kSecondAudioIn, 1), second_.rtp);
  const auto sent = TakeSent();
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[1].endpoint, kStranger);
}

TEST_F(BridgeTest, NothingIsSentToASideThatIsNotKnownYet) {
  Update(first_, std::nullopt);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 1), first_.rtp);
  Rtp(kSecond, PlainRtp(kSecondAudioIn, 1), second_.rtp);
  EXPECT_TRUE(TakeSent().empty());
  Update(std::nullopt, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 2), first_.rtp);
  EXPECT_EQ(TakeSent().size(), 1u);
}

TEST_F(BridgeTest, RtcpEndsOnEachLeg) {
  Update(first_, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 10, 4711), first_.rtp);
  const uint32_t to_second = LoadBe32(&TakeSent().at(0).bytes[8]);
  Rtcp(kFirst, SenderReport(4711), first_.rtcp);
  Rtp(kFirst, SenderReport(4711), first_.rtp);  // multiplexed, which nobody agreed on
  EXPECT_TRUE(TakeSent().empty());
  RunTimers(8s);
  bool first_told = false;
  bool second_told = false;
  for (const Sent& report : TakeSent()) {
    EXPECT_TRUE(report.rtcp);
    const bool is_first = report.kind == kFirst;
    (is_first ? first_told : second_told) = true;
    EXPECT_EQ(report.endpoint, is_first ? first_.rtcp : second_.rtcp);
    EXPECT_EQ(report.bytes[1], is_first ? 201 : 200) << "only the second was sent anything";
    if (is_first) {
      EXPECT_EQ(LoadBe32(&report.bytes[8]), 4711u);
    } else {
      EXPECT_EQ(LoadBe32(&report.bytes[4]), to_second);
    }
  }
  EXPECT_TRUE(first_told && second_told);
}

TEST_F(BridgeTest, RtcpSharesThePortOfASideThatWantsIt) {
  TrunkRemote muxed = second_;
  muxed.rtcp_mux = true;
  Update(first_, muxed);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 10), first_.rtp);
  TakeSent();
  RunTimers(8s);
  const auto sent = TakeSent();
  const auto to_second =
      std::ranges::find_if(sent, [](const Sent& one) { return one.kind == kSecond; });
  ASSERT_NE(to_second, sent.end());
  EXPECT_FALSE(to_second->rtcp);
  EXPECT_EQ(to_second->endpoint, second_.rtp);
}

TEST_F(BridgeTest, DigitsOfOneSideReachTheOther) {
  Update(first_, second_);
  EventSource source({.audio = kFirstAudioIn, .event = 101}, 1);
  EventReceiver receiver(kSecondAudioOut, 96);
  for (int i = 0; i < 60; ++i) {
    if (i % 20 == 5) source.Press(static_cast<uint8_t>(i / 20 + 1), 5);
    Rtp(kFirst, source.Next(), first_.rtp);
    RunTimers(20ms);
    for (const Sent& sent : TakeSent()) {
      if (sent.kind == kSecond && !sent.rtcp) receiver.On(sent.bytes);
    }
  }
  EXPECT_EQ(receiver.codes(), (std::vector<int>{1, 2, 3}));
  EXPECT_EQ(receiver.doubled(), 0);
}

TEST_F(BridgeTest, DigitsOfTheGatewayGoToTheSideThatIsNamed) {
  Update(first_, second_);
  Rtp(kFirst, PlainRtp(kFirstAudioIn, 1), first_.rtp);
  Rtp(kSecond, PlainRtp(kSecondAudioIn, 1), second_.rtp);
  TakeSent();
  for (const bool to_first : {true, false}) {
    EXPECT_TRUE(bridge_.SendDigit(
        {.session = SessionId{7}, .event = 5, .duration = 100ms, .to_first = to_first}, now_));
    RunTimers(200ms);
    const auto sent = TakeSent();
    EXPECT_EQ(sent.size(), 7u) << "five of 20 ms, and the end twice more";
    for (const Sent& one : sent) {
      EXPECT_EQ(one.kind, to_first ? kFirst : kSecond);
      EXPECT_EQ(one.bytes[1] & 0x7f, to_first ? 101 : 96);
    }
  }
}

TEST_F(BridgeTest, ADigitTheOtherSideHasNoTypeForIsTold) {
  payloads_[1].trunk_pt = payloads_[1].trunk_pt_in = kNoPayloadType;
  Update(first_, second_);
  EventSource source({.audio = kFirstAudioIn, .event = 101}, 1);
  source.Press(9, 3);
  for (int i = 0; i < 6; ++i) {
    Rtp(kFirst, source.Next(), first_.rtp);
    now_ += 20ms;
  }
  ASSERT_EQ(events_.size(), 1u);
  const auto* heard = std::get_if<DigitHeard>(&events_[0]);
  ASSERT_NE(heard, nullptr);
  EXPECT_TRUE(heard->from_browser);
  EXPECT_EQ(heard->event, 9);
}

TEST_F(BridgeTest, ItHasNoVideo) {
  Update(first_, second_);
  EXPECT_EQ(bridge_.trunk(MediaKind::kVideo), nullptr);
}

}  // namespace
}  // namespace lastmile::media

// The quality of both legs of a session and of a bridge, from their RTP and RTCP.
#include <gtest/gtest.h>

#include "media_anchor/core/packet_kind.h"
#include "tests/support/rtcp_packets.h"
#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kBrowser = 0x1111;
constexpr uint32_t kTrunk = 0x2222;

// The peer's answer to a sender report that came just now: it kept it for `kept`.
Bytes AnswerTo(ByteView sender_report, uint32_t reporter, int32_t lost, Duration kept) {
  const uint32_t since = static_cast<uint32_t>(kept / 1ms * 65536 / 1000);
  return test::ReceiverReport({{LoadBe32(&sender_report[4]),
                                {.reporter = reporter,
                                 .lost = lost,
                                 .highest = 1000,
                                 .jitter = 40,
                                 .last_sr = LoadBe32(&sender_report[10]),
                                 .since_sr = since}}});
}

class SessionQualityTest : public SessionTest {
 protected:
  void Talk(uint16_t packets) {
    for (uint16_t i = 0; i < packets; ++i, now_ += 20ms) {
      FromBrowser(browser_->Rtp(109, i), From(5000));
      if (i % 10 != 5) FromTrunk(PlainRtp(8, i), trunk_.rtp);
    }
    TakeToBrowser();
    TakeToTrunk();
  }
  // Both legs answer the sender report that they get.
  void Report() {
    bool trunk = false;
    bool browser = false;
    while (!trunk || !browser) {
      RunTimers(10s);
      for (const ToTrunk& out : TakeToTrunk()) {
        if (!out.rtcp || out.bytes[1] != 200) continue;
        trunk = true;
        now_ += 1040ms;
        RtcpFromTrunk(AnswerTo(out.bytes, kTrunk, 2, 1000ms), trunk_.rtcp);
      }
      for (const ToBrowser& out : TakeToBrowser()) {
        const auto plain = browser_->DecryptRtcp(out.bytes);
        if (!plain || (*plain)[1] != 200) continue;
        browser = true;
        now_ += 580ms;
        // Ten of them had not come of the trunk.
        FromBrowser(browser_->Rtcp(AnswerTo(*plain, kBrowser, 9 + 10, 500ms)), From(5000));
      }
    }
  }
};

TEST_F(SessionQualityTest, BothLegsAndDirectionsAreTold) {
  payloads_[0].codec = AudioCodec::kPcma;
  Connect();
  EXPECT_EQ(session_.stats().browser, LegQuality{}) << "nobody has said anything";
  EXPECT_EQ(session_.stats().trunk, LegQuality{});
  Talk(100);
  Report();
  const SessionStats stats = session_.stats();

  ASSERT_TRUE(stats.browser.received);
  EXPECT_EQ(stats.browser.received->packets, 100u);
  EXPECT_EQ(stats.browser.received->lost, 0u);
  EXPECT_NEAR(stats.browser.received->mos.value_or(0), 4.37, 0.02);
  ASSERT_TRUE(stats.browser.sent);
  EXPECT_EQ(stats.browser.sent->packets, 90u);
  EXPECT_EQ(stats.browser.sent->lost, 9u);
  EXPECT_DOUBLE_EQ(stats.browser.sent->loss, 0.1);
  EXPECT_EQ(stats.browser.sent->jitter, 5ms);
  EXPECT_NEAR(stats.browser.sent->mos.value_or(0), 3.3, 0.1);
  ASSERT_TRUE(stats.browser.rtt);
  EXPECT_NEAR(static_cast<double>(stats.browser.rtt->count()), 80e6, 0.1e6);

  ASSERT_TRUE(stats.trunk.received);
  EXPECT_EQ(stats.trunk.received->packets, 90u);
  EXPECT_EQ(stats.trunk.received->lost, 10u);
  ASSERT_TRUE(stats.trunk.sent);
  EXPECT_EQ(stats.trunk.sent->packets, 100u);
  EXPECT_EQ(stats.trunk.sent->lost, 2u);
  ASSERT_TRUE(stats.trunk.rtt);
  EXPECT_NEAR(static_cast<double>(stats.trunk.rtt->count()), 40e6, 0.1e6);
}

TEST_F(SessionQualityTest, ALegThatReportsNothingHasNoFiguresOfWhatItGot) {
  Connect();
  Talk(50);
  const SessionStats stats = session_.stats();
  EXPECT_TRUE(stats.trunk.received);
  EXPECT_FALSE(stats.trunk.sent);
  EXPECT_FALSE(stats.trunk.rtt);
  EXPECT_FALSE(stats.browser.received->mos) << "the mapping names no codec";
}

TEST_F(SessionQualityTest, ADigitIsNoJitter) {
  Connect();
  Talk(50);
  for (uint16_t i = 50; i < 60; ++i, now_ += 20ms) {
    Bytes event = PlainRtp(126, i, kBrowser);
    event.resize(RtpHeader::kSize + 4);
    StoreBe32(&event[4], 50 * 160);  // when it began
    FromBrowser(browser_->Encrypt(event), From(5000));
  }
  EXPECT_EQ(session_.stats().browser.received->packets, 60u);
  EXPECT_EQ(session_.stats().browser.received->jitter, 0ns);
}

class BridgeQualityTest : public BridgeTest {};

TEST_F(BridgeQualityTest, EachTrunkHasItsOwn) {
  Update(first_, second_);
  for (uint16_t i = 0; i < 100; ++i, now_ += 20ms) {
    Rtp(kFirst, PlainRtp(kFirstAudioIn, i, 1), first_.rtp);
    if (i % 4 != 1) Rtp(kSecond, PlainRtp(kSecondAudioIn, i, 2), second_.rtp);
  }
  TakeSent();
  RunTimers(8s);
  for (const Sent& sent : TakeSent()) {
    if (!sent.rtcp || sent.bytes[1] != 200) continue;
    const bool first = sent.kind == kFirst;
    Rtcp(sent.kind, AnswerTo(sent.bytes, first ? 1 : 2, first ? 3 + 25 : 4, 0ms),
         first ? first_.rtcp : second_.rtcp);  // 25 of the second's were never there
  }
  const SessionStats stats = bridge_.stats();
  ASSERT_TRUE(stats.browser.received && stats.browser.sent);
  EXPECT_EQ(stats.browser.received->lost, 0u);
  EXPECT_EQ(stats.browser.sent->packets, 75u);
  EXPECT_EQ(stats.browser.sent->lost, 3u);
  EXPECT_TRUE(stats.browser.received->mos && stats.browser.sent->mos && stats.browser.rtt);
  ASSERT_TRUE(stats.trunk.received && stats.trunk.sent);
  EXPECT_EQ(stats.trunk.received->lost, 25u);
  EXPECT_EQ(stats.trunk.sent->packets, 100u);
  EXPECT_EQ(stats.trunk.sent->lost, 4u);
}

}  // namespace
}  // namespace lastmile::media

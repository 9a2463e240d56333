// Extended reports of a session: to the leg that asked for them, and none across.
#include <gtest/gtest.h>

#include "tests/support/rtcp_packets.h"
#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kTrunkSource = 0x2222;
constexpr XrPlan kEverything{.voip_metrics = true, .round_trip = XrPlan::RoundTrip::kAll};

bool HasExtended(ByteView compound) {
  const ExtendedReport report = ParseExtendedReport(compound, kTrunkSource);
  return report.time || report.delay || report.voip;
}

// What the trunk says: an empty report and `report`.
Bytes OfTrunk(const ExtendedReport& report) {
  Bytes extended(kMaxExtendedReport);
  extended.resize(WriteExtendedReport(report, kTrunkSource, extended));
  return test::Compound({extended});
}

class XrSessionTest : public SessionTest {
 protected:
  void Connect(const XrPlan& trunk, const XrPlan& browser = {}) {
    payloads_[0].codec = AudioCodec::kPcma;
    SessionTest::Connect();
    TrunkRemote remote = trunk_;
    remote.xr = trunk;
    BrowserRemote description = browser_->Description();
    description.xr = browser;
    Update(description, remote);
    TakeToTrunk();
    TakeToBrowser();
  }
  void FromTrunkOnly(uint16_t packets) {
    for (uint16_t i = 0; i < packets; ++i, now_ += 20ms) {
      if (i % 20 != 10) FromTrunk(PlainRtp(8, i, kTrunkSource), trunk_.rtp);
    }
    TakeToBrowser();
    TakeToTrunk();
  }
  // The next timer, and the reports that it sends.
  void Turn() {
    now_ = session_.next_timeout();
    Timer();
    for (const ToTrunk& out : TakeToTrunk()) {
      if (out.rtcp) to_trunk_reports_.push_back(out.bytes);
    }
    for (const ToBrowser& out : TakeToBrowser()) {
      if (const auto plain = browser_->DecryptRtcp(out.bytes)) {
        to_browser_reports_.push_back(*plain);
      }
    }
  }
  // Those of the next eight seconds.
  void Reports() {
    const TimePoint end = now_ + 8s;
    while (session_.next_timeout() <= end) Turn();
  }

  std::vector<Bytes> to_trunk_reports_;
  std::vector<Bytes> to_browser_reports_;
};

TEST_F(XrSessionTest, GoToTheTrunkThatAskedForThem) {
  Connect(kEverything);
  FromTrunkOnly(200);
  Reports();
  ASSERT_FALSE(to_trunk_reports_.empty() || to_browser_reports_.empty());
  for (const Bytes& report : to_browser_reports_) EXPECT_FALSE(HasExtended(report));
  const Bytes& compound = to_trunk_reports_.front();
  EXPECT_EQ(compound[1], 201) << "nothing was sent to it";
  const ExtendedReport report = ParseExtendedReport(compound, kTrunkSource);
  EXPECT_TRUE(report.time);
  ASSERT_TRUE(report.voip);
  EXPECT_EQ(report.voip->loss_rate, 12);  // 10 of 200
  EXPECT_EQ(report.voip->gap_density, 12);
  EXPECT_EQ(report.voip->burst_density, 0);
  EXPECT_NEAR(report.voip->r_factor, 77, 1);
}

TEST_F(XrSessionTest, GoToTheBrowserThatAskedForThem) {
  Connect({}, {.round_trip = XrPlan::RoundTrip::kAll});
  FromTrunkOnly(100);
  Reports();
  ASSERT_FALSE(to_trunk_reports_.empty() || to_browser_reports_.empty());
  for (const Bytes& report : to_trunk_reports_) EXPECT_FALSE(HasExtended(report));
  const ExtendedReport report = ParseExtendedReport(to_browser_reports_.front(), kTrunkSource);
  EXPECT_TRUE(report.time);
  EXPECT_FALSE(report.voip);
}

TEST_F(XrSessionTest, TellTheRoundTripToATrunkThatNothingIsSentTo) {
  Connect(kEverything);
  FromTrunkOnly(100);
  while (to_trunk_reports_.empty()) Turn();
  const auto time = ParseExtendedReport(to_trunk_reports_.back(), kTrunkSource).time;
  ASSERT_TRUE(time);
  now_ += 540ms;  // it kept it for 500 ms
  RtcpFromTrunk(OfTrunk({.delay = ReceiverDelay{.ssrc = time->ssrc,
                                                .last_rr = static_cast<uint32_t>(time->ntp >> 16),
                                                .since_rr = 0x8000}}),
                trunk_.rtcp);
  const auto rtt = session_.stats().trunk.rtt;
  ASSERT_TRUE(rtt);
  EXPECT_NEAR(static_cast<double>(rtt->count()), 40e6, 0.1e6);
  EXPECT_FALSE(session_.stats().browser.rtt);
}

TEST_F(XrSessionTest, OfTheTrunkEndHereAndAreItsQuality) {
  Connect(kEverything, kEverything);
  FromTrunkOnly(50);
  Reports();
  const auto time = ParseExtendedReport(to_trunk_reports_.front(), kTrunkSource).time;
  ASSERT_TRUE(time);
  to_browser_reports_.clear();
  VoipMetrics metrics{.ssrc = time->ssrc, .loss_rate = 64, .r_factor = 61, .mos_cq = 31};
  RtcpFromTrunk(OfTrunk({.voip = metrics}), trunk_.rtcp);
  Bytes malformed = OfTrunk({.voip = metrics});
  malformed[8 + 8 + 3] = 9;
  RtcpFromTrunk(malformed, trunk_.rtcp);
  EXPECT_TRUE(TakeToBrowser().empty()) << "nothing is relayed";
  Reports();
  for (const Bytes& report : to_browser_reports_) {
    EXPECT_FALSE(ParseExtendedReport(report, time->ssrc).voip);
  }
  const LegQuality trunk = session_.stats().trunk;
  ASSERT_TRUE(trunk.heard);
  EXPECT_EQ(trunk.heard->loss, 0.25);
  EXPECT_EQ(trunk.heard->rating, 61);
  EXPECT_EQ(trunk.heard->mos_cq, 3.1);
  EXPECT_EQ(trunk.malformed_xr, 1u);
  EXPECT_FALSE(session_.stats().browser.heard);
}

class XrBridgeTest : public BridgeTest {};

TEST_F(XrBridgeTest, GoToTheSideThatAskedForThem) {
  TrunkRemote second = second_;
  second.xr = kEverything;
  Update(first_, second);
  for (uint16_t i = 0; i < 100; ++i, now_ += 20ms) {
    Rtp(kFirst, PlainRtp(kFirstAudioIn, i, 1), first_.rtp);
    Rtp(kSecond, PlainRtp(kSecondAudioIn, i, kTrunkSource), second_.rtp);
  }
  TakeSent();
  RunTimers(8s);
  int extended = 0;
  for (const Sent& sent : TakeSent()) {
    if (!sent.rtcp) continue;
    EXPECT_EQ(HasExtended(sent.bytes), sent.kind == kSecond);
    if (sent.kind != kSecond) continue;
    ++extended;
    EXPECT_TRUE(ParseExtendedReport(sent.bytes, kTrunkSource).voip);
  }
  EXPECT_GE(extended, 1);
}

}  // namespace
}  // namespace lastmile::media

#include <gtest/gtest.h>

#include <cstdio>

#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

class BrowserSilentTest : public SessionTest {
 protected:
  // Lets the session's timers run up to that time.
  void RunUntil(TimePoint end) {
    for (int i = 0; i < 10000 && session_.next_timeout() <= end; ++i) {
      now_ = std::max(now_, session_.next_timeout());
      Timer();
    }
    now_ = end;
    Timer();
  }
};

TEST_F(BrowserSilentTest, AfterTenSecondsOfSilenceAndNotBefore) {
  Connect();
  const TimePoint connected_at = now_;
  RunUntil(connected_at + 10s - 1ns);
  EXPECT_TRUE(TakeEvents<BrowserSilent>().empty());
  EXPECT_EQ(session_.next_timeout(), connected_at + 10s);
  now_ = connected_at + 10s;
  Timer();
  const auto silent = TakeEvents<BrowserSilent>();
  ASSERT_EQ(silent.size(), 1u);
  EXPECT_NE(silent[0].reason.find("10 s"), std::string::npos);
  RunUntil(now_ + 60s);
  EXPECT_TRUE(TakeEvents<BrowserSilent>().empty()) << "it is said once";
}

TEST_F(BrowserSilentTest, NothingIsSentToASilentBrowser) {
  Connect();
  RunUntil(now_ + 10s);
  TakeToBrowser();
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  RunUntil(now_ + 30s);  // reports, too
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 1u);
}

TEST_F(BrowserSilentTest, ItIsHeardAgainOnAnyPath) {
  Connect();
  RunUntil(now_ + 40s);
  EXPECT_TRUE(TakeEvents<BrowserHeard>().empty());
  Check(From(6000));
  EXPECT_EQ(TakeEvents<BrowserHeard>().size(), 1u);
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  EXPECT_EQ(session_.stats().trunk_to_browser.packets, 1u);
  RunUntil(now_ + 10s);
  EXPECT_EQ(TakeEvents<BrowserSilent>().size(), 2u) << "and may fall silent again";
}

// The whole path is lost, both ways, while both sides go on sending; then it is back.
TEST_F(BrowserSilentTest, APathThatIsLostForTwelveSecondsIsTheSameCall) {
  Connect();
  constexpr int kLost = 12 * 50;
  int from_browser = 0;
  int to_browser = 0;
  const auto talk = [&](int packets, uint16_t first, bool lost) {
    from_browser = to_browser = 0;
    for (int i = 0; i < packets; ++i, now_ += 20ms) {
      const auto sequence = static_cast<uint16_t>(first + i);
      const Bytes sent = browser_->Rtp(109, sequence);
      if (!lost) FromBrowser(sent, From(5000));
      FromTrunk(PlainRtp(8, sequence), trunk_.rtp);
      Timer();
      for (const ToTrunk& out : TakeToTrunk()) from_browser += out.rtcp ? 0 : 1;
      for (const ToBrowser& out : TakeToBrowser()) {
        to_browser += !lost && browser_->DecryptRtp(out.bytes) ? 1 : 0;
      }
    }
  };
  talk(100, 0, false);
  EXPECT_EQ(from_browser, 100);
  EXPECT_EQ(to_browser, 100);
  talk(kLost, 100, true);
  EXPECT_EQ(TakeEvents<BrowserSilent>().size(), 1u);
  talk(200, 100 + kLost, false);
  EXPECT_EQ(TakeEvents<BrowserHeard>().size(), 1u);
  EXPECT_EQ(from_browser, 200);
  EXPECT_EQ(to_browser, 200);
  EXPECT_TRUE(TakeEvents<SessionFailed>().empty());
  EXPECT_TRUE(TakeEvents<BrowserConnected>().empty()) << "it is no new connection";
  std::printf("path lost for 12 s: heard again by the first packet, 0 of 400 lost after it\n");
}

TEST_F(BrowserSilentTest, ACheckKeepsItThere) {
  Connect();
  RunUntil(now_ + 9s);
  Check(From(5000), false);
  RunUntil(now_ + 10s - 1ns);
  EXPECT_TRUE(TakeEvents<BrowserSilent>().empty());
  RunUntil(now_ + 1ns);
  EXPECT_EQ(TakeEvents<BrowserSilent>().size(), 1u);
}

TEST_F(BrowserSilentTest, SrtpKeepsItThereToo) {
  Connect();
  RunUntil(now_ + 9s);
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  RunUntil(now_ + 10s - 1ns);
  EXPECT_TRUE(TakeEvents<BrowserSilent>().empty());
}

TEST_F(BrowserSilentTest, WhatIsForgedDoesNot) {
  Connect();
  const TimePoint connected_at = now_;
  Bytes forged = browser_->Rtp(109, 1);
  forged.back() ^= 1;
  const Bytes replayed = browser_->Rtp(109, 2);
  FromBrowser(replayed, From(5000));
  for (int i = 0; i < 100; ++i) {
    RunUntil(connected_at + 90ms * (i + 1));
    FromBrowser(forged, From(5000));
    FromBrowser(replayed, From(5000));
    FromBrowser(test::BuildCheck({.username = "gwgwgwgw:brow", .pwd = "no"}), From(5000));
    FromTrunk(PlainRtp(8, static_cast<uint16_t>(i)), trunk_.rtp);
  }
  RunUntil(connected_at + 10s);
  EXPECT_EQ(TakeEvents<BrowserSilent>().size(), 1u);
}

TEST_F(BrowserSilentTest, NoCheckWithinThirtySecondsOfBothSdps) {
  Update(browser_->Description(), std::nullopt);
  RunUntil(now_ + 300s);  // the carrier rings long; the browser has no answer yet
  EXPECT_TRUE(TakeEvents<SessionFailed>().empty());
  Update(std::nullopt, trunk_);
  const TimePoint answered_at = now_;
  RunUntil(answered_at + 30s - 1ns);
  EXPECT_TRUE(TakeEvents<SessionFailed>().empty());
  RunUntil(answered_at + 30s);
  const auto failed = TakeEvents<SessionFailed>();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].fault, SessionFault::kBrowserGone);
}

TEST_F(BrowserSilentTest, ADtlsHandshakeThatNeverCameIsCalledThat) {
  Update(browser_->Description(), trunk_);
  const TimePoint start = now_;
  for (int i = 0; i < 20 && TakeEvents<SessionFailed>().empty(); ++i) {
    Check(From(5000));
    RunUntil(start + 1s * i);
  }
  EXPECT_LT(now_, start + 30s);
  RunUntil(start + 30s);
  const auto failed = TakeEvents<SessionFailed>();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].fault, SessionFault::kDtlsFailed);
  EXPECT_FALSE(failed[0].reason.empty());
}

}  // namespace
}  // namespace lastmile::media

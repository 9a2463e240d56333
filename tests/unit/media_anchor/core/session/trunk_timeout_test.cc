#include "media_anchor/core/trunk_timeout.h"

#include <functional>

#include "tests/support/rtcp_packets.h"
#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

const Endpoint kStranger = *Endpoint::Parse("203.0.113.66:4000");
const Bytes kReport = {0x80, 201, 0, 1, 0, 0, 0x22, 0x22};

class TrunkTimeoutTest : public SessionTest {
 protected:
  // The browser says something every second, and `step` is carried out with it.
  void Talk(Duration time, const std::function<void()>& step = {}) {
    const TimePoint end = now_ + time;
    for (TimePoint next = now_ + 1s; next <= end; next += 1s) {
      while (session_.next_timeout() <= next) {
        now_ = std::max(now_, session_.next_timeout());
        Timer();
      }
      now_ = next;
      FromBrowser(browser_->Rtp(109, ++number_), From(5000));
      if (step) step();
    }
  }
  void TrunkSpeaks() { FromTrunk(PlainRtp(8, ++trunk_number_), trunk_.rtp); }
  void Connected() {
    Connect();
    session_.Watch(MediaWatch::kTalk, now_);
    Talk(10s, [&] { TrunkSpeaks(); });
  }
  bool IsGone() { return !TakeEvents<SessionFailed>().empty(); }

  uint16_t number_ = 0;
  uint16_t trunk_number_ = 0;
};

TEST_F(TrunkTimeoutTest, ACarrierThatSaysNothingAnyMoreIsGone) {
  Connected();
  Talk(299s);
  EXPECT_FALSE(IsGone());
  Talk(3s);
  const auto failed = TakeEvents<SessionFailed>();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].fault, SessionFault::kTrunkGone);
  EXPECT_EQ(failed[0].reason, "the carrier has sent neither audio nor a report for 300 s");
}

TEST_F(TrunkTimeoutTest, AReportIsASignOfLife) {
  Connected();
  for (int i = 0; i < 12; ++i) {
    Talk(100s);
    RtcpFromTrunk(kReport, trunk_.rtcp);
  }
  EXPECT_FALSE(IsGone());
}

TEST_F(TrunkTimeoutTest, WhatAStrangerSendsIsNone) {
  Connected();
  Talk(302s, [&] {
    FromTrunk(PlainRtp(8, ++trunk_number_), kStranger);
    RtcpFromTrunk(kReport, kStranger);
  });
  EXPECT_TRUE(IsGone());
}

TEST_F(TrunkTimeoutTest, AHoldMayLastAndTheTimeBeginsAnewBehindIt) {
  Connected();
  Talk(200s);
  session_.Watch(MediaWatch::kHeldByTrunk, now_);
  Talk(1000s);
  session_.Watch(MediaWatch::kNothing, now_);
  Talk(1000s);
  session_.Watch(MediaWatch::kTalk, now_);
  Talk(299s);
  EXPECT_FALSE(IsGone());
  Talk(3s);
  EXPECT_TRUE(IsGone());
}

TEST(TrunkTimeout, MayBeNone) {
  TrunkTimeout timeout(Duration::max());
  timeout.Begin(0, TimePoint{1s});
  EXPECT_FALSE(timeout.Look(0, TimePoint{1'000'000'000s}));
}

class BridgeTimeoutTest : public BridgeTest {};

TEST_F(BridgeTimeoutTest, EitherPartyMayBeGone) {
  Update(first_, second_);
  bridge_.Watch(MediaWatch::kTalk, now_);
  for (uint16_t i = 0; i < 301; ++i) {
    Rtp(kFirst, PlainRtp(kFirstAudioIn, i), first_.rtp);
    RunTimers(1s);
  }
  const auto gone = [&] {
    std::string reasons;
    for (const MediaEvent& event : events_) {
      if (const auto* failed = std::get_if<SessionFailed>(&event)) reasons += failed->reason;
    }
    return reasons;
  };
  EXPECT_EQ(gone(), "the second party has sent neither audio nor a report for 300 s");
  events_.clear();
  for (uint16_t i = 0; i < 301; ++i) {
    Rtcp(kSecond, kReport, second_.rtcp);
    RunTimers(1s);
  }
  EXPECT_EQ(gone(), "the first party has sent neither audio nor a report for 300 s");
}

}  // namespace
}  // namespace lastmile::media

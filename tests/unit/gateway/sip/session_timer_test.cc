#include "gateway/sip/session_timer.h"

#include <gtest/gtest.h>

namespace lastmile::sip {
namespace {

Message With(const char* name, const char* value) {
  Message message;
  message.extra = {{name, value}};
  return message;
}

TEST(SessionTimerHeaders, AreReadWithTheirRefresher) {
  const auto plain = SessionExpiresOf(With("Session-Expires", " 1800 "));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->seconds, 1800u);
  EXPECT_FALSE(plain->refresher);
  EXPECT_EQ(SessionExpiresOf(With("Session-Expires", "90;refresher=uac"))->refresher,
            Refresher::kUac);
  EXPECT_EQ(SessionExpiresOf(With("Session-Expires", "90 ; x=y ;Refresher = UAS"))->refresher,
            Refresher::kUas);
  EXPECT_FALSE(SessionExpiresOf(With("Session-Expires", "90;refresher=them"))->refresher);
  EXPECT_EQ(MinSeOf(With("Min-SE", "120;x=y")), 120u);
}

TEST(SessionTimerHeaders, WhatIsNoNumberCountsAsNone) {
  for (const char* value : {"", ";refresher=uac", "soon", "-1", "99999999999", "90 90"}) {
    EXPECT_FALSE(SessionExpiresOf(With("Session-Expires", value))) << value;
    EXPECT_FALSE(MinSeOf(With("Min-SE", value))) << value;
  }
  EXPECT_FALSE(SessionExpiresOf({}));
}

TEST(SessionTimer, TheRefresherRefreshesAtHalfTheInterval) {
  SessionTimer timer;
  const TimePoint now(1h);
  timer.Start(1800s, true, now);
  EXPECT_EQ(timer.refresh_at(), now + 900s);
  EXPECT_EQ(timer.end_at(), now + 1768s);
  timer.RefreshIsUnderWay();
  EXPECT_EQ(timer.refresh_at(), kNever);
  timer.TryAgain(now + 900s);
  EXPECT_EQ(timer.refresh_at(), now + 900s + SessionTimer::kAgain);
}

TEST(SessionTimer, TheOtherOneEndsTheSessionBeforeItExpires) {
  SessionTimer timer;
  const TimePoint now(1h);
  timer.Start(90s, false, now);
  EXPECT_EQ(timer.refresh_at(), kNever);
  EXPECT_EQ(timer.end_at(), now + 60s);  // a third is less than 32 s
  timer.TryAgain(now);
  EXPECT_EQ(timer.refresh_at(), kNever) << "the peer's business";
  timer.Stop();
  EXPECT_EQ(timer.end_at(), kNever);
}

}  // namespace
}  // namespace lastmile::sip

#include "media_anchor/core/media_pace.h"

#include <gtest/gtest.h>

#include <cstdio>

namespace lastmile::media {
namespace {

constexpr uint32_t kClock = 8000;

class MediaPaceTest : public testing::Test {
 protected:
  // How many of the packets that come in that time pass, if so many come a second, each of which
  // counts as that many ticks.
  int PassOf(MediaPace& pace, int per_second, Duration time, uint32_t ticks) {
    int passed = 0;
    for (const TimePoint end = now_ + time; now_ < end; now_ += Duration(1s) / per_second) {
      header_.timestamp += ticks;
      ++header_.sequence;
      passed += pace.Take(header_, kClock, now_) ? 1 : 0;
    }
    return passed;
  }

  TimePoint now_{1000s};
  RtpHeader header_;
};

TEST_F(MediaPaceTest, MediaAtItsOwnSpeedPassesWhateverItsPackets) {
  for (const int ms : {5, 10, 20, 40, 100}) {
    MediaPace pace(false);
    EXPECT_EQ(PassOf(pace, 1000 / ms, 60s, 8 * static_cast<uint32_t>(ms)), 60'000 / ms) << ms;
  }
}

TEST_F(MediaPaceTest, TwentyTimesAsFastTwiceAsMuchPasses) {
  MediaPace pace(false);
  PassOf(pace, 1000, 10s, 160);  // what may pass at once is used up
  const int passed = PassOf(pace, 1000, 60s, 160);
  EXPECT_NEAR(passed, 60 * 100, 2);
  std::printf("T-11: of 20 times the speed of speech, %.2f times pass\n", passed / 60.0 / 50);
}

TEST_F(MediaPaceTest, ASourceThatCountsWronglyIsBoundedToo) {
  for (const uint32_t ticks : {0u, 1u, 0x7fffffffu, 0x80000000u, 0xffffffffu}) {
    MediaPace pace(false);
    PassOf(pace, 1000, 10s, ticks);
    EXPECT_LE(PassOf(pace, 1000, 10s, ticks), 10 * 200 + 2) << ticks;
  }
}

TEST_F(MediaPaceTest, AnotherSourceEachTimeIsBoundedToo) {
  MediaPace pace(false);
  int passed = 0;
  for (int i = 0; i < 20'000; ++i, now_ += 1ms) {
    header_.ssrc = static_cast<uint32_t>(i);
    header_.timestamp += 100'000;
    passed += pace.Take(header_, kClock, now_) ? 1 : 0;
  }
  EXPECT_LE(passed, 20 * 200 + 300);
}

TEST_F(MediaPaceTest, WhatAPathHeldBackPassesAtOnce) {
  MediaPace pace(false);
  PassOf(pace, 50, 10s, 160);
  now_ += MediaPace::kBurst;
  int passed = 0;
  for (int i = 0; i < 140; ++i) {
    header_.timestamp += 160;
    passed += pace.Take(header_, kClock, now_) ? 1 : 0;
  }
  EXPECT_EQ(passed, 140);
}

TEST_F(MediaPaceTest, AfterAPauseOfTheSenderItGoesOn) {
  MediaPace pace(false);
  for (int talk = 0; talk < 20; ++talk) {
    EXPECT_EQ(PassOf(pace, 50, 1s, 160), 50);
    now_ += 9s;
    header_.timestamp += 9 * kClock;
  }
}

TEST_F(MediaPaceTest, ThePacketsOfAPictureCountAsPackets) {
  MediaPace pace(true);
  EXPECT_EQ(PassOf(pace, 800, 20s, 0), 16'000);
  PassOf(pace, 5000, 10s, 0);
  EXPECT_NEAR(PassOf(pace, 5000, 10s, 0), 10'000, 2);
}

}  // namespace
}  // namespace lastmile::media

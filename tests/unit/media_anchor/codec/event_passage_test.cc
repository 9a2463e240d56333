#include "media_anchor/codec/event_passage.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

constexpr TimePoint kNow = TimePoint{} + 1h;

Bytes Payload(uint8_t event, uint16_t duration, bool end = false) {
  Bytes payload(TelephoneEvent::kSize);
  TelephoneEvent{.event = event, .end = end, .duration = duration}.Write(payload);
  return payload;
}

TEST(EventPassage, DurationsAreToldInTheOtherClock) {
  EventPassage to_slow({.in = 101, .in_clock = 48000, .out = 96, .out_clock = 8000});
  const auto slow = to_slow.On({.timestamp = 5}, Payload(7, 4800), 1000, kNow);
  ASSERT_TRUE(slow);
  EXPECT_EQ(slow->event.event, 7);
  EXPECT_EQ(slow->event.duration, 800);
  EXPECT_EQ(slow->timestamp, 1000u);
  EXPECT_TRUE(slow->begins);
  EventPassage to_fast({.in = 101, .in_clock = 8000, .out = 96, .out_clock = 48000});
  EXPECT_EQ(to_fast.On({.timestamp = 5}, Payload(7, 800), 1000, kNow)->event.duration, 4800);
  // As long as the field can tell.
  EXPECT_EQ(to_fast.On({.timestamp = 5}, Payload(7, 16000), 1000, kNow)->event.duration, 65535);
}

TEST(EventPassage, ThePacketsOfOneEventHaveOneTimestamp) {
  EventPassage passage({.in = 101, .out = 101});
  EXPECT_EQ(passage.On({.timestamp = 5}, Payload(1, 160), 1000, kNow)->timestamp, 1000u);
  const auto later = passage.On({.timestamp = 5}, Payload(1, 320), 1160, kNow + 20ms);
  EXPECT_EQ(later->timestamp, 1000u);
  EXPECT_FALSE(later->begins);
  EXPECT_EQ(passage.On({.timestamp = 965}, Payload(1, 160), 1960, kNow + 120ms)->timestamp, 1960u);
}

TEST(EventPassage, TwoEventsNeverShareATimestamp) {
  EventPassage passage({.in = 101, .out = 101});
  passage.On({.timestamp = 5}, Payload(1, 160, true), 1000, kNow);
  EXPECT_EQ(passage.On({.timestamp = 6}, Payload(2, 160), 1000, kNow)->timestamp, 1001u);
}

TEST(EventPassage, AnEventIsActiveUntilItsEndOrAPause) {
  EventPassage passage({.in = 101, .out = 101});
  EXPECT_FALSE(passage.IsActive(kNow));
  passage.On({.timestamp = 5}, Payload(1, 160), 1000, kNow);
  EXPECT_TRUE(passage.IsActive(kNow + 59ms));
  EXPECT_FALSE(passage.IsActive(kNow + EventPassage::kPause));
  passage.On({.timestamp = 5}, Payload(1, 320, true), 1000, kNow + 20ms);
  EXPECT_FALSE(passage.IsActive(kNow + 20ms));
}

TEST(EventPassage, ItsToneEndsALittleLater) {
  EventPassage passage({.in = 101, .out = 101});
  EXPECT_FALSE(passage.HasTone(kNow));
  passage.On({.timestamp = 5}, Payload(1, 160), 1000, kNow);
  EXPECT_TRUE(passage.HasTone(kNow + 10ms));
  for (const Duration at : {20ms, 40ms, 60ms}) {  // the end is told three times
    passage.On({.timestamp = 5}, Payload(1, 320, true), 1000, kNow + at);
  }
  EXPECT_TRUE(passage.HasTone(kNow + 59ms));
  EXPECT_FALSE(passage.HasTone(kNow + 60ms));
}

TEST(EventPassage, AnEventWithoutATypeIsToldOnce) {
  EventPassage passage({.in = 101});
  EXPECT_FALSE(passage.On({.timestamp = 5}, Payload(9, 160), 1000, kNow));
  EXPECT_EQ(passage.TakeHeard(), 9);
  EXPECT_FALSE(passage.On({.timestamp = 5}, Payload(9, 320), 1000, kNow));
  EXPECT_EQ(passage.TakeHeard(), std::nullopt);
  EXPECT_TRUE(passage.IsActive(kNow));
}

TEST(EventPassage, WhatIsLateOrShortIsNothing) {
  EventPassage passage({.in = 101, .out = 101});
  EXPECT_FALSE(passage.On({}, Bytes(3), 0, kNow));
  passage.On({.timestamp = 8000}, Payload(1, 160), 1000, kNow);
  EXPECT_FALSE(passage.On({.timestamp = 100}, Payload(2, 160), 1000, kNow));
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/core/telephone_event.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

using Kind = EventTracker::Kind;

TEST(TelephoneEvent, IsReadAndWritten) {
  const Bytes payload = {11, 0x80 | 0x40 | 7, 0x12, 0x34};
  const auto event = TelephoneEvent::Parse(payload);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->event, 11);
  EXPECT_TRUE(event->end);
  EXPECT_EQ(event->volume, 7);
  EXPECT_EQ(event->duration, 0x1234);
  Bytes written(4, 0xff);
  event->Write(written);
  EXPECT_EQ(written, (Bytes{11, 0x87, 0x12, 0x34})) << "the reserved bit is zero";
  EXPECT_FALSE(TelephoneEvent::Parse(ByteView(payload).first(3)));
}

class EventTrackerTest : public testing::Test {
 protected:
  static constexpr uint32_t kClock = 48000;

  Kind On(uint32_t timestamp, uint8_t event, uint16_t duration, bool end = false,
          bool marker = false) {
    RtpHeader header;
    header.timestamp = timestamp;
    header.marker = marker;
    return tracker_.On(header, {.event = event, .end = end, .duration = duration}, kClock);
  }

  EventTracker tracker_;
};

TEST_F(EventTrackerTest, ATimestampIsAnEvent) {
  EXPECT_EQ(On(1000, 5, 960), Kind::kNew);
  EXPECT_EQ(On(1000, 5, 1920), Kind::kGoesOn);
  EXPECT_EQ(On(1000, 5, 960), Kind::kGoesOn) << "a late one";
  EXPECT_EQ(tracker_.length(), 1920u);
  EXPECT_EQ(On(1000, 5, 2880, true), Kind::kGoesOn);
  EXPECT_EQ(On(9000, 5, 960), Kind::kNew);
  EXPECT_EQ(On(1000, 5, 2880, true), Kind::kStale);
  EXPECT_EQ(On(9000, 5, 1920), Kind::kGoesOn);
}

TEST_F(EventTrackerTest, TimestampsWrap) {
  EXPECT_EQ(On(0xffffff00, 1, 960), Kind::kNew);
  EXPECT_EQ(On(0x00000100, 2, 960), Kind::kNew);
  EXPECT_EQ(On(0xffffff00, 1, 1920), Kind::kStale);
}

TEST_F(EventTrackerTest, AJumpBackIsANewTimeLineAndNoEndOfDigits) {
  EXPECT_EQ(On(1'000'000, 1, 960), Kind::kNew);
  EXPECT_EQ(On(1'000'000 - 2 * kClock, 1, 960), Kind::kNew);
}

TEST_F(EventTrackerTest, SegmentsOfALongEventAreOneEvent) {
  EXPECT_EQ(On(1000, 5, 0xffff - 960), Kind::kNew);  // its last packet was lost
  EXPECT_EQ(On(1000 + 0xffff, 5, 960), Kind::kGoesOn);
  EXPECT_EQ(tracker_.length(), 0xffff + 960u);
  EXPECT_EQ(On(1000 + 0xffff, 5, 1920, true), Kind::kGoesOn);
  EXPECT_EQ(tracker_.length(), 0xffff + 1920u);
}

TEST_F(EventTrackerTest, WhatOnlyLooksLikeASegmentIsNone) {
  const auto after = [&](bool ended, uint8_t event, uint32_t ahead, bool marker) {
    tracker_.Forget();
    On(1000, 5, 0xffff, ended);
    return On(1000 + ahead, event, 960, false, marker);
  };
  EXPECT_EQ(after(false, 5, 0xffff, false), Kind::kGoesOn);
  EXPECT_EQ(after(true, 5, 0xffff, false), Kind::kNew) << "the event was over";
  EXPECT_EQ(after(false, 6, 0xffff, false), Kind::kNew) << "another key";
  EXPECT_EQ(after(false, 5, 0xffff, true), Kind::kNew) << "the marker";
  EXPECT_EQ(after(false, 5, 0x10000, false), Kind::kNew) << "too late";
  tracker_.Forget();
  On(1000, 5, 4800);
  EXPECT_EQ(On(1000 + 0xffff, 5, 960), Kind::kNew) << "the first one was short";
}

}  // namespace
}  // namespace lastmile::media

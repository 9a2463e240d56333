#include "gateway/route/hours.h"

#include <gtest/gtest.h>

namespace lastmile::route {
namespace {

constexpr int kSunday = 0, kMonday = 1, kFriday = 5, kSaturday = 6;

bool Within(const char* hours, int day, int hour, int minute = 0) {
  const auto parsed = Hours::Parse(hours);
  EXPECT_TRUE(parsed) << hours;
  return parsed && parsed->Contains({day, hour * 60 + minute});
}

TEST(Hours, TheBeginBelongsToThemAndTheEndDoesNot) {
  EXPECT_TRUE(Within("Mon-Fri 08:00-18:00", kMonday, 8));
  EXPECT_TRUE(Within("Mon-Fri 08:00-18:00", kFriday, 17, 59));
  EXPECT_FALSE(Within("Mon-Fri 08:00-18:00", kFriday, 18));
  EXPECT_FALSE(Within("Mon-Fri 08:00-18:00", kMonday, 7, 59));
  EXPECT_FALSE(Within("Mon-Fri 08:00-18:00", kSunday, 12));
}

TEST(Hours, ThereMayBeSeveral) {
  constexpr const char* kHours = "Mon-Fri 08:00-18:00, Sat 09:00-12:00";
  EXPECT_TRUE(Within(kHours, kSaturday, 11));
  EXPECT_FALSE(Within(kHours, kSaturday, 12));
  EXPECT_TRUE(Within("Sat,Sun 00:00-24:00", kSunday, 23, 59));
  EXPECT_TRUE(Within("Sat,Sun 00:00-24:00", kSaturday, 0));
  EXPECT_TRUE(Within("Fri-Mon 10:00-11:00", kSunday, 10));
}

TEST(Hours, ANightBelongsToTheDayItBegan) {
  EXPECT_TRUE(Within("Fri 22:00-06:00", kFriday, 23));
  EXPECT_TRUE(Within("Fri 22:00-06:00", kSaturday, 5));
  EXPECT_FALSE(Within("Fri 22:00-06:00", kFriday, 5));
  EXPECT_TRUE(Within("Sat 22:00-06:00", kSunday, 1));
}

TEST(Hours, OtherTextIsRefused) {
  for (const char* text :
       {"", "Mon", "08:00-18:00", "Mon 8-18", "Mon 08:00", "Mon 08:00-25:00", "Mon 08:60-09:00",
        "Mon-Wed-Fri 08:00-09:00", "mon 08:00-09:00", "Mon 08:00-09:00,", "Mon 08:00-09:00 UTC",
        "Mon,Tue", "Mon 08:00-09:00, Tue"}) {
    EXPECT_FALSE(Hours::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace lastmile::route

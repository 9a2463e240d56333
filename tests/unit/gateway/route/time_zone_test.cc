#include "gateway/route/time_zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace lastmile::route {
namespace {

using ::testing::HasSubstr;
using namespace std::chrono;  // calendar arithmetic

std::string BytesOf(const std::string& name) {
  std::ifstream file("/usr/share/zoneinfo/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(TimeZone, WithoutANameItIsUtc) {
  const auto at = TimeZone().At(sys_days(2026y / 11 / 25) + 23h + 31min);
  EXPECT_EQ(at.day, 3);  // Wednesday
  EXPECT_EQ(at.minute, 23 * 60 + 31);
}

TEST(TimeZone, ClocksGoForwardAndBack) {
  const auto london = TimeZone::Load("Europe/London");
  ASSERT_TRUE(london) << london.error().message;
  const auto minute = [&](sys_seconds time) { return london->At(time).minute; };
  EXPECT_EQ(minute(sys_days(2026y / 1 / 15) + 12h), 12 * 60);
  EXPECT_EQ(minute(sys_days(2026y / 7 / 15) + 12h), 13 * 60);
  EXPECT_EQ(minute(sys_days(2026y / 3 / 29) + 59min), 59);
  EXPECT_EQ(minute(sys_days(2026y / 3 / 29) + 1h), 2 * 60);
  EXPECT_EQ(minute(sys_days(2026y / 10 / 25) + 59min), 1 * 60 + 59);
  EXPECT_EQ(minute(sys_days(2026y / 10 / 25) + 1h), 1 * 60);
}

TEST(TimeZone, ADayBeginsSoonerOrLaterElsewhere) {
  const auto auckland = TimeZone::Load("Pacific/Auckland");
  ASSERT_TRUE(auckland);
  EXPECT_EQ(auckland->At(sys_days(2026y / 11 / 25) + 23h).day, 4);  // Thursday already
  const auto la = TimeZone::Load("America/Los_Angeles");
  ASSERT_TRUE(la);
  EXPECT_EQ(la->At(sys_days(2026y / 11 / 25) + 1h).day, 2);  // Tuesday still
}

TEST(TimeZone, WhatIsNoZoneIsRefused) {
  for (const char* name : {"", "Europe/Atlantis", "/etc/passwd", "../../../etc/passwd", "Europe"}) {
    EXPECT_FALSE(TimeZone::Load(name)) << name;
  }
}

TEST(TimeZone, ABrokenFileIsRefusedWhereverItIsCut) {
  const std::string bytes = BytesOf("Europe/London");
  ASSERT_TRUE(TimeZone::Parse(bytes));
  const size_t footer = bytes.rfind('\n', bytes.size() - 2);
  for (size_t size = 0; size < footer; ++size) {
    EXPECT_FALSE(TimeZone::Parse(std::string_view(bytes).substr(0, size))) << size;
  }
}

TEST(TimeZone, AFileWithoutTheChangesToComeIsRefused) {
  // No entries, one type, and a rule at the end: what a "slim" file is like.
  std::string header = "TZif2" + std::string(15, '\0');
  header += std::string(12, '\0') + std::string(4, '\0') + std::string("\0\0\0\1\0\0\0\4", 8);
  const std::string type = std::string(6, '\0') + "GMT" + std::string(1, '\0');
  const std::string file = header + type + header + type + "\nGMT0BST,M3.5.0/1,M10.5.0\n";
  const auto zone = TimeZone::Parse(file);
  ASSERT_FALSE(zone);
  EXPECT_THAT(zone.error().message, HasSubstr("changes to come"));
  EXPECT_TRUE(TimeZone::Parse(header + type + header + type + "\nGMT0\n"));
}

}  // namespace
}  // namespace lastmile::route

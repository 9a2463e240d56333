#include "ws/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace lastmile::ws {
namespace {

std::string Encode(uint32_t c) {
  const auto byte = [](uint32_t v) { return static_cast<char>(v); };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xc0 | c >> 6), byte(0x80 | (c & 0x3f))};
  if (c < 0x10000) {
    return {byte(0xe0 | c >> 12), byte(0x80 | (c >> 6 & 0x3f)), byte(0x80 | (c & 0x3f))};
  }
  return {byte(0xf0 | c >> 18), byte(0x80 | (c >> 12 & 0x3f)), byte(0x80 | (c >> 6 & 0x3f)),
          byte(0x80 | (c & 0x3f))};
}

TEST(Utf8Test, TakesEveryCodePointButSurrogates) {
  for (uint32_t c = 0; c <= 0x10ffff; ++c) {
    const bool surrogate = c >= 0xd800 && c <= 0xdfff;
    ASSERT_EQ(IsUtf8(Encode(c)), !surrogate) << c;
  }
  EXPECT_FALSE(IsUtf8(Encode(0x110000)));
}

TEST(Utf8Test, RefusesOverlongForms) {
  EXPECT_FALSE(IsUtf8("\xc0\x80"));
  EXPECT_FALSE(IsUtf8("\xc1\xbf"));
  EXPECT_FALSE(IsUtf8("\xe0\x9f\xbf"));
  EXPECT_FALSE(IsUtf8("\xf0\x8f\xbf\xbf"));
}

TEST(Utf8Test, RefusesCutOffAndStrayBytes) {
  const std::string euro = "\xe2\x82\xac";
  EXPECT_TRUE(IsUtf8("a" + euro + "b"));
  EXPECT_FALSE(IsUtf8(euro.substr(0, 1)));
  EXPECT_FALSE(IsUtf8(euro.substr(0, 2)));
  EXPECT_FALSE(IsUtf8(euro.substr(1)));
  EXPECT_FALSE(IsUtf8(euro.substr(0, 2) + "a"));
  for (const char* lead : {"\xf5", "\xf8", "\xfe", "\xff"}) {
    EXPECT_FALSE(IsUtf8(std::string(lead) + "\x80\x80\x80"));
  }
}

}  // namespace
}  // namespace lastmile::ws

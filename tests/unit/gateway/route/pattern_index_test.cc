#include "gateway/route/pattern_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace lastmile::route {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Shape(std::string_view pattern) {
  const PatternShape shape = ShapeOf(pattern);
  switch (shape.rest) {
    case PatternShape::Rest::kNothing:
      return shape.prefix + "*";
    case PatternShape::Rest::kEnd:
      return shape.prefix;
    case PatternShape::Rest::kExpression:
      break;
  }
  return shape.prefix + "?";
}

TEST(PatternIndex, TheFixedTextOfAPatternIsFound) {
  EXPECT_EQ(Shape(""), "*");
  EXPECT_EQ(Shape("^"), "*");
  EXPECT_EQ(Shape("^\\+44"), "+44*");
  EXPECT_EQ(Shape("^600$"), "600");
  EXPECT_EQ(Shape("^\\*21"), "*21*");
  EXPECT_EQ(Shape("+15550001001"), "+15550001001");
  EXPECT_EQ(Shape("^\\+44(20|30)"), "+44?");
  EXPECT_EQ(Shape("^\\+44[|]"), "+44?");
  EXPECT_EQ(Shape("^\\+44\\|x"), "+44|x*");
  EXPECT_EQ(Shape("^\\+?[0-9]+$"), "?");
  EXPECT_EQ(Shape("^600?"), "60?");
  EXPECT_EQ(Shape("^60{2}"), "6?");
  EXPECT_EQ(Shape("^60+"), "6?");
  EXPECT_EQ(Shape("^\\d"), "?");
  EXPECT_EQ(Shape("600"), "?");
  EXPECT_EQ(Shape("^1|^2"), "?");
  EXPECT_EQ(Shape("^(1)|^2"), "?");
  EXPECT_EQ(Shape("^1\\"), "1?");
}

std::vector<uint32_t> Find(const PatternIndex& index, std::string_view text,
                           const std::vector<std::string>& keys) {
  std::vector<uint32_t> ids;
  auto matches = index.Find(text, keys);
  if (!matches) return {UINT32_MAX};
  for (uint32_t id = matches->Next(); id != UINT32_MAX; id = matches->Next()) ids.push_back(id);
  return ids;
}

TEST(PatternIndex, IdsComeInOrderAndOnce) {
  PatternIndex index;
  ASSERT_TRUE(index.Add("^\\+44", "", 0));
  ASSERT_TRUE(index.Add("^\\+44(20|30)", "alice", 1));
  ASSERT_TRUE(index.Add("", "bob", 2));
  ASSERT_TRUE(index.Add("^\\+4420$", "", 3));
  ASSERT_TRUE(index.Add("20", "alice", 4));
  ASSERT_TRUE(index.Add("20", "", 4));
  ASSERT_TRUE(index.Compile());
  EXPECT_THAT(Find(index, "+4420", {}), ElementsAre(0, 3, 4));
  EXPECT_THAT(Find(index, "+4420", {"alice"}), ElementsAre(0, 1, 3, 4));
  EXPECT_THAT(Find(index, "+4430", {"bob"}), ElementsAre(0, 2));
  EXPECT_THAT(Find(index, "+4430", {"bob", "alice"}), ElementsAre(0, 1, 2));
  EXPECT_THAT(Find(index, "112", {"carol"}), IsEmpty());
}

TEST(PatternIndex, WhatIsNotUnderstoodIsRefusedWithItsPart) {
  for (const char* pattern : {"(?=1)", "(1)\\1", "[0-9", "*", "(", "1{1001}", "\\"}) {
    const auto checked = CheckPattern(pattern);
    ASSERT_FALSE(checked) << pattern;
    EXPECT_THAT(checked.error().message, HasSubstr("not a pattern that is understood here: "));
    EXPECT_FALSE(PatternIndex().Add(pattern, "", 0)) << pattern;
  }
  EXPECT_TRUE(CheckPattern("^\\+44(20|30)[0-9]{8}$"));
}

// Whatever the patterns: the index says what each of them says alone.
TEST(PatternIndex, AnIndexSaysWhatItsPatternsSayAlone) {
  std::mt19937 random(7);
  const std::vector<std::string> parts = {"\\+", "4", "5", "[45]",   "4?", "(4|5)",
                                          "5+",  ".", "$", "5{1,2}", "|",  "^"};
  const auto draw = [&](size_t below) { return random() % below; };
  for (int round = 0; round < 200; ++round) {
    PatternIndex index;
    std::vector<std::string> patterns;
    while (patterns.size() < 12) {
      std::string pattern = draw(3) != 0 ? "^" : "";
      for (size_t n = draw(6); n > 0; --n) pattern += parts[draw(parts.size())];
      if (!CheckPattern(pattern)) continue;
      ASSERT_TRUE(index.Add(pattern, "", static_cast<uint32_t>(patterns.size())));
      patterns.push_back(pattern);
    }
    ASSERT_TRUE(index.Compile());
    for (int i = 0; i < 20; ++i) {
      std::string text = draw(2) != 0 ? "+" : "";
      for (size_t n = draw(5); n > 0; --n) text += draw(2) != 0 ? '4' : '5';
      std::vector<uint32_t> expected;
      for (uint32_t id = 0; id < patterns.size(); ++id) {
        if (PatternMatches(patterns[id], text)) expected.push_back(id);
      }
      EXPECT_EQ(Find(index, text, {}), expected) << text;
    }
  }
}

}  // namespace
}  // namespace lastmile::route

#include "base/random.h"

#include <gtest/gtest.h>

#include <cctype>
#include <set>

#include "base/log.h"

namespace lastmile {
namespace {

TEST(Random, TokensAreOfTheAskedLengthFromTheTokenAlphabet) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string token = random.Token(24);
    EXPECT_EQ(token.size(), 24u);
    for (char c : token) EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)));
    EXPECT_TRUE(seen.insert(token).second);
  }
}

TEST(Random, ASeedRepeatsItself) {
  SeededRandom a(7), b(7), c(8);
  const std::string first = a.Token(40);
  EXPECT_EQ(first, b.Token(40));
  EXPECT_NE(first, c.Token(40));
}

TEST(Redacted, TellsTwoApartWithoutShowingEither) {
  const std::string number = "+15550001001";
  EXPECT_EQ(fmt::format("{}", Redacted{number}), "+1***(12)");
  EXPECT_EQ(RedactText("600"), "***(3)");
}

}  // namespace
}  // namespace lastmile

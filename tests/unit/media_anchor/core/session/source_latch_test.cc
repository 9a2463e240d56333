#include "media_anchor/core/source_latch.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

const Endpoint kNamed = *Endpoint::Parse("192.0.2.10:4000");
const Endpoint kOtherPort = *Endpoint::Parse("192.0.2.10:61000");
const Endpoint kSignalled = *Endpoint::Parse("198.51.100.7:61234");
const Endpoint kStranger = *Endpoint::Parse("203.0.113.66:4000");
constexpr TimePoint kStart{100s};
constexpr TimePoint kInWindow = kStart + SourceLatch::kPatience;
constexpr TimePoint kLate = kStart + SourceLatch::kWindow;

class SourceLatchTest : public testing::Test {
 protected:
  SourceLatchTest() { latch_.Begin(kNamed, true, kSignalled.address, kStart); }

  bool Hears(const Endpoint& from, TimePoint now, uint16_t sequence = 1, uint32_t ssrc = 7,
             bool authentic = false) {
    return latch_.MayBe(from, now) &&
           latch_.Take(from, {.sequence = sequence, .ssrc = ssrc}, authentic, now);
  }
  // How many packets of a stream it needs; 0: more than 50.
  int Needs(const Endpoint& from, TimePoint now) {
    for (int i = 1; i <= 50; ++i) {
      if (Hears(from, now, static_cast<uint16_t>(i))) return i;
    }
    return 0;
  }

  SourceLatch latch_;
};

TEST_F(SourceLatchTest, WithoutALatchOnlyWhoIsNamedIsHeard) {
  latch_.Begin(kNamed, false, kSignalled.address, kStart);
  EXPECT_TRUE(latch_.settled());
  for (const Endpoint& other : {kOtherPort, kSignalled, kStranger}) {
    EXPECT_EQ(Needs(other, kInWindow), 0);
  }
  EXPECT_TRUE(Hears(kNamed, kLate));
}

TEST_F(SourceLatchTest, WhoIsNamedIsHeardAtOnceAndForGood) {
  EXPECT_FALSE(latch_.settled());
  EXPECT_TRUE(Hears(kNamed, kStart));
  EXPECT_TRUE(latch_.settled());
  for (const Endpoint& other : {kOtherPort, kSignalled, kStranger}) {
    EXPECT_EQ(Needs(other, kInWindow), 0);
  }
}

TEST_F(SourceLatchTest, ItsAddressIsEnoughAtAnyTime) {
  for (const Endpoint& likely : {kOtherPort, kSignalled}) {
    latch_.Begin(kNamed, true, kSignalled.address, kStart);
    EXPECT_TRUE(Hears(likely, kStart + 60s));
    EXPECT_EQ(latch_.source(), likely);
    EXPECT_TRUE(latch_.settled());
  }
}

TEST_F(SourceLatchTest, OfTwoThatFitAlikeTheFirstIsKept) {
  EXPECT_TRUE(Hears(kOtherPort, kStart));
  EXPECT_FALSE(Hears(kSignalled, kStart));
  EXPECT_TRUE(Hears(kOtherPort, kStart));
}

// A stream of an earlier call that the same carrier has not ended, S-09.
TEST_F(SourceLatchTest, WithinTheWindowTheNamedPortIsBetterThanAnotherOfItsAddress) {
  EXPECT_TRUE(Hears(kOtherPort, kStart));
  EXPECT_TRUE(Hears(kNamed, kStart + 1s));
  EXPECT_EQ(latch_.source(), kNamed);
  EXPECT_FALSE(Hears(kOtherPort, kStart + 1s));
}

TEST_F(SourceLatchTest, AStrangerNeedsAStreamWithinTheWindowAndPatience) {
  EXPECT_EQ(Needs(kStranger, kStart), 0) << "who has more to show comes first";
  latch_.Listen(kStart);
  EXPECT_EQ(Needs(kStranger, kInWindow), SourceLatch::kStream);
  EXPECT_EQ(latch_.source(), kStranger);
  latch_.Begin(kNamed, true, kSignalled.address, kStart);
  EXPECT_EQ(Needs(kStranger, kLate), 0);
  EXPECT_EQ(latch_.source(), kNamed);
}

TEST_F(SourceLatchTest, AStreamIsOfOneSourceAndNumberedOneByOne) {
  for (uint16_t i = 0; i < 100; ++i) {
    EXPECT_FALSE(Hears(kStranger, kInWindow, static_cast<uint16_t>(7 * i)));
    EXPECT_FALSE(Hears(kStranger, kInWindow, i, i)) << "another SSRC each time";
    EXPECT_FALSE(Hears(kStranger, kInWindow, 9)) << "one and the same packet";
  }
}

TEST_F(SourceLatchTest, OneStrangerDoesNotDisturbAnother) {
  const Endpoint other = *Endpoint::Parse("203.0.113.67:4000");
  for (uint16_t i = 1; i < SourceLatch::kStream; ++i) {
    EXPECT_FALSE(Hears(kStranger, kInWindow, i));
    EXPECT_FALSE(Hears(other, kInWindow, static_cast<uint16_t>(1000 * i)));
  }
  EXPECT_TRUE(Hears(kStranger, kInWindow, SourceLatch::kStream));
}

TEST_F(SourceLatchTest, WhoHasMoreToShowThanAStrangerTakesHisPlaceAtAnyTime) {
  ASSERT_EQ(Needs(kStranger, kInWindow), SourceLatch::kStream);
  EXPECT_TRUE(Hears(kStranger, kLate));
  EXPECT_FALSE(latch_.settled());
  EXPECT_TRUE(Hears(kSignalled, kLate + 10s));
  EXPECT_EQ(latch_.source(), kSignalled);
  EXPECT_FALSE(Hears(kStranger, kLate + 10s));
}

TEST_F(SourceLatchTest, TheAnswerOpensTheWindowAgainAndTakesNothingBack) {
  EXPECT_EQ(Needs(kStranger, kLate), 0);
  latch_.Listen(kLate);
  EXPECT_EQ(Needs(kStranger, kLate + SourceLatch::kPatience), SourceLatch::kStream);
  latch_.Listen(kLate + 10s);
  EXPECT_EQ(latch_.source(), kStranger);
  EXPECT_EQ(Needs(*Endpoint::Parse("203.0.113.67:4000"), kLate + 11s), 0) << "as good, and late";
}

TEST_F(SourceLatchTest, AnAuthenticPacketIsAllItTakes) {
  EXPECT_TRUE(Hears(kStranger, kStart, 1, 7, true));
  EXPECT_TRUE(latch_.settled());
  EXPECT_FALSE(latch_.MayBe(kNamed, kStart)) << "nothing fits better";
}

TEST_F(SourceLatchTest, OnHoldNobodyTakesThePlace) {
  for (const char* named : {"0.0.0.0:4000", "192.0.2.10:0"}) {
    latch_.Begin(*Endpoint::Parse(named), true, kSignalled.address, kStart);
    EXPECT_FALSE(latch_.MayBe(kSignalled, kInWindow));
    EXPECT_FALSE(latch_.MayBe(kStranger, kInWindow));
  }
}

}  // namespace
}  // namespace lastmile::media

#include "gateway/browser/guess_limiter.h"

#include <gtest/gtest.h>

#include <string>

namespace lastmile::browser {
namespace {

constexpr sip::FlowId kMallory{1};
constexpr sip::FlowId kOther{2};
constexpr TimePoint kNow{1h};

IpAddress Ip(const std::string& text) { return *IpAddress::Parse(text); }

class GuessLimiterTest : public ::testing::Test {
 protected:
  void Guess(sip::FlowId flow, const std::string& user, int times, TimePoint now = kNow) {
    for (int i = 0; i < times; ++i) limiter.OnWrong(flow, user, now);
  }
  bool IsRefused(sip::FlowId flow, const std::string& user, TimePoint now = kNow) {
    return limiter.RefusedFor(flow, user, now) > Duration{0};
  }

  GuessLimiter limiter;
};

TEST_F(GuessLimiterTest, TheSixthTryOfAConnectionIsRefusedWhomeverItIsFor) {
  limiter.OnFlowOpened(kMallory, Ip("192.0.2.1"));
  for (const char* user : {"a", "b", "c", "d", "e"}) {
    EXPECT_FALSE(IsRefused(kMallory, user));
    Guess(kMallory, user, 1);
  }
  EXPECT_EQ(limiter.RefusedFor(kMallory, "f", kNow), GuessLimiter::kWindow);
}

TEST_F(GuessLimiterTest, AMinuteAfterTheFirstWrongOneItStartsAnew) {
  limiter.OnFlowOpened(kMallory, Ip("192.0.2.1"));
  Guess(kMallory, "alice", 4);
  Guess(kMallory, "alice", 1, kNow + 59s);
  EXPECT_EQ(limiter.RefusedFor(kMallory, "alice", kNow + 59s), Duration(1s));
  EXPECT_FALSE(IsRefused(kMallory, "alice", kNow + 60s));
  Guess(kMallory, "alice", 4, kNow + 60s);
  EXPECT_FALSE(IsRefused(kMallory, "alice", kNow + 60s));
}

TEST_F(GuessLimiterTest, ANewConnectionFromTheSameAddressBringsNoNewTriesForThatUser) {
  limiter.OnFlowOpened(kMallory, Ip("192.0.2.1"));
  Guess(kMallory, "alice", 5);
  limiter.OnFlowClosed(kMallory);
  limiter.OnFlowOpened(kOther, Ip("192.0.2.1"));
  EXPECT_TRUE(IsRefused(kOther, "alice"));
  EXPECT_FALSE(IsRefused(kOther, "bob"));
}

TEST_F(GuessLimiterTest, FromElsewhereNobodyIsLockedOut) {
  limiter.OnFlowOpened(kMallory, Ip("192.0.2.1"));
  limiter.OnFlowOpened(kOther, Ip("192.0.2.2"));
  Guess(kMallory, "alice", 5);
  EXPECT_FALSE(IsRefused(kOther, "alice"));
}

TEST_F(GuessLimiterTest, WhoHasProvenToBeTheUserIsNotHeldToWhatANeighbourTries) {
  limiter.OnFlowOpened(kOther, Ip("192.0.2.1"));
  limiter.OnRight(kOther, "alice");
  limiter.OnFlowOpened(kMallory, Ip("192.0.2.1"));
  Guess(kMallory, "alice", 5);
  EXPECT_FALSE(IsRefused(kOther, "alice"));
}

TEST_F(GuessLimiterTest, AnAccountOfOnesOwnBringsNoMoreTries) {
  limiter.OnFlowOpened(kMallory, Ip("192.0.2.1"));
  for (int i = 0; i < 5; ++i) {
    limiter.OnRight(kMallory, "mallory");
    Guess(kMallory, "alice", 1);
  }
  limiter.OnRight(kMallory, "mallory");
  EXPECT_TRUE(IsRefused(kMallory, "alice"));
}

TEST_F(GuessLimiterTest, BehindAProxyOfThisMachineOnlyTheConnectionCounts) {
  limiter.OnFlowOpened(kMallory, Ip("127.0.0.1"));
  limiter.OnFlowOpened(kOther, Ip("127.0.0.1"));
  Guess(kMallory, "alice", 5);
  EXPECT_TRUE(IsRefused(kMallory, "alice"));
  EXPECT_FALSE(IsRefused(kOther, "alice"));
}

TEST_F(GuessLimiterTest, AddressesOfOneNetworkAreOne) {
  limiter.OnFlowOpened(kMallory, Ip("2001:db8:0:1::1"));
  limiter.OnFlowOpened(kOther, Ip("2001:db8:0:1:ffff::2"));
  Guess(kMallory, "alice", 5);
  EXPECT_TRUE(IsRefused(kOther, "alice"));
  limiter.OnFlowClosed(kOther);
  limiter.OnFlowOpened(kOther, Ip("2001:db8:0:2::1"));
  EXPECT_FALSE(IsRefused(kOther, "alice"));
}

}  // namespace
}  // namespace lastmile::browser

#include <gtest/gtest.h>

#include "tests/unit/gateway/call/call_harness.h"

// Which audio a call says is to flow.
namespace lastmile::call {
namespace {

using media::MediaWatch;

TEST(CallWatch, NothingBeforeBothSidesAreKnownAndNothingToSayWithoutASession) {
  CallHarness harness(CallDirection::kFromBrowser);
  EXPECT_FALSE(harness.call().watch());
  harness.DriveTo(CallState::kOpeningMedia);
  EXPECT_FALSE(harness.call().watch());
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kNothing);
  harness.Feed(CallerCancelled{});
  EXPECT_FALSE(harness.call().watch());
}

TEST(CallWatch, EarlyMediaIsWatchedAsThat) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeProgress{180, ""});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kNothing);
  harness.Feed(CalleeProgress{183, testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kEarly);
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kTalk);
}

TEST(CallWatch, BothTalkInACallOfEitherSide) {
  for (const auto direction : {CallDirection::kFromBrowser, CallDirection::kFromTrunk}) {
    CallHarness harness(direction);
    harness.DriveTo(CallState::kConnected);
    EXPECT_EQ(harness.call().watch(), MediaWatch::kTalk);
  }
}

TEST(CallWatch, AHoldIsTheHoldersAloneAndEnds) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  std::string offer = testing::BrowserSdp();
  offer.replace(offer.find("a=sendrecv"), 10, "a=sendonly");
  harness.Feed(Reoffered{Party::kCaller, {9}, offer});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kHeldByBrowser);
  harness.Feed(OfferAnswered{Party::kCallee, 200, testing::TrunkSdp("0 101", "recvonly")});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kHeldByBrowser);
  harness.Feed(Reoffered{Party::kCaller, {10}, testing::BrowserSdp()});
  harness.Feed(OfferAnswered{Party::kCallee, 200, testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kTalk);

  harness.Feed(Reoffered{Party::kCallee, {11}, testing::TrunkSdp("0 101", "inactive")});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kHeldByTrunk);
}

TEST(CallWatch, TheOldWayOfHoldingCountsToo) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  std::string held = testing::TrunkSdp("0 101");
  held.replace(held.find("c=IN IP4 127.0.0.2"), 18, "c=IN IP4 0.0.0.0");
  harness.Feed(Reoffered{Party::kCallee, {9}, held});
  EXPECT_EQ(harness.call().watch(), MediaWatch::kHeldByTrunk);
}

}  // namespace
}  // namespace lastmile::call

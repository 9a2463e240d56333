#include "gateway/call/budget_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::call {
namespace {

sdp::TrunkBuild Build(size_t before, size_t bytes, bool fits) {
  sdp::TrunkBuild build;
  build.bytes_before_budget = before;
  build.bytes = bytes;
  build.fits = fits;
  return build;
}

TEST(BudgetLog, NothingIsSaidWhereTheBudgetDidNothing) {
  sdp::TrunkBuild build = Build(200, 200, true);
  EXPECT_EQ(DescribeBudget(build, 700, {}), "");
  build.trail.AddNote({"rule.thirty", "a rule of the trunk"});
  EXPECT_EQ(DescribeBudget(build, 700, {}), "");
}

TEST(BudgetLog, EachStepIsNamedWithItsReason) {
  sdp::TrunkBuild build = Build(200, 150, true);
  build.trail.AddNote({"budget.events", "one"});
  build.trail.AddNote({"budget.rtpmap", "two"});
  build.trail.AddNote({"budget.rtpmap", "two"});
  EXPECT_EQ(
      DescribeBudget(build, 1100, {}),
      "INVITE of at most 1250 bytes, 150 of them SDP, within the trunk's budget (invite 1300, sdp "
      "1300): the SDP had 200 bytes before budget.events (one), budget.rtpmap 2 times (two)");
}

TEST(BudgetLog, WhatStaysOverItSaysSo) {
  sdp::TrunkBuild build = Build(200, 150, false);
  EXPECT_EQ(
      DescribeBudget(build, 1200, {}),
      "INVITE of at most 1350 bytes, 150 of them SDP, over the trunk's budget (invite 1300, sdp "
      "1300): nothing can be taken out of the SDP");
  build.trail.AddNote({"budget.codec", "one"});
  EXPECT_THAT(DescribeBudget(build, 1200, {}),
              testing::EndsWith("the SDP had 200 bytes before budget.codec (one); nothing else can "
                                "be taken out of it"));
}

}  // namespace
}  // namespace lastmile::call

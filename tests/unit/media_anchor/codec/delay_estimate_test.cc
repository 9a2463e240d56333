#include "media_anchor/codec/delay_estimate.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

class DelayEstimateTest : public ::testing::Test {
 protected:
  void Come(Duration transit, size_t packets) {
    for (size_t i = 0; i < packets; ++i) delay_.On(transit);
  }
  DelayEstimate delay_;
};

TEST_F(DelayEstimateTest, ASteadyNetworkNeedsTheLeast) {
  EXPECT_EQ(delay_.target(), DelayEstimate::kAtFirst);
  Come(7ms, 20);
  EXPECT_EQ(delay_.target(), DelayEstimate::kAtFirst);
  Come(7ms, 40);
  EXPECT_EQ(delay_.target(), DelayEstimate::kLeast);
  EXPECT_EQ(delay_.base(), 7ms);
}

TEST_F(DelayEstimateTest, TheTargetIsWhatNearlyAllStayWithin) {
  for (int i = 0; i < 256; ++i) delay_.On(i % 16 * 5ms);
  EXPECT_EQ(delay_.base(), 0ms);
  EXPECT_EQ(delay_.target(), 75ms);
}

TEST_F(DelayEstimateTest, OneLateCallerIsNoReason) {
  Come(0ms, 100);
  Come(150ms, DelayEstimate::kLateOnes);
  EXPECT_EQ(delay_.target(), DelayEstimate::kLeast);
  Come(150ms, 1);
  EXPECT_EQ(delay_.target(), 150ms);
}

TEST_F(DelayEstimateTest, WhatIsPastIsForgotten) {
  Come(0ms, 100);
  Come(150ms, 10);
  Come(0ms, DelayEstimate::kWindow + 8);
  EXPECT_EQ(delay_.target(), DelayEstimate::kLeast);
}

TEST_F(DelayEstimateTest, ALongerWayBecomesTheBase) {
  Come(0ms, 100);
  Come(100ms, 20);
  EXPECT_EQ(delay_.target(), 100ms);
  Come(100ms, DelayEstimate::kWindow);
  EXPECT_EQ(delay_.base(), 100ms);
  EXPECT_EQ(delay_.target(), DelayEstimate::kLeast);
}

TEST_F(DelayEstimateTest, AShorterWayIsTheBaseAtOnce) {
  Come(100ms, 100);
  Come(30ms, 1);
  EXPECT_EQ(delay_.base(), 30ms);
}

TEST_F(DelayEstimateTest, TheTargetHasABound) {
  Come(0ms, 100);
  Come(900ms, DelayEstimate::kDetour - 1);
  EXPECT_EQ(delay_.target(), DelayEstimate::kMost);
  EXPECT_EQ(delay_.base(), 0ms);
}

TEST_F(DelayEstimateTest, AMuchLongerWayIsTheBaseSoon) {
  Come(0ms, 100);
  Come(900ms, DelayEstimate::kDetour);
  EXPECT_EQ(delay_.base(), 900ms);
  EXPECT_EQ(delay_.target(), DelayEstimate::kAtFirst);
}

TEST_F(DelayEstimateTest, LateOnesAmongOthersAreNoOtherWay) {
  for (int i = 0; i < 200; ++i) delay_.On(i % 5 == 0 ? 0ms : 300ms);
  EXPECT_EQ(delay_.base(), 0ms);
}

TEST_F(DelayEstimateTest, AnotherStreamBeginsAnew) {
  Come(100ms, 100);
  delay_.Reset();
  EXPECT_TRUE(delay_.empty());
  Come(-5s, 1);
  EXPECT_EQ(delay_.base(), -5s);
  EXPECT_EQ(delay_.target(), DelayEstimate::kAtFirst);
}

}  // namespace
}  // namespace lastmile::media

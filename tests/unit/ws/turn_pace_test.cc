#include "ws/turn_pace.h"

#include <gtest/gtest.h>

namespace lastmile::ws {
namespace {

class TurnPaceTest : public testing::Test {
 protected:
  // A turn that is over at once, and the rest before the next.
  Duration Turn() {
    const Duration rest = pace_.RestBeforeTurn(now_);
    now_ += rest;
    return rest;
  }

  TimePoint now_ = TimePoint{} + 1000s;
  TurnPace pace_;
};

TEST_F(TurnPaceTest, NothingWaitsBeforeABurstIsUsedUp) {
  for (int i = 0; i < TurnPace::kBurst; ++i) EXPECT_EQ(Turn(), 0ns) << i;
  EXPECT_EQ(Turn(), TurnPace::kTurn);
}

TEST_F(TurnPaceTest, AStormGetsATurnEveryMillisecond) {
  const TimePoint from = now_;
  for (int i = 0; i < TurnPace::kBurst + 500; ++i) Turn();
  EXPECT_EQ(now_ - from, 500 * TurnPace::kTurn);
}

TEST_F(TurnPaceTest, ATurnEverySecondMillisecondNeverWaits) {
  for (int i = 0; i < 1000; ++i) {
    now_ += 2 * TurnPace::kTurn;
    EXPECT_EQ(Turn(), 0ns);
  }
}

TEST_F(TurnPaceTest, TheBurstComesBack) {
  for (int i = 0; i < TurnPace::kBurst + 5; ++i) Turn();
  now_ += TurnPace::kBurst * TurnPace::kTurn;
  for (int i = 0; i < TurnPace::kBurst; ++i) EXPECT_EQ(Turn(), 0ns) << i;
  EXPECT_GT(Turn(), 0ns);
}

}  // namespace
}  // namespace lastmile::ws

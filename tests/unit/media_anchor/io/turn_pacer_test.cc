#include "media_anchor/io/turn_pacer.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

class TurnPacerTest : public testing::Test {
 protected:
  // How long the pacer lets packets collect after a turn that began `since_last` after the one
  // before and took `packets`.
  Duration After(Duration since_last, size_t packets) {
    now_ += since_last;
    return pacer_.OnTurn(packets, now_) - now_;
  }

  TurnPacer pacer_;
  TimePoint now_ = TimePoint{} + 1h;
};

TEST_F(TurnPacerTest, APacketNowAndThenIsNotWaitedFor) {
  EXPECT_EQ(After(20ms, 1), 0us);
  EXPECT_EQ(After(TurnPacer::kTurn, 1), 0us);
  EXPECT_EQ(After(1s, 50), 0us) << "a burst after a pause";
  EXPECT_EQ(After(1s, 0), 0us) << "a timer";
}

TEST_F(TurnPacerTest, UnderLoadPacketsAreTakenTogether) {
  After(1s, 1);
  EXPECT_EQ(After(TurnPacer::kTurn / 4, 1), TurnPacer::kTurn);
  EXPECT_EQ(After(TurnPacer::kTurn, 4), TurnPacer::kTurn) << "and it stays so";
  EXPECT_EQ(After(TurnPacer::kTurn, 2), TurnPacer::kTurn);
  EXPECT_EQ(After(TurnPacer::kTurn, 1), 0us) << "until there are fewer";
}

TEST_F(TurnPacerTest, AWorkerThatIsBehindDoesNotWait) {
  const TimePoint began = now_ + 1ms;
  const TimePoint next = pacer_.OnTurn(40, began);
  EXPECT_LT(next, began + 1ms) << "the turn itself takes longer";
}

}  // namespace
}  // namespace lastmile::media

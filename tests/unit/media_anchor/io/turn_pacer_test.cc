#include "media_anchor/io/turn_pacer.h"

#include <gtest/gtest.h>

#include <chrono>

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
  constexpr Duration kTakes = 1ms;
  After(kTakes, 40);
  EXPECT_LE(After(kTakes, 40), kTakes) << "it is past when those 40 are relayed";
}

class LateTurnTest : public TurnPacerTest {
 protected:
  // Under load on a core that comes back so late. Returns what the last turn was allowed to sleep.
  Duration Settled(Duration late) {
    Duration sleep = TurnPacer::kTurn;
    for (int i = 0; i < 200; ++i) {
      const Duration since_last = sleep + late;
      sleep = After(since_last, 4);
      pacer_.OnWake(now_ + sleep, now_ + sleep + late);
    }
    return sleep;
  }
};

TEST_F(LateTurnTest, WhoIsWokenLateSleepsShorterSoThatTurnsStayAsLong) {
  EXPECT_EQ(Settled(0us), TurnPacer::kTurn);
  const auto about = [](Duration wanted, Duration got) { return std::chrono::abs(wanted - got); };
  EXPECT_LE(about(TurnPacer::kTurn - 45us, Settled(45us)), 1us);
  EXPECT_LE(about(TurnPacer::kTurn - 3us, Settled(3us)), 1us) << "the core stays awake again";
}

TEST_F(LateTurnTest, SomeSleepIsLeftByWhichToTell) {
  EXPECT_GE(Settled(100us), TurnPacer::kTurn - TurnPacer::kMostLateness);
  EXPECT_LE(TurnPacer::kTurn - Settled(3us), 4us) << "it was told";
}

TEST_F(LateTurnTest, OneLateTurnIsNoHabit) {
  Settled(3us);
  const TimePoint wanted = now_ + TurnPacer::kTurn;
  pacer_.OnWake(wanted, wanted + 4ms);
  EXPECT_GE(After(TurnPacer::kTurn, 4), TurnPacer::kTurn - 8us);
}

}  // namespace
}  // namespace lastmile::media

#include "gateway/net/loop.h"

#include <gtest/gtest.h>

#include <thread>

namespace lastmile::net {
namespace {

TEST(Loop, CallsBackAtTheTimeAskedForAndNotMuchEarlier) {
  Loop loop;
  const TimePoint start = MonotonicNow();
  int turns = 0;
  loop.Run([&] {
    ++turns;
    if (MonotonicNow() >= start + 60ms) loop.Stop();
    return start + 60ms;
  });
  EXPECT_GE(MonotonicNow() - start, 60ms);
  EXPECT_LE(turns, 5);  // it slept; it did not spin
}

TEST(Loop, WakeFromAnotherThreadEndsASleepWithoutATimer) {
  Loop loop;
  int turns = 0;
  std::thread other;
  loop.Run([&] {
    if (++turns == 1) other = std::thread([&] { loop.Wake(); });
    if (turns == 2) loop.Stop();
    return kNever;
  });
  other.join();
  EXPECT_EQ(turns, 2);
}

TEST(Loop, StopFromAnotherThreadEndsRunAndStopBeforeRunIsNotLost) {
  Loop loop;
  std::thread other([&] { loop.Stop(); });
  loop.Run([] { return kNever; });
  other.join();
  loop.Stop();
  loop.Run([]() -> TimePoint {
    ADD_FAILURE() << "stopped before it ran";
    return kNever;
  });
}

TEST(Loop, ADeadlineInThePastMeansAtOnce) {
  Loop loop;
  int turns = 0;
  loop.Run([&] {
    if (++turns == 3) loop.Stop();
    return MonotonicNow() - 1h;
  });
  EXPECT_EQ(turns, 3);
}

}  // namespace
}  // namespace lastmile::net

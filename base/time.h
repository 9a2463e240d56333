#ifndef LASTMILE_BASE_TIME_H_
#define LASTMILE_BASE_TIME_H_

#include <chrono>

namespace lastmile {

// The one clock of all timers: monotonic, so that a step of the wall clock drops no call.
// Sans-IO cores never read it; they are handed `now`.
using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::nanoseconds;

// Read by shells only.
inline TimePoint MonotonicNow() { return Clock::now(); }

inline constexpr TimePoint kNever = TimePoint::max();

using namespace std::chrono_literals;

}  // namespace lastmile

#endif  // LASTMILE_BASE_TIME_H_

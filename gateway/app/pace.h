#ifndef LASTMILE_GATEWAY_APP_PACE_H_
#define LASTMILE_GATEWAY_APP_PACE_H_

#include <algorithm>

#include "base/time.h"

namespace lastmile::app {

// So many at once, and after that one every so often. Thread: its owner's.
class Pace {
 public:
  constexpr Pace(int burst, Duration interval) : interval_(interval), span_(burst * interval) {}

  // False: too early.
  bool Take(TimePoint now) {
    const TimePoint from = std::max(full_at_, now);
    if (from + interval_ > now + span_) return false;
    full_at_ = from + interval_;
    return true;
  }

 private:
  Duration interval_;
  Duration span_;
  TimePoint full_at_{};  // when the whole burst is there again
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_PACE_H_

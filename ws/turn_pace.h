#ifndef LASTMILE_WS_TURN_PACE_H_
#define LASTMILE_WS_TURN_PACE_H_

#include <algorithm>

#include "base/time.h"

namespace lastmile::ws {

// How often the ws thread wakes up for what comes. To fall asleep and to be woken costs more than
// to read a message, so that in a storm of them (answers to pings, everybody registering) those of
// kTurn are taken together. Calls do not meet it: kBurst turns may follow each other at once.
// Pure. Thread: its owner's.
class TurnPace {
 public:
  static constexpr Duration kTurn = 1ms;
  static constexpr int kBurst = 32;

  // How long to rest at `now`, before the next turn is waited for.
  Duration RestBeforeTurn(TimePoint now) {
    free_at_ = std::max(free_at_, now) + kTurn;
    return std::max(Duration{}, free_at_ - now - kBurst * kTurn);
  }

 private:
  TimePoint free_at_{};  // when all turns of a burst are there again
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_TURN_PACE_H_

#ifndef LASTMILE_MEDIA_ANCHOR_IO_TURN_PACER_H_
#define LASTMILE_MEDIA_ANCHOR_IO_TURN_PACER_H_

#include <cstddef>

#include "base/time.h"

namespace lastmile::media {

// When a worker looks for packets again. To fall asleep and to be woken costs about as much as to
// relay a packet, so that under load, when another one is due at once, those of kTurn are taken
// together. With few packets each is relayed when it comes. Pure. Thread: its worker's.
class TurnPacer {
 public:
  // Half of it is what a packet waits on average.
  static constexpr Duration kTurn = 85us;
  // How many packets have to be expected within kTurn to be worth the wait.
  static constexpr size_t kWorthIt = 2;

  // `packets` were taken in the turn that began at `began`. The next one begins no sooner than what
  // is returned.
  TimePoint OnTurn(size_t packets, TimePoint began) {
    const Duration since_last = began - last_began_;
    last_began_ = began;
    return packets * kTurn >= kWorthIt * since_last ? began + kTurn : began;
  }

 private:
  TimePoint last_began_{};
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_TURN_PACER_H_

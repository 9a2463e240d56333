#ifndef LASTMILE_MEDIA_ANCHOR_IO_TURN_PACER_H_
#define LASTMILE_MEDIA_ANCHOR_IO_TURN_PACER_H_

#include <algorithm>
#include <cstddef>

#include "base/time.h"

namespace lastmile::media {

// When a worker looks for packets again. To fall asleep and to be woken costs about as much as to
// relay a packet, so that under load, when another one is due at once, those of kTurn are taken
// together. With few packets each is relayed when it comes. Pure. Thread: its worker's.
class TurnPacer {
 public:
  // From the beginning of a turn to that of the next one. Half of it is what a packet waits on
  // average.
  static constexpr Duration kTurn = 105us;
  // How many packets have to be expected within kTurn to be worth the wait.
  static constexpr size_t kWorthIt = 2;
  // What is made up for at most, so that there is always some sleep to measure it by.
  static constexpr Duration kMostLateness = kTurn / 2;

  // `packets` were taken in the turn that began at `began`. The worker may sleep until what is
  // returned, which may be past.
  TimePoint OnTurn(size_t packets, TimePoint began) {
    const Duration since_last = began - last_began_;
    last_began_ = began;
    return packets * kTurn >= kWorthIt * since_last ? began + kTurn - lateness_ : began;
  }

  // It wanted to sleep until `wanted`, and it is `now`. Where an idle core is taken away from a
  // virtual machine, to get it back takes half a turn.
  void OnWake(TimePoint wanted, TimePoint now) {
    lateness_ += (std::clamp<Duration>(now - wanted, 0ns, kMostLateness) - lateness_) / 16;
  }

 private:
  TimePoint last_began_{};
  Duration lateness_{};
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_TURN_PACER_H_

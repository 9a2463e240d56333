#ifndef LASTMILE_WS_LOG_LIMIT_H_
#define LASTMILE_WS_LOG_LIMIT_H_

#include "base/time.h"

namespace lastmile::ws {

// Keeps what hostile peers can cause from flooding the log. Thread: its owner's.
class LogLimit {
 public:
  static constexpr int kLinesPerSecond = 10;

  bool Admit(TimePoint now) {
    if (now - window_ >= 1s) {
      window_ = now;
      lines_ = 0;
    }
    return ++lines_ <= kLinesPerSecond;
  }

 private:
  TimePoint window_{};
  int lines_ = 0;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_LOG_LIMIT_H_

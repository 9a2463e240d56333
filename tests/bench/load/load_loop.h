#ifndef LASTMILE_TESTS_BENCH_LOAD_LOAD_LOOP_H_
#define LASTMILE_TESTS_BENCH_LOAD_LOAD_LOOP_H_

#include <sys/epoll.h>

#include <array>

#include "base/time.h"

namespace lastmile::bench {

// Who wants to know that its socket is readable.
class Readable {
 public:
  virtual ~Readable() = default;
  virtual void OnReadable(TimePoint now) = 0;
};

// The one loop of the load: a level-triggered epoll set whose waits are as exact as the kernel's
// timers. Thread: main.
class LoadLoop {
 public:
  LoadLoop();
  ~LoadLoop();
  LoadLoop(const LoadLoop&) = delete;
  LoadLoop& operator=(const LoadLoop&) = delete;

  // `reader` lives until Unwatch(). A descriptor that is watched already stays as it is; a negative
  // one is nobody's.
  void Watch(int fd, Readable& reader);
  void Unwatch(int fd, const Readable& reader);

  // Waits until something is readable or `until` is reached, and tells the readers.
  void Turn(TimePoint until);

 private:
  int epoll_fd_;
  std::array<epoll_event, 64> events_{};
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_LOAD_LOOP_H_

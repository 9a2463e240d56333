#include "wall_clock.h"

#include <sys/time.h>

#include <atomic>

namespace {
// A day of 2026: certificates are valid by it.
std::atomic<int64_t> microseconds{int64_t{1'780'000'000} * 1'000'000};
}  // namespace

namespace lastmile::test {

void SetWallClock(Duration since_epoch) {
  microseconds = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
}

}  // namespace lastmile::test

// The program's own definition precedes libc's for libssl as well.
extern "C" int gettimeofday(struct timeval* out, void*) noexcept {
  const int64_t now = microseconds;
  out->tv_sec = now / 1'000'000;
  out->tv_usec = now % 1'000'000;
  return 0;
}

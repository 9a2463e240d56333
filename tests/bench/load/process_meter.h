#ifndef LASTMILE_TESTS_BENCH_LOAD_PROCESS_METER_H_
#define LASTMILE_TESTS_BENCH_LOAD_PROCESS_METER_H_

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "base/time.h"

namespace lastmile::bench {

// Looks at the programs under test from outside: each process that is named, and its children at
// the time of construction. Thread: any.
class ProcessMeter {
 public:
  explicit ProcessMeter(const std::vector<pid_t>& programs);

  // User and system time of all their threads, also of those that are gone.
  Duration Cpu() const;
  // Proportional set size: a page that several share counts for each by its part.
  size_t PssBytes() const;
  int threads() const;

 private:
  std::vector<pid_t> pids_;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_PROCESS_METER_H_

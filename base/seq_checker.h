#ifndef LASTMILE_BASE_SEQ_CHECKER_H_
#define LASTMILE_BASE_SEQ_CHECKER_H_

#include <thread>

#include "base/check.h"

namespace lastmile {

// Proves in debug builds that an object is used on one thread only: the thread of the first
// Check().
class SeqChecker {
 public:
#ifdef NDEBUG
  void Check() const {}
#else
  void Check() const {
    if (owner_ == std::thread::id()) owner_ = std::this_thread::get_id();
    LASTMILE_CHECK(owner_ == std::this_thread::get_id());
  }

 private:
  mutable std::thread::id owner_;
#endif
};

}  // namespace lastmile

#endif  // LASTMILE_BASE_SEQ_CHECKER_H_

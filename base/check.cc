#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace lastmile::internal {

void CheckFailed(const char* file, int line, const char* condition) {
  std::fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, condition);
  std::abort();
}

}  // namespace lastmile::internal

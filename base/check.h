#ifndef LASTMILE_BASE_CHECK_H_
#define LASTMILE_BASE_CHECK_H_

namespace lastmile::internal {
[[noreturn]] void CheckFailed(const char* file, int line, const char* condition);
}

// For bugs of ours only, never for what a peer, a file or a library did: ends the process with the
// broken condition in debug builds. In release builds LASTMILE_CHECK costs nothing, so the code
// after it must stay memory-safe without it.
#ifdef NDEBUG
#define LASTMILE_CHECK(condition) static_cast<void>(sizeof(!(condition)))
#else
#define LASTMILE_CHECK(condition) \
  ((condition) ? void() : ::lastmile::internal::CheckFailed(__FILE__, __LINE__, #condition))
#endif

#endif  // LASTMILE_BASE_CHECK_H_

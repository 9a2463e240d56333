#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "gateway/app/call_snapshot.h"

// Any bytes are read or refused. What is read is written and read again as the same, and a call
// that is restored from it takes both of its legs' next refreshes.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace lastmile;
  const auto snapshot = app::ParseCallSnapshot({reinterpret_cast<const char*>(data), size});
  if (!snapshot) return 0;
  const auto again = app::ParseCallSnapshot(app::ToJson(*snapshot));
  if (!again || *again != *snapshot) std::abort();
  const TimePoint now(std::chrono::years(20));
  call::Call call({1}, {1}, {}, snapshot->call, now);
  std::vector<call::CallOutput> outputs;
  for (const bool browser : {true, false}) call.On(call::RefreshDue{browser}, now, outputs);
  return 0;
}

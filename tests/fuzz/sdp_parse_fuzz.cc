// Any text: the parser ends with a tree that prints as the same bytes, or with an error inside the
// text.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/bytes.h"
#include "sdp/parser.h"
#include "sdp/writer.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = lastmile::AsText({data, size});
  const auto parsed = lastmile::sdp::Parse(text);
  if (parsed) {
    if (lastmile::sdp::Print(*parsed) != text) std::abort();
  } else if (parsed.error().line == 0 || parsed.error().column > size + 3) {
    std::abort();
  }
  return 0;
}

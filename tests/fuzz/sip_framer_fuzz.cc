#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "gateway/sip/framer.h"

// The stream in one piece, and cut at places that its own bytes choose: the same messages,
// keep-alives and error.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using lastmile::sip::Framer;
  const lastmile::ByteView stream(data, size);
  Framer whole;
  Framer::Output expected;
  const auto end = whole.Push(stream, expected);

  Framer pieces;
  Framer::Output out;
  auto pushed = Framer().Push({}, out);
  for (size_t at = 0; at < size && pushed;) {
    const size_t length = std::min<size_t>(1 + data[at] % 17, size - at);
    pushed = pieces.Push(stream.subspan(at, length), out);
    at += length;
  }
  const bool same_end = end.has_value() == pushed.has_value() &&
                        (end || (end.error().reason == pushed.error().reason &&
                                 end.error().head == pushed.error().head));
  if (!same_end || out.messages != expected.messages || out.pings != expected.pings ||
      out.pongs != expected.pongs) {
    std::abort();
  }
  return 0;
}

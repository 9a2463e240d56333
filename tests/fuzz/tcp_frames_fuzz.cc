// A stream of frames (RFC 4571), cut at places that its own bytes choose: the datagrams and the end
// are those that a look at the whole stream finds.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "base/bytes.h"
#include "media_anchor/io/tcp_frames.h"

namespace lastmile::media {
namespace {

struct Seen {
  std::vector<Bytes> datagrams;
  bool broken = false;
  bool operator==(const Seen&) const = default;
};

Seen InTheWhole(ByteView stream) {
  Seen seen;
  while (stream.size() >= kFrameHeader) {
    const size_t size = LoadBe16(stream.data());
    seen.broken = size > AnchorSession::kMaxDatagram;
    if (seen.broken || stream.size() - kFrameHeader < size) break;
    const ByteView datagram = stream.subspan(kFrameHeader, size);
    if (size > 0) seen.datagrams.emplace_back(datagram.begin(), datagram.end());
    stream = stream.subspan(kFrameHeader + size);
  }
  return seen;
}

// As the worker reads: as much as there is room for, and then all datagrams. A piece is short or as
// long as the reader lets it be.
Seen InPieces(ByteView stream) {
  FrameReader reader;
  Seen seen;
  while (!stream.empty() && !reader.broken()) {
    const MutableByteView space = reader.Space();
    if (space.empty()) std::abort();  // it would wait for ever
    const size_t piece = stream[0] % 2 == 0 ? 1 + stream[0] % 32u : space.size();
    const size_t size = std::min({piece, space.size(), stream.size()});
    std::ranges::copy(stream.first(size), space.begin());
    reader.Add(size);
    stream = stream.subspan(size);
    while (const auto datagram = reader.Next()) {
      seen.datagrams.emplace_back(datagram->begin(), datagram->end());
    }
  }
  seen.broken = reader.broken();
  if (seen.broken && !reader.Space().empty()) std::abort();
  return seen;
}

}  // namespace
}  // namespace lastmile::media

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const lastmile::ByteView stream(data, size);
  if (lastmile::media::InPieces(stream) != lastmile::media::InTheWhole(stream)) std::abort();
  return 0;
}

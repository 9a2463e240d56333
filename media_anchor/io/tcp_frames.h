#ifndef LASTMILE_MEDIA_ANCHOR_IO_TCP_FRAMES_H_
#define LASTMILE_MEDIA_ANCHOR_IO_TCP_FRAMES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media_anchor/core/anchor_session.h"

namespace lastmile::media {

// RFC 4571 section 2: 16 bits of length, in network order, and so many bytes of a datagram.
inline constexpr size_t kFrameHeader = 2;

// Takes datagrams out of the bytes of a TCP stream, however these are cut. Holds one frame at most
// and never allocates. Thread: its owner's.
class FrameReader {
 public:
  // Where the next bytes of the stream go. Empty only if the stream is broken, or if there are
  // frames that Next() was not asked for. Makes the views of Next() invalid.
  MutableByteView Space();
  void Add(size_t size);  // so many bytes were written to Space()

  // The next datagram; empty ones mean nothing and are skipped. Nothing: more bytes are needed, or
  // the stream is broken.
  std::optional<ByteView> Next();
  // A frame says that it is longer than any datagram (AnchorSession::kMaxDatagram): there is no way
  // to tell where the next one begins.
  bool broken() const { return broken_; }

 private:
  std::array<uint8_t, kFrameHeader + AnchorSession::kMaxDatagram> bytes_;
  size_t begin_ = 0;  // of what is not taken yet
  size_t end_ = 0;
  bool broken_ = false;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_TCP_FRAMES_H_

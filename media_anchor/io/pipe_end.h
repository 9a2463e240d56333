#ifndef LASTMILE_MEDIA_ANCHOR_IO_PIPE_END_H_
#define LASTMILE_MEDIA_ANCHOR_IO_PIPE_END_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"

namespace lastmile::media {

// One end of a pair that joins two threads: datagrams go to and fro whole and in order, and each
// end sees when the other one is gone, after what that one has sent. Never blocks. Closed with the
// object. Thread: its owner's.
class PipeEnd {
 public:
  static Result<std::pair<PipeEnd, PipeEnd>> MakePair();

  PipeEnd(PipeEnd&& other) noexcept;
  PipeEnd& operator=(PipeEnd&& other) noexcept;
  ~PipeEnd();

  int fd() const { return fd_; }

  // False: the other end is gone, or too slow, and the datagram is dropped, as is an empty one.
  bool Send(ByteView datagram);
  // The size of the datagram, which is longer than `out` if it did not fit. Nothing: none waits, or
  // the other end is gone, see gone().
  std::optional<size_t> Receive(MutableByteView out);
  bool gone() const { return gone_; }
  uint64_t dropped() const { return dropped_; }

 private:
  explicit PipeEnd(int fd) : fd_(fd) {}

  int fd_;
  bool gone_ = false;
  uint64_t dropped_ = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_PIPE_END_H_

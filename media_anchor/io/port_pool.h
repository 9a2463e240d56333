#ifndef LASTMILE_MEDIA_ANCHOR_IO_PORT_POOL_H_
#define LASTMILE_MEDIA_ANCHOR_IO_PORT_POOL_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/endpoint.h"
#include "base/random.h"
#include "base/result.h"
#include "media_anchor/io/udp_socket.h"

namespace lastmile::media {

// The trunk side's ports of one worker: an even one for RTP and the next for RTCP (RFC 3550 section
// 11). Starts anywhere and goes round, so that a port rests as long as possible before its next
// call. Thread: its worker's.
class PortPool {
 public:
  struct Pair {
    UdpSocket rtp;
    UdpSocket rtcp;
  };
  // The pairs within [min, max] whose number modulo `of` is `index`: each worker has its own, so
  // that none needs a lock.
  PortPool(IpAddress bind, uint16_t min, uint16_t max, size_t index, size_t of,
           RandomSource& random);

  // Binds the next free pair. Pairs in use, by us or another program, are skipped. The error says
  // that none is free, or why binding is impossible.
  Result<Pair> Take();
  void Release(const Pair& pair);
  size_t pairs() const { return in_use_.size(); }

 private:
  uint16_t RtpPortOf(size_t slot) const;

  const IpAddress bind_;
  const uint32_t first_;  // the even port of pair number 0
  const uint32_t max_;
  const size_t index_;
  const size_t of_;
  std::vector<bool> in_use_;
  size_t next_ = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_PORT_POOL_H_

#ifndef LASTMILE_MEDIA_ANCHOR_IO_PORT_POOL_H_
#define LASTMILE_MEDIA_ANCHOR_IO_PORT_POOL_H_

#include <cstddef>
#include <cstdint>
#include <deque>

#include "base/endpoint.h"
#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "media_anchor/io/udp_socket.h"

namespace lastmile::media {

// The trunk side's ports of one worker: an even one for RTP and the next for RTCP (RFC 3550 section
// 11). Starts anywhere and goes round. A pair that was released is closed and rests, so that who
// sends on to a call that is over is not heard in the next one (S-09). Thread: its worker's.
class PortPool {
 public:
  struct Pair {
    UdpSocket rtp;
    UdpSocket rtcp;
    bool rested = true;
  };
  // The pairs within [min, max] whose number modulo `of` is `index`: each worker has its own, so
  // that none needs a lock.
  PortPool(IpAddress bind, uint16_t min, uint16_t max, size_t index, size_t of,
           RandomSource& random);

  // Binds the free pair that has rested longest, even if that is not kRest: a call with a port that
  // was another's is better than none. Pairs that another program has are skipped. The error says
  // that none is free, or why binding is impossible.
  Result<Pair> Take(TimePoint now);
  void Release(const Pair& pair, TimePoint now);
  size_t pairs() const { return pairs_; }

  static constexpr Duration kRest = 30s;

 private:
  struct Free {
    size_t slot = 0;
    TimePoint rests_until;
  };

  uint16_t RtpPortOf(size_t slot) const;

  const IpAddress bind_;
  const uint32_t first_;  // the even port of pair number 0
  const uint32_t max_;
  const size_t index_;
  const size_t of_;
  const size_t pairs_;
  std::deque<Free> free_;  // those that are in nobody's use the longest come first
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_PORT_POOL_H_

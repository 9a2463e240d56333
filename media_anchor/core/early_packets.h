#ifndef LASTMILE_MEDIA_ANCHOR_CORE_EARLY_PACKETS_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_EARLY_PACKETS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"

namespace lastmile::media {

// The last RTP packets that came before the SDP that says where they come from: a carrier that
// speaks as soon as it has answered may be heard before its 200, because UDP and TCP race. Whoever
// sends is kept, and only what came from the SDP's address is given back. Sans-IO. Thread: its
// owner's. Allocates once, at the first packet, and frees that at the end.
class EarlyPackets {
 public:
  // False: it is too large to be speech, and is not kept.
  bool Keep(ByteView datagram, const Endpoint& from, TimePoint now);
  // The SDP has come: the packets of that source that are not older than kMostAge wait for Pop(),
  // the others are gone. No packet is kept any more.
  void Release(const Endpoint& source, TimePoint now);

  struct Packet {
    ByteView bytes;  // until the next call of anything here
    TimePoint at;    // when it came
  };
  // In the order in which they came. False: no more.
  bool Pop(Packet& packet);

  bool keeps() const { return !released_; }

  static constexpr size_t kMost = 10;
  // 60 ms of G.711 or a packet of Opus, with SRTP and header extensions.
  static constexpr size_t kMaxSize = 600;
  static constexpr Duration kMostAge = 200ms;

 private:
  struct Slot {
    Endpoint from;
    TimePoint at;
    size_t size = 0;
    std::array<uint8_t, kMaxSize> bytes{};
  };
  using Slots = std::array<Slot, kMost>;

  std::unique_ptr<Slots> slots_;
  size_t next_ = 0;   // where the next one is kept
  size_t count_ = 0;  // kept, the last one before next_
  Endpoint source_;
  TimePoint oldest_;  // that is given back
  bool released_ = false;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_EARLY_PACKETS_H_

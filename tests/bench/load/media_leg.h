#ifndef LASTMILE_TESTS_BENCH_LOAD_MEDIA_LEG_H_
#define LASTMILE_TESTS_BENCH_LOAD_MEDIA_LEG_H_

#include <array>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::bench {

// Nanoseconds of the wall clock: the one by which the kernel stamps what arrives.
int64_t WallNs();

// What all legs of a run count. Of packets only those that were sent from `from_ns` until
// `until_ns`.
struct Tally {
  int64_t from_ns = std::numeric_limits<int64_t>::max();
  int64_t until_ns = std::numeric_limits<int64_t>::max();
  uint64_t sent = 0;
  uint64_t received = 0;
  uint64_t refused = 0;             // at any time: not authentic, or not what was sent
  std::vector<uint32_t> delays_ns;  // one a packet received
};

// One end of the audio of one call, on a socket of its owner: G.711 of 20 ms, plain or SRTP. Each
// packet has in its payload when it left; it has arrived when the kernel put it into the receiver's
// socket, so that it does not count how busy the load itself is. Thread: main.
class MediaLeg {
 public:
  // `number` makes its source; both outlive it.
  MediaLeg(int fd, uint32_t number, Tally& tally);

  // The program under test: everything goes there, and the kernel drops what others send.
  void Connect(const Endpoint& remote);
  void SetKeys(const media::StreamKeys& keys);
  void Send();
  // Reads one datagram. What is neither RTP nor RTCP is handed back; it is valid until the next
  // call.
  std::optional<MutableByteView> Read();

 private:
  static constexpr size_t kRoom = 2048;
  void OnRtp(MutableByteView packet, int64_t arrived_ns);

  const int fd_;
  Tally& tally_;
  const uint32_t ssrc_;
  uint16_t sequence_ = 0;
  uint32_t timestamp_ = 0;
  std::unique_ptr<media::SrtpTransform> protect_;
  std::unique_ptr<media::SrtpTransform> unprotect_;
};

}  // namespace lastmile::bench

#endif  // LASTMILE_TESTS_BENCH_LOAD_MEDIA_LEG_H_

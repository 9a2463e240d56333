#ifndef LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_SRTP_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_SRTP_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// SRTP of one media section of a trunk, with the keys of its SDP (RFC 3711, RFC 4568), or plain RTP
// while it has none. A key that is said again goes on where it was: no index is used twice under
// one key (RFC 3711 section 9.1). Of a new key of the trunk's, the one before it holds until the
// first packet under the new one is authentic. A leg that comes from another session, or another
// process, goes on in the middle of its source's numbers (MakeEvpSrtpMidway). Nothing changes
// before a packet was authenticated. Thread: its owner's (the media worker's). No allocation per
// packet.
class TrunkSrtp {
 public:
  // Nothing: plain RTP from now on. Keys of the wrong size make a section that carries nothing.
  void SetKeys(const std::optional<StreamKeys>& keys);
  bool on() const { return on_; }

  enum class Kind { kRtp, kRtcp };
  // The length of the plain packet at the start of `packet`; nothing: it is not the trunk's, and
  // its bytes are lost.
  std::optional<size_t> Open(Kind kind, MutableByteView packet);
  // Protects the first `size` bytes of `room`, which has SrtpTransform::kMaxTrailer more; the new
  // length. 0: it must not be sent.
  size_t Seal(Kind kind, MutableByteView room, size_t size);

  // Keys of each direction that are remembered: those of the parties and suites of one session.
  static constexpr size_t kMaxKeys = 8;

 private:
  struct Context {
    SrtpKeys keys;
    std::unique_ptr<SrtpTransform> transform;  // null: keys of the wrong size
  };
  using Contexts = std::vector<Context>;  // the one in use first

  // Whether the one in use is another one now.
  static bool Use(Contexts& contexts, const SrtpKeys& keys, SrtpDirection direction);
  static std::optional<size_t> OpenWith(Context& context, Kind kind, MutableByteView packet);

  bool on_ = false;
  Contexts send_;
  Contexts receive_;
  bool heard_ = true;  // under the first of receive_
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_SRTP_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_OUTGOING_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_OUTGOING_H_

#include <cstddef>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "media_anchor/core/path.h"

namespace lastmile::media {

// Which of a session's pairs of trunk ports. A bridge has its first trunk's audio at kAudio and its
// second one's at kSecondAudio.
enum class MediaKind { kAudio, kVideo, kSecondAudio };
inline constexpr size_t kMediaKinds = 3;

// One datagram to send. Lends its bytes. Thread: its owner's (the media worker's).
struct Outgoing {
  enum class To { kNone, kBrowser, kTrunkRtp, kTrunkRtcp };  // the socket it leaves from
  To to = To::kNone;
  MutableByteView bytes{};
  Path path{};                         // kBrowser
  Endpoint endpoint{};                 // kTrunkRtp, kTrunkRtcp
  MediaKind kind = MediaKind::kAudio;  // kTrunkRtp, kTrunkRtcp: whose socket
  // It is all that came of the datagram that made it: no event, nothing else to send, no timeout
  // that is earlier than before. So a packet that is only relayed costs its session no further
  // look.
  bool settled = false;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_OUTGOING_H_

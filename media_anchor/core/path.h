#ifndef LASTMILE_MEDIA_ANCHOR_CORE_PATH_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_PATH_H_

#include <compare>

#include "base/endpoint.h"
#include "base/strong_id.h"

namespace lastmile::media {

struct TcpTag;
// A TCP connection of a browser with a media worker, by which datagrams come and go in frames.
using TcpId = StrongId<TcpTag>;

// A pair of RFC 8445 as the gateway sees it: where a datagram came from and which of our addresses
// it came to (any: the socket has only one). An answer leaves from `local`, or the browser's pair
// would not match. Of a pair over TCP (RFC 6544) the connection is a part: a new one is a new pair,
// whatever address it comes from. Thread: any, a plain value.
struct Path {
  Endpoint remote;
  IpAddress local;
  TcpId tcp = {};      // none: the pair is UDP
  bool agent = false;  // whatever pair an agent of full ICE has chosen; it has nothing of the above
  static Path Agent() { return {.agent = true}; }
  auto operator<=>(const Path&) const = default;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_PATH_H_

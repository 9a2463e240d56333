#ifndef LASTMILE_MEDIA_ANCHOR_CORE_PATH_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_PATH_H_

#include <compare>

#include "base/endpoint.h"

namespace lastmile::media {

// A pair of RFC 8445 as the gateway sees it: where a datagram came from and which of our addresses
// it came to (any: the socket has only one). An answer leaves from `local`, or the browser's pair
// would not match. Thread: any, a plain value.
struct Path {
  Endpoint remote;
  IpAddress local;
  auto operator<=>(const Path&) const = default;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_PATH_H_

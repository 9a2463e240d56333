#ifndef LASTMILE_MEDIA_ANCHOR_IO_BIND_FAILURE_H_
#define LASTMILE_MEDIA_ANCHOR_IO_BIND_FAILURE_H_

#include <string>
#include <string_view>

#include "base/endpoint.h"

namespace lastmile::media {

// The sentence for a socket that cannot be bound: transport ("UDP"), address, port and the cause
// that `code`, an errno, stands for. Thread: any.
std::string BindFailure(std::string_view transport, const Endpoint& address, int code);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_BIND_FAILURE_H_

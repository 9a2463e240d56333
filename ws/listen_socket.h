#ifndef LASTMILE_WS_LISTEN_SOCKET_H_
#define LASTMILE_WS_LISTEN_SOCKET_H_

#include <string_view>

#include "base/endpoint.h"
#include "base/result.h"
#include "ws/fd.h"

namespace lastmile::ws {

// A TCP socket that listens, non-blocking, and the address it got.
struct ListenSocket {
  Fd fd;
  Endpoint address;
};

// An IPv6 address takes IPv6 connections only. The error starts with `config_path` and says what
// is wrong with the address or who has the port.
Result<ListenSocket> Listen(const Endpoint& address, std::string_view config_path);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_LISTEN_SOCKET_H_

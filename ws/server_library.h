#ifndef LASTMILE_WS_SERVER_LIBRARY_H_
#define LASTMILE_WS_SERVER_LIBRARY_H_

#include <string>
#include <string_view>

#include "ws/server.h"

struct lws_context;
struct lws_protocols;
struct lws_vhost;

namespace lastmile::ws {

// What the server takes from libwebsockets besides connections. Thread: any.

// Sec-WebSocket-Accept of a Sec-WebSocket-Key (RFC 6455 section 4.2.2).
std::string AcceptKeyOf(std::string_view key);
// Its errors and warnings go to our log, from the first call on.
void RedirectLibraryLog();
// What connections of one listener have in common, TLS above all. lws keeps pointers to `name` and
// `protocols`. Null: it did not take the certificate and key.
lws_vhost* MakeVhost(lws_context* context, const Listener& listener, const std::string& name,
                     const lws_protocols* protocols);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_SERVER_LIBRARY_H_

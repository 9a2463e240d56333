#ifndef LASTMILE_WS_HTTP_RESPONSE_H_
#define LASTMILE_WS_HTTP_RESPONSE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace lastmile::ws {

struct ResponseHead {
  int status = 200;
  std::string_view content_type = "text/plain; charset=utf-8";
  uint64_t content_length = 0;
  bool keep_alive = false;
  std::string_view extra = {};  // further header lines, each with its CRLF
};

// The head of an HTTP/1.1 response with its empty line and with the security headers that every
// response carries (CSP and its companions; the page may use the microphone and open WebSockets).
// Thread: any, no state.
std::string BuildResponseHead(const ResponseHead& head);

// The response that accepts a WebSocket (RFC 6455 section 4.2.2); subprotocol sip (RFC 7118).
std::string BuildSwitchingProtocols(std::string_view accept_key);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_HTTP_RESPONSE_H_

#include "ws/upgrade.h"

#include <algorithm>

namespace lastmile::ws {
namespace {

bool IsBase64Char(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// The base64 of 16 bytes: 22 characters and two signs of padding.
bool IsKey(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") &&
         std::all_of(key.begin(), key.begin() + 22, IsBase64Char);
}

// Subprotocol names are compared as they are (RFC 6455 section 11.5): "SIP" is another one.
bool OffersSip(const Request& request) {
  for (const Request::Header& header : request.headers) {
    if (!EqualsIgnoringCase(header.name, "Sec-WebSocket-Protocol")) continue;
    std::string_view rest = header.value;
    while (!rest.empty()) {
      std::string_view item = rest.substr(0, rest.find(','));
      rest.remove_prefix(std::min(item.size() + 1, rest.size()));
      while (item.starts_with(' ') || item.starts_with('\t')) item.remove_prefix(1);
      while (item.ends_with(' ') || item.ends_with('\t')) item.remove_suffix(1);
      if (item == "sip") return true;
    }
  }
  return false;
}

}  // namespace

UpgradeDecision DecideUpgrade(const Request& request, const OriginPolicy& origins, bool tls) {
  if (request.Count("Upgrade") != 1 || !EqualsIgnoringCase(*request.Find("Upgrade"), "websocket")) {
    return {400, "Only an upgrade to websocket is possible here."};
  }
  if (request.method != "GET" || !request.http_1_1 || !request.HasToken("Connection", "upgrade")) {
    return {400, "A WebSocket needs an HTTP/1.1 GET with Connection: Upgrade."};
  }
  if (request.Count("Sec-WebSocket-Version") != 1 ||
      *request.Find("Sec-WebSocket-Version") != "13") {
    return {426, "Only version 13 of WebSocket is spoken here."};
  }
  if (request.Count("Sec-WebSocket-Key") != 1 || !IsKey(*request.Find("Sec-WebSocket-Key"))) {
    return {400, "Sec-WebSocket-Key must be 16 bytes in base64, once."};
  }
  if (request.Count("Origin") > 1 ||
      !origins.Allows(request.Find("Origin"), *request.Find("Host"), tls)) {
    return {403,
            "This origin may not open a WebSocket here; the gateway's listen.*.origins does "
            "not list it."};
  }
  if (!OffersSip(request)) {
    return {400, "The WebSocket subprotocol sip must be offered (RFC 7118)."};
  }
  return {.key = *request.Find("Sec-WebSocket-Key")};
}

}  // namespace lastmile::ws

#ifndef LASTMILE_WS_ORIGIN_H_
#define LASTMILE_WS_ORIGIN_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lastmile::ws {

// A web origin (RFC 6454): scheme and host in lower case, the port always told.
struct Origin {
  std::string scheme;  // "http" or "https"
  std::string host;    // a name, an IPv4 address or an IPv6 address in brackets
  uint16_t port = 0;

  bool operator==(const Origin&) const = default;
};

// Takes exactly scheme://host[:port] with http or https; no path, no userinfo, no "null", no list.
std::optional<Origin> ParseOrigin(std::string_view text);
// The same for a Host header (host[:port]) of a request that came over `scheme`.
std::optional<Origin> ParseHost(std::string_view host, std::string_view scheme);

// Decides who may open a WebSocket (S-31: cross-site WebSocket hijacking, RFC 6455 section 10.2).
// Thread: any; constant after its making.
class OriginPolicy {
 public:
  // A place where this server listens, and so where its own page may come from.
  struct OwnPort {
    bool tls = false;
    uint16_t port = 0;
  };

  // An entry of `allowed` that is not an origin allows nothing.
  OriginPolicy(const std::vector<std::string>& allowed, bool allow_no_origin,
               std::vector<OwnPort> own_ports);

  // `host` is the request's Host header, `tls` how the request came. Allowed: a listed origin; the
  // origin of the page served under that Host by this listener or another one of this server.
  //
  // The own-page rule believes Host, so a name that an attacker re-points to this machine (DNS
  // rebinding) passes it. That gives him a WebSocket, never a login: SIP digest or a token is still
  // needed and nothing here is authenticated by cookies or by where a connection comes from.
  bool Allows(std::optional<std::string_view> origin, std::string_view host, bool tls) const;

 private:
  std::vector<Origin> allowed_;
  bool allow_no_origin_;
  std::vector<OwnPort> own_ports_;
};

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_ORIGIN_H_

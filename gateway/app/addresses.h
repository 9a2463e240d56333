#ifndef LASTMILE_GATEWAY_APP_ADDRESSES_H_
#define LASTMILE_GATEWAY_APP_ADDRESSES_H_

#include <string>
#include <vector>

#include "base/endpoint.h"
#include "gateway/app/config.h"

namespace lastmile::app {

// What `advertise: auto` means. Thread: main, at start.

// The addresses a browser may reach us at if we listen on `bind`: `bind` itself, or, if that is the
// wildcard, the addresses of all interfaces that are up, loopback last. Never empty.
std::vector<IpAddress> BrowserAddresses(const IpAddress& bind);

// The one address a carrier reaches us at: `bind` itself, or, if that is the wildcard, the source
// address the kernel would take towards `server`. No packet is sent. `server` may be the wildcard
// if it is not known yet; the first address that is not loopback is then taken.
IpAddress TrunkAddress(const IpAddress& bind, const IpAddress& server);

// As the host of a URI: IPv6 in brackets.
std::string HostOf(const IpAddress& address);

// The one a gateway with that configuration has.
IpAddress TrunkAddressOf(const Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_ADDRESSES_H_

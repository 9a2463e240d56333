#ifndef LASTMILE_GATEWAY_NET_SENTENCES_H_
#define LASTMILE_GATEWAY_NET_SENTENCES_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

// What a person reads when a stream fails: who and why. Pure; thread: any.
namespace lastmile::net {

// "sip.example.com:5061"; an IPv6 address gets its brackets.
std::string HostPort(std::string_view host, uint16_t port);

// `error` is a negative errno as libuv gives it; `peer` comes from HostPort.
std::string ConnectFailure(int error, std::string_view peer);
std::string StreamFailure(int error, std::string_view peer);
std::string ListenFailure(int error, std::string_view address);

// "5 s", "250 ms".
std::string Seconds(Duration duration);

// At most 8 names of at most 64 characters, anything but printable ASCII shown as '?': names of a
// peer's certificate are hostile text. "a.example, b.example and 3 more".
std::string NameList(const std::vector<std::string>& names);

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_SENTENCES_H_

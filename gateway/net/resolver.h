#ifndef LASTMILE_GATEWAY_NET_RESOLVER_H_
#define LASTMILE_GATEWAY_NET_RESOLVER_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/result.h"
#include "gateway/net/loop.h"

namespace lastmile::net {

// One look-up of the addresses (A and AAAA, the hosts file first) of one host name by c-ares on the
// loop. Thread: the loop's. Destroying it calls nobody any more. The channel lives as long as the
// look-up, so that a changed resolv.conf counts from the next one on.
class NameQuery {
 public:
  // The addresses in the order to try them (RFC 6724), at least one and at most kMaxAddresses; or a
  // sentence that names the host. Called once, never from inside the constructor. The query may be
  // destroyed in it.
  using Done = std::function<void(Result<std::vector<IpAddress>>)>;
  static constexpr size_t kMaxAddresses = 16;

  // `servers`: "127.0.0.1:53,[::1]:53", empty: those of the system.
  NameQuery(Loop::Impl& loop, const std::string& host, const std::string& servers, Done done);
  ~NameQuery();
  NameQuery(const NameQuery&) = delete;
  NameQuery& operator=(const NameQuery&) = delete;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_RESOLVER_H_

#ifndef LASTMILE_GATEWAY_NET_DNS_QUERY_H_
#define LASTMILE_GATEWAY_NET_DNS_QUERY_H_

#include <functional>
#include <memory>
#include <string>

#include "base/dns.h"
#include "base/time.h"
#include "gateway/net/loop.h"

namespace lastmile::net {

// One look-up by c-ares on the loop: addresses (A and AAAA, the hosts file first, at most
// kMaxAddresses in the order of RFC 6724), SRV or NAPTR records (see dns_message.h). Over UDP, and
// over TCP what UDP cuts off. Thread: the loop's. Destroying it calls nobody any more. The channel
// lives as long as the look-up, so that a changed resolv.conf counts from the next one on.
class DnsQuery {
 public:
  // Called once, never from inside the constructor, at most kTimeLimit later. The query may be
  // destroyed in it.
  using Done = std::function<void(DnsAnswer)>;
  static constexpr size_t kMaxAddresses = 16;
  // A caller waits meanwhile. What has arrived by then counts: a server that answers for A and
  // never for AAAA costs time, not the call.
  static constexpr Duration kTimeLimit = 4s;

  // `servers`: "127.0.0.1:53,[::1]:53", empty: those of the system.
  DnsQuery(Loop::Impl& loop, const std::string& name, DnsType type, const std::string& servers,
           Done done);
  ~DnsQuery();
  DnsQuery(const DnsQuery&) = delete;
  DnsQuery& operator=(const DnsQuery&) = delete;

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_DNS_QUERY_H_

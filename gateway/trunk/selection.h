#ifndef LASTMILE_GATEWAY_TRUNK_SELECTION_H_
#define LASTMILE_GATEWAY_TRUNK_SELECTION_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/dns.h"
#include "base/endpoint.h"
#include "base/random.h"
#include "base/time.h"

// Where the servers of a trunk are (RFC 3263, client side), and in which order they are tried (RFC
// 2782). Pure values: somebody else asks the name servers. Thread: its owner's.
namespace lastmile::trunk {

// One server as it stands in the configuration.
struct ConfiguredServer {
  std::string host;   // a name or an address
  uint16_t port = 0;  // 0: a name is looked up by NAPTR and SRV, an address has the default port
  // As those of an SRV record (RFC 2782), among the servers of one trunk.
  uint16_t priority = 0;
  uint16_t weight = 1;
  bool operator==(const ConfiguredServer&) const = default;
};

// What one host of a service is reached at: all its addresses are the same server to RFC 2782.
struct ServerHost {
  uint16_t priority = 0;
  uint16_t weight = 1;
  std::vector<Endpoint> endpoints;  // in the order to try them
  bool operator==(const ServerHost&) const = default;
};

// Port of SIP over TCP or TLS that nobody named (RFC 3261 section 19.1.2).
constexpr uint16_t DefaultPort(bool tls) { return tls ? 5061 : 5060; }

// The look-ups that lead from a configured server to its addresses. A bare name is asked for NAPTR,
// those of the transport for SRV, without any for the transport's SRV, without one of these for A
// and AAAA; a name with a port for A and AAAA alone; an address for nothing. However much a name
// server says, there are at most kMaxQueries and kMaxEndpoints. The name that a certificate has to
// carry stays the configured one (RFC 5922 section 4).
class Selection {
 public:
  struct Query {
    std::string name;
    DnsType type = DnsType::kAddress;
    bool operator==(const Query&) const = default;
  };

  Selection(const ConfiguredServer& server, bool tls);

  // Queries to be asked now, each once; they may be answered in any order.
  std::vector<Query> TakeQueries() { return std::exchange(queries_, {}); }
  void OnAnswer(const Query& query, const DnsAnswer& answer);

  bool done() const { return done_; }
  // --- once it is done ---
  const std::vector<ServerHost>& hosts() const { return hosts_; }
  // A sentence if there are no hosts.
  const std::string& failure() const { return failure_; }
  // There are no hosts, and nobody said that there are none: what was known may still be true.
  bool is_unsure() const { return unsure_ && hosts_.empty(); }
  // Of the record that lives shortest; Duration::max(): nothing was asked.
  Duration ttl() const { return ttl_; }

  static constexpr size_t kMaxQueries = 16;
  static constexpr size_t kMaxEndpoints = 64;

 private:
  void Ask(std::string name, DnsType type);
  void AskAddresses();
  void OnPointers(const DnsAnswer& answer);
  void OnServices(const std::string& name, const DnsAnswer& answer);
  void OnAddresses(const std::string& name, const DnsAnswer& answer);
  // The next SRV name that a NAPTR named, the transport's own, or the name itself.
  void AskNextService();
  void Finish();

  const std::string host_;
  const uint16_t port_;
  const bool tls_;
  std::vector<Query> queries_;
  size_t asked_ = 0;
  size_t unanswered_ = 0;
  std::vector<std::string> service_names_;  // still to be asked, last one first
  std::vector<SrvRecord> services_;         // of which the addresses are asked
  std::vector<std::pair<std::string, std::vector<IpAddress>>> addresses_;  // by name
  std::vector<ServerHost> hosts_;
  std::string failure_;
  bool unsure_ = false;
  bool done_ = false;
  Duration ttl_ = Duration::max();
};

struct PriorityWeight {
  uint16_t priority = 0;
  uint16_t weight = 0;
};
// RFC 2782: lower priorities first; within one, each next entry drawn by weight. Indices.
std::vector<size_t> DrawOrder(const std::vector<PriorityWeight>& entries, RandomSource& random);

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_SELECTION_H_

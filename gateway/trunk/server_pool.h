#ifndef LASTMILE_GATEWAY_TRUNK_SERVER_POOL_H_
#define LASTMILE_GATEWAY_TRUNK_SERVER_POOL_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/dns.h"
#include "base/endpoint.h"
#include "base/random.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "gateway/sip/ids.h"
#include "gateway/trunk/health.h"
#include "gateway/trunk/selection.h"

namespace lastmile::trunk {

struct ServerTag;
// One address of one server of a trunk.
using ServerId = StrongId<ServerTag>;

struct Server {
  size_t configured = 0;  // which of the configured servers led to it
  std::string name;       // that one's host: what its certificate has to carry
  Endpoint endpoint;
  ServerHealth health;
  sip::FlowId flow = {};            // the connection that we opened, 0: none
  sip::ClientRequestId probe = {};  // its last OPTIONS
  std::string lost = {};            // why the last one ended or could not be opened; "": not told
  bool gone = false;  // the name servers do not name it any more: it keeps what it has
};

// The servers of one trunk: found by their names, found again when the records have lived their
// time, in the order in which the next call tries them. A server that nobody names any more takes
// no new call; its connection and what goes over it stay. Sans-IO. Thread: signalling.
class ServerPool {
 public:
  struct Options {
    std::string trunk;  // its name, for the log
    std::vector<ConfiguredServer> servers;
    bool tls = false;
    Duration keepalive = Duration::zero();  // as HealthOptions
  };
  struct LookUp {
    size_t configured = 0;
    Selection::Query query;
  };

  ServerPool(Options options, RandomSource& random);

  // --- finding ---
  // Starts look-ups whose time has come.
  void OnTimer(TimePoint now);
  std::vector<LookUp> TakeLookUps();
  void OnLookedUp(const LookUp& look_up, const DnsAnswer& answer, TimePoint now);
  // Every configured server's first look-up is answered.
  bool is_resolved() const;
  // Why there is no server that calls are offered to: a sentence that names no address.
  std::string WhyNone() const;

  // --- choosing ---
  // Those that calls are offered to, in the order to try them (RFC 2782, one draw for each call);
  // suspects are last.
  std::vector<ServerId> Order();
  // The one for what is no call: a connection that stands is used again. 0: there is none. `avoid`
  // only if there is no other.
  ServerId Preferred(ServerId avoid = {});

  // For what has to reach the carrier in a dialog: as Preferred, but also one that takes no calls.
  ServerId Any();

  Server* Find(ServerId id);
  std::map<ServerId, Server>& servers() { return servers_; }
  const std::map<ServerId, Server>& servers() const { return servers_; }
  const std::vector<ConfiguredServer>& configured() const { return options_.servers; }
  bool Has(const IpAddress& address) const;
  TimePoint next_timeout() const;

  // Bounds of what a record's life is taken for.
  static constexpr Duration kMinTtl = 1s;
  static constexpr Duration kMaxTtl = 300s;
  static constexpr Duration kRetry = 5s;  // of a look-up that found nothing

 private:
  struct Entry {
    std::optional<Selection> selection;  // under way
    std::vector<ServerHost> hosts;       // the last result
    std::string failure;
    TimePoint refresh_at = TimePoint::min();
    bool resolved = false;
  };

  void Start(size_t configured);
  void Take(size_t configured, TimePoint now);
  void Add(size_t configured, const Endpoint& endpoint);
  void Settle(TimePoint now);
  HealthOptions HealthOptionsNow() const;
  std::vector<ServerId> InOrder();
  ServerId ConnectedOrFirst(const std::vector<ServerId>& order) const;

  const Options options_;
  RandomSource& random_;
  std::vector<Entry> entries_;  // by configured server
  IdSource<ServerId> ids_;
  std::map<ServerId, Server> servers_;
  std::vector<LookUp> look_ups_;
};

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_SERVER_POOL_H_

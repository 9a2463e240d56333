#include "gateway/trunk/server_pool.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace lastmile::trunk {
namespace {

std::vector<PriorityWeight> WeightsOf(const auto& entries) {
  std::vector<PriorityWeight> weights;
  for (const auto& entry : entries) weights.push_back({entry.priority, entry.weight});
  return weights;
}

// Nothing to choose: no draw either.
std::vector<size_t> OrderOf(const auto& entries, RandomSource& random) {
  if (entries.size() == 1) return {0};
  return DrawOrder(WeightsOf(entries), random);
}

bool Names(const std::vector<ServerHost>& hosts, const Endpoint& endpoint) {
  return std::ranges::any_of(hosts, [&](const ServerHost& host) {
    return std::ranges::count(host.endpoints, endpoint) != 0;
  });
}

}  // namespace

ServerPool::ServerPool(Options options, RandomSource& random)
    : options_(std::move(options)), random_(random), entries_(options_.servers.size()) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    const Selection fixed(options_.servers[i], options_.tls);
    if (!fixed.done()) continue;
    entries_[i].hosts = fixed.hosts();
    entries_[i].refresh_at = kNever;
    entries_[i].resolved = true;
    for (const Endpoint& endpoint : fixed.hosts().front().endpoints) Add(i, endpoint);
  }
  Settle(TimePoint());
}

// The only server of a trunk that nobody wanted watched is called whatever came of the last call.
HealthOptions ServerPool::HealthOptionsNow() const {
  const auto there =
      std::ranges::count_if(servers_, [](const auto& entry) { return !entry.second.gone; });
  return {.keepalive = options_.keepalive,
          .breaker = there > 1 || options_.keepalive > Duration::zero()};
}

void ServerPool::Settle(TimePoint now) {
  std::erase_if(servers_,
                [](const auto& entry) { return entry.second.gone && !entry.second.flow; });
  const HealthOptions health = HealthOptionsNow();
  for (auto& [id, server] : servers_) server.health.SetOptions(health, now);
}

void ServerPool::Add(size_t configured, const Endpoint& endpoint) {
  for (auto& [id, server] : servers_) {
    if (server.configured != configured || server.endpoint != endpoint) continue;
    server.gone = false;
    return;
  }
  const ServerId id = ids_.Next();
  Server server{.configured = configured,
                .name = options_.servers[configured].host,
                .endpoint = endpoint,
                .health = ServerHealth(options_.trunk + "#" + std::to_string(id.value),
                                       HealthOptionsNow(), random_)};
  servers_.emplace(id, std::move(server));
}

// --- finding ---

void ServerPool::OnTimer(TimePoint now) {
  for (size_t i = 0; i < entries_.size(); ++i) {
    if (entries_[i].refresh_at <= now) Start(i);
  }
}

void ServerPool::Start(size_t configured) {
  Entry& entry = entries_[configured];
  entry.refresh_at = kNever;
  entry.selection.emplace(options_.servers[configured], options_.tls);
  for (Selection::Query& query : entry.selection->TakeQueries()) {
    look_ups_.push_back({configured, std::move(query)});
  }
}

std::vector<ServerPool::LookUp> ServerPool::TakeLookUps() { return std::exchange(look_ups_, {}); }

void ServerPool::OnLookedUp(const LookUp& look_up, const DnsAnswer& answer, TimePoint now) {
  Entry& entry = entries_[look_up.configured];
  if (!entry.selection) return;
  entry.selection->OnAnswer(look_up.query, answer);
  for (Selection::Query& query : entry.selection->TakeQueries()) {
    look_ups_.push_back({look_up.configured, std::move(query)});
  }
  if (entry.selection->done()) Take(look_up.configured, now);
}

void ServerPool::Take(size_t configured, TimePoint now) {
  Entry& entry = entries_[configured];
  const Selection found = *std::move(entry.selection);
  entry.selection.reset();
  const bool first = !std::exchange(entry.resolved, true);
  const bool none = found.hosts().empty();
  entry.refresh_at = now + (none ? kRetry : std::clamp(found.ttl(), kMinTtl, kMaxTtl));
  if (none) {
    if (entry.failure != found.failure()) {
      spdlog::warn("leg=trunk trunk={} finds no server at {}: {}", options_.trunk,
                   Redacted{options_.servers[configured].host}, Redacted{found.failure()});
    }
    entry.failure = found.failure();
    // Nobody said that they are gone.
    if (found.is_unsure()) return;
  } else {
    entry.failure.clear();
  }
  if (entry.hosts != found.hosts() || first) {
    spdlog::info("leg=trunk trunk={} has {} servers by that name", options_.trunk,
                 found.hosts().size());
  }
  entry.hosts = found.hosts();
  for (auto& [id, server] : servers_) {
    if (server.configured == configured) server.gone = !Names(entry.hosts, server.endpoint);
  }
  for (const ServerHost& host : entry.hosts) {
    for (const Endpoint& endpoint : host.endpoints) Add(configured, endpoint);
  }
  Settle(now);
}

bool ServerPool::is_resolved() const { return std::ranges::all_of(entries_, &Entry::resolved); }

std::string ServerPool::WhyNone() const {
  std::string why;
  const auto add = [&](const std::string& what, const std::string& reason) {
    why += (why.empty() ? "" : "; ") + what + ": " + reason;
  };
  for (const auto& [id, server] : servers_) {
    if (!server.gone) add("server " + std::to_string(id.value), server.health.last_failure());
  }
  for (const Entry& entry : entries_) {
    if (!entry.failure.empty()) add("look-up", "finds no server");
  }
  return "no server of the trunk takes calls now (" + why + ")";
}

// --- choosing ---

std::vector<ServerId> ServerPool::InOrder() {
  std::map<std::pair<size_t, Endpoint>, ServerId> by_place;
  for (const auto& [id, server] : servers_) by_place[{server.configured, server.endpoint}] = id;
  std::vector<ServerId> order;
  for (const size_t configured : OrderOf(options_.servers, random_)) {
    const std::vector<ServerHost>& hosts = entries_[configured].hosts;
    for (const size_t host : OrderOf(hosts, random_)) {
      for (const Endpoint& endpoint : hosts[host].endpoints) {
        order.push_back(by_place.at({configured, endpoint}));
      }
    }
  }
  return order;
}

std::vector<ServerId> ServerPool::Order() {
  std::vector<ServerId> order = InOrder();
  std::erase_if(order, [&](ServerId id) { return !servers_.at(id).health.takes_calls(); });
  std::ranges::stable_partition(
      order, [&](ServerId id) { return servers_.at(id).health.is_first_choice(); });
  return order;
}

ServerId ServerPool::Preferred(ServerId avoid) {
  std::vector<ServerId> order = Order();
  if (order.size() > 1) std::erase(order, avoid);
  return ConnectedOrFirst(order);
}

ServerId ServerPool::Any() {
  const ServerId preferred = Preferred();
  return preferred ? preferred : ConnectedOrFirst(InOrder());
}

ServerId ServerPool::ConnectedOrFirst(const std::vector<ServerId>& order) const {
  const auto connected = std::ranges::find_if(
      order, [&](ServerId id) { return static_cast<bool>(servers_.at(id).flow); });
  if (connected != order.end()) return *connected;
  return order.empty() ? ServerId{} : order.front();
}

Server* ServerPool::Find(ServerId id) {
  const auto found = servers_.find(id);
  return found == servers_.end() ? nullptr : &found->second;
}

bool ServerPool::Has(const IpAddress& address) const {
  return std::ranges::any_of(servers_, [&](const auto& entry) {
    return !entry.second.gone && entry.second.endpoint.address == address;
  });
}

TimePoint ServerPool::next_timeout() const {
  TimePoint next = kNever;
  for (const Entry& entry : entries_) next = std::min(next, entry.refresh_at);
  for (const auto& [id, server] : servers_) {
    if (!server.gone) next = std::min(next, server.health.next_timeout());
  }
  return next;
}

}  // namespace lastmile::trunk

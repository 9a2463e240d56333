#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/trunk/trunk_edge.h"

// The servers of trunks: a connection to each, look-ups of their names, probes of their health.
namespace lastmile::trunk {

void TrunkEdge::MakePools() {
  for (const Trunk& trunk : options_.trunks) {
    ServerPool::Options options{.trunk = trunk.name,
                                .servers = trunk.servers,
                                .tls = trunk.tls,
                                .keepalive = trunk.keepalive};
    if (options.servers.empty() && !trunk.is_local) {
      options.servers.push_back({.host = trunk.host, .port = trunk.port});
    }
    pools_.emplace_back(std::move(options), random_);
  }
}

// --- connections ---

sip::FlowId TrunkEdge::FlowTo(size_t trunk) {
  if (options_.trunks[trunk].is_local) return LocalFlow(trunk);
  if (const ServerId server = pools_[trunk].Preferred()) return FlowTo(trunk, server);
  return pools_[trunk].is_resolved() ? sip::FlowId{} : WaitingFlow(trunk);
}

sip::FlowId TrunkEdge::FlowTo(size_t trunk, ServerId id) {
  Server& server = *pools_[trunk].Find(id);
  if (!server.flow) LeadTo(NewFlow(trunk, false, options_.trunks[trunk].tls), id);
  return server.flow;
}

sip::FlowId TrunkEdge::WaitingFlow(size_t trunk) {
  if (!waiting_[trunk]) waiting_[trunk] = NewFlow(trunk, false, options_.trunks[trunk].tls);
  return waiting_[trunk];
}

void TrunkEdge::LeadTo(sip::FlowId id, ServerId server_id) {
  Flow& flow = flows_.at(id);
  ServerPool& pool = pools_[flow.trunk];
  Server& server = *pool.Find(server_id);
  flow.server = server_id;
  server.flow = id;
  const bool only = pool.servers().size() == 1;
  outputs_.push_back(OpenStream{.flow = id,
                                .trunk = flow.trunk,
                                .host = server.name,
                                .endpoint = server.endpoint,
                                .connect_timeout = only ? kConnectTimeout : kNextServerTimeout});
  if (!flow.held.empty()) outputs_.push_back(SendBytes{id, std::exchange(flow.held, {})});
}

// What waits for the look-up goes to the first server that was found, or fails.
void TrunkEdge::OnServersFound(size_t trunk, TimePoint now) {
  const sip::FlowId flow = waiting_[trunk];
  if (!flow) return;
  std::vector<ServerId> order = pools_[trunk].Order();
  if (order.empty() && !pools_[trunk].is_resolved()) return;
  waiting_[trunk] = {};
  if (order.empty()) return OnStreamClosed(flow, now);
  for (auto& [dialog, attempt] : attempts_) {
    if (attempt.flow != flow) continue;
    attempt.server = order.front();
    attempt.untried.assign(order.begin() + 1, order.end());
  }
  LeadTo(flow, order.front());
}

void TrunkEdge::OnServerFlowLost(const Flow& flow, sip::FlowId id, std::string_view reason,
                                 TimePoint now) {
  if (register_flows_[flow.trunk] == id) registrations_.OnFlowLost(flow.trunk, now);
  Server* server = pools_[flow.trunk].Find(flow.server);
  if (!server || server->flow != id) return;
  server->flow = {};
  server->lost = reason;
  if (flow.open) {
    server->health.OnConnectionLost(reason.empty() ? "its connection was lost" : reason, now);
  } else {
    server->health.OnCallFailed(reason.empty() ? "it takes no connection" : reason, now);
  }
}

// --- look-ups ---

void TrunkEdge::TakeLookUps() {
  for (size_t trunk = 0; trunk < pools_.size(); ++trunk) {
    for (ServerPool::LookUp& look_up : pools_[trunk].TakeLookUps()) {
      const LookUpId id = look_up_ids_.Next();
      outputs_.push_back(LookUp{id, look_up.query.name, look_up.query.type});
      look_ups_.emplace(id, std::pair(trunk, std::move(look_up)));
    }
  }
}

void TrunkEdge::OnLookedUp(LookUpId id, const DnsAnswer& answer, TimePoint now) {
  const auto node = look_ups_.extract(id);
  if (!node) return;
  const auto& [trunk, look_up] = node.mapped();
  pools_[trunk].OnLookedUp(look_up, answer, now);
  OnServersFound(trunk, now);
}

// --- health ---

void TrunkEdge::RunServerTimers(TimePoint now) {
  for (size_t trunk = 0; trunk < pools_.size(); ++trunk) {
    ServerPool& pool = pools_[trunk];
    if (pool.next_timeout() > now) continue;
    pool.OnTimer(now);
    for (auto& [id, server] : pool.servers()) {
      if (server.gone) continue;
      const auto flow = flows_.find(server.flow);
      const bool connected = flow != flows_.end() && flow->second.open;
      if (server.health.OnTimer(connected, now) && server.flow) {
        Close(server.flow, server.health.last_failure(), now);
      }
      if (server.health.wants_probe(now)) SendProbe(trunk, id, now);
    }
  }
}

void TrunkEdge::SendProbe(size_t trunk, ServerId id, TimePoint now) {
  Server& server = *pools_[trunk].Find(id);
  server.health.OnProbeSent(now);
  sip::Parties parties =
      PartiesOf(trunk, {.trunk = options_.trunks[trunk].name}, server.configured);
  parties.account = {};  // 401 is an answer, too
  const auto sent =
      user_agent_.SendRequest(FlowTo(trunk, id), "OPTIONS", std::move(parties), {}, now);
  probes_[sent] = {trunk, id};
  server.probe = sent;
}

bool TrunkEdge::OnProbeAnswered(const sip::RequestAnswered& answered, TimePoint now) {
  const auto node = probes_.extract(answered.id);
  if (!node) return false;
  Server* server = pools_[node.mapped().trunk].Find(node.mapped().server);
  // Without a response its own time or the connection's end has told already.
  if (server && server->probe == answered.id && answered.response) {
    server->health.OnProbeAnswered(answered.status, now);
  }
  return true;
}

std::vector<TrunkStatus> TrunkEdge::status() const {
  std::vector<TrunkStatus> all;
  for (size_t i = 0; i < pools_.size(); ++i) {
    if (options_.trunks[i].is_local) continue;
    TrunkStatus status{.trunk = options_.trunks[i].name,
                       .registers = options_.trunks[i].register_expires > 0,
                       .registered = registrations_.IsTrunkRegistered(i),
                       .not_registered = registrations_.WhyNotRegistered(i)};
    for (const auto& [id, server] : pools_[i].servers()) {
      if (server.gone) continue;
      ++status.servers;
      status.up_servers += server.health.takes_calls();
      const Duration rtt = server.health.rtt();
      if (rtt > Duration::zero() && (status.rtt == Duration::zero() || rtt < status.rtt)) {
        status.rtt = rtt;
      }
      if (!server.health.last_failure().empty()) {
        status.last_failure = server.health.last_failure();
      }
    }
    if (status.servers == 0 && pools_[i].is_resolved()) status.last_failure = pools_[i].WhyNone();
    all.push_back(std::move(status));
  }
  return all;
}

}  // namespace lastmile::trunk

#include "gateway/app/signalling.h"

#include <algorithm>
#include <chrono>
#include <fstream>

#include "base/check.h"
#include "base/log.h"
#include "gateway/app/local_calls.h"
#include "gateway/app/trunk_tls.h"

namespace lastmile::app {
namespace {

// How soon a command that media had no room for is tried again.
constexpr Duration kBacklogRetry = 10ms;

uint16_t PortOf(const std::vector<SipListener>& listeners, const std::vector<Endpoint>& bound,
                bool tls, uint16_t otherwise) {
  for (size_t i = 0; i < listeners.size() && i < bound.size(); ++i) {
    if (listeners[i].tls == tls) return bound[i].port;
  }
  return otherwise;
}

std::optional<browser::LookupOptions> LookupOf(const Config& config) {
  if (!config.user_source) return std::nullopt;
  return config.user_source->lookup;
}

}  // namespace

Signalling::Signalling(const Config& config, std::string trunk_host, Shells shells)
    : config_(config), shells_(shells), trunk_host_(std::move(trunk_host)), admin_([this] {
        return metrics_.Text({.signalling = manager_->gauges(),
                              .media = shells_.media.gauges(),
                              .ws = shells_.ws.gauges()});
      }) {}

Signalling::~Signalling() { Stop(); }

Result<std::vector<Endpoint>> Signalling::Listen() {
  std::vector<Endpoint> bound;
  for (const SipListener& listener : config_.sip) {
    auto endpoint = hub_->Listen(
        {.address = listener.address, .use_tls = listener.tls, .tls = TlsListenerOptions(config_)});
    if (!endpoint) return std::unexpected(Error{listener.path + ": " + endpoint.error().message});
    bound.push_back(*endpoint);
  }
  if (config_.admin) {
    auto endpoint = hub_->Listen({.address = *config_.admin});
    if (!endpoint) return std::unexpected(Error{"listen.admin: " + endpoint.error().message});
    admin_port_ = endpoint->port;
    bound.push_back(*endpoint);
  }
  return bound;
}

Result<std::vector<Endpoint>> Signalling::Start() {
  hub_ = std::make_unique<net::StreamHub>(loop_, static_cast<net::StreamSink&>(*this));
  auto bound = Listen();
  if (!bound) return bound;
  CallManagerOptions options{.browser = {.domain = config_.domain,
                                         .users = config_.users,
                                         .lookup = LookupOf(config_),
                                         .bearer = config_.bearer,
                                         .wall_clock = std::chrono::system_clock::now},
                             .trunk = {.trunks = config_.trunks,
                                       .pbx_users = config_.pbx_users,
                                       .local_host = trunk_host_,
                                       .tcp_port = PortOf(config_.sip, *bound, false, 5060),
                                       .tls_port = PortOf(config_.sip, *bound, true, 5061)},
                             .policies = config_.trunk_policies,
                             .routing = config_.routing};
  AddLocalTrunk(options, config_.trunk_media.bind);
  manager_ = std::make_unique<CallManager>(std::move(options), random_);
  shells_.ws_events.SetWake([this] { loop_.Wake(); });
  shells_.media_events.SetWake([this] { loop_.Wake(); });
  shells_.user_answers.SetWake([this] { loop_.Wake(); });
  gauge_requests_.SetWake([this] { loop_.Wake(); });
  route_exchanges_.SetWake([this] { loop_.Wake(); });
  thread_ = std::thread([this] { Run(); });
  return bound;
}

void Signalling::Stop() {
  if (!thread_.joinable()) return;
  stop_requested_ = true;
  loop_.Wake();
  thread_.join();
}

CallManagerGauges Signalling::gauges() {
  if (!thread_.joinable()) return {};
  std::promise<CallManagerGauges> request;
  auto answer = request.get_future();
  const bool asked = gauge_requests_.Push(std::move(request));
  LASTMILE_CHECK(asked);  // one caller, who waits: there is never a second request
  return answer.get();
}

route::Router Signalling::ExchangeRoutes(route::Router routes) {
  RouteExchange exchange{std::move(routes), {}};
  auto old = exchange.old.get_future();
  const bool asked = route_exchanges_.Push(std::move(exchange));
  LASTMILE_CHECK(asked);  // one caller, who waits
  return old.get();
}

void Signalling::Run() {
  loop_.Run([this] { return OnTurn(); });
  shells_.ws_events.SetWake(nullptr);
  shells_.media_events.SetWake(nullptr);
  shells_.user_answers.SetWake(nullptr);
  hub_.reset();
}

TimePoint Signalling::OnTurn() {
  const TimePoint now = MonotonicNow();
  shells_.ws_events.Drain(ws_batch_);
  for (const ws::Event& event : ws_batch_) manager_->OnWs(event, now);
  shells_.media_events.Drain(media_batch_);
  for (const media::MediaEvent& event : media_batch_) manager_->OnMedia(event, now);
  shells_.user_answers.Drain(answer_batch_);
  for (const browser::UserAnswer& answer : answer_batch_) manager_->OnUserAnswer(answer, now);
  if (stop_requested_ && stop_at_ == kNever) {
    stop_at_ = now + kDrainTime;
    manager_->ShutDown("the gateway is shutting down", now);
  }
  if (manager_->next_timeout() <= now) manager_->OnTimer(now);
  for (const net::StreamId stream : admin_.TakeIdle(now)) {
    hub_->Close(stream, "nothing was asked for in time");
  }
  Flush(now);
  route_exchanges_.Drain(route_batch_);
  for (RouteExchange& exchange : route_batch_) {
    manager_->ExchangeRoutes(exchange.routes);
    exchange.old.set_value(std::move(exchange.routes));
  }
  gauge_requests_.Drain(gauge_batch_);
  for (auto& request : gauge_batch_) request.set_value(manager_->gauges());
  if (IsDrained(now)) {
    loop_.Stop();
    return kNever;
  }
  TimePoint next = std::min({manager_->next_timeout(), stop_at_, admin_.next_timeout()});
  if (!media_backlog_.empty()) next = std::min(next, now + kBacklogRetry);
  return next;
}

bool Signalling::IsDrained(TimePoint now) const {
  if (stop_at_ == kNever) return false;
  const auto gauges = manager_->gauges();
  return now >= stop_at_ || (gauges.calls == 0 && gauges.dialogs == 0 && gauges.pbx_registers == 0);
}

void Signalling::Flush(TimePoint now) {
  for (auto backlog = std::exchange(media_backlog_, {}); auto& command : backlog) {
    PostToMedia(std::move(command));
  }
  for (bool again = true; again;) {
    again = false;
    CallManagerOutputs outputs = manager_->TakeOutputs(now);
    for (media::MediaCommand& command : outputs.media) {
      const auto session = std::visit([](const auto& c) { return c.session; }, command);
      if (!PostToMedia(std::move(command))) {
        manager_->OnMediaRefused(session, now);
        again = true;
      }
    }
    for (ws::Command& command : outputs.ws) {
      // The WebSocket thread is stuck if its mailbox is full; its bounds close what does not drain.
      if (!shells_.ws.Post(std::move(command))) spdlog::error("the ws thread is overloaded");
    }
    for (std::string& name : outputs.lookups) {
      again = true;
      LookUp(std::move(name), now);
    }
    for (const trunk::TrunkOutput& output : outputs.trunk) {
      again |= std::holds_alternative<trunk::LookUp>(output) ||
               std::holds_alternative<trunk::CheckStream>(output);
      Apply(output, now);
    }
    for (const CallRecord& record : outputs.records) Record(record, now);
  }
}

void Signalling::LookUp(std::string name, TimePoint now) {
  if (!shells_.users || !shells_.users->Ask(name)) {
    manager_->OnUserAnswer({.name = std::move(name)}, now);
  }
}

// The file is opened anew for each record: it may be moved away while the gateway runs.
void Signalling::Record(const CallRecord& record, TimePoint now) {
  metrics_.Count(record);
  if (config_.cdr_jsonl.empty()) return;
  const WallClock clock{.monotonic = now, .wall = std::chrono::system_clock::now()};
  std::ofstream file(config_.cdr_jsonl, std::ios::app);
  file << ToJson(record, clock) + '\n' << std::flush;
  if (!file) spdlog::error("cannot append a call record to {}", config_.cdr_jsonl);
}

// False: one that opens a session found no room. Other commands wait for it, in their order.
bool Signalling::PostToMedia(media::MediaCommand command) {
  if (media_backlog_.empty() && shells_.media.Post(command)) return true;
  if (media::IsOpening(command)) return false;
  media_backlog_.push_back(std::move(command));
  return true;
}

void Signalling::Ask(const trunk::LookUp& look_up) {
  hub_->LookUp(look_up.name, look_up.type, [this, id = look_up.id](const DnsAnswer& answer) {
    manager_->trunk_edge().OnLookedUp(id, answer, MonotonicNow());
  });
}

void Signalling::Apply(const trunk::TrunkOutput& output, TimePoint now) {
  if (const auto* open = std::get_if<trunk::OpenStream>(&output)) {
    const trunk::Trunk& trunk = config_.trunks[open->trunk];
    const net::StreamId stream = hub_->Connect({.host = open->endpoint.address.ToString(),
                                                .port = open->endpoint.port,
                                                .use_tls = trunk.tls,
                                                .tls = TlsOptionsOf(trunk, open->host),
                                                .connect_timeout = open->connect_timeout});
    flows_[stream] = open->flow;
    streams_[open->flow] = stream;
  } else if (const auto* send = std::get_if<trunk::SendBytes>(&output)) {
    const auto found = streams_.find(send->flow);
    if (found != streams_.end() && !hub_->Send(found->second, send->bytes)) {
      spdlog::warn("leg=trunk flow={} has no room for a message", send->flow.value);
    }
  } else if (const auto* close = std::get_if<trunk::CloseStream>(&output)) {
    const auto found = streams_.find(close->flow);
    if (found != streams_.end()) hub_->Close(found->second, close->reason);
  } else if (const auto* look_up = std::get_if<trunk::LookUp>(&output)) {
    Ask(*look_up);
  } else if (const auto* check = std::get_if<trunk::CheckStream>(&output)) {
    const auto found = streams_.find(check->flow);
    const bool stalled = found != streams_.end() && hub_->IsStalled(found->second);
    manager_->trunk_edge().OnStreamChecked(check->flow, stalled, now);
  }
}

void Signalling::OnStreamOpen(net::StreamId stream, const net::StreamPeer& peer) {
  if (peer.inbound && admin_port_ != 0 && peer.local.port == admin_port_) {
    if (!admin_.OnOpen(stream, MonotonicNow())) hub_->Close(stream, "too many admin connections");
    return;
  }
  if (peer.inbound) {
    const sip::FlowId flow =
        manager_->trunk_edge().OnInboundStream(peer.address, peer.tls, peer.verified);
    flows_[stream] = flow;
    streams_[flow] = stream;
    return;
  }
  const auto found = flows_.find(stream);
  if (found == flows_.end()) return;
  manager_->trunk_edge().OnStreamOpen(found->second, peer.address, MonotonicNow());
}

void Signalling::OnStreamBytes(net::StreamId stream, ByteView bytes) {
  if (admin_.Has(stream)) {
    if (auto response = admin_.OnBytes(stream, bytes)) {
      admin_.OnClosed(stream);
      hub_->Send(stream, *std::move(response));
      hub_->Close(stream, "answered");
    }
    return;
  }
  const auto found = flows_.find(stream);
  if (found == flows_.end()) return;
  manager_->trunk_edge().OnStreamBytes(found->second, bytes, MonotonicNow());
}

void Signalling::OnStreamClosed(net::StreamId stream, const net::StreamEnd& end) {
  admin_.OnClosed(stream);
  const auto found = flows_.find(stream);
  if (found == flows_.end()) return;
  const sip::FlowId flow = found->second;
  spdlog::info("leg=trunk flow={} stream closed: {}", flow.value, end.reason);
  flows_.erase(found);
  streams_.erase(flow);
  manager_->trunk_edge().OnStreamClosed(flow, MonotonicNow());
}

}  // namespace lastmile::app

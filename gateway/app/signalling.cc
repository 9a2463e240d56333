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
                                         .wall_clock = std::chrono::system_clock::now,
                                         .turn = config_.turn},
                             .trunk = {.trunks = config_.trunks,
                                       .pbx_users = config_.pbx_users,
                                       .local_host = trunk_host_,
                                       .tcp_port = PortOf(config_.sip, *bound, false, 5060),
                                       .tls_port = PortOf(config_.sip, *bound, true, 5061)},
                             .policies = config_.trunk_policies,
                             .routing = config_.routing};
  AddLocalTrunk(options, config_.trunk_media.bind);
  manager_ = std::make_unique<CallManager>(std::move(options), random_);
  trunk_streams_ = std::make_unique<TrunkStreams>(manager_->trunk_edge(), config_.trunks, *hub_);
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
      again |= trunk_streams_->Apply(output, now);
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

void Signalling::OnStreamOpen(net::StreamId stream, const net::StreamPeer& peer) {
  if (peer.inbound && admin_port_ != 0 && peer.local.port == admin_port_) {
    if (!admin_.OnOpen(stream, MonotonicNow())) hub_->Close(stream, "too many admin connections");
    return;
  }
  trunk_streams_->OnOpen(stream, peer, MonotonicNow());
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
  trunk_streams_->OnBytes(stream, bytes, MonotonicNow());
}

void Signalling::OnStreamClosed(net::StreamId stream, const net::StreamEnd& end) {
  admin_.OnClosed(stream);
  trunk_streams_->OnClosed(stream, end, MonotonicNow());
}

}  // namespace lastmile::app

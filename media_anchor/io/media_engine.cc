#include "media_anchor/io/media_engine.h"

#include <mutex>
#include <unordered_map>
#include <utility>
#include <variant>

#include "media_anchor/core/dtls/dtls_transport.h"
#include "media_anchor/io/nice_agents.h"
#include "media_anchor/io/worker.h"

namespace lastmile::media {

class MediaEngine::Impl {
 public:
  Impl(MediaOptions options, Mailbox<MediaEvent>& events)
      : options_(std::move(options)), events_(events) {}

  Result<void> Start();
  bool Post(MediaCommand command);
  void Stop();
  MediaGauges gauges() const;
  const std::vector<Endpoint>& browser_sockets() const { return browser_sockets_; }
  const std::vector<Endpoint>& browser_tcp_sockets() const { return browser_tcp_sockets_; }

 private:
  struct Seat {
    std::unique_ptr<Worker> worker;
    size_t sessions = 0;  // opened and not yet told to close
  };

  bool PostOpen(SessionId id, MediaCommand command);
  bool PostToOwner(SessionId id, bool is_close, MediaCommand command);

  const MediaOptions options_;
  Mailbox<MediaEvent>& events_;
  std::unique_ptr<DtlsContext> context_;
  std::unique_ptr<NiceAgents> agents_;  // of full ICE; outlives the workers
  std::vector<Endpoint> browser_sockets_;
  std::vector<Endpoint> browser_tcp_sockets_;
  std::vector<Seat> seats_;  // fixed between Start() and the end
  // Which worker has which session: asked once a command, never for a packet.
  mutable std::mutex mutex_;
  bool running_ = false;
  std::unordered_map<SessionId, Seat*> routes_;
};

Result<void> MediaEngine::Impl::Start() {
  auto context = DtlsContext::Create();
  if (!context) return std::unexpected(context.error());
  context_ = std::move(*context);
  if (options_.full_ice) {
    auto agents = NiceAgents::Start(*options_.full_ice, options_.browser_bind,
                                    static_cast<size_t>(options_.workers));
    if (!agents) return std::unexpected(agents.error());
    agents_ = std::move(*agents);
  }
  for (int i = 0; i < options_.workers; ++i) {
    auto worker =
        Worker::Create(options_, static_cast<size_t>(i), *context_, events_, agents_.get());
    if (!worker) {
      seats_.clear();
      browser_sockets_.clear();
      browser_tcp_sockets_.clear();
      return std::unexpected(worker.error());
    }
    if (const UdpSocket* udp = (*worker)->browser_socket()) {
      browser_sockets_.push_back(udp->local());
    }
    if (const TcpPaths* tcp = (*worker)->tcp()) browser_tcp_sockets_.push_back(tcp->local());
    seats_.push_back({std::move(*worker)});
  }
  for (Seat& seat : seats_) seat.worker->Start();
  std::lock_guard lock(mutex_);
  running_ = true;
  return {};
}

bool MediaEngine::Impl::Post(MediaCommand command) {
  std::lock_guard lock(mutex_);
  if (!running_) return false;
  const SessionId id = std::visit([](const auto& c) { return c.session; }, command);
  if (IsOpening(command)) return PostOpen(id, std::move(command));
  const bool is_close = std::holds_alternative<CloseSession>(command);
  return PostToOwner(id, is_close, std::move(command));
}

bool MediaEngine::Impl::PostOpen(SessionId id, MediaCommand command) {
  if (routes_.contains(id)) return true;
  Seat* best = &seats_.front();
  for (Seat& seat : seats_) {
    if (seat.sessions < best->sessions) best = &seat;
  }
  if (!best->worker->Post(std::move(command))) return false;
  ++best->sessions;
  routes_.emplace(id, best);
  return true;
}

bool MediaEngine::Impl::PostToOwner(SessionId id, bool is_close, MediaCommand command) {
  const auto route = routes_.find(id);
  if (route == routes_.end()) return true;  // closed already: nothing is left to do
  if (!route->second->worker->Post(std::move(command))) return false;
  if (is_close) {
    --route->second->sessions;
    routes_.erase(route);
  }
  return true;
}

void MediaEngine::Impl::Stop() {
  {
    std::lock_guard lock(mutex_);
    running_ = false;
  }
  for (Seat& seat : seats_) seat.worker->Stop();
  agents_.reset();
  std::lock_guard lock(mutex_);
  routes_.clear();
}

MediaGauges MediaEngine::Impl::gauges() const {
  MediaGauges sum;
  for (const Seat& seat : seats_) {
    sum.sessions += seat.worker->sessions();
    sum.ports_in_use += seat.worker->ports_in_use();
    if (const TcpPaths* tcp = seat.worker->tcp()) {
      sum.tcp_connections += tcp->connections();
      sum.tcp_refused += tcp->refused();
    }
  }
  return sum;
}

MediaEngine::MediaEngine(MediaOptions options, Mailbox<MediaEvent>& events)
    : impl_(std::make_unique<Impl>(std::move(options), events)) {}
MediaEngine::~MediaEngine() { Stop(); }
Result<void> MediaEngine::Start() { return impl_->Start(); }
bool MediaEngine::Post(MediaCommand command) { return impl_->Post(std::move(command)); }
void MediaEngine::Stop() { impl_->Stop(); }
MediaGauges MediaEngine::gauges() const { return impl_->gauges(); }
const std::vector<Endpoint>& MediaEngine::browser_sockets() const {
  return impl_->browser_sockets();
}
const std::vector<Endpoint>& MediaEngine::browser_tcp_sockets() const {
  return impl_->browser_tcp_sockets();
}

}  // namespace lastmile::media

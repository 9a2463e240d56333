#include "gateway/net/stream_hub.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <deque>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gateway/net/dns_query.h"
#include "gateway/net/live_tls_context.h"
#include "gateway/net/loop_impl.h"
#include "gateway/net/sentences.h"
#include "gateway/net/stream_connection.h"
#include "gateway/net/stream_listener.h"
#include "gateway/net/tls_context.h"

namespace lastmile::net {
namespace {

constexpr size_t kReadSize = 64 * 1024;
// Peers that connect to us, in all. More are closed at once: file descriptors stay for our calls.
constexpr size_t kMaxInbound = 2000;

}  // namespace

class StreamHub::Impl final : public StreamConnection::Owner {
 public:
  Impl(Loop& loop, StreamSink& sink, std::string dns_servers)
      : loop_(loop.impl()), sink_(sink), dns_servers_(std::move(dns_servers)) {}

  Result<Endpoint> Listen(const ListenOptions& options);
  StreamId Connect(const ConnectOptions& options);
  StreamConnection* Find(StreamId id);
  size_t size() const { return connections_.size(); }
  void LookUp(const std::string& name, DnsType type, DnsQuery::Done done);

 private:
  void OnPeer(StreamListener& listener);
  void OnConnectionOpen(StreamConnection& connection) override;
  void OnConnectionBytes(StreamConnection& connection, ByteView bytes) override;
  void OnConnectionClosed(StreamConnection& connection, const StreamEnd& end) override;
  MutableByteView ReadBuffer() override { return read_buffer_; }
  StreamConnection& NewConnection();
  Result<const TlsContext*> ClientContext(const TlsClientOptions& options);
  void StartLookUps();

  Loop::Impl& loop_;
  StreamSink& sink_;
  const std::string dns_servers_;
  IdSource<StreamId> ids_;
  size_t inbound_ = 0;
  // By what they are made of.
  std::map<std::pair<bool, std::vector<std::string>>, LiveTlsContext> client_contexts_;
  std::vector<std::unique_ptr<StreamListener>> listeners_;
  std::unordered_map<StreamId, std::unique_ptr<StreamConnection>> connections_;
  struct LookUpRequest {
    std::string name;
    DnsType type;
    DnsQuery::Done done;
  };
  std::deque<LookUpRequest> waiting_lookups_;
  std::unordered_map<uint64_t, std::unique_ptr<DnsQuery>> lookups_;
  uint64_t next_lookup_ = 0;
  std::array<uint8_t, kReadSize> read_buffer_;
};

Result<Endpoint> StreamHub::Impl::Listen(const ListenOptions& options) {
  auto listener =
      std::make_unique<StreamListener>(loop_, [this](StreamListener& from) { OnPeer(from); });
  auto bound = listener->Start(options);
  if (bound) listeners_.push_back(std::move(listener));
  return bound;
}

StreamConnection& StreamHub::Impl::NewConnection() {
  const StreamId id = ids_.Next();
  auto connection = std::make_unique<StreamConnection>(loop_, *this, id);
  return *connections_.emplace(id, std::move(connection)).first->second;
}

StreamId StreamHub::Impl::Connect(const ConnectOptions& options) {
  StreamConnection& connection = NewConnection();
  const TlsContext* tls = nullptr;
  if (options.use_tls) {
    auto context = ClientContext(options.tls);
    if (!context) {
      connection.End(StreamFault::kOwnFiles,
                     fmt::format("cannot connect to {}: {}", HostPort(options.host, options.port),
                                 context.error().message));
      return connection.id();
    }
    tls = *context;
  }
  connection.Connect(options, tls, dns_servers_);
  return connection.id();
}

// Reading the system's authorities takes milliseconds: once, not for every connection.
Result<const TlsContext*> StreamHub::Impl::ClientContext(const TlsClientOptions& options) {
  auto files = TlsContext::FilesOf(options);
  const auto make = [options] { return TlsContext::ForClients(options); };
  const auto [found, added] = client_contexts_.try_emplace({options.insecure, files}, files, make);
  return found->second.Get(MonotonicNow());
}

void StreamHub::Impl::LookUp(const std::string& name, DnsType type, DnsQuery::Done done) {
  waiting_lookups_.push_back({name, type, std::move(done)});
  StartLookUps();
}

void StreamHub::Impl::StartLookUps() {
  while (!waiting_lookups_.empty() && lookups_.size() < kMaxLookUps) {
    LookUpRequest next = std::move(waiting_lookups_.front());
    waiting_lookups_.pop_front();
    const uint64_t id = ++next_lookup_;
    auto done = [this, id, call = std::move(next.done)](DnsAnswer answer) {
      const auto ended = lookups_.extract(id);
      StartLookUps();
      call(std::move(answer));
    };
    lookups_[id] =
        std::make_unique<DnsQuery>(loop_, next.name, next.type, dns_servers_, std::move(done));
  }
}

StreamConnection* StreamHub::Impl::Find(StreamId id) {
  auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : found->second.get();
}

void StreamHub::Impl::OnPeer(StreamListener& listener) {
  UvTcp socket = listener.Accept();
  if (!socket) return;
  if (inbound_ == kMaxInbound) return;  // `socket` closes it
  ++inbound_;
  NewConnection().Accept(std::move(socket), listener.uses_tls() ? &listener.CurrentTls() : nullptr);
}

void StreamHub::Impl::OnConnectionOpen(StreamConnection& connection) {
  sink_.OnStreamOpen(connection.id(), connection.peer());
}

void StreamHub::Impl::OnConnectionBytes(StreamConnection& connection, ByteView bytes) {
  sink_.OnStreamBytes(connection.id(), bytes);
}

void StreamHub::Impl::OnConnectionClosed(StreamConnection& connection, const StreamEnd& end) {
  auto node = connections_.extract(connection.id());
  if (connection.inbound()) --inbound_;
  if (connection.inbound() && !connection.was_open()) {
    spdlog::debug("net: a peer was turned away before its stream was open: {}",
                  Redacted{end.reason});
    return;
  }
  sink_.OnStreamClosed(connection.id(), end);
}

StreamHub::StreamHub(Loop& loop, StreamSink& sink, std::string dns_servers)
    : impl_(std::make_unique<Impl>(loop, sink, std::move(dns_servers))) {}

StreamHub::~StreamHub() = default;

Result<Endpoint> StreamHub::Listen(const ListenOptions& options) { return impl_->Listen(options); }

StreamId StreamHub::Connect(const ConnectOptions& options) { return impl_->Connect(options); }

bool StreamHub::Send(StreamId stream, std::string bytes) {
  StreamConnection* connection = impl_->Find(stream);
  return connection && connection->Send(std::move(bytes));
}

void StreamHub::Close(StreamId stream, const std::string& reason) {
  if (StreamConnection* connection = impl_->Find(stream)) connection->Close(reason);
}

bool StreamHub::IsStalled(StreamId stream) const {
  const StreamConnection* connection = impl_->Find(stream);
  return connection && connection->IsStalled();
}

size_t StreamHub::stream_count() const { return impl_->size(); }

void StreamHub::LookUp(const std::string& name, DnsType type, std::function<void(DnsAnswer)> done) {
  impl_->LookUp(name, type, std::move(done));
}

}  // namespace lastmile::net

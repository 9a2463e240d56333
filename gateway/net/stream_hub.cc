#include "gateway/net/stream_hub.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <array>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gateway/net/loop_impl.h"
#include "gateway/net/resolver.h"
#include "gateway/net/sentences.h"
#include "gateway/net/stream_connection.h"
#include "gateway/net/stream_listener.h"
#include "gateway/net/tls_context.h"

namespace lastmile::net {
namespace {

constexpr size_t kReadSize = 64 * 1024;
// Peers that connect to us, in all. More are closed at once: file descriptors stay for our calls.
constexpr size_t kMaxInbound = 2000;
constexpr Duration kTtl = 30s;  // that of the record is not known here

}  // namespace

class StreamHub::Impl final : public StreamConnection::Owner {
 public:
  Impl(Loop& loop, StreamSink& sink, std::string dns_servers)
      : loop_(loop.impl()), sink_(sink), dns_servers_(std::move(dns_servers)) {}

  Result<Endpoint> Listen(const ListenOptions& options);
  StreamId Connect(const ConnectOptions& options);
  void LookUp(const std::string& name, std::function<void(DnsAnswer)> done);
  StreamConnection* Find(StreamId id);
  size_t size() const { return connections_.size(); }

 private:
  void OnPeer(StreamListener& listener);
  void OnConnectionOpen(StreamConnection& connection) override;
  void OnConnectionBytes(StreamConnection& connection, ByteView bytes) override;
  void OnConnectionClosed(StreamConnection& connection, const std::string& reason) override;
  MutableByteView ReadBuffer() override { return read_buffer_; }
  StreamConnection& NewConnection();
  Result<const TlsContext*> ClientContext(const std::string& ca_file);

  Loop::Impl& loop_;
  StreamSink& sink_;
  const std::string dns_servers_;
  IdSource<StreamId> ids_;
  size_t inbound_ = 0;
  std::unordered_map<std::string, TlsContext> client_contexts_;  // by CA file
  std::vector<std::unique_ptr<StreamListener>> listeners_;
  std::unordered_map<StreamId, std::unique_ptr<StreamConnection>> connections_;
  std::array<uint8_t, kReadSize> read_buffer_;
  uint64_t last_query_ = 0;
  std::unordered_map<uint64_t, std::unique_ptr<NameQuery>> queries_;
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
    auto context = ClientContext(options.tls.ca_file);
    if (!context) {
      connection.End(fmt::format("cannot connect to {}: {}", HostPort(options.host, options.port),
                                 context.error().message));
      return connection.id();
    }
    tls = *context;
  }
  connection.Connect(options, tls, dns_servers_);
  return connection.id();
}

// Reading the system's authorities takes milliseconds: once, not for every connection.
Result<const TlsContext*> StreamHub::Impl::ClientContext(const std::string& ca_file) {
  auto known = client_contexts_.find(ca_file);
  if (known == client_contexts_.end()) {
    auto context = TlsContext::ForClients(ca_file);
    if (!context) return std::unexpected(context.error());
    known = client_contexts_.emplace(ca_file, std::move(*context)).first;
  }
  return &known->second;
}

void StreamHub::Impl::LookUp(const std::string& name, std::function<void(DnsAnswer)> done) {
  const uint64_t id = ++last_query_;
  queries_[id] = std::make_unique<NameQuery>(
      loop_, name, dns_servers_,
      [this, id, done = std::move(done)](Result<std::vector<IpAddress>> addresses) {
        DnsAnswer answer;
        if (addresses) {
          answer = {.status = DnsStatus::kFound, .ttl = kTtl, .addresses = *std::move(addresses)};
        } else {
          answer.reason = std::move(addresses.error().message);
        }
        const auto query = queries_.extract(id);  // `done` may be destroyed with it
        done(std::move(answer));
      });
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
  NewConnection().Accept(std::move(socket), listener.tls());
}

void StreamHub::Impl::OnConnectionOpen(StreamConnection& connection) {
  sink_.OnStreamOpen(connection.id(), connection.local(), connection.peer(), connection.inbound());
}

void StreamHub::Impl::OnConnectionBytes(StreamConnection& connection, ByteView bytes) {
  sink_.OnStreamBytes(connection.id(), bytes);
}

void StreamHub::Impl::OnConnectionClosed(StreamConnection& connection, const std::string& reason) {
  auto node = connections_.extract(connection.id());
  if (connection.inbound()) --inbound_;
  if (connection.inbound() && !connection.was_open()) {
    spdlog::debug("net: a peer was turned away before its stream was open: {}", Redacted{reason});
    return;
  }
  sink_.OnStreamClosed(connection.id(), reason);
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

void StreamHub::LookUp(const std::string& name, DnsType, std::function<void(DnsAnswer)> done) {
  impl_->LookUp(name, std::move(done));
}

void StreamHub::Close(StreamId stream, const std::string& reason) {
  if (StreamConnection* connection = impl_->Find(stream)) connection->Close(reason);
}

bool StreamHub::IsStalled(StreamId stream) const {
  const StreamConnection* connection = impl_->Find(stream);
  return connection && connection->IsStalled();
}

size_t StreamHub::stream_count() const { return impl_->size(); }

}  // namespace lastmile::net

#include "gateway/net/stream_connection.h"

#include <fmt/format.h>
#include <netinet/tcp.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <utility>

#include "gateway/net/sentences.h"

namespace lastmile::net {
namespace {

constexpr size_t kPlainChunk = 16 * 1024;  // one TLS record at most

uv_stream_t* AsStream(const UvTcp& socket) { return reinterpret_cast<uv_stream_t*>(socket.get()); }

Endpoint NameOf(const UvTcp& socket, decltype(uv_tcp_getsockname)* get) {
  sockaddr_storage storage{};
  int length = sizeof storage;
  if (get(socket.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
  return Endpoint::FromSockaddr(storage);
}

void SetOptions(const UvTcp& socket, bool inbound) {
  uv_tcp_nodelay(socket.get(), 1);
  uv_os_fd_t fd = -1;
  if (uv_fileno(reinterpret_cast<uv_handle_t*>(socket.get()), &fd) != 0) return;
  // A peer that vanished is noticed by the kernel long before SIP's own timers (32 s).
  const auto set = [fd](int level, int option, int value) {
    setsockopt(fd, level, option, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, StreamConnection::kUserTimeoutMs);
  if (!inbound) return;
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, StreamConnection::kKeepAliveIdleS);
  set(IPPROTO_TCP, TCP_KEEPINTVL, StreamConnection::kKeepAliveIntervalS);
}

}  // namespace

struct StreamConnection::Write {
  uv_write_t request;
  std::string bytes;
};

StreamConnection::StreamConnection(Loop::Impl& loop, Owner& owner, StreamId id)
    : loop_(loop), owner_(owner), id_(id), timer_(NewTimer(loop.uv(), this)) {}

StreamConnection::~StreamConnection() { loop_.Forget(this); }

void StreamConnection::Connect(const ConnectOptions& options, const TlsContext* tls,
                               const std::string& dns) {
  host_ = options.host;
  port_ = options.port;
  connect_timeout_ = options.connect_timeout;
  connect_deadline_ = MonotonicNow() + options.connect_timeout;
  if (tls) {
    TlsClientOptions checked = options.tls;
    if (checked.server_name.empty()) checked.server_name = host_;
    auto session = TlsSession::Client(*tls, checked);
    if (!session) {
      return End(StreamFault::kTls, HostPort(host_, port_) + " " + session.error().message);
    }
    tls_ = std::move(*session);
  }
  state_ = State::kResolving;
  ArmTimer(connect_timeout_);
  if (auto address = IpAddress::Parse(host_)) return ConnectTo({*address});
  query_ = std::make_unique<DnsQuery>(loop_, host_, DnsType::kAddress, dns,
                                      [this](DnsAnswer answer) { OnResolved(std::move(answer)); });
}

void StreamConnection::Accept(UvTcp socket, const TlsContext* tls) {
  inbound_ = true;
  connect_timeout_ = kHandshakeTimeout;
  connect_deadline_ = MonotonicNow() + connect_timeout_;
  socket_ = std::move(socket);
  socket_->data = this;
  peer_ = NameOf(socket_, uv_tcp_getpeername);
  if (tls) {
    auto session = TlsSession::Server(*tls);
    if (!session) return End(StreamFault::kTls, PeerName() + " " + session.error().message);
    tls_ = std::move(*session);
  }
  OnSocketReady();
}

void StreamConnection::OnResolved(DnsAnswer answer) {
  query_.reset();
  if (answer.status != DnsStatus::kFound) return End(StreamFault::kName, std::move(answer.reason));
  ConnectTo(answer.addresses);
}

void StreamConnection::ConnectTo(const std::vector<IpAddress>& addresses) {
  for (const IpAddress& address : addresses) untried_.push_back({address, port_});
  std::reverse(untried_.begin(), untried_.end());
  state_ = State::kConnecting;
  ConnectNext();
}

void StreamConnection::ConnectNext() {
  while (!untried_.empty()) {
    // One address that swallows packets must not use up the time of the others.
    const Duration left = connect_deadline_ - MonotonicNow();
    if (left <= 0s) break;
    const auto share = left / static_cast<int64_t>(untried_.size());
    peer_ = untried_.back();
    untried_.pop_back();
    last_error_ = StartConnect();
    if (last_error_ == 0) return ArmTimer(share);
  }
  if (last_error_ == 0 || last_error_ == UV_ETIMEDOUT) {
    return End(StreamFault::kConnect,
               fmt::format("{} did not answer: connecting timed out after {}", PeerName(),
                           Seconds(connect_timeout_)));
  }
  End(StreamFault::kConnect, ConnectFailure(last_error_, PeerName()));
}

int StreamConnection::StartConnect() {
  socket_ = NewTcp(loop_.uv(), this);
  sockaddr_storage storage;
  peer_.ToSockaddr(storage);
  auto request = std::make_unique<uv_connect_t>();
  const int error =
      uv_tcp_connect(request.get(), socket_.get(), reinterpret_cast<const sockaddr*>(&storage),
                     [](uv_connect_t* done, int status) {
                       const std::unique_ptr<uv_connect_t> owned(done);
                       auto* self = static_cast<StreamConnection*>(done->handle->data);
                       if (self) self->OnConnected(status);
                     });
  if (error == 0) request.release();
  return error;
}

void StreamConnection::OnConnected(int status) {
  if (status == 0) return OnSocketReady();
  last_error_ = status;
  ConnectNext();
}

void StreamConnection::OnSocketReady() {
  SetOptions(socket_, inbound_);
  local_ = NameOf(socket_, uv_tcp_getsockname);
  uv_read_start(
      AsStream(socket_),
      [](uv_handle_t* handle, size_t, uv_buf_t* buffer) {
        auto* self = static_cast<StreamConnection*>(handle->data);
        const MutableByteView space = self ? self->owner_.ReadBuffer() : MutableByteView();
        *buffer =
            uv_buf_init(reinterpret_cast<char*>(space.data()), static_cast<unsigned>(space.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) {
        auto* self = static_cast<StreamConnection*>(stream->data);
        if (self) self->OnRead(count, reinterpret_cast<const uint8_t*>(buffer->base));
      });
  if (!tls_) return BecomeOpen();
  state_ = State::kHandshaking;
  ArmTimer(connect_deadline_ - MonotonicNow());
  OnEncrypted({});  // a client speaks first
}

void StreamConnection::BecomeOpen() {
  state_ = State::kOpen;
  uv_timer_stop(timer_.get());
  if (!unsent_.empty() && !WriteOut(std::exchange(unsent_, {}))) return;
  if (close_requested_) return Close(close_reason_);
  was_open_ = true;
  owner_.OnConnectionOpen(*this);
}

bool StreamConnection::IsStalled() const {
  uv_os_fd_t socket = -1;
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (state_ != State::kOpen ||
      uv_fileno(reinterpret_cast<const uv_handle_t*>(socket_.get()), &socket) != 0 ||
      getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) {
    return false;
  }
  // When an ACK last came tells nothing: a peer that hears nothing may still be sending.
  return info.tcpi_unacked > 0 && info.tcpi_retransmits >= StreamHub::kStallRetransmits;
}

bool StreamConnection::Send(std::string bytes) {
  const bool ending = state_ == State::kClosing || state_ == State::kClosed || close_requested_;
  if (ending) return false;
  if (waiting_bytes() + bytes.size() > StreamHub::kMaxQueue) {
    End(StreamFault::kLost, fmt::format("{} does not read: more than {} bytes wait for it",
                                        PeerName(), StreamHub::kMaxQueue));
    return false;
  }
  if (state_ == State::kOpen) return WriteOut(std::move(bytes));
  unsent_ += bytes;
  return true;
}

void StreamConnection::Close(const std::string& reason) {
  if (state_ == State::kClosing || state_ == State::kClosed) return;
  close_reason_ = reason;
  if (state_ != State::kOpen) {
    close_requested_ = true;
    if (unsent_.empty()) End(StreamFault::kNone, reason);
    return;
  }
  state_ = State::kClosing;
  if (tls_) {
    tls_->Shutdown();
    if (!FlushTls()) return;
  }
  ArmTimer(kFlushTimeout);
  auto* request = new uv_shutdown_t;
  const int error = uv_shutdown(request, AsStream(socket_), [](uv_shutdown_t* done, int) {
    const std::unique_ptr<uv_shutdown_t> owned(done);
    auto* self = static_cast<StreamConnection*>(done->handle->data);
    if (self) self->OnShutdown();
  });
  if (error == 0) return;
  delete request;
  End(StreamFault::kNone, reason);
}

// Closing the socket now could make the kernel answer late bytes with a reset that overtakes what
// the peer has not read yet: so its own end is awaited, a moment.
void StreamConnection::OnShutdown() {
  flushed_ = true;
  if (peer_ended_) return End(StreamFault::kNone, close_reason_);
  ArmTimer(kLingerTimeout);
}

void StreamConnection::End(StreamFault fault, std::string reason) {
  if (state_ == State::kClosed) return;
  state_ = State::kClosed;
  query_.reset();
  socket_.reset();
  timer_.reset();
  loop_.Defer(this, [this, end = StreamEnd{fault, std::move(reason)}] {
    owner_.OnConnectionClosed(*this, end);
  });
}

void StreamConnection::OnRead(ptrdiff_t count, const uint8_t* data) {
  if (count == UV_EOF) return OnEnd();
  if (count < 0) {
    if (state_ == State::kClosing) return End(StreamFault::kNone, close_reason_);
    return End(StreamFault::kLost, StreamFailure(static_cast<int>(count), PeerName()));
  }
  if (count == 0 || state_ == State::kClosing) return;
  const ByteView bytes(data, static_cast<size_t>(count));
  if (tls_) return OnEncrypted(bytes);
  owner_.OnConnectionBytes(*this, bytes);
}

void StreamConnection::OnEncrypted(ByteView bytes) {
  if (!bytes.empty()) tls_->Feed(bytes);
  if (state_ == State::kHandshaking) {
    auto done = tls_->Handshake();
    if (!FlushTls()) return;
    if (!done) return EndByTls(done.error());
    if (!*done) return;
    BecomeOpen();
  }
  if (state_ == State::kOpen) DeliverPlain();
}

void StreamConnection::DeliverPlain() {
  std::array<uint8_t, kPlainChunk> plain;
  while (state_ == State::kOpen) {
    auto count = tls_->Read(plain);
    if (!FlushTls()) return;
    if (!count) return EndByTls(count.error());
    if (*count == 0) break;
    owner_.OnConnectionBytes(*this, ByteView(plain).first(*count));
  }
  if (state_ == State::kOpen && tls_->peer_closed()) OnEnd();
}

void StreamConnection::OnEnd() {
  peer_ended_ = true;
  if (state_ == State::kClosing) {
    if (flushed_) End(StreamFault::kNone, close_reason_);
    return;
  }
  const bool early = state_ == State::kHandshaking;
  End(early ? StreamFault::kTls : StreamFault::kNone,
      fmt::format("connection closed by {}{}", PeerName(),
                  early ? " during the TLS handshake" : ""));
}

void StreamConnection::OnTimer() {
  switch (state_) {
    case State::kResolving:
      return End(StreamFault::kName, fmt::format("no name server answered for {} within {}", host_,
                                                 Seconds(connect_timeout_)));
    case State::kConnecting:
      last_error_ = UV_ETIMEDOUT;
      return ConnectNext();
    case State::kHandshaking:
      return End(StreamFault::kTls, fmt::format("the TLS handshake with {} timed out after {}",
                                                PeerName(), Seconds(connect_timeout_)));
    case State::kClosing:
      return End(StreamFault::kNone, close_reason_);
    case State::kNew:
    case State::kOpen:
    case State::kClosed:
      return;
  }
}

bool StreamConnection::WriteOut(std::string bytes) {
  if (!tls_) return Queue(std::move(bytes));
  if (auto written = tls_->Write(AsBytes(bytes)); !written) {
    EndByTls(written.error());
    return false;
  }
  return FlushTls();
}

// What TLS wants to say by itself (handshake, alerts, key updates a peer asks for) is bounded, too.
bool StreamConnection::FlushTls() {
  std::string bytes = tls_->TakeEncrypted();
  if (waiting_bytes() > 2 * StreamHub::kMaxQueue) {
    End(StreamFault::kLost,
        fmt::format("{} does not read: too many bytes wait for it", PeerName()));
    return false;
  }
  return Queue(std::move(bytes));
}

void StreamConnection::EndByTls(const Error& error) {
  End(tls_->fault(), PeerName() + " " + error.message);
}

bool StreamConnection::Queue(std::string bytes) {
  if (bytes.empty()) return true;
  // Nearly always all of it goes: no request has to wait for libuv to say so. Nothing is taken
  // while others wait; what is wrong with the socket is told by the request.
  uv_buf_t whole = uv_buf_init(bytes.data(), static_cast<unsigned>(bytes.size()));
  const int taken = uv_try_write(AsStream(socket_), &whole, 1);
  if (taken > 0) bytes.erase(0, static_cast<size_t>(taken));
  if (bytes.empty()) return true;
  auto write = std::make_unique<Write>();
  write->bytes = std::move(bytes);
  write->request.data = write.get();
  const uv_buf_t buffer =
      uv_buf_init(write->bytes.data(), static_cast<unsigned>(write->bytes.size()));
  const int error =
      uv_write(&write->request, AsStream(socket_), &buffer, 1, [](uv_write_t* done, int status) {
        const std::unique_ptr<Write> owned(static_cast<Write*>(done->data));
        auto* self = static_cast<StreamConnection*>(done->handle->data);
        if (self && status < 0) {
          self->End(StreamFault::kLost, StreamFailure(status, self->PeerName()));
        }
      });
  if (error == 0) {
    write.release();
    return true;
  }
  End(StreamFault::kLost, StreamFailure(error, PeerName()));
  return false;
}

size_t StreamConnection::waiting_bytes() const {
  return unsent_.size() + (socket_ ? uv_stream_get_write_queue_size(AsStream(socket_)) : 0);
}

StreamPeer StreamConnection::peer() const {
  StreamPeer peer{.local = local_,
                  .address = peer_,
                  .inbound = inbound_,
                  .tls = tls_.has_value(),
                  .verified = tls_ ? tls_->verified() : VerifiedPeer()};
  if (tls_ && !inbound_) peer.certificate = tls_->certificate();
  return peer;
}

void StreamConnection::ArmTimer(Duration delay) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(delay).count();
  uv_update_time(loop_.uv());
  uv_timer_start(
      timer_.get(),
      [](uv_timer_t* handle) {
        auto* self = static_cast<StreamConnection*>(handle->data);
        if (self) self->OnTimer();
      },
      static_cast<uint64_t>(std::max<int64_t>(ms, 0)), 0);
}

std::string StreamConnection::PeerName() const {
  if (inbound_) return peer_.ToString();
  if (peer_.port == 0 || IpAddress::Parse(host_)) return HostPort(host_, port_);
  return fmt::format("{} ({})", HostPort(host_, port_), peer_.address.ToString());
}

}  // namespace lastmile::net

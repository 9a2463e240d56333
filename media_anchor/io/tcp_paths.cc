#include "media_anchor/io/tcp_paths.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "media_anchor/core/anchor_session.h"
#include "media_anchor/io/bind_failure.h"

namespace lastmile::media {
namespace {

constexpr int kBacklog = 512;
// Bounds how long new connections keep packets waiting.
constexpr int kMaxAcceptsPerTurn = 32;
constexpr Duration kAcceptPause = 1s;
// Of what was given to the kernel so much may wait for the network: a second and a half of audio.
// What came out of a longer queue would be too late, and would make all behind it late.
constexpr int kMaxUnsent = 16384;

void SetOption(int fd, int level, int name, int value) {
  setsockopt(fd, level, name, &value, sizeof value);
}

}  // namespace

class TcpPaths::Connection : public Watched {
 public:
  Connection(TcpId id, int fd, const Endpoint& remote)
      : Watched{Kind::kTcpConnection}, id_(id), remote_(remote), fd_(fd) {}
  ~Connection() { Shut(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  TcpId id() const { return id_; }
  const Endpoint& remote() const { return remote_; }
  bool open() const { return fd_ >= 0; }
  int fd() const { return fd_; }
  void Shut() {
    if (open()) close(std::exchange(fd_, -1));
  }
  void Send(ByteView datagram);

  FrameReader in;
  bool ended = false;  // by the peer

 private:
  bool SendRest();
  bool IsBehind() const;

  const TcpId id_;
  const Endpoint remote_;
  int fd_;
  Bytes rest_;  // of the frame that the kernel took a part of
};

// False: the kernel has still not taken all of it.
bool TcpPaths::Connection::SendRest() {
  if (rest_.empty()) return true;
  const ssize_t sent = send(fd_, rest_.data(), rest_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent > 0) rest_.erase(rest_.begin(), rest_.begin() + sent);
  return rest_.empty();
}

// The kernel's own limit, TCP_NOTSENT_LOWAT, lets a segment of 64 KiB grow first.
bool TcpPaths::Connection::IsBehind() const {
  int unsent = 0;
  return ioctl(fd_, SIOCOUTQNSD, &unsent) == 0 && unsent > kMaxUnsent;
}

void TcpPaths::Connection::Send(ByteView datagram) {
  if (datagram.size() > UINT16_MAX || !SendRest() || IsBehind()) return;
  std::array<uint8_t, kFrameHeader> head;
  StoreBe16(head.data(), static_cast<uint16_t>(datagram.size()));
  iovec parts[] = {{head.data(), head.size()},
                   {const_cast<uint8_t*>(datagram.data()), datagram.size()}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = std::size(parts);
  const ssize_t sent = sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent <= 0) return;  // that a connection is broken is found by reading from it
  const auto taken = static_cast<size_t>(sent);
  if (taken == head.size() + datagram.size()) return;
  if (taken < head.size()) rest_.assign(head.begin() + sent, head.end());
  const size_t of_datagram = taken - std::min(taken, head.size());
  rest_.insert(rest_.end(), datagram.begin() + static_cast<ptrdiff_t>(of_datagram), datagram.end());
}

Result<std::unique_ptr<TcpPaths>> TcpPaths::Listen(const Endpoint& address, EpollLoop& loop) {
  const int family = address.address.is_v6() ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return Fail(BindFailure("TCP", address, errno));
  std::unique_ptr<TcpPaths> made(new TcpPaths(fd, address, loop));
  // Connections of the process before this one may still be in TIME_WAIT.
  SetOption(fd, SOL_SOCKET, SO_REUSEADDR, 1);
  if (family == AF_INET6) SetOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
  sockaddr_storage storage{};
  socklen_t size = address.ToSockaddr(storage);
  auto* const name = reinterpret_cast<sockaddr*>(&storage);
  bool done = bind(fd, name, size) == 0 && listen(fd, kBacklog) == 0;
  size = sizeof storage;
  done = done && getsockname(fd, name, &size) == 0;
  if (!done) return Fail(BindFailure("TCP", address, errno));
  made->local_.port = Endpoint::FromSockaddr(storage).port;
  if (auto watched = loop.Add(fd, &made->watched_); !watched) {
    return std::unexpected(watched.error());
  }
  return made;
}

TcpPaths::TcpPaths(int fd, const Endpoint& address, EpollLoop& loop)
    : loop_(loop), fd_(fd), local_(address), room_(AnchorSession::kRoom) {}

TcpPaths::~TcpPaths() {
  for (const auto& [id, connection] : connections_) loop_.Remove(connection->fd());
  loop_.Remove(fd_);
  close(fd_);
}

void TcpPaths::Accept(TimePoint now) {
  for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const int fd =
        accept4(fd_, reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Add(fd, Endpoint::FromSockaddr(storage), now);
      continue;
    }
    if (errno == ECONNABORTED || errno == EINTR) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // It would stay readable, and the worker would turn for nothing.
      spdlog::warn("leg=browser the TCP port for media takes no connection for a while: {}",
                   std::strerror(errno));
      loop_.Remove(fd_);
      accept_again_ = now + kAcceptPause;
    }
    return;
  }
}

void TcpPaths::Add(int fd, const Endpoint& remote, TimePoint now) {
  SetOption(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  const TcpId id = ids_.Next();
  auto connection = std::make_unique<Connection>(id, fd, remote);
  if (!loop_.Add(fd, connection.get())) return;
  connections_.emplace(id, std::move(connection));
  waiting_.emplace(id, now);
  connection_count_.store(static_cast<uint32_t>(connections_.size()), std::memory_order_relaxed);
  if (waiting_.size() > kMaxWaiting) Close(waiting_.begin()->first);
}

TcpPaths::Connection& TcpPaths::Of(Watched& watched) { return static_cast<Connection&>(watched); }

TcpId TcpPaths::IdOf(const Connection& connection) { return connection.id(); }

bool TcpPaths::Receive(Connection& connection) {
  if (IsOver(connection)) return false;
  const MutableByteView space = connection.in.Space();
  const ssize_t got = recv(connection.fd(), space.data(), space.size(), MSG_DONTWAIT);
  if (got > 0) {
    connection.in.Add(static_cast<size_t>(got));
    return true;
  }
  const bool later = got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
  connection.ended = !later;
  return false;
}

bool TcpPaths::IsOver(const Connection& connection) {
  return !connection.open() || connection.ended || connection.in.broken();
}

std::optional<BatchReceiver::Datagram> TcpPaths::Next(Connection& connection) {
  if (!connection.open()) return std::nullopt;
  const auto datagram = connection.in.Next();
  if (!datagram) return std::nullopt;
  std::ranges::copy(*datagram, room_.begin());
  return BatchReceiver::Datagram{
      .room = room_, .size = datagram->size(), .path = {connection.remote(), {}, connection.id()}};
}

void TcpPaths::Send(TcpId id, ByteView datagram) {
  const auto found = connections_.find(id);
  if (found != connections_.end()) found->second->Send(datagram);
}

void TcpPaths::Close(TcpId id) {
  auto node = connections_.extract(id);
  if (!node) return;
  if (waiting_.erase(id) > 0) refused_count_.fetch_add(1, std::memory_order_relaxed);
  loop_.Remove(node.mapped()->fd());
  node.mapped()->Shut();
  closed_.push_back(std::move(node.mapped()));
  connection_count_.store(static_cast<uint32_t>(connections_.size()), std::memory_order_relaxed);
}

void TcpPaths::Sweep() { closed_.clear(); }

TimePoint TcpPaths::next_timeout() const {
  const TimePoint oldest = waiting_.empty() ? kNever : waiting_.begin()->second + kMaxWait;
  return std::min(oldest, accept_again_);
}

void TcpPaths::OnTimer(TimePoint now) {
  while (!waiting_.empty() && waiting_.begin()->second + kMaxWait <= now) {
    Close(waiting_.begin()->first);
  }
  if (now < accept_again_) return;
  accept_again_ = loop_.Add(fd_, &watched_) ? kNever : now + kAcceptPause;
}

}  // namespace lastmile::media

#include "tests/support/framed_tcp.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace lastmile::test {
namespace {

// A test machine without TCP on loopback is no result.
void Require(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::abort();
}

}  // namespace

FramedTcp::FramedTcp(const IpAddress& bind_to, const Endpoint& to, int receive_buffer)
    : fd_(socket(to.address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (receive_buffer > 0) {
    setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
  }
  sockaddr_storage storage{};
  auto* const name = reinterpret_cast<sockaddr*>(&storage);
  socklen_t size = Endpoint{bind_to, 0}.ToSockaddr(storage);
  Require(fd_ >= 0 && bind(fd_, name, size) == 0, "FramedTcp: bind");
  size = to.ToSockaddr(storage);
  Require(connect(fd_, name, size) == 0, "FramedTcp: connect");
  size = sizeof storage;
  Require(getsockname(fd_, name, &size) == 0, "FramedTcp: getsockname");
  local_ = Endpoint::FromSockaddr(storage);
  fcntl(fd_, F_SETFL, fcntl(fd_, F_GETFL) | O_NONBLOCK);
}

FramedTcp::~FramedTcp() { close(fd_); }

void FramedTcp::Send(ByteView datagram) {
  Bytes frame = {static_cast<uint8_t>(datagram.size() >> 8), static_cast<uint8_t>(datagram.size())};
  frame.insert(frame.end(), datagram.begin(), datagram.end());
  SendBytes(frame);
}

void FramedTcp::SendBytes(ByteView bytes) {
  if (send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0) closed_ |= errno != EAGAIN;
}

std::optional<Bytes> FramedTcp::Receive() {
  Read();
  if (stream_.size() < 2) return std::nullopt;
  const size_t size = size_t{stream_[0]} << 8 | stream_[1];
  if (stream_.size() < 2 + size) return std::nullopt;
  const auto begin = stream_.begin() + 2;
  Bytes datagram(begin, begin + static_cast<ptrdiff_t>(size));
  stream_.erase(stream_.begin(), begin + static_cast<ptrdiff_t>(size));
  return datagram;
}

bool FramedTcp::IsClosed(Duration within) {
  const TimePoint give_up = MonotonicNow() + within;
  for (Read(); !closed_ && MonotonicNow() < give_up; Read()) {
    pollfd entry{.fd = fd_, .events = POLLIN, .revents = 0};
    poll(&entry, 1, 5);
  }
  return closed_;
}

void FramedTcp::Read() {
  std::array<uint8_t, 4096> room;
  for (;;) {
    const ssize_t got = recv(fd_, room.data(), room.size(), 0);
    if (got > 0) {
      stream_.insert(stream_.end(), room.begin(), room.begin() + got);
      continue;
    }
    closed_ |= got == 0 || (errno != EAGAIN && errno != EINTR);
    return;
  }
}

}  // namespace lastmile::test

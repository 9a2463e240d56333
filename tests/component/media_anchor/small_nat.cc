#include "tests/component/media_anchor/small_nat.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "tests/support/loopback.h"

namespace lastmile::test {
namespace {

int BindAt(const IpAddress& address, Endpoint& local) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  socklen_t size = Endpoint{address, 0}.ToSockaddr(storage);
  bind(fd, reinterpret_cast<sockaddr*>(&storage), size);
  size = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  local = Endpoint::FromSockaddr(storage);
  return fd;
}

std::optional<size_t> Receive(int fd, MutableByteView room, Endpoint& from) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const ssize_t got =
      recvfrom(fd, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&storage), &size);
  if (got < 0) return std::nullopt;
  from = Endpoint::FromSockaddr(storage);
  return static_cast<size_t>(got);
}

void SendTo(int fd, ByteView datagram, const Endpoint& to) {
  sockaddr_storage storage{};
  const socklen_t size = to.ToSockaddr(storage);
  static_cast<void>(
      sendto(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&storage), size));
}

}  // namespace

SmallNat::SmallNat(const Endpoint& server)
    : server_(server), outside_fd_(BindAt(Loopback(3), outside_)) {
  far_[server] = BindAt(Loopback(2), inside_of_server_);
  thread_ = std::thread([this] { Run(); });
}

SmallNat::~SmallNat() {
  stopping_ = true;
  thread_.join();
  close(outside_fd_);
  for (const auto& [endpoint, fd] : far_) close(fd);
}

int SmallNat::InsideFor(const Endpoint& far) {
  const auto found = far_.find(far);
  if (found != far_.end()) return found->second;
  Endpoint ignored;
  return far_[far] = BindAt(Loopback(2), ignored);
}

void SmallNat::Run() {
  std::array<uint8_t, 2048> room;
  const MutableByteView all(room);
  while (!stopping_) {
    std::vector<pollfd> entries = {{.fd = outside_fd_, .events = POLLIN, .revents = 0}};
    for (const auto& [far, fd] : far_)
      entries.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    poll(entries.data(), entries.size(), 10);
    Endpoint from;
    while (const auto size = Receive(outside_fd_, all, from)) {
      passed_ += from != server_;
      if (behind_.port != 0) SendTo(InsideFor(from), all.first(*size), behind_);
    }
    for (const auto& [far, fd] : far_) {
      while (const auto size = Receive(fd, all, from)) {
        if (behind_.port == 0) behind_ = from;
        passed_ += far != server_;
        SendTo(outside_fd_, all.first(*size), far);
      }
    }
  }
}

}  // namespace lastmile::test

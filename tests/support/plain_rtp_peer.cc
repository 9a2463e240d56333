#include "tests/support/plain_rtp_peer.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>

namespace lastmile::test {
namespace {

std::pair<int, Endpoint> BindAny(const IpAddress& address) {
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_storage storage{};
  socklen_t size = Endpoint{address, 0}.ToSockaddr(storage);
  if (fd < 0 || bind(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    std::perror("PlainRtpPeer");
    std::abort();
  }
  size = sizeof storage;
  getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  return {fd, Endpoint::FromSockaddr(storage)};
}

void SendOn(int fd, ByteView bytes, const Endpoint& to) {
  sockaddr_storage storage{};
  const socklen_t size = to.ToSockaddr(storage);
  // A closed port is part of some tests.
  static_cast<void>(
      sendto(fd, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&storage), size));
}

std::optional<std::pair<Bytes, Endpoint>> ReceiveOn(int fd) {
  std::array<uint8_t, 2048> room;
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  const ssize_t got =
      recvfrom(fd, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&storage), &size);
  if (got < 0) return std::nullopt;
  return std::pair{Bytes(room.begin(), room.begin() + got), Endpoint::FromSockaddr(storage)};
}

}  // namespace

PlainRtpPeer::PlainRtpPeer(const IpAddress& bind) {
  std::tie(rtp_fd_, rtp_) = BindAny(bind);
  std::tie(rtcp_fd_, rtcp_) = BindAny(bind);
}

PlainRtpPeer::~PlainRtpPeer() {
  close(rtp_fd_);
  close(rtcp_fd_);
}

media::TrunkRemote PlainRtpPeer::Description(bool latch) const { return {rtp_, rtcp_, latch}; }

void PlainRtpPeer::Send(const TestRtp& packet, const Endpoint& to) {
  SendOn(rtp_fd_, packet.Build(), to);
}

std::optional<std::pair<TestRtp, Endpoint>> PlainRtpPeer::Receive() {
  const auto got = ReceiveOn(rtp_fd_);
  if (!got) return std::nullopt;
  auto packet = TestRtp::Parse(got->first);
  if (!packet) return std::nullopt;
  return std::pair{std::move(*packet), got->second};
}

void PlainRtpPeer::SendRtcp(ByteView packet, const Endpoint& to, bool mux) {
  SendOn(mux ? rtp_fd_ : rtcp_fd_, packet, to);
}

std::optional<std::pair<Bytes, Endpoint>> PlainRtpPeer::ReceiveRtcp(bool mux) {
  return ReceiveOn(mux ? rtp_fd_ : rtcp_fd_);
}

}  // namespace lastmile::test

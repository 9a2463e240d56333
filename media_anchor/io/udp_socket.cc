#include "media_anchor/io/udp_socket.h"

#include <netinet/in.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "media_anchor/io/bind_failure.h"

namespace lastmile::media {
namespace {

// An IPv6 socket names an IPv4 peer by its mapped address.
socklen_t SockaddrFor(bool socket_is_v6, const Endpoint& endpoint, sockaddr_storage& out) {
  if (!socket_is_v6 || endpoint.address.is_v6()) return endpoint.ToSockaddr(out);
  out = {};
  auto& v6 = reinterpret_cast<sockaddr_in6&>(out);
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(endpoint.port);
  v6.sin6_addr.s6_addr[10] = v6.sin6_addr.s6_addr[11] = 0xff;
  std::memcpy(&v6.sin6_addr.s6_addr[12], endpoint.address.bytes().data(), 4);
  return sizeof v6;
}

UdpSocket::BindError BindErrorOf(const Endpoint& address, int code) {
  return {code, BindFailure("UDP", address, code)};
}

constexpr size_t kControlSize = CMSG_SPACE(sizeof(in6_pktinfo)) + CMSG_SPACE(sizeof(in_pktinfo));

// Which of our addresses the datagram came to.
IpAddress LocalAddressOf(msghdr& header) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
      in_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      return IpAddress::V4(ntohl(info.ipi_addr.s_addr));
    }
    if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
      in6_pktinfo info;
      std::memcpy(&info, CMSG_DATA(c), sizeof info);
      sockaddr_storage storage{};
      auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
      v6.sin6_family = AF_INET6;
      v6.sin6_addr = info.ipi6_addr;
      return Endpoint::FromSockaddr(storage).address;
    }
  }
  return {};
}

// Makes the datagram leave from `local`. Returns the length of the control data.
size_t WriteLocalAddress(bool socket_is_v6, const IpAddress& local, msghdr& header) {
  cmsghdr* c = CMSG_FIRSTHDR(&header);
  if (!socket_is_v6) {
    in_pktinfo info{};
    info.ipi_spec_dst.s_addr = htonl(local.v4_host_order());
    c->cmsg_level = IPPROTO_IP;
    c->cmsg_type = IP_PKTINFO;
    c->cmsg_len = CMSG_LEN(sizeof info);
    std::memcpy(CMSG_DATA(c), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
  }
  in6_pktinfo info{};
  sockaddr_storage storage{};
  SockaddrFor(true, {local, 0}, storage);
  info.ipi6_addr = reinterpret_cast<sockaddr_in6&>(storage).sin6_addr;
  c->cmsg_level = IPPROTO_IPV6;
  c->cmsg_type = IPV6_PKTINFO;
  c->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(c), &info, sizeof info);
  return CMSG_SPACE(sizeof info);
}

}  // namespace

Result<UdpSocket, UdpSocket::BindError> UdpSocket::Bind(const Endpoint& address) {
  const int family = address.address.is_v6() ? AF_INET6 : AF_INET;
  const int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::unexpected(BindErrorOf(address, errno));
  UdpSocket made(fd, address);
  if (family == AF_INET6) {
    const int off = 0;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  }
  sockaddr_storage storage{};
  socklen_t size = address.ToSockaddr(storage);
  if (bind(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    return std::unexpected(BindErrorOf(address, errno));
  }
  size = sizeof storage;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return std::unexpected(BindErrorOf(address, errno));
  }
  made.local_.port = Endpoint::FromSockaddr(storage).port;
  return made;
}

UdpSocket::UdpSocket(UdpSocket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), local_(other.local_), connected_(other.connected_) {}

UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(local_, other.local_);
  std::swap(connected_, other.connected_);
  return *this;
}

UdpSocket::~UdpSocket() {
  if (fd_ >= 0) close(fd_);
}

bool UdpSocket::Connect(const Endpoint& remote) {
  sockaddr_storage storage{};
  const socklen_t size = SockaddrFor(is_v6(), remote, storage);
  if (connect(fd_, reinterpret_cast<sockaddr*>(&storage), size) != 0) return false;
  connected_ = remote;
  return true;
}

void UdpSocket::Disconnect() {
  sockaddr unspecified{};
  unspecified.sa_family = AF_UNSPEC;
  connect(fd_, &unspecified, sizeof unspecified);
  connected_.reset();
}

std::optional<size_t> UdpSocket::Receive(MutableByteView out, Endpoint& from) {
  sockaddr_storage storage;
  socklen_t size = sizeof storage;
  const ssize_t got = recvfrom(fd_, out.data(), out.size(), MSG_TRUNC,
                               reinterpret_cast<sockaddr*>(&storage), &size);
  if (got < 0) return std::nullopt;
  from = Endpoint::FromSockaddr(storage);
  return static_cast<size_t>(got) <= out.size() ? static_cast<size_t>(got) : 0;
}

bool UdpSocket::SendTo(ByteView datagram, const Endpoint& to) {
  if (connected_ == to) {
    return send(fd_, datagram.data(), datagram.size(), 0) == static_cast<ssize_t>(datagram.size());
  }
  sockaddr_storage storage;
  const socklen_t size = SockaddrFor(is_v6(), to, storage);
  const ssize_t sent =
      sendto(fd_, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&storage), size);
  return sent == static_cast<ssize_t>(datagram.size());
}

void UdpSocket::SetReceiveBuffer(int bytes) {
  setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
}

Result<void> UdpSocket::EnableLocalAddress() {
  const int on = 1;
  const int done = is_v6() ? setsockopt(fd_, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                           : setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  if (done == 0) return {};
  return Fail("cannot learn the local address of datagrams on UDP " + local_.ToString() + ": " +
              std::strerror(errno));
}

struct BatchReceiver::Slots {
  Slots(size_t datagrams, size_t room)
      : memory(datagrams * room),
        headers(datagrams),
        vectors(datagrams),
        sources(datagrams),
        controls(datagrams) {}

  struct Control {
    alignas(cmsghdr) uint8_t bytes[kControlSize];
  };
  Bytes memory;
  std::vector<mmsghdr> headers;
  std::vector<iovec> vectors;
  std::vector<sockaddr_storage> sources;
  std::vector<Control> controls;
};

BatchReceiver::BatchReceiver(size_t datagrams, size_t room, size_t readable)
    : slots_(std::make_unique<Slots>(datagrams, room)), datagrams_(datagrams), used_(datagrams) {
  for (size_t i = 0; i < datagrams; ++i) {
    datagrams_[i].room = MutableByteView(slots_->memory).subspan(i * room, room);
    slots_->vectors[i] = {datagrams_[i].room.data(), readable};
  }
}

BatchReceiver::~BatchReceiver() = default;

size_t BatchReceiver::Receive(const UdpSocket& socket) {
  Slots& s = *slots_;
  for (size_t i = 0; i < used_; ++i) {
    s.headers[i].msg_hdr = {.msg_name = &s.sources[i],
                            .msg_namelen = sizeof s.sources[i],
                            .msg_iov = &s.vectors[i],
                            .msg_iovlen = 1,
                            .msg_control = s.controls[i].bytes,
                            .msg_controllen = kControlSize,
                            .msg_flags = 0};
  }
  const int got = recvmmsg(socket.fd(), s.headers.data(), static_cast<unsigned>(s.headers.size()),
                           MSG_DONTWAIT, nullptr);
  used_ = static_cast<size_t>(std::max(got, 0));
  for (size_t i = 0; i < used_; ++i) {
    Datagram& d = datagrams_[i];
    d.size = s.headers[i].msg_len;
    d.truncated = (s.headers[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    d.path = {Endpoint::FromSockaddr(s.sources[i]), LocalAddressOf(s.headers[i].msg_hdr)};
  }
  return used_;
}

struct BatchSender::Slots {
  Slots(size_t datagrams, size_t room_each)
      : room(room_each),
        memory(datagrams * room_each),
        headers(datagrams),
        vectors(datagrams),
        targets(datagrams),
        controls(datagrams) {}

  struct Control {
    alignas(cmsghdr) uint8_t bytes[kControlSize];
  };
  size_t room;
  Bytes memory;
  std::vector<mmsghdr> headers;
  std::vector<iovec> vectors;
  std::vector<sockaddr_storage> targets;
  std::vector<Control> controls;
};

BatchSender::BatchSender(size_t datagrams, size_t room)
    : slots_(std::make_unique<Slots>(datagrams, room)) {}

BatchSender::~BatchSender() = default;

void BatchSender::Add(const UdpSocket& socket, ByteView datagram, const Path& path) {
  Slots& s = *slots_;
  if (datagram.size() > s.room) return;
  if (count_ == s.headers.size()) Flush(socket);
  uint8_t* const bytes = s.memory.data() + count_ * s.room;
  std::memcpy(bytes, datagram.data(), datagram.size());
  s.vectors[count_] = {bytes, datagram.size()};
  msghdr& header = s.headers[count_].msg_hdr;
  header = {};
  header.msg_name = &s.targets[count_];
  header.msg_namelen = SockaddrFor(socket.is_v6(), path.remote, s.targets[count_]);
  header.msg_iov = &s.vectors[count_];
  header.msg_iovlen = 1;
  if (!path.local.is_any()) {
    header.msg_control = s.controls[count_].bytes;
    header.msg_controllen = kControlSize;
    header.msg_controllen = WriteLocalAddress(socket.is_v6(), path.local, header);
  }
  ++count_;
}

void BatchSender::Flush(const UdpSocket& socket) {
  for (size_t done = 0; done < count_;) {
    const int sent = sendmmsg(socket.fd(), &slots_->headers[done],
                              static_cast<unsigned>(count_ - done), MSG_DONTWAIT);
    // A datagram the kernel refuses (no route, a full buffer) must not hold up those behind it.
    done += sent > 0 ? static_cast<size_t>(sent) : 1;
  }
  count_ = 0;
}

}  // namespace lastmile::media

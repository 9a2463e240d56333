#include "media_anchor/io/pipe_end.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace lastmile::media {

Result<std::pair<PipeEnd, PipeEnd>> PipeEnd::MakePair() {
  int fds[2];
  // Datagrams that tell when the other end is closed.
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    return Fail(std::string("cannot make a pair of sockets: ") + std::strerror(errno));
  }
  return std::pair(PipeEnd(fds[0]), PipeEnd(fds[1]));
}

PipeEnd::PipeEnd(PipeEnd&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)), gone_(other.gone_), dropped_(other.dropped_) {}

PipeEnd& PipeEnd::operator=(PipeEnd&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(gone_, other.gone_);
  std::swap(dropped_, other.dropped_);
  return *this;
}

PipeEnd::~PipeEnd() {
  if (fd_ >= 0) close(fd_);
}

bool PipeEnd::Send(ByteView datagram) {
  if (!datagram.empty() && send(fd_, datagram.data(), datagram.size(), MSG_NOSIGNAL) > 0) {
    return true;
  }
  ++dropped_;
  return false;
}

std::optional<size_t> PipeEnd::Receive(MutableByteView out) {
  const ssize_t got = recv(fd_, out.data(), out.size(), MSG_TRUNC);
  if (got > 0) return static_cast<size_t>(got);
  gone_ = got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
  return std::nullopt;
}

}  // namespace lastmile::media

#include "ws/listen_socket.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace lastmile::ws {
namespace {

// What the kernel may hold of our output for one client that does not read. Without it the buffer
// grows to megabytes a client; accepted sockets inherit it.
constexpr int kSendBufferBytes = 128 * 1024;
constexpr int kBacklog = 1024;

std::string CauseOf(int error, const Endpoint& address) {
  const std::string where = address.ToString();
  switch (error) {
    case EADDRINUSE:
      return where + " is in use by another program";
    case EADDRNOTAVAIL:
      return address.address.ToString() + " is not an address of this machine";
    case EACCES:
      return fmt::format("port {} needs more rights than this user has", address.port);
    case EAFNOSUPPORT:
      return "this machine has no IPv6: " + where;
    default:
      return fmt::format("{}: {}", where, std::strerror(error));
  }
}

void SetOption(const Fd& fd, int level, int option, int value) {
  // Each of these options exists on every Linux; a refusal would only cost the effect.
  static_cast<void>(setsockopt(fd.get(), level, option, &value, sizeof value));
}

}  // namespace

Result<ListenSocket> Listen(const Endpoint& address, std::string_view config_path) {
  const auto fail = [&](int error) {
    return Fail(fmt::format("{}: {}", config_path, CauseOf(error, address)));
  };
  sockaddr_storage storage;
  socklen_t length = address.ToSockaddr(storage);
  ListenSocket listening;
  listening.fd = Fd(socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listening.fd) return fail(errno);
  SetOption(listening.fd, SOL_SOCKET, SO_REUSEADDR, 1);
  SetOption(listening.fd, SOL_SOCKET, SO_SNDBUF, kSendBufferBytes);
  if (address.address.is_v6()) SetOption(listening.fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  const auto* generic = reinterpret_cast<const sockaddr*>(&storage);
  if (bind(listening.fd.get(), generic, length) != 0) return fail(errno);
  if (listen(listening.fd.get(), kBacklog) != 0) return fail(errno);
  length = sizeof storage;
  if (getsockname(listening.fd.get(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) {
    return fail(errno);
  }
  listening.address = Endpoint::FromSockaddr(storage);
  return listening;
}

}  // namespace lastmile::ws

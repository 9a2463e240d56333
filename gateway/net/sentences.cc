#include "gateway/net/sentences.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace lastmile::net {
namespace {

constexpr size_t kMaxNames = 8;
constexpr size_t kMaxNameLength = 64;

std::string Printable(std::string_view name) {
  std::string shown(name.substr(0, kMaxNameLength));
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < 0x20 || c > 0x7e; }, '?');
  return shown;
}

}  // namespace

std::string HostPort(std::string_view host, uint16_t port) {
  const bool bare_v6 = host.find(':') != std::string_view::npos && !host.starts_with('[');
  return bare_v6 ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

std::string ConnectFailure(int error, std::string_view peer) {
  switch (-error) {
    case ECONNREFUSED:
      return fmt::format("connection refused by {}", peer);
    case ETIMEDOUT:
      return fmt::format("{} did not answer: connecting timed out", peer);
    case ENETUNREACH:
    case EHOSTUNREACH:
      return fmt::format("no route to {}", peer);
    case EMFILE:
    case ENFILE:
      return fmt::format("cannot connect to {}: this process has too many open files", peer);
    default:
      return fmt::format("cannot connect to {}: {}", peer, std::strerror(-error));
  }
}

std::string StreamFailure(int error, std::string_view peer) {
  switch (-error) {
    case ECONNRESET:
    case EPIPE:
      return fmt::format("connection reset by {}", peer);
    case ETIMEDOUT:
      return fmt::format("{} stopped acknowledging: the connection timed out", peer);
    default:
      return fmt::format("connection to {} failed: {}", peer, std::strerror(-error));
  }
}

std::string ListenFailure(int error, std::string_view address) {
  switch (-error) {
    case EADDRINUSE:
      return fmt::format("cannot listen on {}: the port is in use by another program", address);
    case EADDRNOTAVAIL:
      return fmt::format("cannot listen on {}: this machine does not have that address", address);
    case EACCES:
      return fmt::format("cannot listen on {}: permission denied (ports below 1024 need it)",
                         address);
    default:
      return fmt::format("cannot listen on {}: {}", address, std::strerror(-error));
  }
}

std::string Seconds(Duration duration) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(duration).count();
  return ms % 1000 == 0 ? fmt::format("{} s", ms / 1000) : fmt::format("{} ms", ms);
}

std::string NameList(const std::vector<std::string>& names) {
  std::string list;
  for (size_t i = 0; i < std::min(names.size(), kMaxNames); ++i) {
    if (i > 0) list += ", ";
    list += Printable(names[i]);
  }
  if (names.size() > kMaxNames) list += fmt::format(" and {} more", names.size() - kMaxNames);
  return list.empty() ? "nobody" : list;
}

}  // namespace lastmile::net

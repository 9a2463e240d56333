#ifndef LASTMILE_BASE_ENDPOINT_H_
#define LASTMILE_BASE_ENDPOINT_H_

#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace lastmile {

// An IPv4 or IPv6 address. IPv4-mapped IPv6 addresses are stored as the IPv4 address they mean, so
// that one peer is one value. Bytes in network order. Thread: any, a plain value.
class IpAddress {
 public:
  IpAddress() = default;  // 0.0.0.0
  static IpAddress V4(uint32_t host_order);
  static IpAddress V6(const std::array<uint8_t, 16>& bytes);
  // Accepts what inet_pton accepts, IPv6 with or without brackets; never a host name.
  static Result<IpAddress> Parse(std::string_view text);

  bool is_v6() const { return v6_; }
  bool is_any() const;
  bool is_loopback() const;
  uint32_t v4_host_order() const;                                  // valid if !is_v6()
  const std::array<uint8_t, 16>& bytes() const { return bytes_; }  // IPv4: the first four
  std::string ToString() const;                                    // no brackets

  auto operator<=>(const IpAddress&) const = default;

 private:
  bool v6_ = false;
  std::array<uint8_t, 16> bytes_{};
};

// An address and a port (host byte order).
struct Endpoint {
  IpAddress address;
  uint16_t port = 0;

  // "192.0.2.1:5060" or "[2001:db8::1]:5060".
  static Result<Endpoint> Parse(std::string_view text);
  static Endpoint FromSockaddr(const sockaddr_storage& storage);
  // Fills `storage` and returns its length for the system call.
  socklen_t ToSockaddr(sockaddr_storage& storage) const;
  std::string ToString() const;

  auto operator<=>(const Endpoint&) const = default;
};

}  // namespace lastmile

template <>
struct std::hash<lastmile::IpAddress> {
  size_t operator()(const lastmile::IpAddress& address) const noexcept;
};
template <>
struct std::hash<lastmile::Endpoint> {
  size_t operator()(const lastmile::Endpoint& endpoint) const noexcept;
};

#endif  // LASTMILE_BASE_ENDPOINT_H_

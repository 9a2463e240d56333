#include "base/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

#include "base/bytes.h"

namespace lastmile {
namespace {

constexpr std::array<uint8_t, 12> kMappedPrefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

bool ParsePort(std::string_view text, uint16_t& port) {
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

IpAddress IpAddress::V4(uint32_t host_order) {
  IpAddress address;
  StoreBe32(address.bytes_.data(), host_order);
  return address;
}

IpAddress IpAddress::V6(const std::array<uint8_t, 16>& bytes) {
  if (std::equal(kMappedPrefix.begin(), kMappedPrefix.end(), bytes.begin())) {
    return V4(LoadBe32(bytes.data() + 12));
  }
  IpAddress address;
  address.v6_ = true;
  address.bytes_ = bytes;
  return address;
}

Result<IpAddress> IpAddress::Parse(std::string_view text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
    text = text.substr(1, text.size() - 2);
  }
  if (text.find('\0') != std::string_view::npos) return Fail("not an IP address");
  const std::string terminated(text);
  std::array<uint8_t, 16> bytes{};
  if (inet_pton(AF_INET, terminated.c_str(), bytes.data()) == 1) return V4(LoadBe32(bytes.data()));
  if (inet_pton(AF_INET6, terminated.c_str(), bytes.data()) == 1) return V6(bytes);
  return Fail("not an IP address");
}

bool IpAddress::is_any() const {
  return std::all_of(bytes_.begin(), bytes_.end(), [](uint8_t b) { return b == 0; });
}

bool IpAddress::is_loopback() const {
  if (!v6_) return bytes_[0] == 127;
  return bytes_[15] == 1 &&
         std::all_of(bytes_.begin(), bytes_.end() - 1, [](uint8_t b) { return b == 0; });
}

uint32_t IpAddress::v4_host_order() const { return LoadBe32(bytes_.data()); }

std::string IpAddress::ToString() const {
  char text[INET6_ADDRSTRLEN] = {};
  inet_ntop(v6_ ? AF_INET6 : AF_INET, bytes_.data(), text, sizeof text);
  return text;
}

Result<Endpoint> Endpoint::Parse(std::string_view text) {
  const size_t colon = text.rfind(':');
  const bool bracketed = !text.empty() && text.front() == '[';
  if (colon == std::string_view::npos || (bracketed && (colon == 0 || text[colon - 1] != ']')) ||
      (!bracketed && text.find(':') != colon)) {
    return Fail("not an address with a port, such as 192.0.2.1:5060 or [2001:db8::1]:5060");
  }
  Endpoint endpoint;
  auto address = IpAddress::Parse(text.substr(0, colon));
  if (!address) return std::unexpected(address.error());
  endpoint.address = *address;
  if (!ParsePort(text.substr(colon + 1), endpoint.port)) return Fail("not a port (0 to 65535)");
  return endpoint;
}

Endpoint Endpoint::FromSockaddr(const sockaddr_storage& storage) {
  Endpoint endpoint;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &storage, sizeof in);
    endpoint.address = IpAddress::V4(ntohl(in.sin_addr.s_addr));
    endpoint.port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    sockaddr_in6 in6;
    std::memcpy(&in6, &storage, sizeof in6);
    std::array<uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &in6.sin6_addr, bytes.size());
    endpoint.address = IpAddress::V6(bytes);
    endpoint.port = ntohs(in6.sin6_port);
  }
  return endpoint;
}

socklen_t Endpoint::ToSockaddr(sockaddr_storage& storage) const {
  std::memset(&storage, 0, sizeof storage);
  if (!address.is_v6()) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr.s_addr = htonl(address.v4_host_order());
    std::memcpy(&storage, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in6.sin6_addr, address.bytes().data(), 16);
  std::memcpy(&storage, &in6, sizeof in6);
  return sizeof in6;
}

std::string Endpoint::ToString() const {
  const std::string host = address.is_v6() ? "[" + address.ToString() + "]" : address.ToString();
  return host + ":" + std::to_string(port);
}

}  // namespace lastmile

size_t std::hash<lastmile::IpAddress>::operator()(const lastmile::IpAddress& a) const noexcept {
  uint64_t high, low;
  std::memcpy(&high, a.bytes().data(), 8);
  std::memcpy(&low, a.bytes().data() + 8, 8);
  uint64_t mixed = (high ^ (low * 0x9e3779b97f4a7c15ULL)) * 0xff51afd7ed558ccdULL;
  return mixed ^ (mixed >> 32);
}

size_t std::hash<lastmile::Endpoint>::operator()(const lastmile::Endpoint& e) const noexcept {
  uint64_t mixed = (std::hash<lastmile::IpAddress>{}(e.address) + e.port) * 0x9e3779b97f4a7c15ULL;
  return mixed ^ (mixed >> 29);
}

#include "gateway/app/addresses.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace lastmile::app {
namespace {

bool IsLinkLocal(const IpAddress& address) {
  return address.is_v6() && address.bytes()[0] == 0xfe && (address.bytes()[1] & 0xc0) == 0x80;
}

std::vector<IpAddress> InterfaceAddresses(bool v6) {
  std::vector<IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (getifaddrs(&list) != 0) return addresses;
  for (const ifaddrs* entry = list; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr || !(entry->ifa_flags & IFF_UP)) continue;
    const int family = entry->ifa_addr->sa_family;
    if (family != (v6 ? AF_INET6 : AF_INET)) continue;
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ifa_addr, v6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in));
    const IpAddress address = Endpoint::FromSockaddr(storage).address;
    if (!IsLinkLocal(address)) addresses.push_back(address);
  }
  freeifaddrs(list);
  std::stable_partition(addresses.begin(), addresses.end(),
                        [](const IpAddress& a) { return !a.is_loopback(); });
  return addresses;
}

std::optional<IpAddress> SourceTowards(const IpAddress& server) {
  sockaddr_storage storage;
  const socklen_t length = Endpoint{server, 9}.ToSockaddr(storage);
  const int fd = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::nullopt;
  sockaddr_storage local{};
  socklen_t local_length = sizeof local;
  const bool known = connect(fd, reinterpret_cast<const sockaddr*>(&storage), length) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&local), &local_length) == 0;
  close(fd);
  if (!known) return std::nullopt;
  return Endpoint::FromSockaddr(local).address;
}

}  // namespace

std::vector<IpAddress> BrowserAddresses(const IpAddress& bind) {
  if (!bind.is_any()) return {bind};
  auto addresses = InterfaceAddresses(bind.is_v6());
  if (addresses.empty()) addresses.push_back(IpAddress::V4(INADDR_LOOPBACK));
  return addresses;
}

IpAddress TrunkAddress(const IpAddress& bind, const IpAddress& server) {
  if (!bind.is_any()) return bind;
  if (!server.is_any() && server.is_v6() == bind.is_v6()) {
    if (auto source = SourceTowards(server)) return *source;
  }
  return BrowserAddresses(bind).front();
}

std::string HostOf(const IpAddress& address) {
  return address.is_v6() ? "[" + address.ToString() + "]" : address.ToString();
}

IpAddress TrunkAddressOf(const Config& config) {
  const auto& media = config.trunk_media;
  if (!media.advertise.automatic) return media.advertise.addresses.front();
  IpAddress server;
  if (!config.trunks.empty()) {
    if (auto address = IpAddress::Parse(config.trunks.front().host)) server = *address;
  }
  return TrunkAddress(media.bind, server);
}

}  // namespace lastmile::app

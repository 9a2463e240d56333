#include "tests/support/loopback.h"

#include <filesystem>
#include <iterator>
#include <utility>
#include <vector>

#include "base/random.h"
#include "media_anchor/io/udp_socket.h"

namespace lastmile::test {

uint16_t FindFreeRange(int ports) {
  SystemRandom random;
  for (;;) {
    const auto first = static_cast<uint16_t>(20000 + random.Next64() % 12000 / 2 * 2);
    std::vector<media::UdpSocket> held;
    for (int i = 0; i < ports; ++i) {
      auto socket = media::UdpSocket::Bind({Loopback(1), static_cast<uint16_t>(first + i)});
      if (!socket) break;
      held.push_back(std::move(*socket));
    }
    if (held.size() == static_cast<size_t>(ports)) return first;
  }
}

size_t OpenDescriptors() {
  const std::filesystem::directory_iterator entries("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(entries), end(entries)));
}

}  // namespace lastmile::test

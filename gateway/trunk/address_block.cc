#include <charconv>

#include "gateway/trunk/trunk_edge.h"

namespace lastmile::trunk {

Result<AddressBlock> AddressBlock::Parse(std::string_view text) {
  const size_t slash = text.find('/');
  auto base = IpAddress::Parse(text.substr(0, slash));
  if (!base) return Fail("not an address or a block such as 198.51.100.0/28");
  const int longest = base->is_v6() ? 128 : 32;
  AddressBlock block{.base = *base, .prefix_length = longest};
  if (slash == std::string_view::npos) return block;
  const std::string_view digits = text.substr(slash + 1);
  auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), block.prefix_length);
  if (error != std::errc() || end != digits.data() + digits.size() || block.prefix_length < 0 ||
      block.prefix_length > longest) {
    return Fail("the length behind '/' must be a number from 0 to " + std::to_string(longest));
  }
  return block;
}

bool AddressBlock::Contains(const IpAddress& address) const {
  if (address.is_v6() != base.is_v6()) return false;
  for (int bit = 0; bit < prefix_length; bit += 8) {
    const int wanted = prefix_length - bit;
    const uint8_t mask = wanted >= 8 ? 0xff : static_cast<uint8_t>(0xff << (8 - wanted));
    const auto index = static_cast<size_t>(bit / 8);
    if ((address.bytes()[index] & mask) != (base.bytes()[index] & mask)) return false;
  }
  return true;
}

}  // namespace lastmile::trunk

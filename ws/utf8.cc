#include "ws/utf8.h"

#include <cstddef>
#include <cstdint>

namespace lastmile::ws {
namespace {

// The table of RFC 3629 section 4: the lead byte fixes the length and the range of the second byte.
struct Shape {
  size_t length = 0;  // 0: no lead byte
  uint8_t second_min = 0x80;
  uint8_t second_max = 0xbf;
};

Shape ShapeOf(uint8_t lead) {
  if (lead < 0x80) return {1};
  if (lead < 0xc2) return {};
  if (lead < 0xe0) return {2};
  if (lead == 0xe0) return {3, 0xa0, 0xbf};
  if (lead == 0xed) return {3, 0x80, 0x9f};
  if (lead < 0xf0) return {3};
  if (lead == 0xf0) return {4, 0x90, 0xbf};
  if (lead < 0xf4) return {4};
  if (lead == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

}  // namespace

bool IsUtf8(std::string_view text) {
  size_t i = 0;
  while (i < text.size()) {
    const Shape shape = ShapeOf(static_cast<uint8_t>(text[i]));
    if (shape.length == 0 || shape.length > text.size() - i) return false;
    for (size_t k = 1; k < shape.length; ++k) {
      const uint8_t byte = static_cast<uint8_t>(text[i + k]);
      const uint8_t min = k == 1 ? shape.second_min : 0x80;
      const uint8_t max = k == 1 ? shape.second_max : 0xbf;
      if (byte < min || byte > max) return false;
    }
    i += shape.length;
  }
  return true;
}

}  // namespace lastmile::ws

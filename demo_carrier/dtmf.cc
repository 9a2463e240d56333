#include "demo_carrier/dtmf.h"

#include <string_view>

namespace lastmile::demo_carrier {

std::optional<char> DtmfListener::OnEvent(uint32_t timestamp, ByteView payload) {
  constexpr std::string_view kKeys = "0123456789*#ABCD";
  constexpr size_t kEventSize = 4;
  if (payload.size() < kEventSize || payload[0] >= kKeys.size()) return std::nullopt;
  if (last_timestamp_ == timestamp) return std::nullopt;
  last_timestamp_ = timestamp;
  return kKeys[payload[0]];
}

}  // namespace lastmile::demo_carrier

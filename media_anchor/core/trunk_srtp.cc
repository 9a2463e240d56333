#include "media_anchor/core/trunk_srtp.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lastmile::media {
namespace {

constexpr size_t kMaxPacket = 2048;  // no datagram of a trunk is longer

}  // namespace

void TrunkSrtp::SetKeys(const std::optional<StreamKeys>& keys) {
  on_ = keys.has_value();
  if (!on_) return;
  Use(send_, keys->send, SrtpDirection::kSend);
  const bool first = receive_.empty();
  if (Use(receive_, keys->receive, SrtpDirection::kReceive)) heard_ = first;
}

bool TrunkSrtp::Use(Contexts& contexts, const SrtpKeys& keys, SrtpDirection direction) {
  const auto known = std::ranges::find(contexts, keys, &Context::keys);
  if (known == contexts.begin() && known != contexts.end()) return false;
  if (known != contexts.end()) {
    std::rotate(contexts.begin(), known, known + 1);
    return true;
  }
  if (contexts.size() == kMaxKeys) contexts.pop_back();
  auto transform =
      direction == SrtpDirection::kSend ? MakeEvpSrtp(keys, direction) : MakeEvpSrtpMidway(keys);
  contexts.insert(contexts.begin(), {keys, transform ? *std::move(transform) : nullptr});
  return true;
}

std::optional<size_t> TrunkSrtp::Open(Kind kind, MutableByteView packet) {
  if (!on_) return packet.size();
  if (heard_ || packet.size() > kMaxPacket) return OpenWith(receive_.front(), kind, packet);
  // What cannot be opened is lost, and there is a second key to try.
  std::array<uint8_t, kMaxPacket> copy;
  std::ranges::copy(packet, copy.begin());
  if (const auto size = OpenWith(receive_.front(), kind, packet)) {
    heard_ = true;
    return size;
  }
  std::copy_n(copy.begin(), packet.size(), packet.begin());
  return OpenWith(receive_[1], kind, packet);
}

std::optional<size_t> TrunkSrtp::OpenWith(Context& context, Kind kind, MutableByteView packet) {
  if (!context.transform) return std::nullopt;
  const auto size = kind == Kind::kRtp ? context.transform->UnprotectRtp(packet)
                                       : context.transform->UnprotectRtcp(packet);
  return size ? std::optional(*size) : std::nullopt;
}

size_t TrunkSrtp::Seal(Kind kind, MutableByteView room, size_t size) {
  if (!on_) return size;
  const auto& transform = send_.front().transform;
  if (!transform) return 0;
  return (kind == Kind::kRtp ? transform->ProtectRtp(room, size)
                             : transform->ProtectRtcp(room, size))
      .value_or(0);
}

}  // namespace lastmile::media

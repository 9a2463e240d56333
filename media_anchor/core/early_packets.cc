#include "media_anchor/core/early_packets.h"

#include <algorithm>

namespace lastmile::media {

bool EarlyPackets::Keep(ByteView datagram, const Endpoint& from, TimePoint now) {
  if (released_ || datagram.size() > kMaxSize) return false;
  if (!slots_) slots_ = std::make_unique<Slots>();
  Slot& slot = (*slots_)[next_];
  slot.from = from;
  slot.at = now;
  slot.size = datagram.size();
  std::ranges::copy(datagram, slot.bytes.begin());
  next_ = (next_ + 1) % kMost;
  count_ = std::min(count_ + 1, kMost);
  return true;
}

void EarlyPackets::Release(const Endpoint& source, TimePoint now) {
  if (released_) return;
  released_ = true;
  source_ = source;
  oldest_ = now - kMostAge;
}

bool EarlyPackets::Pop(Packet& packet) {
  if (!released_ || !slots_) return false;
  while (count_ > 0) {
    const Slot& slot = (*slots_)[(next_ + kMost - count_) % kMost];
    --count_;
    if (slot.from != source_ || slot.at < oldest_) continue;
    packet = {ByteView(slot.bytes).first(slot.size), slot.at};
    return true;
  }
  slots_.reset();
  return false;
}

}  // namespace lastmile::media

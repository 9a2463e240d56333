#include "media_anchor/io/port_pool.h"

#include <cerrno>
#include <string>
#include <utility>

namespace lastmile::media {
namespace {

size_t PairsWithin(uint32_t first, uint32_t max, size_t index, size_t of) {
  const size_t pairs = max > first ? (max - first + 1) / 2 : 0;
  return pairs > index ? (pairs - index + of - 1) / of : 0;
}

}  // namespace

PortPool::PortPool(IpAddress bind, uint16_t min, uint16_t max, size_t index, size_t of,
                   RandomSource& random)
    : bind_(bind),
      first_((uint32_t{min} + 1) & ~1u),
      max_(max),
      index_(index),
      of_(of),
      in_use_(PairsWithin(first_, max, index, of)) {
  if (!in_use_.empty()) next_ = random.Next64() % in_use_.size();
}

uint16_t PortPool::RtpPortOf(size_t slot) const {
  return static_cast<uint16_t>(first_ + 2 * (slot * of_ + index_));
}

Result<PortPool::Pair> PortPool::Take() {
  for (size_t tried = 0; tried < in_use_.size(); ++tried) {
    const size_t slot = next_;
    next_ = (next_ + 1) % in_use_.size();
    if (in_use_[slot]) continue;
    const uint16_t port = RtpPortOf(slot);
    auto rtp = UdpSocket::Bind({bind_, port});
    if (!rtp && rtp.error().code != EADDRINUSE) return Fail(rtp.error().message);
    if (!rtp) continue;
    auto rtcp = UdpSocket::Bind({bind_, static_cast<uint16_t>(port + 1)});
    if (!rtcp && rtcp.error().code != EADDRINUSE) return Fail(rtcp.error().message);
    if (!rtcp) continue;
    in_use_[slot] = true;
    return Pair{std::move(*rtp), std::move(*rtcp)};
  }
  return Fail("no pair of UDP ports is free between " + std::to_string(first_) + " and " +
              std::to_string(max_) + " for the trunk's media");
}

void PortPool::Release(const Pair& pair) {
  const size_t number = (pair.rtp.local().port - first_) / 2;
  in_use_[(number - index_) / of_] = false;
}

}  // namespace lastmile::media

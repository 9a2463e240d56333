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
      pairs_(PairsWithin(first_, max, index, of)) {
  const size_t start = pairs_ == 0 ? 0 : random.Next64() % pairs_;
  for (size_t i = 0; i < pairs_; ++i) free_.push_back({.slot = (start + i) % pairs_});
}

uint16_t PortPool::RtpPortOf(size_t slot) const {
  return static_cast<uint16_t>(first_ + 2 * (slot * of_ + index_));
}

Result<PortPool::Pair> PortPool::Take(TimePoint now) {
  for (size_t tries = free_.size(); tries > 0; --tries) {
    const Free next = free_.front();
    const uint16_t port = RtpPortOf(next.slot);
    auto rtp = UdpSocket::Bind({bind_, port});
    if (!rtp && rtp.error().code != EADDRINUSE) return Fail(rtp.error().message);
    free_.pop_front();
    if (rtp) {
      auto rtcp = UdpSocket::Bind({bind_, static_cast<uint16_t>(port + 1)});
      if (rtcp) return Pair{std::move(*rtp), std::move(*rtcp), now >= next.rests_until};
      if (rtcp.error().code != EADDRINUSE) {
        free_.push_front(next);
        return Fail(rtcp.error().message);
      }
    }
    free_.push_back(next);
  }
  return Fail("no pair of UDP ports is free between " + std::to_string(first_) + " and " +
              std::to_string(max_) + " for the trunk's media");
}

void PortPool::Release(const Pair& pair, TimePoint now) {
  const size_t number = (pair.rtp.local().port - first_) / 2;
  free_.push_back({.slot = (number - index_) / of_, .rests_until = now + kRest});
}

}  // namespace lastmile::media

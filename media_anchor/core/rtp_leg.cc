#include "media_anchor/core/rtp_leg.h"

namespace lastmile::media {
namespace {

bool SameRemote(const TrunkRemote& a, const TrunkRemote& b) {
  return a.rtp == b.rtp && a.rtcp == b.rtcp && a.latch == b.latch;
}

}  // namespace

void RtpLeg::SetRemote(const TrunkRemote& remote, TimePoint now) {
  if (!signalled_ || !SameRemote(*signalled_, remote)) {
    signalled_ = remote;
    rtp_ = remote.rtp;
    rtcp_ = remote.rtcp;
    latched_ = false;
  }
  latch_until_ = now + kLatchWindow;
}

bool RtpLeg::AcceptRtp(const Endpoint& from, TimePoint now) {
  if (!signalled_) return false;
  if (signalled_->latch && !latched_ && now < latch_until_) {
    latched_ = true;
    if (from != rtp_) {
      rtp_ = from;
      rtcp_ = {from.address, static_cast<uint16_t>(from.port + 1)};
    }
  }
  return from == rtp_;
}

bool RtpLeg::AcceptRtcp(const Endpoint& from) const { return signalled_ && from == rtcp_; }

}  // namespace lastmile::media

#include "media_anchor/core/rtp_leg.h"

namespace lastmile::media {

void RtpLeg::SetRemote(const TrunkStream& remote, bool latch, TimePoint now) {
  if (signalled_ != remote || latch_ != latch) {
    signalled_ = remote;
    rtp_ = remote.rtp;
    rtcp_ = remote.rtcp_mux ? remote.rtp : remote.rtcp;
    latch_ = latch;
    latched_ = false;
  }
  latch_until_ = now + kLatchWindow;
}

bool RtpLeg::AcceptRtp(const Endpoint& from, TimePoint now) {
  if (!signalled_) return false;
  if (latch_ && !latched_ && now < latch_until_) {
    latched_ = true;
    if (from != rtp_) {
      rtp_ = from;
      const int rtcp_port = from.port + (signalled_->rtcp_mux ? 0 : 1);
      rtcp_ = {from.address, static_cast<uint16_t>(rtcp_port)};
    }
  }
  return from == rtp_;
}

bool RtpLeg::AcceptRtcp(const Endpoint& from) const { return signalled_ && from == rtcp_; }

}  // namespace lastmile::media

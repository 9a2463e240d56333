#include "media_anchor/core/rtp_leg.h"

namespace lastmile::media {

void RtpLeg::SetRemote(const TrunkStream& remote, bool latch, TimePoint now) {
  const bool same = signalled_ && signalled_->rtp == remote.rtp &&
                    signalled_->rtcp == remote.rtcp && signalled_->rtcp_mux == remote.rtcp_mux &&
                    latch_ == latch;
  if (!same) {
    signalled_ = remote;
    rtp_ = remote.rtp;
    rtcp_ = remote.rtcp_mux ? remote.rtp : remote.rtcp;
    latch_ = latch;
    latched_ = false;
    heard_ = false;
  }
  latch_until_ = now + kLatchWindow;
  srtp_.SetKeys(remote.srtp);
}

std::optional<RtpView> RtpLeg::ReceiveRtp(MutableByteView datagram, const Endpoint& from,
                                          TimePoint now) {
  if (!signalled_) return std::nullopt;
  if (from != rtp_ && !IsLatching(now)) {
    ++refused_.wrong_source;
    refused_.stranger = from;
    return std::nullopt;
  }
  const auto size = srtp_.Open(TrunkSrtp::Kind::kRtp, datagram);
  if (!size) {
    ++refused_.not_authentic;
    return std::nullopt;
  }
  const auto packet = RtpView::Parse(datagram.first(*size));
  if (!packet) return std::nullopt;
  heard_ = true;
  ++packets_;
  if (!IsLatching(now)) return packet;
  latched_ = true;
  if (from == rtp_) return packet;
  rtp_ = from;
  const int rtcp_port = from.port + (signalled_->rtcp_mux ? 0 : 1);
  rtcp_ = {from.address, static_cast<uint16_t>(rtcp_port)};
  return packet;
}

MutableByteView RtpLeg::ReceiveRtcp(MutableByteView datagram, const Endpoint& from) {
  if (!signalled_ || from != rtcp_) return {};
  const auto size = srtp_.Open(TrunkSrtp::Kind::kRtcp, datagram);
  if (size) ++packets_;
  return datagram.first(size.value_or(0));
}

}  // namespace lastmile::media

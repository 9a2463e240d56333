#include "media_anchor/core/rtp_leg.h"

namespace lastmile::media {

void RtpLeg::SetRemote(const TrunkStream& remote, bool latch, TimePoint now,
                       const std::optional<IpAddress>& signalled_from) {
  const bool same = signalled_ && signalled_->rtp == remote.rtp &&
                    signalled_->rtcp == remote.rtcp && signalled_->rtcp_mux == remote.rtcp_mux &&
                    may_latch_ == latch;
  if (same) {
    latch_.Listen(now);
  } else {
    signalled_ = remote;
    may_latch_ = latch;
    latch_.Begin(remote.rtp, latch, signalled_from, now);
    rtcp_ = remote.rtcp_mux ? remote.rtp : remote.rtcp;
    heard_ = false;
  }
  srtp_.SetKeys(remote.srtp);
}

void RtpLeg::Refuse(const Endpoint& from) {
  ++refused_.wrong_source;
  refused_.stranger = from;
}

std::optional<RtpView> RtpLeg::ReceiveRtp(MutableByteView datagram, const Endpoint& from,
                                          TimePoint now) {
  if (!signalled_) return std::nullopt;
  if (!latch_.MayBe(from, now)) {
    Refuse(from);
    return std::nullopt;
  }
  const auto size = srtp_.Open(TrunkSrtp::Kind::kRtp, datagram);
  if (!size) {
    ++refused_.not_authentic;
    return std::nullopt;
  }
  const auto packet = RtpView::Parse(datagram.first(*size));
  if (!packet) return std::nullopt;
  const bool moves = from != rtp();
  if (!latch_.Take(from, packet->header(), srtp_.on(), now)) {
    Refuse(from);
    return std::nullopt;
  }
  heard_ = true;
  ++packets_;
  if (moves) {
    const int rtcp_port = from.port + (signalled_->rtcp_mux ? 0 : 1);
    rtcp_ = {from.address, static_cast<uint16_t>(rtcp_port)};
  }
  return packet;
}

MutableByteView RtpLeg::ReceiveRtcp(MutableByteView datagram, const Endpoint& from) {
  if (!signalled_ || from != rtcp_) return {};
  const auto size = srtp_.Open(TrunkSrtp::Kind::kRtcp, datagram);
  if (size) ++packets_;
  return datagram.first(size.value_or(0));
}

}  // namespace lastmile::media

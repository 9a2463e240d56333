#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RTP_LEG_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RTP_LEG_H_

#include <optional>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/media_doctor.h"
#include "media_anchor/core/rtp_view.h"
#include "media_anchor/core/source_latch.h"
#include "media_anchor/core/trunk_srtp.h"

namespace lastmile::media {

// The trunk leg of one media section: RTP and RTCP, or SRTP. Knows where to send and whom to
// believe: the SDP's addresses only, or with `latch` who fits best, see SourceLatch (S-02); with
// SRTP the first one whose packet is authentic (S-03). Thread: its owner's (the media worker's).
class RtpLeg {
 public:
  // The SDP's addresses; with `latch` the peer may be behind a NAT, see TrunkRemote.
  // The same SDP again opens the window again; another SDP starts anew. Keys alone are no other
  // SDP. `signalled_from`: where the SDP came from.
  void SetRemote(const TrunkStream& remote, bool latch, TimePoint now,
                 const std::optional<IpAddress>& signalled_from = std::nullopt);
  // From now on it has reason to send: the window opens again.
  void Listen(TimePoint now) { latch_.Listen(now); }
  // The SDP takes no such media any more.
  void Forget() { signalled_.reset(); }

  // The plain packet in a datagram, in place; nothing: it is none of the trunk's, and its bytes are
  // lost. May latch.
  std::optional<RtpView> ReceiveRtp(MutableByteView datagram, const Endpoint& from, TimePoint now);
  // The plain report; empty: it is none of the trunk's.
  MutableByteView ReceiveRtcp(MutableByteView datagram, const Endpoint& from);
  // The plain packet in the first `size` bytes of `room`, as it is to be sent, in place. `room` has
  // SrtpTransform::kMaxTrailer bytes more. Empty: it must not be sent.
  MutableByteView SealRtp(MutableByteView room, size_t size) {
    return room.first(srtp_.Seal(TrunkSrtp::Kind::kRtp, room, size));
  }
  MutableByteView SealRtcp(MutableByteView room, size_t size) {
    return room.first(srtp_.Seal(TrunkSrtp::Kind::kRtcp, room, size));
  }

  bool has_remote() const { return signalled_.has_value(); }
  // False also while the SDP names nobody: address 0.0.0.0 or port 0 (RFC 3264 sections 5.1, 8.4).
  bool can_send() const { return signalled_ && rtp().port != 0 && !rtp().address.is_any(); }
  // Valid with has_remote().
  const Endpoint& rtp() const { return latch_.source(); }
  const Endpoint& rtcp() const { return rtcp_; }
  // RTCP leaves from the socket of RTP and may come there.
  bool rtcp_mux() const { return signalled_ && signalled_->rtcp_mux; }
  // Nothing can change rtp() and rtcp() any more but another SDP, or Listen().
  bool fixed() const { return signalled_ && latch_.settled(); }
  // RTP comes from rtp(): a socket may be connected to it. Before that it may not, because it would
  // not be known that somebody else sends.
  bool heard() const { return heard_; }
  void Miss() { heard_ = false; }                // until it is heard again
  uint64_t packets() const { return packets_; }  // RTP and RTCP that were its own
  const RefusedPackets& refused() const { return refused_; }

 private:
  void Refuse(const Endpoint& from);

  std::optional<TrunkStream> signalled_;
  bool may_latch_ = false;
  SourceLatch latch_;
  Endpoint rtcp_;
  TrunkSrtp srtp_;
  bool heard_ = false;
  uint64_t packets_ = 0;
  RefusedPackets refused_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RTP_LEG_H_

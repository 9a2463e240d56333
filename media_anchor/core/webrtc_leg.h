#ifndef LASTMILE_MEDIA_ANCHOR_CORE_WEBRTC_LEG_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_WEBRTC_LEG_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/dtls/dtls_transport.h"
#include "media_anchor/core/full_ice.h"
#include "media_anchor/core/ice.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/media_doctor.h"
#include "media_anchor/core/path.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// The browser leg: ICE, DTLS (RFC 5763) and SRTP on one port with rtcp-mux. Turns datagrams
// into plain RTP and RTCP, and back. A datagram that is not STUN is looked at only if it came over
// a pair with an authenticated check (S-05), and no state changes before SRTP authenticated (S-03).
// `context` outlives the leg. Thread: its owner's (the media worker's).
class WebrtcLeg {
 public:
  // ICE-lite.
  WebrtcLeg(const DtlsContext& context, IceCredentials local);
  // ICE by an agent on another thread.
  WebrtcLeg(const DtlsContext& context, std::unique_ptr<FullIce> ice);

  // What the browser's SDP says. May come after its first checks and its ClientHello. Once DTLS has
  // begun, other fingerprints than before fail the leg (S-06) and the role stays.
  void SetRemote(const BrowserRemote& remote, TimePoint now);
  // An ICE restart of ours; see Ice. DTLS, keys and the pair in use stay.
  void RestartIce(IceCredentials fresh) { ice_->Restart(std::move(fresh)); }
  // Of full ICE: what the agent is to be told, and what it tells.
  std::optional<IceRemote> TakeIceRemote();
  void OnIceConnected(TimePoint now);
  void OnIceLost();

  struct Inbound {
    enum class Kind {
      kNothing,  // for the leg itself, or dropped
      kDropped,  // was to be media and is none
      kReply,    // `bytes` go back on the path of the datagram
      kRtp,      // `bytes` are a plain packet
      kRtcp,
    };
    Kind kind = Kind::kNothing;
    MutableByteView bytes{};  // inside `room`
  };
  // The datagram is the first `size` bytes of `room`, which has at least Ice::kMaxReply bytes.
  Inbound OnDatagram(MutableByteView room, size_t size, const Path& path, TimePoint now);

  // Encrypts the plain packet in the first `size` bytes of `room`, which has room for
  // SrtpTransform::kMaxTrailer more. 0: the leg is not connected or the transform refused.
  size_t ProtectRtp(MutableByteView room, size_t size);
  size_t ProtectRtcp(MutableByteView room, size_t size);

  // Takes the next DTLS datagram that has somewhere to go. False: none.
  bool PopDatagram(Bytes& out);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;
  void Close();  // queues close_notify

  // Where to send: the nominated pair, before nomination the pair of the latest check.
  const std::optional<Path>& send_path() const;
  bool HasPath(const Path& path) const { return ice_->IsValidated(path); }
  bool HasRemote(const Endpoint& remote) const { return ice_->HasRemote(remote); }
  bool has_description() const { return remote_.has_value(); }
  // A pair is nominated, the certificate matched and the keys are there.
  bool connected() const { return send_srtp_ != nullptr && ice_->selected().has_value(); }
  bool dtls_done() const { return send_srtp_ != nullptr; }
  const RefusedPackets& refused() const { return refused_; }
  // Why nothing can pass; nothing: it can, or the leg has failed.
  std::optional<SilenceCause> WhyNotConnected() const;
  // The last authenticated check or SRTP packet; nothing before the first. Of full ICE the checks
  // are the agent's matter: the nomination counts.
  const std::optional<TimePoint>& last_heard() const { return last_heard_; }
  // From when on the browser counts as gone if nothing is heard of it, `after` so long. Of a leg
  // that is or was connected.
  TimePoint silent_at(Duration after) const;
  bool is_full_ice() const { return full_ != nullptr; }
  const IceCredentials& local() const { return ice_->local(); }
  bool AcceptsUfrag(std::string_view local_ufrag) const { return ice_->AcceptsUfrag(local_ufrag); }

  struct Failure {
    SessionFault fault;
    std::string reason;
  };
  // Set once: the leg carries nothing any more.
  const std::optional<Failure>& failure() const { return failure_; }

  // ClientHellos that came before the fingerprint did: kept instead of waiting a second for the
  // browser's retransmission. Chromium's takes two datagrams.
  static constexpr size_t kMaxEarlyDatagrams = 4;

 private:
  Inbound OnStun(MutableByteView room, size_t size, const Path& path, TimePoint now);
  void OnDtls(ByteView datagram, TimePoint now);
  Inbound OnMedia(MutableByteView packet, bool rtcp, TimePoint now);
  void MaybeStartDtls(TimePoint now);
  void FollowDtls();
  void Fail(SessionFault fault, std::string reason);

  const DtlsContext& context_;
  const std::unique_ptr<Ice> ice_;
  FullIce* const full_ = nullptr;  // ice_, if it is that
  std::optional<BrowserRemote> remote_;
  std::vector<std::pair<Path, Bytes>> early_dtls_;
  std::unique_ptr<DtlsTransport> dtls_;
  std::unique_ptr<SrtpTransform> send_srtp_;
  std::unique_ptr<SrtpTransform> receive_srtp_;
  std::optional<TimePoint> last_heard_;
  std::optional<Failure> failure_;
  RefusedPackets refused_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_WEBRTC_LEG_H_

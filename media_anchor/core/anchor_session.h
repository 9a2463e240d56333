#ifndef LASTMILE_MEDIA_ANCHOR_CORE_ANCHOR_SESSION_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_ANCHOR_SESSION_H_

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/path.h"
#include "media_anchor/core/relay.h"
#include "media_anchor/core/rtcp.h"
#include "media_anchor/core/rtp_leg.h"
#include "media_anchor/core/webrtc_leg.h"

namespace lastmile::media {

// One datagram to send.
struct Outgoing {
  enum class To { kNone, kBrowser, kTrunkRtp, kTrunkRtcp };
  To to = To::kNone;
  MutableByteView bytes{};
  Path path{};          // kBrowser
  Endpoint endpoint{};  // kTrunkRtp, kTrunkRtcp
};

// One call's media, sans-IO: a browser leg and a trunk leg, the relay between them, counters and
// faults. A datagram in gives at most one datagram out at once, in the same buffer; what a leg
// sends by itself (DTLS flights, RTCP reports) waits in PopOutgoing(), events in PopEvent(): the
// owner empties both after every call. RTCP ends on each leg; see RtcpReporter.
// `context` outlives the session. Thread: its owner's (the media worker's). No allocation per
// packet.
class AnchorSession {
 public:
  struct Options {
    SessionId id;
    IceCredentials ice;
    Duration browser_gone_after = 10s;
  };
  // Draws SSRCs and first numbers from `random` and does not keep it.
  AnchorSession(const DtlsContext& context, Options options, RandomSource& random, TimePoint now);

  void Update(const UpdateSession& update, TimePoint now);

  // The datagram is the first `size` bytes of `room`, which has kRoom bytes.
  Outgoing OnBrowserDatagram(MutableByteView room, size_t size, const Path& path, TimePoint now);
  Outgoing OnTrunkRtp(MutableByteView room, size_t size, const Endpoint& from, TimePoint now);
  void OnTrunkRtcp(ByteView datagram, const Endpoint& from, TimePoint now);

  // The bytes are valid until the next call.
  bool PopOutgoing(Outgoing& out);
  std::optional<MediaEvent> PopEvent();
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;
  void Close();  // queues what the browser is told at the end

  SessionId id() const { return options_.id; }
  const IceCredentials& ice() const { return browser_.local(); }
  const RtpLeg& trunk() const { return trunk_; }
  bool HasBrowserPath(const Endpoint& remote) const { return browser_.HasRemote(remote); }
  const std::optional<TimePoint>& browser_last_heard() const { return browser_.last_heard(); }
  const SessionStats& stats() const { return stats_; }

  // A datagram of 1,500 bytes, what SRTP may add, and no less than a STUN answer.
  static constexpr size_t kRoom = 2048;
  static constexpr size_t kMaxDatagram = kRoom - SrtpTransform::kMaxTrailer;
  // How long the browser may take once both sides' SDP is known: only then has it an answer.
  static constexpr Duration kConnectTimeout = 30s;

 private:
  Outgoing RelayToTrunk(MutableByteView packet, TimePoint now);
  void Follow();
  void CheckBrowser(TimePoint now);
  void Fail(SessionFault fault, std::string reason);
  bool PopReport(Outgoing& out);

  const Options options_;
  WebrtcLeg browser_;
  RtpLeg trunk_;
  Relay relay_;
  RtcpReporter browser_rtcp_;
  RtcpReporter trunk_rtcp_;
  SessionStats stats_;
  TimePoint connect_by_ = kNever;
  bool connected_ = false;  // was said
  bool failed_ = false;     // was said
  bool browser_report_due_ = false;
  bool trunk_report_due_ = false;
  TimePoint report_time_;
  Bytes own_;  // what PopOutgoing() lends
  std::vector<MediaEvent> events_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_ANCHOR_SESSION_H_

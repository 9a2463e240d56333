#ifndef LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_SECTION_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_SECTION_H_

#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/digit_sender.h"
#include "media_anchor/core/early_packets.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/media_doctor.h"
#include "media_anchor/core/outgoing.h"
#include "media_anchor/core/relay.h"
#include "media_anchor/core/rtcp.h"
#include "media_anchor/core/rtcp_feedback.h"
#include "media_anchor/core/rtp_leg.h"
#include "media_anchor/core/rtp_view.h"
#include "media_anchor/core/webrtc_leg.h"

namespace lastmile::media {

// One media section of a session (RFC 8866 section 5.14), audio or video: its trunk leg, the relay
// between the legs, RTCP of both and counters. The browser leg is one for all sections (BUNDLE, RFC
// 9143) and is lent. RTCP ends on each leg, see RtcpReporter; of video, requests for pictures and
// for lost packets are carried across. A datagram in gives at most one out, in the same buffer.
// Thread: its owner's (the media worker's). No allocation per packet.
class MediaSection {
 public:
  // Draws SSRCs and first numbers from `random` and does not keep it.
  MediaSection(MediaKind kind, WebrtcLeg& browser, RandomSource& random, TimePoint now);

  // Takes those of its kind.
  void SetPayloads(std::span<const PayloadMapping> mappings) { relay_.SetPayloads(mappings); }
  // Where the trunk takes its media. The first time, what it has sent before waits for PopEarly().
  // `latch` and `signalled_from` as in TrunkRemote.
  void SetTrunk(const TrunkStream& remote, bool latch,
                const std::optional<IpAddress>& signalled_from, TimePoint now);
  // Which extended reports go to each leg.
  void SetBrowserXr(const XrPlan& plan) { browser_rtcp_.SetExtended(plan); }
  void SetTrunkXr(const XrPlan& plan) { trunk_rtcp_.SetExtended(plan); }
  RtpLeg& trunk() { return trunk_; }
  const RtpLeg& trunk() const { return trunk_; }

  // Plain packets of the browser, which lie in `room`, that has SrtpTransform::kMaxTrailer bytes
  // behind a packet. The feedback that goes on is written to the start of `room`.
  Outgoing OnBrowserRtp(const RtpView& packet, MutableByteView room, TimePoint now);
  Outgoing OnBrowserRtcp(ByteView report, MutableByteView room, TimePoint now);
  // Datagrams of the trunk's sockets, the first `size` bytes of `room`. `room` is as large as
  // AnchorSession's.
  Outgoing OnTrunkRtp(MutableByteView room, size_t size, const Endpoint& from, TimePoint now);
  Outgoing OnTrunkRtcp(MutableByteView room, size_t size, const Endpoint& from, TimePoint now);

  // A packet that came before the trunk's SDP, written to `own` and relayed. False: none.
  bool PopEarly(Bytes& own, Outgoing& out);

  // False: too many digits wait.
  bool SendDigit(const media::SendDigit& digit, TimePoint now) { return digits_.Add(digit, now); }
  // The digit that began with the last packet of the browser, or of the trunk, and that the other
  // side has no type for.
  std::optional<uint8_t> TakeHeardOfBrowser() { return relay_.to_trunk().TakeDigit(); }
  std::optional<uint8_t> TakeHeardOfTrunk() { return relay_.to_browser().TakeDigit(); }
  // The next packet that was made of another codec and is due, written to `own`. False: none.
  bool PopRecoded(Bytes& own, Outgoing& out);
  // The next packet of a digit that is due, written to `own`. False: none.
  bool PopDigit(Bytes& own, Outgoing& out);

  // Of reports, digits and what was made of another codec.
  TimePoint next_timeout() const;
  void OnTimer(TimePoint now);
  // A report that is due, written to `own`. False: none.
  bool PopReport(Bytes& own, Outgoing& out);

  // Without what the browser leg knows alone.
  DirectionCounts CountToTrunk() const;
  DirectionCounts CountToBrowser() const;
  void CountDroppedOfBrowser() { ++to_trunk_.dropped; }
  void CountDroppedOfTrunk() { ++to_browser_.dropped; }
  const DirectionStats& browser_to_trunk() const { return to_trunk_; }
  const DirectionStats& trunk_to_browser() const { return to_browser_; }
  LegQuality browser_quality() const;
  LegQuality trunk_quality() const;

 private:
  Outgoing SendToTrunk(const RelayStream::Forwarded& packet, MutableByteView room, TimePoint now);
  Outgoing SendToBrowser(const RelayStream::Forwarded& packet, MutableByteView room, TimePoint now);
  Outgoing RtpToTrunk(MutableByteView room, size_t size);
  Outgoing RtcpToTrunk(MutableByteView room, size_t size);
  Outgoing RtcpToBrowser(MutableByteView room, size_t size);
  // The first packet of a leg begins its reports.
  bool BothReport() const { return browser_rtcp_.active() && trunk_rtcp_.active(); }
  bool CanReportToTrunk() const { return trunk_.can_send() && trunk_.rtcp().port != 0; }

  const MediaKind kind_;
  WebrtcLeg& browser_;
  RtpLeg trunk_;
  EarlyPackets early_;
  Relay relay_;
  RtcpReporter browser_rtcp_;
  RtcpReporter trunk_rtcp_;
  FeedbackCarrier feedback_to_trunk_;
  FeedbackCarrier feedback_to_browser_;
  DirectionStats to_trunk_;
  DirectionStats to_browser_;
  ReceivedTypes types_of_browser_;
  ReceivedTypes types_of_trunk_;
  bool browser_report_due_ = false;
  bool trunk_report_due_ = false;
  TimePoint timer_time_;
  DigitSender digits_;  // to the trunk
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_MEDIA_SECTION_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_BRIDGE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_BRIDGE_H_

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/digit_sender.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/media_doctor.h"
#include "media_anchor/core/outgoing.h"
#include "media_anchor/core/passage.h"
#include "media_anchor/core/relay.h"
#include "media_anchor/core/rtcp.h"
#include "media_anchor/core/rtp_leg.h"
#include "media_anchor/core/session_core.h"
#include "media_anchor/core/trunk_timeout.h"

namespace lastmile::media {

// The audio between two trunk legs, sans-IO: what is left of a call when its browser has passed it
// on. RTP or SRTP on either side, each believed by its SDP's addresses or latched (RtpLeg); what
// goes to a side is one source whose numbers go on (Relay, with the first trunk in the browser's
// place). RTCP ends on each leg (RtcpReporter). Thread: its owner's (the media worker's). No
// allocation per packet.
class TrunkBridge final : public SessionCore {
 public:
  // Draws SSRCs and first numbers from `random` and does not keep it.
  TrunkBridge(SessionId id, RandomSource& random, TimePoint now,
              Duration trunk_timeout = kTrunkTimeout);

  void Update(const UpdateBridge& update, TimePoint now);

  SessionId id() const override { return id_; }
  // kAudio: of the first trunk's ports, kSecondAudio: of the second's. It has no other.
  Outgoing OnTrunkRtp(MediaKind kind, MutableByteView room, size_t size, const Endpoint& from,
                      TimePoint now) override;
  Outgoing OnTrunkRtcp(MediaKind kind, MutableByteView room, size_t size, const Endpoint& from,
                       TimePoint now) override;
  const RtpLeg* trunk(MediaKind kind) const override;
  bool SendDigit(const media::SendDigit& digit, TimePoint now) override;

  bool PopOutgoing(Outgoing& out) override;
  std::optional<MediaEvent> PopEvent() override;
  void OnTimer(TimePoint now) override;
  TimePoint next_timeout() const override;
  void Watch(MediaWatch watch, TimePoint now) override;
  void Close() override {}  // nobody waits for a last word
  SessionStats stats() const override;

 private:
  // One trunk, and what is sent to it.
  struct Side {
    Side(MediaKind kind_of_it, Passage& way_to_it, RandomSource& random, TimePoint now,
         Duration limit)
        : kind(kind_of_it), to(way_to_it), rtcp(way_to_it.ssrc(), random, now), timeout(limit) {}

    MediaKind kind;
    RtpLeg leg;
    Passage& to;
    RtcpReporter rtcp;
    DigitSender digits;
    DirectionStats sent;  // and what came from the other one and was not
    ReceivedTypes types;  // from it
    bool report_due = false;
    TrunkTimeout timeout;

    bool can_report() const { return leg.can_send() && leg.rtcp().port != 0; }
    Outgoing Rtp(MutableByteView room, size_t size);
    // `room`: with the packet somewhere in it.
    Outgoing Send(const RelayStream::Forwarded& packet, MutableByteView room, TimePoint now);
  };

  static size_t IndexOf(MediaKind kind) { return kind == MediaKind::kSecondAudio ? 1 : 0; }
  std::optional<AudioCodec> CodecFrom(const Side& side) const;
  bool PopReport(Side& side, Outgoing& out);
  bool PopDigit(Side& side, Outgoing& out);
  bool PopRecoded(Side& side, Outgoing& out);
  DirectionCounts CountTo(const Side& target, const Side& source) const;
  void LookForSilence(TimePoint now);

  const SessionId id_;
  Relay relay_;
  std::array<Side, 2> sides_;
  TimePoint timer_time_;
  Bytes own_;  // what PopOutgoing() lends
  std::vector<MediaEvent> events_;
  MediaDoctor doctor_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_TRUNK_BRIDGE_H_

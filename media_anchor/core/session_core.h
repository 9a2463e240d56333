#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SESSION_CORE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SESSION_CORE_H_

#include <cstddef>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/outgoing.h"
#include "media_anchor/core/rtp_leg.h"

namespace lastmile::media {

// What every kind of session does for the worker that owns its sockets, whoever the other end of
// the trunk is. A datagram in gives at most one datagram out at once, in the same buffer; what a
// session sends by itself (reports, digits) waits in PopOutgoing(), events in PopEvent(): the owner
// empties both after every call, but after one that is Outgoing::settled. Thread: its owner's (the
// media worker's).
class SessionCore {
 public:
  virtual ~SessionCore() = default;

  virtual SessionId id() const = 0;
  // By which of the trunk's ports it came to. RTCP may come to the port of RTP. The datagram is the
  // first `size` bytes of `room`, which has AnchorSession::kRoom bytes.
  virtual Outgoing OnTrunkRtp(MediaKind kind, MutableByteView room, size_t size,
                              const Endpoint& from, TimePoint now) = 0;
  virtual Outgoing OnTrunkRtcp(MediaKind kind, MutableByteView room, size_t size,
                               const Endpoint& from, TimePoint now) = 0;
  // Null: it is not open.
  virtual const RtpLeg* trunk(MediaKind kind) const = 0;
  // False: kMaxDigits wait, and this one is dropped.
  virtual bool SendDigit(const media::SendDigit& digit, TimePoint now) = 0;

  // What DirectionSilent is told of.
  virtual void Watch(MediaWatch watch, TimePoint now) = 0;

  // The bytes are valid until the next call.
  virtual bool PopOutgoing(Outgoing& out) = 0;
  virtual std::optional<MediaEvent> PopEvent() = 0;
  virtual void OnTimer(TimePoint now) = 0;
  virtual TimePoint next_timeout() const = 0;
  virtual void Close() = 0;  // queues what peers are told at the end
  virtual SessionStats stats() const = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SESSION_CORE_H_

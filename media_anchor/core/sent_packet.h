#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SENT_PACKET_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SENT_PACKET_H_

#include <cstddef>

#include "base/time.h"
#include "media_anchor/core/relay.h"
#include "media_anchor/core/rtcp.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// Tells `reporter` of a packet of `stream` that left with `header`. A sender report tells the time
// line as it is now; the timestamp of an event is its beginning. Thread: the media worker's.
inline void CountSent(RtcpReporter& reporter, const RelayStream& stream, RtpHeader header,
                      size_t payload_size, TimePoint now) {
  header.timestamp = stream.TimestampAt(now);
  reporter.OnSent(header, payload_size, stream.clock_rate(), now);
}

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SENT_PACKET_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_PACKET_KIND_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_PACKET_KIND_H_

#include "base/bytes.h"

namespace lastmile::media {

// What shares one UDP port with ICE, DTLS-SRTP and rtcp-mux.
enum class PacketKind { kStun, kDtls, kRtp, kRtcp, kUnknown };

// By the first byte (RFC 7983 section 7), RTP and RTCP apart by the second: 64 to 95 in its lower
// seven bits, which no RTP payload type may be, is RTCP (RFC 5761 section 4).
// A datagram too short for the fixed header of its kind is kUnknown. Says nothing about the rest.
PacketKind Classify(ByteView datagram);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_PACKET_KIND_H_

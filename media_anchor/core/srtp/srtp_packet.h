#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_SRTP_PACKET_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_SRTP_PACKET_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media_anchor/core/srtp/srtp.h"

// What both SRTP backends read from packets before any key is used. Thread: any, pure functions.
namespace lastmile::media {

// What SRTP needs of an RTP header (RFC 3550 section 5.1), in host byte order.
struct SrtpHeader {
  size_t size = 0;  // fixed header, CSRC list and extension: the part that stays in the clear
  uint16_t sequence = 0;
  uint32_t ssrc = 0;
};

// The header and first SSRC of an RTCP packet, in the clear in SRTCP (RFC 3711 section 3.4).
inline constexpr size_t kRtcpClearSize = 8;
// The E flag and the index behind an SRTCP packet.
inline constexpr size_t kSrtcpWordSize = 4;

// `packet` without its tag. Nothing if it is shorter than its header claims or not version 2.
std::optional<SrtpHeader> ParseSrtpHeader(ByteView packet);
// The SSRC of an RTCP packet. Nothing if it is too short or not version 2.
std::optional<uint32_t> ParseSrtcpSsrc(ByteView packet);

// Bytes of authentication tag (RFC 5764 section 4.1.2, RFC 7714 section 12).
size_t RtpTagSize(SrtpProfile profile);
size_t RtcpTagSize(SrtpProfile profile);
bool IsAead(SrtpProfile profile);

// Key and salt have the sizes of the profile.
bool HasValidSizes(const SrtpKeys& keys);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_SRTP_PACKET_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RTP_VIEW_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RTP_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace lastmile::media {

// The fields of the fixed RTP header (RFC 3550 section 5.1) that a relay writes. Host byte order.
struct RtpHeader {
  static constexpr size_t kSize = 12;

  bool marker = false;
  uint8_t payload_type = 0;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
};

// Writes the header in front of a payload of `payload_size` bytes, which is in `room` behind the
// place for it, and returns the packet.
MutableByteView WriteRtp(const RtpHeader& header, MutableByteView room, size_t payload_size);

// One plain RTP packet inside somebody's buffer, checked before any field is read: version 2, and
// CSRC list, header extension and padding lie within the packet. Thread: the buffer's.
class RtpView {
 public:
  static std::optional<RtpView> Parse(MutableByteView packet);

  const RtpHeader& header() const { return header_; }
  MutableByteView bytes() const { return packet_; }
  MutableByteView payload() const { return packet_.subspan(payload_offset_, payload_size_); }

  // Writes `header` directly in front of the payload and returns that packet: 12 bytes of header
  // and the payload. CSRCs, extensions and padding belong to the leg they came from and stay there.
  MutableByteView Rewrite(const RtpHeader& header) const;

 private:
  RtpView(MutableByteView packet, size_t payload_offset, size_t payload_size);

  MutableByteView packet_;
  size_t payload_offset_;
  size_t payload_size_;
  RtpHeader header_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RTP_VIEW_H_

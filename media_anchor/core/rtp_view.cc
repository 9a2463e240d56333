#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {
namespace {

constexpr uint8_t kVersion2 = 0x80;
constexpr uint8_t kPaddingBit = 0x20;
constexpr uint8_t kExtensionBit = 0x10;
constexpr uint8_t kMarkerBit = 0x80;

}  // namespace

std::optional<RtpView> RtpView::Parse(MutableByteView packet) {
  if (packet.size() < RtpHeader::kSize || (packet[0] & 0xc0) != kVersion2) return std::nullopt;
  size_t offset = RtpHeader::kSize + size_t{4} * (packet[0] & 0x0f);
  if (packet[0] & kExtensionBit) {
    if (packet.size() < offset + 4) return std::nullopt;
    offset += 4 + size_t{4} * LoadBe16(&packet[offset + 2]);
  }
  if (packet.size() < offset) return std::nullopt;
  size_t size = packet.size() - offset;
  if (packet[0] & kPaddingBit) {
    const uint8_t padding = packet.back();
    if (padding == 0 || padding > size) return std::nullopt;
    size -= padding;
  }
  return RtpView(packet, offset, size);
}

RtpView::RtpView(MutableByteView packet, size_t payload_offset, size_t payload_size)
    : packet_(packet), payload_offset_(payload_offset), payload_size_(payload_size) {
  header_.marker = (packet[1] & kMarkerBit) != 0;
  header_.payload_type = packet[1] & 0x7f;
  header_.sequence = LoadBe16(&packet[2]);
  header_.timestamp = LoadBe32(&packet[4]);
  header_.ssrc = LoadBe32(&packet[8]);
}

MutableByteView RtpView::Rewrite(const RtpHeader& header) const {
  return WriteRtp(header, packet_.subspan(payload_offset_ - RtpHeader::kSize), payload_size_);
}

MutableByteView WriteRtp(const RtpHeader& header, MutableByteView room, size_t payload_size) {
  const MutableByteView out = room.first(RtpHeader::kSize + payload_size);
  out[0] = kVersion2;
  out[1] = static_cast<uint8_t>((header.marker ? kMarkerBit : 0) | (header.payload_type & 0x7f));
  StoreBe16(&out[2], header.sequence);
  StoreBe32(&out[4], header.timestamp);
  StoreBe32(&out[8], header.ssrc);
  return out;
}

}  // namespace lastmile::media

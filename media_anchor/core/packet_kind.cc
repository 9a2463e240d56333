#include "media_anchor/core/packet_kind.h"

namespace lastmile::media {
namespace {

constexpr size_t kStunHeader = 20;
constexpr size_t kDtlsRecordHeader = 13;
constexpr size_t kRtpHeader = 12;
constexpr size_t kRtcpHeader = 8;

PacketKind AtLeast(PacketKind kind, ByteView datagram, size_t size) {
  return datagram.size() >= size ? kind : PacketKind::kUnknown;
}

}  // namespace

PacketKind Classify(ByteView datagram) {
  if (datagram.size() < 2) return PacketKind::kUnknown;
  const uint8_t first = datagram[0];
  if (first <= 3) return AtLeast(PacketKind::kStun, datagram, kStunHeader);
  if (first >= 20 && first <= 63) return AtLeast(PacketKind::kDtls, datagram, kDtlsRecordHeader);
  if (first < 128 || first > 191) return PacketKind::kUnknown;
  const uint8_t second = datagram[1] & 0x7f;
  if (second >= 64 && second <= 95) return AtLeast(PacketKind::kRtcp, datagram, kRtcpHeader);
  return AtLeast(PacketKind::kRtp, datagram, kRtpHeader);
}

}  // namespace lastmile::media

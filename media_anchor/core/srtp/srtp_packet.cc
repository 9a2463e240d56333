#include "media_anchor/core/srtp/srtp_packet.h"

namespace lastmile::media {

namespace {
constexpr size_t kFixedHeaderSize = 12;
constexpr size_t kExtensionHeaderSize = 4;

bool IsVersion2(uint8_t first_byte) { return first_byte >> 6 == 2; }
}  // namespace

std::optional<SrtpHeader> ParseSrtpHeader(ByteView packet) {
  if (packet.size() < kFixedHeaderSize || !IsVersion2(packet[0])) return std::nullopt;
  size_t size = kFixedHeaderSize + size_t{4} * (packet[0] & 0x0f);
  if (packet[0] & 0x10) {
    if (packet.size() < size + kExtensionHeaderSize) return std::nullopt;
    size += kExtensionHeaderSize + size_t{4} * LoadBe16(packet.data() + size + 2);
  }
  if (packet.size() < size) return std::nullopt;
  return SrtpHeader{size, LoadBe16(packet.data() + 2), LoadBe32(packet.data() + 8)};
}

std::optional<uint32_t> ParseSrtcpSsrc(ByteView packet) {
  if (packet.size() < kRtcpClearSize || !IsVersion2(packet[0])) return std::nullopt;
  return LoadBe32(packet.data() + 4);
}

bool IsAead(SrtpProfile profile) {
  return profile == SrtpProfile::kAeadAes128Gcm || profile == SrtpProfile::kAeadAes256Gcm;
}

size_t MasterKeySize(SrtpProfile profile) {
  return profile == SrtpProfile::kAeadAes256Gcm ? 32 : 16;
}

size_t MasterSaltSize(SrtpProfile profile) { return IsAead(profile) ? 12 : 14; }

size_t RtpTagSize(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAes128CmHmacSha1_80:
      return 10;
    case SrtpProfile::kAes128CmHmacSha1_32:
      return 4;
    case SrtpProfile::kAeadAes128Gcm:
    case SrtpProfile::kAeadAes256Gcm:
      return 16;
  }
  return 16;
}

size_t RtcpTagSize(SrtpProfile profile) { return IsAead(profile) ? 16 : 10; }

bool HasValidSizes(const SrtpKeys& keys) {
  return keys.master_key.size() == MasterKeySize(keys.profile) &&
         keys.master_salt.size() == MasterSaltSize(keys.profile);
}

}  // namespace lastmile::media

#include "tests/support/stun_message.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <array>

namespace lastmile::test {
namespace {

constexpr uint32_t kFingerprintMask = 0x5354554e;

uint32_t Crc32(ByteView bytes) {
  uint32_t crc = 0xffffffff;
  for (uint8_t b : bytes) {
    crc ^= b;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc;
}

std::array<uint8_t, 20> HmacSha1(std::string_view key, ByteView bytes) {
  std::array<uint8_t, 20> out;
  unsigned size = out.size();
  HMAC(EVP_sha1(), key.data(), static_cast<int>(key.size()), bytes.data(), bytes.size(), out.data(),
       &size);
  return out;
}

Bytes WithLength(ByteView message, size_t length) {
  Bytes copy(message.begin(), message.end());
  StoreBe16(&copy[2], static_cast<uint16_t>(length));
  return copy;
}

Endpoint UnmaskAddress(ByteView value) {
  const auto port = static_cast<uint16_t>(LoadBe16(&value[2]) ^ (kStunCookie >> 16));
  return {IpAddress::V4(LoadBe32(&value[4]) ^ kStunCookie), port};
}

}  // namespace

StunBuilder::StunBuilder(uint16_t type, std::string_view transaction_id) : bytes_(20) {
  StoreBe16(&bytes_[0], type);
  StoreBe32(&bytes_[4], kStunCookie);
  std::copy_n(transaction_id.begin(), std::min<size_t>(12, transaction_id.size()), &bytes_[8]);
}

void StunBuilder::SetLength(size_t size) {
  StoreBe16(&bytes_[2], static_cast<uint16_t>(size - 20));
}

StunBuilder& StunBuilder::Attribute(uint16_t type, ByteView value) {
  uint8_t header[4];
  StoreBe16(header, type);
  StoreBe16(header + 2, static_cast<uint16_t>(value.size()));
  bytes_.insert(bytes_.end(), header, header + 4);
  bytes_.insert(bytes_.end(), value.begin(), value.end());
  bytes_.resize((bytes_.size() + 3) & ~size_t{3});
  SetLength(bytes_.size());
  return *this;
}

StunBuilder& StunBuilder::Word(uint16_t type, uint32_t value) {
  uint8_t bytes[4];
  StoreBe32(bytes, value);
  return Attribute(type, bytes);
}

StunBuilder& StunBuilder::Integrity(std::string_view pwd) {
  SetLength(bytes_.size() + 24);
  return Attribute(kStunIntegrity, HmacSha1(pwd, bytes_));
}

StunBuilder& StunBuilder::Fingerprint() {
  SetLength(bytes_.size() + 8);
  return Word(kStunFingerprint, Crc32(bytes_) ^ kFingerprintMask);
}

Bytes BuildCheck(const CheckOptions& options) {
  StunBuilder builder(kStunBindingRequest, options.transaction_id);
  builder.Text(kStunUsername, options.username).Word(kStunPriority, 1853817087);
  const uint8_t tie_breaker[8] = {0x93, 2, 3, 4, 5, 6, 7, 8};
  builder.Attribute(options.controlling ? kStunControlling : kStunControlled, tie_breaker);
  if (options.use_candidate) builder.Flag(kStunUseCandidate);
  return builder.Integrity(options.pwd).Fingerprint().Build();
}

std::optional<StunAnswer> ParseStunAnswer(ByteView bytes, std::string_view pwd) {
  if (bytes.size() < 20 || LoadBe32(&bytes[4]) != kStunCookie ||
      LoadBe16(&bytes[2]) != bytes.size() - 20) {
    return std::nullopt;
  }
  StunAnswer answer;
  answer.type = LoadBe16(&bytes[0]);
  answer.transaction_id = AsText(bytes.subspan(8, 12));
  for (size_t at = 20; at + 4 <= bytes.size();) {
    const uint16_t type = LoadBe16(&bytes[at]);
    const size_t size = LoadBe16(&bytes[at + 2]);
    if (at + 4 + size > bytes.size()) return std::nullopt;
    const ByteView value = bytes.subspan(at + 4, size);
    if (type == kStunXorMappedAddress && size == 8) answer.mapped = UnmaskAddress(value);
    if (type == kStunErrorCode && size >= 4) answer.error_code = value[2] * 100 + value[3];
    if (type == kStunIntegrity && size == 20) {
      const auto expected = HmacSha1(pwd, WithLength(bytes.first(at), at + 24 - 20));
      answer.integrity_ok = std::ranges::equal(expected, value);
    }
    if (type == kStunFingerprint && size == 4) {
      const uint32_t crc = Crc32(WithLength(bytes.first(at), at + 8 - 20));
      answer.fingerprint_ok = LoadBe32(value.data()) == (crc ^ kFingerprintMask);
    }
    at += 4 + ((size + 3) & ~size_t{3});
  }
  return answer;
}

}  // namespace lastmile::test

#ifndef LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SRTP_SRTP_TEST_UTIL_H_
#define LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SRTP_SRTP_TEST_UTIL_H_

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

inline constexpr SrtpProfile kAllProfiles[] = {
    SrtpProfile::kAes128CmHmacSha1_80,
    SrtpProfile::kAes128CmHmacSha1_32,
    SrtpProfile::kAeadAes128Gcm,
    SrtpProfile::kAeadAes256Gcm,
};

inline std::string ProfileName(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAes128CmHmacSha1_80:
      return "Cm80";
    case SrtpProfile::kAes128CmHmacSha1_32:
      return "Cm32";
    case SrtpProfile::kAeadAes128Gcm:
      return "Gcm128";
    case SrtpProfile::kAeadAes256Gcm:
      return "Gcm256";
  }
  return "?";
}

inline void PrintTo(SrtpProfile profile, std::ostream* out) { *out << ProfileName(profile); }

inline std::string ErrorName(SrtpError error) {
  switch (error) {
    case SrtpError::kMalformed:
      return "malformed";
    case SrtpError::kAuthFailed:
      return "auth failed";
    case SrtpError::kReplayed:
      return "replayed";
    case SrtpError::kTooManySsrcs:
      return "too many ssrcs";
    case SrtpError::kInternal:
      return "internal";
  }
  return "?";
}

// Hexadecimal digits, blanks ignored.
inline Bytes Hex(std::string_view text) {
  Bytes out;
  int high = -1;
  for (char c : text) {
    if (c == ' ') continue;
    const int digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<uint8_t>(high << 4 | digit));
      high = -1;
    }
  }
  return out;
}

inline SrtpKeys MakeKeys(SrtpProfile profile, uint64_t seed) {
  SeededRandom random(seed);
  SrtpKeys keys;
  keys.profile = profile;
  keys.master_key.resize(MasterKeySize(profile));
  keys.master_salt.resize(MasterSaltSize(profile));
  random.Fill(keys.master_key);
  random.Fill(keys.master_salt);
  return keys;
}

using Backend = Result<std::unique_ptr<SrtpTransform>> (*)(const SrtpKeys&, SrtpDirection);

inline std::unique_ptr<SrtpTransform> Make(Backend backend, const SrtpKeys& keys,
                                           SrtpDirection direction) {
  auto transform = backend(keys, direction);
  if (!transform) {
    ADD_FAILURE() << transform.error().message;
    return nullptr;
  }
  return *std::move(transform);
}

// A packet or the name of the error.
struct Outcome {
  Bytes packet;
  std::string error;
  bool operator==(const Outcome&) const = default;
};

inline void PrintTo(const Outcome& outcome, std::ostream* out) {
  *out << (outcome.error.empty() ? HexOf(outcome.packet) : outcome.error);
}

inline Outcome ToOutcome(Bytes buffer, const Result<size_t, SrtpError>& size) {
  if (!size) return {{}, ErrorName(size.error())};
  buffer.resize(*size);
  return {std::move(buffer), {}};
}

inline Outcome ProtectRtp(SrtpTransform& transform, const Bytes& packet) {
  Bytes buffer = packet;
  buffer.resize(packet.size() + SrtpTransform::kMaxTrailer);
  const auto size = transform.ProtectRtp(buffer, packet.size());
  return ToOutcome(std::move(buffer), size);
}

inline Outcome ProtectRtcp(SrtpTransform& transform, const Bytes& packet) {
  Bytes buffer = packet;
  buffer.resize(packet.size() + SrtpTransform::kMaxTrailer);
  const auto size = transform.ProtectRtcp(buffer, packet.size());
  return ToOutcome(std::move(buffer), size);
}

inline Outcome UnprotectRtp(SrtpTransform& transform, Bytes packet) {
  const auto size = transform.UnprotectRtp(packet);
  return ToOutcome(std::move(packet), size);
}

inline Outcome UnprotectRtcp(SrtpTransform& transform, Bytes packet) {
  const auto size = transform.UnprotectRtcp(packet);
  return ToOutcome(std::move(packet), size);
}

// An RTP packet with payload and shape made from `shape`: up to 15 CSRCs, with or without an
// extension, 0 to 1100 bytes of payload.
inline Bytes MakeRtp(uint32_t ssrc, uint16_t sequence, std::mt19937& shape) {
  const size_t csrcs = shape() % 4 == 0 ? shape() % 16 : 0;
  const bool extension = shape() % 2 == 0;
  const size_t extension_words = extension ? shape() % 5 : 0;
  const size_t payload = shape() % 8 == 0 ? shape() % 1101 : shape() % 241;
  Bytes packet(12 + 4 * csrcs + (extension ? 4 + 4 * extension_words : 0) + payload);
  for (uint8_t& byte : packet) byte = static_cast<uint8_t>(shape());
  packet[0] = static_cast<uint8_t>(0x80 | (extension ? 0x10 : 0) | csrcs);
  StoreBe16(packet.data() + 2, sequence);
  StoreBe32(packet.data() + 8, ssrc);
  if (extension) {
    StoreBe16(packet.data() + 12 + 4 * csrcs + 2, static_cast<uint16_t>(extension_words));
  }
  return packet;
}

// 20 ms of G.711.
inline Bytes MakePlainRtp(uint32_t ssrc, uint16_t sequence) {
  Bytes packet(172, 0x55);
  packet[0] = 0x80;
  packet[1] = 0;
  StoreBe16(packet.data() + 2, sequence);
  StoreBe32(packet.data() + 8, ssrc);
  return packet;
}

inline Bytes MakeRtcp(uint32_t ssrc, std::mt19937& shape) {
  Bytes packet(8 + 4 * (shape() % 40));
  for (uint8_t& byte : packet) byte = static_cast<uint8_t>(shape());
  packet[0] = 0x80;
  packet[1] = 200;
  StoreBe32(packet.data() + 4, ssrc);
  return packet;
}

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SRTP_SRTP_TEST_UTIL_H_

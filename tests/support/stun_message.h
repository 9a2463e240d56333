#ifndef LASTMILE_TESTS_SUPPORT_STUN_MESSAGE_H_
#define LASTMILE_TESTS_SUPPORT_STUN_MESSAGE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/endpoint.h"

namespace lastmile::test {

// Builds STUN messages (RFC 8489) byte by byte with OpenSSL's HMAC: independent of the code under
// test, and able to build wrong ones.
class StunBuilder {
 public:
  explicit StunBuilder(uint16_t type, std::string_view transaction_id = "abcdefghijkl");

  StunBuilder& Attribute(uint16_t type, ByteView value);
  StunBuilder& Text(uint16_t type, std::string_view value) {
    return Attribute(type, AsBytes(value));
  }
  StunBuilder& Word(uint16_t type, uint32_t value);
  StunBuilder& Flag(uint16_t type) { return Attribute(type, {}); }
  StunBuilder& Integrity(std::string_view pwd);
  StunBuilder& Fingerprint();
  Bytes Build() const { return bytes_; }

 private:
  void SetLength(size_t size);
  Bytes bytes_;
};

// A check as a controlling browser sends it (RFC 8445 section 7.2.2).
struct CheckOptions {
  std::string username;
  std::string pwd;
  bool use_candidate = false;
  bool controlling = true;
  std::string transaction_id = "abcdefghijkl";
};
Bytes BuildCheck(const CheckOptions& options);

struct StunAnswer {
  uint16_t type = 0;
  std::string transaction_id;
  std::optional<Endpoint> mapped;
  int error_code = 0;
  bool integrity_ok = false;
  bool fingerprint_ok = false;
};
// Nothing if the bytes are no STUN message.
std::optional<StunAnswer> ParseStunAnswer(ByteView bytes, std::string_view pwd);

inline constexpr uint32_t kStunCookie = 0x2112a442;
inline constexpr uint16_t kStunBindingRequest = 0x0001;
inline constexpr uint16_t kStunBindingSuccess = 0x0101;
inline constexpr uint16_t kStunBindingError = 0x0111;
inline constexpr uint16_t kStunUsername = 0x0006;
inline constexpr uint16_t kStunIntegrity = 0x0008;
inline constexpr uint16_t kStunErrorCode = 0x0009;
inline constexpr uint16_t kStunXorMappedAddress = 0x0020;
inline constexpr uint16_t kStunPriority = 0x0024;
inline constexpr uint16_t kStunUseCandidate = 0x0025;
inline constexpr uint16_t kStunFingerprint = 0x8028;
inline constexpr uint16_t kStunControlled = 0x8029;
inline constexpr uint16_t kStunControlling = 0x802a;

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_STUN_MESSAGE_H_

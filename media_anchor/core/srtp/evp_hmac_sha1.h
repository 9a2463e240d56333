#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_HMAC_SHA1_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_HMAC_SHA1_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"

namespace lastmile::media {

// HMAC-SHA1 (RFC 2104) of one key, with the hash states after the inner and the outer pad computed
// once: a packet costs two compressions less. Compute() allocates nothing and changes nothing.
// Thread: any once constructed.
class HmacSha1 {
 public:
  static constexpr size_t kSize = 20;
  using Digest = std::array<uint8_t, kSize>;

  explicit HmacSha1(ByteView key);  // at most 64 bytes
  // The code of `message` followed by `suffix` (in network byte order).
  Digest Compute(ByteView message, uint32_t suffix) const;
  Digest Compute(ByteView message) const;

 private:
  using State = std::array<uint32_t, 5>;
  State inner_;
  State outer_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_HMAC_SHA1_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_KEY_DERIVATION_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_KEY_DERIVATION_H_

#include "base/bytes.h"
#include "base/result.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// The session keys of RTP or of RTCP.
struct SessionKeys {
  Bytes cipher_key;
  Bytes auth_key;  // 20 bytes; empty with AEAD
  Bytes salt;
};

struct SessionKeyPair {
  SessionKeys rtp;
  SessionKeys rtcp;
};

// RFC 3711 section 4.3 with a key derivation rate of 0 (RFC 7714 section 11 for AEAD): the keys
// depend on the master key alone, not on packet index or SSRC. Fails on wrong sizes. Thread: any.
Result<SessionKeyPair> DeriveSessionKeys(const SrtpKeys& keys);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_KEY_DERIVATION_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_SRTP_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_SRTP_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"

namespace lastmile::media {

// RFC 3711 (AES-CM, HMAC-SHA1) and RFC 7714 (AEAD AES-GCM) transforms.
enum class SrtpProfile {
  kAes128CmHmacSha1_80,
  kAes128CmHmacSha1_32,  // RTP tag of 4 bytes, RTCP tag of 10
  kAeadAes128Gcm,
  kAeadAes256Gcm,
};

size_t MasterKeySize(SrtpProfile profile);   // bytes: 16 or 32
size_t MasterSaltSize(SrtpProfile profile);  // bytes: 14 or 12

// Keys of one direction.
struct SrtpKeys {
  SrtpProfile profile = SrtpProfile::kAeadAes128Gcm;
  Bytes master_key;
  Bytes master_salt;
  bool operator==(const SrtpKeys&) const = default;
};

enum class SrtpError {
  kMalformed,  // too short, not RTP/RTCP version 2, header lengths that lie
  kAuthFailed,
  kReplayed,  // seen before or older than the window of 128 (64 for RTCP)
  kTooManySsrcs,
  kInternal,  // the crypto library failed
};

// One direction of one SRTP session: protects what we send or unprotects what we receive, RTP and
// RTCP, in place. State (ROC, replay window, RTCP index) is kept per SSRC, at most kMaxSsrcs of
// them, and changes only after authentication succeeded (S-03). No allocation per packet once an
// SSRC is known. Thread: its owner's (the media worker's).
class SrtpTransform {
 public:
  // What protecting can add: 16 bytes of GCM tag and 4 of SRTCP index, rounded up.
  static constexpr size_t kMaxTrailer = 32;
  // A carrier's source changes with every announcement and transfer behind it, under one key.
  static constexpr size_t kMaxSsrcs = 64;

  virtual ~SrtpTransform() = default;

  // `buffer` holds a packet of `length` bytes and has kMaxTrailer bytes of room behind it.
  // Returns the protected length.
  virtual Result<size_t, SrtpError> ProtectRtp(MutableByteView buffer, size_t length) = 0;
  virtual Result<size_t, SrtpError> ProtectRtcp(MutableByteView buffer, size_t length) = 0;
  // Returns the length of the plain packet at the start of `packet`. On an error the bytes are
  // unspecified and must be dropped.
  virtual Result<size_t, SrtpError> UnprotectRtp(MutableByteView packet) = 0;
  virtual Result<size_t, SrtpError> UnprotectRtcp(MutableByteView packet) = 0;
};

enum class SrtpDirection { kSend, kReceive };

// The backend of the packet path: AES-CTR and GCM on OpenSSL EVP, SHA-1 with saved pads.
// Fails if key or salt have the wrong size.
Result<std::unique_ptr<SrtpTransform>> MakeEvpSrtp(const SrtpKeys& keys, SrtpDirection direction);
// For receiving a session that may have begun earlier, at another place: nobody tells how often the
// sequence number of a source has gone round since (RFC 3711 section 3.3.1 wants it told, RFC 4568
// has no way to). Of a source that was not heard yet, each packet is tried with 0 and with one of 1
// to kMaxFirstRoc in turn, until one is authentic.
Result<std::unique_ptr<SrtpTransform>> MakeEvpSrtpMidway(const SrtpKeys& keys);
inline constexpr uint32_t kMaxFirstRoc = 63;  // of 20 ms packets, 23 hours
// The second backend and the oracle of the tests: libsrtp2.
Result<std::unique_ptr<SrtpTransform>> MakeLibsrtp(const SrtpKeys& keys, SrtpDirection direction);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_SRTP_H_

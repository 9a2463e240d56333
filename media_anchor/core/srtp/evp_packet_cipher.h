#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_PACKET_CIPHER_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_PACKET_CIPHER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "media_anchor/core/srtp/evp_key_derivation.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// Encryption and authentication of single packets with session keys, in place, without any memory
// of earlier packets. The caller has parsed the header, chosen the index and checked sizes. Keys
// are expanded once; a packet sets an IV only and allocates nothing. Thread: its owner's.
class PacketCipher {
 public:
  virtual ~PacketCipher() = default;

  struct Rtp {
    size_t header = 0;  // bytes that stay in the clear
    uint32_t ssrc = 0;
    uint64_t index = 0;  // 48 bits: ROC * 2^16 + SEQ
  };
  // E flag set, 31 bits of index.
  struct Rtcp {
    uint32_t ssrc = 0;
    uint32_t index = 0;
  };
  enum class Opened { kOk, kAuthFailed, kInternal };

  // `packet` is the plain packet of `length` bytes with room for tag and SRTCP word behind it. The
  // result has length + RtpTagSize(), or length + RtcpTagSize() + kSrtcpWordSize. False: OpenSSL
  // failed.
  virtual bool SealRtp(uint8_t* packet, size_t length, const Rtp& rtp) = 0;
  virtual bool SealRtcp(uint8_t* packet, size_t length, const Rtcp& rtcp) = 0;
  // `length` is that of the plain packet; tag and SRTCP word follow it.
  virtual Opened OpenRtp(uint8_t* packet, size_t length, const Rtp& rtp) = 0;
  virtual Opened OpenRtcp(uint8_t* packet, size_t length, const Rtcp& rtcp) = 0;
};

// Either only seals or only opens, by `direction`.
Result<std::unique_ptr<PacketCipher>> MakePacketCipher(SrtpProfile profile,
                                                       const SessionKeyPair& keys,
                                                       SrtpDirection direction);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SRTP_EVP_PACKET_CIPHER_H_

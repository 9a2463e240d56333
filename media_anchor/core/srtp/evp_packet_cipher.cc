#include "media_anchor/core/srtp/evp_packet_cipher.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/c_handle.h"
#include "media_anchor/core/srtp/evp_hmac_sha1.h"
#include "media_anchor/core/srtp/srtp_packet.h"

namespace lastmile::media {

namespace {

using EvpContext = CHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
using Opened = PacketCipher::Opened;

constexpr uint32_t kEncryptedFlag = 0x80000000;
constexpr size_t kGcmTag = 16;
constexpr size_t kRtcpHmacTag = 10;

// `for_opening` matters to GCM alone: counter mode is the same both ways.
EvpContext MakeContext(const EVP_CIPHER* cipher, const Bytes& key, bool for_opening) {
  EvpContext ctx(EVP_CIPHER_CTX_new());
  if (!ctx ||
      !EVP_CipherInit_ex(ctx.get(), cipher, nullptr, key.data(), nullptr, for_opening ? 0 : 1)) {
    return nullptr;
  }
  return ctx;
}

// AES in counter mode (RFC 3711 section 4.1.1) and HMAC-SHA1 (section 4.2.1).
class CmHmacCipher final : public PacketCipher {
 public:
  static std::unique_ptr<PacketCipher> Make(const SessionKeyPair& keys, size_t rtp_tag) {
    auto cipher = std::unique_ptr<CmHmacCipher>(new CmHmacCipher(keys, rtp_tag));
    if (!cipher->rtp_.ctx || !cipher->rtcp_.ctx) return nullptr;
    return cipher;
  }

  bool SealRtp(uint8_t* packet, size_t length, const Rtp& rtp) override {
    if (!Crypt(rtp_, rtp.ssrc, rtp.index, packet + rtp.header, length - rtp.header)) return false;
    const auto digest = rtp_.hmac.Compute({packet, length}, Roc(rtp));
    std::memcpy(packet + length, digest.data(), rtp_tag_);
    return true;
  }

  bool SealRtcp(uint8_t* packet, size_t length, const Rtcp& rtcp) override {
    if (!Crypt(rtcp_, rtcp.ssrc, rtcp.index, packet + kRtcpClearSize, length - kRtcpClearSize)) {
      return false;
    }
    StoreBe32(packet + length, rtcp.index | kEncryptedFlag);
    const size_t authenticated = length + kSrtcpWordSize;
    const auto digest = rtcp_.hmac.Compute({packet, authenticated});
    std::memcpy(packet + authenticated, digest.data(), kRtcpHmacTag);
    return true;
  }

  Opened OpenRtp(uint8_t* packet, size_t length, const Rtp& rtp) override {
    const auto digest = rtp_.hmac.Compute({packet, length}, Roc(rtp));
    if (CRYPTO_memcmp(digest.data(), packet + length, rtp_tag_) != 0) return Opened::kAuthFailed;
    return Crypt(rtp_, rtp.ssrc, rtp.index, packet + rtp.header, length - rtp.header)
               ? Opened::kOk
               : Opened::kInternal;
  }

  Opened OpenRtcp(uint8_t* packet, size_t length, const Rtcp& rtcp) override {
    const size_t authenticated = length + kSrtcpWordSize;
    const auto digest = rtcp_.hmac.Compute({packet, authenticated});
    if (CRYPTO_memcmp(digest.data(), packet + authenticated, kRtcpHmacTag) != 0) {
      return Opened::kAuthFailed;
    }
    return Crypt(rtcp_, rtcp.ssrc, rtcp.index, packet + kRtcpClearSize, length - kRtcpClearSize)
               ? Opened::kOk
               : Opened::kInternal;
  }

 private:
  struct Half {
    explicit Half(const SessionKeys& keys)
        : ctx(MakeContext(EVP_aes_128_ctr(), keys.cipher_key, false)), hmac(keys.auth_key) {
      std::copy(keys.salt.begin(), keys.salt.end(), salt.begin());
    }
    EvpContext ctx;
    HmacSha1 hmac;
    std::array<uint8_t, 16> salt{};  // 14 bytes, then the room of the block counter
  };

  CmHmacCipher(const SessionKeyPair& keys, size_t rtp_tag)
      : rtp_(keys.rtp), rtcp_(keys.rtcp), rtp_tag_(rtp_tag) {}

  static uint32_t Roc(const Rtp& rtp) { return static_cast<uint32_t>(rtp.index >> 16); }

  static bool Crypt(Half& half, uint32_t ssrc, uint64_t index, uint8_t* data, size_t size) {
    // IV = salt * 2^16 XOR ssrc * 2^64 XOR index * 2^16.
    uint8_t add[16] = {};
    StoreBe32(add + 4, ssrc);
    StoreBe16(add + 8, static_cast<uint16_t>(index >> 32));
    StoreBe32(add + 10, static_cast<uint32_t>(index));
    uint8_t iv[16];
    for (size_t i = 0; i < sizeof(iv); ++i) iv[i] = half.salt[i] ^ add[i];
    int written = 0;
    return EVP_CipherInit_ex(half.ctx.get(), nullptr, nullptr, nullptr, iv, -1) &&
           EVP_CipherUpdate(half.ctx.get(), data, &written, data, static_cast<int>(size));
  }

  Half rtp_;
  Half rtcp_;
  const size_t rtp_tag_;
};

// AES in Galois/counter mode (RFC 7714 sections 8 and 9).
class GcmCipher final : public PacketCipher {
 public:
  static std::unique_ptr<PacketCipher> Make(const EVP_CIPHER* algorithm, const SessionKeyPair& keys,
                                            SrtpDirection direction) {
    auto cipher = std::unique_ptr<GcmCipher>(new GcmCipher(algorithm, keys, direction));
    if (!cipher->rtp_.ctx || !cipher->rtcp_.ctx) return nullptr;
    return cipher;
  }

  bool SealRtp(uint8_t* packet, size_t length, const Rtp& rtp) override {
    return Start(rtp_, rtp.ssrc, rtp.index) && AddClear(rtp_, packet, rtp.header) &&
           Seal(rtp_, packet + rtp.header, length - rtp.header);
  }

  bool SealRtcp(uint8_t* packet, size_t length, const Rtcp& rtcp) override {
    uint8_t word[kSrtcpWordSize];
    StoreBe32(word, rtcp.index | kEncryptedFlag);
    if (!Start(rtcp_, rtcp.ssrc, rtcp.index) || !AddClear(rtcp_, packet, kRtcpClearSize) ||
        !AddClear(rtcp_, word, sizeof(word)) ||
        !Seal(rtcp_, packet + kRtcpClearSize, length - kRtcpClearSize)) {
      return false;
    }
    std::memcpy(packet + length + kGcmTag, word, sizeof(word));
    return true;
  }

  Opened OpenRtp(uint8_t* packet, size_t length, const Rtp& rtp) override {
    if (!Start(rtp_, rtp.ssrc, rtp.index) || !AddClear(rtp_, packet, rtp.header)) {
      return Opened::kInternal;
    }
    return Open(rtp_, packet + rtp.header, length - rtp.header);
  }

  Opened OpenRtcp(uint8_t* packet, size_t length, const Rtcp& rtcp) override {
    if (!Start(rtcp_, rtcp.ssrc, rtcp.index) || !AddClear(rtcp_, packet, kRtcpClearSize) ||
        !AddClear(rtcp_, packet + length + kGcmTag, kSrtcpWordSize)) {
      return Opened::kInternal;
    }
    return Open(rtcp_, packet + kRtcpClearSize, length - kRtcpClearSize);
  }

 private:
  struct Half {
    Half(const EVP_CIPHER* algorithm, const SessionKeys& keys, SrtpDirection direction)
        : ctx(MakeContext(algorithm, keys.cipher_key, direction == SrtpDirection::kReceive)) {
      std::copy(keys.salt.begin(), keys.salt.end(), salt.begin());
    }
    EvpContext ctx;
    std::array<uint8_t, 12> salt{};
  };

  GcmCipher(const EVP_CIPHER* algorithm, const SessionKeyPair& keys, SrtpDirection direction)
      : rtp_(algorithm, keys.rtp, direction), rtcp_(algorithm, keys.rtcp, direction) {}

  static bool Start(Half& half, uint32_t ssrc, uint64_t index) {
    // IV = salt XOR (0 || ssrc || index): RTP's 48-bit and RTCP's 31-bit index end at the same
    // place.
    uint8_t add[12] = {};
    StoreBe32(add + 2, ssrc);
    StoreBe16(add + 6, static_cast<uint16_t>(index >> 32));
    StoreBe32(add + 8, static_cast<uint32_t>(index));
    uint8_t iv[12];
    for (size_t i = 0; i < sizeof(iv); ++i) iv[i] = half.salt[i] ^ add[i];
    return EVP_CipherInit_ex(half.ctx.get(), nullptr, nullptr, nullptr, iv, -1);
  }

  static bool AddClear(Half& half, const uint8_t* data, size_t size) {
    int written = 0;
    return EVP_CipherUpdate(half.ctx.get(), nullptr, &written, data, static_cast<int>(size));
  }

  static bool Seal(Half& half, uint8_t* data, size_t size) {
    EVP_CIPHER_CTX* ctx = half.ctx.get();
    int written = 0;
    return EVP_CipherUpdate(ctx, data, &written, data, static_cast<int>(size)) &&
           EVP_CipherFinal_ex(ctx, data + size, &written) &&
           EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, kGcmTag, data + size);
  }

  static Opened Open(Half& half, uint8_t* data, size_t size) {
    EVP_CIPHER_CTX* ctx = half.ctx.get();
    int written = 0;
    if (!EVP_CipherUpdate(ctx, data, &written, data, static_cast<int>(size)) ||
        !EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, kGcmTag, data + size)) {
      return Opened::kInternal;
    }
    return EVP_CipherFinal_ex(ctx, data + size, &written) ? Opened::kOk : Opened::kAuthFailed;
  }

  Half rtp_;
  Half rtcp_;
};

std::unique_ptr<PacketCipher> Make(SrtpProfile profile, const SessionKeyPair& keys,
                                   SrtpDirection direction) {
  switch (profile) {
    case SrtpProfile::kAes128CmHmacSha1_80:
    case SrtpProfile::kAes128CmHmacSha1_32:
      return CmHmacCipher::Make(keys, RtpTagSize(profile));
    case SrtpProfile::kAeadAes128Gcm:
      return GcmCipher::Make(EVP_aes_128_gcm(), keys, direction);
    case SrtpProfile::kAeadAes256Gcm:
      return GcmCipher::Make(EVP_aes_256_gcm(), keys, direction);
  }
  return nullptr;
}

}  // namespace

Result<std::unique_ptr<PacketCipher>> MakePacketCipher(SrtpProfile profile,
                                                       const SessionKeyPair& keys,
                                                       SrtpDirection direction) {
  auto cipher = Make(profile, keys, direction);
  if (!cipher) return Fail("OpenSSL failed to set up an SRTP cipher");
  return cipher;
}

}  // namespace lastmile::media

#include "media_anchor/core/srtp/evp_key_derivation.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/c_handle.h"
#include "media_anchor/core/srtp/srtp_packet.h"

namespace lastmile::media {

namespace {

constexpr size_t kAuthKeySize = 20;

// RFC 3711 section 4.3.2 labels of the RTP keys; RTCP's are kRtcpLabels higher.
enum Label : uint8_t { kCipherKey = 0, kAuthKey = 1, kSalt = 2 };
constexpr uint8_t kRtcpLabels = 3;

// The first `size` bytes of the AES counter-mode keystream that belongs to `label`.
bool Derive(const SrtpKeys& keys, uint8_t label, size_t size, Bytes& out) {
  // x = (label || r) XOR salt, with the index r = 0, right-aligned in the 112 bits of the salt;
  // the 96-bit salts of RFC 7714 are padded with zeros on the right. The IV is x * 2^16.
  std::array<uint8_t, 16> iv{};
  std::copy(keys.master_salt.begin(), keys.master_salt.end(), iv.begin());
  iv[7] ^= label;
  const CHandle<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> ctx(EVP_CIPHER_CTX_new());
  const EVP_CIPHER* cipher = keys.master_key.size() == 32 ? EVP_aes_256_ctr() : EVP_aes_128_ctr();
  out.assign(size, 0);
  int written = 0;
  return ctx && EVP_EncryptInit_ex(ctx.get(), cipher, nullptr, keys.master_key.data(), iv.data()) &&
         EVP_EncryptUpdate(ctx.get(), out.data(), &written, out.data(), static_cast<int>(size)) &&
         written == static_cast<int>(size);
}

bool DeriveSet(const SrtpKeys& keys, uint8_t first_label, SessionKeys& out) {
  const size_t auth_size = IsAead(keys.profile) ? 0 : kAuthKeySize;
  return Derive(keys, first_label + kCipherKey, keys.master_key.size(), out.cipher_key) &&
         (auth_size == 0 || Derive(keys, first_label + kAuthKey, auth_size, out.auth_key)) &&
         Derive(keys, first_label + kSalt, keys.master_salt.size(), out.salt);
}

}  // namespace

Result<SessionKeyPair> DeriveSessionKeys(const SrtpKeys& keys) {
  if (!HasValidSizes(keys)) return Fail("SRTP master key or salt has the wrong size");
  SessionKeyPair pair;
  if (!DeriveSet(keys, 0, pair.rtp) || !DeriveSet(keys, kRtcpLabels, pair.rtcp)) {
    return Fail("OpenSSL failed to derive SRTP session keys");
  }
  return pair;
}

}  // namespace lastmile::media

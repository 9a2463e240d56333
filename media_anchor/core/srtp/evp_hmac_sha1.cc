// OpenSSL 3's EVP digests cannot resume from a saved state without an allocation per packet:
// EVP_MD_CTX_copy_ex() duplicates the provider's context on the heap, EVP_MAC fetches and
// duplicates two. The low-level SHA1 functions run the same assembler code on a plain struct; they
// are deprecated, not removed, and stay within this file. docs/adr/0004 has the measurement.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "media_anchor/core/srtp/evp_hmac_sha1.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <algorithm>

#include "base/check.h"

namespace lastmile::media {

namespace {

constexpr size_t kBlock = SHA_CBLOCK;

using State = std::array<uint32_t, 5>;

State StateAfterPad(ByteView key, uint8_t pad) {
  std::array<uint8_t, kBlock> block;
  block.fill(pad);
  for (size_t i = 0; i < std::min(key.size(), kBlock); ++i) block[i] ^= key[i];
  SHA_CTX ctx;
  SHA1_Init(&ctx);
  SHA1_Update(&ctx, block.data(), block.size());
  const State state{ctx.h0, ctx.h1, ctx.h2, ctx.h3, ctx.h4};
  OPENSSL_cleanse(block.data(), block.size());
  return state;
}

// A context that has hashed one block and arrived at `state`.
SHA_CTX Resume(const State& state) {
  SHA_CTX ctx;
  SHA1_Init(&ctx);
  ctx.h0 = state[0];
  ctx.h1 = state[1];
  ctx.h2 = state[2];
  ctx.h3 = state[3];
  ctx.h4 = state[4];
  ctx.Nl = kBlock * 8;
  return ctx;
}

HmacSha1::Digest Finish(SHA_CTX& inner, const State& outer_state) {
  HmacSha1::Digest digest;
  SHA1_Final(digest.data(), &inner);
  SHA_CTX outer = Resume(outer_state);
  SHA1_Update(&outer, digest.data(), digest.size());
  SHA1_Final(digest.data(), &outer);
  return digest;
}

}  // namespace

HmacSha1::HmacSha1(ByteView key)
    : inner_(StateAfterPad(key, 0x36)), outer_(StateAfterPad(key, 0x5c)) {
  LASTMILE_CHECK(key.size() <= kBlock);
}

HmacSha1::Digest HmacSha1::Compute(ByteView message, uint32_t suffix) const {
  uint8_t bytes[4];
  StoreBe32(bytes, suffix);
  SHA_CTX inner = Resume(inner_);
  SHA1_Update(&inner, message.data(), message.size());
  SHA1_Update(&inner, bytes, sizeof(bytes));
  return Finish(inner, outer_);
}

HmacSha1::Digest HmacSha1::Compute(ByteView message) const {
  SHA_CTX inner = Resume(inner_);
  SHA1_Update(&inner, message.data(), message.size());
  return Finish(inner, outer_);
}

}  // namespace lastmile::media

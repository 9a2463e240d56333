#include "tests/support/jwt_samples.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <vector>

namespace lastmile::testing {
namespace {

using Bytes = std::vector<unsigned char>;
template <auto kFree>
struct Free {
  void operator()(auto* object) const noexcept { kFree(object); }
};
using Bio = std::unique_ptr<BIO, Free<BIO_free_all>>;
using Key = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using Context = std::unique_ptr<EVP_MD_CTX, Free<EVP_MD_CTX_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Free<ECDSA_SIG_free>>;

void Require(bool done) {
  if (!done) std::abort();
}

std::string Base64Url(const unsigned char* data, size_t size) {
  static constexpr char kDigits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (size_t i = 0; i < size; ++i) {
    bits = bits << 8 | data[i];
    for (count += 8; count >= 6; count -= 6) text += kDigits[bits >> (count - 6) & 63];
  }
  if (count > 0) text += kDigits[bits << (6 - count) & 63];
  return text;
}

std::string Base64Url(std::string_view text) {
  return Base64Url(reinterpret_cast<const unsigned char*>(text.data()), text.size());
}

std::string TextOf(const Bio& bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<size_t>(size)};
}

KeyPair Printed(const Key& key) {
  Require(key != nullptr);
  const Bio secret(BIO_new(BIO_s_mem()));
  const Bio open(BIO_new(BIO_s_mem()));
  Require(PEM_write_bio_PrivateKey(secret.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                   nullptr) == 1);
  Require(PEM_write_bio_PUBKEY(open.get(), key.get()) == 1);
  return {.private_pem = TextOf(secret), .public_pem = TextOf(open)};
}

Bytes Mac(const char* digest, std::string_view key, std::string_view text) {
  Bytes mac(EVP_MAX_MD_SIZE);
  size_t size = 0;
  Require(EVP_Q_mac(nullptr, "HMAC", nullptr, digest, nullptr, key.data(), key.size(),
                    reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac.data(),
                    mac.size(), &size) != nullptr);
  mac.resize(size);
  return mac;
}

Bytes Sign(std::string_view pem, std::string_view text) {
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const Context context(EVP_MD_CTX_new());
  const auto* data = reinterpret_cast<const unsigned char*>(text.data());
  size_t size = 0;
  Require(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
  Require(EVP_DigestSign(context.get(), nullptr, &size, data, text.size()) == 1);
  Bytes signature(size);
  Require(EVP_DigestSign(context.get(), signature.data(), &size, data, text.size()) == 1);
  signature.resize(size);
  return signature;
}

// RFC 7518 section 3.4: the two numbers, 32 bytes each, and not DER.
Bytes RawOf(const Bytes& der) {
  const unsigned char* data = der.data();
  const Signature signature(d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size())));
  Bytes raw(64);
  Require(BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), raw.data(), 32) == 32);
  Require(BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), raw.data() + 32, 32) == 32);
  return raw;
}

}  // namespace

const KeyPair& RsaKeys() {
  static const KeyPair keys = Printed(Key(EVP_RSA_gen(2048)));
  return keys;
}

const KeyPair& EcKeys() {
  static const KeyPair keys = Printed(Key(EVP_EC_gen("P-256")));
  return keys;
}

std::string MakeToken(std::string_view algorithm, std::string_view key, std::string_view claims) {
  const std::string head = "{\"alg\":\"" + std::string(algorithm) + "\",\"typ\":\"JWT\"}";
  std::string token = Base64Url(head) + "." + Base64Url(claims);
  Bytes signature;
  if (algorithm.starts_with("HS")) {
    signature = Mac(("SHA" + std::string(algorithm.substr(2))).c_str(), key, token);
  } else if (algorithm == "RS256") {
    signature = Sign(key, token);
  } else if (algorithm == "ES256") {
    signature = RawOf(Sign(key, token));
  }
  return token + "." + Base64Url(signature.data(), signature.size());
}

}  // namespace lastmile::testing

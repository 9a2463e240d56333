#include "media_anchor/core/dtls/dtls_certificate.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "base/c_handle.h"

namespace lastmile::media {

namespace {

using Certificate = CHandle<X509, X509_free>;
using Key = CHandle<EVP_PKEY, EVP_PKEY_free>;

constexpr long kDay = 24 * 60 * 60;
// Peers compare fingerprints and do not look at the dates; a process must not outlive them either.
constexpr long kLifetime = 3650 * kDay;

struct StrongHash {
  std::string_view name;
  const EVP_MD* (*algorithm)();
};
constexpr std::array<StrongHash, 3> kStrongHashes = {{
    {"sha-256", EVP_sha256},
    {"sha-384", EVP_sha384},
    {"sha-512", EVP_sha512},
}};

// Empty: OpenSSL failed.
Bytes DigestOf(const X509* certificate, const EVP_MD* algorithm) {
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  if (X509_digest(certificate, algorithm, digest.data(), &size) != 1) return {};
  digest.resize(size);
  return digest;
}

Certificate MakeCertificate(EVP_PKEY* key) {
  Certificate certificate(X509_new());
  if (!certificate) return nullptr;
  X509* x509 = certificate.get();
  uint64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof(serial)) != 1) return nullptr;
  X509_NAME* name = X509_get_subject_name(x509);  // borrowed
  const auto* common_name = reinterpret_cast<const unsigned char*>("lastmile");
  const bool ok = X509_set_version(x509, X509_VERSION_3) &&
                  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), serial >> 1) &&
                  X509_gmtime_adj(X509_getm_notBefore(x509), -kDay) &&
                  X509_gmtime_adj(X509_getm_notAfter(x509), kLifetime) &&
                  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, common_name, -1, -1, 0) &&
                  X509_set_issuer_name(x509, name) && X509_set_pubkey(x509, key) &&
                  X509_sign(x509, key, EVP_sha256());
  return ok ? std::move(certificate) : nullptr;
}

}  // namespace

bool UseFreshCertificate(ssl_ctx_st* ctx, DtlsFingerprint& fingerprint) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) return false;
  const Certificate certificate = MakeCertificate(key.get());
  if (!certificate || SSL_CTX_use_certificate(ctx, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(ctx, key.get()) != 1) {
    return false;
  }
  fingerprint = {"sha-256", DigestOf(certificate.get(), EVP_sha256())};
  return !fingerprint.digest.empty();
}

bool IsStrongHash(const DtlsFingerprint& fingerprint) {
  for (const StrongHash& hash : kStrongHashes) {
    if (hash.name == fingerprint.hash) return true;
  }
  return false;
}

bool MatchesAny(const x509_st* certificate, const std::vector<DtlsFingerprint>& expected) {
  for (const StrongHash& hash : kStrongHashes) {
    if (std::ranges::find(expected, hash.name, &DtlsFingerprint::hash) == expected.end()) continue;
    const Bytes digest = DigestOf(certificate, hash.algorithm());
    for (const DtlsFingerprint& fingerprint : expected) {
      if (fingerprint.hash == hash.name && !digest.empty() && fingerprint.digest == digest) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace lastmile::media

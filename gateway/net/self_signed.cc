#include "gateway/net/self_signed.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstdint>
#include <cstring>

#include "base/c_handle.h"

namespace lastmile::net {
namespace {

using KeyHandle = CHandle<EVP_PKEY, &EVP_PKEY_free>;
using CertHandle = CHandle<X509, &X509_free>;
using BioHandle = CHandle<BIO, &BIO_free_all>;
using ExtensionHandle = CHandle<X509_EXTENSION, &X509_EXTENSION_free>;

constexpr long kLifeSeconds = 30L * 24 * 3600;

bool AddExtension(X509* cert, int nid, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, cert, cert, nullptr, nullptr, 0);
  const ExtensionHandle extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value));
  return extension && X509_add_ext(cert, extension.get(), -1) == 1;
}

bool Fill(X509* cert, EVP_PKEY* key) {
  int64_t serial = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial) != 1) return false;
  X509_NAME* name = X509_get_subject_name(cert);
  return X509_set_version(cert, X509_VERSION_3) == 1 &&
         ASN1_INTEGER_set_int64(X509_get_serialNumber(cert), serial & INT64_MAX) == 1 &&
         X509_gmtime_adj(X509_getm_notBefore(cert), -3600) != nullptr &&
         X509_gmtime_adj(X509_getm_notAfter(cert), kLifeSeconds) != nullptr &&
         X509_set_pubkey(cert, key) == 1 &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                    reinterpret_cast<const unsigned char*>("localhost"), -1, -1,
                                    0) == 1 &&
         X509_set_issuer_name(cert, name) == 1 &&
         AddExtension(cert, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1") &&
         AddExtension(cert, NID_basic_constraints, "critical,CA:FALSE") &&
         X509_sign(cert, key, EVP_sha256()) > 0;
}

std::string Text(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

}  // namespace

Result<SelfSigned> MakeSelfSigned() {
  const KeyHandle key(EVP_EC_gen("P-256"));
  const CertHandle cert(X509_new());
  const BioHandle cert_text(BIO_new(BIO_s_mem()));
  const BioHandle key_text(BIO_new(BIO_s_mem()));
  if (!key || !cert || !cert_text || !key_text || !Fill(cert.get(), key.get()) ||
      PEM_write_bio_X509(cert_text.get(), cert.get()) != 1 ||
      PEM_write_bio_PrivateKey(key_text.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
          1) {
    return Fail("OpenSSL could not make a self-signed certificate");
  }
  return SelfSigned{Text(cert_text.get()), Text(key_text.get())};
}

}  // namespace lastmile::net

#include "tests/unit/gateway/net/test_pki.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace lastmile::net {
namespace {

// A fault here is a fault of the test machine: there is nothing to go on with.
void Require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "test certificate: %s failed\n", what);
  std::abort();
}

void AddExtension(X509* certificate, int nid, const std::string& value) {
  if (value.empty()) return;
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
  Require(extension != nullptr, value.c_str());
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace

TestCertificate::TestCertificate(const Spec& spec, const TestCertificate* issuer)
    : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
  Require(key_ && certificate_, "key");
  static long serial = 0;
  X509_set_version(certificate_, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate_), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate_), spec.valid_from_days * 86400L);
  X509_gmtime_adj(X509_getm_notAfter(certificate_),
                  spec.valid_to_days * 86400L + spec.valid_to_seconds);
  X509_set_pubkey(certificate_, key_);
  X509_NAME* name = X509_get_subject_name(certificate_);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(spec.common_name.c_str()), -1,
                             -1, 0);
  X509_set_issuer_name(certificate_, issuer ? X509_get_subject_name(issuer->certificate_) : name);
  AddExtension(certificate_, NID_basic_constraints, spec.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  AddExtension(certificate_, NID_subject_alt_name, spec.alternatives);
  AddExtension(certificate_, NID_ext_key_usage, spec.extended_usage);
  Require(X509_sign(certificate_, issuer ? issuer->key_ : key_, EVP_sha256()) > 0, "signing");
  Write();
}

void TestCertificate::Write() {
  std::string pattern = (std::filesystem::temp_directory_path() / "lastmile-pki-XXXXXX").string();
  Require(mkdtemp(pattern.data()) != nullptr, "mkdtemp");
  folder_ = pattern;
  cert_file_ = folder_ + "/cert.pem";
  key_file_ = folder_ + "/key.pem";
  std::FILE* file = std::fopen(cert_file_.c_str(), "w");
  Require(file && PEM_write_X509(file, certificate_) == 1, "writing the certificate");
  std::fclose(file);
  file = std::fopen(key_file_.c_str(), "w");
  Require(file && PEM_write_PrivateKey(file, key_, nullptr, nullptr, 0, nullptr, nullptr) == 1,
          "writing the key");
  std::fclose(file);
}

void TestCertificate::ReplaceFilesBy(const TestCertificate& other) const {
  const auto replace = [](const std::string& from, const std::string& to) {
    std::filesystem::copy_file(from, to + ".new");
    std::filesystem::rename(to + ".new", to);
  };
  replace(other.cert_file_, cert_file_);
  replace(other.key_file_, key_file_);
}

std::string TestCertificate::pin() const {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key_, &der);
  Require(size > 0, "encoding the key");
  unsigned char hash[32];
  Require(EVP_Digest(der, static_cast<size_t>(size), hash, nullptr, EVP_sha256(), nullptr) == 1,
          "hashing the key");
  OPENSSL_free(der);
  unsigned char text[45];
  EVP_EncodeBlock(text, hash, sizeof hash);
  return "sha256/" + std::string(reinterpret_cast<const char*>(text));
}

TestCertificate::~TestCertificate() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
  X509_free(certificate_);
  EVP_PKEY_free(key_);
}

}  // namespace lastmile::net

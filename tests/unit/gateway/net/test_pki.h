#ifndef LASTMILE_TESTS_UNIT_GATEWAY_NET_TEST_PKI_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_NET_TEST_PKI_H_

#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

namespace lastmile::net {

// A certificate and its key as PEM files in a folder of its own, which goes with it.
class TestCertificate {
 public:
  struct Spec {
    std::string common_name = "localhost";
    std::string alternatives = "";  // "DNS:a.example,IP:127.0.0.1"; empty: none
    int valid_from_days = -1;       // counted from today
    int valid_to_days = 30;
    int valid_to_seconds = 0;  // more than the days
    bool is_ca = false;
    std::string extended_usage = "";  // "clientAuth"; empty: none said
  };

  // Signed by `issuer`, or by itself if there is none.
  TestCertificate(const Spec& spec, const TestCertificate* issuer);
  ~TestCertificate();
  TestCertificate(const TestCertificate&) = delete;
  TestCertificate& operator=(const TestCertificate&) = delete;

  const std::string& cert_file() const { return cert_file_; }
  const std::string& key_file() const { return key_file_; }
  // Puts the PEM files of `other` in the place of these, as who renews a certificate does.
  void ReplaceFilesBy(const TestCertificate& other) const;
  std::string pin() const;  // "sha256/...", as RFC 7469 section 2.4 makes it

 private:
  void Write();

  EVP_PKEY* key_ = nullptr;
  X509* certificate_ = nullptr;
  std::string folder_;
  std::string cert_file_;
  std::string key_file_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_NET_TEST_PKI_H_

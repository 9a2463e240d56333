#include "gateway/net/certificate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <cstdio>
#include <memory>

#include "base/c_handle.h"
#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::net {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Certificate = CHandle<X509, X509_free>;
using Memory = CHandle<BIO, BIO_free_all>;

Certificate Parse(const std::string& pem) {
  const Memory text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
}

std::vector<std::string> DomainsOf(const std::string& alternatives,
                                   const std::string& common_name = "cn.example") {
  const TestCertificate made{{.common_name = common_name, .alternatives = alternatives}, nullptr};
  const Memory file(BIO_new_file(made.cert_file().c_str(), "r"));
  return SipDomainsOf(Certificate(PEM_read_bio_X509(file.get(), nullptr, nullptr, nullptr)).get());
}

// RFC 5922 section 7.1.
TEST(Certificate, SipDomainsAreUrisBeforeHostsAndNeverTheCommonName) {
  EXPECT_THAT(DomainsOf("DNS:Acme.Example,DNS:b.example"),
              ElementsAre("acme.example", "b.example"));
  EXPECT_THAT(DomainsOf("DNS:host.example,URI:SIP:Acme.example"), ElementsAre("acme.example"));
  EXPECT_THAT(DomainsOf("URI:sip:acme.example:5061;transport=tls"), ElementsAre("acme.example"));
  EXPECT_THAT(DomainsOf("URI:sip:alice@acme.example,DNS:host.example"),
              ElementsAre("host.example"));
  EXPECT_THAT(DomainsOf("URI:sips:acme.example,URI:https://acme.example"), IsEmpty());
  EXPECT_THAT(DomainsOf("", "acme.example"), IsEmpty());
  EXPECT_THAT(DomainsOf("IP:192.0.2.1"), IsEmpty());
}

TEST(Certificate, AWildcardAndNamesThatAreNoneAreNoDomains) {
  EXPECT_THAT(DomainsOf("DNS:*.acme.example,DNS:a b.example,DNS:ok.example"),
              ElementsAre("ok.example"));
}

// The pin is what `openssl x509 -pubkey -noout | openssl pkey -pubin -outform der |
// openssl dgst -sha256 -binary | base64` prints.
TEST(Certificate, APinIsWhatTheUsualToolsMake) {
  const Certificate certificate = Parse(
      "-----BEGIN CERTIFICATE-----\n"
      "MIIBgzCCASmgAwIBAgIUNtQU481C4BQJ8f/vC0FD35ha8EUwCgYIKoZIzj0EAwIw\n"
      "FjEUMBIGA1UEAwwLcGluLmV4YW1wbGUwIBcNMjYxMTI1MjM0ODUxWhgPMjEyNjEx\n"
      "MDEyMzQ4NTFaMBYxFDASBgNVBAMMC3Bpbi5leGFtcGxlMFkwEwYHKoZIzj0CAQYI\n"
      "KoZIzj0DAQcDQgAE2t1JEazGMT+qpbpSF/yrezMUcKcd3+A/v2NWuhJntXKUlYeb\n"
      "Meow/OlicfHQgf8dxFstyfAKuyyLpMiapwR7TaNTMFEwHQYDVR0OBBYEFIciZEyX\n"
      "ddax7HXU1N4UVP+sjGUwMB8GA1UdIwQYMBaAFIciZEyXddax7HXU1N4UVP+sjGUw\n"
      "MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIgIwzKyy5YddhRvoLr\n"
      "t9dWPGWcZumTISujzrpdpYFBEu4CIQC0YUDbFzE4SU6zSbQeWglfLLynGnT4F7qs\n"
      "7Mx9LKsE1w==\n"
      "-----END CERTIFICATE-----\n");
  ASSERT_TRUE(certificate);
  EXPECT_EQ(PinOf(certificate.get()), "sha256/f5Q6ngPQr11nol4694L5EzdsZJP4YyQzarctSFnO1ZM=");
}

}  // namespace
}  // namespace lastmile::net

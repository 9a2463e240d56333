#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "gateway/app/config.h"
#include "gateway/app/trunk_tls.h"
#include "gateway/net/self_signed.h"

namespace lastmile::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kPin = "sha256/f5Q6ngPQr11nol4694L5EzdsZJP4YyQzarctSFnO1ZM=";

std::string FileOf(const std::string& trunk) {
  return "listen: { sip: [\"tls:127.0.0.1:0\"] }\n"
         "tls: { cert: /c.pem, key: /k.pem }\n"
         "trunks:\n" +
         trunk;
}

// All diagnostics of a file with these trunks, as lines "line:column message".
std::string FaultsOf(const std::string& trunk) {
  auto config = ParseConfig(FileOf(trunk), "test.yaml");
  if (config) return "";
  std::string faults;
  for (const Diagnostic& d : config.error()) {
    faults += std::to_string(d.position.line) + ":" + std::to_string(d.position.column) + " " +
              d.message + "\n";
  }
  return faults;
}

Config ConfigOf(const std::string& trunk) {
  EXPECT_EQ(FaultsOf(trunk), "");
  auto config = ParseConfig(FileOf(trunk), "test.yaml");
  return config ? *std::move(config) : Config{};
}

TEST(ConfigTrunkTls, EveryKeyReachesTheConnection) {
  const Config config = ConfigOf(
      std::string("  a:\n    transport: tls\n    servers: [\"192.0.2.1:5061\"]\n"
                  "    tls: { verify: insecure, ca: /ca.pem, cert: /mine.pem, key: /mine.key,\n"
                  "           pin: [") +
      kPin + "], server_name: sip.acme.example }\n");
  ASSERT_EQ(config.trunks.size(), 1u);
  const net::TlsClientOptions options = TlsOptionsOf(config.trunks[0], "192.0.2.1");
  EXPECT_EQ(options.server_name, "sip.acme.example");
  EXPECT_EQ(options.ca_file, "/ca.pem");
  EXPECT_EQ(options.cert_file, "/mine.pem");
  EXPECT_EQ(options.key_file, "/mine.key");
  EXPECT_THAT(options.pins, ElementsAre(kPin));
  EXPECT_TRUE(options.insecure);
}

TEST(ConfigTrunkTls, WithoutAnythingSaidEverythingIsVerifiedByTheSystem) {
  const Config config =
      ConfigOf("  a: { transport: tls, servers: [sip.acme.example], tls: { ca: system } }\n");
  ASSERT_EQ(config.trunks.size(), 1u);
  const net::TlsClientOptions options = TlsOptionsOf(config.trunks[0], "sip.acme.example");
  EXPECT_EQ(options.server_name, "sip.acme.example");
  EXPECT_EQ(options.ca_file, "");
  EXPECT_FALSE(options.insecure);
  EXPECT_THAT(options.pins, IsEmpty());
  EXPECT_THAT(TlsListenerOptions(config).client_ca_files, IsEmpty());
  EXPECT_THAT(Warnings(config), IsEmpty());
}

TEST(ConfigTrunkTls, TurningVerificationOffHasToBeSpeltOut) {
  for (const std::string value : {"false", "no", "off", "none"}) {
    EXPECT_EQ(FaultsOf("  a: { servers: [\"h:1\"], tls: { verify: " + value + " } }\n"),
              "4:41 `trunks.a.tls.verify` must be one of: true, insecure\n");
  }
}

TEST(ConfigTrunkTls, InsecureIsAWarningOfItsLine) {
  const std::string trunk =
      "  a: { transport: tls, servers: [\"h:1\"], tls: { verify: insecure } }\n"
      "  b: { transport: tls, servers: [\"h:1\"], tls: { verify: insecure, pin: [" +
      std::string(kPin) + "] } }\n";
  const auto warnings = Warnings(ConfigOf(trunk));
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_THAT(FormatDiagnostic(warnings[0], "test.yaml", FileOf(trunk)),
              HasSubstr("test.yaml:4:57: warning[tls]: the certificate of trunk a is not verified: "
                        "anybody on the way can answer in its place\n"));
  EXPECT_EQ(warnings[1].message,
            "the certificate of trunk b is not verified: only its pins tell who it is");
}

TEST(ConfigTrunkTls, PinsAndFilesThatCannotBeAreToldWhereTheyStand) {
  EXPECT_EQ(FaultsOf("  a: { servers: [\"h:1\"], tls: { cert: /c.pem } }\n"),
            "4:39 a certificate of ours needs both, `cert: FILE` and `key: FILE`\n");
  for (const std::string pin : {"f5Q6ngPQr11nol4694L5EzdsZJP4YyQzarctSFnO1ZM=", "sha256/abc=",
                                "sha1/f5Q6ngPQr11nol4694L5EzdsZJP4YyQzarctSFnO1ZM=",
                                "sha256/f5Q6ngPQr11nol4694L5EzdsZJP4YyQz*rctSFnO1ZM="}) {
    EXPECT_THAT(FaultsOf("  a: { servers: [\"h:1\"], tls: { pin: [\"" + pin + "\"] } }\n"),
                HasSubstr("a pin is sha256/ and the base64"));
  }
  EXPECT_THAT(FaultsOf("  a: { servers: [\"h:1\"], tls: { server_name: \"a b\" } }\n"),
              HasSubstr("not a host name"));
}

TEST(ConfigTrunkTls, AcceptedNamesMakeTheListenerAskOfTheirAuthorities) {
  const Config config = ConfigOf(
      "  a: { servers: [\"h:1\"], accept_names: [Sip.Acme.example] }\n"
      "  b: { servers: [\"h:2\"], accept_names: [b.example], tls: { ca: /b.pem } }\n"
      "  c: { servers: [\"h:3\"], accept_names: [c.example], tls: { ca: /b.pem } }\n"
      "  d: { servers: [\"h:4\"], tls: { ca: /d.pem } }\n");
  ASSERT_EQ(config.trunks.size(), 4u);
  EXPECT_THAT(config.trunks[0].trust.accept_names, ElementsAre("sip.acme.example"));
  EXPECT_THAT(TlsListenerOptions(config).client_ca_files, ElementsAre("", "/b.pem"));
  EXPECT_EQ(TlsListenerOptions(config).cert_file, "/c.pem");
}

TEST(ConfigTrunkTls, AcceptedNamesThatCouldNotCountAreTold) {
  EXPECT_THAT(FaultsOf("  a: { servers: [\"h:1\"], accept_names: [\"*.acme.example\"] }\n"),
              HasSubstr("not a domain a certificate could be verified for: *.acme.example"));
  EXPECT_THAT(FaultsOf("  a: { servers: [\"h:1\"], accept_names: [a.example] }\n"
                       "  b: { servers: [\"h:2\"], accept_names: [b.example, A.example] }\n"),
              HasSubstr("a.example is a name of trunk a already"));
  EXPECT_THAT(FaultsOf("  a: { servers: [\"h:1\"], accept_names: [a.example],\n"
                       "       tls: { verify: insecure } }\n"),
              HasSubstr("names of certificates count only where they are verified"));
  const auto config = ParseConfig(
      "listen: { sip: [\"tcp:127.0.0.1:0\"] }\n"
      "trunks: { a: { servers: [\"h:1\"], accept_names: [a.example] } }\n",
      "test.yaml");
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error()[0].message, HasSubstr("`listen.sip` has no tls:ADDRESS:PORT"));
}

TEST(ConfigTrunkTls, FilesThatDoNotFitAreFoundByTheCheckOfTheMachine) {
  const auto one = net::MakeSelfSigned();
  const auto two = net::MakeSelfSigned();
  ASSERT_TRUE(one && two);
  const std::string cert = ::testing::TempDir() + "/trunk_tls_cert.pem";
  const std::string key = ::testing::TempDir() + "/trunk_tls_key.pem";
  std::ofstream(cert) << one->cert_pem;
  std::ofstream(key) << two->key_pem;
  const std::string ours = "cert: " + cert + ", key: " + key;
  const std::string trunk =
      "  a: { transport: tls, servers: [\"h:1\"], tls: { " + ours +
      " } }\n"
      "  b: { transport: tls, servers: [\"h:1\"], tls: { ca: /nonexistent/ca.pem } }\n"
      "  c: { transport: tcp, servers: [\"h:1\"], tls: { ca: /nonexistent/ca.pem } }\n";
  Config config = ConfigOf(trunk);
  config.browser_media.port = 0;
  config.sip.clear();
  config.tls_cert.clear();
  config.tls_key.clear();
  const auto faults = CheckMachine(config);
  ASSERT_EQ(faults.size(), 2u);
  EXPECT_THAT(faults[0].message, HasSubstr("cannot use the key " + key));
  EXPECT_EQ(faults[0].position.line, 4);
  EXPECT_THAT(faults[1].message, HasSubstr("/nonexistent/ca.pem"));
  EXPECT_EQ(faults[1].position.line, 5);
}

}  // namespace
}  // namespace lastmile::app

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>

#include "base/c_handle.h"
#include "tests/component/gateway/gateway_fixture.h"
#include "tests/support/loopback.h"
#include "tests/unit/gateway/net/test_pki.h"

// Mutual TLS from the socket to the call: who a stream's certificate was verified for.
namespace lastmile::app {
namespace {

using net::TestCertificate;

// An INVITE whose every header says that it comes from the trunk.
std::string ForgedInvite() {
  return "INVITE sip:user0@127.0.0.1 SIP/2.0\r\n"
         "Via: SIP/2.0/TLS sip.mobile.example;branch=z9hG4bKforged\r\n"
         "Max-Forwards: 70\r\n"
         "From: <sip:boss@sip.mobile.example>;tag=theirs\r\n"
         "To: <sip:user0@127.0.0.1>\r\n"
         "Call-ID: forged@sip.mobile.example\r\n"
         "CSeq: 1 INVITE\r\n"
         "Contact: <sip:boss@sip.mobile.example;transport=tls>\r\n"
         "Content-Length: 0\r\n\r\n";
}

class GatewayIdentity : public GatewayTest {
 protected:
  void Configure(Config& config) override {
    config.sip.push_back({.tls = true, .address = {test::Loopback(1), 0}, .path = "listen.sip[1]"});
    config.tls_cert = own_.cert_file();
    config.tls_key = own_.key_file();
    config.trunks.push_back(
        {.name = "mobile",
         .host = "192.0.2.7",
         .trust = {.ca_file = ca_.cert_file(), .accept_names = {"sip.mobile.example"}}});
    config.routing.routes.push_back(
        {.name = "mobile", .to = ".*", .from_trunk = "mobile", .user = "user0"});
  }

  // The final status of the forged INVITE over a connection that shows this certificate.
  int StatusFor(const TestCertificate* shown) {
    const CHandle<SSL_CTX, SSL_CTX_free> context(SSL_CTX_new(TLS_client_method()));
    if (shown) {
      SSL_CTX_use_certificate_file(context.get(), shown->cert_file().c_str(), SSL_FILETYPE_PEM);
      SSL_CTX_use_PrivateKey_file(context.get(), shown->key_file().c_str(), SSL_FILETYPE_PEM);
    }
    const int fd = ConnectFromElsewhere();
    const CHandle<SSL, SSL_free> tls(SSL_new(context.get()));
    SSL_set_fd(tls.get(), fd);
    const std::string invite = ForgedInvite();
    EXPECT_EQ(SSL_connect(tls.get()), 1);
    EXPECT_GT(SSL_write(tls.get(), invite.data(), static_cast<int>(invite.size())), 0);
    std::string answers;
    int status = 0;
    while (status < 200) {
      std::array<char, 4096> bytes;
      const int count = SSL_read(tls.get(), bytes.data(), static_cast<int>(bytes.size()));
      if (count <= 0) break;
      answers.append(bytes.data(), static_cast<size_t>(count));
      const size_t last = answers.rfind("SIP/2.0 ", answers.rfind("\r\nVia: "));
      if (last != std::string::npos) status = std::stoi(answers.substr(last + 8, 3));
    }
    close(fd);
    return status;
  }

 private:
  // From an address that no trunk accepts calls from.
  int ConnectFromElsewhere() {
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_storage storage;
    socklen_t length = Endpoint{test::Loopback(50), 0}.ToSockaddr(storage);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&storage), length), 0);
    for (const std::string& line : gateway_->Greeting()) {
      constexpr std::string_view kStart = "sip from carriers: tls ";
      if (!line.starts_with(kStart)) continue;
      length = Endpoint::Parse(line.substr(kStart.size()))->ToSockaddr(storage);
      EXPECT_EQ(connect(fd, reinterpret_cast<sockaddr*>(&storage), length), 0);
    }
    return fd;
  }

  TestCertificate own_{{.alternatives = "DNS:gw.example"}, nullptr};

 protected:
  TestCertificate ca_{{.common_name = "Mobile Authority", .is_ca = true}, nullptr};
};

TEST_F(GatewayIdentity, AForgedOriginIs403AndAVerifiedNameGetsIn) {
  EXPECT_EQ(StatusFor(nullptr), 403);
  const TestCertificate self_made{{.alternatives = "DNS:sip.mobile.example"}, nullptr};
  EXPECT_EQ(StatusFor(&self_made), 403);
  const TestCertificate other{{.alternatives = "DNS:sip.other.example"}, &ca_};
  EXPECT_EQ(StatusFor(&other), 403);
  const TestCertificate right{{.alternatives = "DNS:sip.mobile.example"}, &ca_};
  EXPECT_EQ(StatusFor(&right), 480) << "the call came to its user, who is not there";
}

}  // namespace
}  // namespace lastmile::app

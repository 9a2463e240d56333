#include "gateway/net/tls_session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>

#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::net {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::string ReadAll(TlsSession& session) {
  std::array<uint8_t, 4096> buffer;
  std::string plain;
  for (;;) {
    auto count = session.Read(buffer);
    EXPECT_TRUE(count) << count.error().message;
    if (!count || *count == 0) return plain;
    plain += AsText(ByteView(buffer).first(*count));
  }
}

class TlsSessionTest : public ::testing::Test {
 protected:
  // The server shows `shown`; the client trusts `trusted` and wants `server_name`. Nullopt: both
  // are through; else what the client says of the server.
  std::optional<std::string> Meet(const TestCertificate& shown, const TestCertificate& trusted,
                                  const std::string& server_name) {
    auto server_context = TlsContext::ForServer({shown.cert_file(), shown.key_file()});
    auto client_context = TlsContext::ForClients({.ca_file = trusted.cert_file()});
    EXPECT_TRUE(server_context && client_context);
    server_ = *TlsSession::Server(*server_context);
    auto client = TlsSession::Client(*client_context, {.server_name = server_name});
    if (!client) return client.error().message;
    client_ = std::move(*client);
    bool client_done = false, server_done = false;
    for (int round = 0; round < 10 && !(client_done && server_done); ++round) {
      auto done = client_->Handshake();
      if (!done) return done.error().message;
      client_done = *done;
      server_->Feed(AsBytes(client_->TakeEncrypted()));
      auto accepted = server_->Handshake();
      if (!accepted) return "server: " + accepted.error().message;
      server_done = *accepted;
      client_->Feed(AsBytes(server_->TakeEncrypted()));
    }
    EXPECT_TRUE(client_done && server_done);
    return std::nullopt;
  }

  TestCertificate ca_{{.common_name = "Test Authority", .is_ca = true}, nullptr};
  TestCertificate good_{{.common_name = "x", .alternatives = "DNS:sip.example,IP:127.0.0.1"}, &ca_};
  std::optional<TlsSession> server_;
  std::optional<TlsSession> client_;
};

TEST_F(TlsSessionTest, CarriesBytesBothWaysAndSaysGoodbye) {
  ASSERT_EQ(Meet(good_, ca_, "sip.example"), std::nullopt);
  const std::string long_text(100'000, 'z');
  ASSERT_TRUE(client_->Write(AsBytes(long_text)));
  server_->Feed(AsBytes(client_->TakeEncrypted()));
  EXPECT_EQ(ReadAll(*server_), long_text);
  ASSERT_TRUE(server_->Write(AsBytes("pong")));
  client_->Feed(AsBytes(server_->TakeEncrypted()));
  EXPECT_EQ(ReadAll(*client_), "pong");
  EXPECT_FALSE(client_->peer_closed());
  server_->Shutdown();
  client_->Feed(AsBytes(server_->TakeEncrypted()));
  EXPECT_EQ(ReadAll(*client_), "");
  EXPECT_TRUE(client_->peer_closed());
}

TEST_F(TlsSessionTest, HandshakeGoesOneByteAtATime) {
  auto server_context = TlsContext::ForServer({good_.cert_file(), good_.key_file()});
  auto client_context = TlsContext::ForClients({.ca_file = ca_.cert_file()});
  auto server = *TlsSession::Server(*server_context);
  auto client = *TlsSession::Client(*client_context, {.server_name = "sip.example"});
  ASSERT_FALSE(*client.Handshake());
  auto pass = [](TlsSession& from, TlsSession& to) {
    bool done = false;
    for (char byte : from.TakeEncrypted()) {
      to.Feed(AsBytes(std::string_view(&byte, 1)));
      auto step = to.Handshake();
      EXPECT_TRUE(step) << step.error().message;
      done = step && *step;
    }
    return done;
  };
  EXPECT_FALSE(pass(client, server));
  EXPECT_TRUE(pass(server, client));
  EXPECT_TRUE(pass(client, server));
}

TEST_F(TlsSessionTest, AcceptsAnAddressTheCertificateCarries) {
  EXPECT_EQ(Meet(good_, ca_, "127.0.0.1"), std::nullopt);
  EXPECT_EQ(Meet(good_, ca_, "127.0.0.2"),
            "has a certificate for sip.example, 127.0.0.1, not for 127.0.0.2");
}

TEST_F(TlsSessionTest, RefusesSelfSigned) {
  TestCertificate own{{.common_name = "sip.example", .alternatives = "DNS:sip.example"}, nullptr};
  EXPECT_EQ(Meet(own, ca_, "sip.example"), "has a self-signed certificate");
  // The same certificate configured as the authority is one we were told to trust.
  EXPECT_EQ(Meet(own, own, "sip.example"), std::nullopt);
}

TEST_F(TlsSessionTest, RefusesAnotherAuthority) {
  TestCertificate other{{.common_name = "Other Authority", .is_ca = true}, nullptr};
  EXPECT_EQ(Meet(good_, other, "sip.example"),
            "has a certificate of an authority that is not trusted (Test Authority)");
}

TEST_F(TlsSessionTest, RefusesWrongNameAndSaysWhichItHas) {
  EXPECT_EQ(Meet(good_, ca_, "sip.other.example"),
            "has a certificate for sip.example, 127.0.0.1, not for sip.other.example");
}

TEST_F(TlsSessionTest, WildcardCoversOneWholeLabelOnly) {
  TestCertificate wild{{.alternatives = "DNS:*.example.com"}, &ca_};
  EXPECT_EQ(Meet(wild, ca_, "sip.example.com"), std::nullopt);
  EXPECT_THAT(Meet(wild, ca_, "a.b.example.com").value_or(""), HasSubstr("for *.example.com, not"));
  TestCertificate partial{{.alternatives = "DNS:si*.example.com"}, &ca_};
  EXPECT_THAT(Meet(partial, ca_, "sip.example.com").value_or(""), HasSubstr("not for"));
}

TEST_F(TlsSessionTest, RefusesByDateAndNamesTheDay) {
  TestCertificate old{
      {.alternatives = "DNS:sip.example", .valid_from_days = -9, .valid_to_days = -2}, &ca_};
  EXPECT_THAT(Meet(old, ca_, "sip.example").value_or(""),
              MatchesRegex("has a certificate which expired on 20[0-9]{2}-[0-9]{2}-[0-9]{2}"));
  TestCertificate early{{.alternatives = "DNS:sip.example", .valid_from_days = 2}, &ca_};
  EXPECT_THAT(Meet(early, ca_, "sip.example").value_or(""),
              HasSubstr("which is not valid before 20"));
}

TEST_F(TlsSessionTest, RefusesACertificateForClientsOnly) {
  TestCertificate client_only{{.alternatives = "DNS:sip.example", .extended_usage = "clientAuth"},
                              &ca_};
  EXPECT_EQ(Meet(client_only, ca_, "sip.example"),
            "has a certificate which is not meant for TLS servers");
}

TEST_F(TlsSessionTest, RefusesToStartWithoutAName) {
  EXPECT_EQ(Meet(good_, ca_, ""), "has no name that a certificate could carry");
}

TEST_F(TlsSessionTest, TellsAPeerWithoutTls) {
  auto context = TlsContext::ForClients({.ca_file = ca_.cert_file()});
  auto client = *TlsSession::Client(*context, {.server_name = "sip.example"});
  ASSERT_FALSE(*client.Handshake());
  client.Feed(AsBytes("SIP/2.0 400 Bad Request\r\n\r\n"));
  auto done = client.Handshake();
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error().message, HasSubstr("does not speak TLS"));
}

TEST_F(TlsSessionTest, SendsTheNameButNeverAnAddressAsSni) {
  auto context = TlsContext::ForClients({.ca_file = ca_.cert_file()});
  auto named = *TlsSession::Client(*context, {.server_name = "sip.example"});
  ASSERT_FALSE(*named.Handshake());
  EXPECT_THAT(named.TakeEncrypted(), HasSubstr("sip.example"));
  auto numeric = *TlsSession::Client(*context, {.server_name = "127.0.0.1"});
  ASSERT_FALSE(*numeric.Handshake());
  EXPECT_THAT(numeric.TakeEncrypted(), ::testing::Not(HasSubstr("127.0.0.1")));
}

TEST_F(TlsSessionTest, ContextErrorsNameTheFile) {
  auto missing = TlsContext::ForClients({.ca_file = "/nonexistent/ca.pem"});
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("/nonexistent/ca.pem: No such file"));
  auto no_cert = TlsContext::ForServer({"/nonexistent/cert.pem", good_.key_file()});
  ASSERT_FALSE(no_cert);
  EXPECT_THAT(no_cert.error().message, HasSubstr("/nonexistent/cert.pem"));
  auto wrong_key = TlsContext::ForServer({good_.cert_file(), ca_.key_file()});
  ASSERT_FALSE(wrong_key);
  EXPECT_THAT(wrong_key.error().message, HasSubstr("key values mismatch"));
}

}  // namespace
}  // namespace lastmile::net

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "gateway/net/stream_hub.h"
#include "tests/component/net/hub_world.h"
#include "tests/unit/gateway/net/test_pki.h"

namespace lastmile::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

class StreamTls : public ::testing::Test {
 protected:
  StreamId ConnectTo(const TestCertificate& shown, const std::string& server_name) {
    const TlsServerOptions tls{shown.cert_file(), shown.key_file()};
    server_ = world_.Listen(&tls);
    return world_.hub->Connect({.host = "127.0.0.1",
                                .port = server_.port,
                                .use_tls = true,
                                .tls = {.server_name = server_name, .ca_file = ca_.cert_file()}});
  }
  // The peer's name and then what is wrong with it.
  std::string Refusal(const TestCertificate& shown, const std::string& server_name) {
    const StreamId id = ConnectTo(shown, server_name);
    const std::string reason = world_.ReasonOf(id);
    EXPECT_FALSE(world_.heard[id].open);
    EXPECT_TRUE(world_.RunUntil([&] { return world_.hub->stream_count() == 0; }));
    EXPECT_TRUE(world_.Inbound().empty()) << "the server side never opened";
    EXPECT_THAT(reason, HasSubstr(server_.ToString()));
    return reason.substr(std::min(reason.size(), server_.ToString().size() + 1));
  }

  TestCertificate ca_{{.common_name = "Test Authority", .is_ca = true}, nullptr};
  TestCertificate good_{{.alternatives = "DNS:sip.example,IP:127.0.0.1"}, &ca_};
  HubWorld world_;
  Endpoint server_;
};

TEST_F(StreamTls, EchoesALargeTextAndClosesCleanly) {
  const StreamId id = ConnectTo(good_, "sip.example");
  const std::string text(500'000, 't');
  EXPECT_TRUE(world_.hub->Send(id, text));
  ASSERT_TRUE(world_.RunUntil([&] { return world_.heard[id].bytes.size() == text.size(); }));
  EXPECT_EQ(world_.heard[id].bytes, text);
  world_.hub->Close(id, "done");
  EXPECT_EQ(world_.ReasonOf(id), "done");
  EXPECT_EQ(world_.ReasonOf(world_.Inbound()[0]),
            "connection closed by " + world_.heard[id].local.ToString());
}

TEST_F(StreamTls, WithoutANameTheHostIsTheName) {
  const StreamId id = ConnectTo(good_, "");
  EXPECT_TRUE(world_.RunUntil([&] { return world_.heard[id].open; }));
}

TEST_F(StreamTls, TellsWhatTheServersCertificateSays) {
  const StreamId id = ConnectTo(good_, "");
  ASSERT_TRUE(world_.RunUntil([&] { return world_.heard[id].open; }));
  const auto& shown = world_.heard[id].certificate;
  ASSERT_TRUE(shown);
  EXPECT_THAT(shown->version, MatchesRegex("TLSv1\\.[23]"));
  EXPECT_THAT(shown->names, ElementsAre("sip.example", "127.0.0.1"));
  EXPECT_EQ(shown->issuer, "Test Authority");
  EXPECT_GT(shown->expires_at, std::time(nullptr));
  ASSERT_TRUE(world_.RunUntil([&] { return !world_.Inbound().empty(); }));
  EXPECT_FALSE(world_.heard[world_.Inbound()[0]].certificate);
}

TEST_F(StreamTls, RefusesSelfSigned) {
  TestCertificate own{{.alternatives = "DNS:sip.example"}, nullptr};
  EXPECT_EQ(Refusal(own, "sip.example"), "has a self-signed certificate");
}

TEST_F(StreamTls, RefusesWrongName) {
  EXPECT_EQ(Refusal(good_, "sip.other.example"),
            "has a certificate for sip.example, 127.0.0.1, not for sip.other.example");
}

TEST_F(StreamTls, RefusesExpired) {
  TestCertificate old{
      {.alternatives = "DNS:sip.example", .valid_from_days = -9, .valid_to_days = -2}, &ca_};
  EXPECT_THAT(Refusal(old, "sip.example"),
              MatchesRegex("has a certificate which expired on [-0-9]{10}"));
}

TEST_F(StreamTls, RefusesAPeerWithoutTls) {
  server_ = world_.Listen();  // echoes the ClientHello
  const StreamId id = world_.hub->Connect({.host = "127.0.0.1",
                                           .port = server_.port,
                                           .use_tls = true,
                                           .tls = {.ca_file = ca_.cert_file()}});
  EXPECT_THAT(world_.ReasonOf(id), HasSubstr(server_.ToString() + " "));
  EXPECT_FALSE(world_.heard[id].open);
}

TEST_F(StreamTls, AHandshakeThatNeverEndsTimesOut) {
  RawSocket listener(SOCK_STREAM);
  const Endpoint address = listener.Bind(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(listen(listener.fd(), 8), 0);
  const StreamId id = world_.hub->Connect({.host = "127.0.0.1",
                                           .port = address.port,
                                           .use_tls = true,
                                           .tls = {.ca_file = ca_.cert_file()},
                                           .connect_timeout = 200ms});
  EXPECT_EQ(world_.ReasonOf(id),
            "the TLS handshake with " + address.ToString() + " timed out after 200 ms");
}

TEST_F(StreamTls, APlainClientOfATlsListenerNeverOpens) {
  const TlsServerOptions tls{good_.cert_file(), good_.key_file()};
  const Endpoint server = world_.Listen(&tls);
  const StreamId id = world_.hub->Connect({.host = "127.0.0.1", .port = server.port});
  world_.hub->Send(id, "OPTIONS sip:a@example SIP/2.0\r\n\r\n");
  EXPECT_THAT(world_.ReasonOf(id), HasSubstr(server.ToString()));
  EXPECT_TRUE(world_.RunUntil([&] { return world_.hub->stream_count() == 0; }));
  EXPECT_TRUE(world_.Inbound().empty());
}

TEST_F(StreamTls, AMissingAuthorityFileIsNamed) {
  const StreamId id = world_.hub->Connect({.host = "127.0.0.1",
                                           .port = 5061,
                                           .use_tls = true,
                                           .tls = {.ca_file = "/nonexistent/ca.pem"}});
  EXPECT_THAT(world_.ReasonOf(id), HasSubstr("cannot connect to 127.0.0.1:5061: cannot read"));
  EXPECT_THAT(world_.ReasonOf(id), HasSubstr("/nonexistent/ca.pem"));
}

TEST_F(StreamTls, HundredStreamsLeaveNoFile) {
  const TlsServerOptions tls{good_.cert_file(), good_.key_file()};
  const Endpoint server = world_.Listen(&tls);
  const size_t files = OpenFileCount();
  for (int i = 0; i < 100; ++i) {
    world_.hub->Connect({.host = "127.0.0.1",
                         .port = server.port,
                         .use_tls = true,
                         .tls = {.ca_file = ca_.cert_file()}});
  }
  ASSERT_TRUE(world_.RunUntil([&] { return world_.Inbound().size() == 100; }, 20s));
  for (StreamId id : world_.Inbound()) world_.hub->Close(id, "bye");
  ASSERT_TRUE(world_.RunUntil([&] { return world_.hub->stream_count() == 0; }));
  EXPECT_TRUE(world_.RunUntil([&] { return OpenFileCount() == files; }));
}

}  // namespace
}  // namespace lastmile::net

#include <gmock/gmock.h>

#include <string>

#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using std::chrono::milliseconds;
using test::WsClient;
using testing::HasSubstr;

class HandshakeTest : public ServerTest {
 protected:
  // The upgrade request with one header line replaced; an empty `with` removes it.
  static std::string RequestWith(const std::string& name, const std::string& with) {
    std::string request = "GET /ws HTTP/1.1\r\n";
    for (const std::string line :
         {"Host: gateway.test", "Upgrade: websocket", "Connection: Upgrade",
          "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
          "Sec-WebSocket-Protocol: sip", "Origin: https://app.example.com"}) {
      const bool replaced = line.starts_with(name + ":");
      if (!replaced) request += line + "\r\n";
      if (replaced && !with.empty()) request += with + "\r\n";
    }
    return request + "\r\n";
  }
  // Sends it; expects a refusal with a body and the end of the connection. Returns the status.
  int Refusal(const std::string& request, bool tls = false) {
    WsClient client(at(tls), {.tls = tls});
    client.SendRaw(request);
    const auto response = client.ReadResponse();
    if (!response) return 0;
    if (response->status == 101) return 101;
    EXPECT_EQ(response->Header("Connection"), "close");
    EXPECT_EQ(response->Header("X-Content-Type-Options"), "nosniff");
    EXPECT_FALSE(response->body.empty());
    EXPECT_TRUE(client.ReadToEnd());
    return response->status;
  }
  void SetUp() override {
    options_.origins = {"https://app.example.com"};
    options_.allow_no_origin = false;
    Start();
  }
};

TEST_F(HandshakeTest, TakesAnyPath) {
  for (const char* path : {"/", "/ws", "/a/b?c=d"}) {
    WsClient client(plain());
    std::string request = RequestWith("None", "");
    request.replace(4, 3, path);
    client.SendRaw(request);
    const auto response = client.ReadResponse();
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 101) << path;
  }
}

TEST_F(HandshakeTest, RefusesForeignOriginsBeforeTheUpgrade) {
  const char* const kForeign[] = {
      "null",
      "",
      "https://evil.test",
      "http://app.example.com",
      "https://app.example.com:8443",
      "https://app.example.com.evil.test",
      "https://evilapp.example.com",
      "https://app.example.com.",
      "https://app.example.com/",
      "https://app.example.com/path",
      "https://app.example.com@evil.test",
      "https://evil.test@app.example.com",
      "https://user:password@app.example.com",
      "https://app.example.com#evil.test",
      "https://app.example.com?evil",
      "https://app.example.com\\@evil.test",
      "https://app.example.com%00.evil.test",
      "https://app.example.com https://evil.test",
      "https://app.example.com, https://evil.test",
      "https://xn--app-fka.example.com",
      "https://\xd0\xb0pp.example.com",
      "https:app.example.com",
      "https:///app.example.com",
      "//app.example.com",
      "app.example.com",
      "wss://app.example.com",
      "file://app.example.com",
      "https://",
      "https://:443",
      "https://app.example.com:",
      "https://app.example.com:0443",
      "https://app.example.com:99999",
      "https://gateway.test.evil.test",
      "https://localhost",
      "*",
  };
  for (const char* origin : kForeign) {
    EXPECT_EQ(Refusal(RequestWith("Origin", "Origin: " + std::string(origin))), 403) << origin;
    EXPECT_EQ(Refusal(RequestWith("Origin", "Origin: " + std::string(origin)), true), 403)
        << origin;
  }
  EXPECT_EQ(Refusal(RequestWith("Origin", "")), 403) << "absent";
  EXPECT_EQ(Refusal(RequestWith("Origin",
                                "Origin: https://app.example.com\r\n"
                                "Origin: https://app.example.com")),
            403);
  EXPECT_FALSE(events_->Next(milliseconds(20))) << "signalling hears of no refused connection";
}

TEST_F(HandshakeTest, TakesTheOriginOfItsOwnPages) {
  const std::string host = plain().ToString();
  WsClient same(plain());
  EXPECT_EQ(same.Upgrade("Origin: http://" + host + "\r\n", host)->status, 101);
  // The page of the plain listener opens a wss connection.
  WsClient other(secure(), {.tls = true});
  EXPECT_EQ(other.Upgrade("Origin: http://" + host + "\r\n", secure().ToString())->status, 101);
  WsClient wrong(plain());
  EXPECT_EQ(wrong.Upgrade("Origin: https://" + host + "\r\n", host)->status, 403);
}

TEST_F(HandshakeTest, RefusesEveryOtherUpgrade) {
  for (const char* value :
       {"Upgrade: foo", "Upgrade: h2c", "Upgrade:", "Upgrade: websocket, h2c",
        "Upgrade: websocket\r\nUpgrade: websocket", "Upgrade: foo\r\nUpgrade: websocket",
        "Upgrade: websocket\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__"}) {
    EXPECT_EQ(Refusal(RequestWith("Upgrade", value)), 400) << value;
    EXPECT_EQ(Refusal(RequestWith("Upgrade", value), true), 400) << value;
  }
}

TEST_F(HandshakeTest, RefusesHandshakesThatBreakTheRules) {
  EXPECT_EQ(Refusal(RequestWith("Sec-WebSocket-Protocol", "")), 400);
  EXPECT_EQ(Refusal(RequestWith("Sec-WebSocket-Protocol", "Sec-WebSocket-Protocol: msrp")), 400);
  EXPECT_EQ(Refusal(RequestWith("Sec-WebSocket-Key", "")), 400);
  EXPECT_EQ(Refusal(RequestWith("Sec-WebSocket-Key", "Sec-WebSocket-Key: short")), 400);
  EXPECT_EQ(Refusal(RequestWith("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8")), 426);
  EXPECT_EQ(Refusal(RequestWith("Connection", "")), 400);
  EXPECT_EQ(Refusal(RequestWith("Host", "")), 400);
  EXPECT_EQ(Refusal(RequestWith("Host", "Host: a\r\nHost: b")), 400);
  EXPECT_EQ(Refusal(RequestWith("Origin", "Content-Length: 5")), 413);
}

TEST_F(HandshakeTest, NeverNegotiatesAnExtension) {
  WsClient client(plain());
  client.SendRaw(
      RequestWith("Origin",
                  "Origin: https://app.example.com\r\n"
                  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"));
  const auto response = client.ReadResponse();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 101);
  EXPECT_EQ(response->Header("Sec-WebSocket-Extensions"), "");
}

TEST_F(HandshakeTest, BoundsTheHead) {
  std::string headers = "Origin: https://app.example.com";
  for (int i = 7; i < 64; ++i) headers += "\r\nX-" + std::to_string(i) + ": a";
  EXPECT_EQ(Refusal(RequestWith("Origin", headers)), 101) << "64 headers";
  EXPECT_EQ(Refusal(RequestWith("Origin", headers + "\r\nX-64: a")), 431);
  EXPECT_EQ(Refusal(RequestWith("Origin", "X: " + std::string(8192, 'a'))), 431);
  EXPECT_EQ(Refusal(RequestWith("Origin", "X: " + std::string(100000, 'a')), true), 431);
}

TEST_F(HandshakeTest, MutatedHandshakesGetAnAnswerOrTheEnd) {
  const std::string good = RequestWith("None", "");
  uint32_t seed = 12345;
  const auto next = [&seed] { return seed = seed * 1664525 + 1013904223; };
  for (int i = 0; i < 1000; ++i) {
    std::string request = good;
    for (uint32_t k = 0; k <= (next() >> 8 & 3); ++k) {
      request[(next() >> 8) % request.size()] = static_cast<char>(next() >> 16);
    }
    WsClient client(plain());
    client.SendRaw(request);
    shutdown(client.fd(), SHUT_WR);
    ASSERT_TRUE(client.ReadToEnd()) << "mutation " << i;
  }
  WsClient client(plain());
  EXPECT_EQ(client.Upgrade("Origin: https://app.example.com\r\n")->status, 101);
}

TEST_F(HandshakeTest, PlainBytesOnTheTlsPortAndTlsOnThePlainPortEndAtOnce) {
  WsClient plain_on_tls(secure());
  plain_on_tls.SendRaw("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_TRUE(plain_on_tls.ReadToEnd());
  WsClient tls_on_plain(plain(), {.tls = true});
  EXPECT_FALSE(tls_on_plain.connected());
  EXPECT_TRUE(Eventually([&] { return server_->gauges().connections <= 1; }));
}

TEST_F(HandshakeTest, NegotiatesHttp11OnlyAndTls12AtLeast) {
  EXPECT_EQ(WsClient(secure(), {.tls = true, .alpn = {"h2", "http/1.1"}}).alpn(), "http/1.1");
  EXPECT_EQ(WsClient(secure(), {.tls = true, .alpn = {"h2"}}).alpn(), "");
  EXPECT_EQ(WsClient(secure(), {.tls = true}).tls_version(), "TLSv1.3");
  EXPECT_TRUE(WsClient(secure(), {.tls = true, .max_tls_version = TLS1_2_VERSION}).connected());
  EXPECT_FALSE(WsClient(secure(), {.tls = true, .max_tls_version = TLS1_1_VERSION}).connected());
  EXPECT_FALSE(WsClient(secure(), {.tls = true, .max_tls_version = TLS1_VERSION}).connected());
}

}  // namespace
}  // namespace lastmile::ws

#include <gmock/gmock.h>

#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using test::WsClient;
using testing::HasSubstr;

class EchoTest : public ServerTest, public testing::WithParamInterface<bool> {
 protected:
  WsClient::Options client_options() const { return {.tls = GetParam()}; }
};

TEST_P(EchoTest, CarriesMessagesBothWaysAndClosesCleanly) {
  Start();
  WsClient client(at(GetParam()), client_options());
  const auto response = client.Upgrade();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 101) << response->head << response->body;
  // The example of RFC 6455 section 1.3.
  EXPECT_EQ(response->Header("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(response->Header("Sec-WebSocket-Protocol"), "sip");
  EXPECT_EQ(response->Header("Sec-WebSocket-Extensions"), "");

  const auto opened = events_->Expect<Opened>();
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->tls, GetParam());
  EXPECT_TRUE(opened->peer.address.is_loopback());

  client.SendText("REGISTER sip:example SIP/2.0\r\n\r\n");
  const auto message = events_->Expect<Message>();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->conn, opened->conn);
  EXPECT_EQ(message->text, "REGISTER sip:example SIP/2.0\r\n\r\n");

  ASSERT_TRUE(server_->Post(Send{opened->conn, "SIP/2.0 200 OK\r\n\r\n"}));
  const auto frame = client.ReadFrame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->opcode, 1);
  EXPECT_EQ(frame->payload, "SIP/2.0 200 OK\r\n\r\n");

  client.SendClose(1000);
  EXPECT_EQ(client.ReadCloseCode(), 1000);
  EXPECT_TRUE(client.ReadToEnd());
  const auto closed = events_->Expect<Closed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->conn, opened->conn);
  EXPECT_EQ(closed->code, 1000);
  EXPECT_TRUE(Eventually([&] { return server_->gauges().connections == 0; }));
}

TEST_P(EchoTest, ServesThePageOnTheSamePort) {
  folder_.Write("page/index.html", "<!doctype html><title>Lastmile</title>");
  options_.page_dir = folder_.path() / "page";
  Start();
  WsClient client(at(GetParam()), client_options());
  client.SendRaw("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  const auto response = client.ReadResponse();
  ASSERT_TRUE(response);
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->Header("Content-Type"), "text/html; charset=utf-8");
  EXPECT_THAT(response->Header("Content-Security-Policy"), HasSubstr("script-src 'self'"));
  EXPECT_EQ(response->body, "<!doctype html><title>Lastmile</title>");
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, EchoTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "wss" : "ws"; });

}  // namespace
}  // namespace lastmile::ws

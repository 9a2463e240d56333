#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using test::WsClient;

// Both listeners: what holds on ws holds on wss.
class MessagesTest : public ServerTest, public testing::WithParamInterface<bool> {
 protected:
  struct Session {
    std::unique_ptr<WsClient> client;
    ConnId conn;
  };
  Session OpenSession() {
    Session session;
    session.client =
        std::make_unique<WsClient>(at(GetParam()), WsClient::Options{.tls = GetParam()});
    EXPECT_TRUE(session.client->Open());
    const auto opened = events_->Expect<Opened>();
    EXPECT_TRUE(opened);
    if (opened) session.conn = opened->conn;
    return session;
  }
  std::string ReceivedText() {
    const auto message = events_->Expect<Message>();
    return message ? message->text : "no message";
  }
};

TEST_P(MessagesTest, TakesTextAndBinaryAndFragments) {
  Start();
  const Session session = OpenSession();
  WsClient& client = *session.client;
  client.SendFrame(2, std::string("\x00\xff", 2));
  EXPECT_EQ(ReceivedText(), std::string("\x00\xff", 2));
  client.SendText("\r\n\r\n");
  EXPECT_EQ(ReceivedText(), "\r\n\r\n");
  client.SendFrame(1, "INV", false);
  client.SendFrame(0, "", false);
  client.SendFrame(9, "ping inside");
  client.SendFrame(0, "ITE", true);
  EXPECT_EQ(ReceivedText(), "INVITE");
  const auto pong = client.ReadFrame();
  ASSERT_TRUE(pong);
  EXPECT_EQ(pong->opcode, 10);
  EXPECT_EQ(pong->payload, "ping inside");
}

TEST_P(MessagesTest, Takes64KiBAndClosesWith1009AboveThat) {
  Start();
  const Session session = OpenSession();
  std::string largest(64 * 1024, 'a');
  session.client->SendText(largest);
  EXPECT_EQ(ReceivedText(), largest);
  for (size_t at = 0; at < largest.size(); at += 1024) {
    session.client->SendFrame(at == 0 ? 1 : 0, largest.substr(at, 1024),
                              at + 1024 == largest.size());
  }
  EXPECT_EQ(ReceivedText(), largest) << "in 64 fragments";
  session.client->SendText(largest + "a");
  EXPECT_EQ(session.client->ReadCloseCode(), 1009);
  const auto closed = events_->Expect<Closed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->code, 1009);
}

TEST_P(MessagesTest, TakesWhatComesInOnePiece) {
  Start();
  const Session session = OpenSession();
  // The kernel keeps them until they fill a segment.
  const int on = 1, off = 0;
  setsockopt(session.client->fd(), IPPROTO_TCP, TCP_CORK, &on, sizeof on);
  for (int i = 0; i < 20; ++i) session.client->SendText(std::to_string(i));
  setsockopt(session.client->fd(), IPPROTO_TCP, TCP_CORK, &off, sizeof off);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(ReceivedText(), std::to_string(i));
}

TEST_P(MessagesTest, SendsWhatIsPostedTogetherInOrder) {
  Start();
  const Session session = OpenSession();
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(server_->Post(Send{session.conn, std::to_string(i)}));
  }
  for (int i = 0; i < 20; ++i) {
    const auto frame = session.client->ReadFrame();
    ASSERT_TRUE(frame) << i;
    EXPECT_EQ(frame->payload, std::to_string(i));
  }
}

TEST_P(MessagesTest, SendsLongMessagesWhole) {
  Start();
  const Session session = OpenSession();
  for (const size_t size : {size_t{0}, size_t{125}, size_t{126}, size_t{16384}, size_t{65535},
                            size_t{65536}, size_t{200000}}) {
    std::string text(size, 'x');
    for (size_t i = 0; i < size; i += 97) text[i] = static_cast<char>('a' + i % 26);
    ASSERT_TRUE(server_->Post(Send{session.conn, text}));
    const auto frame = session.client->ReadFrame();
    ASSERT_TRUE(frame) << size;
    EXPECT_EQ(frame->opcode, 1);
    EXPECT_TRUE(frame->payload == text) << size;
  }
}

TEST_P(MessagesTest, KeepsTheOrderOfManyMessages) {
  Start();
  const Session session = OpenSession();
  for (int i = 0; i < 1000; ++i) session.client->SendText(std::to_string(i));
  for (int i = 0; i < 1000; ++i) ASSERT_EQ(ReceivedText(), std::to_string(i));
  for (int i = 0; i < 1000; ++i) ASSERT_TRUE(server_->Post(Send{session.conn, std::to_string(i)}));
  for (int i = 0; i < 1000; ++i) {
    const auto frame = session.client->ReadFrame();
    ASSERT_TRUE(frame);
    ASSERT_EQ(frame->payload, std::to_string(i));
  }
}

TEST_P(MessagesTest, BreachesOfTheProtocolCloseWithTheirCode) {
  Start();
  const std::string mask(4, '\0');
  std::string many_fragments = WsClient::BuildFrame(1, "a", false);
  for (int i = 0; i < 64; ++i) many_fragments += WsClient::BuildFrame(0, "a", false);
  const std::vector<std::tuple<const char*, std::string, int>> cases = {
      {"unmasked text", WsClient::BuildFrame(1, "hello", true, false), 1002},
      {"unmasked empty text", WsClient::BuildFrame(1, "", true, false), 1002},
      {"reserved opcode 3", WsClient::BuildFrame(3, "x"), 1002},
      {"reserved opcode 11", WsClient::BuildFrame(11, "x"), 1002},
      {"RSV1 without an extension", "\xc1\x81" + mask + "x", 1002},
      {"RSV2", "\xa1\x81" + mask + "x", 1002},
      {"RSV3", "\x91\x81" + mask + "x", 1002},
      {"fragmented ping", WsClient::BuildFrame(9, "x", false), 1002},
      {"ping of 126 bytes", WsClient::BuildFrame(9, std::string(126, 'x')), 1002},
      {"continuation of nothing", WsClient::BuildFrame(0, "x"), 1002},
      {"text inside a message", WsClient::BuildFrame(1, "x", false) + WsClient::BuildFrame(1, "x"),
       1002},
      {"length of 2^63", std::string("\x81\xff\x80\0\0\0\0\0\0\0", 10) + mask, 1002},
      {"length of 2^62", std::string("\x81\xff\x40\0\0\0\0\0\0\0", 10) + mask, 1009},
      {"65 fragments", many_fragments, 1009},
      {"text that is not UTF-8", WsClient::BuildFrame(1, "\xff\xfe"), 1007},
      {"text with a surrogate", WsClient::BuildFrame(1, "\xed\xa0\x80"), 1007},
      {"text cut inside a character", WsClient::BuildFrame(1, "\xe2\x82"), 1007},
      {"close of one byte", WsClient::BuildFrame(8, "x"), 1002},
      {"close with 1005", WsClient::BuildFrame(8, "\x03\xed"), 1002},
      {"close with a reason that is not UTF-8", WsClient::BuildFrame(8, "\x03\xe8\xff"), 1007},
  };
  for (const auto& [what, bytes, code] : cases) {
    const Session session = OpenSession();
    session.client->SendRaw(bytes + WsClient::BuildFrame(1, "never delivered"));
    EXPECT_EQ(session.client->ReadCloseCode(), code) << what;
    EXPECT_TRUE(session.client->ReadToEnd()) << what;
    const auto closed = events_->Expect<Closed>();
    ASSERT_TRUE(closed) << what;
    EXPECT_EQ(closed->code, code) << what;
  }
}

TEST_P(MessagesTest, IgnoresDataAfterClose) {
  Start();
  const Session session = OpenSession();
  session.client->SendRaw(WsClient::BuildFrame(8, "\x03\xe8") + WsClient::BuildFrame(1, "late"));
  EXPECT_EQ(session.client->ReadCloseCode(), 1000);
  EXPECT_TRUE(events_->Expect<Closed>());
  EXPECT_TRUE(session.client->ReadToEnd());
  EXPECT_FALSE(events_->Next(std::chrono::milliseconds(50)));
}

TEST_P(MessagesTest, ClosesOnCommandAfterWhatWasSent) {
  Start();
  const Session session = OpenSession();
  ASSERT_TRUE(server_->Post(Send{session.conn, "first"}));
  ASSERT_TRUE(server_->Post(Close{session.conn, 1013, "try again later"}));
  ASSERT_TRUE(server_->Post(Send{session.conn, "never"}));
  auto frame = session.client->ReadFrame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload, "first");
  frame = session.client->ReadFrame();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->opcode, 8);
  EXPECT_EQ(frame->payload, "\x03\xf5try again later");
  session.client->SendClose(1013);
  EXPECT_TRUE(session.client->ReadToEnd());
  const auto closed = events_->Expect<Closed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->code, 1013);
  // A late command for a connection that is gone changes nothing.
  ASSERT_TRUE(server_->Post(Send{session.conn, "nobody"}));
  ASSERT_TRUE(server_->Post(Close{ConnId{999}, 1000, ""}));
  OpenSession();
}

TEST_P(MessagesTest, AResetIsToldAs1006) {
  Start();
  const Session session = OpenSession();
  session.client->Abort();
  const auto closed = events_->Expect<Closed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->code, 1006);
}

INSTANTIATE_TEST_SUITE_P(PlainAndTls, MessagesTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "wss" : "ws"; });

}  // namespace
}  // namespace lastmile::ws

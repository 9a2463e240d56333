#include "ws/connection.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace lastmile::ws {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr size_t kMaxQueue = 1000;

std::string MarkedKey(std::string_view key) { return "accepted:" + std::string(key); }

ConnectionRules Rules() {
  return {.max_message = 100,
          .max_send_queue = kMaxQueue,
          .ping_interval = 25s,
          .handshake_timeout = 5s,
          .origins = OriginPolicy({"https://app.example.com"}, false, {}),
          .accept_key = MarkedKey};
}

const std::string kUpgrade =
    "GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Protocol: sip\r\nOrigin: https://app.example.com\r\n\r\n";

// Masked with zeros: the payload is as it is.
std::string Frame(int first, const std::string& payload) {
  return std::string{
             static_cast<char>(first), static_cast<char>(0x80 | payload.size()), 0, 0, 0, 0} +
         payload;
}

MATCHER_P(MessageOf, text, "") {
  const auto* message = std::get_if<Connection::MessageIn>(&arg);
  return message != nullptr && message->text == text;
}
MATCHER_P(ClosedWith, code, "") {
  const auto* closed = std::get_if<Connection::ClosedDown>(&arg);
  return closed != nullptr && closed->code == code;
}
MATCHER_P(RefusedWith, status, "") {
  const auto* refused = std::get_if<Connection::Refused>(&arg);
  return refused != nullptr && refused->status == status;
}
MATCHER_P(PageOf, target, "") {
  const auto* page = std::get_if<Connection::PageWanted>(&arg);
  return page != nullptr && page->target == target;
}
MATCHER(Opening, "") { return std::holds_alternative<Connection::OpenedUp>(arg); }

class ConnectionTest : public testing::Test {
 protected:
  void In(std::string bytes) { connection_.OnBytes(bytes.data(), bytes.size(), now_); }
  std::string Out() {
    std::string all;
    while (!connection_.output().empty()) {
      all += connection_.output();
      connection_.TakeOutput(connection_.output().size(), now_);
    }
    return all;
  }
  std::vector<Connection::Event> Events() { return connection_.TakeEvents(); }
  void Open() {
    In(kUpgrade);
    ASSERT_THAT(Events(), ElementsAre(Opening()));
    Out();
  }
  // Lets time pass up to the connection's own deadline.
  void RunToDeadline() {
    ASSERT_NE(connection_.deadline(), kNever);
    now_ = connection_.deadline();
    connection_.OnTime(now_);
  }

  ConnectionRules rules_ = Rules();
  TimePoint now_ = TimePoint{} + 1000s;
  Connection connection_{rules_, true, now_};
};

TEST_F(ConnectionTest, OpensAWebSocketByteByByte) {
  for (const char byte : kUpgrade) In(std::string(1, byte));
  EXPECT_THAT(Events(), ElementsAre(Opening()));
  EXPECT_EQ(Out(),
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: accepted:dGhlIHNhbXBsZSBub25jZQ==\r\n"
            "Sec-WebSocket-Protocol: sip\r\n\r\n");
  EXPECT_TRUE(connection_.is_websocket());
}

TEST_F(ConnectionTest, TakesFramesThatCameWithTheUpgrade) {
  In(kUpgrade + Frame(0x81, "one") + Frame(0x82, "two"));
  EXPECT_THAT(Events(), ElementsAre(Opening(), MessageOf("one"), MessageOf("two")));
}

TEST_F(ConnectionTest, RefusalsSayWhyAndLinger) {
  In("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\n\r\n");
  EXPECT_THAT(Events(), ElementsAre(RefusedWith(400)));
  EXPECT_FALSE(connection_.wants_half_close());
  const std::string out = Out();
  EXPECT_THAT(out, StartsWith("HTTP/1.1 400 Bad Request\r\n"));
  EXPECT_THAT(out, HasSubstr("Connection: close\r\n"));
  EXPECT_THAT(out, testing::EndsWith("Only an upgrade to websocket is possible here.\n"));
  EXPECT_TRUE(connection_.wants_half_close());
  In("whatever");
  EXPECT_THAT(Events(), IsEmpty());
  EXPECT_EQ(connection_.deadline(), now_ + kLingerLimit);
  RunToDeadline();
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, TellsTheVersionItSpeaks) {
  std::string request = kUpgrade;
  request.replace(request.find("13\r\n"), 2, "12");
  In(request);
  EXPECT_THAT(Out(), HasSubstr("\r\nSec-WebSocket-Version: 13\r\n"));
}

TEST_F(ConnectionTest, AnswersOtherMethodsWith405) {
  In("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(Events(), ElementsAre(RefusedWith(405)));
  EXPECT_THAT(Out(), HasSubstr("\r\nAllow: GET, HEAD\r\n"));
}

TEST_F(ConnectionTest, ServesPipelinedRequestsOneAfterTheOther) {
  In("GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(Events(), ElementsAre(PageOf("/a")));
  connection_.Respond("head-a:", true, now_);
  EXPECT_TRUE(connection_.awaiting_body());
  connection_.Body("12", false, now_);
  EXPECT_EQ(Out(), "head-a:12");
  EXPECT_THAT(Events(), IsEmpty());
  connection_.Body("34", true, now_);
  EXPECT_FALSE(connection_.awaiting_body());
  EXPECT_EQ(Out(), "34");
  EXPECT_THAT(Events(), ElementsAre(PageOf("/b")));
  connection_.Respond("head-b", false, now_);
  EXPECT_EQ(Out(), "head-b");
  EXPECT_TRUE(connection_.wants_half_close());
}

TEST_F(ConnectionTest, EndsAClientThatSendsRequestsWithoutReading) {
  In("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  In(std::string(kMaxHeadBytes, 'a'));
  EXPECT_FALSE(connection_.done());
  In("a");
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, ASlowRequestHeadRunsOutOfTime) {
  const TimePoint end = now_ + 5s;
  for (int i = 0; i < 4; ++i) {
    In("G");
    now_ += 1s;
    EXPECT_EQ(connection_.deadline(), end) << "bytes must not buy time";
    connection_.OnTime(now_);
    EXPECT_FALSE(connection_.done());
  }
  RunToDeadline();
  EXPECT_EQ(now_, end);
  EXPECT_TRUE(connection_.done());
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ConnectionTest, AnIdleKeptConnectionRunsOutOfTime) {
  In("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  now_ += 3s;
  connection_.Respond("head", false, now_);
  Out();
  EXPECT_EQ(connection_.deadline(), now_ + 5s);
  RunToDeadline();
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, AResponseNobodyReadsIsGivenUp) {
  In("GET /a HTTP/1.1\r\nHost: a\r\n\r\n");
  connection_.Respond("head", false, now_);
  now_ += 4s;
  connection_.TakeOutput(1, now_);
  EXPECT_EQ(connection_.deadline(), now_ + kStallLimit) << "progress buys time";
  RunToDeadline();
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, AnswersThePeersClose) {
  Open();
  In(Frame(0x81, "last") + Frame(0x88, "\x03\xe9"));
  EXPECT_THAT(Events(), ElementsAre(MessageOf("last"), ClosedWith(1001)));
  EXPECT_EQ(Out(), "\x88\x02\x03\xe9");
  EXPECT_TRUE(connection_.wants_half_close());
}

TEST_F(ConnectionTest, AnswersAnEmptyCloseWithAnEmptyOne) {
  Open();
  In(Frame(0x88, ""));
  EXPECT_THAT(Events(), ElementsAre(ClosedWith(kCloseNoStatus)));
  EXPECT_EQ(Out(), std::string("\x88\x00", 2));
}

TEST_F(ConnectionTest, ClosesAfterWhatIsQueued) {
  Open();
  connection_.Send("bye", now_);
  connection_.Close(1000, "done", now_);
  connection_.Close(1001, "again", now_);
  connection_.Send("too late", now_);
  EXPECT_THAT(Events(), ElementsAre(ClosedWith(1000)));
  EXPECT_EQ(Out(),
            "\x81\x03"
            "bye\x88\x06\x03\xe8"
            "done");
  EXPECT_FALSE(connection_.wants_half_close()) << "the peer's Close is awaited";
  In(Frame(0x81, "crossing") + Frame(0x88, "\x03\xe8"));
  EXPECT_THAT(Events(), IsEmpty());
  EXPECT_TRUE(connection_.wants_half_close());
}

TEST_F(ConnectionTest, WaitsForThePeersCloseNoLongerThanTwoSeconds) {
  Open();
  connection_.Close(1000, "", now_);
  Out();
  EXPECT_EQ(connection_.deadline(), now_ + kCloseLimit);
  RunToDeadline();
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, CloseEndsAConnectionThatIsNoWebSocket) {
  In("GET / HT");
  connection_.Close(1001, "", now_);
  EXPECT_TRUE(connection_.done());
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ConnectionTest, ViolationsCloseWithTheirCode) {
  Open();
  In(std::string("\x81\x05hello"));
  EXPECT_THAT(Events(), ElementsAre(ClosedWith(kCloseProtocolError)));
  EXPECT_THAT(Out(), StartsWith("\x88\x12\x03\xea"
                                "frame not masked"));
  EXPECT_TRUE(connection_.wants_half_close());
}

TEST_F(ConnectionTest, ALostConnectionClosesWith1006Once) {
  Open();
  connection_.OnGone();
  connection_.OnGone();
  EXPECT_THAT(Events(), ElementsAre(ClosedWith(kCloseAbnormal)));
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, PongsThePayloadBack) {
  Open();
  In(Frame(0x89, "abc"));
  EXPECT_EQ(Out(),
            "\x8a\x03"
            "abc");
}

TEST_F(ConnectionTest, APingFloodCostsOnePongAtATime) {
  Open();
  for (int i = 0; i < 1000; ++i) In(Frame(0x89, std::to_string(i)));
  EXPECT_EQ(Out(),
            "\x8a\x01"
            "0\x8a\x03"
            "999");
}

TEST_F(ConnectionTest, APongOvertakesQueuedMessages) {
  Open();
  connection_.Send("one", now_);
  connection_.Send("two", now_);
  In(Frame(0x89, "!"));
  EXPECT_EQ(Out(),
            "\x81\x03"
            "one\x8a\x01!\x81\x03"
            "two");
}

TEST_F(ConnectionTest, PingsEveryIntervalWhileAnswered) {
  Open();
  for (int i = 0; i < 10; ++i) {
    const TimePoint before = now_;
    RunToDeadline();
    EXPECT_EQ(now_, before + 25s);
    EXPECT_EQ(Out(), std::string("\x89\x00", 2));
    In(Frame(0x8a, ""));
  }
  EXPECT_THAT(Events(), IsEmpty());
}

TEST_F(ConnectionTest, PingsOfASecondAreDueTogether) {
  now_ += 300ms;
  Open();
  const TimePoint opened = now_;
  Connection second(rules_, true, now_);
  now_ += 600ms;
  std::string upgrade = kUpgrade;
  second.OnBytes(upgrade.data(), upgrade.size(), now_);
  while (!second.output().empty()) second.TakeOutput(second.output().size(), now_);
  EXPECT_EQ(connection_.deadline(), second.deadline());
  EXPECT_GT(connection_.deadline(), opened + 24s);
  EXPECT_LE(connection_.deadline(), opened + 25s) << "a NAT may count on the interval";
  RunToDeadline();
  Out();
  EXPECT_EQ(connection_.deadline(), now_ + 25s);
}

TEST_F(ConnectionTest, TwoUnansweredPingsCloseTheConnection) {
  Open();
  const TimePoint opened = now_;
  RunToDeadline();
  Out();
  In(Frame(0x81, "alive?"));
  RunToDeadline();
  Out();
  EXPECT_FALSE(connection_.done());
  RunToDeadline();
  EXPECT_EQ(now_, opened + 75s);
  EXPECT_THAT(Events(), ElementsAre(MessageOf("alive?"), ClosedWith(kCloseAbnormal)));
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, AFullSendQueueClosesWith1008) {
  Open();
  const std::string message(90, 'x');  // 92 bytes as a frame, counted as 100
  for (int i = 0; i < 10; ++i) connection_.Send(message, now_);
  EXPECT_THAT(Events(), IsEmpty());
  connection_.TakeOutput(10, now_);  // the first frame is half out
  connection_.Send(message, now_);
  EXPECT_THAT(Events(), ElementsAre(ClosedWith(kClosePolicy)));
  const std::string out = Out();
  EXPECT_THAT(out, StartsWith(std::string(82, 'x') + "\x88")) << "the frame begun is finished";
  EXPECT_THAT(out, HasSubstr("\x03\xf0"
                             "too much unread"));
}

TEST_F(ConnectionTest, OutputLeftUnreadClosesWith1008AndThenEnds) {
  Open();
  connection_.Send("one", now_);
  const TimePoint sent = now_;
  RunToDeadline();
  EXPECT_EQ(now_, sent + kStallLimit);
  EXPECT_THAT(Events(), ElementsAre(ClosedWith(kClosePolicy)));
  EXPECT_FALSE(connection_.done());
  RunToDeadline();
  EXPECT_EQ(now_, sent + kStallLimit + kCloseLimit);
  EXPECT_TRUE(connection_.done());
}

TEST_F(ConnectionTest, ReadOutputBuysTime) {
  Open();
  connection_.Send("one", now_);
  connection_.Send("two", now_);
  now_ += 4s;
  connection_.TakeOutput(5, now_);
  EXPECT_EQ(connection_.deadline(), now_ + kStallLimit);
  Out();
  EXPECT_GT(connection_.deadline(), now_ + kStallLimit);
}

}  // namespace
}  // namespace lastmile::ws

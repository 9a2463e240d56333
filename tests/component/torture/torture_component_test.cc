#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/framer.h"
#include "tests/component/gateway/gateway_fixture.h"
#include "tests/component/torture/expected.h"
#include "tests/support/ws_client.h"

// The torture messages of RFC 4475 and RFC 5118, from the folder that LASTMILE_CORPORA names, by
// WebSocket and by TCP to a running gateway: each gets an answer that EXPECTED.tsv allows, and none
// of them leaves anything behind.
namespace lastmile::app {
namespace {

using test::WsClient;
using torture::Allowed;
using torture::Case;

constexpr char kPing[] = "\r\n\r\n";
constexpr char kOriginLine[] = "Origin: http://phone.example\r\nSec-WebSocket-Protocol: sip\r\n";

// A request nobody can misread, whose answer shows that everything before it was dealt with.
std::string Options(const std::string& transport, int number) {
  const std::string tag = std::to_string(number);
  return "OPTIONS sip:gw.example SIP/2.0\r\nVia: SIP/2.0/" + transport +
         " probe.invalid;branch=z9hG4bKprobe" + tag +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:user0@gw.example>;tag=probe\r\n"
         "To: <sip:gw.example>\r\nCall-ID: probe" + tag +
         "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
}

struct Answers {
  std::vector<sip::Message> messages;  // final ones, those to the probe left out
  bool closed = false;
  bool probe_answered = false;
};

void Take(const std::string& text, Answers& answers) {
  const auto message = sip::Parse(text);
  ASSERT_TRUE(message) << text;
  if (message->call_id.starts_with("probe")) {
    answers.probe_answered = true;
  } else if (message->status >= 200 || message->is_request()) {
    answers.messages.push_back(*message);
  }
}

class TortureTest : public GatewayTest {
 protected:
  void SetUp() override {
    const char* root = std::getenv("LASTMILE_CORPORA");
    if (root == nullptr) GTEST_SKIP() << "LASTMILE_CORPORA is not set";
    folder_ = std::filesystem::path(root) / "sip";
    GatewayTest::SetUp();
    for (const std::string& line : gateway_->Greeting()) {
      const std::string start = "sip from carriers: tcp ";
      if (line.starts_with(start)) sip_ = *Endpoint::Parse(line.substr(start.size()));
    }
  }
  void TearDown() override {
    if (gateway_) GatewayTest::TearDown();
  }

  // The message, then a probe over the same connection.
  Answers ByWebSocket(const std::string& bytes) {
    Answers answers;
    WsClient client(ws_);
    EXPECT_TRUE(client.Open(kOriginLine));
    client.SendText(bytes);
    client.SendText(Options("WS", ++probes_));
    while (!answers.probe_answered) {
      const auto frame = client.ReadFrame();
      if (!frame || frame->opcode == 8) {
        answers.closed = true;
        break;
      }
      if (frame->opcode == 1) Take(frame->payload, answers);
    }
    return answers;
  }

  Answers ByTcp(const std::string& bytes) {
    Answers answers;
    WsClient client(sip_);
    EXPECT_TRUE(client.connected());
    client.SendRaw(bytes + Options("TCP", ++probes_));
    sip::Framer framer;
    size_t seen = 0;
    for (int turn = 0; turn < 100 && !answers.probe_answered && !answers.closed; ++turn) {
      answers.closed = client.ReadToEnd(std::chrono::milliseconds(30));
      sip::Framer::Output out;
      EXPECT_TRUE(framer.Push(AsBytes(client.pending().substr(seen)), out));
      seen = client.pending().size();
      for (const std::string& text : out.messages) Take(text, answers);
    }
    return answers;
  }

  // A new connection finds everything in order.
  void ExpectAlive() {
    EXPECT_TRUE(ByWebSocket(kPing).probe_answered);
    EXPECT_TRUE(ByTcp(kPing).probe_answered);
  }

  static void Judge(const Case& torture, const Answers& answers, bool stream) {
    const Allowed allowed = torture::Understand(torture.sentence, stream);
    if (answers.messages.empty()) {
      EXPECT_TRUE(allowed.silence) << "no answer, but: " << torture.sentence;
    }
    for (const sip::Message& answer : answers.messages) {
      EXPECT_TRUE(allowed.statuses.contains(answer.status))
          << answer.status << ", but: " << torture.sentence;
      if (answer.status == 420) EXPECT_NE(answer.FindExtra("Unsupported"), nullptr);
      if (answer.status == 415) EXPECT_NE(answer.FindExtra("Accept"), nullptr);
      if (answer.status == 401) EXPECT_FALSE(answer.www_authenticates.empty());
    }
    EXPECT_EQ(answers.closed, allowed.closes_stream) << torture.sentence;
  }

  void RunAll(const char* rfc, size_t expected) {
    const std::vector<Case> cases = torture::ReadCases(folder_ / rfc);
    EXPECT_EQ(cases.size(), expected);
    for (const Case& torture : cases) {
      // Their answers are looked at in tests of their own.
      const bool own = torture.name == "dblreq" || torture.name == "clerr";
      SCOPED_TRACE(std::string(rfc) + " " + torture.name);
      ASSERT_FALSE(torture.bytes.empty());
      const Answers by_ws = ByWebSocket(torture.bytes);
      if (torture.name != "dblreq") Judge(torture, by_ws, false);
      if (!own) Judge(torture, ByTcp(torture.bytes), true);
      ExpectAlive();
    }
    const auto gauges = gateway_->gauges();
    EXPECT_EQ(gauges.signalling.calls, 0u);
    EXPECT_EQ(gauges.signalling.registrations, 0u);
  }

  std::filesystem::path folder_;
  Endpoint sip_;
  int probes_ = 0;
};

TEST_F(TortureTest, Rfc4475IsAnsweredAsExpected) {
  RunAll("rfc4475", 49);
  ExpectIdle();
}

TEST_F(TortureTest, Rfc5118IsAnsweredAsExpected) {
  RunAll("rfc5118", 12);
  ExpectIdle();
}

}  // namespace
}  // namespace lastmile::app

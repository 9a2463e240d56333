#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <set>
#include <string>
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

constexpr int kPatienceMs = 5000;
constexpr int kProbes = 2;
constexpr size_t kTooMany = 5;
constexpr int kBinary = 2;  // not every message is UTF-8
constexpr char kPing[] = "\r\n\r\n";
constexpr char kOriginLine[] = "Origin: http://phone.example\r\nSec-WebSocket-Protocol: sip\r\n";

// A request nobody can misread, whose answer shows that everything before it was dealt with.
std::string Options(const std::string& transport, int number) {
  const std::string tag = std::to_string(number);
  return "OPTIONS sip:gw.example SIP/2.0\r\nVia: SIP/2.0/" + transport +
         " probe.invalid;branch=z9hG4bKprobe" + tag +
         "\r\nMax-Forwards: 70\r\nFrom: <sip:user0@gw.example>;tag=probe\r\n"
         "To: <sip:gw.example>\r\nCall-ID: probe" +
         tag + "\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
}

struct Answers {
  std::vector<sip::Message> messages;  // final ones, those to the probe left out
  bool closed = false;
  int probes = 0;  // answered
};

void Take(const std::string& text, Answers& answers) {
  if (text == "\r\n") return;  // the pong
  const auto message = sip::Parse(text);
  ASSERT_TRUE(message) << text;
  if (message->call_id.starts_with("probe")) {
    ++answers.probes;
  } else if (message->status >= 200 || message->is_request()) {
    answers.messages.push_back(*message);
  }
}

// Some files keep the Content-Length of the RFC and have another body: over a stream the gateway
// takes what is too long for the next message and waits for what is not there, line ends here; so
// is the empty line that one of them has not.
std::string Filled(const std::string& bytes) {
  const size_t at = bytes.find("Content-Length: ");
  const size_t head = bytes.find("\r\n\r\n");
  if (head == std::string::npos) return bytes + "\r\n";
  if (at == std::string::npos || head == std::string::npos || at > head) return bytes;
  const int promised = std::atoi(bytes.c_str() + at + 16);
  const auto has = static_cast<int>(bytes.size() - head - 4);
  if (promised > has) return bytes + std::string(static_cast<size_t>(promised - has), '\n');
  return promised > 0 ? bytes.substr(0, head + 4 + static_cast<size_t>(promised)) : bytes;
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

  // The message, then probes over the same connection: what is answered by a thread's next turn
  // comes before the answer to the second one.
  Answers ByWebSocket(const std::string& bytes) {
    Answers answers;
    WsClient client(ws_);
    EXPECT_TRUE(client.Open(kOriginLine));
    client.SendFrame(kBinary, bytes);
    for (int probe = 1; probe <= kProbes && !answers.closed; ++probe) {
      client.SendText(Options("WS", ++probes_));
      while (answers.probes < probe && !answers.closed) {
        const auto frame = client.ReadFrame();
        answers.closed = !frame || frame->opcode > kBinary;
        if (!answers.closed) Take(frame->payload, answers);
      }
    }
    return answers;
  }

  Answers ByTcp(const std::string& bytes) {
    Answers answers;
    WsClient client(sip_);
    EXPECT_TRUE(client.connected());
    client.SendRaw(bytes);
    sip::Framer framer;
    for (int probe = 1; probe <= kProbes && !answers.closed; ++probe) {
      client.SendRaw(Options("TCP", ++probes_));
      while (answers.probes < probe && !answers.closed) ReadSome(client.fd(), framer, answers);
    }
    return answers;
  }

  static void ReadSome(int fd, sip::Framer& framer, Answers& answers) {
    pollfd readable{fd, POLLIN, 0};
    if (poll(&readable, 1, kPatienceMs) != 1) {
      ADD_FAILURE() << "neither an answer nor the end";
      answers.closed = true;
      return;
    }
    std::array<uint8_t, 16384> buffer;
    const ssize_t size = recv(fd, buffer.data(), buffer.size(), 0);
    answers.closed = size <= 0;
    if (answers.closed) return;
    sip::Framer::Output out;
    EXPECT_TRUE(framer.Push(ByteView(buffer.data(), static_cast<size_t>(size)), out));
    for (const std::string& text : out.messages) Take(text, answers);
  }

  // A new connection finds everything in order.
  void ExpectAlive() {
    EXPECT_EQ(ByWebSocket(kPing).probes, kProbes);
    EXPECT_EQ(ByTcp(kPing).probes, kProbes);
  }

  static void Judge(const Case& torture, const Answers& answers, bool stream) {
    const Allowed allowed = torture::Understand(torture.sentence, stream);
    if (answers.messages.empty()) {
      EXPECT_TRUE(allowed.silence) << "no answer, but: " << torture.sentence;
    }
    for (const sip::Message& answer : answers.messages) {
      EXPECT_TRUE(allowed.statuses.contains(answer.status))
          << answer.status << ", but: " << torture.sentence;
      EXPECT_TRUE(answer.status != 420 || answer.FindExtra("Unsupported"));
      EXPECT_TRUE(answer.status != 415 || answer.FindExtra("Accept"));
      EXPECT_TRUE(answer.status != 401 || !answer.www_authenticates.empty());
    }
    // Without Content-Length nobody knows where the next message starts.
    const bool endless = stream && torture.bytes.find("Content-Length") == std::string::npos &&
                         torture.bytes.find("\nl:") == std::string::npos &&
                         torture.bytes.find("\nL:") == std::string::npos;
    EXPECT_EQ(answers.closed, allowed.closes_stream || endless) << torture.sentence;
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
      if (!own) Judge(torture, ByTcp(Filled(torture.bytes)), true);
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

// Over a WebSocket the message ends with its frame: what follows the REGISTER is not executed. Over
// a stream there are two requests; the second one's Content-Length leaves five bytes over.
TEST_F(TortureTest, TwoRequestsInOneAreOneByWebSocketAndTwoByTcp) {
  for (const Case& torture : torture::ReadCases(folder_ / "rfc4475")) {
    if (torture.name != "dblreq") continue;
    const Answers by_ws = ByWebSocket(torture.bytes);
    ASSERT_EQ(by_ws.messages.size(), 1u);
    EXPECT_EQ(by_ws.messages[0].cseq.method, "REGISTER");
    const Answers by_tcp = ByTcp(torture.bytes.substr(0, torture.bytes.size() - kTooMany));
    std::multiset<std::string> answered;
    for (const sip::Message& answer : by_tcp.messages) answered.insert(answer.cseq.method);
    EXPECT_EQ(answered, (std::multiset<std::string>{"INVITE", "REGISTER"}));
  }
  ExpectAlive();
  ExpectIdle();
}

TEST_F(TortureTest, Rfc5118IsAnsweredAsExpected) {
  RunAll("rfc5118", 12);
  ExpectIdle();
}

}  // namespace
}  // namespace lastmile::app

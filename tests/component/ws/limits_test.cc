#include <gtest/gtest.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using test::WsClient;

// A sanitizer makes the code several times slower; how long a good client may have to wait is a
// matter of the product. It still tells a wait for a slow client, which is 5 s.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr milliseconds kGoodClientWaits(1000);
#else
constexpr milliseconds kGoodClientWaits(200);
#endif

std::chrono::nanoseconds CpuTime() {
  timespec spent;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent);
  return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
}

class LimitsTest : public ServerTest {
 protected:
  ConnId OpenedConn() {
    const auto opened = events_->Expect<Opened>();
    EXPECT_TRUE(opened);
    return opened ? opened->conn : ConnId{};
  }
};

TEST_F(LimitsTest, PingsAndClosesWhoDoesNotAnswer) {
  options_.ping_interval = milliseconds(200);
  Start();
  WsClient mute(plain());
  ASSERT_TRUE(mute.Open());
  OpenedConn();
  for (int i = 0; i < 2; ++i) {
    const auto ping = mute.ReadFrame();
    ASSERT_TRUE(ping);
    EXPECT_EQ(ping->opcode, 9);
  }
  EXPECT_TRUE(mute.ReadToEnd());
  const auto closed = events_->Expect<Closed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->code, 1006);
}

TEST_F(LimitsTest, KeepsWhoAnswersPings) {
  options_.ping_interval = milliseconds(100);
  Start();
  for (const bool tls : {false, true}) {
    WsClient client(at(tls), {.tls = tls});
    ASSERT_TRUE(client.Open());
    for (int i = 0; i < 6; ++i) {
      const auto ping = client.ReadFrame();
      ASSERT_TRUE(ping) << i;
      ASSERT_EQ(ping->opcode, 9);
      client.SendFrame(10, ping->payload);
    }
  }
}

TEST_F(LimitsTest, ClientsThatSayNothingRunOutOfTime) {
  options_.handshake_timeout = milliseconds(300);
  Start();
  const auto start = steady_clock::now();
  WsClient silent(plain());
  WsClient silent_tls(secure());  // no TLS hello
  WsClient after_tls(secure(), {.tls = true});
  WsClient half(plain());
  half.SendRaw("GET / HTTP/1.1\r\nHost:");
  EXPECT_TRUE(silent.ReadToEnd());
  EXPECT_TRUE(half.ReadToEnd());
  EXPECT_TRUE(silent_tls.ReadToEnd());
  EXPECT_GE(steady_clock::now() - start, milliseconds(300));
  EXPECT_TRUE(after_tls.ReadToEnd());
  EXPECT_LT(steady_clock::now() - start, milliseconds(2500));
  EXPECT_TRUE(Eventually([&] { return server_->gauges().connections == 0; }));
}

TEST_F(LimitsTest, SlowClientsDoNotHoldUpAGoodOne) {
  Start();
  std::vector<std::unique_ptr<WsClient>> slow;
  for (int i = 0; i < 200; ++i) {
    slow.push_back(std::make_unique<WsClient>(i % 2 == 0 ? plain() : secure()));
    slow.back()->SendRaw("G");
  }
  const auto start = steady_clock::now();
  WsClient good(plain());
  EXPECT_TRUE(good.Open());
  EXPECT_LT(steady_clock::now() - start, kGoodClientWaits);
}

TEST_F(LimitsTest, AClientThatDoesNotReadIsClosedByTheQueueBound) {
  Start();
  WsClient stuck(plain(), {.receive_buffer = 4096});
  ASSERT_TRUE(stuck.Open());
  const ConnId stuck_conn = OpenedConn();
  WsClient good(plain());
  ASSERT_TRUE(good.Open());
  const ConnId good_conn = OpenedConn();

  const std::string text(32 * 1024, 'x');
  std::optional<Closed> closed;
  for (int i = 0; i < 200 && !closed; ++i) {
    ASSERT_TRUE(server_->Post(Send{stuck_conn, text}));
    ASSERT_TRUE(server_->Post(Send{good_conn, "ok"}));
    const auto frame = good.ReadFrame(milliseconds(500));
    ASSERT_TRUE(frame) << "the neighbour must not wait";
    closed = events_->Expect<Closed>(milliseconds(0));
  }
  ASSERT_TRUE(closed) << "6 MiB went into a client that reads nothing";
  EXPECT_EQ(closed->conn, stuck_conn);
  EXPECT_EQ(closed->code, 1008);
  EXPECT_TRUE(Eventually([&] { return server_->gauges().connections == 1; })) << "within 2 s";
}

TEST_F(LimitsTest, AClientThatCatchesUpReadsTheCloseFrame) {
  Start();
  WsClient slow(secure(), {.tls = true, .receive_buffer = 4096});
  ASSERT_TRUE(slow.Open());
  const ConnId conn = OpenedConn();
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(server_->Post(Send{conn, std::string(32768, 'x')}));
  const auto closed = events_->Expect<Closed>();
  ASSERT_TRUE(closed);
  EXPECT_EQ(closed->code, 1008);
  EXPECT_EQ(slow.ReadCloseCode(), 1008) << "frames stay whole up to the Close frame";
}

TEST_F(LimitsTest, AClientThatOnlySendsIsHeardAndDoesNotSpinTheLoop) {
  options_.max_send_queue = 4 * 1024 * 1024;
  Start();
  WsClient stuck(plain(), {.receive_buffer = 4096});
  ASSERT_TRUE(stuck.Open());
  const ConnId conn = OpenedConn();
  // More than the kernel takes: the rest waits in the send queue.
  for (int i = 0; i < 64; ++i) ASSERT_TRUE(server_->Post(Send{conn, std::string(32768, 'x')}));
  for (int i = 0; i < 10; ++i) {
    stuck.SendText(std::to_string(i));
    const auto message = events_->Expect<Message>();
    ASSERT_TRUE(message);
    EXPECT_EQ(message->text, std::to_string(i));
  }
  const auto before = CpuTime();
  EXPECT_FALSE(events_->Next(milliseconds(1000)));
  EXPECT_LT(CpuTime() - before, milliseconds(300));
}

TEST_F(LimitsTest, RefusesConnectionsAboveTheMaximum) {
  options_.max_connections = 3;
  Start();
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<WsClient>(plain()));
    ASSERT_TRUE(clients.back()->Open());
  }
  WsClient above(plain());
  EXPECT_TRUE(above.ReadToEnd());
  WsClient above_tls(secure(), {.tls = true});
  EXPECT_FALSE(above_tls.connected());
  EXPECT_EQ(server_->gauges().connections, 3u);
  clients.pop_back();
  ASSERT_TRUE(Eventually([&] { return server_->gauges().connections == 2; }));
  WsClient next(plain());
  EXPECT_TRUE(next.Open());
}

TEST_F(LimitsTest, AFullMailboxClosesWith1013AndLosesNoClosed) {
  Start(3);
  std::vector<std::unique_ptr<WsClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<WsClient>(plain()));
    ASSERT_TRUE(clients.back()->Open());
  }
  for (const auto& client : clients) client->SendText("no room for this");
  for (const auto& client : clients) EXPECT_EQ(client->ReadCloseCode(), 1013);
  WsClient late(plain());
  ASSERT_TRUE(late.Open());
  EXPECT_EQ(late.ReadCloseCode(), 1013) << "not even opened for signalling";

  for (int i = 0; i < 3; ++i) EXPECT_TRUE(events_->Expect<Opened>());
  for (int i = 0; i < 3; ++i) {
    const auto closed = events_->Expect<Closed>();
    ASSERT_TRUE(closed);
    EXPECT_EQ(closed->code, 1013);
  }
  EXPECT_FALSE(events_->Next(milliseconds(50)));
}

TEST_F(LimitsTest, RunningOutOfFileDescriptorsPausesAccepting) {
  Start();
  std::vector<std::unique_ptr<WsClient>> clients;
  clients.push_back(std::make_unique<WsClient>(plain()));
  ASSERT_TRUE(clients.back()->Open());
  OpenedConn();
  rlimit before;
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit low = before;
  low.rlim_cur = 256;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
  std::vector<int> hogs;
  for (int fd = dup(0); fd >= 0; fd = dup(0)) hogs.push_back(fd);
  ASSERT_FALSE(hogs.empty());
  close(hogs.back());  // the one descriptor left goes to the client's end
  hogs.pop_back();
  clients.push_back(std::make_unique<WsClient>(plain()));
  const bool waiting = clients.back()->connected();
  const auto cpu_before = CpuTime();
  events_->Next(milliseconds(500));
  const auto spent = CpuTime() - cpu_before;
  const uint32_t accepted = server_->gauges().connections;
  for (const int fd : hogs) close(fd);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(waiting);
  EXPECT_EQ(accepted, 1u);
  EXPECT_LT(spent, milliseconds(200)) << "it must not spin";
  EXPECT_TRUE(clients.back()->Open()) << "accepted after a pause";
}

}  // namespace
}  // namespace lastmile::ws

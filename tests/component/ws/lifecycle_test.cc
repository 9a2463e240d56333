#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/component/ws/server_fixture.h"

namespace lastmile::ws {
namespace {

using std::chrono::milliseconds;
using test::WsClient;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

class LifecycleTest : public ServerTest {
 protected:
  std::string StartError() {
    EventReader events(16);
    Server server(options_, events.mailbox());
    const auto started = server.Start();
    return started ? "started" : started.error().message;
  }
};

TEST_F(LifecycleTest, ConnectionsLeaveNoDescriptorBehind) {
  Start();
  {
    WsClient warm_up(secure(), {.tls = true});
    ASSERT_TRUE(warm_up.Open());
  }
  ASSERT_TRUE(Eventually([&] { return server_->gauges().connections == 0; }));
  const size_t before = OpenFileDescriptors();
  for (int round = 0; round < 4; ++round) {
    std::vector<std::unique_ptr<WsClient>> clients;
    for (int i = 0; i < 50; ++i) {
      const bool tls = i % 2 == 0;
      clients.push_back(std::make_unique<WsClient>(at(tls), WsClient::Options{.tls = tls}));
      ASSERT_TRUE(clients.back()->Open());
    }
    EXPECT_EQ(server_->gauges().connections, 50u);
    for (size_t i = 0; i < clients.size(); ++i) {
      if (i % 3 == 0) clients[i]->SendClose(1000);
      if (i % 3 == 1) clients[i]->Abort();
    }
    clients.clear();
    ASSERT_TRUE(Eventually([&] { return server_->gauges().connections == 0; }));
  }
  EXPECT_TRUE(Eventually([&] { return OpenFileDescriptors() == before; }))
      << OpenFileDescriptors() << " instead of " << before;
}

TEST_F(LifecycleTest, StopTellsEveryConnectionWith1001) {
  Start();
  Stop();  // libuv keeps two descriptors for the process from its first loop on
  const size_t before = OpenFileDescriptors();
  Start();
  WsClient ws(plain());
  WsClient wss(secure(), {.tls = true});
  WsClient reading_head(plain());
  ASSERT_TRUE(ws.Open());
  ASSERT_TRUE(wss.Open());
  reading_head.SendRaw("GET / HT");
  ASSERT_TRUE(Eventually([&] { return server_->gauges().connections == 3; }));
  std::thread stopper([this] { Stop(); });
  EXPECT_EQ(ws.ReadCloseCode(), 1001);
  EXPECT_EQ(wss.ReadCloseCode(), 1001);
  ws.SendClose(1001);
  EXPECT_TRUE(ws.ReadToEnd());
  EXPECT_TRUE(wss.ReadToEnd()) << "also without an answer to the Close frame";
  EXPECT_TRUE(reading_head.ReadToEnd());
  stopper.join();
  EXPECT_EQ(server_->gauges().connections, 0u);
  EXPECT_TRUE(events_->Expect<Opened>());
  EXPECT_TRUE(events_->Expect<Opened>());
  for (int i = 0; i < 2; ++i) {
    const auto closed = events_->Expect<Closed>();
    ASSERT_TRUE(closed);
    EXPECT_EQ(closed->code, 1001);
  }
  Stop();
  EXPECT_FALSE(server_->Post(Send{ConnId{1}, "nobody"}));
  server_.reset();
  EXPECT_EQ(OpenFileDescriptors(), before + 3) << "only the three clients' own";
}

TEST_F(LifecycleTest, StopIsPromptWithoutConnectionsAndWithoutStart) {
  Start();
  const auto start = std::chrono::steady_clock::now();
  Stop();
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(500));
  Server never_started(options_, events_->mailbox());
  never_started.Stop();
}

TEST_F(LifecycleTest, StopsUnderLoadFromManyThreads) {
  Start();
  std::vector<std::unique_ptr<WsClient>> clients;
  std::vector<ConnId> conns;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(
        std::make_unique<WsClient>(at(i % 2 == 0), WsClient::Options{.tls = i % 2 == 0}));
    ASSERT_TRUE(clients.back()->Open());
    const auto opened = events_->Expect<Opened>();
    ASSERT_TRUE(opened);
    conns.push_back(opened->conn);
  }
  std::atomic<bool> posting{true};
  std::vector<std::thread> posters;
  for (int t = 0; t < 3; ++t) {
    posters.emplace_back([&] {
      for (size_t i = 0; posting; ++i) {
        static_cast<void>(server_->Post(Send{conns[i % conns.size()], "hello"}));
        if (i % 64 == 0) std::this_thread::yield();
      }
    });
  }
  for (const auto& client : clients) client->SendText("hi");
  std::vector<std::thread> stoppers;
  for (int t = 0; t < 2; ++t) stoppers.emplace_back([&] { Stop(); });
  for (std::thread& stopper : stoppers) stopper.join();
  posting = false;
  for (std::thread& poster : posters) poster.join();
  size_t closed = 0;
  while (auto event = events_->Next(milliseconds(0)))
    closed += std::holds_alternative<Closed>(*event);
  EXPECT_EQ(closed, conns.size());
}

TEST_F(LifecycleTest, StartsAndStopsAgainAndAgain) {
  Start();
  Stop();
  const size_t before = OpenFileDescriptors();
  for (int i = 0; i < 20; ++i) {
    Start();
    WsClient client(at(i % 2 == 0), {.tls = i % 2 == 0});
    ASSERT_TRUE(client.Open());
    client.Abort();
    Stop();
  }
  EXPECT_EQ(OpenFileDescriptors(), before);
}

TEST_F(LifecycleTest, LeavesSignalsToOthers) {
  struct sigaction before[3], after[3];
  const int signals[3] = {SIGTERM, SIGINT, SIGHUP};
  for (int i = 0; i < 3; ++i) sigaction(signals[i], nullptr, &before[i]);
  Start();
  for (int i = 0; i < 3; ++i) {
    sigaction(signals[i], nullptr, &after[i]);
    EXPECT_EQ(before[i].sa_handler, after[i].sa_handler) << signals[i];
  }
  sigset_t own;
  pthread_sigmask(SIG_SETMASK, nullptr, &own);
  EXPECT_EQ(sigismember(&own, SIGTERM), 0) << "the starting thread still takes it";
}

TEST_F(LifecycleTest, SaysWhoHasThePort) {
  Start();
  ServerOptions options = options_;
  options.listeners[1].address = secure();
  options_ = options;
  EXPECT_EQ(StartError(), "listen.wss: " + secure().ToString() + " is in use by another program");
}

TEST_F(LifecycleTest, SaysWhatIsWrongWithTheAddress) {
  options_.listeners[0].address = *Endpoint::Parse("192.0.2.1:0");
  EXPECT_EQ(StartError(), "listen.ws: 192.0.2.1 is not an address of this machine");
  options_.listeners.clear();
  EXPECT_THAT(StartError(), StartsWith("listen: "));
}

TEST_F(LifecycleTest, SaysWhatIsWrongWithTheCertificate) {
  const ServerOptions good = options_;
  const std::string other_key = folder_.path() / "other_key.pem";
  WriteCertificate(folder_.path() / "other_cert.pem", other_key);
  folder_.Write("empty.pem", "");
  const auto error_with = [&](const std::string& cert, const std::string& key) {
    options_ = good;
    if (!cert.empty()) options_.listeners[1].cert_file = cert;
    if (!key.empty()) options_.listeners[1].key_file = key;
    return StartError();
  };
  EXPECT_EQ(error_with("/none/cert.pem", ""),
            "listen.wss: certificate file /none/cert.pem: No such file or directory");
  EXPECT_EQ(error_with("", "/none/key.pem"),
            "listen.wss: key file /none/key.pem: No such file or directory");
  EXPECT_THAT(error_with(folder_.path() / "empty.pem", ""),
              AllOf(StartsWith("listen.wss: "), HasSubstr("empty.pem holds no PEM certificate")));
  EXPECT_THAT(error_with("", folder_.path() / "empty.pem"),
              HasSubstr("empty.pem holds no PEM key without a pass phrase"));
  EXPECT_THAT(error_with("", other_key),
              AllOf(StartsWith("listen.wss: the key "), HasSubstr("does not fit the certificate")));
  options_ = good;
  options_.listeners[1].cert_file.clear();
  EXPECT_EQ(StartError(), "listen.wss: TLS needs a certificate file");
}

TEST_F(LifecycleTest, ListensOnIpv6) {
  options_.listeners[0].address = *Endpoint::Parse("[::1]:0");
  Start();
  WsClient client(plain());
  EXPECT_TRUE(client.Open());
  const auto opened = events_->Expect<Opened>();
  ASSERT_TRUE(opened);
  EXPECT_TRUE(opened->peer.address.is_v6());
}

}  // namespace
}  // namespace lastmile::ws

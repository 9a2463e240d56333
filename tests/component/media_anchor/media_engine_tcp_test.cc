#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "media_anchor/io/tcp_paths.h"
#include "tests/component/media_anchor/engine_fixture.h"
#include "tests/support/framed_tcp.h"
#include "tests/support/stun_message.h"

namespace lastmile::media {
namespace {

using test::BuildCheck;
using test::FramedTcp;

// Browsers that have no UDP (RFC 6544).
class MediaEngineTcpTest : public EngineTest {
 protected:
  static MediaOptions TcpOptions() {
    MediaOptions options = LoopbackOptions();
    options.browser_tcp_port = 0;
    return options;
  }
  std::unique_ptr<TestCall> OpenTcpCall(DtlsRole gateway_role = DtlsRole::kServer) {
    auto call = OpenCall(gateway_role);
    call->browser.GoOverTcp(MonotonicNow());
    return call;
  }
  // The answers to its checks come over the way it uses now.
  bool IsAnswered(TestCall& call) {
    const int before = call.browser.checks_answered();
    return WaitFor([&] { return call.browser.checks_answered() > before; },
                   [&] { call.browser.Poll(5ms); });
  }
  std::unique_ptr<FramedTcp> Dial(size_t worker = 0) {
    return std::make_unique<FramedTcp>(Loopback(66), engine_->browser_tcp_sockets().at(worker));
  }
  Bytes CheckOf(const TestCall& call, const std::string& pwd, bool nominate = true) {
    return BuildCheck(
        {.username = call.opened.browser.ice_ufrag + ":" + call.browser.Description().ice_ufrag,
         .pwd = pwd,
         .use_candidate = nominate});
  }
  bool ConnectionsBecome(uint32_t count) {
    return WaitFor([&] { return engine_->gauges().tcp_connections == count; }, WaitABit);
  }
};

class MediaEngineTcpRoleTest : public MediaEngineTcpTest,
                               public testing::WithParamInterface<DtlsRole> {};

TEST_P(MediaEngineTcpRoleTest, AudioFlowsBothWays) {
  StartEngine(TcpOptions());
  auto call = OpenTcpCall(GetParam());
  EXPECT_EQ(call->opened.browser.tcp_candidates, engine_->browser_tcp_sockets());
  ASSERT_TRUE(Connect(*call));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(AudioFlowsBothWays(*call)) << i;
  EXPECT_EQ(engine_->gauges().tcp_connections, 1u);
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.packets, 50u);
  EXPECT_EQ(stats.trunk_to_browser.packets, 50u);
  EXPECT_EQ(call->browser.undecryptable(), 0u);
  EXPECT_TRUE(ConnectionsBecome(0)) << "closed with the session";
  EXPECT_EQ(engine_->gauges().tcp_refused, 0u);
}

INSTANTIATE_TEST_SUITE_P(BothRoles, MediaEngineTcpRoleTest,
                         testing::Values(DtlsRole::kServer, DtlsRole::kClient));

TEST_F(MediaEngineTcpTest, WithoutAPortThereIsNoCandidate) {
  StartEngine();
  EXPECT_TRUE(engine_->browser_tcp_sockets().empty());
  EXPECT_TRUE(OpenCall()->opened.browser.tcp_candidates.empty());
}

TEST_F(MediaEngineTcpTest, EveryWorkerHasAPortAndATakenOneIsNamed) {
  MediaOptions options = TcpOptions();
  options.workers = 2;
  options.browser_tcp_port = FindFreeRange(2);
  StartEngine(options);
  ASSERT_EQ(engine_->browser_tcp_sockets().size(), 2u);
  EXPECT_EQ(engine_->browser_tcp_sockets()[1].port, *options.browser_tcp_port + 1);
  auto first = OpenTcpCall();
  auto second = OpenTcpCall();
  ASSERT_TRUE(Connect(*first) && Connect(*second));
  EXPECT_NE(first->opened.browser.tcp_candidates, second->opened.browser.tcp_candidates);
  EXPECT_TRUE(AudioFlowsBothWays(*first) && AudioFlowsBothWays(*second));

  MediaOptions same = LoopbackOptions();
  same.browser_tcp_port = options.browser_tcp_port;
  MediaEngine other(same, events_);
  const auto started = other.Start();
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message, "browser media: cannot bind TCP " +
                                         engine_->browser_tcp_sockets()[0].ToString() +
                                         ": the port is in use by another program");
}

TEST_F(MediaEngineTcpTest, ACutConnectionIsReplacedByANewOne) {
  StartEngine(TcpOptions());
  const size_t before = OpenDescriptors();
  {
    auto call = OpenTcpCall();
    ASSERT_TRUE(Connect(*call));
    for (int i = 0; i < 20; ++i) {
      ASSERT_TRUE(AudioFlowsBothWays(*call)) << i;
      call->browser.GoOverTcp(MonotonicNow());  // the old one is closed
      ASSERT_TRUE(IsAnswered(*call)) << i;
    }
    EXPECT_TRUE(AudioFlowsBothWays(*call));
    EXPECT_TRUE(ConnectionsBecome(1));
    CloseCall(call->id);
    EXPECT_FALSE(TakeEvent<SessionFailed>(call->id));
  }
  EXPECT_TRUE(ConnectionsBecome(0));
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(MediaEngineTcpTest, MediaFollowsTheBrowserFromUdpToTcpAndBack) {
  StartEngine(TcpOptions());
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(AudioFlowsBothWays(*call));
    call->browser.GoOverTcp(MonotonicNow());
    ASSERT_TRUE(IsAnswered(*call));
    ASSERT_TRUE(AudioFlowsBothWays(*call)) << "over TCP";
    call->browser.GoOverUdp(MonotonicNow());
    ASSERT_TRUE(IsAnswered(*call));
  }
  EXPECT_TRUE(AudioFlowsBothWays(*call));
  EXPECT_EQ(call->browser.undecryptable(), 0u);
}

TEST_F(MediaEngineTcpTest, ABrowserWhoseConnectionIsGoneIsSilentAndNothingElse) {
  MediaOptions options = TcpOptions();
  options.browser_silent_after = 300ms;
  StartEngine(options);
  auto call = OpenTcpCall();
  ASSERT_TRUE(Connect(*call));
  call->browser.StopChecks();
  EXPECT_TRUE(WaitEvent<BrowserSilent>(call->id));
  call->browser.GoOverTcp(MonotonicNow());
  EXPECT_TRUE(WaitEvent<BrowserHeard>(call->id, [&] { call->browser.Poll(5ms); }));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

// --- attackers ---

TEST_F(MediaEngineTcpTest, WhatIsNoCheckOfACallEndsTheConnection) {
  StartEngine(TcpOptions());
  auto call = OpenTcpCall();
  ASSERT_TRUE(Connect(*call));
  const ByteView http = AsBytes("GET / HTTP/1.1\r\n\r\n");
  std::vector<Bytes> streams = {Bytes(http.begin(), http.end()), Bytes{0xff, 0xff, 0x00},
                                Bytes{0, 1, 0x80}};
  const auto framed = [](const Bytes& datagram) {
    Bytes frame = {static_cast<uint8_t>(datagram.size() >> 8),
                   static_cast<uint8_t>(datagram.size())};
    frame.insert(frame.end(), datagram.begin(), datagram.end());
    return frame;
  };
  streams.push_back(framed(call->browser.Protect({.payload_type = kBrowserAudio, .payload = {1}})));
  streams.push_back(framed(Bytes(100, 22)));  // a record of DTLS
  streams.push_back(framed(BuildCheck({.username = "nobody12:x", .pwd = "p"})));
  for (size_t i = 0; i < streams.size(); ++i) {
    auto attacker = Dial();
    attacker->SendBytes(streams[i]);
    EXPECT_TRUE(attacker->IsClosed(5s)) << i;
    EXPECT_FALSE(attacker->Receive()) << "nobody answers";
  }
  EXPECT_EQ(engine_->gauges().tcp_refused, streams.size());
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

TEST_F(MediaEngineTcpTest, AForgedCheckGetsNeitherAnAnswerNorTheSession) {
  StartEngine(TcpOptions());
  auto call = OpenTcpCall();
  ASSERT_TRUE(Connect(*call));
  auto attacker = Dial();
  for (int i = 0; i < 10; ++i) {
    attacker->Send(CheckOf(*call, "wrongwrongwrongwrongwron"));
    EXPECT_TRUE(AudioFlowsBothWays(*call));
  }
  EXPECT_FALSE(attacker->Receive());
  EXPECT_EQ(engine_->gauges().tcp_connections, 2u) << "it waits for its end";
  // Media before a good check ends it.
  attacker->Send(call->browser.Protect({.payload_type = kBrowserAudio, .payload = {1}}));
  EXPECT_TRUE(attacker->IsClosed(5s));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

TEST_F(MediaEngineTcpTest, ManyConnectionsOfOneCallAreAsManyAsItsPairs) {
  StartEngine(TcpOptions());
  auto call = OpenTcpCall();
  ASSERT_TRUE(Connect(*call));
  std::vector<std::unique_ptr<FramedTcp>> all;
  for (int i = 0; i < 40; ++i) {
    all.push_back(Dial());
    all.back()->Send(CheckOf(*call, call->opened.browser.ice_pwd, false));
    EXPECT_TRUE(WaitFor([&] { return all.back()->Receive().has_value(); }, WaitABit)) << i;
  }
  EXPECT_LE(engine_->gauges().tcp_connections, 8u);
  EXPECT_TRUE(AudioFlowsBothWays(*call)) << "the nominated pair stays";
  EXPECT_EQ(engine_->gauges().tcp_refused, 0u);
  CloseCall(call->id);
  EXPECT_TRUE(ConnectionsBecome(0));
}

TEST_F(MediaEngineTcpTest, AThousandThatSayNothingKeepNobodyOut) {
  StartEngine(TcpOptions());
  auto call = OpenTcpCall();
  ASSERT_TRUE(Connect(*call));
  const size_t before = OpenDescriptors();
  std::vector<std::unique_ptr<FramedTcp>> silent;
  for (int i = 0; i < 1000; ++i) {
    silent.push_back(Dial());
    if (i % 2 == 0) silent.back()->SendBytes(Bytes{0});  // half of a length
    if (i % 100 != 0) continue;
    ASSERT_TRUE(AudioFlowsBothWays(*call)) << i;
  }
  EXPECT_TRUE(ConnectionsBecome(1 + TcpPaths::kMaxWaiting));
  EXPECT_TRUE(WaitFor([&] { return engine_->gauges().tcp_refused == 1000 - TcpPaths::kMaxWaiting; },
                      WaitABit));
  EXPECT_LE(OpenDescriptors(), before + 1000 + TcpPaths::kMaxWaiting);
  auto other = OpenTcpCall();
  ASSERT_TRUE(Connect(*other)) << "a browser that comes then";
  EXPECT_TRUE(AudioFlowsBothWays(*other));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

TEST_F(MediaEngineTcpTest, ABrowserThatDoesNotReadHoldsUpNobody) {
  StartEngine(TcpOptions());
  auto slow = OpenTcpCall();
  auto other = OpenCall();
  ASSERT_TRUE(Connect(*slow) && Connect(*other));
  const test::TestRtp audio{.payload_type = kTrunkAudio, .payload = Bytes(1000, 1)};
  for (uint16_t i = 0; i < 20000; ++i) {
    test::TestRtp packet = audio;
    packet.sequence = i;
    packet.timestamp = i * 160u;
    slow->carrier.Send(packet, slow->opened.trunk.rtp);
    if (i % 1000 != 0) continue;
    ASSERT_TRUE(AudioFlowsBothWays(*other)) << i;
  }
  // It reads again: what is there is whole, and new audio arrives.
  WaitFor([&] { return !slow->browser.PopRtp(); }, [&] { slow->browser.Poll(5ms); });
  EXPECT_TRUE(WaitFor(
      [&] {
        const auto got = slow->browser.PopRtp();
        return got && got->payload == Bytes(160, 0x77);
      },
      [&] {
        test::TestRtp packet = audio;
        packet.payload = Bytes(160, 0x77);
        packet.sequence = static_cast<uint16_t>(30000 + ++slow->next);
        slow->carrier.Send(packet, slow->opened.trunk.rtp);
        slow->browser.Poll(5ms);
      }));
  EXPECT_EQ(slow->browser.undecryptable(), 0u);
}

TEST_F(MediaEngineTcpTest, StopLeavesNoDescriptor) {
  const size_t before = OpenDescriptors();
  StartEngine(TcpOptions());
  auto call = OpenTcpCall();
  ASSERT_TRUE(Connect(*call));
  auto waiting = Dial();
  EXPECT_TRUE(ConnectionsBecome(2));
  engine_->Stop();
  engine_.reset();
  EXPECT_TRUE(waiting->IsClosed(2s));
  waiting.reset();
  call.reset();
  EXPECT_EQ(OpenDescriptors(), before);
}

}  // namespace
}  // namespace lastmile::media

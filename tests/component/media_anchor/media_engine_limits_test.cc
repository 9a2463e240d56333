#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "media_anchor/io/udp_socket.h"
#include "tests/component/media_anchor/engine_fixture.h"

namespace lastmile::media {
namespace {

class MediaEngineLimitsTest : public EngineTest {
 protected:
  void ExpectEmpty() {
    EXPECT_EQ(engine_->gauges().sessions, 0u);
    EXPECT_EQ(engine_->gauges().ports_in_use, 0u);
  }
};

TEST_F(MediaEngineLimitsTest, TwoHundredCallsInARowLeaveNothingBehind) {
  StartEngine();
  OpenCall();  // what is made once a process is there now
  CloseCall(SessionId{1});
  const size_t before = OpenDescriptors();
  for (int i = 0; i < 200; ++i) {
    auto call = OpenCall();
    ASSERT_TRUE(Connect(*call)) << i;
    ASSERT_TRUE(AudioFlowsBothWays(*call)) << i;
    CloseCall(call->id);
    ExpectEmpty();
  }
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(MediaEngineLimitsTest, TwentyCallsAtOnceLeaveNothingBehind) {
  MediaOptions options = LoopbackOptions();
  options.workers = 2;
  StartEngine(options);
  const size_t before = OpenDescriptors();
  {
    std::vector<std::unique_ptr<TestCall>> calls;
    std::set<Endpoint> browser_sockets;
    std::set<Endpoint> trunk_sockets;
    for (int i = 0; i < 20; ++i) {
      calls.push_back(OpenCall());
      browser_sockets.insert(calls.back()->opened.browser.candidates[0]);
      trunk_sockets.insert(calls.back()->opened.trunk.rtp);
    }
    EXPECT_EQ(browser_sockets.size(), 2u) << "both workers have calls";
    EXPECT_EQ(browser_sockets, std::set<Endpoint>(engine_->browser_sockets().begin(),
                                                  engine_->browser_sockets().end()));
    EXPECT_EQ(trunk_sockets.size(), 20u);
    EXPECT_EQ(engine_->gauges().sessions, 20u);
    EXPECT_EQ(engine_->gauges().ports_in_use, 40u);
    for (auto& call : calls) call->browser.SetGateway(call->opened.browser, MonotonicNow());
    EXPECT_TRUE(WaitFor(
        [&] {
          return std::ranges::all_of(calls, [](auto& call) { return call->browser.connected(); });
        },
        [&] {
          for (auto& call : calls) call->browser.Poll(0ms);
        }));
    for (auto& call : calls) EXPECT_TRUE(WaitEvent<BrowserConnected>(call->id));
    for (int round = 0; round < 5; ++round) {
      for (auto& call : calls) EXPECT_TRUE(AudioFlowsBothWays(*call));
    }
    for (auto& call : calls) EXPECT_EQ(CloseCall(call->id).browser_to_trunk.packets, 5u);
  }
  ExpectEmpty();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(MediaEngineLimitsTest, WithoutAPortTheSessionIsRefusedAndTheNextOneWorksAgain) {
  MediaOptions options = LoopbackOptions();
  options.trunk_port_max = static_cast<uint16_t>(options.trunk_port_min + 5);
  StartEngine(options);
  // Somebody else has the middle pair.
  auto other = UdpSocket::Bind({Loopback(1), static_cast<uint16_t>(options.trunk_port_min + 3)});
  ASSERT_TRUE(other);
  const auto first = Open({.session = ids_.Next(), .browser = {}, .trunk = {}, .payloads = {}});
  const auto second = Open({.session = ids_.Next(), .browser = {}, .trunk = {}, .payloads = {}});
  for (const SessionOpened& opened : {first, second}) {
    EXPECT_EQ(opened.trunk.rtp.port % 2, 0);
    EXPECT_EQ(opened.trunk.rtcp.port, opened.trunk.rtp.port + 1);
    EXPECT_NE(opened.trunk.rtcp.port, options.trunk_port_min + 3);
  }
  EXPECT_NE(first.trunk.rtp, second.trunk.rtp);

  const SessionId third = ids_.Next();
  EXPECT_TRUE(engine_->Post(OpenSession{third, {}, {}, {}}));
  const auto failed = WaitEvent<SessionFailed>(third);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->fault, SessionFault::kNoPort);
  EXPECT_NE(failed->reason.find(std::to_string(options.trunk_port_min)), std::string::npos);
  CloseCall(third);

  CloseCall(first.session);
  const auto fourth = Open({.session = ids_.Next(), .browser = {}, .trunk = {}, .payloads = {}});
  EXPECT_EQ(fourth.trunk.rtp, first.trunk.rtp);
  CloseCall(second.session);
  CloseCall(fourth.session);
  ExpectEmpty();
}

TEST_F(MediaEngineLimitsTest, ATakenBrowserPortIsNamed) {
  auto taken = UdpSocket::Bind({Loopback(1), 0});
  ASSERT_TRUE(taken);
  MediaOptions options = LoopbackOptions();
  options.browser_port = taken->local().port;
  MediaEngine engine(options, events_);
  const auto started = engine.Start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find(taken->local().ToString()), std::string::npos);
  EXPECT_NE(started.error().message.find("in use"), std::string::npos);
  EXPECT_FALSE(engine.Post(CloseSession{SessionId{1}}));
}

TEST_F(MediaEngineLimitsTest, AnAddressThisMachineHasNotIsNamed) {
  MediaOptions options = LoopbackOptions();
  options.browser_bind = *IpAddress::Parse("192.0.2.1");
  MediaEngine engine(options, events_);
  const auto started = engine.Start();
  ASSERT_FALSE(started);
  EXPECT_NE(started.error().message.find("192.0.2.1:0"), std::string::npos);
  EXPECT_NE(started.error().message.find("no such address"), std::string::npos);
}

TEST_F(MediaEngineLimitsTest, StopClosesEverySession) {
  const size_t before = OpenDescriptors();
  MediaOptions options = LoopbackOptions();
  options.workers = 2;
  StartEngine(options);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  std::vector<SessionId> all = {call->id};
  for (int i = 0; i < 9; ++i) {
    all.push_back(ids_.Next());
    EXPECT_TRUE(engine_->Post(OpenSession{all.back(), {}, {}, {}}));  // may not be opened yet
  }
  engine_->Stop();
  engine_->Stop();
  for (SessionId id : all) EXPECT_TRUE(TakeEvent<SessionClosed>(id)) << id.value;
  ExpectEmpty();
  EXPECT_FALSE(engine_->Post(OpenSession{ids_.Next(), {}, {}, {}}));
  call.reset();
  engine_.reset();
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST_F(MediaEngineLimitsTest, AFullEventMailboxLosesNothing) {
  Mailbox<MediaEvent> narrow(1);
  MediaEngine engine(LoopbackOptions(), narrow);
  ASSERT_TRUE(engine.Start());
  constexpr uint64_t kSessions = 20;
  for (uint64_t i = 1; i <= kSessions; ++i) {
    EXPECT_TRUE(engine.Post(OpenSession{SessionId{i}, {}, {}, {}}));
    EXPECT_TRUE(engine.Post(CloseSession{SessionId{i}}));
  }
  uint64_t opened = 0;
  uint64_t closed = 0;
  EXPECT_TRUE(WaitFor([&] { return closed == kSessions; },
                      [&] {
                        std::vector<MediaEvent> got;
                        narrow.Drain(got);
                        for (const MediaEvent& event : got) {
                          opened += std::holds_alternative<SessionOpened>(event);
                          closed += std::holds_alternative<SessionClosed>(event);
                        }
                        WaitABit();
                      }));
  EXPECT_EQ(opened, kSessions);
}

TEST_F(MediaEngineLimitsTest, GarbageOnEveryPortChangesNothing) {
  StartEngine();
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  auto noise = UdpSocket::Bind({Loopback(99), 0});
  ASSERT_TRUE(noise);
  for (int first = 0; first < 256; ++first) {
    for (size_t size = 0; size < 64; size += 3) {
      const Bytes datagram(size, static_cast<uint8_t>(first));
      noise->SendTo(datagram, call->opened.browser.candidates[0]);
      noise->SendTo(datagram, call->opened.trunk.rtp);
      noise->SendTo(datagram, call->opened.trunk.rtcp);
      call->browser.SendRaw(datagram);
    }
    call->browser.Poll(2ms);  // or the kernel's buffer overflows
  }
  EXPECT_TRUE(AudioFlowsBothWays(*call));
  Bytes answer(2048);
  Endpoint from;
  EXPECT_FALSE(noise->Receive(answer, from)) << "nobody answers noise";
  EXPECT_FALSE(TakeEvent<SessionFailed>(call->id));
}

}  // namespace
}  // namespace lastmile::media

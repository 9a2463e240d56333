#include "tests/component/media_anchor/engine_fixture.h"

#include <poll.h>

#include <iterator>

namespace lastmile::media {

bool WaitFor(const std::function<bool()>& done, const std::function<void()>& step) {
  const TimePoint give_up = MonotonicNow() + 10s;
  while (!done()) {
    if (MonotonicNow() > give_up) return false;
    step();
  }
  return true;
}

std::vector<PayloadMapping> TestPayloads() {
  return {{.browser_pt = kBrowserAudio,
           .trunk_pt = kTrunkAudio,
           .trunk_pt_in = kTrunkAudio,
           .clock_rate = 8000},
          {.browser_pt = 126,
           .trunk_pt = 101,
           .trunk_pt_in = 101,
           .clock_rate = 8000,
           .telephone_event = true}};
}

MediaOptions EngineTest::LoopbackOptions() {
  MediaOptions options;
  options.browser_bind = Loopback(1);
  options.browser_advertise = {Loopback(1)};
  options.browser_port = 0;
  options.trunk_bind = Loopback(1);
  options.trunk_advertise = Loopback(1);
  options.trunk_port_min = FindFreeRange(100);
  options.trunk_port_max = static_cast<uint16_t>(options.trunk_port_min + 99);
  return options;
}

void EngineTest::StartEngine(MediaOptions options) {
  engine_ = std::make_unique<MediaEngine>(std::move(options), events_);
  const auto started = engine_->Start();
  ASSERT_TRUE(started) << started.error().message;
}

test::WebrtcPeer::Options EngineTest::PeerOptions(DtlsRole gateway_role) {
  test::WebrtcPeer::Options options;
  options.bind = Loopback(1);
  options.gateway_role = gateway_role;
  return options;
}

SessionOpened EngineTest::Open(OpenSession command) {
  const SessionId id = command.session;
  EXPECT_TRUE(engine_->Post(std::move(command)));
  const auto opened = WaitEvent<SessionOpened>(id);
  EXPECT_TRUE(opened);
  return opened.value_or(SessionOpened{});
}

std::unique_ptr<EngineTest::TestCall> EngineTest::OpenCall(DtlsRole gateway_role) {
  return OpenCall(PeerOptions(gateway_role));
}

std::unique_ptr<EngineTest::TestCall> EngineTest::OpenCall(
    const test::WebrtcPeer::Options& browser) {
  auto call = std::make_unique<TestCall>(browser);
  call->id = ids_.Next();
  call->opened = Open({.session = call->id,
                       .browser = call->browser.Description(),
                       .trunk = call->carrier.Description(),
                       .payloads = TestPayloads()});
  return call;
}

bool EngineTest::Connect(TestCall& call) {
  call.browser.SetGateway(call.opened.browser, MonotonicNow());
  return WaitEvent<BrowserConnected>(call.id, [&] { call.browser.Poll(5ms); }).has_value() &&
         WaitFor([&] { return call.browser.connected(); }, [&] { call.browser.Poll(5ms); });
}

std::optional<test::TestRtp> EngineTest::BrowserToTrunk(TestCall& call,
                                                        const test::TestRtp& packet) {
  call.browser.SendRtp(packet);
  std::optional<std::pair<test::TestRtp, Endpoint>> got;
  WaitFor([&] { return (got = call.carrier.Receive()).has_value(); }, WaitABit);
  if (!got) return std::nullopt;
  EXPECT_EQ(got->second, call.opened.trunk.rtp);
  return got->first;
}

std::optional<test::TestRtp> EngineTest::TrunkToBrowser(TestCall& call,
                                                        const test::TestRtp& packet) {
  call.carrier.Send(packet, call.opened.trunk.rtp);
  std::optional<test::TestRtp> got;
  WaitFor([&] { return (got = call.browser.PopRtp()).has_value(); },
          [&] { call.browser.Poll(5ms); });
  return got;
}

bool EngineTest::AudioFlowsBothWays(TestCall& call) {
  ++call.next;
  const test::TestRtp from_browser{.payload_type = kBrowserAudio,
                                   .marker = false,
                                   .sequence = call.next,
                                   .timestamp = call.next * 160u,
                                   .ssrc = 77,
                                   .payload = Bytes(160, 0x11)};
  const auto at_carrier = BrowserToTrunk(call, from_browser);
  test::TestRtp from_carrier = from_browser;
  from_carrier.payload_type = kTrunkAudio;
  from_carrier.payload = Bytes(160, 0x22);
  const auto at_browser = TrunkToBrowser(call, from_carrier);
  return at_carrier && at_browser && at_carrier->payload_type == kTrunkAudio &&
         at_carrier->payload == from_browser.payload && at_browser->payload_type == kBrowserAudio &&
         at_browser->payload == from_carrier.payload;
}

SessionStats EngineTest::CloseCall(SessionId id) {
  EXPECT_TRUE(engine_->Post(CloseSession{id}));
  const auto closed = WaitEvent<SessionClosed>(id);
  EXPECT_TRUE(closed);
  return closed ? closed->stats : SessionStats{};
}

void EngineTest::WaitABit() { poll(nullptr, 0, 1); }

void EngineTest::DrainEvents() {
  std::vector<MediaEvent> fresh;
  events_.Drain(fresh);
  seen_.insert(seen_.end(), std::make_move_iterator(fresh.begin()),
               std::make_move_iterator(fresh.end()));
}

}  // namespace lastmile::media

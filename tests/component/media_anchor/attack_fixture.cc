#include "tests/component/media_anchor/attack_fixture.h"

#include <spdlog/sinks/base_sink.h>
#include <sys/resource.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "base/log.h"

namespace lastmile::media {
namespace {

constexpr Duration kPatience = 1s;
// Twice as fast as it is spoken: packets of 10 ms, one every 5.
constexpr uint32_t kTicks = 80;
constexpr Duration kRound = 5ms;
const Bytes kOfBrowser(160, 0x11);
const Bytes kOfCarrier(160, 0x22);
const Bytes kOfAttacker(160, 0xee);

Duration ToDuration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

class AttackTest::LineCounter final : public spdlog::sinks::base_sink<std::mutex> {
 public:
  size_t lines() const { return lines_; }

 private:
  void sink_it_(const spdlog::details::log_msg&) override { ++lines_; }
  void flush_() override {}

  std::atomic<size_t> lines_{0};
};

AttackTest::AttackTest() : options_(LoopbackOptions()), lines_(std::make_shared<LineCounter>()) {
  spdlog::default_logger()->sinks().push_back(lines_);
}

AttackTest::~AttackTest() { spdlog::default_logger()->sinks().pop_back(); }

size_t AttackTest::lines_logged() const { return lines_->lines(); }

void AttackTest::SetUp() {
  // What is made once a process is there afterwards.
  std::make_unique<test::WebrtcPeer>(PeerOptions()).reset();
  descriptors_ = OpenDescriptors();
}

void AttackTest::TearDown() {
  if (!engine_) return;
  EXPECT_EQ(engine_->gauges().sessions, 0u);
  EXPECT_EQ(engine_->gauges().ports_in_use, 0u);
  engine_.reset();
  EXPECT_EQ(OpenDescriptors(), descriptors_);
}

void AttackTest::Speak(TestCall& call) {
  test::TestRtp packet{.payload_type = kBrowserAudio,
                       .marker = false,
                       .sequence = ++call.next,
                       .timestamp = call.next * kTicks,
                       .ssrc = 77,
                       .payload = kOfBrowser};
  call.browser.SendRtp(packet);
  packet.payload_type = kTrunkAudio;
  packet.payload = kOfCarrier;
  call.carrier.Send(packet, call.opened.trunk.rtp);
}

void AttackTest::Hear(TestCall& call, Round& round, Heard& heard) {
  call.browser.Poll(0ms);
  while (const auto packet = call.browser.PopRtp()) {
    const bool known = packet->payload == kOfCarrier && !round.at_browser;
    round.at_browser |= known;
    heard.foreign += known ? 0 : 1;
  }
  while (const auto packet = call.carrier.Receive()) {
    const bool known = packet->first.payload == kOfBrowser && !round.at_carrier;
    round.at_carrier |= known;
    heard.foreign += known ? 0 : 1;
  }
}

AttackTest::Heard AttackTest::Talk(const std::vector<TestCall*>& calls, int rounds,
                                   const Attack& attack) {
  Heard heard;
  std::vector<Round> now(calls.size());
  for (int i = 0; i < rounds; ++i) {
    attack();
    while (MonotonicNow() < next_round_) WaitABit();
    next_round_ = MonotonicNow() + kRound;
    for (TestCall* call : calls) Speak(*call);
    std::ranges::fill(now, Round{});
    const TimePoint give_up = MonotonicNow() + kPatience;
    const auto all_heard = [&] {
      return std::ranges::all_of(now, [](const Round& r) { return r.at_browser && r.at_carrier; });
    };
    while (!all_heard() && MonotonicNow() < give_up) {
      for (size_t c = 0; c < calls.size(); ++c) Hear(*calls[c], now[c], heard);
      if (!all_heard()) std::this_thread::yield();
    }
    for (const Round& round : now) {
      heard.spoken += 2;
      heard.lost += (round.at_browser ? 0 : 1) + (round.at_carrier ? 0 : 1);
    }
  }
  return heard;
}

std::vector<std::unique_ptr<EngineTest::TestCall>> AttackTest::ConnectedCalls(int count) {
  std::vector<std::unique_ptr<TestCall>> calls;
  for (int i = 0; i < count; ++i) {
    calls.push_back(OpenCall());
    EXPECT_TRUE(Connect(*calls.back())) << i;
  }
  EXPECT_TRUE(Talk(PointersTo(calls), 1).perfect());
  return calls;
}

std::vector<EngineTest::TestCall*> AttackTest::PointersTo(
    const std::vector<std::unique_ptr<TestCall>>& calls) {
  std::vector<TestCall*> pointers;
  for (const auto& call : calls) pointers.push_back(call.get());
  return pointers;
}

test::TestRtp AttackTest::Forged(uint8_t type, uint16_t sequence, uint32_t ssrc) {
  return {.payload_type = type,
          .marker = false,
          .sequence = sequence,
          .timestamp = sequence * 160u,
          .ssrc = ssrc,
          .payload = kOfAttacker};
}

UdpSocket AttackTest::SocketAt(uint8_t last) {
  auto socket = UdpSocket::Bind({Loopback(last), 0});
  if (!socket) throw std::runtime_error(socket.error().message);
  return std::move(*socket);
}

int AttackTest::Received(UdpSocket& socket) {
  Bytes room(2048);
  Endpoint from;
  int count = 0;
  while (socket.Receive(room, from)) ++count;
  return count;
}

std::vector<Endpoint> AttackTest::TrunkPorts() const {
  std::vector<Endpoint> ports;
  for (uint32_t port = options_.trunk_port_min; port <= options_.trunk_port_max; ++port) {
    ports.push_back({options_.trunk_bind, static_cast<uint16_t>(port)});
  }
  return ports;
}

Duration AttackTest::EngineCpu() {
  rusage all{};
  rusage own{};
  getrusage(RUSAGE_SELF, &all);
  getrusage(RUSAGE_THREAD, &own);
  return ToDuration(all.ru_utime) + ToDuration(all.ru_stime) - ToDuration(own.ru_utime) -
         ToDuration(own.ru_stime);
}

}  // namespace lastmile::media

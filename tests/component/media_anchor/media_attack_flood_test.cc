// Too much: T-11 from a party of a call, T-12 from anybody.
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/component/media_anchor/attack_fixture.h"

namespace lastmile::media {
namespace {

class MediaAttackFloodTest : public AttackTest {};

TEST_F(MediaAttackFloodTest, T11_WhoSpeaksTwentyTimesAsFastIsCappedAndCostsNobodyElse) {
  constexpr int kOthers = 100;
  constexpr int kFactor = 20;
  constexpr Duration kPacket = 20ms;
  constexpr int kWarmUp = 100;  // the three seconds that may pass at once
  constexpr int kRounds = 150;
  options_.trunk_port_min = FindFreeRange(2 * (kOthers + 1));
  options_.trunk_port_max = static_cast<uint16_t>(options_.trunk_port_min + 2 * kOthers + 1);
  StartEngine(options_);
  auto others = ConnectedCalls(kOthers);
  auto offender = OpenCall();
  ASSERT_TRUE(Connect(*offender));
  uint16_t sequence = 0;
  int sent = 0;
  int relayed = 0;
  TimePoint next = MonotonicNow();
  const auto flood = [&] {
    while (MonotonicNow() < next) WaitABit();
    next = std::max(next + kPacket, MonotonicNow());
    for (int i = 0; i < kFactor; ++i, ++sent) {
      offender->browser.SendRtp(Forged(kBrowserAudio, ++sequence));
    }
    while (offender->carrier.Receive()) ++relayed;
  };
  const auto calls = PointersTo(others);
  const Heard before = Talk(calls, kWarmUp, flood);
  sent = relayed = 0;
  const TimePoint start = MonotonicNow();
  const Heard heard = Talk(calls, kRounds, flood);
  const Duration took = MonotonicNow() - start;
  const double own_rate =
      std::chrono::duration<double>(took) / std::chrono::duration<double>(kPacket);
  EXPECT_LT(before.lost + heard.lost, (before.spoken + heard.spoken) / 1000);
  EXPECT_EQ(before.foreign + heard.foreign, 0);
  EXPECT_LE(relayed, own_rate * 2 * 1.05 + 2);
  std::printf(
      "T-11: one call sends %.1f times its rate for %.1f s: %.2f times pass; of %d packets "
      "of %d others %d lost\n",
      sent / own_rate, std::chrono::duration<double>(took).count(), relayed / own_rate,
      before.spoken + heard.spoken, kOthers, before.lost + heard.lost);
  EXPECT_GT(CloseCall(offender->id).browser_to_trunk.too_fast, 0u);
  for (const auto& call : others) EXPECT_EQ(CloseCall(call->id).browser_to_trunk.too_fast, 0u);
}

TEST_F(MediaAttackFloodTest, T12_GarbageOnEveryPortCostsLittleAndNoPacketOfACall) {
  StartEngine(options_);
  auto calls = ConnectedCalls(20);
  std::vector<Endpoint> targets = TrunkPorts();
  UdpSocket noise = SocketAt(66);
  const Endpoint browsers = engine_->browser_sockets().front();
  std::vector<Bytes> garbage;
  for (size_t i = 0; i < 997; ++i) {
    Bytes datagram(random_() % 300);
    for (uint8_t& byte : datagram) byte = static_cast<uint8_t>(random_());
    garbage.push_back(std::move(datagram));
  }
  const auto pointers = PointersTo(calls);
  constexpr int kRounds = 500;
  constexpr int kPortion = 200;  // half of it to the browsers' port
  const size_t lines = lines_logged();
  const Duration idle_cpu = EngineCpu();
  EXPECT_TRUE(Talk(pointers, kRounds).perfect());
  const Duration calls_cpu = EngineCpu() - idle_cpu;
  size_t at = 0;
  const Heard heard = Talk(pointers, kRounds, [&] {
    for (int i = 0; i < kPortion; ++i, ++at) {
      const Endpoint& to = i % 2 == 0 ? browsers : targets[at / 2 % targets.size()];
      noise.SendTo(garbage[at % garbage.size()], to);
    }
  });
  const Duration cpu = EngineCpu() - idle_cpu - 2 * calls_cpu;
  EXPECT_LT(heard.lost, heard.spoken / 1000 + 1);
  EXPECT_EQ(heard.foreign, 0);
  EXPECT_EQ(Received(noise), 0);
  EXPECT_EQ(lines_logged(), lines);
  const double each_us =
      std::chrono::duration<double, std::micro>(cpu).count() / static_cast<double>(at);
  std::printf(
      "T-12: %zu datagrams of garbage over all ports: %d of %d packets of 20 calls lost, 0 "
      "lines logged, %.2f us of CPU each in the engine: %.0f %% of a core at 100,000 a second\n",
      at, heard.lost, heard.spoken, each_us, each_us * 10);
  for (const auto& call : calls) CloseCall(call->id);
}

}  // namespace
}  // namespace lastmile::media

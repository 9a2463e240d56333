#include "media_anchor/io/port_pool.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <set>

namespace lastmile::media {
namespace {

const IpAddress kLoopback = *IpAddress::Parse("127.0.0.1");
constexpr TimePoint kNow{1000s};

// The first of `count` ports, even, that were free a moment ago.
uint16_t FindFreeRange(size_t count) {
  SystemRandom random;
  for (;;) {
    const auto first = static_cast<uint16_t>(20000 + random.Next64() % 6000 * 2);
    std::vector<UdpSocket> held;
    while (held.size() < count) {
      auto socket = UdpSocket::Bind({kLoopback, static_cast<uint16_t>(first + held.size())});
      if (!socket) break;
      held.push_back(std::move(*socket));
    }
    if (held.size() == count) return first;
  }
}

TEST(PortPool, GivesEvenAndOddPairsOnceEach) {
  const uint16_t first = FindFreeRange(12);
  SeededRandom random(1);
  PortPool pool(kLoopback, static_cast<uint16_t>(first - 1), static_cast<uint16_t>(first + 10), 0,
                1, random);
  std::vector<PortPool::Pair> held;
  std::set<uint16_t> ports;
  for (int i = 0; i < 5; ++i) {
    auto pair = pool.Take(kNow);
    ASSERT_TRUE(pair) << pair.error().message;
    EXPECT_EQ(pair->rtp.local().port % 2, 0);
    EXPECT_EQ(pair->rtcp.local().port, pair->rtp.local().port + 1);
    EXPECT_GE(pair->rtp.local().port, first);
    EXPECT_LE(pair->rtcp.local().port, first + 9) << first + 10 << " has no partner";
    EXPECT_TRUE(ports.insert(pair->rtp.local().port).second);
    held.push_back(std::move(*pair));
  }
  const auto none = pool.Take(kNow);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find(std::to_string(first)), std::string::npos);
  pool.Release(held[2], kNow);
  const uint16_t released = held[2].rtp.local().port;
  held.erase(held.begin() + 2);
  auto again = pool.Take(kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->rtp.local().port, released);
}

TEST(PortPool, StartsAnywhereAndGoesRound) {
  const uint16_t first = FindFreeRange(40);
  std::set<uint16_t> starts;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    SeededRandom random(seed);
    PortPool pool(kLoopback, first, static_cast<uint16_t>(first + 39), 0, 1, random);
    std::set<uint16_t> seen;
    for (int i = 0; i < 20; ++i) {
      auto pair = pool.Take(kNow);
      ASSERT_TRUE(pair);
      if (i == 0) starts.insert(pair->rtp.local().port);
      EXPECT_TRUE(seen.insert(pair->rtp.local().port).second) << "a port is reused too early";
      pool.Release(*pair, kNow);
    }
  }
  EXPECT_GT(starts.size(), 3u);
}

// S-09: who sends on to a call that is over does it for a while.
TEST(PortPool, APairRestsBeforeItsNextCallIfThereIsAnother) {
  constexpr int kPairs = 20;
  const uint16_t first = FindFreeRange(2 * kPairs);
  SeededRandom random(1);
  PortPool pool(kLoopback, first, static_cast<uint16_t>(first + 2 * kPairs - 1), 0, 1, random);
  std::map<uint16_t, TimePoint> released;
  TimePoint now = kNow;
  Duration shortest = Duration::max();
  for (int call = 0; call < 200; ++call) {
    auto pair = pool.Take(now);
    ASSERT_TRUE(pair);
    const uint16_t port = pair->rtp.local().port;
    if (released.contains(port)) shortest = std::min<Duration>(shortest, now - released[port]);
    EXPECT_TRUE(pair->rested);
    now += 1s;
    released[port] = now;
    pool.Release(*pair, now);
    now += 1s;
  }
  EXPECT_GE(shortest, PortPool::kRest);
  std::printf("S-09: 200 calls, one every 2 s, in 20 pairs of ports: none rested less than %ld s\n",
              static_cast<long>(shortest / 1s));
}

TEST(PortPool, ACallWithAPortThatHasNotRestedIsBetterThanNone) {
  const uint16_t first = FindFreeRange(4);
  SeededRandom random(1);
  PortPool pool(kLoopback, first, static_cast<uint16_t>(first + 3), 0, 1, random);
  auto one = pool.Take(kNow);
  auto other = pool.Take(kNow);
  ASSERT_TRUE(one && other);
  const auto close = [&](PortPool::Pair& pair, TimePoint now) {
    pool.Release(pair, now);
    const PortPool::Pair closed = std::move(pair);
    return closed.rtp.local().port;
  };
  const uint16_t longest = close(*other, kNow + 1s);
  close(*one, kNow + 2s);
  const auto early = pool.Take(kNow + 3s);
  ASSERT_TRUE(early);
  EXPECT_EQ(early->rtp.local().port, longest);
  EXPECT_FALSE(early->rested);
  const auto rested = pool.Take(kNow + 2s + PortPool::kRest);
  ASSERT_TRUE(rested);
  EXPECT_TRUE(rested->rested);
}

TEST(PortPool, SkipsWhatAnotherProgramHas) {
  const uint16_t first = FindFreeRange(4);
  auto odd = UdpSocket::Bind({kLoopback, static_cast<uint16_t>(first + 1)});
  ASSERT_TRUE(odd);
  SeededRandom random(1);
  PortPool pool(kLoopback, first, static_cast<uint16_t>(first + 3), 0, 1, random);
  auto pair = pool.Take(kNow);
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->rtp.local().port, first + 2);
  EXPECT_FALSE(pool.Take(kNow));
}

TEST(PortPool, WorkersShareTheRangeWithoutOverlap) {
  const uint16_t first = FindFreeRange(14);
  SeededRandom random(1);
  std::vector<PortPool::Pair> held;
  std::vector<size_t> sizes;
  for (size_t worker = 0; worker < 3; ++worker) {
    PortPool pool(kLoopback, first, static_cast<uint16_t>(first + 13), worker, 3, random);
    sizes.push_back(pool.pairs());
    while (auto pair = pool.Take(kNow)) held.push_back(std::move(*pair));
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{3, 2, 2}));
  EXPECT_EQ(held.size(), 7u) << "each pair is bound once, so no two workers have the same";
}

TEST(PortPool, AnEmptyRangeHasNothing) {
  SeededRandom random(1);
  EXPECT_FALSE(PortPool(kLoopback, 30001, 30002, 0, 1, random).Take(kNow));
  EXPECT_FALSE(PortPool(kLoopback, 30002, 30000, 0, 1, random).Take(kNow));
  EXPECT_FALSE(PortPool(kLoopback, 30000, 30001, 1, 2, random).Take(kNow));
  EXPECT_EQ(PortPool(kLoopback, 65534, 65535, 0, 1, random).pairs(), 1u);
}

TEST(PortPool, AnAddressThisMachineHasNotIsToldAtOnce) {
  SeededRandom random(1);
  PortPool pool(*IpAddress::Parse("192.0.2.1"), 30000, 39999, 0, 1, random);
  const auto none = pool.Take(kNow);
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message.find("192.0.2.1"), std::string::npos);
}

}  // namespace
}  // namespace lastmile::media

// Alone in its program: it replaces malloc and the locks of the C library.
#include <dlfcn.h>
#include <gtest/gtest.h>
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <random>
#include <vector>

#include "media_anchor/io/udp_socket.h"
#include "tests/component/media_anchor/engine_fixture.h"

// glibc's own, under the name that is left when malloc is replaced.
extern "C" void* __libc_malloc(size_t size);                      // NOLINT
extern "C" void* __libc_calloc(size_t count, size_t size);        // NOLINT
extern "C" void* __libc_realloc(void* memory, size_t size);       // NOLINT
extern "C" void* __libc_memalign(size_t alignment, size_t size);  // NOLINT

namespace {

std::atomic<bool> counting{false};
std::atomic<size_t> allocations{0};
std::atomic<size_t> locks{0};
// The peers of the test may do as they like.
thread_local bool is_of_the_test = false;

void Count(std::atomic<size_t>& counter) {
  if (counting.load(std::memory_order_relaxed) && !is_of_the_test) ++counter;
}

// The function of that name behind ours.
template <class Lock>
struct Behind {
  using Function = int (*)(Lock*);
  explicit constexpr Behind(const char* of_name) : name(of_name) {}
  int operator()(Lock* lock) {
    Count(locks);
    Function found = known.load(std::memory_order_relaxed);
    if (found == nullptr) {
      found = reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
      known.store(found, std::memory_order_relaxed);
    }
    return found(lock);
  }
  const char* const name;
  std::atomic<Function> known{nullptr};
};

constinit Behind<pthread_mutex_t> mutex_lock("pthread_mutex_lock");
constinit Behind<pthread_mutex_t> mutex_trylock("pthread_mutex_trylock");
constinit Behind<pthread_rwlock_t> read_lock("pthread_rwlock_rdlock");
constinit Behind<pthread_rwlock_t> write_lock("pthread_rwlock_wrlock");

}  // namespace

extern "C" void* malloc(size_t size) {
  Count(allocations);
  return __libc_malloc(size);
}
extern "C" void* calloc(size_t count, size_t size) {
  Count(allocations);
  return __libc_calloc(count, size);
}
extern "C" void* realloc(void* memory, size_t size) {
  Count(allocations);
  return __libc_realloc(memory, size);
}
extern "C" void* aligned_alloc(size_t alignment, size_t size) {
  Count(allocations);
  return __libc_memalign(alignment, size);
}
extern "C" int pthread_mutex_lock(pthread_mutex_t* lock) noexcept { return mutex_lock(lock); }
extern "C" int pthread_mutex_trylock(pthread_mutex_t* lock) noexcept { return mutex_trylock(lock); }
extern "C" int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept { return read_lock(lock); }
extern "C" int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept { return write_lock(lock); }

namespace lastmile::media {
namespace {

constexpr int kCalls = 10;
constexpr Duration kPacketTime = 20ms;

class MediaEngineQuietTest : public EngineTest {
 protected:
  void SetUp() override {
    is_of_the_test = true;
    StartEngine();
    for (int i = 0; i < kCalls; ++i) {
      calls_.push_back(OpenCall());
      ASSERT_TRUE(Connect(*calls_.back()));
    }
  }
  void TearDown() override {
    counting = false;
    engine_->Stop();
  }

  // Every call sends and hears 50 packets a second each way.
  void TalkFor(Duration duration) {
    const TimePoint end = MonotonicNow() + duration;
    for (TimePoint due = MonotonicNow(); due < end; due += kPacketTime) {
      for (auto& call : calls_) SendBothWays(*call);
      do {
        for (auto& call : calls_) TakeAll(*call);
        WaitABit();
      } while (MonotonicNow() < due + kPacketTime);
    }
  }
  // The first packets make their sources known, the first report of RTCP makes room for the others:
  // it comes after one and a half intervals of 5 s at most.
  void Settle() {
    TalkFor(8s);
    for (auto& call : calls_) call->browser.StopChecks();
  }
  void SendBothWays(TestCall& call) {
    ++call.next;
    test::TestRtp packet{.payload_type = kBrowserAudio,
                         .marker = false,
                         .sequence = call.next,
                         .timestamp = call.next * 160u,
                         .ssrc = 77,
                         .payload = Bytes(160, 0x11)};
    call.browser.SendRtp(packet);
    packet.payload_type = kTrunkAudio;
    call.carrier.Send(packet, call.opened.trunk.rtp);
    sent_ += 2;
  }
  void TakeAll(TestCall& call) {
    call.browser.OnReadable(MonotonicNow());
    call.browser.OnTimer(MonotonicNow());
    while (call.browser.PopRtp()) ++heard_;
    while (call.carrier.Receive()) ++heard_;
  }

  std::vector<std::unique_ptr<TestCall>> calls_;
  size_t sent_ = 0;
  size_t heard_ = 0;
};

// With reports of RTCP among the packets, and without checks of ICE.
TEST_F(MediaEngineQuietTest, TenSecondsOfRelayTakeNoLockAndNoMemory) {
  Settle();
  counting = true;
  TalkFor(10s);
  counting = false;
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(locks, 0u);
  TalkFor(100ms);
  EXPECT_EQ(heard_, sent_);
  EXPECT_GE(sent_, 10'000u);
}

// T-12: what a stranger sends is thrown away without more than a look.
TEST_F(MediaEngineQuietTest, FiftyThousandDatagramsOfGarbageTakeNoLockAndNoMemory) {
  constexpr int kRounds = 250;
  constexpr int kPortion = 200;  // half of it to the browsers' port, half to those of the calls
  Settle();
  auto noise = UdpSocket::Bind({test::Loopback(66), 0});
  ASSERT_TRUE(noise);
  std::mt19937 random(1);
  std::vector<Bytes> garbage(997);
  for (Bytes& datagram : garbage) {
    datagram.resize(random() % 300);
    for (uint8_t& byte : datagram) byte = static_cast<uint8_t>(random());
  }
  const Endpoint browsers = engine_->browser_sockets().front();
  size_t at = 0;
  counting = true;
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 0; i < kPortion; ++i, ++at) {
      const TestCall& call = *calls_[at / 2 % calls_.size()];
      noise->SendTo(garbage[at % garbage.size()], i % 2 == 0 ? browsers : call.opened.trunk.rtp);
    }
    TalkFor(kPacketTime);
    // What was said behind the garbage is heard: there is room for the next portion.
    const auto all_heard = [&] { return heard_ == sent_; };
    ASSERT_TRUE(WaitFor(all_heard, [&] {
      for (auto& call : calls_) TakeAll(*call);
      WaitABit();
    }));
  }
  counting = false;
  EXPECT_EQ(allocations, 0u);
  EXPECT_EQ(locks, 0u);
}

// Or the figures above would say nothing.
TEST_F(MediaEngineQuietTest, WhatTheWorkerTakesIsSeen) {
  counting = true;
  auto call = OpenCall();
  EXPECT_TRUE(Connect(*call));
  counting = false;
  EXPECT_GT(allocations, 0u);
  EXPECT_GT(locks, 0u);
}

}  // namespace
}  // namespace lastmile::media

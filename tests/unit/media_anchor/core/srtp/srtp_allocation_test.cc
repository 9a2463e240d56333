// The packet path must not touch the heap: counts operator new and OpenSSL's own allocations.
#include <gtest/gtest.h>
#include <openssl/crypto.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "srtp_test_util.h"

namespace {
std::atomic<long> allocations{0};

void* CountedMalloc(size_t size, const char*, int) {
  ++allocations;
  return std::malloc(size);
}
void* CountedRealloc(void* block, size_t size, const char*, int) {
  ++allocations;
  return std::realloc(block, size);
}
void CountedFree(void* block, const char*, int) { std::free(block); }

// OpenSSL takes these only before its first allocation.
const bool openssl_is_counted =
    CRYPTO_set_mem_functions(CountedMalloc, CountedRealloc, CountedFree) == 1;
}  // namespace

// Not inlined: g++ would take free() for the wrong counterpart of operator new.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* block = std::malloc(size)) return block;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* block) noexcept { std::free(block); }
[[gnu::noinline]] void operator delete(void* block, size_t) noexcept { std::free(block); }

namespace lastmile::media {
namespace {

class SrtpAllocations : public testing::TestWithParam<SrtpProfile> {};

INSTANTIATE_TEST_SUITE_P(All, SrtpAllocations, testing::ValuesIn(kAllProfiles),
                         [](const auto& test) { return ProfileName(test.param); });

TEST_P(SrtpAllocations, NoneAPacketOnceTheSsrcIsKnown) {
  ASSERT_TRUE(openssl_is_counted);
  const SrtpKeys keys = MakeKeys(GetParam(), 1);
  const auto send = Make(MakeEvpSrtp, keys, SrtpDirection::kSend);
  const auto receive = Make(MakeEvpSrtp, keys, SrtpDirection::kReceive);
  const Bytes rtp = MakePlainRtp(7, 0);
  std::mt19937 shape(1);
  const Bytes rtcp = MakeRtcp(7, shape);
  uint8_t buffer[2000];
  bool good = true;
  const auto round = [&](uint16_t sequence) {
    std::copy(rtp.begin(), rtp.end(), buffer);
    StoreBe16(buffer + 2, sequence);
    auto size = send->ProtectRtp(buffer, rtp.size());
    good = good && size && receive->UnprotectRtp({buffer, *size});
    std::copy(rtcp.begin(), rtcp.end(), buffer);
    size = send->ProtectRtcp(buffer, rtcp.size());
    good = good && size && receive->UnprotectRtcp({buffer, *size});
    // A forged packet costs no memory either.
    std::copy(rtp.begin(), rtp.end(), buffer);
    StoreBe16(buffer + 2, static_cast<uint16_t>(sequence + 1));
    good = good && receive->UnprotectRtp({buffer, rtp.size()}).error() == SrtpError::kAuthFailed;
  };
  round(0);
  const long before = allocations;
  for (uint16_t sequence = 1; sequence <= 1000; ++sequence) round(sequence);
  EXPECT_EQ(allocations - before, 0);
  EXPECT_TRUE(good);
}

TEST(AllocationCounter, CountsBothHeaps) {
  const long before = allocations;
  auto* cpp = new int(1);
  void* c = OPENSSL_malloc(10);
  EXPECT_EQ(allocations - before, 2);
  delete cpp;
  OPENSSL_free(c);
}

}  // namespace
}  // namespace lastmile::media

// Alone in its program: it replaces operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <new>

#include "media_anchor/io/tcp_paths.h"
#include "tests/support/framed_tcp.h"

namespace {
size_t allocations = 0;
}

// noinline: or the compiler sees malloc() and free() where it wants pairs of operators.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace lastmile::media {
namespace {

TEST(TcpPathsAllocation, APacketEachWayAllocatesNothing) {
  const IpAddress loopback = *IpAddress::Parse("127.0.0.1");
  auto loop = EpollLoop::Create();
  ASSERT_TRUE(loop);
  auto paths = std::move(*TcpPaths::Listen({loopback, 0}, *loop));
  test::FramedTcp peer(loopback, paths->local());
  const TimePoint start = MonotonicNow();
  ASSERT_EQ(loop->Wait(start, start + 2s).size(), 1u);
  paths->Accept(start);
  const Bytes datagram(172, 0x80);
  size_t received = 0;
  size_t at_our_end = 0;
  for (int i = 0; i < 500; ++i) {
    peer.Send(datagram);
    const size_t before = allocations;
    const TimePoint real = MonotonicNow();
    const auto events = loop->Wait(real, real + 2s);
    ASSERT_EQ(events.size(), 1u);
    auto& connection = TcpPaths::Of(*static_cast<Watched*>(events[0].data.ptr));
    if (i == 0) paths->Keep(TcpPaths::IdOf(connection));
    while (paths->Receive(connection)) {
      while (const auto got = paths->Next(connection)) {
        received += got->size == datagram.size();
        paths->Send(got->path.tcp, got->room.first(got->size));
      }
    }
    paths->OnTimer(real);
    paths->Sweep();
    at_our_end += allocations - before;
    while (!peer.Receive()) {
    }
  }
  EXPECT_EQ(received, 500u);
  EXPECT_EQ(at_our_end, 0u);
}

}  // namespace
}  // namespace lastmile::media

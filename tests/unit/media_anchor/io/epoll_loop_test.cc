#include "media_anchor/io/epoll_loop.h"

#include <gtest/gtest.h>

#include <thread>

#include "media_anchor/io/udp_socket.h"

namespace lastmile::media {
namespace {

TEST(EpollLoop, GivesBackTheTokenOfWhatIsReadable) {
  auto loop = EpollLoop::Create();
  ASSERT_TRUE(loop);
  auto socket = UdpSocket::Bind(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_TRUE(socket);
  Watched token{Watched::Kind::kBrowserUdp};
  ASSERT_TRUE(loop->Add(socket->fd(), &token));
  EXPECT_FALSE(loop->Add(socket->fd(), &token)) << "twice";
  const TimePoint now = MonotonicNow();
  EXPECT_TRUE(loop->Wait(now, now).empty());
  socket->SendTo(AsBytes("x"), socket->local());
  for (int i = 0; i < 2; ++i) {  // level-triggered: as long as it is not read
    const auto events = loop->Wait(now, now + 2s);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].data.ptr, &token);
  }
  loop->Remove(socket->fd());
  EXPECT_TRUE(loop->Wait(now, now).empty());
}

TEST(EpollLoop, IsWokenFromAnotherThread) {
  auto loop = EpollLoop::Create();
  ASSERT_TRUE(loop);
  EXPECT_FALSE(loop->TakeWake());
  std::thread waker([&] { loop->Wake(); });
  EXPECT_TRUE(loop->Wait(MonotonicNow(), kNever).empty()) << "a wake-up is no event";
  waker.join();
  EXPECT_TRUE(loop->TakeWake());
  EXPECT_FALSE(loop->TakeWake());
}

TEST(EpollLoop, IsNeverBackBeforeItsDeadline) {
  auto loop = EpollLoop::Create();
  ASSERT_TRUE(loop);
  const TimePoint start = MonotonicNow();
  loop->Wait(start, start + 1500us);
  EXPECT_GE(MonotonicNow() - start, 1500us);
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/io/tcp_paths.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/framed_tcp.h"

namespace lastmile::media {
namespace {

using test::FramedTcp;

const IpAddress kLoopback = *IpAddress::Parse("127.0.0.1");

// A port on loopback under a fake clock, and its owner, who keeps what is asked for.
class TcpPathsTest : public testing::Test {
 protected:
  std::unique_ptr<FramedTcp> Dial(int receive_buffer = 0) {
    return std::make_unique<FramedTcp>(kLoopback, paths_->local(), receive_buffer);
  }
  // One turn of the loop. Waits for sockets, not for the clock.
  void Turn(Duration patience = 2s) {
    const TimePoint real = MonotonicNow();
    for (const epoll_event& event : loop_.Wait(real, real + patience)) {
      auto& watched = *static_cast<Watched*>(event.data.ptr);
      if (watched.kind == Watched::Kind::kTcpListener) {
        paths_->Accept(now_);
      } else {
        Read(TcpPaths::Of(watched));
      }
    }
    paths_->OnTimer(now_);
    paths_->Sweep();
  }
  void TurnUntilQuiet() {
    for (;;) {
      const TimePoint real = MonotonicNow();
      if (loop_.Wait(real, real + 20ms).empty()) break;
      Turn(0ms);
    }
    paths_->OnTimer(now_);
    paths_->Sweep();
  }
  void Read(TcpPaths::Connection& connection) {
    while (paths_->Receive(connection)) {
      while (const auto datagram = paths_->Next(connection)) {
        EXPECT_EQ(datagram->room.size(), AnchorSession::kRoom);
        EXPECT_EQ(datagram->path.tcp, TcpPaths::IdOf(connection));
        const ByteView bytes = datagram->room.first(datagram->size);
        got_.emplace_back(bytes.begin(), bytes.end());
        from_.push_back(datagram->path);
      }
    }
    if (TcpPaths::IsOver(connection)) paths_->Close(TcpPaths::IdOf(connection));
  }
  // A connection whose datagram was read, with its path.
  std::pair<std::unique_ptr<FramedTcp>, Path> Connected(int receive_buffer = 0) {
    auto peer = Dial(receive_buffer);
    peer->Send(AsBytes("hello"));
    from_.clear();
    while (from_.empty()) Turn();
    return {std::move(peer), from_.front()};
  }

  EpollLoop loop_ = std::move(*EpollLoop::Create());
  std::unique_ptr<TcpPaths> paths_ = std::move(*TcpPaths::Listen({kLoopback, 0}, loop_));
  TimePoint now_{1000s};
  std::vector<Bytes> got_;
  std::vector<Path> from_;
};

TEST_F(TcpPathsTest, ATakenPortIsNamed) {
  const auto second = TcpPaths::Listen(paths_->local(), loop_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message, "cannot bind TCP " + paths_->local().ToString() +
                                        ": the port is in use by another program");
}

TEST_F(TcpPathsTest, DatagramsGoBothWays) {
  auto [peer, path] = Connected();
  EXPECT_EQ(path.remote, peer->local());
  paths_->Keep(path.tcp);
  paths_->Send(path.tcp, AsBytes("one"));
  paths_->Send(path.tcp, Bytes(AnchorSession::kRoom, 7));
  paths_->Send(TcpId{999}, AsBytes("to nobody"));
  std::vector<Bytes> answers;
  while (answers.size() < 2) {
    if (auto datagram = peer->Receive()) answers.push_back(std::move(*datagram));
  }
  EXPECT_EQ(AsText(answers[0]), "one");
  EXPECT_EQ(answers[1], Bytes(AnchorSession::kRoom, 7));
  auto [other, other_path] = Connected();
  EXPECT_NE(other_path.tcp, path.tcp);
  EXPECT_EQ(paths_->connections(), 2u);
  EXPECT_EQ(paths_->refused(), 0u);
}

TEST_F(TcpPathsTest, OneThatIsKeptStaysAndAnotherGoesAfterTenSeconds) {
  auto [kept, path] = Connected();
  paths_->Keep(path.tcp);
  EXPECT_EQ(paths_->next_timeout(), kNever);
  auto silent = Dial();
  TurnUntilQuiet();
  EXPECT_EQ(paths_->next_timeout(), now_ + 10s);
  now_ += 9999ms;
  paths_->OnTimer(now_);
  EXPECT_EQ(paths_->connections(), 2u);
  now_ += 1ms;
  TurnUntilQuiet();
  EXPECT_EQ(paths_->connections(), 1u);
  EXPECT_EQ(paths_->refused(), 1u);
  EXPECT_TRUE(silent->IsClosed(2s));
  EXPECT_FALSE(kept->IsClosed());
}

TEST_F(TcpPathsTest, OfThoseThatWaitTheOldestGoFirst) {
  auto [kept, path] = Connected();
  paths_->Keep(path.tcp);
  std::vector<std::unique_ptr<FramedTcp>> waiting;
  for (size_t i = 0; i < TcpPaths::kMaxWaiting + 50; ++i) {
    waiting.push_back(Dial());
    if (i % 20 == 0) TurnUntilQuiet();
  }
  TurnUntilQuiet();
  EXPECT_EQ(paths_->connections(), TcpPaths::kMaxWaiting + 1);
  EXPECT_EQ(paths_->refused(), 50u);
  for (size_t i = 0; i < waiting.size(); ++i) {
    ASSERT_EQ(waiting[i]->IsClosed(i < 50 ? 2s : 0s), i < 50) << i;
  }
  EXPECT_FALSE(kept->IsClosed());
}

TEST_F(TcpPathsTest, APeerThatIsGoneIsOver) {
  auto [peer, path] = Connected();
  paths_->Keep(path.tcp);
  peer.reset();
  TurnUntilQuiet();
  EXPECT_EQ(paths_->connections(), 0u);
  paths_->Send(path.tcp, AsBytes("late"));
  paths_->Close(path.tcp);
  EXPECT_EQ(paths_->refused(), 0u) << "it was a session's";
}

TEST_F(TcpPathsTest, AFrameThatIsTooLongEndsTheConnection) {
  auto peer = Dial();
  peer->SendBytes(Bytes{0xff, 0xff, 1, 2, 3});
  TurnUntilQuiet();
  EXPECT_TRUE(peer->IsClosed(2s));
  EXPECT_TRUE(got_.empty());
  EXPECT_EQ(paths_->connections(), 0u);
}

TEST_F(TcpPathsTest, WhatIsClosedWhileItsEventWaitsIsNotRead) {
  auto first = Dial();
  first->Send(AsBytes("x"));
  TurnUntilQuiet();
  first->Send(AsBytes("y"));
  const TimePoint real = MonotonicNow();
  const auto events = loop_.Wait(real, real + 2s);
  ASSERT_EQ(events.size(), 1u);
  auto& connection = TcpPaths::Of(*static_cast<Watched*>(events[0].data.ptr));
  paths_->Close(TcpPaths::IdOf(connection));
  got_.clear();
  Read(connection);
  EXPECT_TRUE(got_.empty());
  paths_->Sweep();
}

// What it gets at last are whole frames in order, and not older than what a queue of the kernel
// holds.
TEST_F(TcpPathsTest, APeerThatDoesNotReadLosesFramesAndIsNotOwedThem) {
  auto [peer, path] = Connected(4096);
  paths_->Keep(path.tcp);
  constexpr uint32_t kFrames = 20000;
  for (uint32_t i = 0; i < kFrames; ++i) {
    Bytes datagram(172);
    StoreBe32(datagram.data(), i);
    paths_->Send(path.tcp, datagram);
  }
  size_t received = 0;
  uint32_t last = 0;
  const auto read = [&] {
    while (const auto datagram = peer->Receive()) {
      ASSERT_EQ(datagram->size(), 172u);
      const uint32_t number = LoadBe32(datagram->data());
      ASSERT_TRUE(received == 0 || number > last) << number << " after " << last;
      last = number;
      ++received;
    }
  };
  for (int quiet = 0; quiet < 20; ++quiet) {
    const size_t before = received;
    read();
    if (received != before) quiet = 0;
    Turn(5ms);
  }
  EXPECT_GT(received, 10u);
  EXPECT_LT(received, 2000u) << "the rest was dropped";
  // Now that it reads, it gets what is new.
  Bytes datagram(172);
  for (uint32_t i = 1; i <= 3; ++i) {
    StoreBe32(datagram.data(), kFrames + i);
    paths_->Send(path.tcp, datagram);
  }
  const TimePoint give_up = MonotonicNow() + 5s;
  while (last != kFrames + 3 && MonotonicNow() < give_up) read();
  EXPECT_EQ(last, kFrames + 3);
}

TEST_F(TcpPathsTest, WithoutADescriptorItWaitsAndTakesThePeerLater) {
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP()
      << "UBSan looks at objects by way of a pipe, for which there is no descriptor either";
#endif
  auto peer = Dial();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  const rlim_t before = limit.rlim_cur;
  limit.rlim_cur = 3;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  Turn();
  limit.rlim_cur = before;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(paths_->connections(), 0u);
  EXPECT_EQ(paths_->next_timeout(), now_ + 1s);
  const TimePoint real = MonotonicNow();
  EXPECT_TRUE(loop_.Wait(real, real).empty()) << "it does not turn for nothing";
  now_ += 1s;
  paths_->OnTimer(now_);
  TurnUntilQuiet();
  EXPECT_EQ(paths_->connections(), 1u);
}

TEST(TcpPaths, AnIpv6WildcardTakesIpv4Peers) {
  auto loop = EpollLoop::Create();
  ASSERT_TRUE(loop);
  auto paths = TcpPaths::Listen({*IpAddress::Parse("::"), 0}, *loop);
  if (!paths) GTEST_SKIP() << "no IPv6 here";
  FramedTcp peer(kLoopback, {kLoopback, (*paths)->local().port});
  const TimePoint real = MonotonicNow();
  ASSERT_EQ(loop->Wait(real, real + 2s).size(), 1u);
  (*paths)->Accept(real);
  peer.Send(AsBytes("x"));
  const auto events = loop->Wait(real, real + 2s);
  ASSERT_EQ(events.size(), 1u);
  auto& connection = TcpPaths::Of(*static_cast<Watched*>(events[0].data.ptr));
  ASSERT_TRUE((*paths)->Receive(connection));
  const auto datagram = (*paths)->Next(connection);
  ASSERT_TRUE(datagram);
  EXPECT_EQ(datagram->path.remote, peer.local()) << "not as an address that is mapped";
}

}  // namespace
}  // namespace lastmile::media

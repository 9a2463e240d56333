#include "gateway/net/stream_hub.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/component/net/hub_world.h"

namespace lastmile::net {
namespace {

using ::testing::HasSubstr;

ConnectOptions To(const Endpoint& server) {
  return {.host = server.address.ToString(), .port = server.port};
}

TEST(StreamHub, EchoesOverTcpAndKnowsBothEnds) {
  HubWorld world;
  const Endpoint server = world.Listen();
  const StreamId id = world.hub->Connect(To(server));
  EXPECT_TRUE(world.hub->Send(id, "queued before it was open"));
  ASSERT_TRUE(world.RunUntil([&] { return world.heard[id].bytes.size() == 25; }));
  EXPECT_EQ(world.heard[id].bytes, "queued before it was open");
  ASSERT_EQ(world.Inbound().size(), 1u);
  const auto& far = world.heard[world.Inbound()[0]];
  EXPECT_EQ(far.local, server);
  EXPECT_EQ(far.peer, world.heard[id].local);
  EXPECT_EQ(world.heard[id].peer, server);
  EXPECT_FALSE(world.heard[id].inbound);
}

TEST(StreamHub, CallsBackOnlyFromTheLoop) {
  HubWorld world;
  const Endpoint server = world.Listen();
  world.inside_hub = true;
  const StreamId refused = world.hub->Connect({.host = "127.0.0.1", .port = 1});
  const StreamId closed = world.hub->Connect(To(server));
  world.hub->Close(closed, "changed our mind");
  const StreamId full = world.hub->Connect(To(server));
  EXPECT_FALSE(world.hub->Send(full, std::string(StreamHub::kMaxQueue + 1, 'x')));
  EXPECT_FALSE(world.hub->Send(full, "x"));
  world.inside_hub = false;
  EXPECT_TRUE(world.heard.empty());
  EXPECT_EQ(world.ReasonOf(closed), "changed our mind");
  EXPECT_THAT(world.ReasonOf(full), HasSubstr("does not read: more than 1048576 bytes wait"));
  EXPECT_EQ(world.ReasonOf(refused), "connection refused by 127.0.0.1:1");
}

TEST(StreamHub, RefusedIsToldAndNoDatagramFollows) {
  HubWorld world;
  RawSocket udp(SOCK_DGRAM);
  const Endpoint target = udp.Bind(*Endpoint::Parse("127.0.0.1:0"));
  const StreamId id = world.hub->Connect(To(target));
  EXPECT_TRUE(world.hub->Send(id, "OPTIONS sip:a SIP/2.0\r\n\r\n"));
  EXPECT_EQ(world.ReasonOf(id), "connection refused by " + target.ToString());
  EXPECT_FALSE(world.heard[id].open);
  world.RunUntil([] { return false; }, 100ms);
  EXPECT_EQ(udp.ReadNow(100), "");
  EXPECT_EQ(world.hub->stream_count(), 0u);
}

TEST(StreamHub, AListenerThatAcceptsNobodyTimesOut) {
  HubWorld world;
  RawSocket listener(SOCK_STREAM);
  const Endpoint address = listener.Bind(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(listen(listener.fd(), 0), 0);
  RawSocket fills_the_backlog(SOCK_STREAM);
  fills_the_backlog.ConnectTo(address);
  ConnectOptions options = To(address);
  options.connect_timeout = 300ms;
  const TimePoint start = MonotonicNow();
  const StreamId id = world.hub->Connect(options);
  EXPECT_EQ(world.ReasonOf(id),
            address.ToString() + " did not answer: connecting timed out after 300 ms");
  EXPECT_GE(MonotonicNow() - start, 290ms);
  EXPECT_LE(MonotonicNow() - start, 2s);
}

TEST(StreamHub, APeerThatDoesNotReadIsBoundedAndClosed) {
  HubWorld world;
  RawSocket listener(SOCK_STREAM);
  const Endpoint address = listener.Bind(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(listen(listener.fd(), 8), 0);
  const StreamId id = world.hub->Connect(To(address));
  ASSERT_TRUE(world.RunUntil([&] { return world.heard[id].open; }));
  size_t taken = 0;
  const std::string chunk(64 * 1024, 'x');
  while (world.hub->Send(id, chunk) && taken < 64 * StreamHub::kMaxQueue) taken += chunk.size();
  EXPECT_LT(taken, 64 * StreamHub::kMaxQueue);
  EXPECT_GE(taken, StreamHub::kMaxQueue - chunk.size());
  EXPECT_FALSE(world.hub->Send(id, "x"));
  EXPECT_THAT(world.ReasonOf(id), HasSubstr(address.ToString() + " does not read"));
}

TEST(StreamHub, CloseSendsWhatIsQueuedFirst) {
  HubWorld world;
  world.echo = false;
  const Endpoint server = world.Listen();
  const StreamId id = world.hub->Connect(To(server));
  ASSERT_TRUE(world.RunUntil([&] { return world.heard[id].open; }));
  const std::string text(900'000, 'q');
  EXPECT_TRUE(world.hub->Send(id, text));
  world.hub->Close(id, "done");
  EXPECT_FALSE(world.hub->Send(id, "late"));
  EXPECT_EQ(world.ReasonOf(id), "done");
  ASSERT_EQ(world.Inbound().size(), 1u);
  const StreamId far = world.Inbound()[0];
  EXPECT_EQ(world.ReasonOf(far), "connection closed by " + world.heard[id].local.ToString());
  EXPECT_EQ(world.heard[far].bytes.size(), text.size());
}

TEST(StreamHub, CloseBeforeItIsOpenSendsWhatIsQueuedToo) {
  HubWorld world;
  world.echo = false;
  const StreamId id = world.hub->Connect(To(world.Listen()));
  EXPECT_TRUE(world.hub->Send(id, "last words"));
  world.hub->Close(id, "done");
  EXPECT_EQ(world.ReasonOf(id), "done");
  ASSERT_EQ(world.Inbound().size(), 1u);
  EXPECT_EQ(world.heard[world.Inbound()[0]].bytes, "last words");
}

TEST(StreamHub, APeerThatNeverClosesDoesNotHoldAClosedStream) {
  HubWorld world;
  RawSocket listener(SOCK_STREAM);
  const Endpoint address = listener.Bind(*Endpoint::Parse("127.0.0.1:0"));
  ASSERT_EQ(listen(listener.fd(), 8), 0);
  const StreamId id = world.hub->Connect(To(address));
  ASSERT_TRUE(world.RunUntil([&] { return world.heard[id].open; }));
  world.hub->Close(id, "enough");
  EXPECT_EQ(world.ReasonOf(id), "enough");
  EXPECT_EQ(world.hub->stream_count(), 0u);
}

TEST(StreamHub, AResetIsToldAsOne) {
  HubWorld world;
  const Endpoint server = world.Listen();
  {
    RawSocket client(SOCK_STREAM);
    client.ConnectTo(server);
    ASSERT_TRUE(world.RunUntil([&] { return !world.Inbound().empty(); }));
    const linger at_once{1, 0};
    setsockopt(client.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  EXPECT_THAT(world.ReasonOf(world.Inbound()[0]), HasSubstr("connection reset by 127.0.0.1:"));
}

TEST(StreamHub, APortInUseIsNamed) {
  HubWorld world;
  const Endpoint server = world.Listen();
  auto second = world.hub->Listen({.address = server});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().message,
            "cannot listen on " + server.ToString() + ": the port is in use by another program");
  auto foreign = world.hub->Listen({.address = *Endpoint::Parse("192.0.2.1:0")});
  ASSERT_FALSE(foreign);
  EXPECT_THAT(foreign.error().message, HasSubstr("192.0.2.1:0: this machine does not have"));
}

TEST(StreamHub, FiveHundredStreamsComeAndGoWithoutATrace) {
  const size_t files = OpenFileCount();
  {
    HubWorld world;
    const Endpoint server = world.Listen();
    const size_t with_world = OpenFileCount();
    std::vector<StreamId> ids;
    for (int i = 0; i < 500; ++i) {
      ids.push_back(world.hub->Connect(To(server)));
      world.hub->Send(ids.back(), "ping");
    }
    auto all = [&](auto&& predicate) {
      return [&ids, &world, predicate] {
        return std::ranges::all_of(ids, [&](StreamId id) { return predicate(world.heard[id]); });
      };
    };
    ASSERT_TRUE(world.RunUntil(all([](auto& heard) { return heard.bytes == "ping"; })));
    EXPECT_EQ(world.hub->stream_count(), 1000u);
    for (StreamId id : ids) world.hub->Close(id, "bye");
    ASSERT_TRUE(world.RunUntil([&] { return world.hub->stream_count() == 0; }));
    EXPECT_TRUE(all([](auto& heard) { return heard.closed == "bye"; })());
    EXPECT_TRUE(world.RunUntil([&] { return OpenFileCount() == with_world; }));
  }
  EXPECT_EQ(OpenFileCount(), files);
}

TEST(StreamHub, EndingTheHubClosesEverythingAndCallsNobody) {
  const size_t files = OpenFileCount();
  {
    HubWorld world;
    const Endpoint server = world.Listen();
    for (int i = 0; i < 50; ++i) world.hub->Connect(To(server));
    ASSERT_TRUE(world.RunUntil([&] { return world.Inbound().size() == 50; }));
    world.hub->Close(world.Inbound()[0], "never told");
    world.hub.reset();
    world.RunUntil([] { return false; }, 50ms);
    for (const auto& [id, heard] : world.heard) EXPECT_FALSE(heard.closed);
  }
  EXPECT_EQ(OpenFileCount(), files);
}

}  // namespace
}  // namespace lastmile::net

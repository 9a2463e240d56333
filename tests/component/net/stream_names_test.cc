#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/component/net/fake_dns.h"
#include "tests/component/net/hub_world.h"

namespace lastmile::net {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

IpAddress Address(const char* text) { return *IpAddress::Parse(text); }

TEST(NetNames, TriesTheAddressesOfANameUntilOneConnects) {
  // Only 127.0.0.1 listens on the port.
  FakeDns dns({{"two.lastmile.test", {Address("127.0.0.2"), Address("127.0.0.1")}}});
  HubWorld world(dns.servers());
  const Endpoint server = world.Listen();
  const StreamId id = world.hub->Connect({.host = "two.lastmile.test", .port = server.port});
  ASSERT_TRUE(world.RunUntil([&] { return world.heard[id].open; }));
  EXPECT_EQ(world.heard[id].peer, server);
}

TEST(NetNames, TheLastRefusalNamesNameAndAddress) {
  FakeDns dns({{"down.lastmile.test", {Address("127.0.0.2")}}});
  HubWorld world(dns.servers());
  const Endpoint server = world.Listen();
  const StreamId id = world.hub->Connect({.host = "down.lastmile.test", .port = server.port});
  EXPECT_EQ(world.ReasonOf(id), "connection refused by down.lastmile.test:" +
                                    std::to_string(server.port) + " (127.0.0.2)");
}

TEST(NetNames, ANameThatIsNotThereIsToldSo) {
  FakeDns dns({{"empty.lastmile.test", std::vector<IpAddress>()}});
  HubWorld world(dns.servers());
  const StreamId missing = world.hub->Connect({.host = "no.lastmile.test", .port = 5060});
  const StreamId empty = world.hub->Connect({.host = "empty.lastmile.test", .port = 5060});
  EXPECT_EQ(world.ReasonOf(missing), "the name no.lastmile.test does not exist");
  EXPECT_EQ(world.ReasonOf(empty), "the name empty.lastmile.test has no address");
  EXPECT_EQ(world.hub->stream_count(), 0u);
}

TEST(NetNames, AServerThatIsSilentCostsTheConnectTimeoutOnly) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  const StreamId id =
      world.hub->Connect({.host = "silent.lastmile.test", .port = 5060, .connect_timeout = 200ms});
  EXPECT_EQ(world.ReasonOf(id), "no name server answered for silent.lastmile.test within 200 ms");
}

TEST(NetNames, AnswersThatAreNoneAreAnErrorAndNothingWorse) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  const StreamId id =
      world.hub->Connect({.host = "broken.lastmile.test", .port = 5060, .connect_timeout = 1s});
  EXPECT_THAT(world.ReasonOf(id), HasSubstr("broken.lastmile.test"));
}

TEST(NetNames, TheHostsFileCounts) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  const Endpoint server = world.Listen();
  const StreamId id = world.hub->Connect({.host = "localhost", .port = server.port});
  EXPECT_TRUE(world.RunUntil([&] { return world.heard[id].open; }));
}

TEST(NetNames, NonsenseNamesAreRefusedWithASentence) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  for (const std::string& host :
       {std::string(""), std::string("a b"), std::string(300, 'x'), std::string("..")}) {
    const StreamId id = world.hub->Connect({.host = host, .port = 5060});
    EXPECT_THAT(world.ReasonOf(id), ::testing::Not(HasSubstr("still there"))) << host;
  }
}

TEST(NetNames, EndingTheHubWithLookUpsUnderWayCallsNobodyAndLeavesNothing) {
  FakeDns dns(std::map<std::string, FakeName>{});
  const size_t files = OpenFileCount();
  {
    HubWorld world(dns.servers());
    for (int i = 0; i < 20; ++i) world.hub->Connect({.host = "silent.test", .port = 5060});
    world.RunUntil([] { return false; }, 50ms);
    EXPECT_GT(OpenFileCount(), files);
    world.hub.reset();
    EXPECT_TRUE(world.heard.empty());
  }
  EXPECT_EQ(OpenFileCount(), files);
}

}  // namespace
}  // namespace lastmile::net

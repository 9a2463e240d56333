#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/app/config.h"

namespace lastmile::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

trunk::Trunk TrunkOf(const std::string& keys) {
  auto config = ParseConfig("trunks: { a: { " + keys + " } }\n", "test.yaml");
  if (config) return config->trunks.front();
  ADD_FAILURE() << keys << ": " << config.error().front().message;
  return {};
}

std::string FaultOf(const std::string& keys) {
  auto config = ParseConfig("trunks: { a: { " + keys + " } }\n", "test.yaml");
  return config ? "" : config.error().front().message;
}

TEST(ConfigTrunkServers, OneServerIsWhatItWas) {
  const trunk::Trunk trunk = TrunkOf("servers: [\"sip.acme.example:5070\"]");
  EXPECT_EQ(trunk.host, "sip.acme.example");
  EXPECT_EQ(trunk.port, 5070);
  EXPECT_THAT(trunk.servers, ElementsAre(trunk::ConfiguredServer{"sip.acme.example", 5070}));
  EXPECT_EQ(trunk.keepalive, 0s);
  EXPECT_THAT(trunk.failover.statuses, ElementsAre(408, 500, 503));
  EXPECT_TRUE(trunk.failover.timeout);
  EXPECT_EQ(trunk.register_expires, 0U);
}

TEST(ConfigTrunkServers, ABareNameHasNoPortOfItsOwn) {
  const trunk::Trunk trunk = TrunkOf("transport: tls, servers: [sip.acme.example]");
  EXPECT_EQ(trunk.port, 5061);
  EXPECT_THAT(trunk.servers, ElementsAre(trunk::ConfiguredServer{"sip.acme.example", 0}));
}

TEST(ConfigTrunkServers, SeveralServersHavePrioritiesAndWeightsAndAreWatched) {
  const trunk::Trunk trunk = TrunkOf(
      "servers: [ { host: 198.51.100.10, port: 5070, weight: 80, priority: 1 }, "
      "\"[2001:db8::1]:5060\", b.example ]");
  EXPECT_THAT(trunk.servers, ElementsAre(trunk::ConfiguredServer{"198.51.100.10", 5070, 1, 80},
                                         trunk::ConfiguredServer{"[2001:db8::1]", 5060},
                                         trunk::ConfiguredServer{"b.example", 0}));
  EXPECT_EQ(trunk.host, "198.51.100.10");
  EXPECT_EQ(trunk.keepalive, 30s);
}

TEST(ConfigTrunkServers, TimesAndCodes) {
  const trunk::Trunk trunk = TrunkOf(
      "servers: [h], keepalive: 2m, failover: [503, 480], "
      "auth: { username: u, password: p }, register: { expires: 600s }");
  EXPECT_EQ(trunk.keepalive, 120s);
  EXPECT_THAT(trunk.failover.statuses, ElementsAre(503, 480));
  EXPECT_FALSE(trunk.failover.timeout);
  EXPECT_EQ(trunk.register_expires, 600U);
  EXPECT_THAT(TrunkOf("servers: [h], failover: []").failover.statuses, IsEmpty());
}

TEST(ConfigTrunkServers, MistakesAreToldAtOnce) {
  EXPECT_THAT(FaultOf("servers: []"), HasSubstr("needs `servers"));
  EXPECT_THAT(FaultOf("transport: tcp"), HasSubstr("needs `servers"));
  EXPECT_THAT(FaultOf("servers: [\"h:0\"]"), HasSubstr("not a port"));
  EXPECT_THAT(FaultOf("servers: [ { port: 5060 } ]"), HasSubstr("needs a `host`"));
  EXPECT_THAT(FaultOf("servers: [ { host: h, wieght: 5 } ]"), HasSubstr("unknown key `wieght`"));
  EXPECT_THAT(FaultOf("servers: [ [h] ]"), HasSubstr("a server is HOST"));
  EXPECT_THAT(FaultOf("servers: [h], keepalive: 0"), HasSubstr("a time from 1s to 3600s"));
  EXPECT_THAT(FaultOf("servers: [h], keepalive: often"), HasSubstr("a time from"));
  EXPECT_THAT(FaultOf("servers: [h], failover: [401]"), HasSubstr("other than 401"));
  EXPECT_THAT(FaultOf("servers: [h], failover: [busy]"), HasSubstr("`failover` names"));
  EXPECT_THAT(FaultOf("servers: [h], register: {}"), HasSubstr("`register` needs `auth`"));
  EXPECT_THAT(
      FaultOf("servers: [h], auth: { username: u, password: p }, register: { expires: 5s }"),
      HasSubstr("a time from 60s"));
}

}  // namespace
}  // namespace lastmile::app

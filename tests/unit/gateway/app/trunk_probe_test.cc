#include "gateway/app/trunk_probe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gateway/app/config.h"

namespace lastmile::app {
namespace {

Config Parsed(const std::string& sip, const std::string& media) {
  auto config = ParseConfig("listen: { ws: { addr: \"127.0.0.1:8080\" }, sip: " + sip +
                                " }\nmedia: { trunk: " + media +
                                " }\nusers: { inline: [{ name: alice, password: a }] }\n"
                                "trunks: { acme: { servers: [\"192.0.2.1:5060\"] } }\n",
                            "lastmile.yaml");
  if (!config) {
    ADD_FAILURE() << FormatDiagnostic(config.error().front(), "lastmile.yaml", "");
    return {};
  }
  return *std::move(config);
}

// Else a test would unregister the gateway at a carrier that keeps one Contact.
TEST(TrunkProbeIdentity, TheContactIsThatOfTheGatewayItself) {
  const Config config =
      Parsed(R"(["tcp:0.0.0.0:5062"])", R"({ bind: "0.0.0.0", advertise: "198.51.100.7" })");
  const trunk::TrunkOptions options = ProbeEdgeOptions(config, config.trunks);
  EXPECT_EQ(options.local_host, "198.51.100.7");
  EXPECT_EQ(options.tcp_port, 5062);
  EXPECT_EQ(options.tls_port, 5061);
}

TEST(TrunkProbeIdentity, AnIpv6AddressIsAHostInBrackets) {
  const Config config =
      Parsed(R"(["tcp:127.0.0.1:0"])", R"({ bind: "::", advertise: "2001:db8::7" })");
  const trunk::TrunkOptions options = ProbeEdgeOptions(config, config.trunks);
  EXPECT_EQ(options.local_host, "[2001:db8::7]");
  EXPECT_EQ(options.tcp_port, 5060);
}

}  // namespace
}  // namespace lastmile::app

#include "gateway/app/config_trunk_identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using trunk::HeaderMapping;

Result<Config, std::vector<Diagnostic>> WithTrunk(const std::string& keys) {
  return ParseConfig("trunks:\n  acme: { servers: [\"h:1\"], " + keys + " }\n", "test.yaml");
}

std::string FaultOf(const std::string& keys) {
  const auto config = WithTrunk(keys);
  if (config) return "";
  const Diagnostic& first = config.error().front();
  return first.message + " [" + first.suggestion + "]";
}

TEST(TrunkIdentityConfig, IsReadAsItStands) {
  const auto config = WithTrunk(
      "trust_identity: true, uui: pass, stir: pass, caller_id: { header: remote-party-id, "
      "format: national, country: \"44\", default: \"+442070000000\", display: account, "
      "diversion: history-info, allow: [\"02071234567\"] }, "
      "headers: { to_trunk: { X-Account: X-Cust-Id }, to_browser: { X-Carrier-Id: X-Carrier-Id } "
      "}");
  ASSERT_TRUE(config);
  const trunk::Trunk& trunk = config->trunks[0];
  EXPECT_TRUE(trunk.trust_identity);
  EXPECT_TRUE(trunk.headers.user_to_user);
  EXPECT_TRUE(trunk.headers.stir);
  EXPECT_EQ(trunk.caller_id.header, trunk::IdentityHeader::kRemotePartyId);
  EXPECT_EQ(trunk.caller_id.format, trunk::NumberFormat::kNational);
  EXPECT_EQ(trunk.caller_id.diversion, trunk::DiversionHeader::kHistoryInfo);
  EXPECT_EQ(trunk.caller_id.country, "44");
  EXPECT_EQ(trunk.caller_id.default_number, "+442070000000");
  EXPECT_TRUE(trunk.caller_id.display);
  EXPECT_THAT(trunk.caller_id.allow, ElementsAre("02071234567"));
  EXPECT_THAT(trunk.headers.to_trunk, ElementsAre(HeaderMapping{"X-Account", "X-Cust-Id"}));
  EXPECT_THAT(trunk.headers.to_browser, ElementsAre(HeaderMapping{"X-Carrier-Id", "X-Carrier-Id"}));
}

TEST(TrunkIdentityConfig, NothingPassesByDefault) {
  const auto config = WithTrunk("nat: false");
  ASSERT_TRUE(config);
  const trunk::Trunk& trunk = config->trunks[0];
  EXPECT_FALSE(trunk.trust_identity);
  EXPECT_FALSE(trunk.headers.user_to_user);
  EXPECT_FALSE(trunk.headers.stir);
  EXPECT_EQ(trunk.caller_id.header, trunk::IdentityHeader::kFrom);
  EXPECT_EQ(trunk.caller_id.format, trunk::NumberFormat::kAsIs);
}

TEST(TrunkIdentityConfig, WhatMakesNoSenseIsTold) {
  EXPECT_THAT(FaultOf("caller_id: { header: p-asserted }"),
              HasSubstr("must be one of: from, p-asserted-identity"));
  EXPECT_THAT(FaultOf("caller_id: { format: national }"), HasSubstr("name its calling code"));
  EXPECT_THAT(FaultOf("caller_id: { country: GB }"), HasSubstr("is a calling code such as"));
  EXPECT_THAT(FaultOf("caller_id: { default: \"0207\" }"), HasSubstr("0207 is not a number"));
  EXPECT_THAT(FaultOf("caller_id: { allow: [\"+1555\", x] }"), HasSubstr("is not a number"));
  EXPECT_THAT(FaultOf("trust_identity: maybe"), HasSubstr("must be one of: true, false"));
  EXPECT_THAT(FaultOf("stir: verify"), HasSubstr("must be one of: pass, drop"));
}

TEST(TrunkIdentityConfig, HeadersOfSipCannotBePassed) {
  for (const char* name :
       {"From", "via", "ROUTE", "Contact", "Authorization", "f", "Identity", "P-Asserted-Identity",
        "Reason", "User-to-User", "Content-Length", "\"a b\"", "\"X-A:\""}) {
    const std::string header = name;
    for (const char* way : {"to_trunk", "to_browser"}) {
      const std::string section = std::string("headers: { ") + way + ": { ";
      EXPECT_NE(FaultOf(section + header + ": X-Mine } }"), "") << name;
      EXPECT_NE(FaultOf(section + "X-Mine: " + header + " } }"), "") << name;
    }
  }
  EXPECT_THAT(FaultOf("headers: { to_trunk: { Via: X-Via } }"),
              HasSubstr("Via has a meaning in SIP and cannot be passed: take a name of your own, "
                        "such as X-Via"));
  EXPECT_THAT(FaultOf("headers: { to_trunk: { User-to-User: X-A } }"), HasSubstr("`uui: pass`"));
  EXPECT_THAT(FaultOf("headers: { to_browser: { Identity: X-A } }"), HasSubstr("`stir: pass`"));
}

TEST(TrunkIdentityConfig, HeadersHaveOneNameEachAndAreFew) {
  EXPECT_THAT(FaultOf("headers: { to_trunk: { X-A: X-C, X-B: x-c } }"),
              HasSubstr("two headers would become x-c"));
  EXPECT_THAT(FaultOf("headers: { to_trunk: { X-A: X-B, X-A: X-C } }"), HasSubstr("stands twice"));
  std::string many;
  for (int i = 0; i < 9; ++i) {
    many += (i ? ", X-" : "X-") + std::to_string(i) + ": X-" + std::to_string(i);
  }
  EXPECT_THAT(FaultOf("headers: { to_trunk: { " + many + " } }"),
              HasSubstr("has 8 headers at the most"));
}

}  // namespace
}  // namespace lastmile::app

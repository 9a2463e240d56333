#include "gateway/app/route_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* kConfig = R"(
numbering: { country: "44", international: "00", national: "0" }
timezone: Europe/London
users:
  inline:
    - { name: alice, password: x, tenant: acme }
    - { name: carol, password: x, pbx: { trunk: pbx, username: "201", password: y } }
trunks:
  near: { servers: ["h:1"], number_format: national }
  far: { servers: ["h:2"] }
  pbx: { servers: ["h:3"] }
routes:
  - { name: internal, to: "^7[0-9]{3}$", tenant: acme, trunk: pbx }
  - { name: emergency, to: "^(112|999)$", trunk: near, priority: true }
  - { name: premium, to: "^\\+44900", deny: premium numbers are barred }
  - { name: day, to: "^\\+44", hours: "Mon-Fri 08:00-18:00", trunks: [near, far] }
  - { name: night, to: "^\\+44", trunk: far }
  - { name: main, to: "+442071234567", from_trunk: "*", user: alice, ring: 30s }
)";

class RouteCommandTest : public ::testing::Test {
 protected:
  int Run(const RouteCommand& command) {
    auto config = ParseConfig(kConfig, "test.yaml");
    EXPECT_TRUE(config);
    out.str("");
    err.str("");
    return config ? RunRoute(command, *config, out, err) : -1;
  }
  std::ostringstream out, err;
};

TEST_F(RouteCommandTest, SaysWhichRouteDecidedAndWhyOthersDidNot) {
  EXPECT_EQ(Run({.number = "020 7123 4567", .user = "alice", .at = "2026-11-25T12:00Z"}), 0);
  EXPECT_EQ(out.str(),
            "020 7123 4567 is the phone number +442071234567\n"
            "  internal         no: `to` is ^7[0-9]{3}$\n"
            "  emergency        no: `to` is ^(112|999)$\n"
            "  premium          no: `to` is ^\\+44900\n"
            "  day              decides\n"
            "-> trunk near, number 02071234567\n"
            "-> trunk far, number +442071234567\n");
  EXPECT_EQ(Run({.number = "020 7123 4567", .user = "alice", .at = "2026-11-25T19:00Z"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("day              no: not in its hours\n"));
  EXPECT_EQ(Run({.number = "999", .user = "alice"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("limits do not count"));
}

TEST_F(RouteCommandTest, WhatIsDeniedIsSaidAndHasAnotherStatus) {
  EXPECT_EQ(Run({.number = "0900 123 4567", .user = "alice"}), 1);
  EXPECT_THAT(out.str(), HasSubstr("denied with 403: premium numbers are barred"));
  EXPECT_EQ(Run({.number = "600", .user = "alice"}), 1);
  EXPECT_THAT(out.str(), HasSubstr("denied with 404: no route leads"));
  EXPECT_EQ(Run({.number = "++", .user = "alice"}), 1);
  EXPECT_THAT(out.str(), HasSubstr("denied with 404: a number with +"));
}

TEST_F(RouteCommandTest, TheWaysBesideRoutesAreThoseOfTheGateway) {
  EXPECT_EQ(Run({.number = "6-0-0", .user = "carol"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("-> trunk pbx, number 600"));
  EXPECT_EQ(Run({.number = "02071234567", .trunk = "far"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("-> user alice\n   for 30 s\n"));
  EXPECT_EQ(Run({.number = "bob", .trunk = "far"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("-> user bob"));
}

TEST_F(RouteCommandTest, ATenantIsTheUsersOrTheCommands) {
  EXPECT_EQ(Run({.number = "7001", .user = "alice"}), 0);
  EXPECT_THAT(out.str(), HasSubstr("-> trunk pbx, number 7001"));
  EXPECT_EQ(Run({.number = "7001", .user = "alice", .tenant = "other"}), 1);
  EXPECT_THAT(out.str(), HasSubstr("internal         no: not of this tenant"));
}

TEST_F(RouteCommandTest, JsonHasTheWholeDecision) {
  EXPECT_EQ(Run({.number = "112", .user = "alice", .json = true}), 0);
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json["route"], "emergency");
  EXPECT_EQ(json["trunks"][0]["trunk"], "near");
  EXPECT_EQ(json["priority"], true);
  EXPECT_EQ(json["ring"], 0);
  EXPECT_EQ(json["status"], 0);
  EXPECT_EQ(json["steps"].size(), 2u);
}

TEST_F(RouteCommandTest, WrongQuestionsAreTold) {
  EXPECT_EQ(Run({.number = "1"}), 2);
  EXPECT_THAT(err.str(), HasSubstr("--from"));
  EXPECT_EQ(Run({.number = "1", .user = "alice", .trunk = "far"}), 2);
  EXPECT_EQ(Run({.number = "1", .user = "zoe"}), 2);
  EXPECT_THAT(err.str(), HasSubstr("there is no user zoe"));
  EXPECT_EQ(Run({.number = "1", .trunk = "zoe"}), 2);
  for (const char* time :
       {"now", "2026-11-25", "2026-02-30T12:00Z", "2026-11-25T24:00Z", "2026-11-25T12:00Zz"}) {
    EXPECT_EQ(Run({.number = "1", .user = "alice", .at = time}), 2) << time;
  }
}

}  // namespace
}  // namespace lastmile::app

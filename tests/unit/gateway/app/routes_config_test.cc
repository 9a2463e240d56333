#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/config.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

constexpr const char* kBase =
    "numbering: { country: \"44\", international: \"00\", national: \"0\" }\n"
    "users: { inline: [ { name: alice, password: x, max_calls: 2, tenant: acme } ] }\n"
    "trunks: { a: { servers: [\"h:1\"] }, b: { servers: [\"h:2\"] } }\n";

std::string Faults(const std::string& text) {
  auto config = ParseConfig(text, "test.yaml");
  if (config) return "";
  std::string faults;
  for (const Diagnostic& d : config.error()) {
    faults += std::to_string(d.position.line) + ":" + std::to_string(d.position.column) + " " +
              d.message + "\n";
  }
  return faults;
}
std::string RouteFaults(const std::string& route) {
  return Faults(kBase + ("routes:\n  - { " + route + " }\n"));
}

TEST(RoutesConfig, AllOfARouteIsRead) {
  const auto config = ParseConfig(
      std::string(kBase) +
          "timezone: Europe/London\n"
          "limits: { calls: 100, cps: 20, user: { calls: 4, cps: 1 } }\n"
          "routes:\n"
          "  - { name: r, to: \"^\\\\+\", from: alice, tenant: [acme], hours: \"Mon 08:00-09:00\", "
          "trunks: [a, b],\n"
          "      weights: [80, 20], failover: [503, timeout], priority: true,\n"
          "      rewrite: { strip: 1, prefix: \"00\" }, allow: { users: [alice] } }\n"
          "  - { to: \"\", trunks: [a, b], least_used: true, ring: 2m }\n",
      "test.yaml");
  ASSERT_TRUE(config) << config.error().front().message;
  const route::Rules& rules = config->routing;
  EXPECT_EQ(rules.limits.node.calls, 100u);
  EXPECT_EQ(rules.limits.node.cps, 20u);
  EXPECT_EQ(rules.limits.user.calls, 4u);
  EXPECT_EQ(rules.limits.user.cps, 1u);
  EXPECT_EQ(rules.limits.user_calls.at("alice"), 2u);
  ASSERT_EQ(rules.routes.size(), 2u);
  const route::Route& route = rules.routes[0];
  EXPECT_EQ(route.from, std::vector<std::string>{"alice"});
  EXPECT_EQ(route.tenants, std::vector<std::string>{"acme"});
  EXPECT_EQ(config->users[0].tenant, "acme");
  EXPECT_EQ(route.allow, std::vector<std::string>{"alice"});
  EXPECT_EQ(route.order, route::TrunkOrder::kWeighted);
  EXPECT_EQ(route.trunks[0].weight, 80u);
  EXPECT_EQ(route.failover, (std::vector<int>{503, 408}));
  EXPECT_TRUE(route.priority);
  EXPECT_TRUE(route.hours);
  EXPECT_EQ(route.rewrite.strip, 1u);
  EXPECT_EQ(route.rewrite.prefix, "00");
  EXPECT_EQ(rules.routes[1].order, route::TrunkOrder::kLeastUsed);
  EXPECT_EQ(rules.routes[0].ring, Duration::zero());
  EXPECT_EQ(rules.routes[1].ring, 120s);
}

TEST(RoutesConfig, ATrunkHasLimitsAndAFormat) {
  const auto config = ParseConfig(
      "numbering: { country: \"1\", international: \"011\" }\n"
      "trunks: { a: { servers: [\"h:1\"], limits: { calls: 7, cps: 3 }, number_format: e164 } }\n",
      "test.yaml");
  ASSERT_TRUE(config);
  const route::TrunkTerms& terms = config->routing.trunks.at("a");
  EXPECT_EQ(terms.limit.calls, 7u);
  EXPECT_EQ(terms.limit.cps, 3u);
  EXPECT_EQ(terms.format, route::NumberFormat::kE164);
}

TEST(RoutesConfig, MistakesHaveTheirPlace) {
  EXPECT_THAT(RouteFaults("to: \"(?=1)\", trunk: a"), HasSubstr("5:11 not a pattern"));
  EXPECT_THAT(RouteFaults("to: \"1\", trunk: a, deny: no"), HasSubstr("5:5 a route needs one of"));
  EXPECT_THAT(RouteFaults("to: \"1\", trunks: [a, z]"), HasSubstr("there is no trunk z"));
  EXPECT_THAT(RouteFaults("to: \"1\", trunks: [a, a]"), HasSubstr("stands twice"));
  EXPECT_THAT(RouteFaults("trunk: a, trunks: [b]"), HasSubstr("not both"));
  EXPECT_THAT(RouteFaults("trunks: [a, b], weights: [1]"), HasSubstr("one number for each"));
  EXPECT_THAT(RouteFaults("trunks: [a, b], weights: [1, 0]"), HasSubstr("from 1 to 1000"));
  EXPECT_THAT(RouteFaults("trunk: a, failover: [200]"), HasSubstr("from 400 to 599"));
  EXPECT_THAT(RouteFaults("trunk: a, failover: [often]"), HasSubstr("from 400 to 599"));
  EXPECT_THAT(RouteFaults("trunk: a, hours: always"), HasSubstr("hours are written"));
  EXPECT_THAT(RouteFaults("trunk: a, from: zoe"), HasSubstr("there is no user zoe"));
  EXPECT_THAT(RouteFaults("trunk: a, tenant: acne"), HasSubstr("5:25 there is no tenant acne"));
  EXPECT_THAT(RouteFaults("user: alice, from_trunk: b, tenant: acme"), HasSubstr("no users"));
  EXPECT_THAT(RouteFaults("trunk: a, allow: { users: [] }"), HasSubstr("names those who may"));
  EXPECT_THAT(RouteFaults("trunk: a, from_trunk: b"), HasSubstr("`from_trunk` has a `user`"));
  EXPECT_THAT(RouteFaults("trunk: a, rewrite: { prefix: x }"), HasSubstr("digits, +, * and #"));
  EXPECT_THAT(RouteFaults("trunk: a, ring: 4m"), HasSubstr("5:23 `routes[0].ring` must be a time"));
  EXPECT_THAT(RouteFaults("trunk: a, ring: 30x"), HasSubstr("from 1s to 180s"));
  EXPECT_THAT(RouteFaults("deny: no, ring: 30s"), HasSubstr("rings nobody"));
  EXPECT_THAT(RouteFaults("trnk: a"), HasSubstr("unknown key `trnk`"));
  EXPECT_THAT(Faults("numbering: { country: x }\n"), HasSubstr("1 to 5 digits"));
  EXPECT_THAT(Faults("numbering: { country: \"44\" }\n"), HasSubstr("needs a `country` and"));
  EXPECT_THAT(Faults("timezone: Mars/Olympus\n"),
              HasSubstr("1:11 this machine knows no time zone"));
  EXPECT_THAT(Faults("limits: { calls: 0 }\n"), HasSubstr("a number from 1"));
}

TEST(RoutesConfig, WhatBarsNumbersNeedsToKnowHowTheyAreDialled) {
  const std::string base = "trunks: { a: { servers: [\"h:1\"], number_format: national } }\n";
  EXPECT_THAT(Faults(base), HasSubstr("1:49 this format needs `numbering`"));
  EXPECT_THAT(Faults("routes: [ { to: \"^\\\\+44900\", deny: no } ]\n"),
              HasSubstr("needs `numbering`"));
}

}  // namespace
}  // namespace lastmile::app

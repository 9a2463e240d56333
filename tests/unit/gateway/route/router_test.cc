#include "gateway/route/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

namespace lastmile::route {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using namespace std::chrono;  // calendar arithmetic

const Numbering kUk{.country = "44", .international = "00", .national = "0"};

Router Make(std::vector<Route> routes, Rules rules = {.numbering = kUk}) {
  rules.routes = std::move(routes);
  auto router = Router::Make(std::move(rules));
  EXPECT_TRUE(router) << router.error().message;
  return *std::move(router);
}

// "trunk:number ...", "user:NAME", or "status sentence".
std::string Text(const Decision& decision) {
  switch (decision.outcome) {
    case Decision::Outcome::kTrunks: {
      std::string text;
      for (const TrunkTry& to : decision.trunks) {
        text += (text.empty() ? "" : " ") + to.trunk + ":" + to.number;
      }
      return text;
    }
    case Decision::Outcome::kUser:
      return "user:" + decision.user;
    case Decision::Outcome::kDenied:
    case Decision::Outcome::kNoRoute:
      break;
  }
  return std::to_string(decision.status) + " " + decision.why;
}

std::string To(const Router& router, const std::string& number, const std::string& user = "alice") {
  return Text(router.Decide({.dialled = number, .user = user, .from_trunk = "", .time = {}}));
}
std::string From(const Router& router, const std::string& trunk, const std::string& number) {
  return Text(router.Decide({.dialled = number, .user = "", .from_trunk = trunk, .time = {}}));
}

TEST(Router, TheFirstRouteThatMatchesWins) {
  const Router router = Make({{.name = "emergency", .to = "^(112|911)$", .trunks = {{"near"}}},
                              {.name = "world", .to = "^\\+?[0-9]+$", .trunks = {{"far"}}}});
  EXPECT_EQ(To(router, "112"), "near:112");
  EXPECT_EQ(To(router, "1123"), "far:1123");
  EXPECT_EQ(To(router, "0044 20 7123 4567"), "far:+442071234567");
}

TEST(Router, WhatNoRouteNamesIsNotCalled) {
  const Router router = Make({{.name = "world", .to = "^\\+", .trunks = {{"far"}}}});
  EXPECT_EQ(To(router, "alice"), "404 no route leads to this number");
  EXPECT_EQ(To(router, "600"), "404 no route leads to this number");
  EXPECT_THAT(To(router, "600@host"), HasSubstr("404 neither"));
  EXPECT_THAT(To(router, ""), HasSubstr("404 no number"));
  EXPECT_EQ(To(Router(), "600"), "404 no route leads to this number");
}

TEST(Router, RoutesMayBeForSomeUsersOnly) {
  const Router router =
      Make({{.name = "vip", .to = "^\\+", .from = {"alice", "bob"}, .trunks = {{"gold"}}},
            {.name = "rest", .to = "^\\+", .trunks = {{"tin"}}, .allow = {"carol"}}});
  EXPECT_EQ(To(router, "+44900", "bob"), "gold:+44900");
  EXPECT_EQ(To(router, "+44900", "carol"), "tin:+44900");
  EXPECT_EQ(To(router, "+44900", "dave"), "403 this user may not call this number");
}

TEST(Router, RoutesMayBeForTheUsersOfATenantOnly) {
  const Router router =
      Make({{.name = "acme", .to = "^\\+", .tenants = {"acme", "apex"}, .trunks = {{"gold"}}},
            {.name = "both", .to = "^\\+", .from = {"bob"}, .tenants = {"bolt"}, .deny = "barred"},
            {.name = "rest", .to = "^\\+", .trunks = {{"tin"}}}});
  const auto to = [&](const std::string& user, const std::string& tenant) {
    return Text(router.Decide(
        {.dialled = "+44900", .user = user, .tenant = tenant, .from_trunk = "", .time = {}}));
  };
  EXPECT_EQ(to("alice", "apex"), "gold:+44900");
  EXPECT_EQ(to("alice", ""), "tin:+44900");
  EXPECT_EQ(to("acme", ""), "tin:+44900") << "a user of that name";
  EXPECT_EQ(to("bob", "bolt"), "403 barred");
  EXPECT_EQ(to("bob", ""), "tin:+44900");
  EXPECT_EQ(to("alice", "bolt"), "tin:+44900");
}

TEST(Router, ARouteMayDenyWithItsSentence) {
  const Router router =
      Make({{.name = "premium", .to = "^\\+44900", .deny = "premium numbers are barred"},
            {.name = "uk", .to = "^\\+44", .trunks = {{"far"}}}});
  EXPECT_EQ(To(router, "0900 123 4567"), "403 premium numbers are barred");
  EXPECT_EQ(To(router, "0800 123 4567"), "far:+448001234567");
}

TEST(Router, CallsOfTrunksRingUsers) {
  const Router router =
      Make({{.name = "main", .to = "+15550001001", .from_trunk = "near", .user = "alice"},
            {.name = "spam", .to = "^666", .from_trunk = "*", .deny = "not wanted"},
            {.name = "any", .to = "^[0-9]+$", .from_trunk = "*", .user = "$0"}});
  EXPECT_EQ(From(router, "near", "+15550001001"), "user:alice");
  EXPECT_THAT(From(router, "far", "+15550001001"), HasSubstr("no route"));
  EXPECT_EQ(From(router, "far", "666"), "403 not wanted");
  EXPECT_EQ(From(router, "far", "201"), "user:201");
  EXPECT_EQ(To(router, "201"), "404 no route leads to this number");
}

TEST(Router, BrowsersRingUsersByName) {
  const Router router = Make({{.name = "browsers", .to = "^[a-z]", .user = "$0"}});
  EXPECT_EQ(To(router, "bob"), "user:bob");
}

TEST(Router, NamesThatBeginLikeNumbersGoToNoTrunk) {
  const Router router = Make({{.name = "all", .to = "", .trunks = {{"far"}}}});
  EXPECT_EQ(To(router, "alice"), "far:alice");
  EXPECT_EQ(To(router, "1-900-flowers"), "404 no route leads to this number");
}

TEST(Router, HoursAreThoseOfTheZone) {
  Rules rules{.numbering = kUk, .zone = *TimeZone::Load("Europe/London")};
  const Router router = Make({{.name = "day",
                               .to = "",
                               .hours = *Hours::Parse("Mon-Fri 08:00-18:00"),
                               .trunks = {{"office"}}},
                              {.name = "night", .to = "", .trunks = {{"home"}}}},
                             rules);
  const auto at = [&](sys_seconds time) {
    return Text(router.Decide({.dialled = "600", .user = "", .from_trunk = "", .time = time}));
  };
  EXPECT_EQ(at(sys_days(2026y / 7 / 15) + 7h), "office:600");  // Wednesday, 08:00 in London
  EXPECT_EQ(at(sys_days(2026y / 1 / 14) + 7h), "home:600");
  EXPECT_EQ(at(sys_days(2026y / 7 / 18) + 12h), "home:600");  // Saturday
}

TEST(Router, TrunksComeInTheirOrder) {
  Route route{.name = "r", .to = "", .trunks = {{"a"}, {"b"}, {"c"}}};
  EXPECT_EQ(To(Make({route}), "600"), "a:600 b:600 c:600");
  route.order = TrunkOrder::kLeastUsed;
  const std::map<std::string, size_t> calls = {{"a", 5}, {"b", 2}, {"c", 5}};
  EXPECT_EQ(
      Text(Make({route}).Decide({.dialled = "600",
                                 .user = "",
                                 .from_trunk = "",
                                 .time = {},
                                 .calls_on = [&](const std::string& t) { return calls.at(t); }})),
      "b:600 a:600 c:600");
}

TEST(Router, WeightsSayHowOftenATrunkIsTheFirst) {
  const Router router = Make({{.name = "r",
                               .to = "",
                               .trunks = {{"a", 80}, {"b", 15}, {"c", 5}},
                               .order = TrunkOrder::kWeighted}});
  std::map<std::string, int> first;
  std::mt19937_64 random(1);
  for (int i = 0; i < 10000; ++i) {
    const Decision decision = router.Decide(
        {.dialled = "600", .user = "", .from_trunk = "", .time = {}, .draw = random()});
    ASSERT_EQ(decision.trunks.size(), 3u);
    ++first[decision.trunks.front().trunk];
  }
  EXPECT_NEAR(first["a"], 8000, 200);
  EXPECT_NEAR(first["b"], 1500, 150);
  EXPECT_NEAR(first["c"], 500, 100);
}

TEST(Router, NumbersAreRewrittenAndThenFormatted) {
  Rules rules{.numbering = kUk};
  rules.trunks["near"].format = NumberFormat::kNational;
  rules.trunks["far"].format = NumberFormat::kE164;
  const Router router =
      Make({{.name = "pbx", .to = "^9", .trunks = {{"pbx"}}, .rewrite = {1, ""}},
            {.name = "abroad", .to = "^8", .trunks = {{"far"}}, .rewrite = {1, "+"}},
            {.name = "uk", .to = "^\\+44", .trunks = {{"near"}, {"far"}, {"raw"}}},
            {.name = "short", .to = "^1", .trunks = {{"near"}}, .rewrite = {9, "5"}}},
           rules);
  EXPECT_EQ(To(router, "9201"), "pbx:201");
  EXPECT_EQ(To(router, "815550001001"), "far:15550001001");
  EXPECT_EQ(To(router, "020 7123 4567"), "near:02071234567 far:442071234567 raw:+442071234567");
  EXPECT_EQ(To(router, "112"), "near:5");
}

TEST(Router, AnExplanationSaysWhatDidNotHold) {
  const Router router =
      Make({{.name = "in", .to = "", .from_trunk = "*", .user = "alice"},
            {.name = "vip", .to = "", .from = {"bob"}, .trunks = {{"a"}}},
            {.name = "day", .to = "", .hours = *Hours::Parse("Sun 00:00-01:00"), .trunks = {{"a"}}},
            {.name = "us", .to = "^\\+1", .trunks = {{"a"}}},
            {.name = "uk", .to = "^\\+44", .trunks = {{"b"}}, .priority = true},
            {.name = "never", .to = "", .trunks = {{"c"}}}});
  const Decision decision =
      router.Explain({.dialled = "00 44 20", .user = "alice", .from_trunk = "", .time = {}});
  EXPECT_EQ(Text(decision), "b:+4420");
  EXPECT_EQ(decision.route, "uk");
  EXPECT_TRUE(decision.priority);
  EXPECT_EQ(decision.number.text, "+4420");
  std::vector<std::string> steps;
  for (const auto& step : decision.steps) steps.push_back(step.route + "/" + step.mismatch);
  EXPECT_THAT(steps, ElementsAre("in/for calls of trunks", "vip/not `from` this user",
                                 "day/not in its hours", "us/`to` is ^\\+1", "uk/"));
}

TEST(Router, APatternThatIsNotUnderstoodNamesItsRoute) {
  const auto router = Router::Make({.routes = {{.name = "a", .to = "1", .trunks = {{"x"}}},
                                               {.name = "b", .to = "(?=1)", .trunks = {{"x"}}}}});
  ASSERT_FALSE(router);
  EXPECT_EQ(router.error().route, 1u);
}

// A number of text that would keep a backtracking matcher busy for years.
TEST(Router, HostileNumbersAndPatternsCostNothing) {
  const Router router = Make({{.name = "evil", .to = "^(1+)+$|(a|aa)+b", .trunks = {{"x"}}}});
  EXPECT_EQ(To(router, std::string(31, '1') + "2"), "404 no route leads to this number");
  EXPECT_EQ(To(router, std::string(127, 'a')), "404 no route leads to this number");
}

TEST(Router, HowManyRoutesAreLookedAtDoesNotGrowWithTheirNumber) {
  for (const int count : {10, 100, 5000}) {
    std::vector<Route> routes;
    for (int i = 0; i < count; ++i) {
      const std::string number = std::to_string(10000 + i);
      routes.push_back({.name = "p" + number, .to = "^\\+" + number, .deny = "barred"});
      routes.push_back({.name = "e" + number, .to = "^\\+" + number + "[0-9]$", .deny = "barred"});
      routes.push_back(
          {.name = "u" + number, .to = "", .from = {"user" + number}, .deny = "barred"});
    }
    const Router router = Make(std::move(routes));
    const Decision decision = router.Decide({.dialled = "+" + std::to_string(9999 + count),
                                             .user = "alice",
                                             .from_trunk = "",
                                             .time = {}});
    EXPECT_EQ(decision.route, "p" + std::to_string(9999 + count));
    EXPECT_EQ(decision.candidates, 1u) << count;
  }
}

// Many random routes and calls: the quick way decides as the one that looks at each of them.
TEST(Router, TheIndexDecidesAsALookAtEachRouteDoes) {
  std::mt19937 random(11);
  const auto draw = [&](size_t below) { return random() % below; };
  const std::vector<std::string> patterns = {
      "^\\+44", "^\\+1", "", "^1", "^\\+44[28]", "7$", "^\\+(44|1)5", "^[a-z]+", "^600$", "+4420"};
  const std::vector<std::string> users = {"alice", "bob", "carol"};
  const std::vector<std::string> tenants = {"alice", "acme", ""};
  const std::vector<std::string> numbers = {"+4420", "+4480", "+44207", "+157",
                                            "112",   "600",   "bob",    "1x"};
  for (int round = 0; round < 300; ++round) {
    std::vector<Route> routes;
    for (size_t n = draw(30); n > 0; --n) {
      Route route{.name = "r" + std::to_string(n), .to = patterns[draw(patterns.size())]};
      for (const std::string& user : users) {
        if (draw(4) == 0) route.from.push_back(user);
      }
      if (draw(3) == 0) route.tenants.push_back(tenants[draw(2)]);
      if (draw(4) == 0) {
        route.from.clear();
        route.tenants.clear();
        route.from_trunk = draw(2) == 0 ? "*" : "a";
        route.user = "$0";
      } else if (draw(5) == 0) {
        route.deny = "no";
      } else {
        route.trunks = {{"x"}};
      }
      if (draw(5) == 0) route.hours = *Hours::Parse("Mon-Wed 08:00-18:00");
      routes.push_back(std::move(route));
    }
    const Router router = Make(std::move(routes));
    for (int i = 0; i < 50; ++i) {
      const Call call{.dialled = numbers[draw(numbers.size())],
                      .user = users[draw(users.size())],
                      .tenant = tenants[draw(tenants.size())],
                      .from_trunk = draw(3) == 0 ? (draw(2) == 0 ? "a" : "b") : "",
                      .time = WallTime(hours(draw(200)))};
      const Decision quick = router.Decide(call);
      const Decision slow = router.Explain(call);
      EXPECT_EQ(Text(quick), Text(slow));
      EXPECT_EQ(quick.route, slow.route);
    }
  }
}

}  // namespace
}  // namespace lastmile::route

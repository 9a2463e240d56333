#include "gateway/app/routing.h"

#include <gtest/gtest.h>

namespace lastmile::app {
namespace {

TEST(Router, TheFirstOutboundRouteThatMatchesWins) {
  const Router router({{"emergency", "^(112|911)$", "near"}, {"world", "^\\+?[0-9]+$", "far"}}, {});
  EXPECT_EQ(router.Find("112")->trunk, "near");
  EXPECT_EQ(router.Find("1123")->trunk, "far");
  EXPECT_EQ(router.Find("+15550001001")->trunk, "far");
}

TEST(Router, WhatNoRouteNamesIsNotCalled) {
  const Router router({{"world", "^\\+?[0-9]+$", "far"}}, {});
  for (const char* number : {"", "alice", "+", "600;phone-context=x", "600@host", " 600"}) {
    EXPECT_FALSE(router.Find(number)) << number;
  }
  EXPECT_FALSE(Router({}, {}).Find("600"));
}

TEST(Router, ARouteToAUserNamesTheUserOrTakesTheOneWhoWasDialled) {
  const Router router({{"desk", "^100$", "local", "alice"}, {"browsers", "^[a-z]", "local", "$0"}},
                      {});
  EXPECT_EQ(router.Find("100")->trunk, "local");
  EXPECT_EQ(router.Find("100")->number, "alice");
  EXPECT_EQ(router.Find("bob")->number, "bob");
  EXPECT_FALSE(router.Find("Bob"));
}

TEST(Router, OverlongNumbersMatchNothing) {
  const Router router({{"all", "", "far"}}, {});
  EXPECT_TRUE(router.Find(std::string(Router::kMaxNumber, '1')));
  EXPECT_FALSE(router.Find(std::string(Router::kMaxNumber + 1, '1')));
}

TEST(Router, InboundNumbersNameUsersByRouteOrByThemselves) {
  const Router router({}, {{"main", "near", "^\\+1555", "alice"}, {"any", "*", "^9$", "bob"}});
  EXPECT_EQ(router.UserFor("near", "+15550001001"), "alice");
  EXPECT_EQ(router.UserFor("far", "+15550001001"), "+15550001001");
  EXPECT_EQ(router.UserFor("far", "9"), "bob");
  EXPECT_EQ(router.UserFor("far", "carol"), "carol");
}

}  // namespace
}  // namespace lastmile::app

#include "gateway/app/routing.h"

#include <gtest/gtest.h>

namespace lastmile::app {
namespace {

TEST(Router, TheFirstOutboundRouteThatMatchesWins) {
  const Router router({{"emergency", "^(112|911)$", "near"}, {"world", "^\\+?[0-9]+$", "far"}}, {});
  EXPECT_EQ(router.TrunkFor("112"), "near");
  EXPECT_EQ(router.TrunkFor("1123"), "far");
  EXPECT_EQ(router.TrunkFor("+15550001001"), "far");
}

TEST(Router, WhatNoRouteNamesIsNotCalled) {
  const Router router({{"world", "^\\+?[0-9]+$", "far"}}, {});
  for (const char* number : {"", "alice", "+", "600;phone-context=x", "600@host", " 600"}) {
    EXPECT_FALSE(router.TrunkFor(number)) << number;
  }
  EXPECT_FALSE(Router({}, {}).TrunkFor("600"));
}

TEST(Router, OverlongNumbersMatchNothing) {
  const Router router({{"all", "", "far"}}, {});
  EXPECT_TRUE(router.TrunkFor(std::string(Router::kMaxNumber, '1')));
  EXPECT_FALSE(router.TrunkFor(std::string(Router::kMaxNumber + 1, '1')));
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

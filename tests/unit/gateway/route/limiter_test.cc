#include "gateway/route/limiter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace lastmile::route {
namespace {

using ::testing::HasSubstr;

class LimiterTest : public ::testing::Test {
 protected:
  // "": it began, and goes on.
  std::string Begin(const Limiter::Leg& leg) {
    auto slot = limiter.Begin(leg, limits, of_trunk, now);
    if (!slot) {
      refused = slot.error();
      return slot.error().why;
    }
    slots.push_back(*std::move(slot));
    return "";
  }
  std::string Call(const std::string& user = "alice") {
    return Begin({.user = user, .trunk = "a"});
  }

  Limits limits;
  Limit of_trunk;
  TimePoint now{};
  Limiter limiter;
  LimitRefusal refused;
  std::vector<Limiter::Slot> slots;
};

TEST_F(LimiterTest, WithoutLimitsNothingIsRefused) {
  for (int i = 0; i < 1000; ++i) EXPECT_EQ(Call(), "");
  EXPECT_EQ(limiter.calls(), 1000u);
  EXPECT_EQ(limiter.calls_on("a"), 1000u);
  slots.clear();
  EXPECT_EQ(limiter.calls(), 0u);
  EXPECT_EQ(limiter.calls_on("a"), 0u);
}

TEST_F(LimiterTest, AUserHasSoManyCallsAtOnce) {
  limits.user.calls = 2;
  limits.user_calls["bob"] = 1;
  EXPECT_EQ(Call(), "");
  EXPECT_EQ(Call(), "");
  EXPECT_THAT(Call(), HasSubstr("the user has as many calls"));
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(Call("bob"), "");
  EXPECT_NE(Begin({.user = "bob", .trunk = "a", .by_user = false}), "");
  EXPECT_EQ(refused.status, 486);
  EXPECT_EQ(refused.scope, LimitScope::kUser);
  slots.erase(slots.begin());
  EXPECT_EQ(Call(), "");
  EXPECT_EQ(limiter.refusals(), (Limiter::Refusals{2, 0, 0}));
}

TEST_F(LimiterTest, ATrunkAndTheNodeHaveTheirs) {
  of_trunk.calls = 1;
  EXPECT_EQ(Call(), "");
  EXPECT_THAT(Call("bob"), HasSubstr("the trunk has"));
  EXPECT_EQ(refused.status, 503);
  EXPECT_GT(refused.retry_after, 0u);
  limits.node.calls = 1;
  EXPECT_THAT(Begin({.user = "bob", .trunk = "b"}), HasSubstr("the gateway has"));
  EXPECT_EQ(limiter.refusals(), (Limiter::Refusals{0, 1, 1}));
}

TEST_F(LimiterTest, PriorityCountsAndIsNeverRefused) {
  of_trunk = {.calls = 1, .cps = 1};
  limits = {.node = {1, 1}, .user = {1, 1}, .user_calls = {}};
  EXPECT_EQ(Call(), "");
  EXPECT_EQ(Begin({.user = "alice", .trunk = "a", .priority = true}), "");
  EXPECT_EQ(limiter.calls_on("a"), 2u);
}

TEST_F(LimiterTest, ASecondsWorthOfCallsMayComeAtATime) {
  of_trunk.cps = 10;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(Call(), "") << i;
  EXPECT_THAT(Call(), HasSubstr("more new calls a second"));
  EXPECT_EQ(refused.retry_after, 1u);
  now += 99ms;
  EXPECT_NE(Call(), "");
  now += 1ms;
  EXPECT_EQ(Call(), "");
  EXPECT_NE(Call(), "");
  now += 1h;
  int taken = 0;
  while (Call().empty()) ++taken;
  EXPECT_EQ(taken, 10);
}

// Ten seconds of far too many: what is taken is the rate and what the bucket holds.
TEST_F(LimiterTest, TheRateHoldsOverTime) {
  limits.user.cps = 3;
  int taken = 0;
  for (const TimePoint end = now + 10s; now < end; now += 7ms) taken += Call().empty() ? 1 : 0;
  EXPECT_GE(taken, 31);
  EXPECT_LE(taken, 33);
}

TEST_F(LimiterTest, AFurtherLegCountsForItsTrunkAlone) {
  of_trunk.calls = 2;
  limits = {.node = {1, 0}, .user = {1, 0}, .user_calls = {}};
  EXPECT_EQ(Call(), "");
  EXPECT_EQ(Begin({.user = "alice", .trunk = "a", .further = true}), "");
  EXPECT_EQ(limiter.calls(), 1u);
  EXPECT_THAT(Begin({.user = "alice", .trunk = "a", .further = true}), HasSubstr("the trunk has"));
}

TEST_F(LimiterTest, AMovedSlotCountsOnce) {
  EXPECT_EQ(Call(), "");
  Limiter::Slot moved = std::move(slots.front());
  slots.clear();
  EXPECT_EQ(limiter.calls(), 1u);
  moved = Limiter::Slot();
  EXPECT_EQ(limiter.calls(), 0u);
}

TEST_F(LimiterTest, UsersWithoutCallsAreForgotten) {
  limits.user.cps = 1;
  for (int i = 0; i < 1000; ++i) {
    Call("user" + std::to_string(i));
    slots.clear();
    now += 100ms;
  }
  EXPECT_LE(limiter.users(), 200u);
}

}  // namespace
}  // namespace lastmile::route

#include "gateway/app/routing.h"

#include <utility>

#include "base/check.h"

namespace lastmile::app {

Router::Router(route::Rules rules, std::function<route::WallTime()> wall_clock,
               RandomSource& random)
    : wall_clock_(std::move(wall_clock)), random_(random) {
  auto routes = route::Router::Make(std::move(rules));
  LASTMILE_CHECK(routes);
  if (routes) routes_ = *std::move(routes);
}

route::Decision Router::Outbound(const route::Caller& caller, const std::string& dialled) const {
  return routes_.Decide(
      {.dialled = dialled,
       .user = caller.user,
       .tenant = caller.tenant,
       .from_trunk = "",
       .time = Now(),
       .draw = random_.Next64(),
       .calls_on = [this](const std::string& trunk) { return limiter_.calls_on(trunk); }});
}

route::Decision Router::Inbound(const std::string& trunk, const std::string& number) const {
  route::Decision decision =
      routes_.Decide({.dialled = number, .user = "", .from_trunk = trunk, .time = Now()});
  // A number without a canonical form may still be somebody's name.
  const bool is_nobodys = decision.status == 404 && decision.route.empty();
  if (decision.outcome != route::Decision::Outcome::kUser && is_nobodys) {
    decision.outcome = route::Decision::Outcome::kUser;
    decision.user = number;
  }
  return decision;
}

Result<route::Limiter::Slot, route::LimitRefusal> Router::Begin(const route::Limiter::Leg& leg,
                                                                TimePoint now) {
  return limiter_.Begin(leg, routes_.rules().limits, routes_.LimitOf(leg.trunk), now);
}

}  // namespace lastmile::app

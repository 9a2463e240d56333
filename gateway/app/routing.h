#ifndef LASTMILE_GATEWAY_APP_ROUTING_H_
#define LASTMILE_GATEWAY_APP_ROUTING_H_

#include <functional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/route/limiter.h"
#include "gateway/route/router.h"

namespace lastmile::app {

// The routes and limits of a running gateway: what is configured, and what goes on now. The routes
// may be exchanged at any time; what was decided and what counts stays. Thread: signalling.
class Router {
 public:
  // `rules` have been checked by ParseConfig. `wall_clock` may be empty: then it is always 1970.
  Router(route::Rules rules, std::function<route::WallTime()> wall_clock, RandomSource& random);

  // Where a call goes that a browser's user dials.
  route::Decision Outbound(const route::Caller& caller, const std::string& dialled) const;
  // Whom a trunk's call rings: by route, else the user the number itself names. Only kUser and
  // kDenied.
  route::Decision Inbound(const std::string& trunk, const std::string& number) const;

  Result<route::Limiter::Slot, route::LimitRefusal> Begin(const route::Limiter::Leg& leg,
                                                          TimePoint now);
  const route::Limiter& limiter() const { return limiter_; }

  // Gives the old routes back, to be destroyed where that may take its time.
  void Exchange(route::Router& routes) { std::swap(routes_, routes); }

 private:
  route::WallTime Now() const { return wall_clock_ ? wall_clock_() : route::WallTime{}; }

  route::Router routes_;
  const std::function<route::WallTime()> wall_clock_;
  RandomSource& random_;
  route::Limiter limiter_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_ROUTING_H_

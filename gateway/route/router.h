#ifndef LASTMILE_GATEWAY_ROUTE_ROUTER_H_
#define LASTMILE_GATEWAY_ROUTE_ROUTER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "gateway/route/number.h"
#include "gateway/route/rules.h"

namespace lastmile::route {

// A user of a browser.
struct Caller {
  std::string user;
  std::string tenant;  // "": none
};

// A call that wants to know where it goes.
struct Call {
  std::string dialled;      // as for Canonical()
  std::string user;         // of the browser that calls
  std::string tenant = {};  // of that user; "": none
  std::string from_trunk;   // not empty: a trunk calls instead
  WallTime time;
  uint64_t draw = 0;  // unpredictable; of weights
  // Calls that go over that trunk now; empty: none do.
  std::function<size_t(const std::string&)> calls_on = {};
};

// A trunk to try, and what it is told.
struct TrunkTry {
  std::string trunk;
  std::string number;
  bool operator==(const TrunkTry&) const = default;
};

// What was decided, and why.
struct Decision {
  enum class Outcome {
    kTrunks,   // `trunks`, in this order
    kUser,     // `user` rings
    kDenied,   // by a route, or by what was dialled: status and why
    kNoRoute,  // likewise; what has another way than routes may take it
  };
  Outcome outcome = Outcome::kNoRoute;
  Number number;      // what was dialled, canonical; "" if it has no canonical form
  std::string route;  // its name, or "routes[0]" if it has none; "": no route decided
  std::vector<TrunkTry> trunks;
  std::string user;
  std::vector<int> failover;
  bool priority = false;
  Duration ring{};  // 0: as long as anything rings
  int status = 404;
  std::string why;  // a sentence for the caller

  size_t candidates = 0;  // routes that were found for the number and the caller, and looked at

  // Of Explain(): every route that was looked at, and what did not hold of it; the last one decided
  // if its `mismatch` is empty.
  struct Step {
    std::string route;
    std::string mismatch;
  };
  std::vector<Step> steps;
};

struct RouteFault {
  size_t route = 0;  // its index
  std::string message;
};

// The routes. Deny by default: what no route names is not called. Immutable; a new set of routes is
// a new Router. Thread: any, one at a time.
class Router {
 public:
  Router();  // without routes
  Router(Router&&) noexcept;
  Router& operator=(Router&&) noexcept;
  ~Router();

  static Result<Router, RouteFault> Make(Rules rules);

  // In time that hardly grows with the number of routes.
  Decision Decide(const Call& call) const;
  // The same decision with its steps; looks at one route after the other.
  Decision Explain(const Call& call) const;

  const Rules& rules() const;
  const Limit& LimitOf(const std::string& trunk) const;

 private:
  struct Tables;
  std::unique_ptr<Tables> tables_;
};

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_ROUTER_H_

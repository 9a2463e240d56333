#ifndef LASTMILE_GATEWAY_ROUTE_RULES_H_
#define LASTMILE_GATEWAY_ROUTE_RULES_H_

#include <cstddef>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "gateway/route/hours.h"
#include "gateway/route/number.h"
#include "gateway/route/time_zone.h"

// What is configured of routes and limits, as values. Thread: any.
namespace lastmile::route {

// In which order the trunks of a route are tried.
enum class TrunkOrder {
  kListed,
  kWeighted,   // the first by chance, as often as its weight says; then the others likewise
  kLeastUsed,  // that with the fewest calls first
};

struct RouteTrunk {
  std::string name;
  unsigned weight = 1;  // of kWeighted
};

// How a route changes the canonical number before a trunk's format does.
struct Rewrite {
  size_t strip = 0;    // characters off the front, "+" included
  std::string prefix;  // then put before it
};

// Of Route::failover: the trunk's servers gave no answer.
inline constexpr int kNoAnswer = 408;

// The first route whose conditions all hold decides.
struct Route {
  std::string name;
  // --- conditions; an empty one holds always ---
  std::string to;  // RE2 pattern, searched in the canonical number; or "+" and digits:
                   // that number
  std::vector<std::string> from;          // names of users; only of calls of browsers
  std::vector<std::string> tenants = {};  // of those users; likewise
  std::string from_trunk;      // of calls of trunks; "*": any; "": a route for calls of browsers
  std::optional<Hours> hours;  // in Rules::zone
  // --- what is done: one of `trunks`, `user` and `deny` ---
  std::vector<RouteTrunk> trunks;
  TrunkOrder order = TrunkOrder::kListed;
  std::vector<int> failover;       // final answers after which the next trunk is tried; kNoAnswer
  std::string user;                // rings; "$0": whom the canonical number names
  std::string deny;                // a sentence
  std::vector<std::string> allow;  // of calls of browsers: nobody else may; empty: everybody
  Duration ring{};                 // how long it rings; 0: as long as anything does
  bool priority = false;           // emergency calls: limits do not count
  Rewrite rewrite;
};

// 0: no limit.
struct Limit {
  unsigned calls = 0;  // at once
  unsigned cps = 0;    // new calls a second; as many may come at a time
};

struct Limits {
  Limit node;
  Limit user;                                            // of each browser user,
  std::unordered_map<std::string, unsigned> user_calls;  // but these: at once
};

struct TrunkTerms {
  NumberFormat format = NumberFormat::kCanonical;
  Limit limit;
};

struct Rules {
  Numbering numbering;
  TimeZone zone;
  std::vector<Route> routes;
  std::unordered_map<std::string, TrunkTerms> trunks;  // by name; none: nothing special
  Limits limits;
};

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_RULES_H_

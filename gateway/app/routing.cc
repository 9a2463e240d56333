#include "gateway/app/routing.h"

namespace lastmile::app {
namespace {

bool Matches(const std::regex& pattern, std::string_view number) {
  return number.size() <= Router::kMaxNumber &&
         std::regex_search(number.begin(), number.end(), pattern);
}

}  // namespace

Router::Router(const std::vector<OutboundRoute>& outbound,
               const std::vector<InboundRoute>& inbound) {
  for (const OutboundRoute& route : outbound) {
    outbound_.push_back({std::regex(route.to, std::regex::ECMAScript), route.trunk});
  }
  for (const InboundRoute& route : inbound) {
    inbound_.push_back(
        {route.from_trunk, std::regex(route.to, std::regex::ECMAScript), route.user});
  }
}

std::optional<std::string> Router::TrunkFor(std::string_view number) const {
  for (const Outbound& route : outbound_) {
    if (Matches(route.to, number)) return route.trunk;
  }
  return std::nullopt;
}

std::string Router::UserFor(std::string_view trunk, std::string_view number) const {
  for (const Inbound& route : inbound_) {
    if ((route.from_trunk == "*" || route.from_trunk == trunk) && Matches(route.to, number)) {
      return route.user;
    }
  }
  return std::string(number);
}

}  // namespace lastmile::app

#include "gateway/app/routing.h"

#include <regex>

namespace lastmile::app {
namespace {

bool Matches(const std::regex& pattern, std::string_view number) {
  return number.size() <= Router::kMaxNumber &&
         std::regex_search(number.begin(), number.end(), pattern);
}

struct Outbound {
  std::regex to;
  std::string trunk;
  std::string user;
};
struct Inbound {
  std::string from_trunk;
  std::regex to;
  std::string user;
};

}  // namespace

struct Router::Routes {
  std::vector<Outbound> outbound;
  std::vector<Inbound> inbound;
};

Router::Router(const std::vector<OutboundRoute>& outbound, const std::vector<InboundRoute>& inbound)
    : routes_(std::make_unique<Routes>()) {
  for (const OutboundRoute& route : outbound) {
    routes_->outbound.push_back(
        {std::regex(route.to, std::regex::ECMAScript), route.trunk, route.user});
  }
  for (const InboundRoute& route : inbound) {
    routes_->inbound.push_back(
        {route.from_trunk, std::regex(route.to, std::regex::ECMAScript), route.user});
  }
}

Router::~Router() = default;

std::optional<Router::Way> Router::Find(std::string_view number) const {
  for (const Outbound& route : routes_->outbound) {
    if (!Matches(route.to, number)) continue;
    const bool named = !route.user.empty() && route.user != OutboundRoute::kDialled;
    return Way{.trunk = route.trunk, .number = named ? route.user : std::string(number)};
  }
  return std::nullopt;
}

std::string Router::UserFor(std::string_view trunk, std::string_view number) const {
  for (const Inbound& route : routes_->inbound) {
    if ((route.from_trunk == "*" || route.from_trunk == trunk) && Matches(route.to, number)) {
      return route.user;
    }
  }
  return std::string(number);
}

}  // namespace lastmile::app

#ifndef LASTMILE_GATEWAY_APP_ROUTING_H_
#define LASTMILE_GATEWAY_APP_ROUTING_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/config.h"

namespace lastmile::app {

// Where a call goes. Deny by default: what no route names is not called. Pure. Thread: signalling.
class Router {
 public:
  // The patterns have been checked by ParseConfig.
  Router(const std::vector<OutboundRoute>& outbound, const std::vector<InboundRoute>& inbound);
  ~Router();

  struct Way {
    std::string trunk;
    std::string number;  // of whom to call there; a user's name, if a route leads to a user
  };
  // Where a number goes that a browser dialled; nothing: no route matches.
  std::optional<Way> Find(std::string_view number) const;
  // The user a carrier's call rings: by route, else the user the number itself names.
  std::string UserFor(std::string_view trunk, std::string_view number) const;

  static constexpr size_t kMaxNumber = 128;  // longer ones match nothing

 private:
  struct Routes;  // compiled patterns; <regex> is too slow to compile for every includer
  std::unique_ptr<Routes> routes_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_ROUTING_H_

#ifndef LASTMILE_GATEWAY_APP_RELOAD_H_
#define LASTMILE_GATEWAY_APP_RELOAD_H_

#include <map>
#include <optional>
#include <set>
#include <string>

#include "gateway/app/config.h"
#include "gateway/route/router.h"

namespace lastmile::app {

// Reads the configuration file of a running gateway again, for what may change while it runs:
// routes, numbers and limits. What is wrong with the file is logged once for each of its versions,
// and changes nothing; what changed and needs a restart is logged too. Thread: main.
class Reload {
 public:
  explicit Reload(const Config& running);

  // The new routes; nothing: the file says what it said before, is wrong, or there is none.
  std::optional<route::Router> Read();

 private:
  std::optional<route::Router> Take(Config config);
  void LogWhatNeedsARestart(const Config& config);

  const std::string file_;
  std::string text_;                          // read last
  std::set<std::string> trunks_;              // that the gateway has
  std::map<std::string, std::string> fixed_;  // Config::fixed, as told last
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_RELOAD_H_

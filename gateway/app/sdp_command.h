#ifndef LASTMILE_GATEWAY_APP_SDP_COMMAND_H_
#define LASTMILE_GATEWAY_APP_SDP_COMMAND_H_

#include <iosfwd>
#include <string>

#include "gateway/app/config.h"

namespace lastmile::app {

// `lastmile sdp`: what the gateway would say to one side because of an offer of the other.
struct SdpCommand {
  enum class Print { kSdp, kDiff, kJson };

  std::string file = "-";  // "-": standard input
  bool to_trunk = true;
  std::string trunk;  // its name in the configuration; "" = its only one
  Print print = Print::kSdp;
};

// `config` is nullptr without -c: then a trunk with the built-in defaults is meant. Writes the
// result to `out` and what is wrong to `err`. Returns the exit status: 0; 1 if the SDP cannot be
// used; 2 if there is no such trunk. Thread: main.
int RunSdp(const SdpCommand& command, const Config* config, std::ostream& out, std::ostream& err);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_SDP_COMMAND_H_

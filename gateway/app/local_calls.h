#ifndef LASTMILE_GATEWAY_APP_LOCAL_CALLS_H_
#define LASTMILE_GATEWAY_APP_LOCAL_CALLS_H_

#include <set>
#include <string>

#include "base/endpoint.h"
#include "gateway/app/call_manager.h"
#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

// Calls of a browser to another browser of this gateway: routes that lead to a user, and the trunk
// that such a call takes (ADR 21). Thread: main, at start.
namespace lastmile::app {

// Adds trunk::LocalTrunk if a route leads to a user. `media_bind`: of the ports of trunks; the
// media of two local legs goes from one to another without leaving the machine.
void AddLocalTrunk(CallManagerOptions& options, const IpAddress& media_bind);

// --- configuration ---
// `user` of the route is what the file says.
void ReadRouteToUser(YamlSection& section, OutboundRoute route, const std::set<std::string>& users,
                     Config& config);
// The name of the local trunk is taken.
void CheckTrunkName(YamlSection& trunks, const std::string& name);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_LOCAL_CALLS_H_

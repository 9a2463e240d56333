#ifndef LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SERVERS_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SERVERS_H_

#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// The keys of a trunk that say where its servers are, how they are watched, when the next one is
// tried, and whether the trunk's own account is registered: `servers`, `keepalive`, `failover` and
// `register`. After `transport` and `auth`. Faults are reported.
void ReadTrunkServers(YamlSection& section, trunk::Trunk& trunk);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SERVERS_H_

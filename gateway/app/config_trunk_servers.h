#ifndef LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SERVERS_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SERVERS_H_

#include <cstdint>
#include <string>

#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// HOST, HOST:PORT, ADDRESS or [ADDRESS]:PORT, with the brackets. Without a port `port` stays as it
// is. Faults are reported, at `at`.
void ReadHostPort(YamlSection& section, const YAML::Node& at, const std::string& text,
                  std::string& host, uint16_t& port);

// The keys of a trunk that say where its servers are, how they are watched, when the next one is
// tried, and whether the trunk's own account is registered: `servers`, `keepalive`, `failover` and
// `register`. After `transport` and `auth`. Faults are reported.
void ReadTrunkServers(YamlSection& section, trunk::Trunk& trunk);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SERVERS_H_

#ifndef LASTMILE_GATEWAY_APP_CONFIG_ROUTES_H_
#define LASTMILE_GATEWAY_APP_CONFIG_ROUTES_H_

#include <map>
#include <string>

#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

// What the file says of routes, numbers and limits: all of it can change while the gateway runs.
// Faults are reported through the sections. Thread: main.
namespace lastmile::app {

// The sections `numbering`, `timezone`, `limits` and `routes`. Needs config's users and trunks.
void ReadRouting(YamlSection& root, Config& config);
// `limits` and `number_format` of a trunk.
void ReadTrunkTerms(YamlSection& section, const std::string& trunk, Config& config);
// `max_calls` of a user.
void ReadUserLimit(YamlSection& entry, const std::string& user, Config& config);

// What Config::fixed says of it.
std::map<std::string, std::string> FixedSections(const YAML::Node& root);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_ROUTES_H_

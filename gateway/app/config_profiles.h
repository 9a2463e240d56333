#ifndef LASTMILE_GATEWAY_APP_CONFIG_PROFILES_H_
#define LASTMILE_GATEWAY_APP_CONFIG_PROFILES_H_

#include <string>
#include <vector>

#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// Reads `profile` of a trunk: keys that the trunk does not have are the profile's from then on.
// Faults are reported through the section. Thread: main, at start.
void ReadProfile(YamlSection& trunk);

std::vector<std::string> ProfileNames();  // of profiles.yaml

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_PROFILES_H_

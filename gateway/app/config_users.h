#ifndef LASTMILE_GATEWAY_APP_CONFIG_USERS_H_
#define LASTMILE_GATEWAY_APP_CONFIG_USERS_H_

#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// Reads the section `users`: who may register, with which password hashes or tokens, and the users'
// accounts at PBXs. Needs config.domain. Faults are reported through the section. Thread: main, at
// start.
void ReadUsers(YamlSection& root, Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_USERS_H_

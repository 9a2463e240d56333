#ifndef LASTMILE_GATEWAY_APP_CONFIG_ACCOUNTS_H_
#define LASTMILE_GATEWAY_APP_CONFIG_ACCOUNTS_H_

#include <cstddef>
#include <set>
#include <string>
#include <string_view>

#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// A hash of a password, in lower case; "" if the key is absent or its value is none.
std::string ReadHash(YamlSection& section, std::string_view key, size_t digits);

// Reads a trunk's `auth`: the account of its calls. Faults are reported through the section.
// Thread: main, at start.
void ReadAuth(YamlSection& section, trunk::Trunk& trunk);

// Reads the `pbx` of a user: its account at one of `trunks`, which are names.
void ReadPbx(YamlSection& section, const std::string& user, const std::set<std::string>& trunks,
             Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_ACCOUNTS_H_

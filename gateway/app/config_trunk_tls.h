#ifndef LASTMILE_GATEWAY_APP_CONFIG_TRUNK_TLS_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TRUNK_TLS_H_

#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// Reads `tls` and `accept_names` of a trunk. Faults are reported through the section. Thread: main,
// at start.
void ReadTrunkTls(YamlSection& section, const Config& config, trunk::Trunk& trunk);

// For CheckMachine: why the trunk's files are of no use; nothing: they are.
std::vector<Diagnostic> CheckTrunkTls(const Config& config, const trunk::Trunk& trunk);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TRUNK_TLS_H_

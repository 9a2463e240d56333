#ifndef LASTMILE_GATEWAY_APP_CONFIG_TRUNK_IDENTITY_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TRUNK_IDENTITY_H_

#include "gateway/app/yaml_reader.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

// Reads what a trunk is told of callers, what it is believed, and which headers pass: `caller_id`,
// `trust_identity`, `headers`, `uui`, `stir`. Faults are reported through the section. Thread:
// main, at start.
void ReadIdentity(YamlSection& section, trunk::Trunk& trunk);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TRUNK_IDENTITY_H_

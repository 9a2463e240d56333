#ifndef LASTMILE_GATEWAY_APP_CONFIG_TURN_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TURN_H_

#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// Reads `media.turn`: the TURN servers that browsers get credentials for. Faults are reported
// through the section. Thread: main, at start.
void ReadTurn(YamlSection& media, Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TURN_H_

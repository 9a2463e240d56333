#ifndef LASTMILE_GATEWAY_APP_CONFIG_TRUNKS_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TRUNKS_H_

#include "gateway/app/config.h"
#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// Reads the section `trunks`: how carriers are reached, and what their media and SDP are like.
// Faults are reported through the section. Thread: main, at start.
void ReadTrunks(YamlSection& root, Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TRUNKS_H_

#ifndef LASTMILE_GATEWAY_APP_CONFIG_MEDIA_ICE_H_
#define LASTMILE_GATEWAY_APP_CONFIG_MEDIA_ICE_H_

#include "gateway/app/yaml_reader.h"

namespace lastmile::app {

// `media.ice`: ICE-lite, or full ICE with its STUN and TURN servers. `browser` is the section
// `media.browser`, whose ports and addresses are those of ICE-lite. Faults are reported.
void ReadMediaIce(YamlSection& media, YamlSection& browser, Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_MEDIA_ICE_H_

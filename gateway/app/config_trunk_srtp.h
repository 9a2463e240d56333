#ifndef LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SRTP_H_
#define LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SRTP_H_

#include "gateway/app/yaml_reader.h"
#include "gateway/call/trunk_policy.h"

namespace lastmile::app {

// Reads `srtp`, `srtp_suites` and `srtp_over_tcp` of a trunk: SRTP with keys in SDP (RFC 4568).
// They are as secret as the signalling that carries them: without TLS they are a fault unless
// `srtp_over_tcp: insecure` says that this is known. Faults are reported through the section.
// Thread: main, at start.
void ReadTrunkSrtp(YamlSection& trunk, bool tls, call::TrunkPolicy& policy);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_TRUNK_SRTP_H_

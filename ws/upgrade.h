#ifndef LASTMILE_WS_UPGRADE_H_
#define LASTMILE_WS_UPGRADE_H_

#include <string_view>

#include "ws/http_request.h"
#include "ws/origin.h"

namespace lastmile::ws {

// Whether a request that carries an Upgrade header may become a WebSocket.
struct UpgradeDecision {
  int status = 101;              // else what to refuse with
  std::string_view reason = {};  // a sentence, static; empty with 101
  std::string_view key = {};     // with 101: Sec-WebSocket-Key, a view into the request
};

// RFC 6455 section 4.2.1 and RFC 7118 section 4: `Upgrade: websocket` alone, version 13, a key of
// 16 bytes, the subprotocol `sip` offered, and an origin the policy allows. Thread: any, no state.
UpgradeDecision DecideUpgrade(const Request& request, const OriginPolicy& origins, bool tls);

}  // namespace lastmile::ws

#endif  // LASTMILE_WS_UPGRADE_H_

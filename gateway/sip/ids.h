#ifndef LASTMILE_GATEWAY_SIP_IDS_H_
#define LASTMILE_GATEWAY_SIP_IDS_H_

#include "base/strong_id.h"

namespace lastmile::sip {

struct FlowTag;
// One connection to a peer: a WebSocket or a TCP/TLS stream (the flow of RFC 5626).
using FlowId = StrongId<FlowTag>;

struct DialogTag;
// One INVITE usage, from its first INVITE on (before there is a dialog in RFC 3261's sense).
using DialogId = StrongId<DialogTag>;

struct ServerRequestTag;
// A request of the peer that waits for our final response.
using ServerRequestId = StrongId<ServerRequestTag>;

struct ClientRequestTag;
// A request of ours, other than a dialog's first INVITE, that waits for the peer's final response.
using ClientRequestId = StrongId<ClientRequestTag>;

struct AccountTag;
// An account at a server that may challenge our requests.
using AccountId = StrongId<AccountTag>;

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_IDS_H_

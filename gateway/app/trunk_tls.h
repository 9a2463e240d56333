#ifndef LASTMILE_GATEWAY_APP_TRUNK_TLS_H_
#define LASTMILE_GATEWAY_APP_TRUNK_TLS_H_

#include <string>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/net/stream_hub.h"
#include "gateway/trunk/trunk_edge.h"

// What the trunks say about TLS, in the words of gateway/net. Pure; thread: any.
namespace lastmile::app {

// For a connection to a server of the trunk that is called `host`.
net::TlsClientOptions TlsOptionsOf(const trunk::Trunk& trunk, const std::string& host);

// Of the SIP listeners: our certificate, and who may vouch for the names that trunks accept.
net::TlsServerOptions TlsListenerOptions(const Config& config);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_TRUNK_TLS_H_

#ifndef LASTMILE_GATEWAY_APP_SERVE_H_
#define LASTMILE_GATEWAY_APP_SERVE_H_

#include <csignal>

#include "gateway/app/gateway.h"

namespace lastmile::app {

// What the main thread does while a gateway runs: new routes when the configuration file changes or
// on SIGHUP, gauges on SIGUSR1. Returns on any other of `signals`, all of which are blocked.
void Serve(Gateway& gateway, const sigset_t& signals);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_SERVE_H_

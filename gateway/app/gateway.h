#ifndef LASTMILE_GATEWAY_APP_GATEWAY_H_
#define LASTMILE_GATEWAY_APP_GATEWAY_H_

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/app/config.h"
#include "gateway/app/metrics.h"
#include "gateway/app/reload.h"

namespace lastmile::app {

// The whole gateway: media workers, WebSocket thread and signalling thread, started in this order
// and stopped in reverse. Thread: main.
class Gateway {
 public:
  explicit Gateway(Config config);
  ~Gateway();

  // The error names the key of the listener and the cause. What was started is stopped again.
  Result<void> Start();
  // What a person needs to know: one line for each address that is open. After Start().
  std::vector<std::string> Greeting() const;
  void Stop();
  // Between Start() and Stop(). Waits for the signalling thread's next turn.
  GatewayGauges gauges();
  const std::string& config_file() const { return config_.file; }
  // The next call goes by what the configuration file says now, if that is without mistakes; what
  // came of it is logged. Between Start() and Stop().
  void ReloadRoutes();
  void LogGauges();  // one line "gauges calls=0 ..."

 private:
  struct Parts;
  Result<void> StartParts();

  const Config config_;
  Reload reload_;
  std::unique_ptr<Parts> parts_;
  std::vector<std::string> greeting_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_GATEWAY_H_

#ifndef LASTMILE_GATEWAY_APP_METRICS_H_
#define LASTMILE_GATEWAY_APP_METRICS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gateway/app/call_manager.h"
#include "gateway/app/call_record.h"
#include "media_anchor/io/media_engine.h"
#include "ws/server.h"

namespace lastmile::app {

// What is in use at one moment.
struct GatewayGauges {
  CallManagerGauges signalling;
  media::MediaGauges media;
  ws::Gauges ws;
};

// How often values fell into which range, as Prometheus counts it.
class Histogram {
 public:
  explicit Histogram(std::vector<uint64_t> bounds);  // upper ones, ascending

  void Observe(uint64_t value);
  // `labels`: `leg="trunk"`, or "".
  void Write(std::string_view name, std::string_view labels, std::string& out) const;

 private:
  std::vector<uint64_t> bounds_;
  std::vector<uint64_t> counts_;  // one more than bounds: the last is for what is above all
  uint64_t sum_ = 0;
};

// What ended calls left behind, for monitoring. No label ever names a user or a call.
// Thread: signalling.
class Metrics {
 public:
  void Count(const CallRecord& record);
  // Prometheus text exposition format 0.0.4.
  std::string Text(const GatewayGauges& gauges) const;

 private:
  void ObserveSdp(const std::string& leg, const std::string& direction, size_t bytes);

  std::map<std::string, uint64_t> calls_;        // by labels
  std::map<std::string, uint64_t> over_budget_;  // by labels
  std::map<std::string, Histogram> sdp_bytes_;   // by labels
  std::map<std::string, Histogram> invite_bytes_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_METRICS_H_

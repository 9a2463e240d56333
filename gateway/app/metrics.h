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
  explicit Histogram(std::vector<double> bounds);  // upper ones, ascending

  void Observe(double value);
  // `labels`: `leg="trunk"`, or "".
  void Write(std::string_view name, std::string_view labels, std::string& out) const;

 private:
  std::vector<double> bounds_;
  std::vector<uint64_t> counts_;  // one more than bounds: the last is for what is above all
  double sum_ = 0;
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
  void ObserveQuality(const std::string& leg, const media::LegQuality& quality);
  void WriteQuality(std::string& out) const;
  void ObserveStream(const std::string& labels, const media::StreamQuality& stream);

  std::map<std::string, uint64_t> calls_;        // by labels
  std::map<std::string, uint64_t> over_budget_;  // by labels
  std::map<std::string, Histogram> sdp_bytes_;   // by labels
  std::map<std::string, Histogram> invite_bytes_;
  std::map<std::string, uint64_t> rtp_packets_;  // these by labels, too
  std::map<std::string, uint64_t> rtp_lost_;
  std::map<std::string, Histogram> mos_;
  std::map<std::string, Histogram> jitter_;
  std::map<std::string, Histogram> rtt_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_METRICS_H_

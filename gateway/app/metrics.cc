#include "gateway/app/metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace lastmile::app {
namespace {

// 1300 is the budget that keeps a message within one datagram.
const std::vector<double> kByteBounds = {128, 256, 512, 1024, 1300, 2048, 4096, 8192, 16384};
// Where the categories of ITU-T G.109 end: 3.1 nearly all dissatisfied, 3.6 many, 4.03 some.
const std::vector<double> kMosBounds = {1.5, 2, 2.58, 3.1, 3.6, 4.03, 4.34};
const std::vector<double> kJitterBounds = {0.001, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1};
const std::vector<double> kRttBounds = {0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1};

std::string Escaped(std::string_view value) {
  std::string escaped;
  for (const char c : value) {
    if (c == '\n') {
      escaped += "\\n";
      continue;
    }
    if (c == '\\' || c == '"') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string_view ResultOf(const CallRecord& record) {
  if (record.summary.answered) return "answered";
  const int status = record.summary.status;
  if (status == 487) return "cancelled";
  return status >= 500 && status < 600 ? "failed" : "rejected";
}

void WriteHead(std::string_view name, std::string_view type, std::string_view help,
               std::string& out) {
  out += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, type);
}

void WriteGauge(std::string_view name, std::string_view help, size_t value, std::string& out) {
  WriteHead(name, "gauge", help, out);
  out += fmt::format("{} {}\n", name, value);
}

void WriteCounters(std::string_view name, std::string_view help,
                   const std::map<std::string, uint64_t>& counters, std::string& out) {
  WriteHead(name, "counter", help, out);
  for (const auto& [labels, count] : counters) {
    out += fmt::format("{}{{{}}} {}\n", name, labels, count);
  }
}

// A trunk that is not asked has no round trip, and one without an account no registration.
void WriteTrunks(const std::vector<trunk::TrunkStatus>& trunks, std::string& out) {
  std::string up;
  std::string rtt;
  std::string registered;
  for (const trunk::TrunkStatus& status : trunks) {
    const std::string labels = fmt::format("{{trunk=\"{}\"}}", Escaped(status.trunk));
    up += fmt::format("lastmile_trunk_up{} {}\n", labels, status.up_servers > 0 ? 1 : 0);
    if (status.rtt > Duration::zero()) {
      rtt += fmt::format("lastmile_trunk_options_rtt_seconds{} {:.6f}\n", labels,
                         std::chrono::duration<double>(status.rtt).count());
    }
    if (status.registers) {
      registered +=
          fmt::format("lastmile_trunk_registered{} {}\n", labels, status.registered ? 1 : 0);
    }
  }
  WriteHead("lastmile_trunk_up", "gauge", "Whether a server of the trunk takes calls.", out);
  out += up;
  WriteHead("lastmile_trunk_options_rtt_seconds", "gauge",
            "Round trip of OPTIONS to the trunk's fastest server.", out);
  out += rtt;
  WriteHead("lastmile_trunk_registered", "gauge", "Whether the trunk's own account is registered.",
            out);
  out += registered;
}

void WriteHistograms(std::string_view name, std::string_view help,
                     const std::map<std::string, Histogram>& histograms, std::string& out) {
  WriteHead(name, "histogram", help, out);
  for (const auto& [labels, histogram] : histograms) histogram.Write(name, labels, out);
}

// A hold is no fault.
std::map<std::string, uint64_t> CountFaults(
    const std::array<uint64_t, media::kSilenceCauses>& faults) {
  std::map<std::string, uint64_t> counts;
  for (size_t i = 0; i < faults.size(); ++i) {
    if (static_cast<media::SilenceCause>(i) == media::SilenceCause::kOnHold) continue;
    counts[fmt::format("cause=\"{}\"", call::kSilenceCauseWords[i])] = faults[i];
  }
  return counts;
}

}  // namespace

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {}

void Histogram::Observe(double value) {
  const auto bound = std::ranges::lower_bound(bounds_, value);
  ++counts_[static_cast<size_t>(bound - bounds_.begin())];
  sum_ += value;
}

void Histogram::Write(std::string_view name, std::string_view labels, std::string& out) const {
  const std::string before = labels.empty() ? "" : std::string(labels) + ",";
  const std::string alone = labels.empty() ? "" : fmt::format("{{{}}}", labels);
  uint64_t total = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    total += counts_[i];
    out += fmt::format("{}_bucket{{{}le=\"{}\"}} {}\n", name, before, bounds_[i], total);
  }
  total += counts_.back();
  out += fmt::format("{}_bucket{{{}le=\"+Inf\"}} {}\n", name, before, total);
  out += fmt::format("{}_sum{} {}\n{}_count{} {}\n", name, alone, sum_, name, alone, total);
}

void Metrics::Count(const CallRecord& record) {
  const std::string trunk = fmt::format("trunk=\"{}\"", Escaped(record.parties.trunk));
  ++calls_[fmt::format("{},direction=\"{}\",result=\"{}\"", trunk, call::ToString(record.direction),
                       ResultOf(record))];
  const call::CallSummary& summary = record.summary;
  if (summary.over_budget) ++over_budget_[trunk];
  const bool from_browser = record.direction == call::CallDirection::kFromBrowser;
  const std::string caller = from_browser ? "browser" : "trunk";
  const bool to_browser = record.direction == call::CallDirection::kFromTrunk;
  const std::string callee = to_browser ? "browser" : "trunk";
  ObserveSdp(caller, "in", summary.sdp.offer_in);
  ObserveSdp(callee, "out", summary.sdp.offer_out);
  ObserveSdp(callee, "in", summary.sdp.answer_in);
  ObserveSdp(caller, "out", summary.sdp.answer_out);
  if (summary.invite_bytes > 0) {
    invite_bytes_.try_emplace("leg=\"trunk\",dir=\"out\"", kByteBounds)
        .first->second.Observe(static_cast<double>(summary.invite_bytes));
  }
  const bool bridge = record.direction == call::CallDirection::kBetweenTrunks;
  ObserveQuality(bridge ? "trunk" : "browser", summary.media.browser);
  ObserveQuality("trunk", summary.media.trunk);
}

void Metrics::ObserveQuality(const std::string& leg, const media::LegQuality& quality) {
  const std::string label = fmt::format("leg=\"{}\"", leg);
  if (quality.received) ObserveStream(label + ",dir=\"in\"", *quality.received);
  if (quality.sent) ObserveStream(label + ",dir=\"out\"", *quality.sent);
  if (!quality.rtt) return;
  rtt_.try_emplace(label, kRttBounds)
      .first->second.Observe(std::chrono::duration<double>(*quality.rtt).count());
}

void Metrics::ObserveStream(const std::string& labels, const media::StreamQuality& stream) {
  rtp_packets_[labels] += stream.packets;
  rtp_lost_[labels] += stream.lost;
  jitter_.try_emplace(labels, kJitterBounds)
      .first->second.Observe(std::chrono::duration<double>(stream.jitter).count());
  if (stream.mos) mos_.try_emplace(labels, kMosBounds).first->second.Observe(*stream.mos);
}

void Metrics::ObserveSdp(const std::string& leg, const std::string& direction, size_t bytes) {
  if (bytes == 0) return;  // this description never was
  const std::string labels = fmt::format("leg=\"{}\",dir=\"{}\"", leg, direction);
  sdp_bytes_.try_emplace(labels, kByteBounds).first->second.Observe(static_cast<double>(bytes));
}

std::string Metrics::Text(const GatewayGauges& gauges) const {
  std::string out;
  WriteGauge("lastmile_calls_active", "Calls that are set up or ringing.", gauges.signalling.calls,
             out);
  WriteGauge("lastmile_registrations", "Browser users that are registered.",
             gauges.signalling.registrations, out);
  WriteGauge("lastmile_pbx_registrations", "Users who are registered at their PBX.",
             gauges.signalling.pbx_registrations, out);
  WriteGauge("lastmile_sip_dialogs", "Dialogs on both legs.", gauges.signalling.dialogs, out);
  WriteGauge("lastmile_sip_transactions", "Transactions on both legs.",
             gauges.signalling.transactions, out);
  WriteGauge("lastmile_trunk_streams", "TCP and TLS connections with carriers.",
             gauges.signalling.trunk_streams, out);
  WriteTrunks(gauges.signalling.trunks, out);
  WriteGauge("lastmile_subscriptions", "Subscriptions of browsers at PBXs.",
             gauges.signalling.subscriptions, out);
  WriteGauge("lastmile_ws_connections",
             "Connections with browsers: WebSockets, and those that fetch the page.",
             gauges.ws.connections, out);
  WriteGauge("lastmile_media_sessions", "Media sessions.", gauges.media.sessions, out);
  WriteGauge("lastmile_media_ports_in_use", "UDP ports bound towards carriers.",
             gauges.media.ports_in_use, out);
  WriteGauge("lastmile_media_tcp_connections",
             "TCP connections of browsers for media, and such as have not shown a call's check.",
             gauges.media.tcp_connections, out);
  const browser::AuthFailures& failures = gauges.signalling.auth_failures;
  WriteCounters("lastmile_auth_failures_total", "Credentials of browsers that let nobody in.",
                {{"reason=\"limited\"", failures.limited},
                 {"reason=\"password\"", failures.password},
                 {"reason=\"token\"", failures.token},
                 {"reason=\"unavailable\"", failures.unavailable}},
                out);
  std::map<std::string, uint64_t> refusals;
  for (size_t i = 0; i < route::kLimitScopes.size(); ++i) {
    refusals[fmt::format("limit=\"{}\"", route::kLimitScopes[i])] =
        gauges.signalling.limit_refusals[i];
  }
  WriteCounters("lastmile_calls_limited_total", "Calls that a limit refused.", refusals, out);
  WriteCounters("lastmile_media_faults_total",
                "Directions of calls whose audio was silent and should not be.",
                CountFaults(gauges.signalling.media_faults), out);
  WriteCounters("lastmile_media_tcp_refused_total",
                "TCP connections for media that ended without a check of a call.",
                {{"", gauges.media.tcp_refused}}, out);
  WriteCounters("lastmile_calls_total", "Calls that are over.", calls_, out);
  WriteCounters("lastmile_sdp_over_budget_total",
                "Offers that stayed over their trunk's budget with nothing left to remove.",
                over_budget_, out);
  WriteHistograms("lastmile_sdp_bytes", "Size of the first offer and answer of a call.", sdp_bytes_,
                  out);
  WriteHistograms("lastmile_invite_bytes", "Size of INVITEs, head and SDP.", invite_bytes_, out);
  WriteQuality(out);
  return out;
}

void Metrics::WriteQuality(std::string& out) const {
  WriteCounters("lastmile_rtp_packets_total",
                "Packets of audio of calls that are over: in from a leg, out to one that reports.",
                rtp_packets_, out);
  WriteCounters("lastmile_rtp_lost_total", "Those of them that did not arrive.", rtp_lost_, out);
  WriteHistograms("lastmile_mos", "Mean opinion score of a leg's audio in a call (ITU-T G.107).",
                  mos_, out);
  WriteHistograms("lastmile_rtp_jitter_seconds", "Jitter of a leg's audio in a call.", jitter_,
                  out);
  WriteHistograms("lastmile_rtp_rtt_seconds", "Round trip of a leg in a call, by its RTCP.", rtt_,
                  out);
}

}  // namespace lastmile::app

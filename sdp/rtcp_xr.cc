#include "sdp/rtcp_xr.h"

#include <string>
#include <string_view>

#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kName = "rtcp-xr";
constexpr std::string_view kRoundTrip = "rcvr-rtt=";
constexpr std::string_view kVoipMetrics = "voip-metrics";
// "rcvr-rtt=all:10000": bytes that an answer to times may have, of which one needs so many.
constexpr uint64_t kAnswerSize = 16;

RtcpXr::RoundTrip RoundTripOf(std::string_view mode) {
  const size_t colon = mode.find(':');
  if (colon != std::string_view::npos) {
    const auto size = ToNumber(mode.substr(colon + 1), UINT32_MAX);
    if (!size || *size < kAnswerSize) return RtcpXr::RoundTrip::kNone;
    mode = mode.substr(0, colon);
  }
  if (mode == "all") return RtcpXr::RoundTrip::kAll;
  return mode == "sender" ? RtcpXr::RoundTrip::kSenders : RtcpXr::RoundTrip::kNone;
}

}  // namespace

RtcpXr ReadRtcpXr(const SessionDescription& description, const MediaSection& section) {
  RtcpXr asked;
  const Line* line = FindAttribute(section.lines, kName);
  if (!line) line = FindAttribute(description.session, kName);
  if (!line) return asked;
  for (Scanner scanner(AttributeOf(*line).value); !scanner.done();) {
    const std::string_view word = scanner.Word();
    if (word == kVoipMetrics) {
      asked.voip_metrics = true;
    } else if (word.starts_with(kRoundTrip)) {
      asked.round_trip = RoundTripOf(word.substr(kRoundTrip.size()));
    }
  }
  return asked;
}

void AddRtcpXr(std::vector<Line>& lines, const RtcpXr& asked) {
  std::string value;
  if (asked.round_trip != RtcpXr::RoundTrip::kNone) value = std::string(kRoundTrip) + "all";
  if (asked.voip_metrics) value += (value.empty() ? "" : " ") + std::string(kVoipMetrics);
  if (!value.empty()) AddAttribute(lines, kName, value);
}

}  // namespace lastmile::sdp

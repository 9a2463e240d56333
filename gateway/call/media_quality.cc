#include "gateway/call/media_quality.h"

#include <fmt/format.h>

#include <chrono>

#include "base/log.h"
#include "gateway/call/media_health.h"

namespace lastmile::call {
namespace {

long long Milliseconds(Duration duration) {
  return std::chrono::round<std::chrono::milliseconds>(duration).count();
}

std::string Describe(const media::StreamQuality& stream) {
  return fmt::format("{} ({:.1f} % lost, {:.1f} % in the worst 5 s, jitter {} ms)",
                     stream.mos ? fmt::format("MOS {:.2f}", *stream.mos) : "no MOS of its codec",
                     100 * stream.loss, 100 * stream.worst_loss, Milliseconds(stream.jitter));
}

std::string Describe(const media::HeardQuality& heard) {
  const auto mos = heard.mos_cq ? heard.mos_cq : heard.mos_lq;
  return fmt::format("it says itself {} ({:.1f} % lost, {:.1f} % discarded)",
                     mos ? fmt::format("MOS {:.1f}", *mos) : "no MOS", 100 * heard.loss,
                     100 * heard.discarded);
}

}  // namespace

std::string DescribeQuality(const media::LegQuality& quality) {
  if (!quality.received && !quality.sent && !quality.heard) return "";
  const std::string from =
      quality.received ? "from it " + Describe(*quality.received) : "nothing came from it";
  const std::string to = quality.sent ? "to it " + Describe(*quality.sent)
                                      : "it reported nothing of what was sent to it";
  const std::string rtt =
      quality.rtt ? fmt::format("round trip {} ms", Milliseconds(*quality.rtt)) : "no round trip";
  std::string words = fmt::format("{}; {}; {}", from, to, rtt);
  if (quality.heard) words += "; " + Describe(*quality.heard);
  if (quality.malformed_xr > 0) {
    words += fmt::format("; {} of its extended reports were malformed", quality.malformed_xr);
  }
  return words;
}

void LogQuality(CallId id, bool bridge, const media::SessionStats& stats) {
  const auto log = [&](media::MediaLeg leg, const media::LegQuality& quality) {
    const std::string words = DescribeQuality(quality);
    if (words.empty()) return;
    spdlog::info("call={} leg={} audio {}", id.value, NameOf(leg, bridge), words);
  };
  log(media::MediaLeg::kBrowser, stats.browser);
  log(media::MediaLeg::kTrunk, stats.trunk);
}

}  // namespace lastmile::call

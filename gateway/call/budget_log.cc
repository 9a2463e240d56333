#include "gateway/call/budget_log.h"

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"

namespace lastmile::call {
namespace {

// "budget.rtpmap 2 times (why), budget.codec (why)", in the order of the ladder. Without what rules
// of the trunk did.
std::string StepsOf(const sdp::EditTrail& trail) {
  std::vector<std::pair<const sdp::Note*, int>> steps;
  for (uint32_t number = 1; const sdp::Note* note = trail.note(number); ++number) {
    if (!note->rule.starts_with("budget.")) continue;
    if (!steps.empty() && *steps.back().first == *note) {
      ++steps.back().second;
    } else {
      steps.emplace_back(note, 1);
    }
  }
  std::string text;
  for (const auto& [note, times] : steps) {
    const std::string count = times == 1 ? "" : fmt::format(" {} times", times);
    text += fmt::format("{}{}{} ({})", text.empty() ? "" : ", ", note->rule, count, note->reason);
  }
  return text;
}

}  // namespace

std::string DescribeBudget(const sdp::TrunkBuild& build, size_t invite_head_bytes,
                           const TrunkPolicy& policy) {
  const std::string steps = StepsOf(build.trail);
  if (build.fits && steps.empty()) return "";
  std::string why = "nothing can be taken out of the SDP";
  if (!steps.empty()) {
    why = fmt::format("the SDP had {} bytes before {}{}", build.bytes_before_budget, steps,
                      build.fits ? "" : "; nothing else can be taken out of it");
  }
  return fmt::format(
      "INVITE of at most {} bytes, {} of them SDP, {} the trunk's budget (invite {}, sdp {}): {}",
      invite_head_bytes + build.bytes, build.bytes, build.fits ? "within" : "over",
      policy.max_invite_bytes, policy.sdp.max_sdp_bytes, why);
}

void LogBudget(CallId call, const sdp::TrunkBuild& build, size_t invite_head_bytes,
               const TrunkPolicy& policy) {
  const std::string text = DescribeBudget(build, invite_head_bytes, policy);
  if (text.empty()) return;
  spdlog::log(build.fits ? spdlog::level::info : spdlog::level::warn, "call={} leg=trunk {}",
              call.value, text);
}

}  // namespace lastmile::call

#include "gateway/call/rehearsal.h"

#include <variant>
#include <vector>

#include "sdp/parser.h"

namespace lastmile::call {
namespace {

template <class T>
const T* Find(const std::vector<CallOutput>& outputs) {
  for (const CallOutput& output : outputs) {
    if (const T* found = std::get_if<T>(&output)) return found;
  }
  return nullptr;
}

}  // namespace

Result<Rehearsal, sdp::Refusal> Rehearse(const std::string& offer, const CallSettings& settings,
                                         const media::SessionOpened& opened) {
  const auto input = sdp::Parse(offer);
  if (!input) {
    return std::unexpected(
        sdp::Refusal{.sip_status = 400, .reason = "SDP " + input.error().ToString()});
  }
  Call call({1}, opened.session, settings);
  std::vector<CallOutput> outputs;
  call.On(Invited{offer}, TimePoint{}, outputs);
  call.On(MediaOpened{opened}, TimePoint{}, outputs);
  if (const auto* refused = Find<AnswerCaller>(outputs)) {
    return std::unexpected(sdp::Refusal{.sip_status = refused->status, .reason = refused->warning});
  }
  Rehearsal rehearsal;
  rehearsal.sdp = Find<PlaceCallee>(outputs)->offer;
  if (settings.direction == CallDirection::kFromBrowser) {
    const sdp::TrunkBuild& build = call.trunk_leg().last_build();
    rehearsal.fits = build.fits;
    rehearsal.rules_problem = build.rules_problem;
    rehearsal.log = sdp::Explain(*input, build.tree, build.trail, sdp::Towards::kTrunk);
  } else {
    const auto output = sdp::Parse(rehearsal.sdp);
    rehearsal.log = sdp::Explain(*input, *output, {}, sdp::Towards::kBrowser);
  }
  return rehearsal;
}

}  // namespace lastmile::call

#ifndef LASTMILE_GATEWAY_CALL_REHEARSAL_H_
#define LASTMILE_GATEWAY_CALL_REHEARSAL_H_

#include <string>

#include "base/result.h"
#include "gateway/call/call.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/edit_log.h"
#include "sdp/offer_answer.h"

namespace lastmile::call {

// What a Call would say to one side because of an offer of the other.
struct Rehearsal {
  std::string sdp;
  sdp::EditLog log;
  bool fits = true;           // into the trunk's budget
  std::string rules_problem;  // not empty: the trunk's rules were not applied, and why
};

// Gives `offer` to a Call as its caller's and takes what the Call would send on: to the trunk for
// CallDirection::kFromBrowser, to the browser otherwise. `opened` is what the media anchor would
// have opened. The live path and this one are the same code. Refused as the call would be. Pure.
// Thread: any.
Result<Rehearsal, sdp::Refusal> Rehearse(const std::string& offer, const CallSettings& settings,
                                         const media::SessionOpened& opened);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_REHEARSAL_H_

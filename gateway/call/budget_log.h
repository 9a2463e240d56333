#ifndef LASTMILE_GATEWAY_CALL_BUDGET_LOG_H_
#define LASTMILE_GATEWAY_CALL_BUDGET_LOG_H_

#include <cstddef>
#include <string>

#include "gateway/call/call_io.h"
#include "gateway/call/trunk_policy.h"
#include "sdp/trunk_profile.h"

// Why the offer to a trunk is shorter than the call would have it, or its INVITE longer than the
// trunk's budget. Pure but for the log. Thread: any.
namespace lastmile::call {

// The edit log of that offer as far as the budget made it: the sizes in bytes, and each step that
// was taken with its reason. The head is as long as it can become (its Content-Length has four
// digits). Empty: none was taken, and the INVITE fits.
std::string DescribeBudget(const sdp::TrunkBuild& build, size_t invite_head_bytes,
                           const TrunkPolicy& policy);

// The same as a line of the log: a warning if the INVITE does not fit.
void LogBudget(CallId call, const sdp::TrunkBuild& build, size_t invite_head_bytes,
               const TrunkPolicy& policy);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_BUDGET_LOG_H_

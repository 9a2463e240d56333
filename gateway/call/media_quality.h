#ifndef LASTMILE_GATEWAY_CALL_MEDIA_QUALITY_H_
#define LASTMILE_GATEWAY_CALL_MEDIA_QUALITY_H_

#include <string>

#include "gateway/call/call_io.h"
#include "media_anchor/core/leg_plan.h"

// How the audio of a call was, in words. Thread: any.
namespace lastmile::call {

// "from it MOS 4.38 (0.6 % lost, 2.0 % in the worst 5 s, jitter 2 ms); to it MOS 4.31 (...); round
// trip 48 ms". Empty: nothing is known.
std::string DescribeQuality(const media::LegQuality& quality);

// A line for each leg of which something is known.
void LogQuality(CallId id, bool bridge, const media::SessionStats& stats);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_MEDIA_QUALITY_H_

#ifndef LASTMILE_SDP_BUDGET_H_
#define LASTMILE_SDP_BUDGET_H_

#include <cstddef>

#include "sdp/edit_log.h"
#include "sdp/model.h"

// How a description is made to fit. Pure. Thread: any.
namespace lastmile::sdp {

// Removes from `description`, step by step and only until it fits into `max_bytes`, of the audio
// and the video in use:
//   1. what no peer needs: a=ptime:20, a=maxptime, a=fmtp 0-15 of telephone-event (RFC 4733 section
//      7.1.1: what no line means), a=rtpmap of static payload types (RFC 3551)
//   2. telephone-event at clock rates other than the first codec's
//   3. the least preferred video codecs, variants of one codec before another codec; one always
//   stays, and so does the section
//   4. the least preferred audio codecs; one always stays
// Says whether it fits now.
bool ShrinkToBudget(SessionDescription& description, size_t max_bytes, EditTrail& trail);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_BUDGET_H_

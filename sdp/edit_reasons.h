#ifndef LASTMILE_SDP_EDIT_REASONS_H_
#define LASTMILE_SDP_EDIT_REASONS_H_

#include "sdp/edit_log.h"
#include "sdp/model.h"

// Why the legs write what they write, line by line. Internal to sdp/. Pure.
namespace lastmile::sdp {

Note ReasonFor(const Line& line, Fate fate, Towards towards);
Note RefusedSectionReason();

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_EDIT_REASONS_H_

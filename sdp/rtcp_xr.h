#ifndef LASTMILE_SDP_RTCP_XR_H_
#define LASTMILE_SDP_RTCP_XR_H_

#include <vector>

#include "sdp/model.h"
#include "sdp/offer_answer.h"

// a=rtcp-xr (RFC 3611 section 5). Internal to sdp/. Pure.
namespace lastmile::sdp {

// That of a section, else of the session. Parameters that are not known, and values that are none,
// ask for nothing.
RtcpXr ReadRtcpXr(const SessionDescription& description, const MediaSection& section);
// In an answer, and in later offers to who has offered it: the gateway wants to be sent the same,
// and answers times whether it sends media or not. Nothing was asked for: no line.
void AddRtcpXr(std::vector<Line>& lines, const RtcpXr& asked);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_RTCP_XR_H_

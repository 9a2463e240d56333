#ifndef LASTMILE_SDP_WRITER_H_
#define LASTMILE_SDP_WRITER_H_

#include <string>

#include "sdp/model.h"

namespace lastmile::sdp {

// The tree as text: the bytes it was parsed from, where nothing was changed. A line without an end
// that is no longer the last one gets CRLF. Pure. Thread: any.
std::string Print(const SessionDescription& description);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_WRITER_H_

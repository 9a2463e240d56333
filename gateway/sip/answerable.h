#ifndef LASTMILE_GATEWAY_SIP_ANSWERABLE_H_
#define LASTMILE_GATEWAY_SIP_ANSWERABLE_H_

#include <optional>

#include "gateway/sip/message.h"
#include "gateway/sip/precheck.h"

namespace lastmile::sip {

// What a response to a broken request needs, read with as much patience as its sender may need: the
// Vias down to the first without a transport or a sent-by, From, To, Call-ID and a CSeq with a
// method; of repeated headers the first. A URI that no grammar can read, or that is over the bounds
// of Precheck, becomes sip:anonymous.invalid, a CSeq number 0. None: a response, an ACK, or one of
// the five is not there. Thread: any, pure.
std::optional<Message> ReadAnswerable(const RawMessage& raw);

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_ANSWERABLE_H_

#ifndef LASTMILE_GATEWAY_TRUNK_INVITE_BUDGET_H_
#define LASTMILE_GATEWAY_TRUNK_INVITE_BUDGET_H_

#include <cstddef>
#include <string>

#include "gateway/sip/message.h"

// The last look at what goes to a trunk: whatever made an INVITE long (the offer, the account's
// headers, credentials that a challenge asked for, the route of a dialog), it does not leave over
// the trunk's budget without a word. Pure. Thread: any.
namespace lastmile::trunk {

// What the log says of a message that is an INVITE and has `bytes` on the wire, more than `budget`:
// the sizes of its parts and the Call-ID, if it is ours (the first of a dialog). Empty: any other.
std::string DescribeOverBudget(const sip::Message& message, size_t bytes, size_t budget);

}  // namespace lastmile::trunk

#endif  // LASTMILE_GATEWAY_TRUNK_INVITE_BUDGET_H_

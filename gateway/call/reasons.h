#ifndef LASTMILE_GATEWAY_CALL_REASONS_H_
#define LASTMILE_GATEWAY_CALL_REASONS_H_

#include <string>
#include <string_view>

namespace lastmile::call {

// The code a browser is told for a carrier's failure (300-699). JsSIP gives words to a few codes
// only; every other one would reach the page as "SIP Failure Code". 503 stays 503. The carrier's
// own code travels in the Reason header.
int StatusForBrowser(int carrier_status);

// The code a carrier is told for a browser's failure. `408` and `503` mean that the browser did not
// answer or lost its connection: for the carrier the user is unavailable.
int StatusForTrunk(int browser_status);

// `SIP;cause=486;text="Busy Here"` (RFC 3326).
std::string SipReason(int status, std::string_view text);

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_REASONS_H_

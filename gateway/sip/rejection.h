#ifndef LASTMILE_GATEWAY_SIP_REJECTION_H_
#define LASTMILE_GATEWAY_SIP_REJECTION_H_

#include <optional>
#include <string>

#include "gateway/sip/codec.h"

namespace lastmile::sip {

// The answer to a message that Parse() refused, as text for the connection it came by; nothing
// where nothing may be answered (responses, ACK, headers too broken to copy). Pure. Thread: any.
inline std::optional<std::string> PrintRejection(const ParseError& error) {
  if (!error.answerable || !error.answerable->is_request() || error.answerable->method == "ACK") {
    return std::nullopt;
  }
  Message response = MakeResponse(*error.answerable, error.status, "", "rejected");
  response.SetExtra("Warning", "399 lastmile \"" + error.reason + "\"");
  return Print(response);
}

}  // namespace lastmile::sip

#endif  // LASTMILE_GATEWAY_SIP_REJECTION_H_

#include "gateway/trunk/invite_budget.h"

#include <fmt/format.h>

namespace lastmile::trunk {

std::string DescribeOverBudget(const sip::Message& message, size_t bytes, size_t budget) {
  if (message.method != "INVITE" || bytes <= budget) return "";
  const bool is_first = message.to.tag().empty();
  const bool has_credentials =
      !message.authorizations.empty() || !message.proxy_authorizations.empty();
  return fmt::format(
      "an INVITE of {} bytes is over its budget of {}: {} are its head{}, {} its SDP{}", bytes,
      budget, bytes - message.body.size(), has_credentials ? " with credentials" : "",
      message.body.size(),
      is_first ? fmt::format("; call-id={} cseq={}", message.call_id, message.cseq.number)
               : "; inside a dialog");
}

}  // namespace lastmile::trunk

#include <utility>

#include "gateway/browser/browser_edge.h"

// What the gateway sends to browsers beside calls.
namespace lastmile::browser {

Result<std::vector<sip::ClientRequestId>, NotReachable> BrowserEdge::SendToUser(
    const RequestToUser& request, TimePoint now) {
  const auto bindings = Reach(request.user, request.instance, now);
  if (!bindings) return std::unexpected(bindings.error());
  sip::Parties parties = PartiesOf(request.user, request.caller, request.display_name);
  std::vector<sip::ClientRequestId> sent;
  for (const Binding* binding : *bindings) {
    parties.request_uri = binding->contact.uri;
    sent.push_back(
        user_agent_.SendRequest(binding->flow, request.method, parties, request.extras, now));
  }
  return sent;
}

}  // namespace lastmile::browser

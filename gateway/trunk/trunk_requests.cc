#include <utility>

#include "gateway/trunk/trunk_edge.h"

// What the gateway sends to trunks beside calls.
namespace lastmile::trunk {

sip::ClientRequestId TrunkEdge::SendRequest(const Target& target, std::string_view method,
                                            sip::Extras extras, TimePoint now) {
  const Trunk* trunk = FindTrunk(target.trunk);
  if (!trunk) return {};
  return user_agent_.SendRequest(FlowTo(*trunk), method,
                                 PartiesOf(*trunk, target.number, target.caller), std::move(extras),
                                 now);
}

sip::DialogId TrunkEdge::OpenDialog(const Target& target) {
  const Trunk* trunk = FindTrunk(target.trunk);
  if (!trunk) return {};
  return user_agent_.OpenDialog(FlowTo(*trunk), PartiesOf(*trunk, target.number, target.caller));
}

sip::ClientRequestId TrunkEdge::SendInDialog(sip::DialogId dialog, std::string_view method,
                                             sip::Extras extras, TimePoint now) {
  Reach(dialog);
  return user_agent_.SendInDialog(dialog, method, std::move(extras), now);
}

}  // namespace lastmile::trunk

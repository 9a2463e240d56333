#include <utility>

#include "gateway/sip/privacy.h"
#include "gateway/trunk/trunk_edge.h"

// What the gateway sends to trunks beside calls.
namespace lastmile::trunk {

sip::Parties TrunkEdge::PartiesOf(size_t index, const Target& target, size_t server) const {
  const Trunk& trunk = options_.trunks[index];
  const ConfiguredServer at =
      trunk.is_local ? ConfiguredServer{.host = trunk.host} : pools_[index].configured()[server];
  sip::Parties parties;
  parties.request_uri.user = target.number;
  parties.request_uri.host = at.host;
  parties.request_uri.port = at.port;
  parties.request_uri.params.Set("transport", trunk.tls ? "tls" : "tcp");
  const size_t pbx_user = PbxUserAt(index, target.user);
  const CallerAccount caller = CallerAccountOf(index, target.caller, target.user);
  const auto identity = BuildIdentity(trunk.caller_id, caller, {});
  parties.from = identity ? identity->from : sip::AnonymousAddress();
  parties.account = AccountAt(index, pbx_user);
  parties.to.uri.user = target.number;
  parties.to.uri.host = at.host;
  return parties;
}

sip::ClientRequestId TrunkEdge::SendRequest(const Target& target, std::string_view method,
                                            sip::Extras extras, TimePoint now) {
  const size_t trunk = IndexOf(target.trunk);
  if (trunk == kUnknownPeer) return {};
  return user_agent_.SendRequest(FlowTo(trunk), method, PartiesOf(trunk, target), std::move(extras),
                                 now);
}

sip::DialogId TrunkEdge::OpenDialog(const Target& target) {
  const size_t trunk = IndexOf(target.trunk);
  if (trunk == kUnknownPeer) return {};
  return user_agent_.OpenDialog(FlowTo(trunk), PartiesOf(trunk, target));
}

sip::ClientRequestId TrunkEdge::SendInDialog(sip::DialogId dialog, std::string_view method,
                                             sip::Extras extras, TimePoint now) {
  Reach(dialog);
  return user_agent_.SendInDialog(dialog, method, std::move(extras), now);
}

}  // namespace lastmile::trunk

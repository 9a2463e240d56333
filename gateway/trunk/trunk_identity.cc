#include <iterator>
#include <utility>

#include "gateway/sip/privacy.h"
#include "gateway/trunk/trunk_edge.h"

// Whose calls trunks are told that they get.
namespace lastmile::trunk {

CallerAccount TrunkEdge::CallerAccountOf(size_t trunk, std::string_view caller,
                                         std::string_view user) const {
  CallerAccount account{
      .number = std::string(caller), .user = std::string(user), .host = options_.local_host};
  const size_t pbx_user = PbxUserAt(trunk, user);
  if (pbx_user == Registrations::kNone) return account;
  const PbxUser& pbx = registrations_.account(pbx_user).pbx;
  account.number = pbx.aor;
  account.host = pbx.host;
  account.at_the_pbx = true;
  return account;
}

Result<CallerIdentity, CallerRefused> TrunkEdge::IdentityOf(size_t index,
                                                            const CallRequest& request) const {
  const Trunk& trunk = options_.trunks[index];
  return BuildIdentity(trunk.caller_id, CallerAccountOf(index, request.caller, request.user),
                       {.anonymous = request.anonymous,
                        .diverted_by = request.diverted_by,
                        .target = request.number,
                        .target_host = trunk.host});
}

std::optional<CallerRefused> TrunkEdge::WhyNotShown(const CallRequest& request) const {
  const size_t trunk = IndexOf(request.trunk);
  if (trunk == kUnknownPeer) return std::nullopt;
  auto identity = IdentityOf(trunk, request);
  return identity ? std::nullopt : std::optional(std::move(identity.error()));
}

void TrunkEdge::AddIdentity(size_t trunk, const CallRequest& request,
                            sip::InviteRequest& invite) const {
  auto identity = IdentityOf(trunk, request)
                      .value_or(CallerIdentity{.from = sip::AnonymousAddress(), .headers = {}});
  invite.from = std::move(identity.from);
  auto& headers = invite.extras.headers;
  std::ranges::move(identity.headers, std::back_inserter(headers));
  headers.insert(headers.end(), request.headers.begin(), request.headers.end());
}

}  // namespace lastmile::trunk

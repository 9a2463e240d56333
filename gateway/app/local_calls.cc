#include "gateway/app/local_calls.h"

#include <algorithm>
#include <array>
#include <utility>

namespace lastmile::app {
namespace {

// Where sockets that are bound to `bind` are reached from this machine.
IpAddress ReachedFromHere(const IpAddress& bind) {
  if (!bind.is_any()) return bind;
  if (!bind.is_v6()) return IpAddress::V4(0x7f000001);
  std::array<uint8_t, 16> loopback{};
  loopback.back() = 1;
  return IpAddress::V6(loopback);
}

// All that browsers share, so that two of them have between them what they would have without a
// gateway. Memory has no datagram that an INVITE must fit into.
call::TrunkPolicy PolicyOfLocalTrunk(const IpAddress& media_bind) {
  constexpr size_t kNoBudget = 65535;
  call::TrunkPolicy policy;
  policy.codecs = {"opus", "G722", "PCMU", "PCMA"};
  policy.video = {"VP8", "VP9", "H264", "AV1"};
  policy.sdp.rtcp_mux = true;
  policy.sdp.max_sdp_bytes = kNoBudget;
  policy.max_invite_bytes = kNoBudget;
  policy.media_address = ReachedFromHere(media_bind);
  return policy;
}

}  // namespace

void AddLocalTrunk(CallManagerOptions& options, const IpAddress& media_bind) {
  const bool wanted = std::ranges::any_of(
      options.outbound_routes, [](const OutboundRoute& route) { return !route.user.empty(); });
  if (!wanted) return;
  options.trunk.trunks.push_back(trunk::LocalTrunk());
  options.policies[std::string(trunk::kLocalTrunk)] = PolicyOfLocalTrunk(media_bind);
}

void ReadRouteToUser(YamlSection& section, OutboundRoute route, const std::set<std::string>& users,
                     Config& config) {
  const bool known = config.user_source || users.contains(route.user);
  if (route.user.empty() || (route.user != OutboundRoute::kDialled && !known)) {
    section.Report(section.Find("user"),
                   "there is no user " + route.user + "; $0 is the one who was dialled",
                   Nearest(route.user, users));
  }
  route.trunk = trunk::kLocalTrunk;
  config.outbound_routes.push_back(std::move(route));
}

void CheckTrunkName(YamlSection& trunks, const std::string& name) {
  if (name != trunk::kLocalTrunk) return;
  trunks.Report(trunks.Find(name),
                "`local` is the trunk that leads to users of this gateway: choose another name");
}

}  // namespace lastmile::app

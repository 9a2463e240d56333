#include <utility>

#include "base/log.h"
#include "gateway/sip/codec.h"
#include "gateway/trunk/invite_budget.h"
#include "gateway/trunk/trunk_edge.h"

// The local trunk: one flow, whose other end is the gateway as well. What it carries is printed and
// read as on any stream, so that nothing is possible on it that a carrier could not say.
namespace lastmile::trunk {

Trunk LocalTrunk() {
  Trunk trunk;
  trunk.name = kLocalTrunk;
  trunk.host = "local.invalid";  // RFC 6761: no name server knows it
  // Nothing is lost in memory, and both ends are gone at once with the process.
  trunk.prack = sip::Prack::kNone;
  trunk.session_timer = SessionTimers::kNone;
  trunk.is_local = true;
  // Who does not want to be shown is not, and can call all the same.
  trunk.caller_id.header = IdentityHeader::kPAssertedIdentity;
  return trunk;
}

sip::FlowId TrunkEdge::LocalFlow(size_t trunk) {
  if (!local_flow_) local_flow_ = NewFlow(trunk, false, false);
  return local_flow_;
}

void TrunkEdge::Send(sip::FlowId id, std::string text) {
  if (id == local_flow_) return local_texts_.push_back(std::move(text));
  const auto flow = flows_.find(id);
  if (flow != flows_.end() && !flow->second.inbound && !flow->second.server) {
    flow->second.held += text;
  } else {
    outputs_.push_back(SendBytes{id, std::move(text)});
  }
}

void TrunkEdge::SortOutgoing() {
  for (const sip::OutgoingMessage& outgoing : user_agent_.TakeOutgoing()) {
    std::string text = sip::Print(outgoing.message);
    TellIfOverBudget(outgoing.flow, outgoing.message, text.size());
    Send(outgoing.flow, std::move(text));
  }
}

void TrunkEdge::TellIfOverBudget(sip::FlowId id, const sip::Message& message, size_t bytes) const {
  const auto flow = flows_.find(id);
  if (flow == flows_.end() || flow->second.trunk == kUnknownPeer) return;
  const Trunk& trunk = options_.trunks[flow->second.trunk];
  if (trunk.is_local) return;
  const std::string why = DescribeOverBudget(message, bytes, trunk.invite_budget);
  if (why.empty()) return;
  spdlog::warn("leg=trunk flow={} to trunk {}: {}", id.value, trunk.name, why);
}

// Ends, because a user agent answers by itself only what asks for an answer: a request gets its
// responses, those of an INVITE an ACK, and that is all.
void TrunkEdge::CarryLocal(TimePoint now) {
  if (!local_flow_) return;
  for (SortOutgoing(); !local_texts_.empty(); SortOutgoing()) {
    for (const std::string& text : std::exchange(local_texts_, {})) OnText(local_flow_, text, now);
  }
}

std::string TrunkEdge::UserAt(size_t trunk, std::string_view number) const {
  if (options_.trunks[trunk].is_local) return std::string(number);
  const size_t pbx_user = registrations_.Find(trunk, number);
  return pbx_user == Registrations::kNone ? "" : registrations_.account(pbx_user).pbx.user;
}

std::vector<TrunkEvent> TrunkEdge::TakeEvents(TimePoint now) {
  std::vector<TrunkEvent> out;
  while (TakeRound(out, now)) {
  }
  return out;
}

}  // namespace lastmile::trunk

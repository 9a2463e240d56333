#include <utility>

#include "base/log.h"
#include "gateway/trunk/trunk_edge.h"

// Accounts at carriers and PBXs: whose credentials a request has, and the registrations of users.
namespace lastmile::trunk {

std::vector<Registrations::Account> TrunkEdge::RegistrationAccounts() const {
  std::vector<Registrations::Account> accounts;
  for (const PbxUser& pbx : options_.pbx_users) {
    const size_t index = IndexOf(pbx.trunk);
    if (index == kUnknownPeer) continue;
    const Trunk& trunk = options_.trunks[index];
    accounts.push_back({.pbx = pbx, .trunk = index, .contact = ContactOn(trunk.tls)});
    if (pbx.host.empty()) accounts.back().pbx.host = trunk.host;
  }
  return accounts;
}

void TrunkEdge::SetPresent(std::string_view user, bool present, TimePoint now) {
  registrations_.SetPresent(user, present, now);
}

void TrunkEdge::UnregisterAll(TimePoint now) { registrations_.UnregisterAll(now); }

const Trunk* TrunkEdge::PbxOf(std::string_view user) const {
  const size_t found = registrations_.FindUser(user);
  if (found == Registrations::kNone) return nullptr;
  return &options_.trunks[registrations_.account(found).trunk];
}

size_t TrunkEdge::PbxUserAt(size_t trunk, std::string_view user) const {
  const size_t found = registrations_.FindUser(user);
  if (found == Registrations::kNone || registrations_.account(found).trunk != trunk) {
    return Registrations::kNone;
  }
  return found;
}

sip::AccountId TrunkEdge::AccountAt(size_t trunk, size_t pbx_user) const {
  return pbx_user == Registrations::kNone ? trunk_accounts_[trunk] : pbx_accounts_[pbx_user];
}

void TrunkEdge::SendRegisters(TimePoint now) {
  for (Registrations::Register& next : registrations_.TakeRequests()) {
    const sip::FlowId flow = FlowTo(registrations_.account(next.account).trunk);
    const auto sent = user_agent_.SendRequest(flow, std::move(next.request), now);
    registers_[sent] = next.account;
  }
}

bool TrunkEdge::OnRegisterAnswered(const sip::RequestAnswered& answered, TimePoint now) {
  const auto found = registers_.find(answered.id);
  if (found == registers_.end()) return false;
  const size_t account = found->second;
  registers_.erase(found);
  registrations_.OnAnswered(account, answered.status,
                            answered.response ? &*answered.response : nullptr, now);
  return true;
}

void TrunkEdge::LogChallenge(const sip::InviteRejected& rejected) {
  if (rejected.challenge_fault.empty()) return;
  spdlog::warn("leg=trunk dialog={} the carrier asks for credentials with {}: {}",
               rejected.dialog.value, rejected.status, rejected.challenge_fault);
}

}  // namespace lastmile::trunk

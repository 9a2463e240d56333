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
  for (size_t i = 0; i < options_.trunks.size(); ++i) {
    const Trunk& trunk = options_.trunks[i];
    if (trunk.register_expires == 0 || !trunk.auth) continue;
    accounts.push_back({.pbx = {.user = "",
                                .trunk = trunk.name,
                                .aor = trunk.auth->user,
                                .host = trunk.host,
                                .credentials = *trunk.auth},
                        .trunk = i,
                        .contact = ContactOn(trunk.tls),
                        .expires = trunk.register_expires});
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

std::string TrunkEdge::PbxNumberOf(std::string_view user) const {
  const size_t found = registrations_.FindUser(user);
  return found == Registrations::kNone ? "" : registrations_.account(found).pbx.aor;
}

size_t TrunkEdge::PbxUserAt(size_t trunk, std::string_view user) const {
  const size_t found = registrations_.FindUser(user);
  if (found == Registrations::kNone || registrations_.account(found).trunk != trunk) {
    return Registrations::kNone;
  }
  return found;
}

// A carrier that calls the Contact of the trunk's own account names the number in To, if anywhere.
std::string TrunkEdge::TargetOf(size_t pbx_user, const sip::Message& request) const {
  const PbxUser& pbx = registrations_.account(pbx_user).pbx;
  if (!pbx.user.empty() || request.to.uri.user.empty()) return pbx.aor;
  return request.to.uri.user;
}

sip::AccountId TrunkEdge::AccountAt(size_t trunk, size_t pbx_user) const {
  return pbx_user == Registrations::kNone ? trunk_accounts_[trunk] : pbx_accounts_[pbx_user];
}

void TrunkEdge::SendRegisters(TimePoint now) {
  for (Registrations::Register& next : registrations_.TakeRequests()) {
    const size_t trunk = registrations_.account(next.account).trunk;
    const sip::FlowId flow = RegistrarFlow(trunk);
    const auto sent = user_agent_.SendRequest(flow, std::move(next.request), now);
    registers_[sent] = next.account;
  }
}

bool TrunkEdge::OnRegisterAnswered(const sip::RequestAnswered& answered, TimePoint now) {
  const auto found = registers_.find(answered.id);
  if (found == registers_.end()) return false;
  const size_t account = found->second;
  registers_.erase(found);
  NoteRegistrar(registrations_.account(account).trunk, answered.status);
  registrations_.OnAnswered(account, answered.status,
                            answered.response ? &*answered.response : nullptr, now);
  return true;
}

sip::FlowId TrunkEdge::RegistrarFlow(size_t trunk) {
  const ServerId server = pools_[trunk].Preferred(no_registrars_[trunk]);
  return register_flows_[trunk] = server ? FlowTo(trunk, server) : FlowTo(trunk);
}

// A server that fails is followed by another one, if there is any.
void TrunkEdge::NoteRegistrar(size_t trunk, int status) {
  const auto flow = flows_.find(register_flows_[trunk]);
  const bool failed = status == 408 || (status >= 500 && status < 600);
  if (flow != flows_.end() && failed) no_registrars_[trunk] = flow->second.server;
  if (status >= 200 && status < 300) no_registrars_[trunk] = {};
}

void TrunkEdge::LogChallenge(const sip::InviteRejected& rejected) {
  if (rejected.challenge_fault.empty()) return;
  spdlog::warn("leg=trunk dialog={} the carrier asks for credentials with {}: {}",
               rejected.dialog.value, rejected.status, rejected.challenge_fault);
}

}  // namespace lastmile::trunk

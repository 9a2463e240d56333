#include <algorithm>
#include <utility>

#include "gateway/sip/user_agent_impl.h"

// Credentials of our requests (RFC 3261 section 22).
namespace lastmile::sip {

AccountId UserAgent::Impl::AddAccount(Credentials credentials) {
  const AccountId id = account_ids_.Next();
  accounts_.emplace(id, DigestClient(std::move(credentials), random_));
  return id;
}

void UserAgent::Impl::SetAccount(DialogId dialog, AccountId account) {
  if (Usage* usage = FindUsage(dialog)) usage->account = account;
}

DigestClient* UserAgent::Impl::FindAccount(AccountId account) {
  const auto found = accounts_.find(account);
  return found == accounts_.end() ? nullptr : &found->second;
}

void UserAgent::Impl::Preempt(AccountId account, Message& request) {
  if (DigestClient* client = FindAccount(account)) client->Preempt(request);
}

Result<void> UserAgent::Impl::AnswerInviteChallenge(Usage& usage, const Message& response) {
  DigestClient* client = FindAccount(usage.account);
  if (!client) return Fail("there is no account to answer with");
  if (!FindFlow(usage.flow)) return Fail("the connection is lost");
  auto answered = client->Answer(response, usage.invite, usage.tries);
  if (!answered) return answered;
  usage.legs.clear();
  usage.may_fork = false;
  ++usage.invite.cseq.number;
  return {};
}

Result<void> UserAgent::Impl::AnswerChallenge(FlowId flow, ClientUse& use, const Message& response,
                                              TimePoint now) {
  if (response.status != 401 && response.status != 407) return Fail("");
  DigestClient* client = FindAccount(use.account);
  if (!client || !use.sent) return Fail("there is no account to answer with");
  Usage* usage = FindUsage(use.usage);
  const bool inside = use.kind == ClientUse::Kind::kInside;
  if (usage && usage->state == State::kEnding && !inside) return Fail("the call is over");
  if (!FindFlow(flow)) return Fail("the connection is lost");
  auto answered = client->Answer(response, *use.sent, use.tries);
  if (!answered) return answered;
  Message again = *use.sent;
  again.cseq.number = NextCSeq(usage, again);
  const bool reinvite = use.kind == ClientUse::Kind::kReinvite;
  const TransactionId sent = SendStateful(flow, std::move(again), std::move(use), now);
  if (!reinvite) return {};
  usage->our_reinvite = sent;
  timers_.Set({usage->id, Timer::kReinvite}, now + internal::kReinviteTimeout);
  return {};
}

// The next one of the request's dialog. A fork that was hung up on at once is in no list.
uint32_t UserAgent::Impl::NextCSeq(Usage* usage, const Message& sent) {
  if (usage) {
    const auto leg = std::ranges::find(usage->legs, sent.to.tag(),
                                       [](const Dialog& dialog) { return dialog.remote.tag(); });
    if (leg != usage->legs.end()) return ++leg->local_cseq;
  }
  return sent.cseq.number + 1;
}

}  // namespace lastmile::sip

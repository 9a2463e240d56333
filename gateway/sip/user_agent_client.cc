#include <algorithm>
#include <utility>

#include "base/check.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/session_timer.h"
#include "gateway/sip/user_agent_impl.h"

namespace lastmile::sip {
namespace {

// Section 22.1: a server cannot challenge an ACK, so it carries what the INVITE carried.
void CopyCredentials(const Message& invite, Message& ack) {
  ack.authorizations = invite.authorizations;
  ack.proxy_authorizations = invite.proxy_authorizations;
}

bool IsSuccess(int status) { return status >= 200 && status < 300; }

}  // namespace

// --- INVITE ---

DialogId UserAgent::Impl::Invite(FlowId flow, InviteRequest request, TimePoint now) {
  const DialogId id = dialog_ids_.Next();
  if (FindFlow(flow)) {
    StartInvite(id, flow, std::move(request), now);
  } else {
    events_.push_back(InviteRejected{id, 503, std::nullopt});
  }
  return id;
}

// The flow exists.
void UserAgent::Impl::StartInvite(DialogId dialog, FlowId flow, InviteRequest request,
                                  TimePoint now) {
  Usage& usage = NewUsage(dialog, flow, State::kCalling);
  usage.we_called = true;
  const Duration ring_timeout = request.ring_timeout;
  usage.account = request.account;
  usage.invite = MakeInvite(*FindFlow(flow), std::move(request), usage.local_tag);
  usage.invite.call_id = random_.Token(internal::kCallIdLength);
  Preempt(usage.account, usage.invite);
  timers_.Set({usage.id, Timer::kRing}, now + ring_timeout);
  SendInvite(usage, now);
}

bool UserAgent::Impl::IsUnheard(DialogId dialog) const {
  const auto usage = usages_.find(dialog);
  return usage != usages_.end() && usage->second.state == State::kCalling &&
         !usage->second.proceeding && !usage->second.cancelling;
}

bool UserAgent::Impl::InviteAgain(DialogId dialog, FlowId flow, InviteRequest request,
                                  TimePoint now) {
  if (!FindFlow(flow) || FindUsage(dialog)) return false;
  StartInvite(dialog, flow, std::move(request), now);
  return true;
}

// It goes on under an id that nobody knows, as one that was cancelled before its first response.
void UserAgent::Impl::GiveUp(DialogId dialog, TimePoint now) {
  if (!IsUnheard(dialog)) return;
  events_.push_back(InviteRejected{dialog, 408, std::nullopt});
  timers_.Clear({dialog, Timer::kRing});
  auto node = usages_.extract(dialog);
  const FlowId flow = node.mapped().flow;
  SetFlow(node.mapped(), {});
  node.key() = node.mapped().id = dialog_ids_.Next();
  Usage& usage = usages_.insert(std::move(node)).position->second;
  SetFlow(usage, flow);
  by_local_tag_[usage.local_tag] = usage.id;
  client_uses_.at(usage.invite_transaction).usage = usage.id;
  StartCancel(usage, now);
  End(usage, now);
}

// Without its Call-ID.
Message UserAgent::Impl::MakeInvite(const Flow& flow, InviteRequest request,
                                    const std::string& local_tag) const {
  Message invite;
  invite.method = "INVITE";
  invite.request_uri = std::move(request.request_uri);
  invite.from = std::move(request.from);
  invite.from.params.Set("tag", local_tag);
  invite.to = std::move(request.to);
  invite.cseq = {1, "INVITE"};
  invite.max_forwards = request.max_forwards;
  invite.contacts.emplace_back();
  invite.contacts.back().uri = flow.info.contact;
  invite.allow = AllowOn(flow);
  invite.supported = options_.supported;
  internal::Apply(invite, std::move(request.extras));
  if (flow.info.prack == Prack::kSupported) invite.supported.emplace_back("100rel");
  if (flow.info.prack == Prack::kRequired) invite.require.emplace_back("100rel");
  return invite;
}

size_t UserAgent::Impl::InviteHeadBytes(FlowId id, InviteRequest request) const {
  const auto flow = flows_.find(id);
  if (flow == flows_.end()) return 0;
  constexpr size_t kFourDigits = 1000;
  request.extras.body.assign(kFourDigits, '0');
  const AccountId account_id = request.account;
  Message invite =
      MakeInvite(flow->second, std::move(request), std::string(internal::kTagLength, '0'));
  invite.call_id.assign(internal::kCallIdLength, '0');
  if (const auto account = accounts_.find(account_id); account != accounts_.end()) {
    DigestClient copy = account->second;  // nothing is sent: no nc is spent
    copy.Preempt(invite);
  }
  Stamp(invite, flow->second, std::string(internal::kBranchLength, '0'));
  return Print(invite).size() - kFourDigits;
}

void UserAgent::Impl::SendInvite(Usage& usage, TimePoint now) {
  usage.state = State::kCalling;
  usage.proceeding = false;
  ClientUse use{.kind = ClientUse::Kind::kInvite, .usage = usage.id};
  usage.invite_transaction = SendStateful(usage.flow, usage.invite, std::move(use), now);
}

void UserAgent::Impl::Cancel(DialogId dialog, Extras extras, TimePoint now) {
  Usage* usage = FindUsage(dialog);
  if (!usage) return;
  switch (usage->state) {
    case State::kCalling:
      if (usage->cancelling) return;
      timers_.Clear({dialog, Timer::kRing});
      usage->cancel_headers = std::move(extras.headers);
      StartCancel(*usage, now);
      return;
    case State::kAnswered:
      // The 2xx crossed this command: the caller need not hear of it any more.
      std::erase_if(events_, [&](const UserAgentEvent& event) {
        const auto* accepted = std::get_if<InviteAccepted>(&event);
        return accepted && accepted->dialog == dialog;
      });
      events_.push_back(InviteRejected{dialog, 487, std::nullopt});
      SendAck(*usage, {});
      EndWithBye(*usage, {.headers = std::move(extras.headers)}, now);
      return;
    case State::kIncoming:
    case State::kUnacked:
    case State::kConfirmed:
    case State::kSubscription:
    case State::kEnding:
      return;
  }
}

// No CANCEL before a 1xx (section 9.1): until then it is only wanted.
void UserAgent::Impl::StartCancel(Usage& usage, TimePoint now) {
  usage.cancelling = true;
  if (!usage.proceeding || usage.cancel_sent) return;
  std::optional<OutgoingMessage> cancel = transactions_.MakeCancel(usage.invite_transaction);
  if (!cancel) return;
  usage.cancel_sent = true;
  internal::Apply(cancel->message, {.headers = usage.cancel_headers});
  SendStateful(cancel->flow, std::move(cancel->message), {.usage = usage.id}, now);
  timers_.Set({usage.id, Timer::kCancel}, now + internal::kTimeoutInT1 * options_.t1);
}

// `usage` is not valid afterwards.
void UserAgent::Impl::RejectInvite(Usage& usage, int status, std::optional<Message> response,
                                   TimePoint now, std::string challenge_fault) {
  if (usage.state != State::kEnding) {
    events_.push_back(
        InviteRejected{usage.id, status, std::move(response), std::move(challenge_fault)});
  }
  End(usage, now);
}

// --- responses ---

void UserAgent::Impl::OnResponse(FlowId flow, Message response, TimePoint now) {
  const TransactionId id = transactions_.OnResponse(FindFlow(flow)->owner, response, now);
  const auto found = client_uses_.find(id);
  if (found == client_uses_.end()) return OnStraySuccess(flow, response, now);
  switch (found->second.kind) {
    case ClientUse::Kind::kInvite:
      OnInviteResponse(id, std::move(response), now);
      return;
    case ClientUse::Kind::kReinvite:
      OnReinviteResponse(id, std::move(response), now);
      return;
    case ClientUse::Kind::kRequest:
    case ClientUse::Kind::kInside:
      break;
  }
  if (response.status < 200) return;
  ClientUse use = std::move(found->second);
  client_uses_.erase(found);
  Usage* usage = FindUsage(use.usage);
  const auto retried = AnswerChallenge(flow, use, response, now);
  if (retried) {
    if (usage) --usage->open;
    return;
  }
  if (use.kind == ClientUse::Kind::kRequest) {
    if (usage && !usage->legs.empty() && IsSuccess(response.status)) {
      Dialog& leg = usage->legs.back();
      if (usage->state == State::kSubscription) {
        FollowResponse(leg, response);
      } else if (response.cseq.method == "UPDATE") {
        leg.RefreshTarget(response);
      }
    }
    const int status = response.status;
    events_.push_back(RequestAnswered{use.request, use.usage, status, std::move(response),
                                      retried.error().message});
  }
  if (!usage) return;
  --usage->open;
  EraseIfDone(*usage);
}

void UserAgent::Impl::OnInviteResponse(TransactionId id, Message response, TimePoint now) {
  if (IsSuccess(response.status)) {
    OnInviteSuccess(id, std::move(response), now);
    return;
  }
  Usage& usage = *FindUsage(client_uses_.at(id).usage);
  if (response.status < 200) {
    usage.proceeding = true;
    if (usage.cancelling) StartCancel(usage, now);
    if (response.status == 100 || !IsNews(usage, response)) return;
    TakeEarlyLeg(usage, response);
    Acknowledge(usage, response, now);
    if (usage.state == State::kEnding || usage.cancelling) return;
    events_.push_back(InviteProgress{usage.id, std::move(response)});
    return;
  }
  client_uses_.erase(id);
  --usage.open;
  timers_.Clear({usage.id, Timer::kCancel});
  const int status = response.status;
  if (status == 422 && RaiseInterval(usage, response)) return SendInvite(usage, now);
  if (status != 401 && status != 407) {
    return RejectInvite(usage, status, std::move(response), now);
  }
  // Cancelled: nobody wants another try.
  if (usage.state != State::kCalling || usage.cancelling) {
    return RejectInvite(usage, 487, std::nullopt, now);
  }
  const auto answered = AnswerInviteChallenge(usage, response);
  if (answered) return SendInvite(usage, now);
  RejectInvite(usage, status, std::move(response), now, answered.error().message);
}

// RFC 4028 section 7.4: the INVITE once more, with the interval the peer asks for.
bool UserAgent::Impl::RaiseInterval(Usage& usage, const Message& response) {
  const auto asked = MinSeOf(response);
  const auto ours = SessionExpiresOf(usage.invite);
  if (usage.state != State::kCalling || usage.cancelling || usage.interval_raised || !asked ||
      !ours || *asked <= ours->seconds || !FindFlow(usage.flow)) {
    return false;
  }
  usage.interval_raised = true;
  usage.legs.clear();
  usage.may_fork = false;
  usage.invite.SetExtra("Session-Expires", std::to_string(*asked));
  usage.invite.SetExtra("Min-SE", std::to_string(*asked));
  Preempt(usage.account, usage.invite);  // an nc is good for one request
  ++usage.invite.cseq.number;
  return true;
}

void UserAgent::Impl::TakeEarlyLeg(Usage& usage, const Message& response) {
  const std::string tag = response.to.tag();
  if (tag.empty()) return;
  const auto leg =
      std::ranges::find(usage.legs, tag, [](const Dialog& d) { return d.remote.tag(); });
  if (leg != usage.legs.end()) {
    std::rotate(leg, leg + 1, usage.legs.end());
  } else if (usage.legs.size() < internal::kMaxForks) {
    usage.legs.push_back(Dialog::OfClient(usage.invite, response));
    usage.may_fork = usage.legs.size() > 1;
  } else {
    usage.may_fork = true;
  }
}

void UserAgent::Impl::MarkAccepted(TransactionId id, ClientUse& use, Usage& usage,
                                   const Message& response) {
  use.winner = response.to.tag();
  --usage.open;
  usage.accepted.push_back(id);
  usage.owed_ack = OwedAck{id, response.cseq.number};
}

void UserAgent::Impl::OnInviteSuccess(TransactionId id, Message response, TimePoint now) {
  ClientUse& use = client_uses_.at(id);
  if (use.winner) {
    OnFurtherSuccess(id, response, now);
    return;
  }
  Usage& usage = *FindUsage(use.usage);
  MarkAccepted(id, use, usage, response);
  timers_.Clear({usage.id, Timer::kRing});
  timers_.Clear({usage.id, Timer::kCancel});
  const auto early = std::ranges::find(usage.legs, *use.winner,
                                       [](const Dialog& leg) { return leg.remote.tag(); });
  Dialog leg = early == usage.legs.end() ? Dialog::OfClient(usage.invite, response) : *early;
  leg.Confirm(response);
  usage.may_fork |= early == usage.legs.end() && !usage.legs.empty();
  usage.legs.assign(1, std::move(leg));
  usage.invite.body.clear();
  if (usage.state == State::kCalling && !usage.cancelling) {
    usage.state = State::kAnswered;
    events_.push_back(InviteAccepted{usage.id, std::move(response)});
    return;
  }
  // It crossed our CANCEL; other forks may have answered as well.
  usage.may_fork = true;
  if (usage.state == State::kCalling) {
    events_.push_back(InviteRejected{usage.id, 487, std::nullopt});
  }
  SendAck(usage, {});
  EndWithBye(usage, {.headers = usage.cancel_headers}, now);
}

void UserAgent::Impl::OnFurtherSuccess(TransactionId id, const Message& response, TimePoint now) {
  ClientUse& use = client_uses_.at(id);
  Usage& usage = *FindUsage(use.usage);
  const std::string tag = response.to.tag();
  const auto sent = std::ranges::find(use.acks, tag, &SentAck::to_tag);
  if (sent != use.acks.end()) {
    if (FindFlow(usage.flow)) outgoing_.push_back({usage.flow, sent->ack});
    return;
  }
  if (tag == *use.winner) return;                      // Ack() is owed
  if (use.kind == ClientUse::Kind::kReinvite) return;  // nothing forks inside a dialog
  if (use.acks.size() > internal::kMaxForks || !FindFlow(usage.flow)) return;
  usage.may_fork = true;
  Dialog leg = Dialog::OfClient(usage.invite, response);
  Message ack = leg.Ack(response.cseq.number);
  CopyCredentials(usage.invite, ack);
  Stamp(ack, *FindFlow(usage.flow));
  use.acks.push_back({tag, ack});
  outgoing_.push_back({usage.flow, std::move(ack)});
  SendStateful(usage.flow, leg.NextRequest("BYE"), {.usage = usage.id}, now);
}

// A 2xx to an INVITE of ours whose transaction is over: another fork, for a call that has ended
// meanwhile. Nobody else would tell it (section 13.2.2.4).
void UserAgent::Impl::OnStraySuccess(FlowId id, const Message& response, TimePoint now) {
  const Flow& flow = *FindFlow(id);
  const bool ours = response.vias.size() == 1 && response.vias[0].sent_by == flow.info.via_sent_by;
  if (!IsSuccess(response.status) || response.cseq.method != "INVITE" || !ours ||
      response.to.tag().empty() || response.contacts.empty() ||
      transactions_.size() >= options_.max_transactions) {
    return;
  }
  const auto usage = by_local_tag_.find(response.from.tag());
  if (usage != by_local_tag_.end() &&
      std::ranges::any_of(usages_.at(usage->second).legs, [&](const Dialog& leg) {
        return leg.IsPeer(response.call_id, response.to.tag());
      })) {
    return;  // the call's own, sent once more although it was acknowledged
  }
  Message invite;
  invite.call_id = response.call_id;
  invite.from = response.from;
  invite.cseq = response.cseq;
  Dialog leg = Dialog::OfClient(invite, response);
  SendStateless(id, leg.Ack(response.cseq.number));
  SendStateful(id, leg.NextRequest("BYE"), {}, now);
}

void UserAgent::Impl::OnReinviteResponse(TransactionId id, Message response, TimePoint now) {
  ClientUse& use = client_uses_.at(id);
  Usage& usage = *FindUsage(use.usage);
  const int status = response.status;
  if (status < 200) return;
  if (use.winner) {
    OnFurtherSuccess(id, response, now);
    return;
  }
  const ClientRequestId request = use.request;
  const bool has_body = use.has_body;
  usage.our_reinvite = {};
  timers_.Clear({usage.id, Timer::kReinvite});
  if (!IsSuccess(status)) {
    ClientUse refused = std::move(use);
    client_uses_.erase(id);
    const auto retried = AnswerChallenge(usage.flow, refused, response, now);
    --usage.open;
    if (retried) return;
    events_.push_back(
        RequestAnswered{request, usage.id, status, std::move(response), retried.error().message});
    EraseIfDone(usage);
    return;
  }
  MarkAccepted(id, use, usage, response);
  usage.legs.back().RefreshTarget(response);
  const bool ending = usage.state == State::kEnding;
  events_.push_back(RequestAnswered{request, usage.id, status, std::move(response)});
  if (has_body || ending) SendAck(usage, {});
  EraseIfDone(usage);
}

// 1xx and nothing else: without a 1xx, timer B has ended it.
void UserAgent::Impl::OnReinviteTimeout(Usage& usage, TimePoint now) {
  const TransactionId id = usage.our_reinvite;
  if (std::optional<OutgoingMessage> cancel = transactions_.MakeCancel(id)) {
    SendStateful(cancel->flow, std::move(cancel->message), {.usage = usage.id}, now);
  }
  transactions_.End(id);
  OnClientEnded(id, 408, now);
}

// Timer B, F or M, or the flow was lost.
void UserAgent::Impl::OnClientEnded(TransactionId id, int status, TimePoint now) {
  const ClientUse use = std::move(client_uses_.at(id));
  client_uses_.erase(id);
  Usage* usage = FindUsage(use.usage);
  if (use.winner) {
    std::erase(usage->accepted, id);
    // The ACK may have been lost with the flow, and the peer's next 2xx would find no transaction.
    if (status == 503 && !use.acks.empty()) {
      usage->ack_on_bind = std::make_unique<Message>(use.acks.front().ack);
    }
    EraseIfDone(*usage);
    return;
  }
  if (usage) --usage->open;
  switch (use.kind) {
    case ClientUse::Kind::kInvite:
      timers_.Clear({usage->id, Timer::kCancel});
      RejectInvite(*usage, status, std::nullopt, now);
      return;
    case ClientUse::Kind::kReinvite:
      usage->our_reinvite = {};
      timers_.Clear({usage->id, Timer::kReinvite});
      [[fallthrough]];
    case ClientUse::Kind::kRequest:
      events_.push_back(RequestAnswered{use.request, use.usage, status, std::nullopt});
      break;
    case ClientUse::Kind::kInside:
      break;
  }
  if (usage) EraseIfDone(*usage);
}

// --- ACK ---

void UserAgent::Impl::Ack(DialogId dialog, Extras extras, TimePoint) {
  Usage* usage = FindUsage(dialog);
  if (!usage || usage->state == State::kEnding || !usage->owed_ack) return;
  if (usage->state == State::kAnswered) usage->state = State::kConfirmed;
  SendAck(*usage, std::move(extras));
}

void UserAgent::Impl::SendAck(Usage& usage, Extras extras) {
  const OwedAck owed = *std::exchange(usage.owed_ack, std::nullopt);
  Message ack = usage.legs.back().Ack(owed.cseq);
  const auto use = client_uses_.find(owed.transaction);
  const bool known = use != client_uses_.end();
  CopyCredentials(known && use->second.sent ? *use->second.sent : usage.invite, ack);
  internal::Apply(ack, std::move(extras));
  const Flow* flow = FindFlow(usage.flow);
  if (!flow) {
    usage.ack_on_bind = std::make_unique<Message>(std::move(ack));
    return;
  }
  Stamp(ack, *flow);
  if (known) use->second.acks.push_back({ack.to.tag(), ack});
  outgoing_.push_back({usage.flow, std::move(ack)});
}

// --- other requests ---

ClientRequestId UserAgent::Impl::AnswerAtOnce(DialogId dialog, int status) {
  const ClientRequestId id = request_ids_.Next();
  events_.push_back(RequestAnswered{id, dialog, status, std::nullopt});
  return id;
}

ClientRequestId UserAgent::Impl::SendInDialog(DialogId dialog, std::string_view method,
                                              Extras extras, TimePoint now) {
  LASTMILE_CHECK(method != "ACK" && method != "BYE" && method != "CANCEL");
  Usage* usage = FindUsage(dialog);
  if (!usage || usage->state == State::kEnding || usage->legs.empty()) {
    return AnswerAtOnce(dialog, 481);
  }
  const Flow* flow = FindFlow(usage->flow);
  if (!flow) return AnswerAtOnce(dialog, 503);
  const bool invite = method == "INVITE";
  // Section 14.1: one INVITE at a time in a dialog, whoever sent it.
  if (invite && (usage->state != State::kConfirmed || usage->our_reinvite || usage->owed_ack ||
                 usage->peer_invite || usage->unacked)) {
    return AnswerAtOnce(dialog, 491);
  }
  Message request = usage->legs.back().NextRequest(method);
  if (IsTargetRefresh(method)) {
    request.contacts.emplace_back();
    request.contacts.back().uri = flow->info.contact;
  }
  if (invite) request.allow = AllowOn(*flow);
  internal::Apply(request, std::move(extras));
  const ClientRequestId id = request_ids_.Next();
  ClientUse use{.kind = invite ? ClientUse::Kind::kReinvite : ClientUse::Kind::kRequest,
                .usage = dialog,
                .request = id,
                .has_body = !request.body.empty()};
  const TransactionId sent = SendStateful(usage->flow, std::move(request), std::move(use), now);
  if (!invite) return id;
  usage->our_reinvite = sent;
  timers_.Set({dialog, Timer::kReinvite}, now + internal::kReinviteTimeout);
  return id;
}

ClientRequestId UserAgent::Impl::SendRequest(FlowId flow, Message request, TimePoint now,
                                             AccountId account) {
  LASTMILE_CHECK(request.method != "INVITE" && request.method != "ACK" &&
                 request.method != "CANCEL");
  const Flow* found = FindFlow(flow);
  if (!found) return AnswerAtOnce({}, 503);
  if (request.call_id.empty()) request.call_id = random_.Token(internal::kCallIdLength);
  if (request.contacts.empty() && IsTargetRefresh(request.method)) {
    request.contacts.emplace_back();
    request.contacts.back().uri = found->info.contact;
  }
  if (request.cseq.number == 0) request.cseq.number = 1;
  request.cseq.method = request.method;
  if (request.from.tag().empty()) request.from.params.Set("tag", internal::NewTag(random_));
  if (!request.max_forwards) request.max_forwards = kMaxForwards;
  const ClientRequestId id = request_ids_.Next();
  SendStateful(flow, std::move(request),
               {.kind = ClientUse::Kind::kRequest, .request = id, .account = account}, now);
  return id;
}

}  // namespace lastmile::sip

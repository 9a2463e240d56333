#include "gateway/sip/user_agent.h"

#include <algorithm>
#include <utility>

#include "gateway/sip/lexical.h"
#include "gateway/sip/refer.h"
#include "gateway/sip/user_agent_impl.h"

namespace lastmile::sip {
namespace internal {
namespace {

// Appends the items of a comma-separated list of tokens.
void AppendList(std::vector<std::string>& list, std::string_view value) {
  while (!value.empty()) {
    const size_t comma = value.find(',');
    const std::string_view item = Trim(value.substr(0, comma));
    if (!item.empty()) list.emplace_back(item);
    value = comma == std::string_view::npos ? std::string_view() : value.substr(comma + 1);
  }
}

// RFC 3326 section 2: the name of a protocol and its parameters. It goes on to the other leg, whose
// messages are not to grow by what a peer thinks up.
bool IsReason(std::string_view value) {
  constexpr size_t kMostBytes = 256;
  return value.size() <= kMostBytes && IsToken(Trim(value.substr(0, value.find(';'))));
}

}  // namespace

std::string NewTag(RandomSource& random) { return random.Token(kTagLength); }

std::string ReasonOf(const Message& message) {
  const std::string* reason = message.FindExtra("Reason");
  return reason && IsReason(*reason) ? *reason : std::string();
}

void Apply(Message& message, Extras extras) {
  for (Header& header : extras.headers) {
    if (EqualNoCase(header.name, "Supported")) {
      AppendList(message.supported, header.value);
    } else if (EqualNoCase(header.name, "Require")) {
      AppendList(message.require, header.value);
    } else {
      message.extra.push_back(std::move(header));
    }
  }
  if (extras.body.empty()) return;
  message.content_type = std::move(extras.content_type);
  message.body = std::move(extras.body);
}

}  // namespace internal

Extras Sentence(std::string_view sentence) {
  Extras extras;
  if (!sentence.empty()) {
    extras.headers.push_back({"Warning", "399 lastmile \"" + std::string(sentence) + "\""});
  }
  return extras;
}

namespace {

// A flow without an owner shares nothing with any other. Owners are numbers counted up from 1.
constexpr uint64_t kNobody = uint64_t{1} << 63;

}  // namespace

UserAgent::Impl::Impl(UserAgentOptions options, RandomSource& random)
    : options_(std::move(options)), random_(random), transactions_(options_.t1, outgoing_) {}

// --- flows ---

void UserAgent::Impl::AddFlow(FlowId id, FlowInfo info) {
  Flow& flow = flows_[id];
  const uint64_t owner = info.owner != 0 ? info.owner : (kNobody | id.value);
  if (flow.order == 0) {
    flow.order = ++flows_added_;
  } else if (flow.owner != owner) {
    transactions_.ChangeOwner(id, owner);
    for (DialogId dialog : flow.usages) usages_.at(dialog).owner = owner;
  }
  flow.owner = owner;
  flow.info = std::move(info);
}

void UserAgent::Impl::RemoveFlow(FlowId id, TimePoint now) {
  const auto found = flows_.find(id);
  if (found == flows_.end()) return;
  const Flow flow = std::move(found->second);
  flows_.erase(found);
  for (DialogId dialog : flow.usages) usages_.at(dialog).flow = {};
  for (TransactionId transaction : transactions_.RemoveFlow(id)) {
    OnTransactionEnded(transaction, 503, now);
  }
}

UserAgent::Impl::Flow* UserAgent::Impl::FindFlow(FlowId id) {
  const auto found = flows_.find(id);
  return found == flows_.end() ? nullptr : &found->second;
}

void UserAgent::Impl::BindFlow(DialogId dialog, FlowId flow) {
  Usage* usage = FindUsage(dialog);
  if (!usage || !FindFlow(flow)) return;
  // Of what is ending only a BYE that waits for an ACK still needs a way.
  if (usage->state == State::kEnding && !usage->unacked) return;
  SetFlow(*usage, flow);
  usage->owner = FindFlow(flow)->owner;
  if (!usage->ack_on_bind) return;
  usage->ack_on_bind->vias.clear();
  SendStateless(flow, *std::exchange(usage->ack_on_bind, nullptr));
}

FlowId UserAgent::Impl::FlowOf(DialogId dialog) const {
  const auto found = usages_.find(dialog);
  return found == usages_.end() ? FlowId{} : found->second.flow;
}

uint64_t UserAgent::Impl::OwnerOf(DialogId dialog) const {
  const auto found = usages_.find(dialog);
  return found == usages_.end() ? 0 : found->second.owner;
}

std::optional<NamedDialog> UserAgent::Impl::FindDialog(const Replaces& name) const {
  using Named = NamedDialog::State;
  const std::pair<const std::string&, const std::string&> orders[] = {{name.to_tag, name.from_tag},
                                                                      {name.from_tag, name.to_tag}};
  for (const auto& [local_tag, remote_tag] : orders) {
    const auto found = by_local_tag_.find(local_tag);
    if (found == by_local_tag_.end()) continue;
    const Usage& usage = usages_.at(found->second);
    const bool known = std::ranges::any_of(
        usage.legs, [&](const Dialog& leg) { return leg.IsPeer(name.call_id, remote_tag); });
    // Section 3 of RFC 3891: a subscription is no dialog that could be replaced.
    if (!known || usage.state == State::kSubscription) continue;
    Named state = Named::kOver;
    switch (usage.state) {
      case State::kCalling:
        state = Named::kCalling;
        break;
      case State::kIncoming:
        state = Named::kIncoming;
        break;
      case State::kAnswered:
      case State::kUnacked:
      case State::kConfirmed:
        state = Named::kConfirmed;
        break;
      case State::kSubscription:
      case State::kEnding:
        break;
    }
    return NamedDialog{usage.id, usage.owner, state};
  }
  return std::nullopt;
}

void UserAgent::Impl::SetFlow(Usage& usage, FlowId flow) {
  if (Flow* old = FindFlow(usage.flow)) old->usages.erase(usage.id);
  usage.flow = flow;
  if (Flow* found = FindFlow(flow)) found->usages.insert(usage.id);
}

// --- messages and time ---

void UserAgent::Impl::OnMessage(FlowId flow, Message message, TimePoint now) {
  if (!FindFlow(flow) || message.vias.empty()) return;
  if (message.is_request()) {
    OnRequest(flow, std::move(message), now);
  } else {
    OnResponse(flow, std::move(message), now);
  }
}

TimePoint UserAgent::Impl::next_timeout() const {
  return std::min(transactions_.next_timeout(), timers_.next());
}

void UserAgent::Impl::OnTimer(TimePoint now) {
  while (next_timeout() <= now) {
    if (transactions_.next_timeout() <= timers_.next()) {
      OnTransactionEnded(*transactions_.PopExpired(now), 408, now);
    } else {
      OnUsageTimer(*timers_.PopDue(now), now);
    }
  }
}

void UserAgent::Impl::OnUsageTimer(TimerKey key, TimePoint now) {
  Usage& usage = usages_.at(key.usage);
  switch (key.timer) {
    case Timer::kRing:
      if (usage.state == State::kCalling) StartCancel(usage, now);
      RejectInvite(usage, 408, std::nullopt, now);
      return;
    case Timer::kCancel:
      transactions_.End(usage.invite_transaction);
      client_uses_.erase(usage.invite_transaction);
      --usage.open;
      RejectInvite(usage, 487, std::nullopt, now);
      return;
    case Timer::kResend:
      if (usage.flow) outgoing_.push_back({usage.flow, usage.unacked->response});
      usage.unacked->interval = std::min(2 * usage.unacked->interval, 8 * options_.t1);  // T2
      timers_.Set(key, now + usage.unacked->interval);
      return;
    case Timer::kAckDeadline:
      OnNoAck(usage, now);
      return;
    case Timer::kReinvite:
      OnReinviteTimeout(usage, now);
      return;
    case Timer::kPrackResend:
      ResendReliable(usage, now);
      return;
    case Timer::kPrackDeadline:
      GiveUpInvite(usage, 504, R"(SIP;cause=504;text="No PRACK came")", now);
      return;
  }
}

void UserAgent::Impl::OnTransactionEnded(TransactionId id, int status, TimePoint now) {
  if (client_uses_.contains(id)) {
    OnClientEnded(id, status, now);
  } else if (server_uses_.contains(id)) {
    OnServerEnded(id, now);
  }
}

std::vector<UserAgentEvent> UserAgent::Impl::TakeEvents() { return std::exchange(events_, {}); }

std::vector<OutgoingMessage> UserAgent::Impl::TakeOutgoing() {
  return std::exchange(outgoing_, {});
}

// --- what is sent ---

std::vector<std::string> UserAgent::Impl::SupportedOn(const Flow& flow) const {
  std::vector<std::string> supported = options_.known_extensions;
  std::erase_if(supported, [&](const std::string& tag) { return !Knows(flow, tag); });
  if (flow.info.prack != Prack::kNone) supported.emplace_back("100rel");
  return supported;
}

std::vector<std::string> UserAgent::Impl::AllowOn(const Flow& flow) const {
  std::vector<std::string> allow = options_.allow;
  if (flow.info.prack != Prack::kNone) allow.emplace_back("PRACK");
  return allow;
}

Message UserAgent::Impl::BuildResponse(const Message& request, int status, std::string_view to_tag,
                                       Extras extras, FlowId contact) {
  Message response = MakeResponse(request, status, extras.reason_phrase, to_tag);
  if (const Flow* flow = FindFlow(contact)) {
    response.contacts.emplace_back();
    response.contacts.back().uri = flow->info.contact;
  }
  const bool success = status >= 200 && status < 300;
  if (status == 405 || success) {
    const Flow* flow = FindFlow(contact);
    response.allow = flow ? AllowOn(*flow) : options_.allow;
  }
  if (success && request.method == "INVITE") response.supported = options_.supported;
  response.extra.push_back({"Server", options_.product});
  internal::Apply(response, std::move(extras));
  return response;
}

void UserAgent::Impl::Stamp(Message& request, const Flow& flow) {
  Stamp(request, flow, random_.Token(internal::kBranchLength));
}

void UserAgent::Impl::Stamp(Message& request, const Flow& flow, std::string branch) const {
  if (request.vias.empty()) {
    Via via;
    via.transport = flow.info.via_transport;
    via.sent_by = flow.info.via_sent_by;
    via.params.Set("branch", "z9hG4bK" + std::move(branch));
    request.vias.push_back(std::move(via));
  }
  if (!request.FindExtra("User-Agent")) request.extra.push_back({"User-Agent", options_.product});
}

void UserAgent::Impl::SendStateless(FlowId id, Message request) {
  const Flow* flow = FindFlow(id);
  if (!flow) return;
  Stamp(request, *flow);
  outgoing_.push_back({id, std::move(request)});
}

// The flow exists.
TransactionId UserAgent::Impl::SendStateful(FlowId id, Message request, ClientUse use,
                                            TimePoint now) {
  const Flow& flow = *FindFlow(id);
  if (Usage* usage = FindUsage(use.usage)) {
    ++usage->open;
    use.account = usage->account;
  }
  // Section 22.1: CANCEL cannot be challenged. The first INVITE is kept by its usage.
  if (FindAccount(use.account) && use.kind != ClientUse::Kind::kInvite &&
      request.method != "CANCEL") {
    if (!use.sent) Preempt(use.account, request);
    use.sent = std::make_unique<Message>(request);
  }
  Stamp(request, flow);
  const TransactionId transaction = transactions_.Send(id, flow.owner, request, now);
  client_uses_.emplace(transaction, std::move(use));
  return transaction;
}

// --- usages ---

UserAgent::Impl::Usage* UserAgent::Impl::FindUsage(DialogId dialog) {
  const auto found = usages_.find(dialog);
  return found == usages_.end() ? nullptr : &found->second;
}

// The flow exists.
UserAgent::Impl::Usage& UserAgent::Impl::NewUsage(DialogId id, FlowId flow, State state) {
  Usage& usage = usages_[id];
  usage.id = id;
  usage.state = state;
  usage.owner = FindFlow(flow)->owner;
  usage.local_tag = internal::NewTag(random_);
  by_local_tag_[usage.local_tag] = id;
  SetFlow(usage, flow);
  return usage;
}

void UserAgent::Impl::End(Usage& usage, TimePoint now) {
  usage.state = State::kEnding;
  StopAwaitingAck(usage);
  StopReliable(usage);
  timers_.Clear({usage.id, Timer::kRing});
  // The peer has no reason any more to let its user think about it.
  const TimePoint patience = now + internal::kTimeoutInT1 * options_.t1;
  if (usage.our_reinvite) timers_.Set({usage.id, Timer::kReinvite}, patience);
  EndRequests(usage, 487, now);  // section 15.1.2
  EraseIfDone(usage);
}

void UserAgent::Impl::EndWithBye(Usage& usage, Extras extras, TimePoint now) {
  if (FindFlow(usage.flow) && !usage.legs.empty()) {
    Message bye = usage.legs.back().NextRequest("BYE");
    internal::Apply(bye, std::move(extras));
    SendStateful(usage.flow, std::move(bye), {.usage = usage.id}, now);
  }
  End(usage, now);
}

void UserAgent::Impl::EraseIfDone(Usage& usage) {
  if (usage.state != State::kEnding || usage.open > 0 || usage.unacked) return;
  // A peer that never forked has answered our BYE, or sent its own: it sends no 2xx again.
  if (usage.may_fork && !usage.accepted.empty()) return;
  for (TransactionId id : usage.accepted) {
    transactions_.End(id);
    client_uses_.erase(id);
  }
  SetFlow(usage, {});
  for (Timer timer :
       {Timer::kRing, Timer::kCancel, Timer::kResend, Timer::kAckDeadline, Timer::kReinvite}) {
    timers_.Clear({usage.id, timer});
  }
  by_local_tag_.erase(usage.local_tag);
  usages_.erase(usage.id);
}

void UserAgent::Impl::Bye(DialogId dialog, Extras extras, TimePoint now) {
  Usage* usage = FindUsage(dialog);
  if (!usage) return;
  switch (usage->state) {
    case State::kConfirmed:
    case State::kAnswered:
      if (usage->owed_ack) SendAck(*usage, {});
      EndWithBye(*usage, std::move(extras), now);
      return;
    case State::kUnacked:
      // Section 15: the callee sends no BYE before the ACK of its 2xx.
      usage->state = State::kEnding;
      usage->bye = std::move(extras);
      EndRequests(*usage, 487, now);
      return;
    case State::kIncoming:
      // Its 2xx waits for a PRACK: the peer never learns of it.
      if (!usage->reliable || !usage->reliable->final_response) return;
      usage->reliable->final_response.reset();
      RespondInvite(dialog, 480, std::move(extras), now);
      return;
    case State::kCalling:
    case State::kSubscription:
    case State::kEnding:
      return;
  }
}

// --- UserAgent ---

UserAgent::UserAgent(UserAgentOptions options, RandomSource& random)
    : impl_(std::make_unique<Impl>(std::move(options), random)) {}

UserAgent::~UserAgent() = default;

void UserAgent::AddFlow(FlowId flow, FlowInfo info) { impl_->AddFlow(flow, std::move(info)); }

void UserAgent::RemoveFlow(FlowId flow, TimePoint now) { impl_->RemoveFlow(flow, now); }

void UserAgent::OnMessage(FlowId flow, Message message, TimePoint now) {
  impl_->OnMessage(flow, std::move(message), now);
}

void UserAgent::OnTimer(TimePoint now) { impl_->OnTimer(now); }

TimePoint UserAgent::next_timeout() const { return impl_->next_timeout(); }

std::vector<UserAgentEvent> UserAgent::TakeEvents() { return impl_->TakeEvents(); }

std::vector<OutgoingMessage> UserAgent::TakeOutgoing() { return impl_->TakeOutgoing(); }

void UserAgent::RespondInvite(DialogId dialog, int status, Extras extras, TimePoint now) {
  impl_->RespondInvite(dialog, status, std::move(extras), now);
}

void UserAgent::Respond(ServerRequestId request, int status, Extras extras, TimePoint now) {
  impl_->Respond(request, status, std::move(extras), now);
}

DialogId UserAgent::Invite(FlowId flow, InviteRequest request, TimePoint now) {
  return impl_->Invite(flow, std::move(request), now);
}

bool UserAgent::InviteAgain(DialogId dialog, FlowId flow, InviteRequest request, TimePoint now) {
  return impl_->InviteAgain(dialog, flow, std::move(request), now);
}

bool UserAgent::IsUnheard(DialogId dialog) const { return impl_->IsUnheard(dialog); }

void UserAgent::GiveUp(DialogId dialog, TimePoint now) { impl_->GiveUp(dialog, now); }

size_t UserAgent::InviteHeadBytes(FlowId flow, InviteRequest request) const {
  return impl_->InviteHeadBytes(flow, std::move(request));
}

void UserAgent::Ack(DialogId dialog, Extras extras, TimePoint now) {
  impl_->Ack(dialog, std::move(extras), now);
}

void UserAgent::Cancel(DialogId dialog, Extras extras, TimePoint now) {
  impl_->Cancel(dialog, std::move(extras), now);
}

void UserAgent::Bye(DialogId dialog, Extras extras, TimePoint now) {
  impl_->Bye(dialog, std::move(extras), now);
}

ClientRequestId UserAgent::SendInDialog(DialogId dialog, std::string_view method, Extras extras,
                                        TimePoint now) {
  return impl_->SendInDialog(dialog, method, std::move(extras), now);
}

ClientRequestId UserAgent::SendRequest(FlowId flow, Message request, TimePoint now,
                                       AccountId account) {
  return impl_->SendRequest(flow, std::move(request), now, account);
}

AccountId UserAgent::AddAccount(Credentials credentials) {
  return impl_->AddAccount(std::move(credentials));
}

void UserAgent::SetAccount(DialogId dialog, AccountId account) {
  impl_->SetAccount(dialog, account);
}

ClientRequestId UserAgent::SendRequest(FlowId flow, std::string_view method, Parties parties,
                                       Extras extras, TimePoint now) {
  Message request;
  request.method = method;
  request.request_uri = std::move(parties.request_uri);
  request.from = std::move(parties.from);
  request.to = std::move(parties.to);
  internal::Apply(request, std::move(extras));
  return impl_->SendRequest(flow, std::move(request), now, parties.account);
}

DialogId UserAgent::OpenDialog(FlowId flow, Parties parties) {
  return impl_->OpenDialog(flow, std::move(parties));
}

void UserAgent::CloseDialog(DialogId dialog, TimePoint now) { impl_->CloseDialog(dialog, now); }

void UserAgent::BindFlow(DialogId dialog, FlowId flow) { impl_->BindFlow(dialog, flow); }

FlowId UserAgent::FlowOf(DialogId dialog) const { return impl_->FlowOf(dialog); }

uint64_t UserAgent::OwnerOf(DialogId dialog) const { return impl_->OwnerOf(dialog); }

std::optional<NamedDialog> UserAgent::FindDialog(const Replaces& name) const {
  return impl_->FindDialog(name);
}

UserAgentGauges UserAgent::gauges() const { return impl_->gauges(); }

}  // namespace lastmile::sip

#include <algorithm>
#include <utility>

#include "gateway/sip/lexical.h"
#include "gateway/sip/user_agent_impl.h"

namespace lastmile::sip {
namespace {

// Unanswered requests of the peer in one dialog; more are told to come later.
constexpr size_t kMaxRequestsInDialog = 32;

bool IsSuccess(int status) { return status >= 200 && status < 300; }

// Without an INVITE usage there is nothing that these could be about.
bool IsOfCalls(std::string_view method) {
  return method == "INVITE" || method == "BYE" || method == "UPDATE" || method == "PRACK" ||
         method == "INFO";
}

}  // namespace

void UserAgent::Impl::OnRequest(FlowId flow, Message request, TimePoint now) {
  if (transactions_.Absorb(FindFlow(flow)->owner, request)) return;
  if (request.method == "ACK") {
    OnAck(flow, std::move(request), now);
    return;
  }
  if (request.method == "CANCEL") {
    OnCancel(flow, request, now);
    return;
  }
  std::vector<Header> headers;
  if (const int status = CheckRequest(*FindFlow(flow), request, headers); status != 0) {
    Refuse(flow, request, status, std::move(headers));
    return;
  }
  if (!request.to.tag().empty()) {
    OnRequestInDialog(flow, std::move(request), now);
  } else if (request.method == "INVITE") {
    OnNewInvite(flow, std::move(request), now);
  } else if (request.method == "SUBSCRIBE") {
    OnNewSubscribe(flow, std::move(request), now);
  } else if (request.method == "BYE") {
    Refuse(flow, request, 481, {});
  } else {
    PassOn(flow, nullptr, std::move(request), now);
  }
}

bool UserAgent::Impl::Knows(const Flow& flow, std::string_view tag) const {
  if (EqualNoCase(tag, "100rel") || EqualNoCase(tag, "precondition")) {
    return flow.info.prack != Prack::kNone;
  }
  if (EqualNoCase(tag, "timer") && !flow.info.session_timer) return false;
  return HasToken(options_.known_extensions, tag);
}

int UserAgent::Impl::CheckRequest(const Flow& flow, const Message& request,
                                  std::vector<Header>& headers) const {
  // A BYE is answered at once and makes room: it is never refused for lack of it.
  const bool bye = request.method == "BYE";
  if (!bye && transactions_.size() >= options_.max_transactions) {
    headers.push_back({"Retry-After", "5"});
    return 503;
  }
  if (!bye && request.max_forwards == 0u) return 483;
  if (transactions_.IsMerged(flow.owner, request)) return 482;
  std::string unsupported;
  for (const std::string& tag : request.require) {
    if (Knows(flow, tag)) continue;
    if (!unsupported.empty()) unsupported += ", ";
    unsupported += tag;
  }
  if (!unsupported.empty()) {
    headers.push_back({"Unsupported", std::move(unsupported)});
    return 420;
  }
  // RFC 3312 section 11: preconditions are answered in a reliable 18x.
  const bool needs_prack =
      flow.info.prack == Prack::kRequired || HasToken(request.require, "precondition");
  if (request.method == "INVITE" && request.to.tag().empty() && needs_prack &&
      !HasToken(request.require, "100rel") && !HasToken(request.supported, "100rel")) {
    headers.push_back({"Require", "100rel"});
    return 421;
  }
  // Without Contact there is nowhere to send requests of the dialog to (section 8.1.1.8).
  const bool opens = request.method == "INVITE" || request.method == "SUBSCRIBE";
  if (opens && request.contacts.empty()) return 400;
  return 0;
}

// Without a transaction: over a reliable transport the request does not come again, and an ACK that
// matches nothing is dropped.
void UserAgent::Impl::Refuse(FlowId flow, const Message& request, int status,
                             std::vector<Header> headers) {
  Extras extras{.headers = std::move(headers)};
  if (status == 400) extras.reason_phrase = "Missing Contact";
  outgoing_.push_back(
      {flow, BuildResponse(request, status, internal::NewTag(random_), std::move(extras), {})});
}

// --- outside dialogs ---

void UserAgent::Impl::OnNewInvite(FlowId flow, Message request, TimePoint now) {
  Usage& usage = NewUsage(dialog_ids_.Next(), flow, State::kIncoming);
  usage.legs.push_back(Dialog::OfServer(request, usage.local_tag));
  const TransactionId id = transactions_.Accept(flow, usage.owner, request, now);
  usage.peer_invite = id;
  server_uses_.emplace(id, ServerUse{.usage = usage.id, .to_tag = usage.local_tag});
  transactions_.Respond(id, BuildResponse(request, 100, "", {}, {}), now);
  const bool reliable = WantsReliable(*FindFlow(flow), request);
  if (reliable) {
    usage.reliable = std::make_unique<Reliable>();
    usage.reliable->invite_cseq = request.cseq.number;
  }
  events_.push_back(IncomingInvite{usage.id, flow, std::move(request), reliable});
}

// To the caller, who answers with Respond. `usage` nullptr: outside dialogs.
void UserAgent::Impl::PassOn(FlowId flow, Usage* usage, Message request, TimePoint now) {
  const TransactionId id = transactions_.Accept(flow, FindFlow(flow)->owner, request, now);
  ServerUse use{.flow = flow};
  if (usage) {
    use.usage = usage->id;
    usage->requests.push_back(id);
    const bool refresh = IsTargetRefresh(request.method);
    if (refresh && !request.contacts.empty()) use.target = request.contacts.front().uri;
    use.remote_tag = request.from.tag();
  } else {
    use.to_tag = internal::NewTag(random_);
  }
  events_.push_back(
      IncomingRequest{ServerRequestId{id.value}, flow, use.usage, std::move(request)});
  server_uses_.emplace(id, std::move(use));
}

// --- inside dialogs ---

Dialog* UserAgent::Impl::MatchDialog(FlowId flow, const Message& request, Usage*& usage) {
  const auto found = by_local_tag_.find(request.to.tag());
  if (found == by_local_tag_.end()) return nullptr;
  usage = FindUsage(found->second);
  if (usage->flow != flow && usage->owner != FindFlow(flow)->owner) return nullptr;
  const std::string remote_tag = request.from.tag();
  for (Dialog& leg : usage->legs) {
    if (leg.IsPeer(request.call_id, remote_tag)) return &leg;
  }
  return AdoptPeer(*usage, request);
}

// A request that was on its way on an older connection does not take the dialog back there.
void UserAgent::Impl::FollowFlow(Usage& usage, FlowId flow) {
  const Flow* current = FindFlow(usage.flow);
  if (!current || FindFlow(flow)->order > current->order) SetFlow(usage, flow);
}

void UserAgent::Impl::OnRequestInDialog(FlowId flow, Message request, TimePoint now) {
  Usage* usage = nullptr;
  Dialog* leg = MatchDialog(flow, request, usage);
  const bool bye = request.method == "BYE";
  if (!leg || (usage->state == State::kEnding && !bye) ||
      (usage->state == State::kSubscription && IsOfCalls(request.method))) {
    Refuse(flow, request, 481, {});
    return;
  }
  FollowFlow(*usage, flow);
  if (!leg->TakeCSeq(request.cseq.number)) {
    Refuse(flow, request, 500, {});
  } else if (bye) {
    Refuse(flow, request, 200, {});
    OnBye(*usage, request.from.tag(), request, now);
  } else if (request.method == "INVITE") {
    OnReinvite(*usage, flow, std::move(request), now);
  } else if (request.method == "PRACK" && FindFlow(flow)->info.prack != Prack::kNone) {
    OnPrack(*usage, flow, std::move(request), now);
  } else if (usage->requests.size() >= kMaxRequestsInDialog) {
    Refuse(flow, request, 503, {{"Retry-After", "5"}});
  } else {
    PassOn(flow, usage, std::move(request), now);
  }
}

void UserAgent::Impl::OnReinvite(Usage& usage, FlowId flow, Message request, TimePoint now) {
  if (usage.peer_invite) {
    // Section 14.2: between 0 and 10 seconds, by chance.
    Refuse(flow, request, 500, {{"Retry-After", std::to_string(random_.Next64() % 11)}});
    return;
  }
  if (usage.state != State::kConfirmed || usage.our_reinvite || usage.owed_ack || usage.unacked) {
    Refuse(flow, request, 491, {});
    return;
  }
  const Message trying = BuildResponse(request, 100, "", {}, {});
  PassOn(flow, &usage, std::move(request), now);
  usage.peer_invite = usage.requests.back();
  transactions_.Respond(usage.peer_invite, trying, now);
}

// The 200 is sent.
void UserAgent::Impl::OnBye(Usage& usage, const std::string& remote_tag, const Message& bye,
                            TimePoint now) {
  switch (usage.state) {
    case State::kIncoming:
      GiveUpInvite(usage, 487, internal::ReasonOf(bye), now);
      return;
    case State::kCalling:
      // A callee may not do this (section 15), but one that does has no early dialog any more.
      std::erase_if(usage.legs, [&](const Dialog& leg) { return leg.remote.tag() == remote_tag; });
      if (!usage.legs.empty()) return;
      timers_.Clear({usage.id, Timer::kRing});
      StartCancel(usage, now);
      return;
    case State::kAnswered:
    case State::kUnacked:
    case State::kConfirmed:
      if (usage.owed_ack) SendAck(usage, {});
      events_.push_back(DialogEnded{usage.id, DialogEnd::kBye, internal::ReasonOf(bye)});
      End(usage, now);
      return;
    case State::kEnding:
      End(usage, now);
      return;
    case State::kSubscription:
      return;
  }
}

// --- ACK and CANCEL ---

void UserAgent::Impl::OnAck(FlowId flow, Message ack, TimePoint now) {
  Usage* usage = nullptr;
  if (!MatchDialog(flow, ack, usage)) return;
  if (!usage->unacked || usage->unacked->cseq != ack.cseq.number) return;
  FollowFlow(*usage, flow);
  StopAwaitingAck(*usage);
  if (usage->state == State::kEnding) {
    EndWithBye(*usage, std::move(usage->bye), now);
    return;
  }
  if (usage->state == State::kUnacked) usage->state = State::kConfirmed;
  events_.push_back(InviteAcked{usage->id, std::move(ack)});
}

void UserAgent::Impl::AwaitAck(Usage& usage, TransactionId transaction, Message response,
                               TimePoint now) {
  const uint32_t cseq = response.cseq.number;
  usage.unacked =
      std::make_unique<Unacked>(Unacked{transaction, cseq, std::move(response), options_.t1});
  if (options_.retransmit_2xx) timers_.Set({usage.id, Timer::kResend}, now + options_.t1);
  timers_.Set({usage.id, Timer::kAckDeadline}, now + internal::kTimeoutInT1 * options_.t1);
}

void UserAgent::Impl::StopAwaitingAck(Usage& usage) {
  if (!usage.unacked) return;
  transactions_.End(usage.unacked->transaction);
  usage.unacked.reset();
  timers_.Clear({usage.id, Timer::kResend});
  timers_.Clear({usage.id, Timer::kAckDeadline});
}

void UserAgent::Impl::OnNoAck(Usage& usage, TimePoint now) {
  StopAwaitingAck(usage);
  const bool lost = !FindFlow(usage.flow);
  if (usage.state != State::kEnding || lost) {
    events_.push_back(DialogEnded{usage.id, DialogEnd::kNoAck, ""});
  }
  if (lost) {
    usage.state = State::kConfirmed;  // until Bye()
  } else {
    EndWithBye(usage, std::move(usage.bye), now);
  }
}

void UserAgent::Impl::OnCancel(FlowId flow, const Message& cancel, TimePoint now) {
  const TransactionId id = transactions_.FindCancelled(FindFlow(flow)->owner, cancel);
  if (!id) {
    Refuse(flow, cancel, 481, {});
    return;
  }
  const auto use = server_uses_.find(id);
  Usage* usage = use == server_uses_.end() ? nullptr : FindUsage(use->second.usage);
  const std::string tag = usage ? usage->local_tag : internal::NewTag(random_);
  outgoing_.push_back({flow, BuildResponse(cancel, 200, tag, {}, {})});
  if (!usage) return;  // answered already: too late
  if (usage->state == State::kIncoming) {
    GiveUpInvite(*usage, 487, internal::ReasonOf(cancel), now);
  } else {
    AnswerRequest(id, usage, 487, {}, now);
  }
}

// `status` goes out if the transaction is still there. `usage` is not valid afterwards.
void UserAgent::Impl::GiveUpInvite(Usage& usage, int status, std::string reason_header,
                                   TimePoint now) {
  if (const Message* invite = transactions_.RequestOf(usage.peer_invite)) {
    Message response = BuildResponse(*invite, status, usage.local_tag, {}, {});
    transactions_.Respond(usage.peer_invite, std::move(response), now);
  }
  server_uses_.erase(usage.peer_invite);
  events_.push_back(InviteCancelled{usage.id, std::move(reason_header)});
  End(usage, now);
}

// --- answers ---

void UserAgent::Impl::RespondInvite(DialogId dialog, int status, Extras extras, TimePoint now) {
  Usage* usage = FindUsage(dialog);
  if (!usage || usage->state != State::kIncoming || status < 101 || status > 699) return;
  if (usage->reliable && HoldBack(*usage, status, extras)) return;
  SendInviteResponse(*usage, status, std::move(extras), now);
}

// `usage` is not valid after a failure.
void UserAgent::Impl::SendInviteResponse(Usage& usage, int status, Extras extras, TimePoint now) {
  const TransactionId id = usage.peer_invite;
  const FlowId contact = status < 300 ? usage.flow : FlowId{};
  Message response = BuildResponse(*transactions_.RequestOf(id), status, usage.local_tag,
                                   std::move(extras), contact);
  if (status < 200) {
    if (usage.reliable) MakeReliable(usage, response, now);
    transactions_.Respond(id, std::move(response), now);
    return;
  }
  server_uses_.erase(id);
  usage.peer_invite = {};
  StopReliable(usage);
  transactions_.Respond(id, response, now);
  if (status >= 300) {
    End(usage, now);
    return;
  }
  usage.state = State::kUnacked;
  AwaitAck(usage, id, std::move(response), now);
}

void UserAgent::Impl::Respond(ServerRequestId request, int status, Extras extras, TimePoint now) {
  const TransactionId id{request.value};
  const auto use = server_uses_.find(id);
  if (use == server_uses_.end() || status < 101 || status > 699) return;
  Usage* usage = FindUsage(use->second.usage);
  if (usage && usage->state == State::kIncoming && usage->peer_invite == id) return;
  AnswerRequest(id, usage, status, std::move(extras), now);
}

void UserAgent::Impl::AnswerRequest(TransactionId id, Usage* usage, int status, Extras extras,
                                    TimePoint now) {
  const Message* request = transactions_.RequestOf(id);
  if (!request) {  // lost with its flow, together with what made us answer
    OnServerEnded(id, now);
    return;
  }
  const auto use = server_uses_.find(id);
  const bool invite = request->method == "INVITE";
  const bool with_contact = usage && status < 300 && IsTargetRefresh(request->method);
  Message response = BuildResponse(*request, status, use->second.to_tag, std::move(extras),
                                   with_contact ? usage->flow : FlowId{});
  if (const Flow* flow = FindFlow(use->second.flow);
      flow && status == 200 && request->method == "OPTIONS") {
    response.allow = AllowOn(*flow);
    response.supported = SupportedOn(*flow);
  }
  if (status < 200) {
    transactions_.Respond(id, std::move(response), now);
    return;
  }
  const std::optional<Uri> target = std::move(use->second.target);
  const std::string remote_tag = std::move(use->second.remote_tag);
  const bool opens = use->second.opens;
  server_uses_.erase(use);
  transactions_.Respond(id, response, now);
  if (!usage) return;
  std::erase(usage->requests, id);
  if (usage->peer_invite == id) usage->peer_invite = {};
  OnPrackAnswered(*usage, id, now);
  if (opens && !IsSuccess(status)) return CloseDialog(usage->id, now);
  if (!IsSuccess(status)) return;
  const auto leg = std::ranges::find(usage->legs, remote_tag,
                                     [](const Dialog& dialog) { return dialog.remote.tag(); });
  if (target && leg != usage->legs.end()) leg->remote_target = *target;
  if (invite) AwaitAck(*usage, id, std::move(response), now);
}

// What is unanswered when the dialog ends. `usage` is in kEnding.
void UserAgent::Impl::EndRequests(Usage& usage, int status, TimePoint now) {
  const std::vector<TransactionId> requests = usage.requests;
  for (TransactionId id : requests) AnswerRequest(id, &usage, status, {}, now);
}

// Nobody waits for an answer any more: the sender's timer F, or the flow was lost.
void UserAgent::Impl::OnServerEnded(TransactionId id, TimePoint now) {
  const ServerUse use = std::move(server_uses_.at(id));
  server_uses_.erase(id);
  Usage* usage = FindUsage(use.usage);
  if (!usage) return;
  std::erase(usage->requests, id);
  OnPrackAnswered(*usage, id, now);
  if (use.opens) return CloseDialog(usage->id, now);
  if (usage->peer_invite != id) return;
  if (usage->state == State::kIncoming) {
    GiveUpInvite(*usage, 487, "", now);
  } else {
    usage->peer_invite = {};
  }
}

}  // namespace lastmile::sip

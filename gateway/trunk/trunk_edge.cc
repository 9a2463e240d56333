#include "gateway/trunk/trunk_edge.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/rejection.h"

namespace lastmile::trunk {
namespace {

constexpr std::string_view kKeepAlivePing = "\r\n\r\n";
constexpr std::string_view kKeepAlivePong = "\r\n";

sip::UserAgentOptions AgentOptions() {
  return {.allow = {"INVITE", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS", "UPDATE", "REFER",
                    "MESSAGE", "NOTIFY"},
          .supported = {"replaces"}};
}

uint32_t ForwardsOf(const sip::Message& request) {
  return std::min(request.max_forwards.value_or(sip::kMaxForwards), sip::kMaxForwards);
}

}  // namespace

TrunkEdge::TrunkEdge(TrunkOptions options, RandomSource& random)
    : options_(std::move(options)),
      random_(random),
      user_agent_(AgentOptions(), random),
      registrations_(RegistrationAccounts(), random),
      waiting_(options_.trunks.size()),
      register_flows_(options_.trunks.size()),
      no_registrars_(options_.trunks.size()) {
  MakePools();
  for (size_t i = 0; i < options_.trunks.size(); ++i) {
    const auto& auth = options_.trunks[i].auth;
    trunk_accounts_.push_back(auth ? user_agent_.AddAccount(*auth) : sip::AccountId{});
  }
  for (size_t i = 0; i < registrations_.size(); ++i) {
    pbx_accounts_.push_back(user_agent_.AddAccount(registrations_.account(i).pbx.credentials));
  }
}

size_t TrunkEdge::IndexOf(std::string_view name) const {
  const auto found = std::ranges::find(options_.trunks, name, &Trunk::name);
  return found == options_.trunks.end() ? kUnknownPeer
                                        : static_cast<size_t>(found - options_.trunks.begin());
}

const Trunk* TrunkEdge::FindTrunk(std::string_view name) const {
  const size_t index = IndexOf(name);
  return index == kUnknownPeer ? nullptr : &options_.trunks[index];
}

// The owner of a trunk's flows is its index and one; unknown peers have larger ones.
const Trunk* TrunkEdge::TrunkOf(sip::DialogId dialog) const {
  const uint64_t owner = user_agent_.OwnerOf(dialog);
  return owner == 0 || owner > options_.trunks.size() ? nullptr : &options_.trunks[owner - 1];
}

std::optional<IpAddress> TrunkEdge::PeerOf(sip::DialogId dialog) const {
  const auto flow = flows_.find(user_agent_.FlowOf(dialog));
  return flow == flows_.end() ? std::nullopt : flow->second.peer;
}

bool TrunkEdge::IsAt(const Trunk& trunk, std::string_view host) const {
  if (trunk.is_local) return false;
  for (const ConfiguredServer& server : pools_[IndexOf(trunk.name)].configured()) {
    if (sip::EqualNoCase(server.host, host)) return true;
  }
  const auto address = IpAddress::Parse(host);
  return address && TrunkOf(*address) == IndexOf(trunk.name);
}

size_t TrunkEdge::TrunkOf(const IpAddress& peer) const {
  for (size_t i = 0; i < options_.trunks.size(); ++i) {
    if (pools_[i].Has(peer)) return i;
    for (const AddressBlock& block : options_.trunks[i].accept_from) {
      if (block.Contains(peer)) return i;
    }
  }
  return kUnknownPeer;
}

size_t TrunkEdge::TrunkOf(const VerifiedPeer& peer) const {
  const auto found = std::ranges::find_if(
      options_.trunks, [&peer](const Trunk& trunk) { return trunk.trust.Accepts(peer); });
  return found == options_.trunks.end() ? kUnknownPeer
                                        : static_cast<size_t>(found - options_.trunks.begin());
}

// --- streams ---

sip::Uri TrunkEdge::ContactOn(bool tls) const {
  sip::Uri contact;
  contact.user = "lastmile";
  contact.host = options_.local_host;
  contact.port = tls ? options_.tls_port : options_.tcp_port;
  contact.params.Set("transport", tls ? "tls" : "tcp");
  return contact;
}

sip::FlowId TrunkEdge::NewFlow(size_t trunk, bool inbound, bool tls) {
  const sip::FlowId flow = flow_ids_.Next();
  flows_[flow] = {.trunk = trunk, .inbound = inbound, .tls = tls, .framer = {}};
  sip::FlowInfo info;
  info.via_transport = tls ? "TLS" : "TCP";
  info.contact = ContactOn(tls);
  info.via_sent_by = options_.local_host + ":" + std::to_string(info.contact.port);
  // All flows of a trunk are one owner: carriers send requests of a dialog on any of them. Owner 0
  // shares nothing, which is right for a peer nobody knows.
  info.owner = trunk == kUnknownPeer ? 0 : trunk + 1;
  if (trunk != kUnknownPeer) {
    info.prack = options_.trunks[trunk].prack;
    info.session_timer = options_.trunks[trunk].session_timer != SessionTimers::kNone;
  }
  user_agent_.AddFlow(flow, std::move(info));
  return flow;
}

sip::FlowId TrunkEdge::OnInboundStream(const Endpoint& peer, bool tls,
                                       const VerifiedPeer& verified) {
  const size_t by_name = TrunkOf(verified);
  const size_t trunk = by_name == kUnknownPeer ? TrunkOf(peer.address) : by_name;
  const sip::FlowId flow = NewFlow(trunk, true, tls);
  flows_[flow].peer = peer.address;
  if (trunk == kUnknownPeer) {
    spdlog::warn("leg=trunk flow={} stream from {}, which no trunk accepts calls from{}",
                 flow.value, Redacted{peer}, DescribeCertificate(verified));
  } else {
    spdlog::info("leg=trunk flow={} stream from trunk {} by its {}", flow.value,
                 options_.trunks[trunk].name, by_name == trunk ? "certificate" : "address");
  }
  return flow;
}

void TrunkEdge::OnStreamOpen(sip::FlowId flow, const Endpoint& peer, TimePoint now) {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return;
  found->second.open = true;
  found->second.peer = peer.address;
  for (auto& [dialog, attempt] : attempts_) {
    if (attempt.flow == flow) AwaitResponse(dialog, attempt, now);
  }
  found->second.keepalive_at = now + kKeepAliveInterval;
  next_flow_timeout_ = std::min(next_flow_timeout_, found->second.next());
  spdlog::info("leg=trunk flow={} connected to trunk {}", flow.value,
               options_.trunks[found->second.trunk].name);
}

void TrunkEdge::OnStreamBytes(sip::FlowId flow, ByteView bytes, TimePoint now) {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return;
  sip::Framer::Output framed;
  const auto pushed = found->second.framer.Push(bytes, framed);
  if (!found->second.framer.has_part()) {
    found->second.whole_until = kNever;
  } else if (found->second.whole_until == kNever || !framed.messages.empty()) {
    found->second.whole_until = now + kMessageTimeout;
    next_flow_timeout_ = std::min(next_flow_timeout_, found->second.whole_until);
  }
  for (const std::string& text : framed.messages) OnText(flow, text, now);
  for (int i = 0; i < framed.pings; ++i) {
    outputs_.push_back(SendBytes{flow, std::string(kKeepAlivePong)});
  }
  if (pushed) return;
  // The head alone may be well-formed: what is wrong is then its Content-Length.
  auto head = sip::Parse(pushed.error().head);
  if (head) {
    head = std::unexpected(sip::ParseError{
        .status = 400, .reason = pushed.error().reason, .answerable = std::move(*head)});
  }
  if (auto answer = sip::PrintRejection(head.error())) {
    outputs_.push_back(SendBytes{flow, *std::move(answer)});
  }
  Close(flow, pushed.error().reason, now);
}

void TrunkEdge::OnStreamClosed(sip::FlowId flow, TimePoint now, std::string_view reason) {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return;
  const Flow lost = std::move(found->second);
  flows_.erase(found);
  if (!lost.inbound) OnServerFlowLost(lost, flow, reason, now);
  user_agent_.RemoveFlow(flow, now);
}

void TrunkEdge::Close(sip::FlowId flow, std::string reason, TimePoint now) {
  spdlog::warn("leg=trunk flow={} closed: {}", flow.value, reason);
  outputs_.push_back(CloseStream{flow, std::move(reason)});
  OnStreamClosed(flow, now);
}

void TrunkEdge::OnText(sip::FlowId flow, std::string_view text, TimePoint now) {
  auto message = sip::Parse(text);
  if (message) return user_agent_.OnMessage(flow, *std::move(message), now);
  spdlog::info("leg=trunk flow={} refused a message: {} {}", flow.value, message.error().status,
               message.error().reason);
  if (auto answer = sip::PrintRejection(message.error())) Send(flow, *std::move(answer));
}

void TrunkEdge::OnTimer(TimePoint now) {
  user_agent_.OnTimer(now);
  RunSessionTimers(now);
  RunServerTimers(now);
  RunAttemptTimers(now);
  registrations_.OnTimer(now);
  SendRegisters(now);
  if (now >= next_flow_timeout_) RunFlowTimers(now);
}

void TrunkEdge::RunFlowTimers(TimePoint now) {
  next_flow_timeout_ = kNever;
  std::vector<sip::FlowId> stuck;
  for (auto& [id, flow] : flows_) {
    if (flow.keepalive_at <= now) {
      outputs_.push_back(SendBytes{id, std::string(kKeepAlivePing)});
      flow.keepalive_at = now + kKeepAliveInterval;
    }
    if (flow.whole_until <= now) {
      stuck.push_back(id);
    } else {
      next_flow_timeout_ = std::min(next_flow_timeout_, flow.next());
    }
  }
  for (const sip::FlowId id : stuck) {
    Close(id, "a message began 32 s ago, and its end has not come", now);
  }
}

TimePoint TrunkEdge::next_timeout() const {
  TimePoint next =
      std::min({user_agent_.next_timeout(), session_timers_.next(), registrations_.next_timeout(),
                next_flow_timeout_, attempt_timers_.next()});
  for (const ServerPool& pool : pools_) next = std::min(next, pool.next_timeout());
  return next;
}

// --- calls ---

sip::InviteRequest TrunkEdge::MakeInvite(size_t index, const CallRequest& request,
                                         size_t server) const {
  const Trunk& trunk = options_.trunks[index];
  sip::Parties parties = PartiesOf(index,
                                   {.trunk = request.trunk,
                                    .number = request.number,
                                    .caller = request.caller,
                                    .user = request.user},
                                   server);
  sip::InviteRequest invite;
  invite.request_uri = std::move(parties.request_uri);
  invite.from = std::move(parties.from);
  invite.to = std::move(parties.to);
  invite.account = parties.account;
  invite.max_forwards = request.max_forwards;
  if (request.ring > Duration::zero()) invite.ring_timeout = request.ring;
  invite.extras.content_type = "application/sdp";
  invite.extras.body = request.offer;
  if (!request.replaces.empty()) invite.extras.headers.push_back({"Replaces", request.replaces});
  AddIdentity(index, request, invite);
  if (trunk.session_timer != SessionTimers::kNone) {
    AddSessionOffer({.mode = trunk.session_timer}, invite.extras);
  }
  return invite;
}

void TrunkEdge::Reach(sip::DialogId dialog) {
  const Trunk* trunk = TrunkOf(dialog);
  if (user_agent_.FlowOf(dialog) || !trunk) return;
  const size_t index = IndexOf(trunk->name);
  const ServerId server = pools_[index].Any();
  user_agent_.BindFlow(dialog, server ? FlowTo(index, server) : FlowTo(index));
}

size_t TrunkEdge::InviteHeadBytes(const CallRequest& request) {
  const size_t trunk = IndexOf(request.trunk);
  if (trunk == kUnknownPeer) return 0;
  return user_agent_.InviteHeadBytes(FlowTo(trunk), MakeInvite(trunk, request));
}

bool TrunkEdge::TakeRound(std::vector<TrunkEvent>& out, TimePoint now) {
  CarryLocal(now);
  std::vector<sip::UserAgentEvent> events = TakeSettledEvents(now);
  for (sip::UserAgentEvent& event : events) {
    if (auto* invite = std::get_if<sip::IncomingInvite>(&event)) {
      OnInvite(std::move(*invite), out, now);
      continue;
    }
    if (auto* request = std::get_if<sip::IncomingRequest>(&event)) {
      if (request->request.to.tag().empty()) {
        OnRequestOutside(std::move(*request), out, now);
        continue;
      }
      if (OnRequest(*request, now)) continue;
    }
    if (const auto* answered = std::get_if<sip::RequestAnswered>(&event)) {
      if (OnRegisterAnswered(*answered, now) || OnProbeAnswered(*answered, now) ||
          OnAnswered(*answered, now)) {
        continue;
      }
    }
    if (const auto* rejected = std::get_if<sip::InviteRejected>(&event)) LogChallenge(*rejected);
    const auto* ended = std::get_if<sip::DialogEnded>(&event);
    if (ended && ended->end == sip::DialogEnd::kNoAck && !user_agent_.FlowOf(ended->dialog)) {
      Bye(ended->dialog, {}, now);
    }
    Follow(event, now);
    out.push_back(std::move(event));
  }
  for (TrunkEvent& event : std::exchange(own_events_, {})) out.push_back(std::move(event));
  return !events.empty();
}

std::vector<TrunkOutput> TrunkEdge::TakeOutputs() {
  TakeLookUps();
  SortOutgoing();
  return std::exchange(outputs_, {});
}

void TrunkEdge::OnInvite(sip::IncomingInvite invite, std::vector<TrunkEvent>& out, TimePoint now) {
  const auto flow = flows_.find(invite.flow);
  if (flow == flows_.end() || flow->second.trunk == kUnknownPeer) {
    user_agent_.RespondInvite(invite.dialog, 403,
                              sip::Sentence("calls are not accepted from this address"), now);
    return;
  }
  if (!invite.request.body.empty() && invite.request.content_type != "application/sdp") {
    sip::Extras extras = sip::Sentence("the body of an INVITE must be application/sdp");
    extras.headers.push_back({"Accept", "application/sdp"});
    user_agent_.RespondInvite(invite.dialog, 415, std::move(extras), now);
    return;
  }
  const Trunk& trunk = options_.trunks[flow->second.trunk];
  sip::Extras extras;
  if (const int status = CheckSession(trunk.session_timer, invite.request, extras)) {
    user_agent_.RespondInvite(invite.dialog, status, std::move(extras), now);
    return;
  }
  auto replaces = sip::ParseReplaces(invite.request);
  if (!replaces) {
    const sip::ReferError& error = replaces.error();
    user_agent_.RespondInvite(invite.dialog, error.status, sip::Sentence(error.reason), now);
    return;
  }
  NoteInvite(invite, flow->second.trunk);
  const std::string* gr = invite.request.request_uri.params.Find("gr");
  const std::string& target = invite.request.request_uri.user;
  const size_t pbx_user = registrations_.Find(flow->second.trunk, target);
  const bool is_known = pbx_user != Registrations::kNone;
  ShownCaller caller = CallerOf(invite.request, trunk.trust_identity);
  user_agent_.SetAccount(invite.dialog, AccountAt(flow->second.trunk, pbx_user));
  out.push_back(TrunkInvite{.dialog = invite.dialog,
                            .trunk = trunk.name,
                            .target = is_known ? TargetOf(pbx_user, invite.request) : target,
                            .user = UserAt(flow->second.trunk, target),
                            .instance = gr ? *gr : "",
                            .caller = std::move(caller.number),
                            .display_name = std::move(caller.display_name),
                            .offer = std::move(invite.request.body),
                            .reliable = invite.reliable,
                            .replaces = *std::move(replaces),
                            .max_forwards = ForwardsOf(invite.request),
                            .tls = flow->second.tls,
                            .headers = HeadersToBrowser(trunk.headers, invite.request.extra)});
}

void TrunkEdge::OnRequestOutside(sip::IncomingRequest request, std::vector<TrunkEvent>& out,
                                 TimePoint now) {
  const auto flow = flows_.find(request.flow);
  const std::string& method = request.request.method;
  if (flow == flows_.end() || flow->second.trunk == kUnknownPeer) {
    user_agent_.Respond(request.id, 403,
                        sip::Sentence("requests are not accepted from this address"), now);
  } else if (method == "MESSAGE" || method == "NOTIFY") {
    const size_t trunk = flow->second.trunk;
    std::string user = UserAt(trunk, request.request.request_uri.user);
    out.push_back(TrunkRequest{.request = std::move(request),
                               .trunk = options_.trunks[trunk].name,
                               .user = std::move(user)});
  } else if (method == "OPTIONS") {
    AnswerOptions(request.id, now);
  } else if (method == "REFER") {
    user_agent_.Respond(request.id, 403, sip::Sentence("a REFER is taken inside a call only"), now);
  } else {
    user_agent_.Respond(request.id, 405, {}, now);
  }
}

// RFC 3261 section 11.2.
void TrunkEdge::AnswerOptions(sip::ServerRequestId request, TimePoint now) {
  user_agent_.Respond(request, 200,
                      {.headers = {{"Accept", "application/sdp"},
                                   {"Accept-Encoding", "identity"},
                                   {"Accept-Language", "en"},
                                   {"Allow-Events", "message-summary"}}},
                      now);
}

// What needs no call to be answered; false: somebody else has to answer it.
bool TrunkEdge::OnRequest(const sip::IncomingRequest& request, TimePoint now) {
  const std::string& method = request.request.method;
  if (method == "PRACK" || method == "INFO" || method == "REFER" || method == "MESSAGE" ||
      method == "NOTIFY") {
    return false;
  }
  if (method == "INVITE" || method == "UPDATE") {
    sip::Extras extras;
    TrunkDialog& dialog = dialogs_[request.dialog];
    if (const int status = CheckSession(dialog.mode, request.request, extras)) {
      user_agent_.Respond(request.id, status, std::move(extras), now);
      return true;
    }
    if (method == "UPDATE" && !request.request.body.empty() && dialog.reoffer) {
      // RFC 3311 section 5.2. Of a re-INVITE the user agent says so.
      user_agent_.Respond(request.id, 491, {}, now);
      return true;
    }
    dialog.requests[request.id] = TermsFor(dialog.mode, request.request);
    if (method == "INVITE" || !request.request.body.empty()) return false;
    RespondInDialog(request.dialog, request.id, 200, {}, now);
  } else if (method == "OPTIONS") {
    AnswerOptions(request.id, now);
  } else {
    user_agent_.Respond(request.id, 405, {}, now);
  }
  return true;
}

}  // namespace lastmile::trunk

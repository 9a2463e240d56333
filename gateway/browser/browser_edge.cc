#include "gateway/browser/browser_edge.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "gateway/sip/codec.h"
#include "gateway/sip/lexical.h"
#include "gateway/sip/rejection.h"
#include "gateway/sip/session_timer.h"

namespace lastmile::browser {
namespace {

constexpr std::string_view kKeepAlivePing = "\r\n\r\n";
constexpr std::string_view kKeepAlivePong = "\r\n";
constexpr Duration kSessionRefresh = 900s;  // half of the interval below
constexpr char kSessionExpiresAsServer[] = "1800;refresher=uas";
constexpr char kSessionExpiresAsClient[] = "1800;refresher=uac";

sip::UserAgentOptions AgentOptions() {
  // A second 200 would be a new answer to JsSIP, so the first one is never repeated.
  return {.retransmit_2xx = false,
          .allow = {"INVITE", "ACK", "CANCEL", "BYE", "INFO", "OPTIONS", "UPDATE", "REGISTER",
                    "REFER", "MESSAGE", "SUBSCRIBE"},
          .supported = {"replaces"}};
}

}  // namespace

BrowserEdge::BrowserEdge(BrowserOptions options, RandomSource& random)
    : options_(std::move(options)),
      user_agent_(AgentOptions(), random),
      rings_(user_agent_),
      registrar_(options_.domain),
      users_(options_.users, options_.lookup),
      authenticator_(options_.domain,
                     options_.lookup
                         ? options_.lookup->digest
                         : CommonAlgorithms(options_.users, !options_.bearer.algorithms.empty()),
                     options_.bearer, options_.wall_clock, random) {}

void BrowserEdge::OnFlowOpened(sip::FlowId flow, bool tls, const IpAddress& peer) {
  sip::FlowInfo info;
  info.via_transport = tls ? "WSS" : "WS";
  info.via_sent_by = options_.domain;
  info.contact.user = "lastmile";
  info.contact.host = options_.domain;
  info.contact.params.Set("transport", "ws");
  info.owner = flow.value;
  user_agent_.AddFlow(flow, std::move(info));
  authenticator_.OnFlowOpened(flow, peer);
  if (tls || peer.is_loopback()) private_flows_.insert(flow);
}

void BrowserEdge::OnFlowClosed(sip::FlowId flow, FlowEnd end, TimePoint now) {
  for (auto& [id, dialog] : dialogs_) {
    if (user_agent_.FlowOf(id) != flow) continue;
    dialog.left = end == FlowEnd::kLeft;
    dialog.away_until = now + kMayBeAway;
    next_dialog_timeout_ = std::min(next_dialog_timeout_, dialog.away_until);
  }
  waiting_.EraseIf([&](const Waiting& waiting) {
    return std::visit([&](const auto& request) { return request.flow == flow; }, waiting);
  });
  registrar_.RemoveFlow(flow);
  authenticator_.OnFlowClosed(flow);
  private_flows_.erase(flow);
  user_agent_.RemoveFlow(flow, now);
}

bool BrowserEdge::HasLeft(sip::DialogId dialog) const {
  const auto found = dialogs_.find(dialog);
  return found != dialogs_.end() && found->second.left;
}

void BrowserEdge::OnText(sip::FlowId flow, std::string_view text, TimePoint now) {
  if (text == kKeepAlivePing) {
    texts_.push_back({flow, std::string(kKeepAlivePong)});
    return;
  }
  if (text == kKeepAlivePong) return;
  auto message = sip::Parse(text);
  if (!message) {
    spdlog::info("leg=browser flow={} refused a message: {} {}", flow.value, message.error().status,
                 message.error().reason);
    if (auto answer = sip::PrintRejection(message.error())) {
      texts_.push_back({flow, *std::move(answer)});
    }
    return;
  }
  user_agent_.OnMessage(flow, *std::move(message), now);
}

void BrowserEdge::OnTimer(TimePoint now) {
  registrar_.OnTimer(now);
  users_.OnTimer(now);
  user_agent_.OnTimer(now);
  RunDialogTimers(now);
}

TimePoint BrowserEdge::next_timeout() const {
  return std::min({registrar_.next_timeout(), users_.next_timeout(), user_agent_.next_timeout(),
                   next_dialog_timeout_});
}

void BrowserEdge::StartSessionTimer(sip::DialogId dialog, TimePoint now) {
  const auto found = dialogs_.find(dialog);
  if (found == dialogs_.end()) return;
  found->second.refresh_at = now + kSessionRefresh;
  next_dialog_timeout_ = std::min(next_dialog_timeout_, found->second.refresh_at);
}

void BrowserEdge::RefreshSession(sip::DialogId dialog, TimePoint now) {
  BrowserDialog& found = dialogs_.at(dialog);
  if (!found.takes_update) {
    // An offer that is not answered yet refreshes the session as well.
    if (!found.reoffer) own_events_.push_back(BrowserRefreshDue{dialog});
    return;
  }
  sip::Extras extras;
  extras.headers = {{"Session-Expires", kSessionExpiresAsClient}, {"Supported", "timer"}};
  found.refresh = user_agent_.SendInDialog(dialog, "UPDATE", std::move(extras), now);
}

void BrowserEdge::RunDialogTimers(TimePoint now) {
  if (now < next_dialog_timeout_) return;
  next_dialog_timeout_ = kNever;
  for (auto it = dialogs_.begin(); it != dialogs_.end();) {
    auto& [id, dialog] = *it;
    if (dialog.forget_at <= now) {
      if (dialog.bye) user_agent_.Bye(id, *std::move(dialog.bye), now);
      it = dialogs_.erase(it);
      continue;
    }
    if (dialog.refresh_at <= now) {
      dialog.refresh_at = now + kSessionRefresh;
      RefreshSession(id, now);
    }
    if (dialog.reoffer_at <= now) {
      dialog.reoffer_at = kNever;
      own_events_.push_back(BrowserRebound{.dialog = id, .glare = true});
    }
    if (dialog.away_until <= now) {
      dialog.away_until = kNever;
      own_events_.push_back(BrowserAway{id});
    }
    next_dialog_timeout_ = std::min(next_dialog_timeout_, dialog.next());
    ++it;
  }
}

sip::Parties BrowserEdge::PartiesOf(const std::string& user, const std::string& caller,
                                    const std::string& display_name) const {
  sip::Parties parties;
  parties.from.display_name = display_name;
  parties.from.uri.user = caller.empty() ? "anonymous" : caller;
  parties.from.uri.host = options_.domain;
  parties.to.uri.user = user;
  parties.to.uri.host = options_.domain;
  return parties;
}

std::optional<sip::DialogId> BrowserEdge::Ring(const RingRequest& request, TimePoint now) {
  const auto bindings = registrar_.FindAll(request.user, request.instance, now);
  if (bindings.empty()) return std::nullopt;
  sip::Parties parties = PartiesOf(request.user, request.caller, request.display_name);
  sip::InviteRequest invite;
  invite.from = std::move(parties.from);
  invite.to = std::move(parties.to);
  invite.extras.headers = {{"Session-Expires", kSessionExpiresAsClient}, {"Supported", "timer"}};
  std::ranges::copy(request.headers, std::back_inserter(invite.extras.headers));
  invite.extras.content_type = "application/sdp";
  invite.extras.body = request.offer;
  if (request.ring > Duration::zero()) invite.ring_timeout = request.ring;
  std::vector<sip::DialogId> legs;
  for (const Binding* binding : bindings) {
    invite.request_uri = binding->contact.uri;
    legs.push_back(user_agent_.Invite(binding->flow, invite, now));
    dialogs_[legs.back()] = {.user = request.user, .device = DeviceOf(binding->contact)};
  }
  return rings_.Add(legs);
}

void BrowserEdge::CancelRing(sip::DialogId ring, const sip::Extras& extras, TimePoint now) {
  rings_.Cancel(ring, extras, now);
}

void BrowserEdge::Respond(sip::DialogId dialog, int status, sip::Extras extras, TimePoint now) {
  if (status >= 200 && status < 300) {
    extras.headers.push_back({"Session-Expires", kSessionExpiresAsServer});
    StartSessionTimer(dialog, now);
  } else if (status >= 300) {
    dialogs_.erase(dialog);
  }
  user_agent_.RespondInvite(dialog, status, std::move(extras), now);
}

void BrowserEdge::RespondInDialog(sip::ServerRequestId request, int status, sip::Extras extras,
                                  TimePoint now) {
  if (status >= 200 && status < 300) {
    extras.headers.push_back({"Session-Expires", kSessionExpiresAsServer});
  }
  user_agent_.Respond(request, status, std::move(extras), now);
}

void BrowserEdge::Bye(sip::DialogId dialog, sip::Extras extras, TimePoint now) {
  const auto found = dialogs_.find(dialog);
  if (found != dialogs_.end()) {
    found->second.refresh_at = found->second.reoffer_at = found->second.away_until = kNever;
    found->second.forget_at = now + kByeOwed;
    next_dialog_timeout_ = std::min(next_dialog_timeout_, found->second.forget_at);
    // A page that was closed does not come back for it.
    if (!user_agent_.FlowOf(dialog) && !found->second.left) {
      found->second.bye = std::move(extras);
      return;
    }
  }
  user_agent_.Bye(dialog, std::move(extras), now);
}

void BrowserEdge::SendReoffer(sip::DialogId dialog, std::string offer, TimePoint now) {
  const auto found = dialogs_.find(dialog);
  if (found == dialogs_.end()) return;
  // One at a time (RFC 3261 section 14.1), and the answer to that one counts.
  found->second.reoffer_owed = bool{found->second.reoffer};
  if (found->second.reoffer_owed) return;
  sip::Extras extras;
  extras.headers = {{"Session-Expires", kSessionExpiresAsClient}, {"Supported", "timer"}};
  extras.content_type = "application/sdp";
  extras.body = std::move(offer);
  found->second.reoffer = user_agent_.SendInDialog(dialog, "INVITE", std::move(extras), now);
}

// The same browser over a new connection: its calls go on there.
void BrowserEdge::Rebind(const User& user, sip::FlowId flow, TimePoint now) {
  const Binding* binding = registrar_.FindOnFlow(user.name, flow);
  if (!binding) return;
  const std::string device = DeviceOf(binding->contact);
  for (auto& [id, dialog] : dialogs_) {
    const bool same_device = dialog.user == user.name && dialog.device == device;
    if (!same_device || device.empty() || user_agent_.FlowOf(id) == flow) continue;
    user_agent_.BindFlow(id, flow);
    dialog.away_until = kNever;
    dialog.left = false;
    if (dialog.bye) {
      // It may have to wait for an ACK, and for a browser that is away again meanwhile.
      user_agent_.Bye(id, *std::exchange(dialog.bye, std::nullopt), now);
      dialog.forget_at = now + kByeOwed;
      next_dialog_timeout_ = std::min(next_dialog_timeout_, dialog.forget_at);
    } else if (dialog.forget_at == kNever) {
      own_events_.push_back(BrowserRebound{.dialog = id});
    }
  }
}

std::optional<BrowserDialogSnapshot> BrowserEdge::Snapshot(sip::DialogId id, TimePoint now) const {
  const auto found = dialogs_.find(id);
  auto confirmed = user_agent_.Snapshot(id);
  if (!confirmed || found == dialogs_.end()) return std::nullopt;
  const BrowserDialog& dialog = found->second;
  return BrowserDialogSnapshot{.dialog = *std::move(confirmed),
                               .user = dialog.user,
                               .device = dialog.device,
                               .takes_update = dialog.takes_update,
                               .refresh_in = sip::LeftUntil(dialog.refresh_at, now)};
}

sip::DialogId BrowserEdge::Restore(BrowserDialogSnapshot snapshot, TimePoint now) {
  const sip::DialogId id = user_agent_.Restore(std::move(snapshot.dialog), 0);
  if (!id) return id;
  BrowserDialog& dialog = dialogs_[id];
  dialog.user = std::move(snapshot.user);
  dialog.device = std::move(snapshot.device);
  dialog.takes_update = snapshot.takes_update;
  dialog.refresh_at = sip::TimeIn(snapshot.refresh_in, now);
  dialog.away_until = now + kMayBeAway;
  next_dialog_timeout_ = std::min(next_dialog_timeout_, dialog.next());
  return id;
}

// --- what the user agent reports ---

std::vector<BrowserEvent> BrowserEdge::TakeEvents(TimePoint now) {
  std::vector<BrowserEvent> out;
  RunAgentEvents(out, now);
  GoOn(now);  // after what was cancelled has left the list
  RunAgentEvents(out, now);
  std::ranges::move(std::exchange(own_events_, {}), std::back_inserter(out));
  std::ranges::move(registrar_.TakeChanges(), std::back_inserter(out));
  return out;
}

void BrowserEdge::RunAgentEvents(std::vector<BrowserEvent>& out, TimePoint now) {
  // Legs of a ring that are cancelled meanwhile report to nobody but us.
  for (auto events = user_agent_.TakeEvents(); !events.empty(); events = user_agent_.TakeEvents()) {
    for (sip::UserAgentEvent& event : events) OnAgentEvent(std::move(event), out, now);
  }
}

// Silence says nothing: JsSIP's 2xx has no Allow (RFC 3261 section 20.5).
bool BrowserEdge::RefusesUpdate(const sip::Message& message) {
  return !message.allow.empty() && !sip::HasToken(message.allow, "UPDATE");
}

void BrowserEdge::OnAgentEvent(sip::UserAgentEvent event, std::vector<BrowserEvent>& out,
                               TimePoint now) {
  if (auto* invite = std::get_if<sip::IncomingInvite>(&event)) {
    return OnInvite(std::move(*invite), out, now);
  }
  if (auto* request = std::get_if<sip::IncomingRequest>(&event)) {
    return OnRequest(std::move(*request), out, now);
  }
  if (auto* answered = std::get_if<sip::RequestAnswered>(&event)) {
    return OnRequestAnswered(std::move(*answered), out, now);
  }
  if (const auto* accepted = std::get_if<sip::InviteAccepted>(&event)) {
    const auto dialog = dialogs_.find(accepted->dialog);
    if (dialog != dialogs_.end()) {
      dialog->second.takes_update = !RefusesUpdate(accepted->response);
    }
    StartSessionTimer(accepted->dialog, now);
  }
  ForgetEnded(event, now);
  if (!rings_.IsRinging(std::visit([](const auto& e) { return e.dialog; }, event))) {
    out.push_back(std::move(event));
    return;
  }
  RingReport report = rings_.On(std::move(event), now);
  if (report.answered) out.push_back(*report.answered);
  if (report.event) out.push_back(*std::move(report.event));
}

void BrowserEdge::ForgetEnded(const sip::UserAgentEvent& event, TimePoint now) {
  if (const auto* ended = std::get_if<sip::DialogEnded>(&event)) {
    if (ended->end == sip::DialogEnd::kBye || user_agent_.FlowOf(ended->dialog)) {
      dialogs_.erase(ended->dialog);
    } else if (const auto found = dialogs_.find(ended->dialog);
               found == dialogs_.end() || !found->second.bye) {
      Bye(ended->dialog, {}, now);  // as soon as the browser is back
    }
  } else if (const auto* rejected = std::get_if<sip::InviteRejected>(&event)) {
    dialogs_.erase(rejected->dialog);
  } else if (const auto* cancelled = std::get_if<sip::InviteCancelled>(&event)) {
    dialogs_.erase(cancelled->dialog);
    waiting_.EraseIf([&](const Waiting& waiting) {
      const auto* invite = std::get_if<sip::IncomingInvite>(&waiting);
      return invite && invite->dialog == cancelled->dialog;
    });
  }
}

// Of the answers to session refreshes only this is of interest: that the client has no UPDATE. What
// else they would tell, the media does.
void BrowserEdge::OnRequestAnswered(sip::RequestAnswered answered, std::vector<BrowserEvent>& out,
                                    TimePoint now) {
  const auto found = dialogs_.find(answered.dialog);
  if (found == dialogs_.end()) {
    out.push_back(BrowserAnswered{std::move(answered)});
    return;
  }
  if (found->second.refresh == answered.id) {
    if (answered.status != 405 && answered.status != 501) return;
    found->second.takes_update = false;
    RefreshSession(answered.dialog, now);
    return;
  }
  if (found->second.reoffer != answered.id) {
    out.push_back(BrowserAnswered{std::move(answered)});
    return;
  }
  found->second.reoffer = {};
  const bool owed = std::exchange(found->second.reoffer_owed, false);
  if (answered.status == 491) {
    found->second.reoffer_at = now + kReofferAgain;
    next_dialog_timeout_ = std::min(next_dialog_timeout_, found->second.reoffer_at);
    return;
  }
  const sip::DialogId dialog = answered.dialog;
  out.push_back(sip::UserAgentEvent{std::move(answered)});
  if (owed) out.push_back(BrowserRefreshDue{dialog});
}

std::vector<BrowserText> BrowserEdge::TakeOutgoing() {
  std::vector<BrowserText> out = std::exchange(texts_, {});
  for (const sip::OutgoingMessage& outgoing : user_agent_.TakeOutgoing()) {
    out.push_back({outgoing.flow, sip::Print(outgoing.message)});
  }
  return out;
}

// What needs no call to be answered; false: the call has to answer it.
bool BrowserEdge::OnInDialogRequest(const sip::IncomingRequest& request, TimePoint now) {
  const sip::Message& message = request.request;
  const std::string& method = message.method;
  if (method == "INVITE" || method == "INFO" || method == "REFER" || method == "MESSAGE" ||
      method == "SUBSCRIBE") {
    return false;
  }
  if (message.method == "UPDATE") {
    if (!message.body.empty() && !rings_.IsRinging(request.dialog)) return false;
    if (!message.body.empty()) {
      // RFC 3311 section 5.2: our offer has no answer yet.
      user_agent_.Respond(request.id, 491, {}, now);
      return true;
    }
    sip::Extras extras;
    if (sip::HasToken(message.supported, "timer") || message.FindExtra("Session-Expires")) {
      extras.headers.push_back({"Session-Expires", kSessionExpiresAsServer});
    }
    user_agent_.Respond(request.id, 200, std::move(extras), now);
  } else if (message.method == "OPTIONS") {
    AnswerOptions(request.id, {}, now);
  } else {
    user_agent_.Respond(request.id, 405, {}, now);
  }
  return true;
}

}  // namespace lastmile::browser

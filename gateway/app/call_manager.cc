#include "gateway/app/call_manager.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "gateway/app/call_input.h"
#include "gateway/app/call_messages.h"
#include "gateway/app/relay.h"
#include "gateway/call/reasons.h"

namespace lastmile::app {
namespace {

using call::CallDirection;
using call::Party;

sip::DialogId DialogOf(const sip::UserAgentEvent& event) {
  return std::visit([](const auto& e) { return e.dialog; }, event);
}

media::SessionId SessionOf(const media::MediaEvent& event) {
  return std::visit([](const auto& e) { return e.session; }, event);
}

// The browser's edge copies what any trunk may be told.
browser::BrowserOptions WithPassedHeaders(browser::BrowserOptions options,
                                          const std::vector<trunk::Trunk>& trunks) {
  for (const trunk::Trunk& trunk : trunks) {
    std::ranges::move(trunk::NamesToTrunk(trunk.headers),
                      std::back_inserter(options.passed_headers));
  }
  std::ranges::sort(options.passed_headers);
  const auto twice = std::ranges::unique(options.passed_headers);
  options.passed_headers.erase(twice.begin(), twice.end());
  return options;
}

}  // namespace

CallManager::CallManager(CallManagerOptions options, RandomSource& random)
    : router_(std::move(options.routing), options.browser.wall_clock, random),
      browser_edge_(WithPassedHeaders(std::move(options.browser), options.trunk.trunks), random),
      trunk_edge_(std::move(options.trunk), random),
      beyond_calls_(browser_edge_, trunk_edge_, router_),
      policies_(std::move(options.policies)),
      random_(random) {}

// --- events of the shells ---

void CallManager::OnWs(const ws::Event& event, TimePoint now) {
  if (const auto* opened = std::get_if<ws::Opened>(&event)) {
    browser_edge_.OnFlowOpened({opened->conn.value}, opened->tls, opened->peer.address);
  } else if (const auto* message = std::get_if<ws::Message>(&event)) {
    browser_edge_.OnText({message->conn.value}, message->text, now);
  } else if (const auto* closed = std::get_if<ws::Closed>(&event)) {
    // RFC 6455 section 7.4.1: 1001 is a page that goes away. No close frame at all is 1006.
    const bool on_purpose = closed->code == 1000 || closed->code == 1001;
    browser_edge_.OnFlowClosed({closed->conn.value},
                               on_purpose ? browser::FlowEnd::kLeft : browser::FlowEnd::kLost, now);
    beyond_calls_.OnBrowserGone({closed->conn.value}, now);
  }
}

void CallManager::OnMedia(const media::MediaEvent& event, TimePoint now) {
  if (OnMediaHealth(event, now) || OnBridgeMedia(event, now)) return;
  const auto found = by_session_.find(SessionOf(event));
  if (found == by_session_.end()) return;
  Entry& entry = *calls_.at(found->second);
  if (const auto* opened = std::get_if<media::SessionOpened>(&event)) {
    Feed(entry, call::MediaOpened{*opened}, now);
  } else if (std::holds_alternative<media::BrowserConnected>(event)) {
    Feed(entry, call::MediaConnected{}, now);
  } else if (const auto* silent = std::get_if<media::BrowserSilent>(&event)) {
    Feed(entry,
         call::BrowserSilent{silent->reason, SignallingOf(entry), MakeIceCredentials(random_)},
         now);
  } else if (std::holds_alternative<media::BrowserHeard>(event)) {
    Feed(entry, call::BrowserHeard{}, now);
  } else if (const auto* failed = std::get_if<media::SessionFailed>(&event)) {
    Feed(entry, call::MediaFailed{failed->reason}, now);
  } else if (const auto* closed = std::get_if<media::SessionClosed>(&event)) {
    Feed(entry, call::MediaClosed{closed->stats}, now);
  } else if (const auto* heard = std::get_if<media::DigitHeard>(&event)) {
    Feed(entry, call::DigitHeard{heard->from_browser, heard->event}, now);
  }
}

void CallManager::OnMediaRefused(media::SessionId session, TimePoint now) {
  constexpr std::string_view kWhy = "the media relay is overloaded";
  if (BridgeEntry* bridge = FindBridge(session)) {
    FeedBridge(*bridge, call::MediaFailed{std::string(kWhy)}, now);
    return FeedBridge(*bridge, call::MediaClosed{}, now);
  }
  const auto found = by_session_.find(session);
  if (found == by_session_.end()) return;
  Entry& entry = *calls_.at(found->second);
  Feed(entry, call::MediaFailed{std::string(kWhy)}, now);
  Feed(entry, call::MediaClosed{}, now);
}

void CallManager::OnUserAnswer(const browser::UserAnswer& answer, TimePoint now) {
  browser_edge_.OnUserAnswer(answer, now);
}

void CallManager::OnTimer(TimePoint now) {
  browser_edge_.OnTimer(now);
  trunk_edge_.OnTimer(now);
  beyond_calls_.OnTimer(now);
  if (now < next_call_timeout_) return;
  next_call_timeout_ = kNever;
  for (auto& [id, entry] : calls_) {
    std::vector<call::CallOutput> outputs;
    entry->call.OnTimer(now, outputs);
    CarryAll(*entry, outputs, now);
  }
  RunBridgeTimers(now);
}

TimePoint CallManager::next_timeout() const {
  return std::min({browser_edge_.next_timeout(), trunk_edge_.next_timeout(),
                   beyond_calls_.next_timeout(), next_call_timeout_});
}

void CallManager::ShutDown(std::string_view reason, TimePoint now) {
  shut_down_reason_ = reason;
  beyond_calls_.ShutDown(reason, now);
  for (const auto& invite : unknown_callees_.TakeAll()) {
    Refuse(false, invite.dialog, 503, shut_down_reason_, now);
  }
  for (auto& [id, entry] : calls_) Feed(*entry, call::ShutDown{shut_down_reason_}, now);
  for (auto& [id, entry] : bridges_) FeedBridge(*entry, call::ShutDown{shut_down_reason_}, now);
  trunk_edge_.UnregisterAll(now);
}

CallManagerOutputs CallManager::TakeOutputs(TimePoint now) {
  for (bool quiet = false; !quiet;) {
    quiet = true;
    for (browser::BrowserEvent& event : browser_edge_.TakeEvents(now)) {
      quiet = false;
      if (beyond_calls_.Take(event, now)) continue;
      if (auto* invite = std::get_if<browser::BrowserInvite>(&event)) {
        OnBrowserInvite(std::move(*invite), now);
      } else if (const auto* back = std::get_if<browser::BrowserRebound>(&event)) {
        OnBrowserRebound(*back, now);
      } else if (const auto* away = std::get_if<browser::BrowserAway>(&event)) {
        Entry* entry = FindByDialog(true, away->dialog);
        if (entry) Feed(*entry, call::BrowserAway{}, now);
      } else if (const auto* due = std::get_if<browser::BrowserRefreshDue>(&event)) {
        Entry* entry = FindByDialog(true, due->dialog);
        if (entry) Feed(*entry, call::RefreshDue{.of_browser = true}, now);
      } else if (const auto* answered = std::get_if<browser::RingAnswered>(&event)) {
        OnRingAnswered(*answered);
      } else if (auto* settled = std::get_if<browser::UserSettled>(&event)) {
        settled_users_.push_back(std::move(settled->name));
      } else if (const auto* changed = std::get_if<browser::PresenceChanged>(&event)) {
        const bool present = changed->present && shut_down_reason_.empty();
        trunk_edge_.SetPresent(changed->user, present, now);
      } else {
        OnAgentEvent(true, std::get<sip::UserAgentEvent>(event), now);
      }
    }
    TakeTrunkEvents(quiet, now);
    // After what was cancelled has left the list.
    for (const std::string& name : std::exchange(settled_users_, {})) {
      for (auto& invite : unknown_callees_.Take(name)) OnTrunkInvite(std::move(invite), now);
    }
  }
  Reap(now);
  ReapBridges(now);
  CallManagerOutputs outputs;
  for (browser::BrowserText& text : browser_edge_.TakeOutgoing()) {
    outputs.ws.push_back(ws::Send{{text.flow.value}, std::move(text.text)});
  }
  for (browser::BrowserClose& close : browser_edge_.TakeClosings()) {
    outputs.ws.push_back(ws::Close{{close.flow.value}, close.code, std::move(close.reason)});
  }
  outputs.lookups = browser_edge_.TakeLookups();
  outputs.trunk = trunk_edge_.TakeOutputs();
  outputs.media = std::exchange(media_commands_, {});
  outputs.records = std::exchange(records_, {});
  return outputs;
}

void CallManager::TakeTrunkEvents(bool& quiet, TimePoint now) {
  for (trunk::TrunkEvent& event : trunk_edge_.TakeEvents(now)) {
    quiet = false;
    if (beyond_calls_.Take(event, now)) continue;
    if (auto* invite = std::get_if<trunk::TrunkInvite>(&event)) {
      OnTrunkInvite(std::move(*invite), now);
    } else if (const auto* refresh = std::get_if<trunk::TrunkRefresh>(&event)) {
      if (Entry* entry = FindByDialog(false, refresh->dialog)) {
        Feed(*entry, call::RefreshDue{.of_browser = false}, now);
      }
      RefreshBridge(refresh->dialog, now);
    } else {
      OnAgentEvent(false, std::get<sip::UserAgentEvent>(event), now);
    }
  }
}

// --- new calls ---

CallManager::Entry& CallManager::NewCall(CallDirection direction, Parties parties,
                                         std::vector<sip::Header> headers, TimePoint now,
                                         bool with_keys) {
  call::CallSettings settings{.direction = direction,
                              .trunk = PolicyOf(parties.trunk),
                              .sdp_session_id = random_.Next64() >> 2};
  if (!with_keys) settings.trunk.sdp.srtp = sdp::Srtp::kNone;
  settings.trunk_keys = call::MakeTrunkKeys(settings.trunk, random_);
  if (direction == CallDirection::kFromBrowser) {
    settings.invite_head_bytes = trunk_edge_.InviteHeadBytes(RequestOf(parties, headers));
  }
  const call::CallId id = call_ids_.Next();
  const media::SessionId session = session_ids_.Next();
  auto entry = std::make_unique<Entry>(id, session, std::move(settings));
  entry->parties = std::move(parties);
  entry->headers = std::move(headers);
  entry->started = now;
  by_session_[session] = id;
  return *(calls_[id] = std::move(entry));
}

trunk::TrunkEdge::CallRequest CallManager::RequestOf(const Parties& parties,
                                                     std::vector<sip::Header> headers) {
  return {.trunk = parties.trunk,
          .number = parties.number,
          .caller = parties.caller,
          .user = parties.user,
          .offer = "",
          .anonymous = parties.anonymous,
          .headers = std::move(headers)};
}

call::TrunkPolicy CallManager::PolicyOf(const std::string& trunk) const {
  const auto policy = policies_.find(trunk);
  return policy == policies_.end() ? call::TrunkPolicy{} : policy->second;
}

void CallManager::Refuse(bool browser, sip::DialogId dialog, int status, std::string reason,
                         TimePoint now) {
  spdlog::info("leg={} refused a call: {} {}", browser ? "browser" : "trunk", status, reason);
  sip::Extras extras = MakeExtras("", "", std::move(reason));
  if (browser) {
    browser_edge_.Respond(dialog, status, std::move(extras), now);
  } else {
    trunk_edge_.Respond(dialog, status, std::move(extras), now);
  }
}

// Routes first. What none of them names is dialled at the user's PBX, as a phone on its desk would.
void CallManager::OnBrowserInvite(browser::BrowserInvite invite, TimePoint now) {
  if (!shut_down_reason_.empty()) {
    return Refuse(true, invite.dialog, 503, shut_down_reason_, now);
  }
  Way way = WayFor(router_, trunk_edge_, {invite.user.name, invite.user.tenant}, invite.target);
  route::Decision& decision = way.decision;
  if (!way.trunk) {
    return Refuse(true, invite.dialog, decision.status, std::move(decision.why), now);
  }
  std::deque<route::TrunkTry> trunks(decision.trunks.begin(), decision.trunks.end());
  // The local trunk never is one of several: all of them show the same caller.
  Parties wanted{.user = invite.user.name,
                 .caller = ShownTo(*way.trunk, invite.user),
                 .tenant = invite.user.tenant,
                 .anonymous = invite.anonymous};
  auto slot = TakeTrunk(trunks, wanted,
                        {.user = wanted.user, .trunk = "", .priority = decision.priority}, now);
  if (!slot) return Refuse(true, invite.dialog, slot.error(), now);
  auto headers = HeadersTo(wanted.trunk, invite.headers);
  Entry& entry = NewCall(CallDirection::kFromBrowser, std::move(wanted), std::move(headers), now);
  entry.browser_dialog = invite.dialog;
  by_browser_dialog_[invite.dialog] = entry.call.id();
  entry.slot = *std::move(slot);
  entry.passed_headers = std::move(invite.headers);
  entry.other_trunks = std::move(trunks);
  entry.failover = std::move(decision.failover);
  entry.priority = decision.priority;
  entry.ring = decision.ring;
  const Parties& parties = entry.parties;
  spdlog::info("call={} from-browser user={} to={} trunk={} route={}", entry.call.id().value,
               Redacted{parties.user}, Redacted{parties.number}, parties.trunk,
               decision.route.empty() ? "of the user's PBX" : decision.route);
  Feed(entry, call::Invited{std::move(invite.offer)}, now);
}

void CallManager::OnTrunkInvite(trunk::TrunkInvite invite, TimePoint now) {
  if (!shut_down_reason_.empty()) {
    return Refuse(false, invite.dialog, 503, shut_down_reason_, now);
  }
  const call::TrunkPolicy policy = PolicyOf(invite.trunk);
  const bool with_keys = call::MaySayKeys(policy, invite.tls);
  if (!with_keys && policy.sdp.srtp == sdp::Srtp::kRequired) {
    return Refuse(false, invite.dialog, 488, "SRTP is required, and its keys only go over TLS",
                  now);
  }
  if (invite.replaces) return OnReplacingInvite(invite, now);
  // An account names its user; routes are for numbers.
  route::Decision decision;
  if (invite.user.empty()) decision = router_.Inbound(invite.trunk, invite.target);
  if (decision.outcome == route::Decision::Outcome::kDenied) {
    return Refuse(false, invite.dialog, decision.status, std::move(decision.why), now);
  }
  const std::string user = invite.user.empty() ? std::move(decision.user) : invite.user;
  if (browser_edge_.registrar().FindAll(user, invite.instance, now).empty()) {
    return OnAbsentCallee(std::move(invite), user, now);
  }
  auto slot = router_.Begin(
      {.user = user, .trunk = invite.trunk, .by_user = false, .priority = decision.priority}, now);
  if (!slot) return Refuse(false, invite.dialog, slot.error(), now);
  Entry& entry = NewCall(CallDirection::kFromTrunk,
                         {.trunk = std::move(invite.trunk),
                          .user = user,
                          .number = std::move(invite.target),
                          .caller = std::move(invite.caller),
                          .display_name = std::move(invite.display_name)},
                         std::move(invite.headers), now, with_keys);
  entry.slot = *std::move(slot);
  entry.trunk_dialog = invite.dialog;
  entry.instance = std::move(invite.instance);
  entry.ring = decision.ring;
  entry.max_forwards = invite.max_forwards;
  by_trunk_dialog_[invite.dialog] = entry.call.id();
  const Parties& parties = entry.parties;
  spdlog::info("call={} from-trunk trunk={} to={} user={}", entry.call.id().value, parties.trunk,
               Redacted{parties.number}, Redacted{parties.user});
  Feed(entry, call::Invited{std::move(invite.offer), invite.reliable}, now);
}

// Nobody rings: what is left to tell is whether there is such a user at all.
void CallManager::OnAbsentCallee(trunk::TrunkInvite invite, const std::string& user,
                                 TimePoint now) {
  const auto status = browser_edge_.FindUser(user, now).status;
  if (status == browser::Lookup::Status::kPending && !unknown_callees_.is_full()) {
    unknown_callees_.Add(user, std::move(invite));
  } else if (status == browser::Lookup::Status::kNobody) {
    Refuse(false, invite.dialog, 404, "no such user", now);
  } else {
    Refuse(false, invite.dialog, 480, "the user is not registered now", now);
  }
}

// --- between edges and calls ---

CallManager::Entry* CallManager::FindByDialog(bool browser, sip::DialogId dialog) {
  const auto& index = browser ? by_browser_dialog_ : by_trunk_dialog_;
  const auto found = index.find(dialog);
  return found == index.end() ? nullptr : calls_.at(found->second).get();
}

void CallManager::OnAgentEvent(bool from_browser, const sip::UserAgentEvent& event, TimePoint now) {
  if (OnInfoAnswered(from_browser, event)) return;
  if (from_browser ? OnBrowserRefer(event, now) : OnBridgeEvent(event, now)) return;
  if (!from_browser && OnTransferEvent(event, now)) return;
  Entry* entry = FindByDialog(from_browser, DialogOf(event));
  if (!entry) return ForgetUnknownCallee(from_browser, event);
  const BeyondCalls::InCall in_call{
      .from_browser = from_browser,
      .user = entry->parties.user,
      .other = from_browser ? entry->trunk_dialog : entry->browser_dialog,
      .is_up = entry->call.state() == call::CallState::kConnected};
  if (beyond_calls_.TakeInCall(event, in_call, now)) return;
  const auto* rejected = std::get_if<sip::InviteRejected>(&event);
  if (rejected && !from_browser && OnTrunkRejected(*entry, *rejected, now)) return;
  if (rejected && !from_browser && FailOver(*entry, *rejected, now)) return;
  const bool is_caller = from_browser == (entry->call.direction() == CallDirection::kFromBrowser);
  const ToCallInput convert{is_caller ? Party::kCaller : Party::kCallee, random_};
  if (auto input = std::visit(convert, event)) Feed(*entry, *input, now);
}

void CallManager::ForgetUnknownCallee(bool from_browser, const sip::UserAgentEvent& event) {
  if (from_browser || !std::holds_alternative<sip::InviteCancelled>(event)) return;
  unknown_callees_.EraseIf(
      [&](const trunk::TrunkInvite& invite) { return invite.dialog == DialogOf(event); });
}

call::Signalling CallManager::SignallingOf(const Entry& entry) const {
  if (browser_edge_.HasFlow(entry.browser_dialog)) return call::Signalling::kThere;
  return browser_edge_.HasLeft(entry.browser_dialog) ? call::Signalling::kLeft
                                                     : call::Signalling::kLost;
}

// Of the trunk: the browser edge keeps those of browsers to itself.
bool CallManager::OnInfoAnswered(bool from_browser, const sip::UserAgentEvent& event) {
  const auto* answered = std::get_if<sip::RequestAnswered>(&event);
  if (!answered || from_browser || trunk_infos_.erase(answered->id) == 0) return false;
  const Entry* entry = FindByDialog(false, answered->dialog);
  if (entry && answered->status >= 300) {
    spdlog::warn("call={} leg=trunk answered a digit's INFO with {}", entry->call.id().value,
                 answered->status);
  }
  return true;
}

void CallManager::SendInfo(Entry& entry, const call::SendInfo& info, TimePoint now) {
  const bool to_browser =
      (info.party == Party::kCaller) == (entry.call.direction() == CallDirection::kFromBrowser);
  if (!to_browser) return SendTrunkInfo(entry.trunk_dialog, info, now);
  browser_edge_.user_agent().SendInDialog(
      entry.browser_dialog, "INFO", {.content_type = info.content_type, .body = info.body}, now);
}

void CallManager::SendTrunkInfo(sip::DialogId dialog, const call::SendInfo& info, TimePoint now) {
  trunk_edge_.Reach(dialog);
  trunk_infos_.insert(trunk_edge_.user_agent().SendInDialog(
      dialog, "INFO", {.content_type = info.content_type, .body = info.body}, now));
}

void CallManager::OnBrowserRebound(const browser::BrowserRebound& back, TimePoint now) {
  Entry* entry = FindByDialog(true, back.dialog);
  if (!entry) return;
  spdlog::info("call={} leg=browser {}", entry->call.id().value,
               back.glare ? "had an offer of its own" : "is back on another connection");
  Feed(*entry, call::BrowserBack{MakeIceCredentials(random_)}, now);
}

// One of the user's browsers: the call's dialog is with it from now on.
void CallManager::OnRingAnswered(const browser::RingAnswered& answered) {
  Entry* entry = FindByDialog(true, answered.ring);
  if (!entry) return;
  by_browser_dialog_.erase(answered.ring);
  by_browser_dialog_[answered.dialog] = entry->call.id();
  entry->browser_dialog = answered.dialog;
}

void CallManager::Feed(Entry& entry, const call::CallInput& input, TimePoint now) {
  std::vector<call::CallOutput> outputs;
  entry.call.On(input, now, outputs);
  CarryAll(entry, outputs, now);
}

void CallManager::CarryAll(Entry& entry, const std::vector<call::CallOutput>& outputs,
                           TimePoint now) {
  next_call_timeout_ = std::min(next_call_timeout_, entry.call.next_timeout());
  for (const auto& output : outputs) Carry(entry, output, now);
  TellWatch(entry.call.session(), entry.call.watch(), entry.watched);
  if (entry.bridge && entry.call.state() == call::CallState::kClosing) LeaveBridge(entry, now);
}

void CallManager::PlaceCallee(Entry& entry, const std::string& offer, TimePoint now) {
  const Parties& parties = entry.parties;
  if (entry.call.direction() == CallDirection::kFromBrowser) {
    const trunk::Trunk* trunk = trunk_edge_.FindTrunk(parties.trunk);
    if (trunk && trunk->follow_redirects) {
      entry.offer = offer;
      entry.redirects.emplace(parties.number);
    }
    return PlaceTrunkCall(entry, parties.number, offer, now);
  }
  const auto rung = browser_edge_.Ring({.user = parties.user,
                                        .instance = entry.instance,
                                        .caller = parties.caller,
                                        .display_name = parties.display_name,
                                        .offer = offer,
                                        .headers = entry.headers,
                                        .ring = entry.ring},
                                       now);
  if (!rung) {
    const std::string reason = call::SipReason(480, "the user is not registered now");
    return Feed(entry, call::CalleeRejected{480, reason}, now);
  }
  entry.browser_dialog = *rung;
  by_browser_dialog_[*rung] = entry.call.id();
}

void CallManager::PlaceTrunkCall(Entry& entry, const std::string& number, const std::string& offer,
                                 TimePoint now) {
  by_trunk_dialog_.erase(entry.trunk_dialog);
  trunk::TrunkEdge::CallRequest request = RequestOf(entry.parties, entry.headers);
  if (number != request.number) request.diverted_by = std::exchange(request.number, number);
  request.offer = offer;
  request.ring = entry.ring;
  request.has_alternative = GoesOnAfter(entry, route::kNoAnswer);
  entry.trunk_dialog = trunk_edge_.PlaceCall(request, now);
  by_trunk_dialog_[entry.trunk_dialog] = entry.call.id();
}

// A redirection (RFC 3261 section 21.3), or the failure of a number that one led to. The browser
// never hears of a 3xx: a page could do nothing with it, and its Contacts are the carrier's.
bool CallManager::OnTrunkRejected(Entry& entry, const sip::InviteRejected& rejected,
                                  TimePoint now) {
  const int status = rejected.status;
  const bool redirected = status >= 300 && status < 400;
  const bool waits = entry.redirects && entry.redirects->any_waiting();
  if (entry.call.state() != call::CallState::kCalling || status >= 600) return false;
  if (!redirected && !waits) return false;
  std::string why = "the carrier redirects the call, which is not followed";
  // 305 names a proxy, and the gateway connects to nobody who is not in its configuration.
  if (entry.redirects && status != 305) {
    if (redirected && rejected.response) entry.redirects->Add(*rejected.response);
    auto number = entry.redirects->Next(router_, CallerOf(entry.parties, now), entry.parties.trunk);
    if (number) {
      spdlog::info("call={} leg=trunk answered {}: calls {} instead", entry.call.id().value, status,
                   Redacted{*number});
      PlaceTrunkCall(entry, *number, entry.offer, now);
      return true;
    }
    why = std::move(number.error());
  }
  if (!redirected) return false;
  spdlog::warn("call={} leg=trunk answered {}: {}", entry.call.id().value, status, why);
  Feed(entry,
       call::CalleeRejected{status, call::SipReason(status, sip::DefaultReasonPhrase(status)),
                            std::move(why)},
       now);
  return true;
}

void CallManager::Carry(Entry& entry, const call::CallOutput& output, TimePoint now) {
  const bool from_browser = entry.call.direction() == CallDirection::kFromBrowser;
  sip::UserAgent& browser_agent = browser_edge_.user_agent();
  sip::UserAgent& trunk_agent = trunk_edge_.user_agent();
  sip::UserAgent& callee_agent = from_browser ? trunk_agent : browser_agent;
  const sip::DialogId callee = from_browser ? entry.trunk_dialog : entry.browser_dialog;

  if (const auto* command = std::get_if<media::MediaCommand>(&output)) {
    media_commands_.push_back(WithSources(*command, entry.trunk_dialog, {}));
  } else if (const auto* place = std::get_if<call::PlaceCallee>(&output)) {
    PlaceCallee(entry, place->offer, now);
  } else if (const auto* answer = std::get_if<call::AnswerCaller>(&output)) {
    sip::Extras extras = MakeExtras(answer->sdp, answer->reason_header, answer->warning);
    if (from_browser) {
      browser_edge_.Respond(entry.browser_dialog, answer->status, std::move(extras), now);
    } else {
      trunk_edge_.Respond(entry.trunk_dialog, answer->status, std::move(extras), now);
    }
  } else if (std::holds_alternative<call::AckCallee>(output)) {
    callee_agent.Ack(callee, {}, now);
  } else if (const auto* cancel = std::get_if<call::CancelCallee>(&output)) {
    sip::Extras extras = MakeExtras("", cancel->reason_header, "");
    if (from_browser) {
      trunk_edge_.Cancel(callee, std::move(extras), now);
    } else {
      browser_edge_.CancelRing(callee, extras, now);
    }
  } else if (const auto* hang_up = std::get_if<call::HangUp>(&output)) {
    sip::Extras extras = MakeExtras("", hang_up->reason_header, "");
    if ((hang_up->party == Party::kCaller) == from_browser) {
      browser_edge_.Bye(entry.browser_dialog, std::move(extras), now);
    } else {
      trunk_edge_.Bye(entry.trunk_dialog, std::move(extras), now);
    }
  } else if (const auto* reoffer = std::get_if<call::AnswerReoffer>(&output)) {
    sip::Extras extras = MakeExtras(reoffer->sdp, "", reoffer->warning);
    if ((reoffer->party == Party::kCaller) == from_browser) {
      browser_edge_.RespondInDialog(reoffer->request, reoffer->status, std::move(extras), now);
    } else {
      trunk_edge_.RespondInDialog(entry.trunk_dialog, reoffer->request, reoffer->status,
                                  std::move(extras), now);
    }
  } else if (const auto* offer = std::get_if<call::SendOffer>(&output)) {
    if ((offer->party == Party::kCaller) == from_browser) {
      browser_edge_.SendReoffer(entry.browser_dialog, offer->sdp, now);
    } else {
      trunk_edge_.SendReoffer(entry.trunk_dialog, MakeExtras(offer->sdp, "", ""), now);
    }
  } else if (const auto* info = std::get_if<call::AnswerInfo>(&output)) {
    sip::Extras extras = MakeExtras("", "", info->warning);
    if (!info->accept.empty()) extras.headers.push_back({"Accept", info->accept});
    const bool by_browser = (info->party == Party::kCaller) == from_browser;
    (by_browser ? browser_agent : trunk_agent)
        .Respond(info->request, info->status, std::move(extras), now);
  } else if (const auto* send = std::get_if<call::SendInfo>(&output)) {
    SendInfo(entry, *send, now);
  } else if (std::holds_alternative<call::LetTrunkGo>(output)) {
    GiveTrunkToBridge(entry, now);
  } else if (std::holds_alternative<call::Ended>(output)) {
    ended_.push_back(entry.call.id());
  } else {
    CarryTransfer(entry, output, now);
  }
}

void CallManager::Reap(TimePoint now) {
  for (const call::CallId id : ended_) {
    const auto found = calls_.find(id);
    if (found == calls_.end()) continue;
    const Entry& entry = *found->second;
    records_.push_back({.id = id,
                        .direction = entry.call.direction(),
                        .parties = entry.parties,
                        .started = entry.started,
                        .ended = now,
                        .summary = entry.call.summary(),
                        .media_faults = entry.health.faults()});
    by_browser_dialog_.erase(found->second->browser_dialog);
    by_trunk_dialog_.erase(found->second->trunk_dialog);
    by_trunk_dialog_.erase(found->second->target_dialog);
    by_session_.erase(found->second->call.session());
    calls_.erase(found);
  }
  ended_.clear();
}

std::vector<CallSnapshot> CallManager::Snapshots(TimePoint now) const {
  std::vector<CallSnapshot> snapshots;
  for (const auto& [id, entry] : calls_) {
    auto call = entry->call.Snapshot(now);
    auto browser_dialog = browser_edge_.Snapshot(entry->browser_dialog, now);
    auto trunk_dialog = trunk_edge_.Snapshot(entry->trunk_dialog, now);
    if (!call || !browser_dialog || !trunk_dialog) continue;
    snapshots.push_back(
        {.browser_dialog = *std::move(browser_dialog),
         .trunk_dialog = *std::move(trunk_dialog),
         .call = *std::move(call),
         .parties = entry->parties,
         .media = entry->health.Snapshot(now),
         .started_ago = std::chrono::floor<std::chrono::milliseconds>(now - entry->started)});
  }
  return snapshots;
}

CallManagerGauges CallManager::gauges() const {
  const auto browser = browser_edge_.user_agent().gauges();
  const auto trunk = trunk_edge_.user_agent().gauges();
  const auto registrations = trunk_edge_.registrations();
  return {.calls = calls_.size() + bridges_.size(),
          .dialogs = browser.dialogs + trunk.dialogs,
          .transactions = browser.transactions + trunk.transactions,
          .registrations = browser_edge_.registrar().binding_count(),
          .trunk_streams = trunk_edge_.stream_count(),
          .subscriptions = beyond_calls_.subscriptions(),
          .pbx_registrations = registrations.registered,
          .pbx_registers = registrations.under_way,
          .auth_failures = browser_edge_.auth_failures(),
          .trunks = trunk_edge_.status(),
          .limit_refusals = router_.limiter().refusals(),
          .media_faults = media_faults_};
}

}  // namespace lastmile::app

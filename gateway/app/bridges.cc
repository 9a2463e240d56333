#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/app/call_input.h"
#include "gateway/app/call_manager.h"
#include "gateway/app/call_messages.h"
#include "gateway/app/relay.h"
#include "gateway/call/reasons.h"

// Transfers by a browser: whom it may be connected with, and the bridges that come of it. A bridge
// has its trunk dialogs from calls, which end without it.
namespace lastmile::app {
namespace {

using call::Party;

}  // namespace

CallManager::Entry* CallManager::FindCall(call::CallId id) {
  const auto found = calls_.find(id);
  return found == calls_.end() ? nullptr : found->second.get();
}

CallManager::BridgeEntry* CallManager::FindBridge(media::SessionId session) {
  const auto found = bridge_by_session_.find(session);
  return found == bridge_by_session_.end() ? nullptr : bridges_.at(found->second).get();
}

CallManager::BridgeEntry* CallManager::FindBridge(sip::DialogId trunk_dialog) {
  const auto found = bridge_by_dialog_.find(trunk_dialog);
  return found == bridge_by_dialog_.end() ? nullptr : bridges_.at(found->second).get();
}

// --- REFER ---

bool CallManager::OnBrowserRefer(const sip::UserAgentEvent& event, TimePoint now) {
  const auto* request = std::get_if<sip::IncomingRequest>(&event);
  if (!request || request->request.method != "REFER") return false;
  sip::UserAgent& agent = browser_edge_.user_agent();
  Entry* entry = FindByDialog(true, request->dialog);
  auto refer = sip::ParseRefer(request->request);
  std::optional<sip::ReferError> refused;
  if (!entry) {
    refused = sip::ReferError{481, "the call has ended"};
  } else if (!refer) {
    refused = refer.error();
  } else {
    refused = WhyNotTransferred(*entry);
  }
  if (refused) {
    spdlog::info("call={} leg=browser refused a REFER: {} {}", entry ? entry->call.id().value : 0,
                 refused->status, refused->reason);
    agent.Respond(request->id, refused->status, MakeExtras("", "", refused->reason), now);
    return true;
  }
  agent.Respond(request->id, 202, sip::AcceptRefer(*refer), now);
  spdlog::info("call={} leg=browser refers to {}{}", entry->call.id().value,
               Redacted{refer->target.user}, refer->replaces ? ", of another call" : "");
  if (refer->replaces) {
    TransferToCall(*entry, *refer, now);
  } else {
    TransferToNumber(*entry, *refer, now);
  }
  return true;
}

std::optional<sip::ReferError> CallManager::WhyNotTransferred(const Entry& entry) const {
  using State = call::CallState;
  const State state = entry.call.state();
  if (!shut_down_reason_.empty()) return sip::ReferError{503, shut_down_reason_};
  if (state == State::kClosing || state == State::kEnded) {
    return sip::ReferError{481, "the call has ended"};
  }
  if (state != State::kConnected) {
    return sip::ReferError{403, "a call can be transferred only after it was answered"};
  }
  if (entry.bridge || entry.target_dialog) {
    return sip::ReferError{491, "another transfer of this call is under way"};
  }
  return std::nullopt;
}

// After the 202: what it asks for cannot be done, and its calls stay as they are.
void CallManager::FailTransfer(const Entry& entry, const sip::Refer& refer, sip::ReferError why,
                               TimePoint now) {
  spdlog::info("call={} leg=browser the transfer failed: {} {}", entry.call.id().value, why.status,
               why.reason);
  if (!refer.subscribes) return;
  sip::Extras extras = sip::NotifyOfRefer(refer.cseq, why.status);
  extras.headers.push_back(sip::Sentence(why.reason).headers.front());
  browser_edge_.user_agent().SendInDialog(entry.browser_dialog, "NOTIFY", std::move(extras), now);
}

// As if the user had dialled it: a transfer reaches whom a call would.
void CallManager::TransferToNumber(Entry& entry, const sip::Refer& refer, TimePoint now) {
  Way way = WayFor(router_, trunk_edge_, CallerOf(entry.parties, now), refer.target.user);
  const trunk::Trunk* trunk = way.trunk;
  if (!trunk) return FailTransfer(entry, refer, {way.decision.status, way.decision.why}, now);
  const browser::User* user = browser_edge_.FindUser(entry.parties.user, now).user;
  trunk::TrunkEdge::CallRequest target{.trunk = trunk->name,
                                       .number = way.number,
                                       .caller = user ? ShownTo(*trunk, *user) : entry.parties.user,
                                       .user = entry.parties.user,
                                       .offer = "",
                                       .max_forwards = entry.max_forwards - 1,
                                       .anonymous = entry.parties.anonymous};
  target.diverted_by = target.caller;
  if (const auto why = trunk_edge_.WhyNotShown(target)) {
    return FailTransfer(entry, refer, {why->status, why->reason}, now);
  }
  auto slot = router_.Begin({.user = entry.parties.user,
                             .trunk = trunk->name,
                             .priority = way.decision.priority,
                             .further = true},
                            now);
  if (!slot) return FailTransfer(entry, refer, {slot.error().status, slot.error().why}, now);
  call::BridgeSettings settings{
      .first = {.policy = entry.call.trunk_policy(), .media = entry.call.trunk_media()},
      .second = {.policy = PolicyOf(trunk->name)},
      .invite_head_bytes = trunk_edge_.InviteHeadBytes(target),
      .sdp_session_id = random_.Next64() >> 2};
  settings.second.keys = call::MakeTrunkKeys(settings.second.policy, random_);
  BridgeEntry& bridge = NewBridge(entry, refer, std::move(settings), now);
  bridge.parties.trunk = trunk->name;
  bridge.parties.number = std::move(way.number);
  bridge.target = std::move(target);
  bridge.slots.push_back(*std::move(slot));
  StartBridge(bridge, now);
}

// Attended: the far ends of two calls of the same user. Others' dialogs are not his to name.
void CallManager::TransferToCall(Entry& entry, const sip::Refer& refer, TimePoint now) {
  const auto named = browser_edge_.user_agent().FindDialog(*refer.replaces);
  Entry* other = named ? FindByDialog(true, named->dialog) : nullptr;
  if (!other || other->parties.user != entry.parties.user) {
    return FailTransfer(entry, refer, {481, "the user has no such call"}, now);
  }
  if (other == &entry) {
    return FailTransfer(entry, refer, {403, "a call cannot be joined with itself"}, now);
  }
  if (const auto refused = WhyNotTransferred(*other)) {
    return FailTransfer(entry, refer, {refused->status, "the other call: " + refused->reason}, now);
  }
  call::BridgeSettings settings{
      .first = {.policy = entry.call.trunk_policy(), .media = entry.call.trunk_media()},
      .second = {.policy = other->call.trunk_policy(), .media = other->call.trunk_media()},
      .attended = true};
  BridgeEntry& bridge = NewBridge(entry, refer, std::move(settings), now);
  bridge.second_call = other->call.id();
  other->bridge = bridge.bridge.id();
  other->call.LeaveTrunk(true);
  bridge.parties.trunk = other->parties.trunk;
  bridge.parties.number = FarEndOf(other->parties, other->call.direction());
  StartBridge(bridge, now);
}

CallManager::BridgeEntry& CallManager::NewBridge(Entry& entry, const sip::Refer& refer,
                                                 call::BridgeSettings settings, TimePoint now) {
  const call::CallId id = call_ids_.Next();
  const media::SessionId session = session_ids_.Next();
  auto bridge = std::make_unique<BridgeEntry>(id, session, std::move(settings));
  bridge->first_call = entry.call.id();
  if (refer.subscribes) bridge->subscribed = refer.cseq;
  bridge->parties.user = entry.parties.user;
  bridge->parties.caller = FarEndOf(entry.parties, entry.call.direction());
  bridge->started = now;
  bridge_by_session_[session] = id;
  entry.bridge = id;
  entry.call.LeaveTrunk(true);
  return *(bridges_[id] = std::move(bridge));
}

void CallManager::StartBridge(BridgeEntry& bridge, TimePoint now) {
  spdlog::info("call={} transfers call={} by trunk={}", bridge.bridge.id().value,
               bridge.first_call.value, bridge.parties.trunk);
  call::Bridge::Outputs outputs;
  bridge.bridge.Start(now, outputs);
  CarryAll(bridge, outputs, now);
}

// --- between calls and bridges ---

void CallManager::GiveTrunkToBridge(Entry& entry, TimePoint now) {
  BridgeEntry& bridge = *bridges_.at(entry.bridge);
  const bool first = bridge.first_call == entry.call.id();
  const sip::DialogId dialog = std::exchange(entry.trunk_dialog, {});
  by_trunk_dialog_.erase(dialog);
  (first ? bridge.first : bridge.second) = dialog;
  bridge.slots.push_back(std::move(entry.slot));
  bridge_by_dialog_[dialog] = bridge.bridge.id();
  call::Bridge::Outputs outputs;
  bridge.bridge.TakeOver(first ? Party::kCaller : Party::kCallee, entry.call.TakeTrunk(), now,
                         outputs);
  CarryAll(bridge, outputs, now);
}

// The call is over, with its trunk leg or without.
void CallManager::LeaveBridge(Entry& entry, TimePoint now) {
  const auto found = bridges_.find(std::exchange(entry.bridge, {}));
  if (found == bridges_.end()) return;
  BridgeEntry& bridge = *found->second;
  const bool first = bridge.first_call == entry.call.id();
  call::Bridge::Outputs outputs;
  bridge.bridge.OnCallOver(first ? Party::kCaller : Party::kCallee, now, outputs);
  CarryAll(bridge, outputs, now);
}

// The transfer is over: the calls that are left end as any other.
void CallManager::ReleaseCalls(BridgeEntry& bridge) {
  for (const call::CallId id : {bridge.first_call, bridge.second_call}) {
    Entry* entry = FindCall(id);
    if (!entry || entry->bridge != bridge.bridge.id()) continue;
    entry->bridge = {};
    entry->call.LeaveTrunk(false);
  }
}

void CallManager::FeedBridge(BridgeEntry& bridge, const call::CallInput& input, TimePoint now) {
  call::Bridge::Outputs outputs;
  bridge.bridge.On(input, now, outputs);
  CarryAll(bridge, outputs, now);
}

void CallManager::CarryAll(BridgeEntry& bridge, const call::Bridge::Outputs& outputs,
                           TimePoint now) {
  next_call_timeout_ = std::min(next_call_timeout_, bridge.bridge.next_timeout());
  for (const call::BridgeOutput& output : outputs) Carry(bridge, output, now);
  TellWatch(bridge.bridge.session(), bridge.bridge.watch(), bridge.watched);
  const call::BridgeState state = bridge.bridge.state();
  if (state == call::BridgeState::kClosing || state == call::BridgeState::kEnded) {
    ReleaseCalls(bridge);
  }
}

bool CallManager::OnBridgeMedia(const media::MediaEvent& event, TimePoint now) {
  BridgeEntry* bridge = FindBridge(std::visit([](const auto& e) { return e.session; }, event));
  if (!bridge) return false;
  if (const auto* opened = std::get_if<media::BridgeOpened>(&event)) {
    call::Bridge::Outputs outputs;
    bridge->bridge.OnOpened(*opened, now, outputs);
    CarryAll(*bridge, outputs, now);
  } else if (const auto* failed = std::get_if<media::SessionFailed>(&event)) {
    FeedBridge(*bridge, call::MediaFailed{failed->reason}, now);
  } else if (const auto* closed = std::get_if<media::SessionClosed>(&event)) {
    FeedBridge(*bridge, call::MediaClosed{closed->stats}, now);
  } else if (const auto* heard = std::get_if<media::DigitHeard>(&event)) {
    FeedBridge(*bridge, call::DigitHeard{heard->from_browser, heard->event}, now);
  }
  return true;
}

bool CallManager::OnBridgeEvent(const sip::UserAgentEvent& event, TimePoint now) {
  const sip::DialogId dialog = std::visit([](const auto& e) { return e.dialog; }, event);
  BridgeEntry* bridge = FindBridge(dialog);
  if (!bridge) return false;
  const auto* request = std::get_if<sip::IncomingRequest>(&event);
  const std::string method = request ? request->request.method : "";
  if (method == "REFER" || method == "MESSAGE" || method == "NOTIFY") {
    const char* const why = method == "REFER"
                                ? "a call that was transferred is not transferred again"
                                : "a call that was transferred takes no messages";
    trunk_edge_.user_agent().Respond(request->id, 403, MakeExtras("", "", why), now);
    return true;
  }
  const Party party = dialog == bridge->first ? Party::kCaller : Party::kCallee;
  if (auto input = std::visit(ToCallInput{party, random_}, event)) FeedBridge(*bridge, *input, now);
  return true;
}

void CallManager::RefreshBridge(sip::DialogId dialog, TimePoint now) {
  BridgeEntry* bridge = FindBridge(dialog);
  if (!bridge) return;
  call::Bridge::Outputs outputs;
  bridge->bridge.OnRefreshDue(dialog == bridge->first ? Party::kCaller : Party::kCallee, outputs);
  CarryAll(*bridge, outputs, now);
}

void CallManager::RunBridgeTimers(TimePoint now) {
  for (auto& [id, bridge] : bridges_) {
    call::Bridge::Outputs outputs;
    bridge->bridge.OnTimer(now, outputs);
    CarryAll(*bridge, outputs, now);
  }
}

// --- outputs of bridges ---

void CallManager::TellTransferor(BridgeEntry& bridge, int status, TimePoint now) {
  const Entry* entry = FindCall(bridge.first_call);
  if (!bridge.subscribed || !entry || entry->call.state() != call::CallState::kConnected) return;
  browser_edge_.user_agent().SendInDialog(entry->browser_dialog, "NOTIFY",
                                          sip::NotifyOfRefer(*bridge.subscribed, status), now);
}

void CallManager::Carry(BridgeEntry& bridge, const call::BridgeOutput& output, TimePoint now) {
  sip::UserAgent& agent = trunk_edge_.user_agent();
  const auto dialog_of = [&](Party party) {
    return party == Party::kCaller ? bridge.first : bridge.second;
  };
  if (const auto* command = std::get_if<media::MediaCommand>(&output)) {
    media_commands_.push_back(WithSources(*command, bridge.first, bridge.second));
  } else if (const auto* tell = std::get_if<call::TellTransferor>(&output)) {
    TellTransferor(bridge, tell->status, now);
  } else if (const auto* place = std::get_if<call::PlaceCallee>(&output)) {
    bridge.target.offer = place->offer;
    bridge.second = trunk_edge_.PlaceCall(bridge.target, now);
    bridge_by_dialog_[bridge.second] = bridge.bridge.id();
  } else if (std::holds_alternative<call::TakeLegs>(output)) {
    for (const call::CallId id : {bridge.first_call, bridge.second_call}) {
      Entry* entry = FindCall(id);
      if (!entry || entry->bridge != bridge.bridge.id()) continue;
      std::vector<call::CallOutput> outputs;
      entry->call.HandOver(now, outputs);
      CarryAll(*entry, outputs, now);
    }
  } else if (std::holds_alternative<call::AckCallee>(output)) {
    agent.Ack(bridge.second, {}, now);
  } else if (const auto* cancel = std::get_if<call::CancelCallee>(&output)) {
    trunk_edge_.Cancel(bridge.second, MakeExtras("", cancel->reason_header, ""), now);
  } else if (const auto* hang_up = std::get_if<call::HangUp>(&output)) {
    trunk_edge_.Bye(dialog_of(hang_up->party), MakeExtras("", hang_up->reason_header, ""), now);
  } else if (const auto* reoffer = std::get_if<call::AnswerReoffer>(&output)) {
    trunk_edge_.RespondInDialog(dialog_of(reoffer->party), reoffer->request, reoffer->status,
                                MakeExtras(reoffer->sdp, "", reoffer->warning), now);
  } else if (const auto* offer = std::get_if<call::SendOffer>(&output)) {
    trunk_edge_.SendReoffer(dialog_of(offer->party), MakeExtras(offer->sdp, "", ""), now);
  } else if (const auto* info = std::get_if<call::AnswerInfo>(&output)) {
    sip::Extras extras = MakeExtras("", "", info->warning);
    if (!info->accept.empty()) extras.headers.push_back({"Accept", info->accept});
    agent.Respond(info->request, info->status, std::move(extras), now);
  } else if (const auto* send = std::get_if<call::SendInfo>(&output)) {
    SendTrunkInfo(dialog_of(send->party), *send, now);
  } else if (std::holds_alternative<call::Ended>(output)) {
    ended_bridges_.push_back(bridge.bridge.id());
  }
}

void CallManager::ReapBridges(TimePoint now) {
  for (const call::CallId id : std::exchange(ended_bridges_, {})) {
    const auto found = bridges_.find(id);
    if (found == bridges_.end()) continue;
    const BridgeEntry& bridge = *found->second;
    CallRecord record{.id = id,
                      .direction = call::CallDirection::kBetweenTrunks,
                      .parties = bridge.parties,
                      .started = bridge.started,
                      .ended = now,
                      .summary = bridge.bridge.summary(),
                      .continues = {bridge.first_call},
                      .media_faults = bridge.health.faults()};
    if (bridge.second_call) record.continues.push_back(bridge.second_call);
    records_.push_back(std::move(record));
    bridge_by_dialog_.erase(bridge.first);
    bridge_by_dialog_.erase(bridge.second);
    bridge_by_session_.erase(bridge.bridge.session());
    bridges_.erase(found);
  }
}

}  // namespace lastmile::app

#include <optional>
#include <string>
#include <tuple>
#include <utility>

#include "base/log.h"
#include "gateway/app/call_manager.h"
#include "gateway/app/call_messages.h"
#include "gateway/app/relay.h"

// Transfers by a trunk: which call, and whom it is to go on with. A call has two trunk dialogs as
// long as its target is called.
namespace lastmile::app {
namespace {

// How RFC 3891 section 3 answers an INVITE that replaces no confirmed dialog; 0: it does.
std::pair<int, std::string> RefusalOf(const std::optional<sip::NamedDialog>& named,
                                      const sip::Replaces& replaces) {
  using State = sip::NamedDialog::State;
  if (!named) return {481, "the dialog to replace is not known here"};
  switch (named->state) {
    case State::kIncoming:
    case State::kCalling:
      return {481, "the dialog to replace is not answered yet"};
    case State::kOver:
      return {603, "the dialog to replace has ended"};
    case State::kConfirmed:
      break;
  }
  if (replaces.early_only) return {486, "the dialog to replace is answered already"};
  return {0, ""};
}

}  // namespace

// True: nobody else needs to hear of it.
bool CallManager::OnTransferEvent(const sip::UserAgentEvent& event, TimePoint now) {
  if (const auto* answered = std::get_if<sip::RequestAnswered>(&event)) {
    return trunk_notifies_.erase(answered->id) != 0;
  }
  const sip::DialogId dialog = std::visit([](const auto& e) { return e.dialog; }, event);
  Entry* entry = FindByDialog(false, dialog);
  if (!entry) return false;
  if (dialog == entry->target_dialog) {
    OnTargetEvent(*entry, event, now);
    return true;
  }
  const auto* request = std::get_if<sip::IncomingRequest>(&event);
  if (!request || request->request.method != "REFER") return false;
  OnRefer(*entry, *request, now);
  return true;
}

void CallManager::OnTargetEvent(Entry& entry, const sip::UserAgentEvent& event, TimePoint now) {
  if (const auto* progress = std::get_if<sip::InviteProgress>(&event)) {
    Feed(entry, call::TargetProgress{progress->response.status, SdpOf(progress->response)}, now);
  } else if (const auto* accepted = std::get_if<sip::InviteAccepted>(&event)) {
    Feed(entry, call::TargetAnswered{SdpOf(accepted->response)}, now);
  } else if (const auto* rejected = std::get_if<sip::InviteRejected>(&event)) {
    by_trunk_dialog_.erase(std::exchange(entry.target_dialog, {}));
    entry.target_slot.Release();
    Feed(entry, call::TargetRejected{rejected->status}, now);
  } else if (const auto* request = std::get_if<sip::IncomingRequest>(&event)) {
    trunk_edge_.RespondInDialog(
        request->dialog, request->id, 500,
        MakeExtras("", "", "nothing can be changed before the INVITE is answered"), now);
  }
}

// --- REFER ---

void CallManager::OnRefer(Entry& entry, const sip::IncomingRequest& request, TimePoint now) {
  auto refer = sip::ParseRefer(request.request);
  if (!refer) {
    spdlog::info("call={} leg=trunk refused a REFER: {} {}", entry.call.id().value,
                 refer.error().status, refer.error().reason);
    trunk_edge_.user_agent().Respond(request.id, refer.error().status,
                                     MakeExtras("", "", refer.error().reason), now);
    return;
  }
  entry.refer = *std::move(refer);
  call::TransferAsked asked = Resolve(entry, now);
  asked.request = request.id;
  Feed(entry, asked, now);
}

// By which trunk the target is called: as the routes say, as if the call's user had dialled it. A
// dialog to replace is where the trunk says it is, if that is at the trunk itself.
call::TransferAsked CallManager::Resolve(Entry& entry, TimePoint now) {
  const sip::Refer& refer = entry.refer;
  Way way{.trunk = trunk_edge_.TrunkOf(entry.trunk_dialog),
          .number = refer.target.user,
          .decision = {}};
  if (refer.replaces && trunk_edge_.user_agent().FindDialog(*refer.replaces)) {
    return {.request = {},
            .refused = 501,
            .why = "the dialog to replace is the gateway's own: both ends would be browsers"};
  }
  if (!refer.replaces || !way.trunk || !trunk_edge_.IsAt(*way.trunk, refer.target.host)) {
    way = WayFor(router_, trunk_edge_, CallerOf(entry.parties, now), refer.target.user);
  }
  const trunk::Trunk* trunk = way.trunk;
  if (!trunk) {
    return {.request = {}, .refused = way.decision.status, .why = way.decision.why};
  }
  const Parties& parties = entry.parties;
  const bool from_browser = entry.call.direction() == call::CallDirection::kFromBrowser;
  const browser::User* user = browser_edge_.FindUser(parties.user, now).user;
  entry.target = {.trunk = trunk->name,
                  .number = std::move(way.number),
                  .caller = user           ? ShownTo(*trunk, *user)
                            : from_browser ? parties.caller
                                           : parties.user,
                  .user = parties.user,
                  .offer = "",
                  .replaces = refer.replaces ? refer.replaces->ToString() : "",
                  .max_forwards = entry.max_forwards - 1,
                  .anonymous = parties.anonymous,
                  .ring = way.decision.ring,
                  .diverted_by = refer.replaces ? "" : FarEndOf(parties, entry.call.direction())};
  if (const auto why = trunk_edge_.WhyNotShown(entry.target)) {
    return {.request = {}, .refused = why->status, .why = why->reason};
  }
  auto slot = router_.Begin({.user = entry.parties.user,
                             .trunk = trunk->name,
                             .priority = way.decision.priority,
                             .further = true},
                            now);
  if (!slot) return {.request = {}, .refused = slot.error().status, .why = slot.error().why};
  if (!entry.target_dialog) entry.target_slot = *std::move(slot);  // else it will be refused
  call::TransferAsked asked{.request = {},
                            .invite_head_bytes = trunk_edge_.InviteHeadBytes(entry.target)};
  const auto policy = policies_.find(trunk->name);
  if (policy != policies_.end()) asked.policy = policy->second;
  asked.keys = call::MakeTrunkKeys(asked.policy, random_);
  spdlog::info("call={} leg=trunk refers to {}, trunk={}{}", entry.call.id().value,
               Redacted{refer.target.user}, trunk->name,
               refer.replaces ? ", who has a dialog to replace" : "");
  return asked;
}

// --- INVITE with Replaces ---

// Only of the same trunk: to any other one, its dialogs do not exist.
void CallManager::OnReplacingInvite(const trunk::TrunkInvite& invite, TimePoint now) {
  auto named = trunk_edge_.user_agent().FindDialog(*invite.replaces);
  if (named && named->owner != trunk_edge_.user_agent().OwnerOf(invite.dialog)) named.reset();
  Entry* entry = named ? FindByDialog(false, named->dialog) : nullptr;
  auto [status, why] = RefusalOf(named, *invite.replaces);
  if (status == 0 && (!entry || entry->trunk_dialog != named->dialog)) {
    std::tie(status, why) = std::pair(481, "the dialog to replace is of no call");
  }
  if (status != 0) return Refuse(false, invite.dialog, status, std::move(why), now);
  if (entry->target_dialog) {
    return Refuse(false, invite.dialog, 491, "a transfer of that call is under way", now);
  }
  const call::TrunkPolicy& policy = entry->call.trunk_policy();
  if (policy.sdp.srtp != sdp::Srtp::kNone && !call::MaySayKeys(policy, invite.tls)) {
    return Refuse(false, invite.dialog, 488, "the call has SRTP, and its keys only go over TLS",
                  now);
  }
  spdlog::info("call={} leg=trunk an INVITE replaces its peer", entry->call.id().value);
  entry->target_dialog = invite.dialog;
  by_trunk_dialog_[invite.dialog] = entry->call.id();
  Feed(*entry, call::TrunkReplaced{invite.offer, call::MakeTrunkKeys(policy, random_)}, now);
}

// --- outputs of the call ---

void CallManager::CarryTransfer(Entry& entry, const call::CallOutput& output, TimePoint now) {
  sip::UserAgent& agent = trunk_edge_.user_agent();
  if (const auto* answer = std::get_if<call::AnswerRefer>(&output)) {
    const bool accepted = answer->status == 202;
    if (!accepted && !entry.target_dialog) entry.target_slot.Release();
    if (accepted) {
      entry.subscribed = entry.refer.subscribes ? std::optional(entry.refer.cseq) : std::nullopt;
    }
    agent.Respond(answer->request, answer->status,
                  accepted ? sip::AcceptRefer(entry.refer) : MakeExtras("", "", answer->warning),
                  now);
  } else if (const auto* notify = std::get_if<call::NotifyTransferor>(&output)) {
    NotifyTransferor(entry, notify->status, now);
    if (notify->status >= 300) entry.target_slot.Release();
  } else if (const auto* place = std::get_if<call::PlaceTarget>(&output)) {
    entry.target.offer = place->offer;
    entry.target_dialog = trunk_edge_.PlaceCall(entry.target, now);
    by_trunk_dialog_[entry.target_dialog] = entry.call.id();
  } else if (std::holds_alternative<call::AckTarget>(output)) {
    agent.Ack(entry.target_dialog, {}, now);
  } else if (const auto* cancel = std::get_if<call::CancelTarget>(&output)) {
    trunk_edge_.Cancel(entry.target_dialog, MakeExtras("", cancel->reason_header, ""), now);
  } else if (const auto* hang_up = std::get_if<call::HangUpTarget>(&output)) {
    trunk_edge_.Bye(entry.target_dialog, MakeExtras("", hang_up->reason_header, ""), now);
    by_trunk_dialog_.erase(std::exchange(entry.target_dialog, {}));
    entry.target_slot.Release();
  } else if (const auto* replacing = std::get_if<call::AnswerReplacing>(&output)) {
    trunk_edge_.Respond(entry.target_dialog, replacing->status,
                        MakeExtras(replacing->sdp, "", replacing->warning), now);
    if (replacing->status >= 300) by_trunk_dialog_.erase(std::exchange(entry.target_dialog, {}));
  } else if (std::holds_alternative<call::SwapTrunk>(output)) {
    by_trunk_dialog_.erase(entry.trunk_dialog);
    entry.trunk_dialog = std::exchange(entry.target_dialog, {});
    entry.slot.TakeTrunkOf(std::move(entry.target_slot));
    entry.subscribed.reset();
  }
}

void CallManager::NotifyTransferor(Entry& entry, int status, TimePoint now) {
  if (!entry.subscribed) return;
  trunk_edge_.Reach(entry.trunk_dialog);
  trunk_notifies_.insert(trunk_edge_.user_agent().SendInDialog(
      entry.trunk_dialog, "NOTIFY", sip::NotifyOfRefer(*entry.subscribed, status), now));
  if (status >= 200) entry.subscribed.reset();
}

}  // namespace lastmile::app

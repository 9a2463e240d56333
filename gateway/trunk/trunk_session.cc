#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "gateway/sip/lexical.h"
#include "gateway/trunk/trunk_edge.h"

// Session timers (RFC 4028) of the trunk's dialogs: they run on this leg alone.
namespace lastmile::trunk {
namespace {

bool IsSuccess(int status) { return status >= 200 && status < 300; }

bool KnowsTimers(const sip::Message& request) {
  return sip::HasToken(request.supported, "timer") || sip::HasToken(request.require, "timer");
}

}  // namespace

// --- what is offered and answered ---

int TrunkEdge::CheckSession(SessionTimers mode, const sip::Message& request, sip::Extras& extras) {
  if (mode == SessionTimers::kNone) return 0;
  const bool first = request.method == "INVITE" && request.to.tag().empty();
  if (!KnowsTimers(request)) {
    if (mode != SessionTimers::kRequired || !first) return 0;
    extras.headers.push_back({"Require", "timer"});
    return 421;
  }
  const auto asked = sip::SessionExpiresOf(request);
  if (!asked || asked->seconds >= sip::kLeastSessionInterval) return 0;
  extras.headers.push_back({"Min-SE", std::to_string(sip::kLeastSessionInterval)});
  return 422;
}

// RFC 4028 section 9. The interval may be made shorter, but not below the request's Min-SE; a
// refresher that the request names stays it.
std::optional<TrunkEdge::SessionTerms> TrunkEdge::TermsFor(SessionTimers mode,
                                                           const sip::Message& request) {
  if (mode == SessionTimers::kNone || !KnowsTimers(request)) return std::nullopt;
  const auto asked = sip::SessionExpiresOf(request);
  const uint32_t least = std::max(sip::kLeastSessionInterval, sip::MinSeOf(request).value_or(0));
  SessionTerms terms{.seconds = std::max(least, kSessionInterval)};
  if (!asked) return terms;
  terms.seconds = std::max(least, std::min(asked->seconds, kSessionInterval));
  terms.refresher = asked->refresher.value_or(sip::Refresher::kUas);
  return terms;
}

void TrunkEdge::AddTerms(const SessionTerms& terms, sip::Extras& extras) {
  const bool by_peer = terms.refresher == sip::Refresher::kUac;
  extras.headers.push_back(
      {"Session-Expires",
       std::to_string(terms.seconds) + (by_peer ? ";refresher=uac" : ";refresher=uas")});
  extras.headers.push_back({by_peer ? "Require" : "Supported", "timer"});
}

// For a request of ours. The first one leaves the choice of the refresher to the peer.
void TrunkEdge::AddSessionOffer(const TrunkDialog& dialog, sip::Extras& extras) const {
  if (dialog.mode == SessionTimers::kNone) return;
  const bool running = dialog.timer.end_at() != kNever;
  std::string expires = std::to_string(dialog.interval);
  if (running) expires += dialog.timer.we_refresh() ? ";refresher=uac" : ";refresher=uas";
  extras.headers.push_back({"Session-Expires", std::move(expires)});
  extras.headers.push_back({"Min-SE", std::to_string(sip::kLeastSessionInterval)});
  extras.headers.push_back({"Supported", "timer"});
  if (dialog.mode == SessionTimers::kRequired && !running) {
    extras.headers.push_back({"Require", "timer"});
  }
}

void TrunkEdge::NoteInvite(const sip::IncomingInvite& invite, size_t trunk) {
  TrunkDialog& dialog = dialogs_[invite.dialog];
  dialog.mode = options_.trunks[trunk].session_timer;
  dialog.peer_updates = sip::HasToken(invite.request.allow, "UPDATE");
  dialog.terms = TermsFor(dialog.mode, invite.request);
}

void TrunkEdge::Respond(sip::DialogId id, int status, sip::Extras extras, TimePoint now) {
  const auto found = dialogs_.find(id);
  if (found != dialogs_.end() && IsSuccess(status) && found->second.terms) {
    AddTerms(*found->second.terms, extras);
    StartAsServer(id, *found->second.terms, now);
  } else if (status >= 300) {
    ForgetDialog(id);
  }
  // RFC 3261 section 21.5.4: the carrier takes another way meanwhile. Not all of them come back at
  // once.
  if (status == 503) {
    extras.headers.push_back(
        {"Retry-After", std::to_string(1 + random_.Next64() % kOverloadRetryAfter)});
  }
  user_agent_.RespondInvite(id, status, std::move(extras), now);
}

void TrunkEdge::RespondInDialog(sip::DialogId id, sip::ServerRequestId request, int status,
                                sip::Extras extras, TimePoint now) {
  const auto found = dialogs_.find(id);
  if (found != dialogs_.end() && status >= 200) {
    auto& requests = found->second.requests;
    const auto asked = requests.find(request);
    const auto terms = asked == requests.end() ? std::nullopt : asked->second;
    if (asked != requests.end()) requests.erase(asked);
    if (IsSuccess(status) && terms) {
      AddTerms(*terms, extras);
      StartAsServer(id, *terms, now);
    }
  }
  // RFC 3311 section 5.2: the peer may come again, some seconds later.
  if (status == 500) extras.headers.push_back({"Retry-After", "3"});
  user_agent_.Respond(request, status, std::move(extras), now);
}

void TrunkEdge::SendReoffer(sip::DialogId id, sip::Extras extras, TimePoint now) {
  const auto found = dialogs_.find(id);
  if (found != dialogs_.end()) AddSessionOffer(found->second, extras);
  Reach(id);
  const auto request = user_agent_.SendInDialog(id, "INVITE", std::move(extras), now);
  if (found != dialogs_.end()) found->second.reoffer = request;
}

void TrunkEdge::Bye(sip::DialogId id, sip::Extras extras, TimePoint now) {
  ForgetDialog(id);
  Reach(id);
  user_agent_.Bye(id, std::move(extras), now);
}

// --- the timer ---

void TrunkEdge::StartAsServer(sip::DialogId id, const SessionTerms& terms, TimePoint now) {
  TrunkDialog& dialog = dialogs_[id];
  dialog.interval = terms.seconds;
  dialog.timer.Start(std::chrono::seconds(terms.seconds), terms.refresher == sip::Refresher::kUas,
                     now);
  SetTimer(id);
}

// RFC 4028 section 7.2. Without Session-Expires the peer has no timer; where one is required, the
// gateway refreshes all the same.
void TrunkEdge::StartAsClient(sip::DialogId id, const sip::Message& response, TimePoint now) {
  TrunkDialog& dialog = dialogs_[id];
  const auto said = sip::SessionExpiresOf(response);
  if (dialog.mode == SessionTimers::kNone || (!said && dialog.mode != SessionTimers::kRequired)) {
    dialog.timer.Stop();
  } else {
    if (said) dialog.interval = std::max(said->seconds, sip::kLeastSessionInterval);
    const bool peer = said && said->refresher == sip::Refresher::kUas;
    dialog.timer.Start(std::chrono::seconds(dialog.interval), !peer, now);
  }
  SetTimer(id);
}

void TrunkEdge::SetTimer(sip::DialogId id) {
  const sip::SessionTimer& timer = dialogs_.at(id).timer;
  const TimePoint next = std::min(timer.refresh_at(), timer.end_at());
  if (next == kNever) {
    session_timers_.Clear(id);
  } else {
    session_timers_.Set(id, next);
  }
}

void TrunkEdge::RunSessionTimers(TimePoint now) {
  while (const auto id = session_timers_.PopDue(now)) {
    TrunkDialog& dialog = dialogs_.at(*id);
    if (dialog.timer.end_at() <= now) {
      Expire(*id, "nobody refreshed the session", now);
      continue;
    }
    Refresh(*id, dialog, now);
    SetTimer(*id);
  }
}

void TrunkEdge::Refresh(sip::DialogId id, TrunkDialog& dialog, TimePoint now) {
  dialog.timer.RefreshIsUnderWay();
  if (!dialog.peer_updates) {
    own_events_.push_back(TrunkRefresh{id});
    return;
  }
  sip::Extras extras;
  AddSessionOffer(dialog, extras);
  Reach(id);
  dialog.update = user_agent_.SendInDialog(id, "UPDATE", std::move(extras), now);
}

void TrunkEdge::Expire(sip::DialogId id, std::string_view why, TimePoint now) {
  const std::string reason = "SIP;cause=408;text=\"" + std::string(why) + "\"";
  spdlog::info("leg=trunk dialog={} {}", id.value, why);
  Bye(id, {.headers = {{"Reason", reason}}}, now);
  own_events_.push_back(
      sip::UserAgentEvent{sip::DialogEnded{id, sip::DialogEnd::kExpired, reason}});
}

bool TrunkEdge::OnAnswered(const sip::RequestAnswered& answered, TimePoint now) {
  const auto found = dialogs_.find(answered.dialog);
  if (found == dialogs_.end()) return false;
  TrunkDialog& dialog = found->second;
  const bool update = dialog.update && dialog.update == answered.id;
  if (!update && dialog.reoffer != answered.id) return false;
  (update ? dialog.update : dialog.reoffer) = {};
  const auto asked = answered.response ? sip::MinSeOf(*answered.response) : std::nullopt;
  if (IsSuccess(answered.status)) {
    StartAsClient(answered.dialog, *answered.response, now);
    return update;
  }
  if (update && (answered.status == 408 || answered.status == 481)) {
    // RFC 4028 section 10: the dialog is gone. Of a re-INVITE the call says the same.
    Expire(answered.dialog, "the session refresh was not answered", now);
    return true;
  }
  if (update && (answered.status == 405 || answered.status == 501)) dialog.peer_updates = false;
  if (answered.status == 422 && asked) dialog.interval = std::max(dialog.interval, *asked);
  dialog.timer.TryAgain(now);
  SetTimer(answered.dialog);
  return update;
}

// What the user agent reports of a dialog that has a timer, or will have one.
void TrunkEdge::Follow(const sip::UserAgentEvent& event, TimePoint now) {
  if (const auto* accepted = std::get_if<sip::InviteAccepted>(&event)) {
    dialogs_[accepted->dialog].peer_updates = sip::HasToken(accepted->response.allow, "UPDATE");
    StartAsClient(accepted->dialog, accepted->response, now);
  } else if (const auto* rejected = std::get_if<sip::InviteRejected>(&event)) {
    ForgetDialog(rejected->dialog);
  } else if (const auto* cancelled = std::get_if<sip::InviteCancelled>(&event)) {
    ForgetDialog(cancelled->dialog);
  } else if (const auto* ended = std::get_if<sip::DialogEnded>(&event)) {
    ForgetDialog(ended->dialog);
  }
}

std::optional<TrunkDialogSnapshot> TrunkEdge::Snapshot(sip::DialogId id, TimePoint now) const {
  const auto found = dialogs_.find(id);
  auto confirmed = user_agent_.Snapshot(id);
  const uint64_t owner = user_agent_.OwnerOf(id);
  if (!confirmed || found == dialogs_.end() || owner == 0 || owner > options_.trunks.size()) {
    return std::nullopt;
  }
  return TrunkDialogSnapshot{.dialog = *std::move(confirmed),
                             .trunk = options_.trunks[owner - 1].name,
                             .peer_updates = found->second.peer_updates,
                             .interval = found->second.interval,
                             .timer = found->second.timer.Snapshot(now)};
}

sip::DialogId TrunkEdge::Restore(TrunkDialogSnapshot snapshot, std::string_view user,
                                 TimePoint now) {
  const Trunk* trunk = FindTrunk(snapshot.trunk);
  if (!trunk) return {};
  const auto index = static_cast<size_t>(trunk - options_.trunks.data());
  const sip::DialogId id = user_agent_.Restore(std::move(snapshot.dialog), index + 1);
  if (!id) return id;
  user_agent_.SetAccount(id, AccountAt(index, PbxUserAt(index, user)));
  TrunkDialog& dialog = dialogs_[id];
  dialog.mode = trunk->session_timer;
  dialog.peer_updates = snapshot.peer_updates;
  dialog.interval = snapshot.interval;
  dialog.timer = sip::SessionTimer(snapshot.timer, now);
  SetTimer(id);
  return id;
}

void TrunkEdge::ForgetDialog(sip::DialogId id) {
  dialogs_.erase(id);
  session_timers_.Clear(id);
}

}  // namespace lastmile::trunk

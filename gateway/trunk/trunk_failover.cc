#include <algorithm>
#include <charconv>
#include <utility>

#include "base/log.h"
#include "gateway/trunk/trunk_edge.h"

// A call that has not begun to ring goes on to the trunk's next server when one fails (RFC 3263
// section 4.3).
namespace lastmile::trunk {
namespace {

constexpr uint32_t kMaxRetryAfter = 86400;  // seconds

uint32_t RetryAfterOf(const sip::Message& response) {
  const std::string* text = response.FindExtra("Retry-After");
  uint32_t seconds = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), seconds);
  return std::min(seconds, kMaxRetryAfter);
}

std::string Joined(const std::vector<std::string>& said) {
  std::string all;
  for (size_t i = 0; i < said.size(); ++i) {
    all += (i == 0 ? "server " : "; server ") + std::to_string(i + 1) + " " + said[i];
  }
  return all;
}

}  // namespace

sip::DialogId TrunkEdge::PlaceCall(const CallRequest& request, TimePoint now) {
  const size_t trunk = IndexOf(request.trunk);
  if (trunk == kUnknownPeer) return {};
  if (options_.trunks[trunk].is_local) {
    const auto local = user_agent_.Invite(LocalFlow(trunk), MakeInvite(trunk, request), now);
    dialogs_[local].mode = SessionTimers::kNone;
    return local;
  }
  ServerPool& pool = pools_[trunk];
  std::vector<ServerId> order = pool.Order();
  Attempt attempt{.request = request, .trunk = trunk, .placed = now};
  size_t configured = 0;
  if (!order.empty()) {
    attempt.server = order.front();
    attempt.untried.assign(order.begin() + 1, order.end());
    attempt.flow = FlowTo(trunk, attempt.server);
    configured = pool.Find(attempt.server)->configured;
  } else if (!pool.is_resolved()) {
    attempt.flow = WaitingFlow(trunk);
  }
  const auto dialog = user_agent_.Invite(attempt.flow, MakeInvite(trunk, request, configured), now);
  dialogs_[dialog].mode = options_.trunks[trunk].session_timer;
  Attempt& kept = attempts_[dialog] = std::move(attempt);
  AwaitResponse(dialog, kept, now);
  return dialog;
}

void TrunkEdge::Cancel(sip::DialogId dialog, sip::Extras extras, TimePoint now) {
  ForgetAttempt(dialog);
  user_agent_.Cancel(dialog, std::move(extras), now);
}

void TrunkEdge::ForgetAttempt(sip::DialogId dialog) {
  attempts_.erase(dialog);
  attempt_timers_.Clear(dialog);
}

// A connection that is being opened has its own time.
void TrunkEdge::AwaitResponse(sip::DialogId dialog, Attempt& attempt, TimePoint now) {
  const auto flow = flows_.find(attempt.flow);
  if (flow == flows_.end() || !flow->second.open) return;
  attempt.sent = now;
  attempt_timers_.Set(dialog, now + kStallCheck);
}

void TrunkEdge::RunAttemptTimers(TimePoint now) {
  while (const auto dialog = attempt_timers_.PopDue(now)) {
    Attempt& attempt = attempts_.at(*dialog);
    if (!user_agent_.IsUnheard(*dialog)) continue;
    if (now < attempt.sent + kUnheardTimeout) {
      outputs_.push_back(CheckStream{attempt.flow});
      attempt_timers_.Set(*dialog, std::min(now + kStallCheck, attempt.sent + kUnheardTimeout));
      continue;
    }
    // The only server is waited for, unless there is another trunk.
    const bool has_more = !attempt.untried.empty() || !attempt.said.empty();
    const bool goes_on = options_.trunks[attempt.trunk].failover.timeout && has_more;
    if (!goes_on && !attempt.request.has_alternative) continue;
    attempt.given_up = true;
    user_agent_.GiveUp(*dialog, now);
  }
}

void TrunkEdge::OnStreamChecked(sip::FlowId id, bool stalled, TimePoint now) {
  const auto flow = flows_.find(id);
  if (!stalled || flow == flows_.end() || flow->second.inbound) return;
  if (Server* server = pools_[flow->second.trunk].Find(flow->second.server)) {
    server->health.OnCallFailed("it is out of reach", now);
  }
  Close(id, "the peer acknowledges nothing any more", now);
}

// --- what comes of a try ---

std::vector<sip::UserAgentEvent> TrunkEdge::TakeSettledEvents(TimePoint now) {
  std::vector<sip::UserAgentEvent> settled;
  for (auto events = user_agent_.TakeEvents(); !events.empty(); events = user_agent_.TakeEvents()) {
    for (sip::UserAgentEvent& event : events) {
      if (!OnAttemptEvent(event, now)) settled.push_back(std::move(event));
    }
  }
  return settled;
}

bool TrunkEdge::OnAttemptEvent(sip::UserAgentEvent& event, TimePoint now) {
  if (auto* rejected = std::get_if<sip::InviteRejected>(&event)) {
    return OnAttemptRejected(*rejected, now);
  }
  if (const auto* progress = std::get_if<sip::InviteProgress>(&event)) {
    OnAttemptRings(progress->dialog, now);
  } else if (const auto* accepted = std::get_if<sip::InviteAccepted>(&event)) {
    OnAttemptRings(accepted->dialog, now);
  }
  return false;
}

// It is that server's call now.
void TrunkEdge::OnAttemptRings(sip::DialogId dialog, TimePoint now) {
  const auto found = attempts_.find(dialog);
  if (found == attempts_.end()) return;
  Server* server = pools_[found->second.trunk].Find(found->second.server);
  if (server) server->health.OnCallAnswered(180, 0, now);
  ForgetAttempt(dialog);
}

bool TrunkEdge::OnAttemptRejected(sip::InviteRejected& rejected, TimePoint now) {
  const auto found = attempts_.find(rejected.dialog);
  if (found == attempts_.end()) return false;
  attempt_timers_.Clear(rejected.dialog);
  Attempt attempt = std::move(found->second);
  attempts_.erase(found);
  if (!attempt.server) {
    rejected.warning = pools_[attempt.trunk].WhyNone();
    return false;
  }
  if (!NoteRejection(rejected, attempt, now)) return false;
  const size_t tried = attempt.said.size();
  const std::string said = Joined(attempt.said);
  if (TryNext(rejected.dialog, attempts_[rejected.dialog] = std::move(attempt), now)) return true;
  ForgetAttempt(rejected.dialog);
  if (tried == 1 && rejected.response) return false;
  rejected.status = 503;
  rejected.response.reset();
  rejected.warning = "no server of the trunk took the call: " + said;
  return false;
}

bool TrunkEdge::NoteRejection(const sip::InviteRejected& rejected, Attempt& attempt,
                              TimePoint now) {
  const FailoverRules& rules = options_.trunks[attempt.trunk].failover;
  if (rejected.response) {
    Server* server = pools_[attempt.trunk].Find(attempt.server);
    const uint32_t rest = RetryAfterOf(*rejected.response);
    if (server) server->health.OnCallAnswered(rejected.status, rest, now);
    attempt.said.push_back("answered " + std::to_string(rejected.status));
    return std::ranges::count(rules.statuses, rejected.status) != 0;
  }
  if (rejected.status == 408) {
    // Else it was there, and nobody took the call in time.
    if (attempt.given_up) NoteFailure(attempt, "it does not answer INVITE", now);
    attempt.said.push_back("gave no answer");
    return attempt.given_up;
  }
  const bool refused = attempt.sent == kNever;
  const Server* server = pools_[attempt.trunk].Find(attempt.server);
  const bool has_reason = server && !server->lost.empty();
  const std::string_view why = has_reason ? std::string_view(server->lost)
                               : refused  ? "it takes no connection"
                                          : "its connection was lost";
  NoteFailure(attempt, why, now);
  attempt.said.push_back(refused ? "takes no connection" : "lost the connection");
  return true;
}

// No name may lead to that server any more.
void TrunkEdge::NoteFailure(const Attempt& attempt, std::string_view reason, TimePoint now) {
  Server* server = pools_[attempt.trunk].Find(attempt.server);
  if (server) server->health.OnCallFailed(reason, now);
}

bool TrunkEdge::TryNext(sip::DialogId dialog, Attempt& attempt, TimePoint now) {
  ServerPool& pool = pools_[attempt.trunk];
  while (!attempt.untried.empty() && attempt.tries < kMaxTries &&
         now < attempt.placed + kFailoverTime) {
    const ServerId next = attempt.untried.front();
    attempt.untried.erase(attempt.untried.begin());
    Server* server = pool.Find(next);
    if (!server || server->gone || !server->health.takes_calls()) continue;
    const sip::FlowId flow = FlowTo(attempt.trunk, next);
    auto invite = MakeInvite(attempt.trunk, attempt.request, server->configured);
    if (!user_agent_.InviteAgain(dialog, flow, std::move(invite), now)) return false;
    ++attempt.tries;
    attempt.server = next;
    attempt.flow = flow;
    attempt.sent = kNever;
    attempt.given_up = false;
    spdlog::info("leg=trunk trunk={} dialog={} goes on to another server: {}",
                 options_.trunks[attempt.trunk].name, dialog.value, Joined(attempt.said));
    AwaitResponse(dialog, attempt, now);
    return true;
  }
  return false;
}

}  // namespace lastmile::trunk

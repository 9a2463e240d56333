#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/app/call_manager.h"
#include "gateway/app/call_messages.h"
#include "gateway/call/trunk_keys.h"

// Which trunk of a route a call takes: as its limits allow, and after another one rejected it.
namespace lastmile::app {

void CallManager::Refuse(bool browser, sip::DialogId dialog, const route::LimitRefusal& refusal,
                         TimePoint now) {
  spdlog::warn("leg={} refused a call: {} {}", browser ? "browser" : "trunk", refusal.status,
               refusal.why);
  sip::Extras extras = MakeExtras("", "", refusal.why);
  if (refusal.retry_after != 0) {
    extras.headers.push_back({"Retry-After", std::to_string(refusal.retry_after)});
  }
  if (browser) {
    browser_edge_.Respond(dialog, refusal.status, std::move(extras), now);
  } else {
    trunk_edge_.Respond(dialog, refusal.status, std::move(extras), now);
  }
}

Result<route::Limiter::Slot, route::LimitRefusal> CallManager::TakeTrunk(
    std::deque<route::TrunkTry>& trunks, Parties& parties, route::Limiter::Leg leg, TimePoint now) {
  route::LimitRefusal refusal;
  while (!trunks.empty()) {
    Parties wanted = parties;
    wanted.trunk = leg.trunk = std::move(trunks.front().trunk);
    wanted.number = std::move(trunks.front().number);
    trunks.pop_front();
    if (auto hidden = trunk_edge_.WhyNotShown(RequestOf(wanted, {}))) {
      refusal = {.scope = route::LimitScope::kTrunk,
                 .status = hidden->status,
                 .why = std::move(hidden->reason)};
    } else if (auto slot = router_.Begin(leg, now)) {
      parties = std::move(wanted);
      return slot;
    } else {
      refusal = std::move(slot.error());
    }
    if (refusal.scope != route::LimitScope::kTrunk) break;
    spdlog::info("leg=trunk trunk={} is passed over: {}", leg.trunk, refusal.why);
  }
  return std::unexpected(std::move(refusal));
}

route::Caller CallManager::CallerOf(const Parties& parties, TimePoint now) {
  if (!parties.tenant.empty()) return {parties.user, parties.tenant};
  const browser::User* known = browser_edge_.FindUser(parties.user, now).user;
  return {parties.user, known ? known->tenant : ""};
}

std::vector<sip::Header> CallManager::HeadersTo(const std::string& trunk,
                                                const std::vector<sip::Header>& passed) const {
  return trunk::HeadersToTrunk(trunk_edge_.FindTrunk(trunk)->headers, passed);
}

bool CallManager::GoesOnAfter(const Entry& entry, int status) const {
  return !entry.other_trunks.empty() &&
         std::ranges::find(entry.failover, status) != entry.failover.end();
}

bool CallManager::FailOver(Entry& entry, const sip::InviteRejected& rejected, TimePoint now) {
  if (!entry.call.may_change_trunk()) return false;
  const bool unanswered = !rejected.response && GoesOnAfter(entry, route::kNoAnswer);
  if (!unanswered && !GoesOnAfter(entry, rejected.status)) return false;
  Parties parties = entry.parties;
  auto slot = TakeTrunk(
      entry.other_trunks, parties,
      {.user = parties.user, .trunk = "", .priority = entry.priority, .further = true}, now);
  if (!slot) return false;
  spdlog::info("call={} leg=trunk trunk={} answered {}: calls trunk={} instead",
               entry.call.id().value, entry.parties.trunk, rejected.status, parties.trunk);
  entry.slot.TakeTrunkOf(*std::move(slot));
  entry.parties = std::move(parties);
  entry.headers = HeadersTo(entry.parties.trunk, entry.passed_headers);
  entry.redirects.reset();
  call::AnotherTrunk another{.policy = PolicyOf(entry.parties.trunk)};
  another.keys = call::MakeTrunkKeys(another.policy, random_);
  another.invite_head_bytes = trunk_edge_.InviteHeadBytes(RequestOf(entry.parties, entry.headers));
  Feed(entry, another, now);
  return true;
}

}  // namespace lastmile::app

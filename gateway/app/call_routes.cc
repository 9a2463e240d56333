#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/app/call_manager.h"
#include "gateway/app/call_messages.h"

// Which trunk of a route a call takes: as its limits allow, and after another one rejected it.
namespace lastmile::app {

void CallManager::RefuseByLimit(bool browser, sip::DialogId dialog,
                                const route::LimitRefusal& refusal, TimePoint now) {
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

Result<std::pair<route::TrunkTry, route::Limiter::Slot>, route::LimitRefusal>
CallManager::TakeTrunk(std::deque<route::TrunkTry>& trunks, route::Limiter::Leg leg,
                       TimePoint now) {
  route::LimitRefusal refusal;
  while (!trunks.empty()) {
    route::TrunkTry to = std::move(trunks.front());
    trunks.pop_front();
    leg.trunk = to.trunk;
    auto slot = router_.Begin(leg, now);
    if (slot) return std::pair(std::move(to), *std::move(slot));
    refusal = std::move(slot.error());
    if (refusal.scope != route::LimitScope::kTrunk) break;
    spdlog::info("leg=trunk trunk={} is passed over: {}", leg.trunk, refusal.why);
  }
  return std::unexpected(std::move(refusal));
}

bool CallManager::FailOver(Entry& entry, const sip::InviteRejected& rejected, TimePoint now) {
  if (!entry.call.may_change_trunk() || entry.other_trunks.empty() ||
      std::ranges::find(entry.failover, rejected.status) == entry.failover.end()) {
    return false;
  }
  auto taken = TakeTrunk(
      entry.other_trunks,
      {.user = entry.parties.user, .trunk = "", .priority = entry.priority, .further = true}, now);
  if (!taken) return false;
  auto& [to, slot] = *taken;
  spdlog::info("call={} leg=trunk trunk={} answered {}: calls trunk={} instead",
               entry.call.id().value, entry.parties.trunk, rejected.status, to.trunk);
  entry.slot.TakeTrunkOf(std::move(slot));
  entry.parties.trunk = std::move(to.trunk);
  entry.parties.number = std::move(to.number);
  entry.redirects.reset();
  const size_t head = trunk_edge_.InviteHeadBytes({.trunk = entry.parties.trunk,
                                                   .number = entry.parties.number,
                                                   .caller = entry.parties.caller,
                                                   .user = entry.parties.user,
                                                   .offer = ""});
  Feed(entry, call::AnotherTrunk{PolicyOf(entry.parties.trunk), head}, now);
  return true;
}

}  // namespace lastmile::app

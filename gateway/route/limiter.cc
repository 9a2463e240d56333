#include "gateway/route/limiter.h"

#include <algorithm>
#include <utility>

namespace lastmile::route {
namespace {

constexpr Duration kForgetEvery = 10s;

// How long a bucket that is full takes to empty is a second, whatever its limit.
Duration StepOf(const Limit& limit) { return Duration(1s) / limit.cps; }

LimitRefusal TooMany(LimitScope scope, bool by_user) {
  switch (scope) {
    case LimitScope::kUser:
      return {scope, by_user ? 403 : 486, 0, "the user has as many calls as are allowed at once"};
    case LimitScope::kTrunk:
      return {scope, 503, 5, "the trunk has as many calls as are allowed at once"};
    case LimitScope::kNode:
      break;
  }
  return {scope, 503, 5, "the gateway has as many calls as are allowed at once"};
}

LimitRefusal TooFast(LimitScope scope) {
  switch (scope) {
    case LimitScope::kUser:
      return {scope, 503, 1, "the user makes more calls a second than are allowed"};
    case LimitScope::kTrunk:
      return {scope, 503, 1, "there are more new calls a second than the trunk is allowed"};
    case LimitScope::kNode:
      break;
  }
  return {scope, 503, 1, "there are more new calls a second than the gateway takes"};
}

}  // namespace

Limiter::Slot::Slot(Slot&& other) noexcept
    : limiter_(std::exchange(other.limiter_, nullptr)),
      user_(std::move(other.user_)),
      trunk_(std::move(other.trunk_)),
      counts_node_(other.counts_node_) {}

Limiter::Slot& Limiter::Slot::operator=(Slot&& other) noexcept {
  if (this == &other) return *this;
  Release();
  limiter_ = std::exchange(other.limiter_, nullptr);
  user_ = std::move(other.user_);
  trunk_ = std::move(other.trunk_);
  counts_node_ = other.counts_node_;
  return *this;
}

void Limiter::Slot::Release() {
  if (limiter_) std::exchange(limiter_, nullptr)->Release(*this);
}

void Limiter::Slot::TakeTrunkOf(Slot other) {
  if (!limiter_) {
    *this = std::move(other);
  } else if (other.limiter_) {
    std::swap(trunk_, other.trunk_);
  }
}

bool Limiter::Use::is_fast(const Limit& limit, TimePoint now) const {
  return limit.cps != 0 && level - now > Duration(1s) - StepOf(limit);
}

void Limiter::Use::Take(const Limit& limit, TimePoint now) {
  ++calls;
  if (limit.cps != 0) level = std::max(level, now) + StepOf(limit);
}

Result<Limiter::Slot, LimitRefusal> Limiter::Refuse(LimitRefusal refusal) {
  ++refusals_[static_cast<size_t>(refusal.scope)];
  return std::unexpected(std::move(refusal));
}

Result<Limiter::Slot, LimitRefusal> Limiter::Begin(const Leg& leg, const Limits& limits,
                                                   const Limit& of_trunk, TimePoint now) {
  ForgetIdle(now);
  const bool counts_user = !leg.further && !leg.user.empty();
  Limit of_user = limits.user;
  if (const auto own = limits.user_calls.find(leg.user); own != limits.user_calls.end()) {
    of_user.calls = own->second;
  }
  Use& trunk = trunks_[leg.trunk];
  if (!leg.priority) {
    struct Check {
      LimitScope scope;
      const Use& use;
      const Limit& limit;
      bool counts;
    };
    const Use none;
    const auto user = users_.find(leg.user);
    const Check checks[] = {
        {LimitScope::kUser, user == users_.end() ? none : user->second, of_user, counts_user},
        {LimitScope::kTrunk, trunk, of_trunk, true},
        {LimitScope::kNode, node_, limits.node, !leg.further}};
    for (const Check& check : checks) {
      if (!check.counts) continue;
      if (check.use.is_full(check.limit)) return Refuse(TooMany(check.scope, leg.by_user));
      if (check.use.is_fast(check.limit, now)) return Refuse(TooFast(check.scope));
    }
  }
  trunk.Take(of_trunk, now);
  Slot slot;
  slot.limiter_ = this;
  slot.trunk_ = leg.trunk;
  if (!leg.further) node_.Take(limits.node, now);
  if (counts_user) {
    users_[leg.user].Take(of_user, now);
    slot.user_ = leg.user;
  }
  slot.counts_node_ = !leg.further;
  return slot;
}

void Limiter::Release(const Slot& slot) {
  if (slot.counts_node_) --node_.calls;
  --trunks_.at(slot.trunk_).calls;
  if (!slot.user_.empty()) --users_.at(slot.user_).calls;
}

// What has no call and an empty bucket says nothing.
void Limiter::ForgetIdle(TimePoint now) {
  if (now < forget_at_) return;
  forget_at_ = now + kForgetEvery;
  const auto is_idle = [now](const auto& entry) {
    return entry.second.calls == 0 && entry.second.level <= now;
  };
  std::erase_if(users_, is_idle);
  std::erase_if(trunks_, is_idle);
}

size_t Limiter::calls_on(const std::string& trunk) const {
  const auto found = trunks_.find(trunk);
  return found == trunks_.end() ? 0 : found->second.calls;
}

}  // namespace lastmile::route

#include "gateway/browser/guess_limiter.h"

#include <algorithm>

#include "gateway/browser/user_directory.h"

namespace lastmile::browser {
namespace {

// A network gives each of its hosts a whole /64 to choose from (RFC 4291 section 2.5.1).
constexpr size_t kV6Prefix = 8;

}  // namespace

void GuessLimiter::Tally::Add(TimePoint now) {
  if (now >= until) *this = {.wrong = 0, .until = now + kWindow};
  ++wrong;
}

Duration GuessLimiter::Tally::Left(TimePoint now) const {
  return wrong < kMaxWrong || now >= until ? Duration{0} : until - now;
}

void GuessLimiter::OnFlowOpened(sip::FlowId flow, const IpAddress& peer) {
  Flow& added = flows_[flow];
  if (peer.is_loopback()) return;
  const auto* bytes = reinterpret_cast<const char*>(peer.bytes().data());
  added.peer.assign(bytes, peer.is_v6() ? kV6Prefix : 4);
}

std::string GuessLimiter::KeyOf(const Flow& flow, std::string_view user) {
  // A longer name is nobody's: the connection's own limit does for it.
  if (flow.peer.empty() || user.size() > UserDirectory::kMaxName) return {};
  return flow.peer + '/' + std::string(user);
}

Duration GuessLimiter::RefusedFor(sip::FlowId flow, std::string_view user, TimePoint now) {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return Duration{0};
  const Duration left = found->second.tally.Left(now);
  const std::string key = KeyOf(found->second, user);
  if (key.empty() || found->second.proven == user) return left;
  const Tally* tally = by_address_.Find(key);
  return tally ? std::max(left, tally->Left(now)) : left;
}

void GuessLimiter::OnWrong(sip::FlowId flow, std::string_view user, TimePoint now) {
  const auto found = flows_.find(flow);
  if (found == flows_.end()) return;
  found->second.tally.Add(now);
  const std::string key = KeyOf(found->second, user);
  if (key.empty()) return;
  Tally* tally = by_address_.Find(key);
  if (!tally) tally = &by_address_.Put(key, {});
  tally->Add(now);
}

void GuessLimiter::OnRight(sip::FlowId flow, std::string_view user) {
  const auto found = flows_.find(flow);
  if (found != flows_.end()) found->second.proven = user;
}

}  // namespace lastmile::browser

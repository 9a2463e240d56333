#include "gateway/call/call_snapshot.h"

#include <utility>

namespace lastmile::call {
namespace {

CallSettings As(CallSettings settings, const CallSnapshot& snapshot) {
  settings.direction = snapshot.direction;
  settings.invite_head_bytes = snapshot.invite_head_bytes;
  settings.trunk_keys = snapshot.trunk_keys;
  return settings;
}

}  // namespace

std::optional<CallSnapshot> Call::Snapshot(TimePoint now) const {
  const bool is_up = state_ == CallState::kConnected && summary_.answered;
  if (!is_up || TrunkIsAlone() || !trunk_leg_.is_settled()) return std::nullopt;
  return CallSnapshot{
      .direction = settings_.direction,
      .invite_head_bytes = settings_.invite_head_bytes,
      .browser_leg = browser_leg_.Snapshot(),
      .trunk_leg = trunk_leg_.Snapshot(),
      .browser = browser_,
      .trunk = trunk_,
      .trunk_keys = settings_.trunk_keys,
      .browser_local = browser_local_,
      .trunk_local = trunk_local_,
      .told_browser = told_browser_,
      .told_trunk = told_trunk_,
      .told_way = told_way_,
      .answered_ago = std::chrono::floor<std::chrono::milliseconds>(now - *summary_.answered),
      .status = summary_.status,
      .sdp = summary_.sdp,
      .invite_bytes = summary_.invite_bytes,
      .over_budget = summary_.over_budget,
      .transferred = summary_.transferred,
      .trunk_sides = trunk_sides_};
}

Call::Call(CallId id, media::SessionId session, CallSettings settings, CallSnapshot snapshot,
           TimePoint now)
    : Call(id, session, As(std::move(settings), snapshot)) {
  state_ = CallState::kConnected;
  browser_leg_ = sdp::BrowserLeg(snapshot.browser_leg);
  trunk_leg_ = sdp::TrunkLeg(snapshot.trunk_leg);
  trunk_leg_.SetProfile(ProfileFor(settings_));
  browser_ = std::move(snapshot.browser);
  trunk_ = std::move(snapshot.trunk);
  browser_local_ = std::move(snapshot.browser_local);
  trunk_local_ = snapshot.trunk_local;
  told_browser_ = snapshot.told_browser;
  told_trunk_ = snapshot.told_trunk;
  told_way_ = snapshot.told_way;
  summary_.answered = now - snapshot.answered_ago;
  summary_.status = snapshot.status;
  summary_.sdp = snapshot.sdp;
  summary_.invite_bytes = snapshot.invite_bytes;
  summary_.over_budget = snapshot.over_budget;
  summary_.transferred = snapshot.transferred;
  trunk_sides_ = snapshot.trunk_sides;
}

}  // namespace lastmile::call

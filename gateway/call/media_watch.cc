#include "gateway/call/bridge.h"
#include "gateway/call/call.h"
#include "gateway/call/media_plan.h"

// Which audio is to flow in a call, and in a bridge. Who holds may send music and need not.
namespace lastmile::call {
namespace {

// Of what each party wants by itself.
media::MediaWatch WatchOf(sdp::Direction browser, sdp::Direction trunk) {
  if (browser != sdp::Direction::kSendRecv) return media::MediaWatch::kHeldByBrowser;
  if (trunk != sdp::Direction::kSendRecv) return media::MediaWatch::kHeldByTrunk;
  return media::MediaWatch::kTalk;
}

sdp::Direction WishOfParty(const TrunkHalf& half) {
  return WishOf(half.media.direction, half.media.held, half.told);
}

}  // namespace

std::optional<media::MediaWatch> Call::watch() const {
  switch (state_) {
    case CallState::kIdle:
    case CallState::kOpeningMedia:
    case CallState::kClosing:
    case CallState::kEnded:
      return std::nullopt;
    case CallState::kReserving:
      return media::MediaWatch::kNothing;
    case CallState::kCalling:
      return answer_.empty() ? media::MediaWatch::kNothing : media::MediaWatch::kEarly;
    case CallState::kAnswered:
    case CallState::kConnected:
      break;
  }
  if (TrunkIsAlone()) return media::MediaWatch::kNothing;
  return WatchOf(WishOf(browser_.direction, false, told_browser_),
                 WishOf(trunk_.direction, trunk_.held, told_trunk_));
}

std::optional<media::MediaWatch> Bridge::watch() const {
  if (state_ == BridgeState::kCalling) return media::MediaWatch::kNothing;
  if (state_ != BridgeState::kBridged) return std::nullopt;
  const TrunkHalf& first = sides_[0].half;
  const TrunkHalf& second = sides_[1].half;
  if (!first.leg || !second.leg) return media::MediaWatch::kNothing;
  return WatchOf(WishOfParty(first), WishOfParty(second));
}

}  // namespace lastmile::call

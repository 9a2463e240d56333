#include <utility>

#include "gateway/app/call_manager.h"

// What is silent in a call although it should not be: the media anchor is told what should flow,
// and what it tells goes into the log, the records and the metrics.
namespace lastmile::app {

void CallManager::TellWatch(media::SessionId session, std::optional<media::MediaWatch> wanted,
                            media::MediaWatch& told) {
  if (!wanted || *wanted == told) return;
  told = *wanted;
  media_commands_.push_back(media::WatchMedia{session, told});
}

media::MediaCommand CallManager::WithSources(media::MediaCommand command, sip::DialogId first,
                                             sip::DialogId second) const {
  const auto name = [this](std::optional<media::TrunkRemote>& remote, sip::DialogId dialog) {
    if (remote && remote->latch) remote->signalled_from = trunk_edge_.PeerOf(dialog);
  };
  if (auto* open = std::get_if<media::OpenSession>(&command)) name(open->trunk, first);
  if (auto* update = std::get_if<media::UpdateSession>(&command)) name(update->trunk, first);
  if (auto* update = std::get_if<media::UpdateBridge>(&command)) {
    name(update->first, first);
    name(update->second, second);
  }
  return command;
}

call::MediaHealth* CallManager::FindHealth(media::SessionId session) {
  if (BridgeEntry* bridge = FindBridge(session)) return &bridge->health;
  const auto found = by_session_.find(session);
  return found == by_session_.end() ? nullptr : &calls_.at(found->second)->health;
}

bool CallManager::OnMediaHealth(const media::MediaEvent& event, TimePoint now) {
  if (const auto* silent = std::get_if<media::DirectionSilent>(&event)) {
    call::MediaHealth* health = FindHealth(silent->session);
    if (!health) return true;
    health->On(*silent, now);
    ++media_faults_[static_cast<size_t>(silent->cause)];
    return true;
  }
  const auto* flows = std::get_if<media::DirectionFlows>(&event);
  if (!flows) return false;
  if (call::MediaHealth* health = FindHealth(flows->session)) health->On(*flows, now);
  return true;
}

}  // namespace lastmile::app

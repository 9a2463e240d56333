#include "tests/unit/gateway/simulation/media.h"

#include <string>
#include <utility>

namespace lastmile::simulation {
namespace {

using media::SessionFault;

media::SessionOpened Opened(media::SessionId session) {
  static const auto kBrowser = *Endpoint::Parse("192.0.2.1:20000");
  static const auto kRtp = *Endpoint::Parse("192.0.2.1:30000");
  static const auto kRtcp = *Endpoint::Parse("192.0.2.1:30001");
  media::SessionOpened opened{.session = session};
  opened.browser = {.ice_ufrag = "gwUf" + std::to_string(session.value),
                    .ice_pwd = "gwPwgwPwgwPwgwPwgwPwgwPw",
                    .candidates = {kBrowser},
                    .fingerprint = {"sha-256", Bytes(32, 0xab)}};
  opened.trunk = {kRtp, kRtcp};
  return opened;
}

media::BridgeOpened BridgeOpened(media::SessionId session) {
  const auto ports = [](const char* rtp, const char* rtcp) {
    return media::TrunkPorts{*Endpoint::Parse(rtp), *Endpoint::Parse(rtcp)};
  };
  return {.session = session,
          .first = ports("192.0.2.1:31000", "192.0.2.1:31001"),
          .second = ports("192.0.2.1:32000", "192.0.2.1:32001")};
}

}  // namespace

bool Media::Execute(const media::MediaCommand& command) {
  const auto session = std::visit([](const auto& c) { return c.session; }, command);
  if (media::IsOpening(command)) {
    return Open(session, std::holds_alternative<media::OpenBridge>(command));
  }
  if (const auto* close = std::get_if<media::CloseSession>(&command)) {
    Close(close->session);
    return true;
  }
  const auto found = sessions_.find(session);
  if (found == sessions_.end() || found->second != State::kOpen) {
    world_.Fail("a media session is updated that is not open");
  }
  return true;
}

bool Media::Open(media::SessionId session, bool bridge) {
  Dice& dice = world_.dice;
  if (sessions_.contains(session)) world_.Fail("a media session is opened twice");
  const size_t fate = dice.Below(100);
  sessions_[session] = fate < 3 ? State::kRefused : State::kOpen;
  if (fate < 3) return false;
  if (fate < 5) {
    Report(dice.Between(0s, 1s),
           media::SessionFailed{session, SessionFault::kNoPort, "no port is free"});
    return true;
  }
  if (fate < 6) return true;  // never heard of again
  const Duration late = fate < 8 ? 6s : dice.Between(0s, 100ms);
  if (bridge) {
    Report(late, BridgeOpened(session));
    return true;
  }
  Report(late, Opened(session));
  if (dice.Chance(70)) {
    Report(late + dice.Between(0s, 3s), media::BrowserConnected{session});
  }
  if (dice.Chance(8)) {
    static constexpr SessionFault kFaults[] = {
        SessionFault::kFingerprintMismatch, SessionFault::kDtlsFailed, SessionFault::kBrowserGone};
    Report(late + dice.Between(0s, 60s),
           media::SessionFailed{session, dice.Of(kFaults), "the media failed"});
  }
  return true;
}

void Media::Close(media::SessionId session) {
  const auto found = sessions_.find(session);
  if (found == sessions_.end()) return world_.Fail("an unknown media session is closed");
  if (found->second == State::kClosed) return world_.Fail("a media session is closed twice");
  const bool refused = found->second == State::kRefused;
  found->second = State::kClosed;
  if (refused || world_.dice.Chance(2)) return;  // not there, or stuck
  const Duration late = world_.dice.Chance(3) ? 5s : world_.dice.Between(0s, 100ms);
  Report(late, media::SessionClosed{.session = session}, true);
}

void Media::Report(Duration delay, media::MediaEvent event, bool last) {
  world_.In(delay, [this, event = std::move(event), last] {
    const auto session = std::visit([](const auto& e) { return e.session; }, event);
    // SessionClosed is the last event of a session.
    if (!last && sessions_.at(session) == State::kClosed) return;
    if (world_.tracing()) world_.Note("media -> gateway  event " + std::to_string(event.index()));
    world_.manager.OnMedia(event, world_.now);
  });
}

void Media::FailAll() {
  for (const auto& [id, state] : sessions_) {
    if (state != State::kOpen) continue;
    Report(0s, media::SessionFailed{id, SessionFault::kBrowserGone, "the browser is gone"});
  }
}

bool Media::AllClosed() const {
  for (const auto& [id, state] : sessions_) {
    if (state == State::kOpen) return false;
  }
  return true;
}

}  // namespace lastmile::simulation

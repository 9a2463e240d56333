#include <algorithm>
#include <utility>
#include <variant>

#include "base/log.h"
#include "media_anchor/io/worker.h"
#include "media_anchor/io/worker_session.h"

namespace lastmile::media {
namespace {

constexpr Duration kStopPatience = 1s;
constexpr size_t kUfragSize = 8;  // 47 bits; RFC 8839 section 5.4 asks for 24
constexpr size_t kPwdSize = 24;   // 142 bits; it asks for 128

void LogFloods(const SessionClosed& closed) {
  const auto say = [&](const char* direction, const DirectionStats& sent) {
    if (sent.too_fast == 0) return;
    spdlog::warn(
        "session={} direction={} {} packets came faster than twice the speed of their "
        "media and were dropped",
        closed.session.value, direction, sent.too_fast);
  };
  say("to-trunk", closed.stats.browser_to_trunk);
  say("to-browser", closed.stats.trunk_to_browser);
  say("to-trunk", closed.stats.video_browser_to_trunk);
  say("to-browser", closed.stats.video_trunk_to_browser);
}

}  // namespace

void Worker::RunCommands(TimePoint now) {
  commands_.Drain(batch_);
  for (MediaCommand& command : batch_) {
    std::visit([&](auto& c) { On(c, now); }, command);
  }
}

void Worker::On(OpenSession& command, TimePoint now) {
  if (sessions_.contains(command.session)) return;
  session_gauge_.fetch_add(1, std::memory_order_relaxed);
  auto made = Open(command, now);
  if (!made) return RefuseOpening(command.session, made.error());
  Session& session = **made;
  sessions_.emplace(command.session, std::move(*made));
  if (!session.agent) PostEvent(DescribeOpened(session));  // else with what is gathered
  session.anchor->Update({command.session, std::move(command.browser), std::move(command.trunk),
                          std::move(command.payloads)},
                         now);
  TellAgent(session);
  Settle(session);
}

void Worker::On(OpenBridge& command, TimePoint now) {
  if (sessions_.contains(command.session)) return;
  session_gauge_.fetch_add(1, std::memory_order_relaxed);
  auto made = OpenBetweenTrunks(command.session, now);
  if (!made) return RefuseOpening(command.session, made.error());
  Session& session = **made;
  sessions_.emplace(command.session, std::move(*made));
  PostEvent(BridgeOpened{command.session, DescribePorts(session, MediaKind::kAudio),
                         DescribePorts(session, MediaKind::kSecondAudio)});
  session.bridge->Update({command.session, std::move(command.first), std::move(command.second),
                          std::move(command.payloads)},
                         now);
  Settle(session);
}

void Worker::RefuseOpening(SessionId id, const Error& why) {
  spdlog::warn("session={} leg=trunk not opened: {}", id.value, why.message);
  sessions_.emplace(id, nullptr);
  PostEvent(SessionFailed{id, SessionFault::kNoPort, why.message});
}

Worker::Session* Worker::Find(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : found->second.get();
}

Result<std::unique_ptr<Worker::Session>> Worker::Open(const OpenSession& command, TimePoint now) {
  std::string ufrag;
  do {
    ufrag = random_.Token(kUfragSize);
  } while (by_ufrag_.contains(ufrag));
  const auto& full_ice = options_.full_ice;
  AnchorSession::Options core_options{.id = command.session,
                                      .ice = {ufrag, random_.Token(kPwdSize)},
                                      .full_ice = full_ice.has_value(),
                                      .private_peers = full_ice && full_ice->private_peers,
                                      .browser_silent_after = options_.browser_silent_after,
                                      .trunk_timeout = options_.trunk_timeout};
  auto session = std::make_unique<Session>(
      std::make_unique<AnchorSession>(context_, std::move(core_options), random_, now));
  auto opened = OpenTrunk(*session, MediaKind::kAudio);
  if (opened && command.video) opened = OpenTrunk(*session, MediaKind::kVideo);
  // Who makes the first offer is controlling (RFC 8445 section 6.1.1).
  if (opened && agents_ != nullptr) opened = OpenAgentFor(*session, !command.browser);
  if (!opened) {
    CloseTrunk(*session, MediaKind::kAudio);
    CloseTrunk(*session, MediaKind::kVideo);
    return std::unexpected(opened.error());
  }
  if (command.video) session->anchor->OpenVideo(random_, now);
  AddUfrag(*session, ufrag);
  return session;
}

Result<std::unique_ptr<Worker::Session>> Worker::OpenBetweenTrunks(SessionId id, TimePoint now) {
  auto session = std::make_unique<Session>(
      std::make_unique<TrunkBridge>(id, random_, now, options_.trunk_timeout));
  auto opened = OpenTrunk(*session, MediaKind::kAudio);
  if (opened) opened = OpenTrunk(*session, MediaKind::kSecondAudio);
  if (opened) return session;
  CloseTrunk(*session, MediaKind::kAudio);
  return std::unexpected(opened.error());
}

Result<void> Worker::OpenTrunk(Session& session, MediaKind kind) {
  auto pair = ports_.Take(MonotonicNow());
  if (!pair) return std::unexpected(pair.error());
  if (!pair->rested) {
    spdlog::warn(
        "session={} leg=trunk has a port that was another call's less than {} s ago: widen "
        "`media.trunk.ports`",
        session.core->id().value,
        std::chrono::duration_cast<std::chrono::seconds>(PortPool::kRest).count());
  }
  TrunkSide& side = session.trunk(kind).emplace(&session, kind, std::move(*pair));
  port_gauge_.fetch_add(2, std::memory_order_relaxed);
  auto watched = loop_.Add(side.ports.rtp.fd(), &side.rtp);
  if (watched) watched = loop_.Add(side.ports.rtcp.fd(), &side.rtcp);
  if (!watched) CloseTrunk(session, kind);
  return watched;
}

void Worker::CloseTrunk(Session& session, MediaKind kind) {
  std::optional<TrunkSide>& side = session.trunk(kind);
  if (!side) return;
  loop_.Remove(side->ports.rtp.fd());
  loop_.Remove(side->ports.rtcp.fd());
  ports_.Release(side->ports, MonotonicNow());
  side.reset();
  port_gauge_.fetch_sub(2, std::memory_order_relaxed);
}

TrunkPorts Worker::DescribePorts(const Session& session, MediaKind kind) const {
  const PortPool::Pair& ports = session.trunk(kind)->ports;
  return {.rtp = {options_.trunk_advertise, ports.rtp.local().port},
          .rtcp = {options_.trunk_advertise, ports.rtcp.local().port}};
}

SessionOpened Worker::DescribeOpened(const Session& session) const {
  SessionOpened opened{.session = session.core->id(), .browser = {}, .trunk = {}};
  opened.browser.ice_ufrag = session.anchor->ice().ufrag;
  opened.browser.ice_pwd = session.anchor->ice().pwd;
  opened.browser.gathered = session.gathered;
  if (browser_socket_) {
    for (const IpAddress& address : options_.browser_advertise) {
      opened.browser.candidates.push_back({address, browser_socket_->local().port});
    }
  }
  if (tcp_) {
    for (const IpAddress& address : options_.browser_advertise) {
      opened.browser.tcp_candidates.push_back({address, tcp_->local().port});
    }
  }
  opened.browser.fingerprint = context_.fingerprint();
  const TrunkPorts audio = DescribePorts(session, MediaKind::kAudio);
  opened.trunk.rtp = audio.rtp;
  opened.trunk.rtcp = audio.rtcp;
  if (session.trunk(MediaKind::kVideo)) {
    opened.trunk.video = DescribePorts(session, MediaKind::kVideo);
  }
  return opened;
}

void Worker::On(UpdateSession& command, TimePoint now) {
  Session* const found = Find(command.session);
  if (found == nullptr || found->anchor == nullptr) return;
  Session& session = *found;
  if (command.video) SetVideo(session, *command.video, now);
  if (command.restart && !AddUfrag(session, command.restart->ufrag)) {
    spdlog::error("session={} leg=browser no ICE restart: its ufrag is in use",
                  command.session.value);
    command.restart.reset();
  }
  if (command.restart) spdlog::info("session={} leg=browser ICE restarts", command.session.value);
  session.anchor->Update(command, now);
  TellAgent(session);
  DropOldUfrags(session);
  Settle(session);
}

void Worker::On(UpdateBridge& command, TimePoint now) {
  Session* const session = Find(command.session);
  if (session == nullptr || session->bridge == nullptr) return;
  session->bridge->Update(command, now);
  Settle(*session);
}

void Worker::SetVideo(Session& session, bool open, TimePoint now) {
  const SessionId id = session.core->id();
  if (!open) {
    session.anchor->CloseVideo();
    CloseTrunk(session, MediaKind::kVideo);
    spdlog::info("session={} leg=trunk video closed", id.value);
    return;
  }
  if (!session.trunk(MediaKind::kVideo)) {
    if (const auto opened = OpenTrunk(session, MediaKind::kVideo); !opened) {
      spdlog::warn("session={} leg=trunk no video: {}", id.value, opened.error().message);
      PostEvent(VideoRefused{id, opened.error().message});
      return;
    }
    session.anchor->OpenVideo(random_, now);
    spdlog::info("session={} leg=trunk video opened", id.value);
  }
  PostEvent(VideoOpened{id, DescribePorts(session, MediaKind::kVideo)});
}

bool Worker::AddUfrag(Session& session, const std::string& ufrag) {
  if (!by_ufrag_.emplace(ufrag, &session).second) return false;
  session.ufrags.push_back(ufrag);
  return true;
}

// Those that the core takes no more.
void Worker::DropOldUfrags(Session& session) {
  if (session.ufrags.size() == 1) return;
  std::erase_if(session.ufrags, [&](const std::string& ufrag) {
    if (session.anchor->AcceptsUfrag(ufrag)) return false;
    by_ufrag_.erase(ufrag);
    spdlog::info("session={} leg=browser old ICE credentials are over", session.core->id().value);
    return true;
  });
}

void Worker::On(SendDigit& command, TimePoint now) {
  Session* const session = Find(command.session);
  if (session == nullptr) return;
  if (!session->core->SendDigit(command, now)) {
    spdlog::warn("session={} leg=trunk a digit is dropped: too many wait", command.session.value);
  }
  Settle(*session);
}

void Worker::On(WatchMedia& command, TimePoint now) {
  Session* const session = Find(command.session);
  if (session == nullptr) return;
  session->core->Watch(command.watch, now);
  Settle(*session);
}

void Worker::On(CloseSession& command, TimePoint) {
  auto node = sessions_.extract(command.session);
  if (!node) return;
  if (node.mapped()) {
    Close(std::move(node.mapped()));
    return;
  }
  session_gauge_.fetch_sub(1, std::memory_order_relaxed);
  PostEvent(SessionClosed{command.session, {}});
}

void Worker::Close(std::unique_ptr<Session> session) {
  session->core->Close();
  Outgoing outgoing;
  while (session->core->PopOutgoing(outgoing)) Send(*session, outgoing);
  for (const std::string& ufrag : session->ufrags) by_ufrag_.erase(ufrag);
  for (const Endpoint& address : session->browser_addresses) by_address_.erase(address);
  while (!session->tcp.empty()) DropTcp(session->tcp.back().tcp);
  CloseAgentOf(*session);
  CloseTrunk(*session, MediaKind::kAudio);
  CloseTrunk(*session, MediaKind::kVideo);
  CloseTrunk(*session, MediaKind::kSecondAudio);
  const SessionClosed closed{session->core->id(), session->core->stats()};
  LogFloods(closed);
  session.reset();
  session_gauge_.fetch_sub(1, std::memory_order_relaxed);
  PostEvent(closed);
}

void Worker::CloseAll() {
  while (!sessions_.empty()) {
    CloseSession command{sessions_.begin()->first};
    On(command, MonotonicNow());
  }
  if (browser_socket_) sender_.Flush(*browser_socket_);
  const TimePoint give_up = MonotonicNow() + kStopPatience;
  for (FlushEvents(); !waiting_events_.empty() && MonotonicNow() < give_up; FlushEvents()) {
    std::this_thread::sleep_for(kEventRetry);
  }
}

}  // namespace lastmile::media

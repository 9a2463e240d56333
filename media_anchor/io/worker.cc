#include "media_anchor/io/worker.h"

#include <sys/prctl.h>

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "base/log.h"
#include "media_anchor/core/ice_lite.h"
#include "media_anchor/core/packet_kind.h"
#include "media_anchor/io/turn_pacer.h"
#include "media_anchor/io/worker_session.h"

namespace lastmile::media {
namespace {

constexpr size_t kMaxCommands = 8192;
constexpr size_t kBatch = 64;
// Bounds how long one socket can keep the others waiting.
constexpr int kMaxBatchesPerTurn = 4;
// Audio comes a packet at a time: to look for another one would be a system call for nothing. Video
// comes in bursts.
constexpr int kMaxVideoReadsPerTurn = 8;
// Linux lets a thread sleep 50 us longer than it wants, which is half a turn.
constexpr unsigned long kTimerSlackNs = 1000;
constexpr int kBrowserReceiveBuffer = 4 << 20;
// An address that was silent for so long may be taken over by another session: the browser's NAT
// gave its port to somebody else. Sooner it may not, or a caller could cut others off.
constexpr Duration kAddressHold = 5s;

}  // namespace

Result<std::unique_ptr<Worker>> Worker::Create(const MediaOptions& options, size_t index,
                                               const DtlsContext& context,
                                               Mailbox<MediaEvent>& events, NiceAgents* agents) {
  auto loop = EpollLoop::Create();
  if (!loop) return std::unexpected(loop.error());
  std::unique_ptr<Worker> worker(
      new Worker(options, index, context, events, std::move(*loop), agents));
  if (agents != nullptr) return worker;
  auto bound = worker->BindForBrowsers();
  if (bound && options.browser_tcp_port) bound = worker->ListenForTcp(index);
  if (!bound) return std::unexpected(bound.error());
  return worker;
}

Result<void> Worker::BindForBrowsers() {
  const uint32_t port = options_.browser_port == 0 ? 0 : options_.browser_port + uint32_t(index_);
  if (port > 65535) return Fail("media worker " + std::to_string(index_) + " has no port left");
  auto socket = UdpSocket::Bind({options_.browser_bind, static_cast<uint16_t>(port)});
  if (!socket) return Fail("browser media: " + socket.error().message);
  socket->SetReceiveBuffer(kBrowserReceiveBuffer);
  if (options_.browser_bind.is_any()) {
    if (auto enabled = socket->EnableLocalAddress(); !enabled) return enabled;
  }
  browser_socket_ = std::move(*socket);
  return loop_.Add(browser_socket_->fd(), &browser_watched_);
}

Worker::Worker(const MediaOptions& options, size_t index, const DtlsContext& context,
               Mailbox<MediaEvent>& events, EpollLoop loop, NiceAgents* agents)
    : options_(options),
      context_(context),
      events_(events),
      commands_(kMaxCommands),
      loop_(std::move(loop)),
      agents_(agents),
      index_(index),
      ports_(options.trunk_bind, options.trunk_port_min, options.trunk_port_max, index,
             static_cast<size_t>(options.workers), random_),
      receiver_(kBatch, AnchorSession::kRoom, AnchorSession::kMaxDatagram),
      sender_(kBatch, AnchorSession::kRoom),
      trunk_room_(AnchorSession::kRoom) {}

Worker::~Worker() { Stop(); }

void Worker::Start() {
  commands_.SetWake([this] { loop_.Wake(); });
  if (agents_ != nullptr) agents_->inbox(index_).SetWake([this] { loop_.Wake(); });
  thread_ = std::thread([this] { Run(); });
}

void Worker::Stop() {
  stopping_.store(true, std::memory_order_release);
  loop_.Wake();
  if (thread_.joinable()) thread_.join();
}

void Worker::Run() {
  prctl(PR_SET_TIMERSLACK, kTimerSlackNs);
  TurnPacer pacer;
  while (!stopping_.load(std::memory_order_acquire)) {
    TimePoint now = MonotonicNow();
    const auto ready = loop_.Wait(now, NextDeadline(now));
    now = MonotonicNow();
    for (const epoll_event& event : ready) OnReadable(*static_cast<Watched*>(event.data.ptr), now);
    // Sessions go away only here, when no event of this turn can name their sockets any more.
    if (loop_.TakeWake()) {
      RunCommands(now);
      RunAgentEvents(now);
    }
    RunTimers(now);
    if (tcp_) {
      tcp_->OnTimer(now);
      tcp_->Sweep();
    }
    if (browser_socket_) sender_.Flush(*browser_socket_);
    FlushEvents();
    const TimePoint wanted = pacer.OnTurn(std::exchange(taken_, 0), now);
    if (wanted <= MonotonicNow()) continue;
    std::this_thread::sleep_until(wanted);
    pacer.OnWake(wanted, MonotonicNow());
  }
  RunCommands(MonotonicNow());  // sessions asked for but not opened yet are closed, too
  CloseAll();
}

TimePoint Worker::NextDeadline(TimePoint now) const {
  TimePoint timer = timers_.empty() ? kNever : timers_.front().at;
  if (tcp_) timer = std::min(timer, tcp_->next_timeout());
  return waiting_events_.empty() ? timer : std::min(timer, now + kEventRetry);
}

// --- packets ---

void Worker::OnReadable(Watched& watched, TimePoint now) {
  switch (watched.kind) {
    case Watched::Kind::kBrowserUdp:
      return ReadBrowser(now);
    case Watched::Kind::kTrunkUdp:
      return ReadTrunk(static_cast<TrunkPort&>(watched), now);
    case Watched::Kind::kTcpListener:
      return tcp_->Accept(now);
    case Watched::Kind::kTcpConnection:
      return ReadTcp(TcpPaths::Of(watched), now);
    case Watched::Kind::kAgent:
      return ReadAgent(static_cast<AgentPipe&>(watched), now);
  }
}

void Worker::ReadBrowser(TimePoint now) {
  for (int round = 0; round < kMaxBatchesPerTurn; ++round) {
    const size_t count = receiver_.Receive(*browser_socket_);
    for (size_t i = 0; i < count; ++i) OnBrowserDatagram(receiver_[i], now);
    taken_ += count;
    if (count < receiver_.capacity()) return;
  }
}

bool Worker::OnBrowserDatagram(BatchReceiver::Datagram& datagram, TimePoint now) {
  if (datagram.truncated) return false;
  const ByteView bytes = datagram.room.first(datagram.size);
  const bool is_stun = Classify(bytes) == PacketKind::kStun;
  Session* const session = FindBrowser(bytes, datagram.path, is_stun);
  if (session == nullptr) return false;
  const Outgoing out =
      session->anchor->OnBrowserDatagram(datagram.room, datagram.size, datagram.path, now);
  Send(*session, out);
  if (out.settled) return true;
  if (is_stun) {
    if (datagram.path.tcp) {
      LearnTcp(*session, datagram.path);
    } else {
      LearnAddress(*session, datagram.path.remote, now);
    }
    DropOldUfrags(*session);
    TellTransport(*session, now);
  }
  Settle(*session);
  return true;
}

Worker::Session* Worker::FindBrowser(ByteView datagram, const Path& path, bool is_stun) {
  if (path.tcp) {
    const auto found = by_tcp_.find(path.tcp);
    if (found != by_tcp_.end()) return found->second;
  }
  if (is_stun) {
    const auto ufrag = LocalUfragOf(datagram);
    if (!ufrag) return nullptr;
    const auto found = by_ufrag_.find(*ufrag);
    return found == by_ufrag_.end() ? nullptr : found->second;
  }
  if (path.tcp) return nullptr;
  const auto found = by_address_.find(path.remote);
  return found == by_address_.end() ? nullptr : found->second;
}

void Worker::LearnAddress(Session& session, const Endpoint& remote, TimePoint now) {
  if (!session.anchor->HasBrowserPath(remote)) return;
  Session*& owner = by_address_[remote];
  if (owner == &session) return;
  if (owner != nullptr) {
    const auto& heard = owner->anchor->browser_last_heard();
    if (heard && now - *heard < kAddressHold && owner->anchor->HasBrowserPath(remote)) return;
    std::erase(owner->browser_addresses, remote);
  }
  owner = &session;
  std::erase_if(session.browser_addresses, [&](const Endpoint& address) {
    if (session.anchor->HasBrowserPath(address)) return false;
    by_address_.erase(address);
    return true;
  });
  session.browser_addresses.push_back(remote);
}

void Worker::ReadTrunk(TrunkPort& port, TimePoint now) {
  Session& session = *port.session;
  const MutableByteView room(trunk_room_);
  const int reads = port.kind == MediaKind::kVideo ? kMaxVideoReadsPerTurn : 1;
  // A socket that is not connected may be connected after a packet: see ConnectTrunk().
  bool settled = port.socket->connected().has_value();
  for (int i = 0; i < reads; ++i) {
    Endpoint from;
    const auto size = port.socket->Receive(room.first(AnchorSession::kMaxDatagram), from);
    if (!size) break;
    ++taken_;
    const Outgoing out = port.is_rtcp ? session.core->OnTrunkRtcp(port.kind, room, *size, from, now)
                                      : session.core->OnTrunkRtp(port.kind, room, *size, from, now);
    Send(session, out);
    settled = settled && out.settled;
  }
  if (!settled) Settle(session);
}

void Worker::Send(Session& session, const Outgoing& outgoing) {
  switch (outgoing.to) {
    case Outgoing::To::kNone:
      return;
    case Outgoing::To::kBrowser:
      if (outgoing.path.agent) {
        session.agent->end.Send(outgoing.bytes);
      } else if (outgoing.path.tcp) {
        tcp_->Send(outgoing.path.tcp, outgoing.bytes);
      } else {
        sender_.Add(*browser_socket_, outgoing.bytes, outgoing.path);
      }
      return;
    case Outgoing::To::kTrunkRtp:
      session.trunk(outgoing.kind)->ports.rtp.SendTo(outgoing.bytes, outgoing.endpoint);
      return;
    case Outgoing::To::kTrunkRtcp:
      session.trunk(outgoing.kind)->ports.rtcp.SendTo(outgoing.bytes, outgoing.endpoint);
      return;
  }
}

// What is left to do after anything happened to the session.
void Worker::Settle(Session& session) {
  Outgoing outgoing;
  while (session.core->PopOutgoing(outgoing)) Send(session, outgoing);
  while (auto event = session.core->PopEvent()) {
    if (const auto* failed = std::get_if<SessionFailed>(&*event)) {
      const bool trunk = failed->fault == SessionFault::kTrunkGone;
      spdlog::warn("session={} leg={} failed: {}", session.core->id().value,
                   trunk ? "trunk" : "browser", failed->reason);
    } else if (std::holds_alternative<BrowserConnected>(*event)) {
      session.connected = true;
      session.over_tcp = IsOverTcp(session);
      spdlog::info("session={} leg=browser connected over {}", session.core->id().value,
                   session.agent      ? "full ICE"
                   : session.over_tcp ? "TCP"
                                      : "UDP");
    }
    PostEvent(std::move(*event));
  }
  for (const MediaKind kind : {MediaKind::kAudio, MediaKind::kVideo, MediaKind::kSecondAudio}) {
    if (session.trunk(kind)) ConnectTrunk(session, kind);
  }
  Schedule(session);
}

void Worker::ConnectTrunk(Session& session, MediaKind kind) {
  const RtpLeg& leg = *session.core->trunk(kind);
  if (!leg.can_send()) return;
  TrunkSide& side = *session.trunk(kind);
  UdpSocket& rtp = side.ports.rtp;
  UdpSocket& rtcp = side.ports.rtcp;
  if (!leg.fixed() || !leg.heard()) {
    if (rtp.connected()) rtp.Disconnect();
    if (rtcp.connected()) rtcp.Disconnect();
    side.tried.reset();
    return;
  }
  // The core checks every source again: the kernel may still hold datagrams from before.
  const std::pair wanted(leg.rtp(), leg.rtcp());
  if (side.tried == wanted) return;
  side.tried = wanted;
  if (!rtp.Connect(leg.rtp())) rtp.Disconnect();
  if (!rtcp.Connect(leg.rtcp())) rtcp.Disconnect();
}

// --- timers ---

void Worker::Schedule(Session& session) {
  const TimePoint at = session.core->next_timeout();
  if (at >= session.scheduled) return;  // a timer that comes early looks again
  session.scheduled = at;
  timers_.push_back({at, session.core->id()});
  std::ranges::push_heap(timers_, std::greater<>());
}

void Worker::RunTimers(TimePoint now) {
  while (!timers_.empty() && timers_.front().at <= now) {
    const Timer timer = timers_.front();
    std::ranges::pop_heap(timers_, std::greater<>());
    timers_.pop_back();
    const auto found = sessions_.find(timer.session);
    if (found == sessions_.end() || !found->second) continue;
    Session& session = *found->second;
    if (session.scheduled != timer.at) continue;
    session.scheduled = kNever;
    session.core->OnTimer(now);
    Settle(session);
  }
}

// --- events ---

void Worker::PostEvent(MediaEvent event) {
  waiting_events_.push_back(std::move(event));
  FlushEvents();
}

void Worker::FlushEvents() {
  size_t done = 0;
  while (done < waiting_events_.size() && events_.Push(waiting_events_[done])) ++done;
  waiting_events_.erase(waiting_events_.begin(),
                        waiting_events_.begin() + static_cast<ptrdiff_t>(done));
}

}  // namespace lastmile::media

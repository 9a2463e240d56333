#include "media_anchor/io/worker.h"

#include <algorithm>
#include <functional>
#include <utility>
#include <variant>

#include "base/log.h"
#include "media_anchor/core/ice_lite.h"
#include "media_anchor/core/packet_kind.h"

namespace lastmile::media {
namespace {

constexpr size_t kMaxCommands = 8192;
constexpr size_t kBatch = 64;
// Bounds how long one socket can keep the others waiting.
constexpr int kMaxBatchesPerTurn = 4;
constexpr int kMaxTrunkReadsPerTurn = 8;
constexpr int kBrowserReceiveBuffer = 4 << 20;
constexpr Duration kEventRetry = 10ms;
constexpr Duration kStopPatience = 1s;
// An address that was silent for so long may be taken over by another session: the browser's NAT
// gave its port to somebody else. Sooner it may not, or a caller could cut others off.
constexpr Duration kAddressHold = 5s;
constexpr size_t kUfragSize = 8;  // 47 bits; RFC 8839 section 5.4 asks for 24
constexpr size_t kPwdSize = 24;   // 142 bits; it asks for 128

}  // namespace

// What the epoll set gives back for a trunk socket.
struct Worker::TrunkPort {
  Session* session;
  UdpSocket* socket;
  bool is_rtcp;
};

struct Worker::Session {
  Session(const DtlsContext& context, AnchorSession::Options core_options, PortPool::Pair pair,
          RandomSource& random, TimePoint now)
      : core(context, std::move(core_options), random, now), ports(std::move(pair)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  AnchorSession core;
  PortPool::Pair ports;
  TrunkPort rtp{this, &ports.rtp, false};
  TrunkPort rtcp{this, &ports.rtcp, true};
  std::vector<Endpoint> browser_addresses;  // its keys in by_address_
  TimePoint scheduled = kNever;
  // RTP and RTCP addresses the sockets are connected to, or cannot be.
  std::optional<std::pair<Endpoint, Endpoint>> tried_trunk;
};

Result<std::unique_ptr<Worker>> Worker::Create(const MediaOptions& options, size_t index,
                                               const DtlsContext& context,
                                               Mailbox<MediaEvent>& events) {
  const uint32_t port = options.browser_port == 0 ? 0 : options.browser_port + uint32_t(index);
  if (port > 65535) return Fail("media worker " + std::to_string(index) + " has no port left");
  auto loop = EpollLoop::Create();
  if (!loop) return std::unexpected(loop.error());
  auto socket = UdpSocket::Bind({options.browser_bind, static_cast<uint16_t>(port)});
  if (!socket) return Fail("browser media: " + socket.error().message);
  socket->SetReceiveBuffer(kBrowserReceiveBuffer);
  if (options.browser_bind.is_any()) {
    if (auto enabled = socket->EnableLocalAddress(); !enabled) {
      return std::unexpected(enabled.error());
    }
  }
  std::unique_ptr<Worker> worker(
      new Worker(options, index, context, events, std::move(*loop), std::move(*socket)));
  auto watched = worker->loop_.Add(worker->browser_socket_.fd(), &worker->browser_socket_);
  if (!watched) return std::unexpected(watched.error());
  return worker;
}

Worker::Worker(const MediaOptions& options, size_t index, const DtlsContext& context,
               Mailbox<MediaEvent>& events, EpollLoop loop, UdpSocket browser_socket)
    : options_(options),
      context_(context),
      events_(events),
      commands_(kMaxCommands),
      loop_(std::move(loop)),
      browser_socket_(std::move(browser_socket)),
      ports_(options.trunk_bind, options.trunk_port_min, options.trunk_port_max, index,
             static_cast<size_t>(options.workers), random_),
      receiver_(kBatch, AnchorSession::kRoom, AnchorSession::kMaxDatagram),
      sender_(kBatch, AnchorSession::kRoom),
      trunk_room_(AnchorSession::kRoom) {}

Worker::~Worker() { Stop(); }

void Worker::Start() {
  commands_.SetWake([this] { loop_.Wake(); });
  thread_ = std::thread([this] { Run(); });
}

void Worker::Stop() {
  stopping_.store(true, std::memory_order_release);
  loop_.Wake();
  if (thread_.joinable()) thread_.join();
}

void Worker::Run() {
  while (!stopping_.load(std::memory_order_acquire)) {
    TimePoint now = MonotonicNow();
    const auto ready = loop_.Wait(now, NextDeadline(now));
    now = MonotonicNow();
    for (const epoll_event& event : ready) {
      if (event.data.ptr == &browser_socket_) {
        ReadBrowser(now);
      } else {
        ReadTrunk(*static_cast<TrunkPort*>(event.data.ptr), now);
      }
    }
    // Sessions go away only here, when no event of this turn can name their sockets any more.
    if (loop_.TakeWake()) RunCommands(now);
    RunTimers(now);
    sender_.Flush(browser_socket_);
    FlushEvents();
  }
  RunCommands(MonotonicNow());  // sessions asked for but not opened yet are closed, too
  CloseAll();
}

TimePoint Worker::NextDeadline(TimePoint now) const {
  const TimePoint timer = timers_.empty() ? kNever : timers_.front().at;
  return waiting_events_.empty() ? timer : std::min(timer, now + kEventRetry);
}

// --- packets ---

void Worker::ReadBrowser(TimePoint now) {
  for (int round = 0; round < kMaxBatchesPerTurn; ++round) {
    const size_t count = receiver_.Receive(browser_socket_);
    for (size_t i = 0; i < count; ++i) OnBrowserDatagram(receiver_[i], now);
    if (count < receiver_.capacity()) return;
  }
}

void Worker::OnBrowserDatagram(BatchReceiver::Datagram& datagram, TimePoint now) {
  if (datagram.truncated) return;
  const ByteView bytes = datagram.room.first(datagram.size);
  const bool is_stun = Classify(bytes) == PacketKind::kStun;
  Session* const session = FindBrowser(bytes, datagram.path.remote, is_stun);
  if (session == nullptr) return;
  Send(*session, session->core.OnBrowserDatagram(datagram.room, datagram.size, datagram.path, now));
  if (is_stun) LearnAddress(*session, datagram.path.remote, now);
  Settle(*session);
}

Worker::Session* Worker::FindBrowser(ByteView datagram, const Endpoint& from, bool is_stun) {
  if (is_stun) {
    const auto ufrag = LocalUfragOf(datagram);
    if (!ufrag) return nullptr;
    const auto found = by_ufrag_.find(*ufrag);
    return found == by_ufrag_.end() ? nullptr : found->second;
  }
  const auto found = by_address_.find(from);
  return found == by_address_.end() ? nullptr : found->second;
}

void Worker::LearnAddress(Session& session, const Endpoint& remote, TimePoint now) {
  if (!session.core.HasBrowserPath(remote)) return;
  Session*& owner = by_address_[remote];
  if (owner == &session) return;
  if (owner != nullptr) {
    const auto& heard = owner->core.browser_last_heard();
    if (heard && now - *heard < kAddressHold && owner->core.HasBrowserPath(remote)) return;
    std::erase(owner->browser_addresses, remote);
  }
  owner = &session;
  std::erase_if(session.browser_addresses, [&](const Endpoint& address) {
    if (session.core.HasBrowserPath(address)) return false;
    by_address_.erase(address);
    return true;
  });
  session.browser_addresses.push_back(remote);
}

void Worker::ReadTrunk(TrunkPort& port, TimePoint now) {
  Session& session = *port.session;
  const MutableByteView room(trunk_room_);
  for (int i = 0; i < kMaxTrunkReadsPerTurn; ++i) {
    Endpoint from;
    const auto size = port.socket->Receive(room.first(AnchorSession::kMaxDatagram), from);
    if (!size) break;
    // A carrier may multiplex (RFC 5761); a report must not be taken for audio.
    const bool is_rtcp = port.is_rtcp || Classify(room.first(*size)) == PacketKind::kRtcp;
    if (is_rtcp) {
      session.core.OnTrunkRtcp(room.first(*size), from, now);
    } else {
      Send(session, session.core.OnTrunkRtp(room, *size, from, now));
    }
  }
  Settle(session);
}

void Worker::Send(Session& session, const Outgoing& outgoing) {
  switch (outgoing.to) {
    case Outgoing::To::kNone:
      return;
    case Outgoing::To::kBrowser:
      sender_.Add(browser_socket_, outgoing.bytes, outgoing.path);
      return;
    case Outgoing::To::kTrunkRtp:
      session.ports.rtp.SendTo(outgoing.bytes, outgoing.endpoint);
      return;
    case Outgoing::To::kTrunkRtcp:
      session.ports.rtcp.SendTo(outgoing.bytes, outgoing.endpoint);
      return;
  }
}

// What is left to do after anything happened to the session.
void Worker::Settle(Session& session) {
  Outgoing outgoing;
  while (session.core.PopOutgoing(outgoing)) Send(session, outgoing);
  while (auto event = session.core.PopEvent()) {
    if (const auto* failed = std::get_if<SessionFailed>(&*event)) {
      spdlog::warn("session={} leg=browser failed: {}", session.core.id().value, failed->reason);
    } else {
      spdlog::info("session={} leg=browser connected", session.core.id().value);
    }
    PostEvent(std::move(*event));
  }
  ConnectTrunk(session);
  Schedule(session);
}

void Worker::ConnectTrunk(Session& session) {
  const RtpLeg& trunk = session.core.trunk();
  if (!trunk.can_send()) return;
  UdpSocket& rtp = session.ports.rtp;
  UdpSocket& rtcp = session.ports.rtcp;
  if (!trunk.fixed()) {
    if (rtp.connected()) rtp.Disconnect();
    if (rtcp.connected()) rtcp.Disconnect();
    session.tried_trunk.reset();
    return;
  }
  // The core checks every source again: the kernel may still hold datagrams from before.
  const std::pair wanted(trunk.rtp(), trunk.rtcp());
  if (session.tried_trunk == wanted) return;
  session.tried_trunk = wanted;
  if (!rtp.Connect(trunk.rtp())) rtp.Disconnect();
  if (!rtcp.Connect(trunk.rtcp())) rtcp.Disconnect();
}

// --- timers ---

void Worker::Schedule(Session& session) {
  const TimePoint at = session.core.next_timeout();
  if (at >= session.scheduled) return;  // a timer that comes early looks again
  session.scheduled = at;
  timers_.push_back({at, session.core.id()});
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
    session.core.OnTimer(now);
    Settle(session);
  }
}

// --- commands ---

void Worker::RunCommands(TimePoint now) {
  commands_.Drain(batch_);
  for (MediaCommand& command : batch_) {
    std::visit([&](auto& c) { On(c, now); }, command);
  }
}

void Worker::On(OpenSession& command, TimePoint now) {
  if (sessions_.contains(command.session)) return;
  session_gauge_.fetch_add(1, std::memory_order_relaxed);
  auto made = Open(command.session, now);
  if (!made) {
    spdlog::warn("session={} leg=trunk not opened: {}", command.session.value,
                 made.error().message);
    sessions_.emplace(command.session, nullptr);
    PostEvent(SessionFailed{command.session, SessionFault::kNoPort, made.error().message});
    return;
  }
  Session& session = **made;
  sessions_.emplace(command.session, std::move(*made));
  PostEvent(DescribeOpened(session));
  session.core.Update({command.session, std::move(command.browser), std::move(command.trunk),
                       std::move(command.payloads)},
                      now);
  Settle(session);
}

Result<std::unique_ptr<Worker::Session>> Worker::Open(SessionId id, TimePoint now) {
  auto pair = ports_.Take();
  if (!pair) return std::unexpected(pair.error());
  std::string ufrag;
  do {
    ufrag = random_.Token(kUfragSize);
  } while (by_ufrag_.contains(ufrag));
  AnchorSession::Options core_options{.id = id,
                                      .ice = {ufrag, random_.Token(kPwdSize)},
                                      .browser_gone_after = options_.browser_gone_after};
  auto session =
      std::make_unique<Session>(context_, std::move(core_options), std::move(*pair), random_, now);
  auto watched = loop_.Add(session->ports.rtp.fd(), &session->rtp);
  if (watched) watched = loop_.Add(session->ports.rtcp.fd(), &session->rtcp);
  if (!watched) {
    ports_.Release(session->ports);
    return std::unexpected(watched.error());
  }
  by_ufrag_.emplace(ufrag, session.get());
  port_gauge_.fetch_add(2, std::memory_order_relaxed);
  return session;
}

SessionOpened Worker::DescribeOpened(const Session& session) const {
  SessionOpened opened{.session = session.core.id(), .browser = {}, .trunk = {}};
  opened.browser.ice_ufrag = session.core.ice().ufrag;
  opened.browser.ice_pwd = session.core.ice().pwd;
  for (const IpAddress& address : options_.browser_advertise) {
    opened.browser.candidates.push_back({address, browser_socket_.local().port});
  }
  opened.browser.fingerprint = context_.fingerprint();
  opened.trunk.rtp = {options_.trunk_advertise, session.ports.rtp.local().port};
  opened.trunk.rtcp = {options_.trunk_advertise, session.ports.rtcp.local().port};
  return opened;
}

void Worker::On(UpdateSession& command, TimePoint now) {
  const auto found = sessions_.find(command.session);
  if (found == sessions_.end() || !found->second) return;
  found->second->core.Update(command, now);
  Settle(*found->second);
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
  session->core.Close();
  Outgoing outgoing;
  while (session->core.PopOutgoing(outgoing)) Send(*session, outgoing);
  by_ufrag_.erase(session->core.ice().ufrag);
  for (const Endpoint& address : session->browser_addresses) by_address_.erase(address);
  loop_.Remove(session->ports.rtp.fd());
  loop_.Remove(session->ports.rtcp.fd());
  ports_.Release(session->ports);
  const SessionClosed closed{session->core.id(), session->core.stats()};
  session.reset();
  session_gauge_.fetch_sub(1, std::memory_order_relaxed);
  port_gauge_.fetch_sub(2, std::memory_order_relaxed);
  PostEvent(closed);
}

void Worker::CloseAll() {
  while (!sessions_.empty()) {
    CloseSession command{sessions_.begin()->first};
    On(command, MonotonicNow());
  }
  sender_.Flush(browser_socket_);
  const TimePoint give_up = MonotonicNow() + kStopPatience;
  for (FlushEvents(); !waiting_events_.empty() && MonotonicNow() < give_up; FlushEvents()) {
    std::this_thread::sleep_for(kEventRetry);
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

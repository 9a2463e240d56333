#include <string>
#include <utility>
#include <vector>

#include "base/log.h"
#include "media_anchor/io/worker.h"
#include "media_anchor/io/worker_session.h"

// Browsers that come over TCP (RFC 6544).
namespace lastmile::media {
namespace {

// Bounds how long one connection can keep the others waiting; a read is a frame of full size.
constexpr int kMaxReadsPerTurn = 4;
// A browser that goes to and fro makes a line of the log so often at most.
constexpr Duration kTransportTold = 1s;

}  // namespace

Result<void> Worker::ListenForTcp(size_t index) {
  const uint32_t first = *options_.browser_tcp_port;
  const uint32_t port = first == 0 ? 0 : first + uint32_t(index);
  if (port > 65535) {
    return Fail("media worker " + std::to_string(index) + " has no TCP port left");
  }
  auto tcp = TcpPaths::Listen({options_.browser_bind, static_cast<uint16_t>(port)}, loop_);
  if (!tcp) return Fail("browser media: " + tcp.error().message);
  tcp_ = std::move(*tcp);
  return {};
}

void Worker::ReadTcp(TcpPaths::Connection& connection, TimePoint now) {
  const TcpId id = TcpPaths::IdOf(connection);
  for (int reads = 0; reads < kMaxReadsPerTurn && tcp_->Receive(connection); ++reads) {
    while (auto datagram = tcp_->Next(connection)) {
      if (!OnBrowserDatagram(*datagram, now)) return DropTcp(id);
    }
  }
  if (tcp_->IsOver(connection)) DropTcp(id);
}

// The connection is the session's once the core has accepted a check on it.
void Worker::LearnTcp(Session& session, const Path& path) {
  if (!session.anchor->HasBrowserPath(path)) return;
  if (!by_tcp_.emplace(path.tcp, &session).second) return;
  session.tcp.push_back(path);
  tcp_->Keep(path.tcp);
  // The core remembers kMaxPairs: the connection of a pair that it has forgotten carries nothing.
  const std::vector<Path> all = session.tcp;
  for (const Path& known : all) {
    if (!session.anchor->HasBrowserPath(known)) DropTcp(known.tcp);
  }
}

void Worker::DropTcp(TcpId id) {
  const auto owned = by_tcp_.find(id);
  if (owned != by_tcp_.end()) {
    std::erase_if(owned->second->tcp, [&](const Path& path) { return path.tcp == id; });
    by_tcp_.erase(owned);
  }
  tcp_->Close(id);
}

bool Worker::IsOverTcp(const Session& session) {
  const auto& path = session.anchor->browser_path();
  return path && path->tcp;
}

void Worker::TellTransport(Session& session, TimePoint now) {
  const bool over_tcp = IsOverTcp(session);
  if (!session.connected || over_tcp == session.over_tcp) return;
  if (now - session.transport_told < kTransportTold) return;
  session.over_tcp = over_tcp;
  session.transport_told = now;
  spdlog::info("session={} leg=browser goes over {} now", session.core->id().value,
               over_tcp ? "TCP" : "UDP");
}

}  // namespace lastmile::media

#include "tests/component/net/hub_world.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

namespace lastmile::net {

HubWorld::HubWorld(const std::string& dns_servers) { hub.emplace(loop, *this, dns_servers); }
HubWorld::~HubWorld() = default;

bool HubWorld::RunUntil(const std::function<bool()>& done, Duration limit) {
  const TimePoint deadline = MonotonicNow() + limit;
  loop.Run([&] {
    if (done() || MonotonicNow() >= deadline) loop.Stop();
    return deadline;
  });
  return done();
}

Endpoint HubWorld::Listen(const TlsServerOptions* tls) {
  ListenOptions options{.address = *Endpoint::Parse("127.0.0.1:0"), .use_tls = tls != nullptr};
  if (tls) options.tls = *tls;
  auto bound = hub->Listen(options);
  EXPECT_TRUE(bound) << bound.error().message;
  return *bound;
}

std::string HubWorld::ReasonOf(StreamId stream) {
  RunUntil([&] { return heard[stream].closed.has_value(); });
  return heard[stream].closed.value_or("(still there)");
}

std::vector<StreamId> HubWorld::Inbound() const {
  std::vector<StreamId> inbound;
  for (const auto& [id, stream] : heard) {
    if (stream.inbound) inbound.push_back(id);
  }
  return inbound;
}

void HubWorld::OnStreamOpen(StreamId stream, const StreamPeer& peer) {
  EXPECT_FALSE(inside_hub);
  Heard& entry = heard[stream];
  EXPECT_FALSE(entry.open || entry.closed) << "opened twice or after its end";
  entry.open = true;
  entry.inbound = peer.inbound;
  entry.tls = peer.tls;
  entry.local = peer.local;
  entry.peer = peer.address;
  entry.verified = peer.verified;
  entry.certificate = peer.certificate;
}

void HubWorld::OnStreamBytes(StreamId stream, ByteView bytes) {
  EXPECT_FALSE(inside_hub);
  Heard& entry = heard[stream];
  EXPECT_TRUE(entry.open && !entry.closed) << "bytes before the opening or after the end";
  entry.bytes += AsText(bytes);
  if (entry.inbound && echo) hub->Send(stream, std::string(AsText(bytes)));
}

void HubWorld::OnStreamClosed(StreamId stream, const StreamEnd& end) {
  EXPECT_FALSE(inside_hub);
  EXPECT_FALSE(heard[stream].closed) << "closed twice";
  heard[stream].closed = end.reason;
  heard[stream].fault = end.fault;
}

size_t OpenFileCount() {
  const std::filesystem::directory_iterator files("/proc/self/fd");
  return static_cast<size_t>(std::distance(begin(files), end(files)));
}

RawSocket::RawSocket(int type) : fd_(socket(AF_INET, type | SOCK_CLOEXEC, 0)) { EXPECT_GE(fd_, 0); }
RawSocket::~RawSocket() { close(fd_); }

Endpoint RawSocket::Bind(const Endpoint& address) {
  const auto bound = TryBind(address);
  EXPECT_TRUE(bound) << address.ToString() << " is in use";
  return bound.value_or(address);
}

std::optional<Endpoint> RawSocket::TryBind(const Endpoint& address) {
  sockaddr_storage storage;
  socklen_t length = address.ToSockaddr(storage);
  if (bind(fd_, reinterpret_cast<sockaddr*>(&storage), length) != 0) return std::nullopt;
  length = sizeof storage;
  getsockname(fd_, reinterpret_cast<sockaddr*>(&storage), &length);
  return Endpoint::FromSockaddr(storage);
}

void RawSocket::ConnectTo(const Endpoint& peer) {
  sockaddr_storage storage;
  const socklen_t length = peer.ToSockaddr(storage);
  EXPECT_EQ(connect(fd_, reinterpret_cast<sockaddr*>(&storage), length), 0);
}

std::string RawSocket::ReadNow(size_t limit) {
  std::string bytes(limit, '\0');
  const ssize_t count = recv(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT);
  bytes.resize(count > 0 ? static_cast<size_t>(count) : 0);
  return bytes;
}

}  // namespace lastmile::net

#ifndef LASTMILE_MEDIA_ANCHOR_IO_TCP_PATHS_H_
#define LASTMILE_MEDIA_ANCHOR_IO_TCP_PATHS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "media_anchor/core/path.h"
#include "media_anchor/io/epoll_loop.h"
#include "media_anchor/io/tcp_frames.h"
#include "media_anchor/io/udp_socket.h"

namespace lastmile::media {

// A worker's TCP port for browsers whose network has no UDP: the passive side of RFC 6544. On its
// connections the datagrams of ICE, DTLS and SRTP come and go in frames (RFC 4571), each with the
// connection as its path. A connection waits until the owner keeps it for a session; those that
// wait are bounded in number and time, the oldest go first. Media is never queued: what the kernel
// does not take at once is dropped. Thread: its worker's; the counts any.
class TcpPaths {
 public:
  static constexpr size_t kMaxWaiting = 256;
  static constexpr Duration kMaxWait = 10s;

  // Watches the port in `loop`, which outlives this object, with tokens of kTcpListener and
  // kTcpConnection. The error names address, port and cause.
  static Result<std::unique_ptr<TcpPaths>> Listen(const Endpoint& address, EpollLoop& loop);
  ~TcpPaths();
  TcpPaths(const TcpPaths&) = delete;
  TcpPaths& operator=(const TcpPaths&) = delete;

  const Endpoint& local() const { return local_; }

  // Takes connections that were opened to the port. After kTcpListener.
  void Accept(TimePoint now);

  class Connection;
  // Of an event of kTcpConnection.
  static Connection& Of(Watched& watched);
  static TcpId IdOf(const Connection& connection);

  // One system call. True: something came, and Next() has to be called until it has nothing.
  bool Receive(Connection& connection);
  // The next datagram, in the first bytes of a buffer of AnchorSession::kRoom bytes that is valid
  // until the next call. Nothing: Receive() has to be called.
  std::optional<BatchReceiver::Datagram> Next(Connection& connection);
  // It was closed, its peer is gone, or what it sends is in no frames.
  static bool IsOver(const Connection& connection);

  // Copies. Nothing happens if there is no such connection, or if its peer is too slow.
  void Send(TcpId id, ByteView datagram);

  // It is a session's: it waits no more.
  void Keep(TcpId id) { waiting_.erase(id); }
  void Close(TcpId id);

  // When OnTimer() wants to be called.
  TimePoint next_timeout() const;
  void OnTimer(TimePoint now);
  // Deletes what was closed: when no event of this turn can name it any more.
  void Sweep();

  uint32_t connections() const { return connection_count_.load(std::memory_order_relaxed); }
  // Connections that never were a session's, up to now.
  uint64_t refused() const { return refused_count_.load(std::memory_order_relaxed); }

 private:
  TcpPaths(int fd, const Endpoint& address, EpollLoop& loop);

  void Add(int fd, const Endpoint& remote, TimePoint now);

  EpollLoop& loop_;
  const int fd_;
  Endpoint local_;
  Watched watched_{Watched::Kind::kTcpListener};
  IdSource<TcpId> ids_;
  std::unordered_map<TcpId, std::unique_ptr<Connection>> connections_;
  std::map<TcpId, TimePoint> waiting_;  // since when; ids grow, so the oldest is the first
  std::vector<std::unique_ptr<Connection>> closed_;
  TimePoint accept_again_ = kNever;  // the process had no descriptor left; kNever: it has
  Bytes room_;
  std::atomic<uint32_t> connection_count_{0};
  std::atomic<uint64_t> refused_count_{0};
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_TCP_PATHS_H_

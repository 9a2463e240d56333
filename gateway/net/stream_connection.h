#ifndef LASTMILE_GATEWAY_NET_STREAM_CONNECTION_H_
#define LASTMILE_GATEWAY_NET_STREAM_CONNECTION_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "gateway/net/dns_query.h"
#include "gateway/net/loop_impl.h"
#include "gateway/net/stream_hub.h"
#include "gateway/net/tls_context.h"
#include "gateway/net/tls_session.h"
#include "gateway/net/uv_handle.h"

namespace lastmile::net {

// One TCP stream, with or without TLS, from the look-up of its name to its end. Thread: the loop's.
class StreamConnection {
 public:
  // Never called from inside a method of the connection, which lives on until OnClosed returns.
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void OnConnectionOpen(StreamConnection& connection) = 0;
    virtual void OnConnectionBytes(StreamConnection& connection, ByteView bytes) = 0;
    // The last call; the owner may destroy the connection in it.
    virtual void OnConnectionClosed(StreamConnection& connection, const StreamEnd& end) = 0;
    // Where to read into: lent until the next call, at most 64 KiB.
    virtual MutableByteView ReadBuffer() = 0;
  };

  static constexpr Duration kHandshakeTimeout = 5s;  // of a TLS peer that connected to us
  static constexpr Duration kFlushTimeout = 5s;      // from Close() until the queue has left
  static constexpr Duration kLingerTimeout = 1s;     // then until the peer closes, too
  // Unacknowledged data (RFC 5482), handshakes included, from its first retransmission on, which
  // comes 200 ms to 1 s after it was sent: a black hole has to be known within 3 s. A path that
  // works at all delivers one of the three retransmissions that fit in.
  static constexpr int kUserTimeoutMs = 2'000;
  // A peer that connected to us, fell silent and never closed must not keep its place for ever.
  // Linux takes one lost probe for the end where a user timeout is set: so these are rare, and
  // streams that we opened have none, as SIP's own keep-alive tells more.
  static constexpr int kKeepAliveIdleS = 60;
  static constexpr int kKeepAliveIntervalS = 3;

  StreamConnection(Loop::Impl& loop, Owner& owner, StreamId id);
  ~StreamConnection();  // closes at once, calls nobody
  StreamConnection(const StreamConnection&) = delete;
  StreamConnection& operator=(const StreamConnection&) = delete;

  // One of these two, once. `tls`: null for plain TCP; used during the call only.
  void Connect(const ConnectOptions& options, const TlsContext* tls, const std::string& dns);
  void Accept(UvTcp socket, const TlsContext* tls);

  bool Send(std::string bytes);  // as StreamHub::Send
  void Close(const std::string& reason);
  // Without flushing; OnConnectionClosed follows.
  void End(StreamFault fault, std::string reason);
  bool IsStalled() const;  // as StreamHub::IsStalled

  StreamId id() const { return id_; }
  bool inbound() const { return inbound_; }
  bool was_open() const { return was_open_; }
  bool is_closed() const { return state_ == State::kClosed; }
  StreamPeer peer() const;  // once it is open

 private:
  enum class State { kNew, kResolving, kConnecting, kHandshaking, kOpen, kClosing, kClosed };
  struct Write;

  void OnResolved(DnsAnswer answer);
  void ConnectTo(const std::vector<IpAddress>& addresses);
  void ConnectNext();
  int StartConnect();  // a negative errno if not even that works
  void OnConnected(int status);
  void OnSocketReady();  // TCP is there, either way
  void BecomeOpen();
  void OnRead(ptrdiff_t count, const uint8_t* data);
  void OnEncrypted(ByteView bytes);
  void DeliverPlain();
  void OnEnd();
  void OnTimer();
  void OnShutdown();
  bool WriteOut(std::string bytes);  // encrypts if need be
  bool FlushTls();
  void EndByTls(const Error& error);
  bool Queue(std::string bytes);
  size_t waiting_bytes() const;
  void ArmTimer(Duration delay);
  std::string PeerName() const;

  Loop::Impl& loop_;
  Owner& owner_;
  const StreamId id_;
  State state_ = State::kNew;
  bool inbound_ = false;
  bool was_open_ = false;
  bool close_requested_ = false;  // by Close() before the stream was open, with bytes to send
  bool flushed_ = false;          // kClosing: our FIN is out
  bool peer_ended_ = false;
  std::string close_reason_;
  std::string host_;  // what Connect() was asked for
  uint16_t port_ = 0;
  Duration connect_timeout_{};
  TimePoint connect_deadline_ = kNever;
  std::vector<Endpoint> untried_;  // last one first
  int last_error_ = 0;             // of the last address that was tried
  Endpoint local_;
  Endpoint peer_;
  std::unique_ptr<DnsQuery> query_;
  std::optional<TlsSession> tls_;
  std::string unsent_;  // queued before the stream was open
  UvTcp socket_;
  UvTimer timer_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_STREAM_CONNECTION_H_

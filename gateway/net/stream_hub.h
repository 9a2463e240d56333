#ifndef LASTMILE_GATEWAY_NET_STREAM_HUB_H_
#define LASTMILE_GATEWAY_NET_STREAM_HUB_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/dns.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "gateway/net/loop.h"

// TCP and TLS streams to and from carriers. There is no datagram transport here, by design.
namespace lastmile::net {

struct StreamTag;
using StreamId = StrongId<StreamTag>;

// TLS of a connection we open: TLS 1.2 or newer, SNI sent, chain, date and name verified.
struct TlsClientOptions {
  std::string server_name = "";  // SNI and the name the certificate must carry
  std::string ca_file = "";      // PEM; empty: the system's
};
struct TlsServerOptions {
  std::string cert_file;
  std::string key_file;
};

struct ConnectOptions {
  std::string host;  // a name (A/AAAA by c-ares) or an address
  uint16_t port = 0;
  bool use_tls = false;
  TlsClientOptions tls = {};
  Duration connect_timeout = 5s;  // name, TCP and TLS together
};
struct ListenOptions {
  Endpoint address;  // port 0: any free port
  bool use_tls = false;
  TlsServerOptions tls = {};
};

// Who hears of the streams. Called on the loop's thread, never from inside a StreamHub method.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // A peer connected to one of our listeners, or our Connect() is through (TLS included).
  virtual void OnStreamOpen(StreamId stream, const Endpoint& local, const Endpoint& peer,
                            bool inbound) = 0;
  virtual void OnStreamBytes(StreamId stream, ByteView bytes) = 0;
  // The last call for this stream. `reason`: a sentence ("connection refused by 127.0.0.1:5070").
  // Also called once for a Connect() that failed, then without OnStreamOpen before.
  virtual void OnStreamClosed(StreamId stream, const std::string& reason) = 0;
};

// Owns all streams of the signalling thread. Thread: the loop's.
class StreamHub {
 public:
  // `dns_servers`: "192.0.2.53:53,[2001:db8::53]:53"; empty: those of the system.
  StreamHub(Loop& loop, StreamSink& sink, std::string dns_servers = "");
  ~StreamHub();  // closes everything at once, calls nobody

  // Binds and listens; returns the bound address. The error names the address and the cause.
  Result<Endpoint> Listen(const ListenOptions& options);
  StreamId Connect(const ConnectOptions& options);
  // Queues; false: the stream is gone or more than kMaxQueue bytes wait (the stream is then closed
  // and OnStreamClosed follows). Before OnStreamOpen bytes are queued, too.
  bool Send(StreamId stream, std::string bytes);
  // Sends what is queued, then closes; OnStreamClosed follows. Unknown ids are ignored.
  void Close(StreamId stream, const std::string& reason);
  // The addresses of a name (kAddress). `done` is called once, never from inside a StreamHub
  // method.
  void LookUp(const std::string& name, DnsType type, std::function<void(DnsAnswer)> done);
  // What the peer was sent went out kStallRetransmits times more, and nothing of it was
  // acknowledged.
  bool IsStalled(StreamId stream) const;
  size_t stream_count() const;

  static constexpr size_t kMaxQueue = 1024 * 1024;
  static constexpr int kStallRetransmits = 2;  // after 0.2 and 0.4 s on a short path

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_STREAM_HUB_H_

#ifndef LASTMILE_GATEWAY_NET_STREAM_HUB_H_
#define LASTMILE_GATEWAY_NET_STREAM_HUB_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/dns.h"
#include "base/endpoint.h"
#include "base/result.h"
#include "base/strong_id.h"
#include "base/time.h"
#include "base/verified_peer.h"
#include "gateway/net/loop.h"

// TCP and TLS streams to and from carriers. There is no datagram transport here, by design.
namespace lastmile::net {

struct StreamTag;
using StreamId = StrongId<StreamTag>;

// TLS of a connection we open: TLS 1.2 or newer, SNI sent, chain, date, usage and name verified.
// Files are PEM and are read again when they have changed: for the connections from then on.
struct TlsClientOptions {
  std::string server_name = "";  // SNI and the name the certificate must carry; empty: the host
  std::string ca_file = "";      // empty: the system's
  std::string cert_file = "";    // shown if the peer asks for one; empty: none
  std::string key_file = "";     // of cert_file
  // "sha256/" and the base64 of the SHA-256 of the SubjectPublicKeyInfo (RFC 7469 section 2.4). If
  // there are any the peer's key must be one of them, besides all the rest.
  std::vector<std::string> pins = {};
  bool insecure = false;  // nothing is verified but the pins
};
struct TlsServerOptions {
  std::string cert_file;
  std::string key_file;
  // Authorities that may vouch for a peer; "": the system's. Without any no certificate is asked
  // for. A peer without one, or with one that nobody vouches for, is let in without a name.
  std::vector<std::string> client_ca_files = {};
};

struct ConnectOptions {
  std::string host;  // a name (A/AAAA) or an address
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

// What TLS has agreed on and what the server's certificate says, verified or not: hostile text.
struct ServerCertificate {
  std::string version;             // "TLSv1.3"
  std::vector<std::string> names;  // that it is for
  std::string issuer;              // common name of its authority, or its organization
  int64_t expires_at = 0;          // seconds since 1970; 0: not readable
};

// Who is at the other end of a stream.
struct StreamPeer {
  Endpoint local;
  Endpoint address;  // theirs
  bool inbound = false;
  bool tls = false;
  VerifiedPeer verified = {};                         // of inbound TLS
  std::optional<ServerCertificate> certificate = {};  // of outbound TLS
};

// What ended a stream, for those who do something about it.
enum class StreamFault {
  kNone,        // closed by one of both
  kOwnFiles,    // our certificate, key or CA file
  kName,        // the host's name led nowhere
  kConnect,     // refused, out of reach or silent
  kLost,        // reset, or the peer takes nothing any more
  kTls,         // no TLS, or a handshake that failed or never ended
  kTlsVersion,  // nothing newer than TLS 1.1
  kSelfSigned,  // this and below: the peer's certificate
  kAuthority,   // of an authority that is not trusted
  kExpired,
  kNotYetValid,
  kWrongName,
  kWrongUsage,
  kPin,
  kCertificate,     // anything else
  kOwnCertificate,  // the peer refuses ours, or misses it
};
struct StreamEnd {
  StreamFault fault = StreamFault::kNone;
  std::string reason;  // a sentence: "connection refused by 127.0.0.1:5070"
};

// Who hears of the streams. Called on the loop's thread, never from inside a StreamHub method.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // A peer connected to one of our listeners, or our Connect() is through (TLS included).
  virtual void OnStreamOpen(StreamId stream, const StreamPeer& peer) = 0;
  virtual void OnStreamBytes(StreamId stream, ByteView bytes) = 0;
  // The last call for this stream. Also called once for a Connect() that failed, then without
  // OnStreamOpen before.
  virtual void OnStreamClosed(StreamId stream, const StreamEnd& end) = 0;
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
  // What the peer was sent went out kStallRetransmits times more, and nothing of it was
  // acknowledged.
  bool IsStalled(StreamId stream) const;
  size_t stream_count() const;
  // Asks a name server (see dns_query.h). `done` is called once, on the loop and never from inside;
  // not at all once the hub is gone. No more than kMaxLookUps are under way, the others wait.
  void LookUp(const std::string& name, DnsType type, std::function<void(DnsAnswer)> done);

  static constexpr size_t kMaxLookUps = 64;
  static constexpr size_t kMaxQueue = 1024 * 1024;
  static constexpr int kStallRetransmits = 2;  // after 0.2 and 0.4 s on a short path

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_STREAM_HUB_H_

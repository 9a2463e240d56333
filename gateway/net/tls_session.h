#ifndef LASTMILE_GATEWAY_NET_TLS_SESSION_H_
#define LASTMILE_GATEWAY_NET_TLS_SESSION_H_

#include <cstddef>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "gateway/net/tls_context.h"

namespace lastmile::net {

// TLS of one stream between memory buffers: it owns no socket. Feed() what arrived, turn
// Handshake() until it says true, then Read() until nothing is left; after every call send what
// TakeEncrypted() gives, also after an error (it may be an alert). Thread: the loop's.
//
// Errors are predicates about the peer, to be put after its name: "does not speak TLS (...)",
// "has a certificate which expired on 2024-05-01". Nothing but TakeEncrypted() may follow an error.
class TlsSession {
 public:
  // `options.server_name`: a host name (sent as SNI, RFC 6066 section 3) or an IP address (not
  // sent); the certificate must carry it, chain up to the context's authorities, be meant for
  // servers and be valid today. With `insecure` all that is left out. Its key must be pinned if
  // there are pins. All of this happens once, in the handshake: what the clock says later does not
  // end a session.
  static Result<TlsSession> Client(const TlsContext& context, const TlsClientOptions& options);
  // Asks for a certificate if the context has authorities for it, and takes peers without one.
  static Result<TlsSession> Server(const TlsContext& context);
  TlsSession(TlsSession&&) noexcept;
  TlsSession& operator=(TlsSession&&) noexcept;
  ~TlsSession();

  void Feed(ByteView encrypted);
  Result<bool> Handshake();  // true: established
  // Bytes written to `out`; 0: nothing more until the next Feed().
  Result<size_t> Read(MutableByteView out);
  bool peer_closed() const;               // close_notify came
  StreamFault fault() const;              // of the last error
  const VerifiedPeer& verified() const;   // of a server, once established
  ServerCertificate certificate() const;  // of a client, once established
  Result<void> Write(ByteView plain);
  void Shutdown();  // queues close_notify
  std::string TakeEncrypted();

  struct Impl;

 private:
  explicit TlsSession(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_TLS_SESSION_H_

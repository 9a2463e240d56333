#ifndef LASTMILE_MEDIA_ANCHOR_CORE_DTLS_DTLS_TRANSPORT_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_DTLS_DTLS_TRANSPORT_H_

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// The process's DTLS identity: one shared SSL_CTX and one fresh ECDSA P-256 certificate, made at
// start and never stored (a browser would take the same certificate from a new process for its old
// association and stay silent). Thread: Create() anywhere; afterwards read-only, any thread.
class DtlsContext {
 public:
  static Result<std::unique_ptr<DtlsContext>> Create();
  ~DtlsContext();
  const DtlsFingerprint& fingerprint() const;  // sha-256

 private:
  friend class DtlsTransport;
  struct Impl;
  explicit DtlsContext(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// One DTLS 1.2 association with use_srtp (RFC 5764) over datagrams, sans-IO. The peer's certificate
// must match one of the expected fingerprints (RFC 8122) before the state becomes kConnected.
// The owner feeds it only datagrams from an address with an authenticated ICE check (S-05).
// Thread: its owner's (the media worker's).
class DtlsTransport {
 public:
  enum class State { kIdle, kHandshaking, kConnected, kFailed, kClosed };
  struct Keys {
    SrtpKeys send;
    SrtpKeys receive;
  };

  // `context` outlives it.
  DtlsTransport(const DtlsContext& context, DtlsRole role,
                std::vector<DtlsFingerprint> expected_fingerprints);
  ~DtlsTransport();
  DtlsTransport(const DtlsTransport&) = delete;
  DtlsTransport& operator=(const DtlsTransport&) = delete;

  // kIdle -> kHandshaking; as client queues the ClientHello. The handshake fails by itself after
  // kHandshakeTimeout.
  void Start(TimePoint now);
  void OnDatagram(ByteView datagram, TimePoint now);
  void OnTimer(TimePoint now);     // retransmits (RFC 6347 section 4.2.4)
  TimePoint next_timeout() const;  // kNever: none
  // Takes the next datagram to send; false: none is waiting.
  bool PopDatagram(Bytes& out);
  // Queues close_notify; the state becomes kClosed.
  void Close();

  State state() const;
  bool fingerprint_mismatch() const;   // why it is kFailed: the certificate is not the SDP's
  const std::string& failure() const;  // kFailed: a sentence
  // Valid once the state is kConnected.
  const Keys& keys() const;

  static constexpr Duration kHandshakeTimeout = 30s;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_DTLS_DTLS_TRANSPORT_H_

#ifndef LASTMILE_TESTS_SUPPORT_WEBRTC_PEER_H_
#define LASTMILE_TESTS_SUPPORT_WEBRTC_PEER_H_

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"

namespace lastmile::test {

// A plain RTP packet as a test sees it.
struct TestRtp {
  uint8_t payload_type = 0;
  bool marker = false;
  uint16_t sequence = 0;
  uint32_t timestamp = 0;
  uint32_t ssrc = 0;
  Bytes payload;

  Bytes Build() const;
  static std::optional<TestRtp> Parse(ByteView packet);
};

// A browser for tests: controlling ICE agent, DTLS either way round and SRTP on one real UDP
// socket, or on TCP connections (RFC 6544, active). DTLS is plain OpenSSL and SRTP is libsrtp2, so
// that neither end of a test shares code with the other. All peers of a process show the same
// certificate. Thread: one, the test's; it works only inside Poll() and OnReadable()/OnTimer().
class WebrtcPeer {
 public:
  struct Options {
    IpAddress bind;                                           // the test's loopback address
    media::DtlsRole gateway_role = media::DtlsRole::kServer;  // kServer: we send the ClientHello
    Duration check_interval = 50ms;                           // until DTLS is through
    Duration consent_interval = 2s;                           // afterwards
    bool behind_nat = false;      // the gateway sees it at another address than its own
    bool hands_out_keys = false;  // see keys(): SRTP is the caller's, and there is no RTP here
  };
  explicit WebrtcPeer(Options options);
  ~WebrtcPeer();
  WebrtcPeer(const WebrtcPeer&) = delete;
  WebrtcPeer& operator=(const WebrtcPeer&) = delete;

  // What this browser's SDP says.
  media::BrowserRemote Description() const;
  // An ICE restart: Description() has new credentials, which are used from the next SetGateway()
  // on.
  void RenewIce();
  // What the gateway's SDP says: checks begin with the first candidate, over UDP, or with the first
  // of TCP once GoOverTcp() was called.
  void SetGateway(const media::BrowserLocal& gateway, TimePoint now);

  // From now on all is sent over a new connection to the gateway's first TCP candidate, beginning
  // with a check; one that is there is closed. Then, over UDP as before.
  void GoOverTcp(TimePoint now);
  void GoOverUdp(TimePoint now);

  // Waits at most `timeout` for a datagram, handles all that are there and what is due.
  void Poll(Duration timeout);
  // The same for a caller with a loop of its own.
  int fd() const;
  void OnReadable(TimePoint now);
  // For one who reads the socket, too: STUN and DTLS of the gateway's candidate.
  void OnDatagram(MutableByteView datagram, TimePoint now);
  void OnTimer(TimePoint now);
  TimePoint next_timeout() const;

  bool ice_done() const;   // a check with USE-CANDIDATE was answered
  bool connected() const;  // and DTLS is through and the gateway's certificate fits its SDP
  bool failed() const;     // DTLS ended with an alert
  int checks_answered() const;
  const Endpoint& local() const;
  // What SRTP is to be protected and unprotected with; with `hands_out_keys`, once connected().
  const std::optional<media::StreamKeys>& keys() const;
  void StopChecks();  // like a browser whose page is gone
  void CloseDtls();   // sends close_notify

  void SendRtp(const TestRtp& packet);
  void SendRaw(ByteView datagram);  // to the gateway's candidate
  // The SRTP packet SendRtp() would send: for replays and injections.
  Bytes Protect(const TestRtp& packet);
  std::optional<TestRtp> PopRtp();
  void SendRtcp(ByteView plain);
  std::optional<Bytes> PopRtcp();  // decrypted
  size_t rtcp_received() const;
  size_t undecryptable() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_WEBRTC_PEER_H_

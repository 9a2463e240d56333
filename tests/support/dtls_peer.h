#ifndef LASTMILE_TESTS_SUPPORT_DTLS_PEER_H_
#define LASTMILE_TESTS_SUPPORT_DTLS_PEER_H_

#include <memory>
#include <string>

#include "base/bytes.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::test {

// A browser's DTLS as a test wants it, on OpenSSL's memory BIOs and written apart from the
// gateway's own: what both get wrong in the same way would not be seen. Sans-IO; OpenSSL's wall
// clock times its retransmissions. Thread: its owner's.
class DtlsPeer {
 public:
  struct Options {
    media::DtlsRole role = media::DtlsRole::kClient;
    // OpenSSL's names, by preference; empty: no use_srtp. The default is what Chromium offers.
    std::string srtp_profiles =
        "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM";
    bool certificate = true;
    bool rsa = false;          // of the certificate
    size_t hello_padding = 0;  // bytes of an unknown extension, as large as post-quantum key shares
    long mtu = 1200;           // 256 at least
    bool split_records = false;  // one record a datagram, to lose and reorder them one by one
  };

  DtlsPeer() : DtlsPeer(Options()) {}
  explicit DtlsPeer(const Options& options);
  ~DtlsPeer();
  DtlsPeer(const DtlsPeer&) = delete;
  DtlsPeer& operator=(const DtlsPeer&) = delete;

  void Start();  // as client: queues the ClientHello
  void OnDatagram(ByteView datagram);
  void OnTimer();  // retransmits if OpenSSL's timer has run out
  bool PopDatagram(Bytes& out);
  void Close();  // queues close_notify

  bool connected() const;  // the handshake is complete on this side
  bool failed() const;     // it ended with an alert or an error
  bool closed() const;     // the other side sent close_notify
  const std::string& failure() const;

  // `hash` is "sha-1", "sha-256", "sha-384" or "sha-512".
  media::DtlsFingerprint fingerprint(const std::string& hash = "sha-256") const;
  media::DtlsFingerprint remote_fingerprint() const;  // sha-256 of what the other side showed
  std::string srtp_profile() const;                   // OpenSSL's name of the one chosen
  std::string group() const;                          // of the key agreement, "X25519"
  media::SrtpKeys send_keys() const;                  // valid once connected()
  media::SrtpKeys receive_keys() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::test

#endif  // LASTMILE_TESTS_SUPPORT_DTLS_PEER_H_

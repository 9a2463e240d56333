#ifndef LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_FAKE_BROWSER_H_
#define LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_FAKE_BROWSER_H_

#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/dtls/dtls_transport.h"
#include "media_anchor/core/ice_lite.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/srtp/srtp.h"

namespace lastmile::media {

// The far end of a browser leg without a socket or a clock. Its SRTP is libsrtp2's, the other
// backend than the one under test. (tests/support/webrtc_peer.h has a wholly independent browser.)
class FakeBrowser {
 public:
  explicit FakeBrowser(DtlsRole gateway_role = DtlsRole::kServer);

  BrowserRemote Description() const;
  Bytes Check(const IceCredentials& gateway, bool nominate) const;
  void StartDtls(const DtlsFingerprint& gateway, TimePoint now);
  void OnDtls(ByteView datagram, TimePoint now);
  std::vector<Bytes> TakeDtls();
  bool dtls_connected() const;

  Bytes Rtp(uint8_t payload_type, uint16_t sequence, uint32_t ssrc = 0x1111);  // encrypted
  Bytes Encrypt(Bytes plain);                                                  // any RTP packet
  Bytes Rtcp(Bytes plain = {0x80, 201, 0, 1, 0, 0, 0x11, 0x11});
  std::optional<Bytes> DecryptRtp(Bytes packet);
  std::optional<Bytes> DecryptRtcp(Bytes packet);

 private:
  const DtlsRole gateway_role_;
  std::unique_ptr<DtlsContext> context_;
  std::unique_ptr<DtlsTransport> dtls_;
  std::unique_ptr<SrtpTransform> send_;
  std::unique_ptr<SrtpTransform> receive_;
};

// A plain RTP packet of 20 ms of G.711; timestamp = 160 * sequence.
Bytes PlainRtp(uint8_t payload_type, uint16_t sequence, uint32_t ssrc = 0x2222);

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_FAKE_BROWSER_H_

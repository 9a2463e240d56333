#include "tests/unit/media_anchor/core/session/fake_browser.h"

#include "tests/support/stun_message.h"

namespace lastmile::media {

FakeBrowser::FakeBrowser(DtlsRole gateway_role)
    : gateway_role_(gateway_role), context_(std::move(*DtlsContext::Create())) {}

BrowserRemote FakeBrowser::Description() const {
  return {.ice_ufrag = "brow",
          .ice_pwd = "browserbrowserbrowser123",
          .fingerprints = {context_->fingerprint()},
          .gateway_role = gateway_role_};
}

Bytes FakeBrowser::Check(const IceCredentials& gateway, bool nominate) const {
  return test::BuildCheck(
      {.username = gateway.ufrag + ":brow", .pwd = gateway.pwd, .use_candidate = nominate});
}

void FakeBrowser::StartDtls(const DtlsFingerprint& gateway, TimePoint now) {
  const DtlsRole ours = gateway_role_ == DtlsRole::kServer ? DtlsRole::kClient : DtlsRole::kServer;
  dtls_ = std::make_unique<DtlsTransport>(*context_, ours, std::vector{gateway});
  dtls_->Start(now);
}

void FakeBrowser::OnDtls(ByteView datagram, TimePoint now) {
  dtls_->OnDatagram(datagram, now);
  if (!dtls_connected() || send_) return;
  send_ = std::move(*MakeLibsrtp(dtls_->keys().send, SrtpDirection::kSend));
  receive_ = std::move(*MakeLibsrtp(dtls_->keys().receive, SrtpDirection::kReceive));
}

std::vector<Bytes> FakeBrowser::TakeDtls() {
  std::vector<Bytes> all;
  Bytes one;
  while (dtls_ && dtls_->PopDatagram(one)) all.push_back(one);
  return all;
}

bool FakeBrowser::dtls_connected() const {
  return dtls_ && dtls_->state() == DtlsTransport::State::kConnected;
}

Bytes FakeBrowser::Rtp(uint8_t payload_type, uint16_t sequence, uint32_t ssrc) {
  return Encrypt(PlainRtp(payload_type, sequence, ssrc));
}

Bytes FakeBrowser::Encrypt(Bytes packet) {
  const size_t size = packet.size();
  packet.resize(size + SrtpTransform::kMaxTrailer);
  packet.resize(*send_->ProtectRtp(packet, size));
  return packet;
}

Bytes FakeBrowser::Rtcp(Bytes packet) {
  const size_t size = packet.size();
  packet.resize(size + SrtpTransform::kMaxTrailer);
  packet.resize(*send_->ProtectRtcp(packet, size));
  return packet;
}

std::optional<Bytes> FakeBrowser::DecryptRtp(Bytes packet) {
  const auto size = receive_->UnprotectRtp(packet);
  if (!size) return std::nullopt;
  packet.resize(*size);
  return packet;
}

std::optional<Bytes> FakeBrowser::DecryptRtcp(Bytes packet) {
  const auto size = receive_->UnprotectRtcp(packet);
  if (!size) return std::nullopt;
  packet.resize(*size);
  return packet;
}

Bytes PlainRtp(uint8_t payload_type, uint16_t sequence, uint32_t ssrc) {
  Bytes packet(172, 0x55);
  packet[0] = 0x80;
  packet[1] = payload_type;
  StoreBe16(&packet[2], sequence);
  StoreBe32(&packet[4], sequence * 160u);
  StoreBe32(&packet[8], ssrc);
  return packet;
}

}  // namespace lastmile::media

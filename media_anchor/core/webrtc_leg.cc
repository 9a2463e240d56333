#include "media_anchor/core/webrtc_leg.h"

#include <algorithm>
#include <array>

#include "media_anchor/core/ice_lite.h"
#include "media_anchor/core/packet_kind.h"

namespace lastmile::media {
namespace {

bool SameFingerprints(const BrowserRemote& a, const BrowserRemote& b) {
  return std::ranges::is_permutation(a.fingerprints, b.fingerprints);
}

}  // namespace

WebrtcLeg::WebrtcLeg(const DtlsContext& context, IceCredentials local)
    : context_(context), ice_(std::make_unique<IceLite>(std::move(local))) {}

WebrtcLeg::WebrtcLeg(const DtlsContext& context, std::unique_ptr<FullIce> ice)
    : context_(context), ice_(std::move(ice)), full_(static_cast<FullIce*>(ice_.get())) {}

void WebrtcLeg::SetRemote(const BrowserRemote& remote, TimePoint now) {
  if (dtls_ && !SameFingerprints(*remote_, remote)) {
    Fail(SessionFault::kFingerprintMismatch,
         "the browser's new SDP names another certificate than the one it connected with");
    return;
  }
  ice_->SetRemote(remote);
  remote_ = remote;
  MaybeStartDtls(now);
}

std::optional<IceRemote> WebrtcLeg::TakeIceRemote() {
  return full_ == nullptr ? std::nullopt : full_->TakeRemote();
}

void WebrtcLeg::OnIceConnected(TimePoint now) {
  if (full_ == nullptr) return;
  full_->OnConnected();
  last_heard_ = now;
  MaybeStartDtls(now);
}

void WebrtcLeg::OnIceLost() {
  if (full_ != nullptr) full_->OnLost();
}

// Media that still comes is no consent to send any (RFC 7675 section 5.1): the agent knows of that.
TimePoint WebrtcLeg::silent_at(Duration after) const {
  if (full_ == nullptr) return *last_heard_ + after;
  return full_->lost() ? TimePoint() : kNever;
}

WebrtcLeg::Inbound WebrtcLeg::OnDatagram(MutableByteView room, size_t size, const Path& path,
                                         TimePoint now) {
  const MutableByteView datagram = room.first(size);
  const PacketKind kind = Classify(datagram);
  if (kind == PacketKind::kStun) return OnStun(room, size, path, now);
  const bool is_media = kind == PacketKind::kRtp || kind == PacketKind::kRtcp;
  const Inbound refused{.kind = is_media ? Inbound::Kind::kDropped : Inbound::Kind::kNothing};
  if (failure_) return refused;
  if (!ice_->IsValidated(path)) {
    if (is_media) {
      ++refused_.wrong_source;
      refused_.stranger = path.remote;
    }
    return refused;
  }
  if (is_media) return OnMedia(datagram, kind == PacketKind::kRtcp, now);
  if (kind != PacketKind::kDtls) return refused;
  if (dtls_) {
    OnDtls(datagram, now);
  } else if (early_dtls_.size() < kMaxEarlyDatagrams) {
    early_dtls_.emplace_back(path, Bytes(datagram.begin(), datagram.end()));
  }
  return {};
}

WebrtcLeg::Inbound WebrtcLeg::OnStun(MutableByteView room, size_t size, const Path& path,
                                     TimePoint now) {
  std::array<uint8_t, Ice::kMaxReply> reply;
  const Ice::Result result = ice_->OnDatagram(room.first(size), path, now, reply);
  if (result.authenticated) {
    last_heard_ = now;
    MaybeStartDtls(now);
  }
  if (result.reply_size == 0 || result.reply_size > room.size()) return {};
  std::copy_n(reply.begin(), result.reply_size, room.begin());
  return {Inbound::Kind::kReply, room.first(result.reply_size)};
}

void WebrtcLeg::MaybeStartDtls(TimePoint now) {
  if (dtls_ || failure_ || !remote_ || !ice_->latest()) return;
  dtls_ = std::make_unique<DtlsTransport>(context_, remote_->gateway_role, remote_->fingerprints);
  dtls_->Start(now);
  for (const auto& [path, datagram] : early_dtls_) {
    // The pair may have been taken back when the browser's ufrag became known.
    if (ice_->IsValidated(path)) dtls_->OnDatagram(datagram, now);
  }
  early_dtls_ = {};
  FollowDtls();
}

void WebrtcLeg::OnDtls(ByteView datagram, TimePoint now) {
  dtls_->OnDatagram(datagram, now);
  FollowDtls();
}

void WebrtcLeg::FollowDtls() {
  if (failure_) return;
  if (dtls_->state() == DtlsTransport::State::kFailed) {
    Fail(dtls_->fingerprint_mismatch() ? SessionFault::kFingerprintMismatch
                                       : SessionFault::kDtlsFailed,
         dtls_->failure());
    return;
  }
  if (dtls_->state() != DtlsTransport::State::kConnected || send_srtp_) return;
  auto send = MakeEvpSrtp(dtls_->keys().send, SrtpDirection::kSend);
  auto receive = MakeEvpSrtp(dtls_->keys().receive, SrtpDirection::kReceive);
  if (!send || !receive) {
    Fail(SessionFault::kDtlsFailed, (send ? receive : send).error().message);
    return;
  }
  send_srtp_ = std::move(*send);
  receive_srtp_ = std::move(*receive);
}

void WebrtcLeg::Fail(SessionFault fault, std::string reason) {
  if (!failure_) failure_ = Failure{fault, std::move(reason)};
  send_srtp_.reset();
  receive_srtp_.reset();
}

WebrtcLeg::Inbound WebrtcLeg::OnMedia(MutableByteView packet, bool rtcp, TimePoint now) {
  if (!receive_srtp_) return {.kind = Inbound::Kind::kDropped};
  const auto size =
      rtcp ? receive_srtp_->UnprotectRtcp(packet) : receive_srtp_->UnprotectRtp(packet);
  if (!size) {
    ++refused_.not_authentic;
    return {.kind = Inbound::Kind::kDropped};
  }
  last_heard_ = now;
  return {rtcp ? Inbound::Kind::kRtcp : Inbound::Kind::kRtp, packet.first(*size)};
}

std::optional<SilenceCause> WebrtcLeg::WhyNotConnected() const {
  if (failure_) return std::nullopt;
  if (!ice_->latest()) return SilenceCause::kNoIce;
  if (!dtls_done()) return SilenceCause::kDtlsUnfinished;
  if (!ice_->selected()) return SilenceCause::kNoNomination;
  return std::nullopt;
}

size_t WebrtcLeg::ProtectRtp(MutableByteView room, size_t size) {
  if (!connected()) return 0;
  return send_srtp_->ProtectRtp(room, size).value_or(0);
}

size_t WebrtcLeg::ProtectRtcp(MutableByteView room, size_t size) {
  if (!connected()) return 0;
  return send_srtp_->ProtectRtcp(room, size).value_or(0);
}

bool WebrtcLeg::PopDatagram(Bytes& out) { return dtls_ && send_path() && dtls_->PopDatagram(out); }

void WebrtcLeg::OnTimer(TimePoint now) {
  if (!dtls_ || failure_ || now < dtls_->next_timeout()) return;
  dtls_->OnTimer(now);
  FollowDtls();
}

TimePoint WebrtcLeg::next_timeout() const {
  return dtls_ && !failure_ ? dtls_->next_timeout() : kNever;
}

void WebrtcLeg::Close() {
  if (dtls_) dtls_->Close();
}

const std::optional<Path>& WebrtcLeg::send_path() const {
  return ice_->selected() ? ice_->selected() : ice_->latest();
}

}  // namespace lastmile::media

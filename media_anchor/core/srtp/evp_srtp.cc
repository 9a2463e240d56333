#include <algorithm>
#include <array>
#include <utility>

#include "media_anchor/core/srtp/evp_key_derivation.h"
#include "media_anchor/core/srtp/evp_packet_cipher.h"
#include "media_anchor/core/srtp/srtp.h"
#include "media_anchor/core/srtp/srtp_packet.h"
#include "media_anchor/core/srtp/stream_table.h"

namespace lastmile::media {

namespace {

using Opened = PacketCipher::Opened;

constexpr uint32_t kSrtcpEncryptedFlag = 0x80000000;
constexpr uint64_t kLastSrtcpIndex = 0x7fffffff;
constexpr uint64_t kLastSrtpIndex = 0xffffffffffff;
constexpr size_t kMaxFirst = 2048;  // no datagram is longer

class EvpSrtp final : public SrtpTransform {
 public:
  EvpSrtp(SrtpProfile profile, std::unique_ptr<PacketCipher> cipher, bool midway)
      : midway_(midway),
        rtp_tag_(RtpTagSize(profile)),
        rtcp_trailer_(RtcpTagSize(profile) + kSrtcpWordSize),
        srtcp_word_last_(IsAead(profile)),
        cipher_(std::move(cipher)) {}

  Result<size_t, SrtpError> ProtectRtp(MutableByteView buffer, size_t length) override {
    if (length > buffer.size() || buffer.size() - length < rtp_tag_) return Malformed();
    const auto header = ParseSrtpHeader(buffer.first(length));
    if (!header) return Malformed();
    SrtpStream* stream = streams_.Find(header->ssrc);
    if (!stream) return std::unexpected(SrtpError::kTooManySsrcs);
    const uint64_t index = stream->EstimateRtpIndex(header->sequence);
    // A second packet under the same index would reuse its keystream, which in GCM gives away the
    // authentication key.
    if (index > kLastSrtpIndex || !stream->rtp.IsNew(index)) {
      return std::unexpected(SrtpError::kReplayed);
    }
    if (!cipher_->SealRtp(buffer.data(), length, {header->size, header->ssrc, index})) {
      return std::unexpected(SrtpError::kInternal);
    }
    stream->rtp.Add(index);
    streams_.Commit(stream);
    return length + rtp_tag_;
  }

  Result<size_t, SrtpError> ProtectRtcp(MutableByteView buffer, size_t length) override {
    if (length > buffer.size() || buffer.size() - length < rtcp_trailer_) return Malformed();
    const auto ssrc = ParseSrtcpSsrc(buffer.first(length));
    if (!ssrc) return Malformed();
    SrtpStream* stream = streams_.Find(*ssrc);
    if (!stream) return std::unexpected(SrtpError::kTooManySsrcs);
    const uint64_t index = stream->rtcp.empty() ? 0 : stream->rtcp.newest() + 1;
    if (index > kLastSrtcpIndex) return std::unexpected(SrtpError::kReplayed);
    if (!cipher_->SealRtcp(buffer.data(), length, {*ssrc, static_cast<uint32_t>(index)})) {
      return std::unexpected(SrtpError::kInternal);
    }
    stream->rtcp.Add(index);
    streams_.Commit(stream);
    return length + rtcp_trailer_;
  }

  Result<size_t, SrtpError> UnprotectRtp(MutableByteView packet) override {
    if (packet.size() < rtp_tag_) return Malformed();
    const size_t length = packet.size() - rtp_tag_;
    const auto header = ParseSrtpHeader(packet.first(length));
    if (!header) return Malformed();
    SrtpStream* stream = streams_.Find(header->ssrc);
    if (!stream) return std::unexpected(SrtpError::kTooManySsrcs);
    if (midway_ && stream->rtp.empty()) return OpenFirst(packet, *header, *stream);
    const uint64_t index = stream->EstimateRtpIndex(header->sequence);
    if (index > kLastSrtpIndex || !stream->rtp.IsNew(index)) {
      return std::unexpected(SrtpError::kReplayed);
    }
    const Opened opened =
        cipher_->OpenRtp(packet.data(), length, {header->size, header->ssrc, index});
    if (opened != Opened::kOk) return OpenError(opened);
    stream->rtp.Add(index);
    streams_.Commit(stream);
    return length;
  }

  Result<size_t, SrtpError> UnprotectRtcp(MutableByteView packet) override {
    if (packet.size() < rtcp_trailer_) return Malformed();
    const size_t length = packet.size() - rtcp_trailer_;
    const auto ssrc = ParseSrtcpSsrc(packet.first(length));
    if (!ssrc) return Malformed();
    const size_t word_at = srtcp_word_last_ ? packet.size() - kSrtcpWordSize : length;
    const uint32_t word = LoadBe32(packet.data() + word_at);
    // All profiles of RFC 5764 and RFC 7714 encrypt SRTCP; without the E flag a packet is not one
    // of this session.
    if (!(word & kSrtcpEncryptedFlag)) return Malformed();
    const uint32_t index = word & ~kSrtcpEncryptedFlag;
    SrtpStream* stream = streams_.Find(*ssrc);
    if (!stream) return std::unexpected(SrtpError::kTooManySsrcs);
    if (!stream->rtcp.IsNew(index)) return std::unexpected(SrtpError::kReplayed);
    const Opened opened = cipher_->OpenRtcp(packet.data(), length, {*ssrc, index});
    if (opened != Opened::kOk) return OpenError(opened);
    stream->rtcp.Add(index);
    streams_.Commit(stream);
    return length;
  }

 private:
  // The first packet of a source whose sequence numbers may have gone round before.
  Result<size_t, SrtpError> OpenFirst(MutableByteView packet, const SrtpHeader& header,
                                      SrtpStream& stream) {
    std::array<uint8_t, kMaxFirst> copy;  // a packet that does not open is lost
    if (packet.size() > copy.size()) return Malformed();
    std::ranges::copy(packet, copy.begin());
    const size_t length = packet.size() - rtp_tag_;
    const std::array<uint64_t, 2> rocs = {0, std::exchange(guess_, guess_ % kMaxFirstRoc + 1)};
    for (const uint64_t roc : rocs) {
      std::copy_n(copy.begin(), packet.size(), packet.begin());
      const uint64_t index = roc << 16 | header.sequence;
      const Opened opened =
          cipher_->OpenRtp(packet.data(), length, {header.size, header.ssrc, index});
      if (opened == Opened::kInternal) return OpenError(opened);
      if (opened != Opened::kOk) continue;
      stream.rtp.Add(index);
      streams_.Commit(&stream);
      return length;
    }
    return std::unexpected(SrtpError::kAuthFailed);
  }

  static std::unexpected<SrtpError> Malformed() { return std::unexpected(SrtpError::kMalformed); }
  static std::unexpected<SrtpError> OpenError(Opened opened) {
    return std::unexpected(opened == Opened::kAuthFailed ? SrtpError::kAuthFailed
                                                         : SrtpError::kInternal);
  }

  const bool midway_;
  const size_t rtp_tag_;
  const size_t rtcp_trailer_;
  const bool srtcp_word_last_;  // RFC 7714 section 9: behind the tag; RFC 3711: before it
  const std::unique_ptr<PacketCipher> cipher_;
  StreamTable streams_;
  uint32_t guess_ = 1;
};

Result<std::unique_ptr<SrtpTransform>> MakeTransform(const SrtpKeys& keys, SrtpDirection direction,
                                                     bool midway) {
  auto session_keys = DeriveSessionKeys(keys);
  if (!session_keys) return std::unexpected(session_keys.error());
  auto cipher = MakePacketCipher(keys.profile, *session_keys, direction);
  if (!cipher) return std::unexpected(cipher.error());
  return std::make_unique<EvpSrtp>(keys.profile, *std::move(cipher), midway);
}

}  // namespace

Result<std::unique_ptr<SrtpTransform>> MakeEvpSrtp(const SrtpKeys& keys, SrtpDirection direction) {
  return MakeTransform(keys, direction, false);
}

Result<std::unique_ptr<SrtpTransform>> MakeEvpSrtpMidway(const SrtpKeys& keys) {
  return MakeTransform(keys, SrtpDirection::kReceive, true);
}

}  // namespace lastmile::media

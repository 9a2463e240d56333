#include <srtp2/srtp.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "base/c_handle.h"
#include "media_anchor/core/srtp/srtp.h"
#include "media_anchor/core/srtp/srtp_packet.h"

namespace lastmile::media {

namespace {

// libsrtp's global state, set up by the first transform and taken down with the last one.
class GlobalInit {
 public:
  static bool Acquire() {
    std::lock_guard lock(mutex_);
    if (users_ == 0 && srtp_init() != srtp_err_status_ok) return false;
    ++users_;
    return true;
  }
  static void Release() {
    std::lock_guard lock(mutex_);
    if (--users_ == 0) srtp_shutdown();
  }

 private:
  static inline std::mutex mutex_;
  static inline int users_ = 0;
};

srtp_profile_t ProfileOf(SrtpProfile profile) {
  switch (profile) {
    case SrtpProfile::kAes128CmHmacSha1_80:
      return srtp_profile_aes128_cm_sha1_80;
    case SrtpProfile::kAes128CmHmacSha1_32:
      return srtp_profile_aes128_cm_sha1_32;
    case SrtpProfile::kAeadAes128Gcm:
      return srtp_profile_aead_aes_128_gcm;
    case SrtpProfile::kAeadAes256Gcm:
      return srtp_profile_aead_aes_256_gcm;
  }
  return srtp_profile_reserved;
}

SrtpError ErrorOf(srtp_err_status_t status) {
  switch (status) {
    case srtp_err_status_auth_fail:
      return SrtpError::kAuthFailed;
    case srtp_err_status_replay_fail:
    case srtp_err_status_replay_old:
    case srtp_err_status_key_expired:
      return SrtpError::kReplayed;
    case srtp_err_status_bad_param:
    case srtp_err_status_parse_err:
    case srtp_err_status_cant_check:
      return SrtpError::kMalformed;
    default:
      return SrtpError::kInternal;
  }
}

class LibsrtpTransform final : public SrtpTransform {
 public:
  static Result<std::unique_ptr<SrtpTransform>> Make(const SrtpKeys& keys,
                                                     SrtpDirection direction) {
    if (!HasValidSizes(keys)) return Fail("SRTP master key or salt has the wrong size");
    if (!GlobalInit::Acquire()) return Fail("libsrtp failed to start");
    std::unique_ptr<LibsrtpTransform> transform(new LibsrtpTransform(keys.profile));
    if (!transform->Open(keys, direction)) return Fail("libsrtp refused the session");
    return transform;
  }

  ~LibsrtpTransform() override {
    session_.reset();
    GlobalInit::Release();
  }

  Result<size_t, SrtpError> ProtectRtp(MutableByteView buffer, size_t length) override {
    if (length > buffer.size() || buffer.size() - length < RtpTagSize(profile_)) {
      return Malformed();
    }
    const auto header = ParseSrtpHeader(buffer.first(length));
    if (!header) return Malformed();
    return Run(header->ssrc, srtp_protect, buffer.data(), length);
  }

  Result<size_t, SrtpError> ProtectRtcp(MutableByteView buffer, size_t length) override {
    if (length > buffer.size() || buffer.size() - length < RtcpTrailer()) return Malformed();
    const auto ssrc = ParseSrtcpSsrc(buffer.first(length));
    if (!ssrc) return Malformed();
    return Run(*ssrc, srtp_protect_rtcp, buffer.data(), length);
  }

  Result<size_t, SrtpError> UnprotectRtp(MutableByteView packet) override {
    if (packet.size() < RtpTagSize(profile_)) return Malformed();
    const auto header = ParseSrtpHeader(packet.first(packet.size() - RtpTagSize(profile_)));
    if (!header) return Malformed();
    return Run(header->ssrc, srtp_unprotect, packet.data(), packet.size());
  }

  Result<size_t, SrtpError> UnprotectRtcp(MutableByteView packet) override {
    if (packet.size() < RtcpTrailer()) return Malformed();
    const auto ssrc = ParseSrtcpSsrc(packet.first(packet.size() - RtcpTrailer()));
    if (!ssrc) return Malformed();
    return Run(*ssrc, srtp_unprotect_rtcp, packet.data(), packet.size());
  }

 private:
  using Operation = srtp_err_status_t (*)(srtp_t, void*, int*);

  explicit LibsrtpTransform(SrtpProfile profile) : profile_(profile) {}

  static std::unexpected<SrtpError> Malformed() { return std::unexpected(SrtpError::kMalformed); }
  size_t RtcpTrailer() const { return RtcpTagSize(profile_) + kSrtcpWordSize; }

  bool Open(const SrtpKeys& keys, SrtpDirection direction) {
    srtp_policy_t policy{};
    const srtp_profile_t profile = ProfileOf(keys.profile);
    if (srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, profile) != srtp_err_status_ok ||
        srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, profile) != srtp_err_status_ok) {
      return false;
    }
    Bytes key = keys.master_key;
    key.insert(key.end(), keys.master_salt.begin(), keys.master_salt.end());
    policy.ssrc.type = direction == SrtpDirection::kSend ? ssrc_any_outbound : ssrc_any_inbound;
    policy.key = key.data();
    policy.window_size = 128;
    srtp_t session = nullptr;
    if (srtp_create(&session, &policy) != srtp_err_status_ok) return false;
    session_.reset(session);
    return true;
  }

  // libsrtp keeps a stream for every SSRC whose packet was authentic, without a bound of its own.
  Result<size_t, SrtpError> Run(uint32_t ssrc, Operation operation, uint8_t* packet,
                                size_t length) {
    const auto known_end = ssrcs_.begin() + static_cast<ptrdiff_t>(ssrc_count_);
    const bool known = std::find(ssrcs_.begin(), known_end, ssrc) != known_end;
    if (!known && ssrc_count_ == ssrcs_.size()) return std::unexpected(SrtpError::kTooManySsrcs);
    int size = static_cast<int>(length);
    const srtp_err_status_t status = operation(session_.get(), packet, &size);
    if (status != srtp_err_status_ok) return std::unexpected(ErrorOf(status));
    if (!known) ssrcs_[ssrc_count_++] = ssrc;
    return static_cast<size_t>(size);
  }

  const SrtpProfile profile_;
  CHandle<srtp_ctx_t, srtp_dealloc> session_;
  std::array<uint32_t, kMaxSsrcs> ssrcs_{};
  size_t ssrc_count_ = 0;
};

}  // namespace

Result<std::unique_ptr<SrtpTransform>> MakeLibsrtp(const SrtpKeys& keys, SrtpDirection direction) {
  return LibsrtpTransform::Make(keys, direction);
}

}  // namespace lastmile::media

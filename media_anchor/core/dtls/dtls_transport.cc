#include "media_anchor/core/dtls/dtls_transport.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <list>
#include <utility>

#include "base/c_handle.h"
#include "media_anchor/core/dtls/dtls_certificate.h"

namespace lastmile::media {

namespace {

using State = DtlsTransport::State;

constexpr size_t kRecordHeaderSize = 13;
constexpr size_t kMaxDatagram = 65535;
// Of what we send, without IP and UDP: fits every path that carries IPv6, with room for tunnels.
constexpr size_t kMtu = 1200;
// More than any flight of ours needs; what the owner does not fetch in time is lost like a datagram
// on the wire.
constexpr size_t kMaxQueued = 32;
// OpenSSL always takes handshake messages of up to 16 KiB; certificates need no more.
constexpr long kMaxCertificateList = 16 * 1024;

// RFC 6347 section 4.2.4.1 allows a first timeout below its 1 s where latency matters: a lost
// datagram delays the first audio. 50 ms is also what browsers take. Doubled while that helps: of a
// network that loses a third nine repetitions within five seconds leave hardly any call. OpenSSL
// gives up after twelve of a flight, so that the others are spread over the rest of
// kHandshakeTimeout, for a path that was away.
constexpr std::array<std::chrono::milliseconds, 10> kTimeouts = {50ms,  100ms, 200ms, 400ms, 800ms,
                                                                 800ms, 800ms, 800ms, 800ms, 8s};

constexpr char kCiphers[] =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr char kGroups[] = "X25519:P-256";
// As server OpenSSL takes the first of these that the client has, whatever the client's order.
constexpr char kSrtpProfiles[] =
    "SRTP_AEAD_AES_128_GCM:SRTP_AEAD_AES_256_GCM:SRTP_AES128_CM_SHA1_80:SRTP_AES128_CM_SHA1_32";

constexpr std::string_view kExporterLabel = "EXTRACTOR-dtls_srtp";  // RFC 5764 section 4.2

// False: an association without use_srtp.
bool ProfileOf(SSL* ssl, SrtpProfile& profile) {
  const SRTP_PROTECTION_PROFILE* selected = SSL_get_selected_srtp_profile(ssl);
  if (!selected) return false;
  switch (selected->id) {
    case SRTP_AES128_CM_SHA1_80:
      profile = SrtpProfile::kAes128CmHmacSha1_80;
      return true;
    case SRTP_AES128_CM_SHA1_32:
      profile = SrtpProfile::kAes128CmHmacSha1_32;
      return true;
    case SRTP_AEAD_AES_128_GCM:
      profile = SrtpProfile::kAeadAes128Gcm;
      return true;
    case SRTP_AEAD_AES_256_GCM:
      profile = SrtpProfile::kAeadAes256Gcm;
      return true;
    default:
      return false;
  }
}

bool LooksLikeDtls(ByteView datagram) {
  return datagram.size() >= kRecordHeaderSize && datagram.size() <= kMaxDatagram &&
         datagram[0] >= 20 && datagram[0] <= 63 && datagram[1] == 0xfe;
}

// What a cipher of ours adds to a record: AES-GCM a nonce and a tag (RFC 5288 section 3),
// ChaCha20-Poly1305 the tag alone (RFC 7905 section 2).
size_t OverheadOf(const SSL_CIPHER* cipher) {
  constexpr size_t kNonce = 8;
  constexpr size_t kTag = 16;
  const bool chacha = cipher && SSL_CIPHER_get_cipher_nid(cipher) == NID_chacha20_poly1305;
  return chacha ? kTag : kNonce + kTag;
}

// An encrypted record in it is too short for what its cipher adds. It is to be ignored (RFC 6347
// section 4.1.2.7), but OpenSSL 3.0.19 ends the association over it.
bool HasTruncatedRecord(ByteView datagram, size_t overhead) {
  while (datagram.size() >= kRecordHeaderSize) {
    const size_t length = LoadBe16(datagram.data() + kRecordHeaderSize - 2);
    const bool encrypted = LoadBe16(datagram.data() + 3) != 0;  // by its epoch
    if (encrypted && length < overhead) return true;
    datagram = datagram.subspan(std::min(datagram.size(), kRecordHeaderSize + length));
  }
  return false;
}

// OpenSSL's side of one association. A non-movable object: the BIO and the SSL point to it.
//
// Time. OpenSSL 3 times its retransmissions by gettimeofday() and can neither be handed a clock nor
// told to retransmit: DTLSv1_handle_timeout() does nothing before its own deadline. Sending our
// copies of the flight instead would not do: a record that arrived before is dropped as a replay,
// so that a peer whose last flight got lost would never send it again. Hence OpenSSL keeps the
// messages and its deadline, DTLS_set_timer_cb() gives it our durations, and the same durations
// from `now` decide when it is asked. After a step of the wall clock OpenSSL may find that it is
// too early; it is asked again soon. The end of the handshake depends on `now` alone.
class Association {
 public:
  Association(SSL_CTX* ctx, const BIO_METHOD* method, DtlsRole role,
              std::vector<DtlsFingerprint> expected)
      : role_(role), expected_(std::move(expected)), ctx_(ctx), method_(method) {}
  Association(const Association&) = delete;
  Association& operator=(const Association&) = delete;

  void Start(TimePoint now) {
    if (state_ != State::kIdle) return;
    state_ = State::kHandshaking;
    now_ = now;
    deadline_ = now + DtlsTransport::kHandshakeTimeout;
    if (!MakeSsl()) return Fail("OpenSSL failed to set up a DTLS association");
    Process();
  }

  void OnDatagram(ByteView datagram, TimePoint now) {
    if (!ssl_ || !LooksLikeDtls(datagram)) return;
    const SSL_CIPHER* current = SSL_get_current_cipher(ssl_.get());
    const SSL_CIPHER* cipher = current ? current : SSL_get_pending_cipher(ssl_.get());
    if (HasTruncatedRecord(datagram, OverheadOf(cipher))) return;
    now_ = now;
    incoming_ = datagram;
    Process();
    incoming_ = {};
  }

  void OnTimer(TimePoint now) {
    if (state_ != State::kHandshaking) return;
    now_ = now;
    if (now >= deadline_) return Fail("the DTLS handshake did not end within 30 seconds");
    if (now < retransmit_at_) return;
    ERR_clear_error();
    flight_begins_ = true;
    constexpr Duration kAskAgain = 20ms;
    retransmit_at_ = now + kAskAgain;  // unless it retransmits and starts its timer
    if (DTLSv1_handle_timeout(ssl_.get()) < 0) FailWithOpensslError();
  }

  void Close() {
    if (state_ == State::kFailed || state_ == State::kClosed) return;
    if (state_ == State::kConnected && ssl_) {
      ERR_clear_error();
      // OpenSSL 3.0 writes an alert into the buffer it was told to free: a null pointer.
      if (SSL_alloc_buffers(ssl_.get())) SSL_shutdown(ssl_.get());
    }
    End(State::kClosed);
  }

  bool PopDatagram(Bytes& out) {
    if (outgoing_.empty()) return false;
    out = std::move(outgoing_.front());
    outgoing_.pop_front();
    return true;
  }

  TimePoint next_timeout() const {
    return state_ == State::kHandshaking ? std::min(retransmit_at_, deadline_) : kNever;
  }
  State state() const { return state_; }
  bool fingerprint_mismatch() const { return fingerprint_mismatch_; }
  const std::string& failure() const { return failure_; }
  const DtlsTransport::Keys& keys() const { return keys_; }

  static CHandle<BIO_METHOD, BIO_meth_free> MakeBioMethod() {
    CHandle<BIO_METHOD, BIO_meth_free> method(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "lastmile datagrams"));
    if (!method || !BIO_meth_set_read(method.get(), ReadThunk) ||
        !BIO_meth_set_write(method.get(), WriteThunk) ||
        !BIO_meth_set_ctrl(method.get(), CtrlThunk)) {
      return nullptr;
    }
    return method;
  }

  // Replaces OpenSSL's building of a chain: the fingerprint in the signed SDP is all the trust
  // there is (RFC 5763 section 5).
  static int VerifyThunk(X509_STORE_CTX* store, void*) noexcept {
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
    auto* self = static_cast<Association*>(SSL_get_app_data(ssl));
    if (MatchesAny(X509_STORE_CTX_get0_cert(store), self->expected_)) return 1;
    self->fingerprint_mismatch_ = true;
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_UNTRUSTED);
    return 0;
  }

 private:
  bool MakeSsl() {
    ERR_clear_error();
    ssl_.reset(SSL_new(ctx_));
    BIO* bio = BIO_new(method_);
    if (!ssl_ || !bio) {
      BIO_free(bio);
      return false;
    }
    BIO_set_data(bio, this);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl_.get(), bio, bio);
    SSL_set_app_data(ssl_.get(), this);
    DTLS_set_timer_cb(ssl_.get(), TimerThunk);
    if (role_ == DtlsRole::kServer) {
      SSL_set_accept_state(ssl_.get());
    } else {
      SSL_set_connect_state(ssl_.get());
    }
    return SSL_set_mtu(ssl_.get(), kMtu) == static_cast<long>(kMtu);
  }

  void Process() {
    ERR_clear_error();
    if (state_ == State::kHandshaking) {
      const int result = SSL_do_handshake(ssl_.get());
      if (result != 1) {
        if (SSL_get_error(ssl_.get(), result) != SSL_ERROR_WANT_READ) FailWithOpensslError();
        return;
      }
      if (!TakeKeys()) return;
      state_ = State::kConnected;
    }
    if (state_ == State::kConnected) ReadRecords();
  }

  // After the handshake a datagram may hold a repeated Finished, which OpenSSL answers, or an
  // alert. There is no application data in DTLS-SRTP.
  void ReadRecords() {
    std::array<uint8_t, 2048> dropped;
    int result = 0;
    while ((result = SSL_read(ssl_.get(), dropped.data(), dropped.size())) > 0) {
    }
    const int error = SSL_get_error(ssl_.get(), result);
    if (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) {
      if (error == SSL_ERROR_ZERO_RETURN) SSL_shutdown(ssl_.get());
      return End(State::kClosed);
    }
    if (error != SSL_ERROR_WANT_READ) {
      // The SRTP keys stay good whatever arrives here, but OpenSSL is not to be called again.
      ssl_.reset();
      return;
    }
    // Half of what an association weighs; OpenSSL takes new buffers when a record comes.
    SSL_free_buffers(ssl_.get());
  }

  // RFC 5764 section 4.2: client key, server key, client salt, server salt.
  bool TakeKeys() {
    SrtpProfile profile{};
    if (!ProfileOf(ssl_.get(), profile)) {
      SSL_shutdown(ssl_.get());
      Fail("the peer has no SRTP profile in common with us");
      return false;
    }
    const size_t key_size = MasterKeySize(profile);
    const size_t salt_size = MasterSaltSize(profile);
    Bytes material(2 * (key_size + salt_size));
    if (SSL_export_keying_material(ssl_.get(), material.data(), material.size(),
                                   kExporterLabel.data(), kExporterLabel.size(), nullptr, 0,
                                   0) != 1) {
      FailWithOpensslError();
      return false;
    }
    const auto keys_of = [&](size_t side) {
      const uint8_t* key = material.data() + side * key_size;
      const uint8_t* salt = material.data() + 2 * key_size + side * salt_size;
      return SrtpKeys{profile, Bytes(key, key + key_size), Bytes(salt, salt + salt_size)};
    };
    const size_t own_side = role_ == DtlsRole::kClient ? 0 : 1;
    keys_ = {keys_of(own_side), keys_of(1 - own_side)};
    OPENSSL_cleanse(material.data(), material.size());
    return true;
  }

  void FailWithOpensslError() {
    if (fingerprint_mismatch_) {
      const bool any_strong = std::any_of(expected_.begin(), expected_.end(), IsStrongHash);
      return Fail(any_strong ? "the peer's certificate is not the one its SDP announced"
                             : "the peer's SDP has no fingerprint of SHA-256 or better");
    }
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    Fail(fmt::format("the DTLS handshake failed: {}", reason ? reason : "unknown OpenSSL error"));
  }

  void Fail(std::string failure) {
    failure_ = std::move(failure);
    End(State::kFailed);
  }

  // What OpenSSL queued last, an alert, can still be popped.
  void End(State state) {
    state_ = state;
    ssl_.reset();
    ERR_clear_error();
  }

  static Association* Of(BIO* bio) { return static_cast<Association*>(BIO_get_data(bio)); }

  // One read takes the one datagram that is there; like recv(), it drops what does not fit.
  static int ReadThunk(BIO* bio, char* out, int size) noexcept {
    BIO_clear_retry_flags(bio);
    Of(bio)->flight_begins_ = true;
    ByteView& incoming = Of(bio)->incoming_;
    if (incoming.empty() || size <= 0) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const size_t taken = std::min(incoming.size(), static_cast<size_t>(size));
    std::memcpy(out, incoming.data(), taken);
    incoming = {};
    return static_cast<int>(taken);
  }

  // One write is one datagram for OpenSSL, which repeats a flight message by message. Records that
  // fit are joined (RFC 6347 section 4.1.1): a flight that is one datagram is lost less often. Two
  // flights are not: an OpenSSL server drops what follows a repeated ClientHello, whose record
  // version is another.
  static int WriteThunk(BIO* bio, const char* data, int size) noexcept {
    BIO_clear_retry_flags(bio);
    if (size <= 0) return size;
    const auto* bytes = reinterpret_cast<const uint8_t*>(data);
    auto& outgoing = Of(bio)->outgoing_;
    const bool flight_begins = std::exchange(Of(bio)->flight_begins_, false);
    if (!flight_begins && !outgoing.empty() &&
        outgoing.back().size() + static_cast<size_t>(size) <= kMtu) {
      outgoing.back().insert(outgoing.back().end(), bytes, bytes + size);
    } else if (outgoing.size() < kMaxQueued) {
      outgoing.emplace_back(bytes, bytes + size);
    }
    return size;
  }

  static long CtrlThunk(BIO* bio, int command, long, void* argument) noexcept {
    switch (command) {
      case BIO_CTRL_FLUSH:
        return 1;
      case BIO_CTRL_DGRAM_SET_NEXT_TIMEOUT: {
        // OpenSSL started its timer, or stopped it and says 0.
        const auto* deadline = static_cast<const timeval*>(argument);
        Association* self = Of(bio);
        const bool running = deadline->tv_sec != 0 || deadline->tv_usec != 0;
        self->retransmit_at_ = running ? self->now_ + self->timeout_ : kNever;
        return 1;
      }
      default:
        return 0;
    }
  }

  static unsigned TimerThunk(SSL* ssl, unsigned previous_us) noexcept {
    auto* self = static_cast<Association*>(SSL_get_app_data(ssl));
    const bool new_flight = previous_us == 0;
    self->repetition_ = new_flight ? 0 : std::min(self->repetition_ + 1, kTimeouts.size() - 1);
    self->timeout_ = kTimeouts[self->repetition_];
    return static_cast<unsigned>(self->timeout_.count());
  }

  const DtlsRole role_;
  const std::vector<DtlsFingerprint> expected_;
  SSL_CTX* const ctx_;
  const BIO_METHOD* const method_;

  State state_ = State::kIdle;
  TimePoint now_;                        // of the call that is running
  ByteView incoming_;                    // the datagram of the call that is running
  TimePoint deadline_ = kNever;          // of the handshake
  TimePoint retransmit_at_ = kNever;     // when OpenSSL is to be asked
  std::chrono::microseconds timeout_{};  // what OpenSSL was told last
  size_t repetition_ = 0;                // of the flight; its timeout
  std::list<Bytes> outgoing_;            // weighs nothing when empty
  bool flight_begins_ = true;            // what OpenSSL writes next
  DtlsTransport::Keys keys_;
  bool fingerprint_mismatch_ = false;
  std::string failure_;
  CHandle<SSL, SSL_free> ssl_;  // null before Start(), after the end and after a late error
};

bool Configure(SSL_CTX* ctx) {
  SSL_CTX_set_options(ctx, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
                               SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_cert_list(ctx, kMaxCertificateList);
  SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  SSL_CTX_set_cert_verify_callback(ctx, Association::VerifyThunk, nullptr);
  return SSL_CTX_set_min_proto_version(ctx, DTLS1_2_VERSION) &&
         SSL_CTX_set_max_proto_version(ctx, DTLS1_2_VERSION) &&
         SSL_CTX_set_cipher_list(ctx, kCiphers) && SSL_CTX_set1_groups_list(ctx, kGroups) &&
         SSL_CTX_set_tlsext_use_srtp(ctx, kSrtpProfiles) == 0;  // 0 is success here
}

}  // namespace

struct DtlsContext::Impl {
  CHandle<SSL_CTX, SSL_CTX_free> ctx;
  CHandle<BIO_METHOD, BIO_meth_free> bio_method;
  DtlsFingerprint fingerprint;
};

DtlsContext::DtlsContext(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
DtlsContext::~DtlsContext() = default;

Result<std::unique_ptr<DtlsContext>> DtlsContext::Create() {
  ERR_clear_error();
  auto impl = std::make_unique<Impl>();
  impl->ctx.reset(SSL_CTX_new(DTLS_method()));
  impl->bio_method = Association::MakeBioMethod();
  if (!impl->ctx || !impl->bio_method || !Configure(impl->ctx.get()) ||
      !UseFreshCertificate(impl->ctx.get(), impl->fingerprint)) {
    const char* reason = ERR_reason_error_string(ERR_peek_error());
    return lastmile::Fail(
        fmt::format("OpenSSL failed to set up DTLS: {}", reason ? reason : "unknown error"));
  }
  return std::unique_ptr<DtlsContext>(new DtlsContext(std::move(impl)));
}

const DtlsFingerprint& DtlsContext::fingerprint() const { return impl_->fingerprint; }

struct DtlsTransport::Impl {
  Association association;
};

DtlsTransport::DtlsTransport(const DtlsContext& context, DtlsRole role,
                             std::vector<DtlsFingerprint> expected_fingerprints)
    : impl_(new Impl{{context.impl_->ctx.get(), context.impl_->bio_method.get(), role,
                      std::move(expected_fingerprints)}}) {}
DtlsTransport::~DtlsTransport() = default;

void DtlsTransport::Start(TimePoint now) { impl_->association.Start(now); }
void DtlsTransport::OnDatagram(ByteView datagram, TimePoint now) {
  impl_->association.OnDatagram(datagram, now);
}
void DtlsTransport::OnTimer(TimePoint now) { impl_->association.OnTimer(now); }
TimePoint DtlsTransport::next_timeout() const { return impl_->association.next_timeout(); }
bool DtlsTransport::PopDatagram(Bytes& out) { return impl_->association.PopDatagram(out); }
void DtlsTransport::Close() { impl_->association.Close(); }
DtlsTransport::State DtlsTransport::state() const { return impl_->association.state(); }
bool DtlsTransport::fingerprint_mismatch() const {
  return impl_->association.fingerprint_mismatch();
}
const std::string& DtlsTransport::failure() const { return impl_->association.failure(); }
const DtlsTransport::Keys& DtlsTransport::keys() const { return impl_->association.keys(); }

}  // namespace lastmile::media

#include "tests/support/webrtc_peer.h"

#include <arpa/inet.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <srtp2/srtp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "base/c_handle.h"
#include "base/random.h"
#include "tests/support/framed_tcp.h"
#include "tests/support/stun_message.h"

namespace lastmile::test {
namespace {

using SslCtx = CHandle<SSL_CTX, SSL_CTX_free>;
using Ssl = CHandle<SSL, SSL_free>;
using X509Ptr = CHandle<X509, X509_free>;
using PkeyPtr = CHandle<EVP_PKEY, EVP_PKEY_free>;

constexpr const char* kProfiles =
    "SRTP_AES128_CM_SHA1_80:SRTP_AEAD_AES_256_GCM:SRTP_AEAD_AES_128_GCM";
constexpr size_t kDtlsRecordHeader = 13;

// A peer that cannot do its part is a broken test machine, not a result.
void Require(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "WebrtcPeer: %s\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

Bytes Sha256Of(X509* cert) {
  Bytes digest(EVP_MAX_MD_SIZE);
  unsigned size = 0;
  Require(X509_digest(cert, EVP_sha256(), digest.data(), &size) == 1, "certificate digest");
  digest.resize(size);
  return digest;
}

struct Identity {
  SslCtx context;
  X509Ptr certificate;

  Identity() : context(SSL_CTX_new(DTLS_method())), certificate(X509_new()) {
    Require(srtp_init() == srtp_err_status_ok, "srtp_init");
    PkeyPtr key(EVP_EC_gen("P-256"));
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -86400);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 86400);
    X509_set_pubkey(certificate.get(), key.get());
    X509_NAME* name = X509_get_subject_name(certificate.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test peer"), -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    Require(X509_sign(certificate.get(), key.get(), EVP_sha256()) > 0, "X509_sign");
    Require(SSL_CTX_use_certificate(context.get(), certificate.get()) == 1, "certificate");
    Require(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "key");
    Require(SSL_CTX_set_tlsext_use_srtp(context.get(), kProfiles) == 0, "use_srtp");
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                       [](int, X509_STORE_CTX*) { return 1; });
    SSL_CTX_set_options(context.get(), SSL_OP_NO_QUERY_MTU);
  }
};

const Identity& SharedIdentity() {
  static const Identity identity;
  return identity;
}

struct ProfileSizes {
  size_t key;
  size_t salt;
};

ProfileSizes SizesOf(unsigned long id) {
  if (id == SRTP_AEAD_AES_256_GCM) return {32, 12};
  if (id == SRTP_AEAD_AES_128_GCM) return {16, 12};
  return {16, 14};
}

media::SrtpKeys KeysOf(unsigned long profile, const Bytes& key_and_salt) {
  media::SrtpKeys keys{.profile = media::SrtpProfile::kAes128CmHmacSha1_80};
  if (profile == SRTP_AEAD_AES_128_GCM) keys.profile = media::SrtpProfile::kAeadAes128Gcm;
  if (profile == SRTP_AEAD_AES_256_GCM) keys.profile = media::SrtpProfile::kAeadAes256Gcm;
  const auto salt_at = key_and_salt.begin() + static_cast<ptrdiff_t>(SizesOf(profile).key);
  keys.master_key.assign(key_and_salt.begin(), salt_at);
  keys.master_salt.assign(salt_at, key_and_salt.end());
  return keys;
}

srtp_t MakeSrtp(unsigned long profile, const Bytes& key_and_salt, srtp_ssrc_type_t direction) {
  srtp_policy_t policy{};
  srtp_profile_t wanted = srtp_profile_aes128_cm_sha1_80;
  if (profile == SRTP_AEAD_AES_128_GCM) wanted = srtp_profile_aead_aes_128_gcm;
  if (profile == SRTP_AEAD_AES_256_GCM) wanted = srtp_profile_aead_aes_256_gcm;
  srtp_crypto_policy_set_from_profile_for_rtp(&policy.rtp, wanted);
  srtp_crypto_policy_set_from_profile_for_rtcp(&policy.rtcp, wanted);
  policy.ssrc.type = direction;
  policy.key = const_cast<unsigned char*>(key_and_salt.data());
  policy.window_size = 1024;
  srtp_t made = nullptr;
  Require(srtp_create(&made, &policy) == srtp_err_status_ok, "srtp_create");
  return made;
}

}  // namespace

Bytes TestRtp::Build() const {
  Bytes out(12 + payload.size());
  out[0] = 0x80;
  out[1] = static_cast<uint8_t>((marker ? 0x80 : 0) | payload_type);
  StoreBe16(&out[2], sequence);
  StoreBe32(&out[4], timestamp);
  StoreBe32(&out[8], ssrc);
  std::ranges::copy(payload, out.begin() + 12);
  return out;
}

std::optional<TestRtp> TestRtp::Parse(ByteView p) {
  if (p.size() < 12 || p[0] != 0x80) return std::nullopt;  // what the gateway sends has no extras
  return TestRtp{static_cast<uint8_t>(p[1] & 0x7f),
                 (p[1] & 0x80) != 0,
                 LoadBe16(&p[2]),
                 LoadBe32(&p[4]),
                 LoadBe32(&p[8]),
                 Bytes(p.begin() + 12, p.end())};
}

struct WebrtcPeer::Impl {
  explicit Impl(Options o) : options(o) {
    fd = socket(o.bind.is_v6() ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_storage storage{};
    socklen_t size = Endpoint{o.bind, 0}.ToSockaddr(storage);
    Require(fd >= 0 && bind(fd, reinterpret_cast<sockaddr*>(&storage), size) == 0, "bind");
    size = sizeof storage;
    getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    local = Endpoint::FromSockaddr(storage);
    SystemRandom random;
    own_ufrag = random.Token(6);
    own_pwd = random.Token(24);
    SharedIdentity();
  }
  ~Impl() {
    if (send_srtp != nullptr) srtp_dealloc(send_srtp);
    if (receive_srtp != nullptr) srtp_dealloc(receive_srtp);
    close(fd);
  }

  void Send(ByteView datagram) {
    if (tcp) return tcp->Send(datagram);
    sockaddr_storage storage{};
    const socklen_t size = target.ToSockaddr(storage);
    static_cast<void>(sendto(fd, datagram.data(), datagram.size(), 0,
                             reinterpret_cast<sockaddr*>(&storage), size));
  }

  void SendCheck(TimePoint now) {
    SystemRandom random;
    last_transaction = random.Token(12);
    Send(BuildCheck({.username = gateway.ice_ufrag + ":" + ufrag,
                     .pwd = gateway.ice_pwd,
                     .use_candidate = true,
                     .controlling = true,
                     .transaction_id = last_transaction}));
    next_check = now + (connected ? options.consent_interval : options.check_interval);
  }

  void StartDtls() {
    ssl.reset(SSL_new(SharedIdentity().context.get()));
    BIO* in = BIO_new(BIO_s_mem());
    BIO* out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    BIO_set_mem_eof_return(out, -1);
    SSL_set_bio(ssl.get(), in, out);
    DTLS_set_link_mtu(ssl.get(), 1200);
    if (options.gateway_role == media::DtlsRole::kServer) {
      SSL_set_connect_state(ssl.get());
    } else {
      SSL_set_accept_state(ssl.get());
    }
    StepDtls();
  }

  void StepDtls() {
    ERR_clear_error();
    if (!connected && !dtls_failed) {
      const int result = SSL_do_handshake(ssl.get());
      if (result == 1) {
        FinishDtls();
      } else if (SSL_get_error(ssl.get(), result) == SSL_ERROR_SSL) {
        dtls_failed = true;
      }
    } else if (connected) {
      uint8_t ignored[64];
      SSL_read(ssl.get(), ignored, sizeof ignored);  // alerts, retransmitted flights
    }
    FlushDtls();
  }

  // One record a datagram: a memory BIO does not keep the boundaries.
  void FlushDtls() {
    BIO* out = SSL_get_wbio(ssl.get());
    std::array<uint8_t, 16 * 1024> room;  // more than a flight
    const int got = BIO_read(out, room.data(), room.size());
    if (got <= 0) return;
    Require(BIO_pending(out) == 0, "a flight of DTLS is too long");
    const auto bytes = ByteView(room).first(static_cast<size_t>(got));
    for (size_t at = 0; at + kDtlsRecordHeader <= bytes.size();) {
      const size_t size = kDtlsRecordHeader + LoadBe16(&bytes[at + 11]);
      Send(bytes.subspan(at, size));
      at += size;
    }
  }

  void FinishDtls() {
    X509Ptr theirs(SSL_get1_peer_certificate(ssl.get()));
    if (!theirs || Sha256Of(theirs.get()) != gateway.fingerprint.digest) {
      dtls_failed = true;
      return;
    }
    const unsigned long profile = SSL_get_selected_srtp_profile(ssl.get())->id;
    const auto [key_size, salt_size] = SizesOf(profile);
    Bytes keys(2 * (key_size + salt_size));
    constexpr std::string_view kLabel = "EXTRACTOR-dtls_srtp";
    Require(SSL_export_keying_material(ssl.get(), keys.data(), keys.size(), kLabel.data(),
                                       kLabel.size(), nullptr, 0, 0) == 1,
            "export of keys");
    // RFC 5764 section 4.2: client key, server key, client salt, server salt.
    auto part = [&](size_t key_at, size_t salt_at) {
      Bytes both(keys.begin() + static_cast<ptrdiff_t>(key_at),
                 keys.begin() + static_cast<ptrdiff_t>(key_at + key_size));
      both.insert(both.end(), keys.begin() + static_cast<ptrdiff_t>(salt_at),
                  keys.begin() + static_cast<ptrdiff_t>(salt_at + salt_size));
      return both;
    };
    Bytes ours = part(0, 2 * key_size);
    Bytes gateways = part(key_size, 2 * key_size + salt_size);
    if (options.gateway_role == media::DtlsRole::kClient) std::swap(ours, gateways);
    if (options.hands_out_keys) {
      handed_out = {KeysOf(profile, ours), KeysOf(profile, gateways)};
    } else {
      send_srtp = MakeSrtp(profile, ours, ssrc_any_outbound);
      receive_srtp = MakeSrtp(profile, gateways, ssrc_any_inbound);
    }
    connected = true;
  }

  void OnDatagram(MutableByteView datagram, TimePoint now) {
    if (datagram.empty()) return;
    if (datagram[0] < 2) {
      OnStun(datagram, now);
    } else if (datagram[0] >= 20 && datagram[0] <= 63) {
      if (!ssl) return;
      BIO_write(SSL_get_rbio(ssl.get()), datagram.data(), static_cast<int>(datagram.size()));
      StepDtls();
    } else if (receive_srtp != nullptr && datagram.size() > 12) {
      OnSrtp(datagram);
    }
  }

  // A gateway that is no ICE-lite agent checks us, too (RFC 8445 section 7.3).
  void AnswerCheck(ByteView check) {
    Bytes mapped = {0, 1, 0, 0, 0, 0, 0, 0};
    StoreBe16(&mapped[2], static_cast<uint16_t>(target.port ^ kStunCookie >> 16));
    StoreBe32(&mapped[4], target.address.v4_host_order() ^ kStunCookie);
    Send(StunBuilder(kStunBindingSuccess, AsText(check.subspan(8, 12)))
             .Attribute(kStunXorMappedAddress, mapped)
             .Integrity(own_pwd)
             .Fingerprint()
             .Build());
  }

  void OnStun(ByteView datagram, TimePoint) {
    if (datagram.size() >= 20 && LoadBe16(datagram.data()) == kStunBindingRequest) {
      return AnswerCheck(datagram);
    }
    const auto answer = ParseStunAnswer(datagram, gateway.ice_pwd);
    if (!answer || answer->type != kStunBindingSuccess || !answer->integrity_ok ||
        !answer->fingerprint_ok || answer->transaction_id != last_transaction ||
        (!options.behind_nat && answer->mapped != (tcp ? tcp->local() : local))) {
      return;
    }
    ++checks_answered;
    ice_done = true;
    if (!ssl) StartDtls();
  }

  void OnSrtp(MutableByteView datagram) {
    int size = static_cast<int>(datagram.size());
    const bool is_rtcp = datagram[1] >= 192 && datagram[1] <= 223;
    const srtp_err_status_t status = is_rtcp
                                         ? srtp_unprotect_rtcp(receive_srtp, datagram.data(), &size)
                                         : srtp_unprotect(receive_srtp, datagram.data(), &size);
    if (status != srtp_err_status_ok) {
      ++undecryptable;
    } else if (is_rtcp) {
      ++rtcp_received;
      rtcp.emplace_back(datagram.begin(), datagram.begin() + size);
    } else if (auto packet = TestRtp::Parse(datagram.first(static_cast<size_t>(size)))) {
      received.push_back(std::move(*packet));
    }
  }

  const Options options;
  int fd = -1;
  Endpoint local;
  Endpoint target;
  bool over_tcp = false;
  std::unique_ptr<FramedTcp> tcp;  // null: all goes over UDP
  std::string own_ufrag;           // of the SDP
  std::string own_pwd;
  std::string ufrag;  // of the checks
  media::BrowserLocal gateway;
  std::string last_transaction;
  TimePoint next_check = kNever;
  bool gone = false;  // sends no checks any more
  bool ice_done = false;
  bool connected = false;
  bool dtls_failed = false;
  int checks_answered = 0;
  Ssl ssl;
  srtp_t send_srtp = nullptr;
  srtp_t receive_srtp = nullptr;
  std::deque<TestRtp> received;
  std::deque<Bytes> rtcp;
  size_t rtcp_received = 0;
  size_t undecryptable = 0;
  std::optional<media::StreamKeys> handed_out;
};

WebrtcPeer::WebrtcPeer(Options options) : impl_(std::make_unique<Impl>(options)) {}
WebrtcPeer::~WebrtcPeer() = default;

media::BrowserRemote WebrtcPeer::Description() const {
  return {.ice_ufrag = impl_->own_ufrag,
          .ice_pwd = impl_->own_pwd,
          .fingerprints = {{"sha-256", Sha256Of(SharedIdentity().certificate.get())}},
          .gateway_role = impl_->options.gateway_role};
}

void WebrtcPeer::RenewIce() {
  SystemRandom random;
  impl_->own_ufrag = random.Token(6);
  impl_->own_pwd = random.Token(24);
}

void WebrtcPeer::SetGateway(const media::BrowserLocal& gateway, TimePoint now) {
  impl_->ufrag = impl_->own_ufrag;
  impl_->gateway = gateway;
  impl_->target =
      gateway.gathered.empty() ? gateway.candidates.front() : gateway.gathered.front().at;
  if (impl_->gone) return;
  if (impl_->over_tcp) return GoOverTcp(now);
  impl_->next_check = now;
  OnTimer(now);
}

void WebrtcPeer::GoOverTcp(TimePoint now) {
  impl_->over_tcp = true;
  if (impl_->gateway.ice_ufrag.empty()) return;  // when it is known
  Require(!impl_->gateway.tcp_candidates.empty(), "the gateway has no TCP candidate");
  impl_->tcp.reset();
  impl_->tcp =
      std::make_unique<FramedTcp>(impl_->options.bind, impl_->gateway.tcp_candidates.front());
  impl_->next_check = now;
  OnTimer(now);
}

void WebrtcPeer::GoOverUdp(TimePoint now) {
  impl_->over_tcp = false;
  impl_->tcp.reset();
  impl_->next_check = now;
  OnTimer(now);
}

void WebrtcPeer::Poll(Duration timeout) {
  const TimePoint start = MonotonicNow();
  const TimePoint until = std::min(start + timeout, next_timeout());
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - start).count();
  pollfd entry{.fd = fd(), .events = POLLIN, .revents = 0};
  poll(&entry, 1, static_cast<int>(std::max<int64_t>(wait, 0)));
  OnReadable(MonotonicNow());
  OnTimer(MonotonicNow());
}

int WebrtcPeer::fd() const { return impl_->tcp ? impl_->tcp->fd() : impl_->fd; }

void WebrtcPeer::OnReadable(TimePoint now) {
  while (auto datagram = impl_->tcp ? impl_->tcp->Receive() : std::nullopt) {
    impl_->OnDatagram(*datagram, now);
  }
  std::array<uint8_t, 2048> room;
  for (;;) {
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    const ssize_t got = recvfrom(impl_->fd, room.data(), room.size(), 0,
                                 reinterpret_cast<sockaddr*>(&storage), &size);
    if (got < 0) return;
    // An answer from another address belongs to no pair (RFC 8445 section 7.2.5.2.1).
    if (Endpoint::FromSockaddr(storage) != impl_->target) continue;
    impl_->OnDatagram(MutableByteView(room).first(static_cast<size_t>(got)), now);
  }
}

void WebrtcPeer::OnTimer(TimePoint now) {
  if (now >= impl_->next_check) impl_->SendCheck(now);
  if (impl_->ssl && !impl_->connected && DTLSv1_handle_timeout(impl_->ssl.get()) > 0) {
    impl_->FlushDtls();
  }
}

void WebrtcPeer::OnDatagram(MutableByteView datagram, TimePoint now) {
  impl_->OnDatagram(datagram, now);
}

TimePoint WebrtcPeer::next_timeout() const { return impl_->next_check; }
bool WebrtcPeer::ice_done() const { return impl_->ice_done; }
bool WebrtcPeer::connected() const { return impl_->connected; }
bool WebrtcPeer::failed() const { return impl_->dtls_failed; }
int WebrtcPeer::checks_answered() const { return impl_->checks_answered; }
const Endpoint& WebrtcPeer::local() const { return impl_->local; }
const std::optional<media::StreamKeys>& WebrtcPeer::keys() const { return impl_->handed_out; }
void WebrtcPeer::StopChecks() {
  impl_->gone = true;
  impl_->next_check = kNever;
}

void WebrtcPeer::CloseDtls() {
  SSL_shutdown(impl_->ssl.get());
  impl_->FlushDtls();
}

void WebrtcPeer::SendRtp(const TestRtp& packet) { SendRaw(Protect(packet)); }
void WebrtcPeer::SendRaw(ByteView datagram) { impl_->Send(datagram); }

Bytes WebrtcPeer::Protect(const TestRtp& packet) {
  Require(impl_->send_srtp != nullptr, "SendRtp before connected()");
  Bytes bytes = packet.Build();
  int size = static_cast<int>(bytes.size());
  bytes.resize(bytes.size() + SRTP_MAX_TRAILER_LEN);
  Require(srtp_protect(impl_->send_srtp, bytes.data(), &size) == srtp_err_status_ok, "protect");
  bytes.resize(static_cast<size_t>(size));
  return bytes;
}

std::optional<TestRtp> WebrtcPeer::PopRtp() {
  if (impl_->received.empty()) return std::nullopt;
  TestRtp packet = std::move(impl_->received.front());
  impl_->received.pop_front();
  return packet;
}

void WebrtcPeer::SendRtcp(ByteView plain) {
  Require(impl_->send_srtp != nullptr, "SendRtcp before connected()");
  Bytes bytes(plain.begin(), plain.end());
  int size = static_cast<int>(bytes.size());
  bytes.resize(bytes.size() + SRTP_MAX_TRAILER_LEN + 4);
  Require(srtp_protect_rtcp(impl_->send_srtp, bytes.data(), &size) == srtp_err_status_ok,
          "protect RTCP");
  bytes.resize(static_cast<size_t>(size));
  SendRaw(bytes);
}

std::optional<Bytes> WebrtcPeer::PopRtcp() {
  if (impl_->rtcp.empty()) return std::nullopt;
  Bytes packet = std::move(impl_->rtcp.front());
  impl_->rtcp.pop_front();
  return packet;
}

size_t WebrtcPeer::rtcp_received() const { return impl_->rtcp_received; }
size_t WebrtcPeer::undecryptable() const { return impl_->undecryptable; }

}  // namespace lastmile::test

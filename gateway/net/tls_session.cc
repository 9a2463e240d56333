#include "gateway/net/tls_session.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "base/endpoint.h"
#include "gateway/net/certificate.h"

namespace lastmile::net {

struct TlsSession::Impl {
  CHandle<SSL, SSL_free> ssl;
  BIO* in = nullptr;         // owned by ssl
  BIO* out = nullptr;        // owned by ssl
  TlsClientOptions options;  // of a client
  StreamEnd refusal;         // what is wrong with the peer's certificate
  StreamFault fault = StreamFault::kNone;
  std::vector<TlsContext::Authority> authorities;  // of a server: as when the peer came
  VerifiedPeer verified;
};

namespace {

using VerifyContext = CHandle<X509_STORE_CTX, X509_STORE_CTX_free>;

TlsSession::Impl& SessionOf(X509_STORE_CTX* store) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  return *static_cast<TlsSession::Impl*>(SSL_get_app_data(ssl));
}

// Called by OpenSSL for every certificate of the chain; the verdict stays OpenSSL's.
int OnVerify(int accepted, X509_STORE_CTX* store) noexcept {
  if (accepted == 1) return 1;
  TlsSession::Impl& session = SessionOf(store);
  session.refusal =
      CertificateFault(X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_current_cert(store),
                       session.options.server_name);
  return 0;
}

// Before we show our own certificate, or send a byte.
int VerifyServer(X509_STORE_CTX* store, void*) noexcept {
  TlsSession::Impl& session = SessionOf(store);
  if (!session.options.insecure && X509_verify_cert(store) != 1) return 0;
  const auto& pins = session.options.pins;
  if (pins.empty()) return 1;
  const X509* leaf = X509_STORE_CTX_get0_cert(store);
  const std::string pin = leaf ? PinOf(leaf) : "";
  if (std::ranges::find(pins, pin) != pins.end()) return 1;
  session.refusal = {StreamFault::kPin,
                     fmt::format("has a key that is not pinned: {}", pin.empty() ? "none" : pin)};
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
}

// Why that authority does not vouch for what a client has shown; kNone: it does.
StreamEnd WhyNotVerified(const TlsContext::Authority& authority, X509_STORE_CTX* shown) {
  const VerifyContext verify(X509_STORE_CTX_new());
  const bool ready =
      verify &&
      X509_STORE_CTX_init(verify.get(), authority.store.get(), X509_STORE_CTX_get0_cert(shown),
                          X509_STORE_CTX_get0_untrusted(shown)) == 1 &&
      X509_STORE_CTX_set_default(verify.get(), "ssl_client") == 1;
  if (!ready) return {StreamFault::kCertificate, "has a certificate that cannot be verified here"};
  if (X509_verify_cert(verify.get()) == 1) return {};
  StreamEnd end = CertificateFault(X509_STORE_CTX_get_error(verify.get()),
                                   X509_STORE_CTX_get_current_cert(verify.get()), "");
  if (end.fault == StreamFault::kWrongUsage) {
    end.reason = "has a certificate which is not meant for TLS clients";
  }
  return end;
}

// A client that nobody vouches for is let in: by its address it may still be one we know.
int VerifyClient(X509_STORE_CTX* store, void*) noexcept {
  TlsSession::Impl& session = SessionOf(store);
  const X509* leaf = X509_STORE_CTX_get0_cert(store);
  if (!leaf) return 1;
  VerifiedPeer& verified = session.verified;
  auto names = SipDomainsOf(leaf);
  if (names.empty()) verified.fault = "has a certificate without a SIP domain";
  for (const TlsContext::Authority& authority : session.authorities) {
    if (names.empty()) break;
    StreamEnd end = WhyNotVerified(authority, store);
    if (end.fault == StreamFault::kNone) {
      verified.authorities.push_back(authority.ca_file);
    } else if (verified.fault.empty() || end.fault != StreamFault::kAuthority) {
      // That its own authority finds it expired says more than that the others do not know it.
      verified.fault = std::move(end.reason);
    }
  }
  if (!verified.authorities.empty()) {
    verified.names = std::move(names);
    verified.fault.clear();
  }
  ERR_clear_error();
  X509_STORE_CTX_set_error(store, X509_V_OK);
  return 1;
}

// The peer's alert about our certificate, or about none. "": it was about something else.
std::string OwnCertificateFault(const TlsSession::Impl& session, int reason,
                                const std::string& text) {
  switch (reason) {
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
      return "wants to see a certificate of ours, and there is none for it";
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
      break;
    default:
      return "";
  }
  const std::string& file = session.options.cert_file;
  return fmt::format("refuses our certificate{}{}: {}", file.empty() ? "" : " ", file, text);
}

Error HandshakeFault(TlsSession::Impl& session) {
  if (session.refusal.fault != StreamFault::kNone) {
    ERR_clear_error();
    session.fault = session.refusal.fault;
    return {session.refusal.reason};
  }
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const std::string text = TakeTlsError();
  session.fault = StreamFault::kTls;
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return {fmt::format("does not speak TLS ({})", text)};
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      session.fault = StreamFault::kTlsVersion;
      return {fmt::format("does not speak TLS 1.2 or newer ({})", text)};
    default:
      break;
  }
  if (auto own = OwnCertificateFault(session, reason, text); !own.empty()) {
    session.fault = StreamFault::kOwnCertificate;
    return {std::move(own)};
  }
  return {fmt::format("failed the TLS handshake: {}", text)};
}

Result<std::unique_ptr<TlsSession::Impl>> MakeSession(const TlsContext& context) {
  ERR_clear_error();
  auto session = std::make_unique<TlsSession::Impl>();
  session->ssl.reset(SSL_new(context.get()));
  session->in = BIO_new(BIO_s_mem());
  session->out = BIO_new(BIO_s_mem());
  if (!session->ssl || !session->in || !session->out) {
    BIO_free(session->in);
    BIO_free(session->out);
    return Fail(fmt::format("cannot be met by TLS: {}", TakeTlsError()));
  }
  SSL_set_bio(session->ssl.get(), session->in, session->out);
  SSL_set_app_data(session->ssl.get(), session.get());
  return session;
}

}  // namespace

TlsSession::TlsSession(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsSession::TlsSession(TlsSession&&) noexcept = default;
TlsSession& TlsSession::operator=(TlsSession&&) noexcept = default;
TlsSession::~TlsSession() = default;

Result<TlsSession> TlsSession::Client(const TlsContext& context, const TlsClientOptions& options) {
  auto made = MakeSession(context);
  if (!made) return std::unexpected(made.error());
  Impl& session = **made;
  SSL* ssl = session.ssl.get();
  session.options = options;
  const std::string& name = options.server_name;
  SSL_set_connect_state(ssl);
  SSL_CTX_set_cert_verify_callback(context.get(), VerifyServer, nullptr);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, OnVerify);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  int named = 0;
  if (auto address = IpAddress::Parse(name)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->ToString().c_str());
  } else if (!name.empty()) {
    named =
        SSL_set1_host(ssl, name.c_str()) == 1 && SSL_set_tlsext_host_name(ssl, name.c_str()) == 1;
  }
  if (named != 1) return Fail("has no name that a certificate could carry");
  return TlsSession(std::move(*made));
}

Result<TlsSession> TlsSession::Server(const TlsContext& context) {
  auto made = MakeSession(context);
  if (!made) return std::unexpected(made.error());
  SSL* ssl = (*made)->ssl.get();
  SSL_set_accept_state(ssl);
  for (const auto& authority : context.client_authorities()) {
    (*made)->authorities.push_back(authority.Share());
  }
  if (!(*made)->authorities.empty()) {
    SSL_CTX_set_cert_verify_callback(context.get(), VerifyClient, nullptr);
    SSL_set_verify(ssl, SSL_VERIFY_PEER, nullptr);
  }
  return TlsSession(std::move(*made));
}

void TlsSession::Feed(ByteView encrypted) {
  BIO_write(impl_->in, encrypted.data(), static_cast<int>(encrypted.size()));
}

Result<bool> TlsSession::Handshake() {
  ERR_clear_error();
  const int done = SSL_do_handshake(impl_->ssl.get());
  if (done == 1) return true;
  if (SSL_get_error(impl_->ssl.get(), done) == SSL_ERROR_WANT_READ) return false;
  return std::unexpected(HandshakeFault(*impl_));
}

Result<size_t> TlsSession::Read(MutableByteView out) {
  ERR_clear_error();
  const int count = SSL_read(impl_->ssl.get(), out.data(), static_cast<int>(out.size()));
  if (count > 0) return static_cast<size_t>(count);
  const int error = SSL_get_error(impl_->ssl.get(), count);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return size_t{0};
  // A client refused by the peer after its own handshake ended hears of it here (TLS 1.3).
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const std::string text = TakeTlsError();
  if (auto own = OwnCertificateFault(*impl_, reason, text); !own.empty()) {
    impl_->fault = StreamFault::kOwnCertificate;
    return Fail(std::move(own));
  }
  impl_->fault = StreamFault::kTls;
  return Fail(fmt::format("broke TLS: {}", text));
}

StreamFault TlsSession::fault() const { return impl_->fault; }

const VerifiedPeer& TlsSession::verified() const { return impl_->verified; }

ServerCertificate TlsSession::certificate() const {
  ServerCertificate shown{.version = SSL_get_version(impl_->ssl.get())};
  if (const X509* leaf = SSL_get0_peer_certificate(impl_->ssl.get())) {
    shown.names = NamesOf(leaf);
    shown.issuer = IssuerOf(leaf);
    shown.expires_at = ExpiryOf(leaf);
  }
  return shown;
}

bool TlsSession::peer_closed() const {
  return (SSL_get_shutdown(impl_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

Result<void> TlsSession::Write(ByteView plain) {
  if (plain.empty()) return {};
  ERR_clear_error();
  // A memory buffer takes everything: a short or blocked write does not happen.
  if (SSL_write(impl_->ssl.get(), plain.data(), static_cast<int>(plain.size())) <= 0) {
    impl_->fault = StreamFault::kTls;
    return Fail(fmt::format("cannot be sent to: {}", TakeTlsError()));
  }
  return {};
}

void TlsSession::Shutdown() {
  ERR_clear_error();
  SSL_shutdown(impl_->ssl.get());
  ERR_clear_error();
}

std::string TlsSession::TakeEncrypted() {
  std::string bytes(BIO_ctrl_pending(impl_->out), '\0');
  if (!bytes.empty()) BIO_read(impl_->out, bytes.data(), static_cast<int>(bytes.size()));
  return bytes;
}

}  // namespace lastmile::net

#include "gateway/net/tls_session.h"

#include <fmt/format.h>
#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <utility>
#include <vector>

#include "base/c_handle.h"
#include "base/endpoint.h"
#include "gateway/net/sentences.h"

namespace lastmile::net {

struct TlsSession::Impl {
  CHandle<SSL, SSL_free> ssl;
  BIO* in = nullptr;   // owned by ssl
  BIO* out = nullptr;  // owned by ssl
  std::string server_name;
  std::string certificate_fault;  // why the peer's certificate was refused
};

namespace {

std::string DateOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (!time || ASN1_TIME_to_tm(time, &parts) != 1) return "an unreadable date";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

std::string TextOf(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string AddressText(const ASN1_OCTET_STRING* bytes) {
  const auto* data = ASN1_STRING_get0_data(bytes);
  if (ASN1_STRING_length(bytes) == 4) return IpAddress::V4(LoadBe32(data)).ToString();
  if (ASN1_STRING_length(bytes) != 16) return "?";
  std::array<uint8_t, 16> v6;
  std::copy_n(data, v6.size(), v6.begin());
  return IpAddress::V6(v6).ToString();
}

std::string CommonName(const X509_NAME* name) {
  const int index = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
  const X509_NAME_ENTRY* entry = index < 0 ? nullptr : X509_NAME_get_entry(name, index);
  return entry ? TextOf(X509_NAME_ENTRY_get_data(entry)) : "";
}

// The names a certificate is for: its subjectAltName, or without any its common name.
std::vector<std::string> NamesOf(X509* certificate) {
  std::vector<std::string> names;
  const CHandle<GENERAL_NAMES, GENERAL_NAMES_free> alternatives(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; alternatives && i < sk_GENERAL_NAME_num(alternatives.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(alternatives.get(), i);
    if (name->type == GEN_DNS) names.push_back(TextOf(name->d.dNSName));
    if (name->type == GEN_IPADD) names.push_back(AddressText(name->d.iPAddress));
  }
  if (names.empty()) {
    if (auto common = CommonName(X509_get_subject_name(certificate)); !common.empty()) {
      names.push_back(std::move(common));
    }
  }
  return names;
}

std::string CertificateFault(int error, X509* certificate, const std::string& server_name) {
  if (!certificate) return "sent no certificate";
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "has a self-signed certificate";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return fmt::format("has a certificate of an authority that is not trusted ({})",
                         NameList({CommonName(X509_get_issuer_name(certificate))}));
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return fmt::format("has a certificate which expired on {}",
                         DateOf(X509_get0_notAfter(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return fmt::format("has a certificate which is not valid before {}",
                         DateOf(X509_get0_notBefore(certificate)));
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return fmt::format("has a certificate for {}, not for {}", NameList(NamesOf(certificate)),
                         server_name);
    case X509_V_ERR_INVALID_PURPOSE:
      return "has a certificate which is not meant for TLS servers";
    default:
      return fmt::format("has a certificate that is refused: {}",
                         X509_verify_cert_error_string(error));
  }
}

// Called by OpenSSL for every certificate of the chain; the verdict stays OpenSSL's.
int OnVerify(int accepted, X509_STORE_CTX* store) noexcept {
  if (accepted == 1) return 1;
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  auto* session = static_cast<TlsSession::Impl*>(SSL_get_app_data(ssl));
  session->certificate_fault =
      CertificateFault(X509_STORE_CTX_get_error(store), X509_STORE_CTX_get_current_cert(store),
                       session->server_name);
  return 0;
}

std::string HandshakeFault(const TlsSession::Impl& session) {
  if (!session.certificate_fault.empty()) {
    ERR_clear_error();
    return session.certificate_fault;
  }
  const int reason = ERR_GET_REASON(ERR_peek_error());
  const std::string text = TakeTlsError();
  switch (reason) {
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return fmt::format("does not speak TLS ({})", text);
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
      return fmt::format("does not speak TLS 1.2 or newer ({})", text);
    default:
      return fmt::format("failed the TLS handshake: {}", text);
  }
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

Result<TlsSession> TlsSession::Client(const TlsContext& context, const std::string& server_name) {
  auto made = MakeSession(context);
  if (!made) return std::unexpected(made.error());
  Impl& session = **made;
  SSL* ssl = session.ssl.get();
  session.server_name = server_name;
  SSL_set_connect_state(ssl);
  SSL_set_verify(ssl, SSL_VERIFY_PEER, OnVerify);
  SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  int named = 0;
  if (auto address = IpAddress::Parse(server_name)) {
    named = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), address->ToString().c_str());
  } else if (!server_name.empty()) {
    named = SSL_set1_host(ssl, server_name.c_str()) == 1 &&
            SSL_set_tlsext_host_name(ssl, server_name.c_str()) == 1;
  }
  if (named != 1) return Fail("has no name that a certificate could carry");
  return TlsSession(std::move(*made));
}

Result<TlsSession> TlsSession::Server(const TlsContext& context) {
  auto made = MakeSession(context);
  if (!made) return std::unexpected(made.error());
  SSL_set_accept_state((*made)->ssl.get());
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
  return Fail(HandshakeFault(*impl_));
}

Result<size_t> TlsSession::Read(MutableByteView out) {
  ERR_clear_error();
  const int count = SSL_read(impl_->ssl.get(), out.data(), static_cast<int>(out.size()));
  if (count > 0) return static_cast<size_t>(count);
  const int error = SSL_get_error(impl_->ssl.get(), count);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_ZERO_RETURN) return size_t{0};
  // A client refused by the peer after its own handshake ended hears of it here (TLS 1.3).
  return Fail(fmt::format("broke TLS: {}", TakeTlsError()));
}

bool TlsSession::peer_closed() const {
  return (SSL_get_shutdown(impl_->ssl.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
}

Result<void> TlsSession::Write(ByteView plain) {
  if (plain.empty()) return {};
  ERR_clear_error();
  // A memory buffer takes everything: a short or blocked write does not happen.
  if (SSL_write(impl_->ssl.get(), plain.data(), static_cast<int>(plain.size())) <= 0) {
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

#include "gateway/net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

namespace lastmile::net {

void TlsContext::Free::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }

std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  return fmt::format("error {:#x}", code);
}

namespace {

void SetCommonOptions(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

}  // namespace

Result<TlsContext> TlsContext::ForClients(const std::string& ca_file) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context.get()) return Fail(fmt::format("TLS cannot start: {}", TakeTlsError()));
  SetCommonOptions(context.get());
  const int loaded = ca_file.empty() ? SSL_CTX_set_default_verify_paths(context.get())
                                     : SSL_CTX_load_verify_file(context.get(), ca_file.c_str());
  if (loaded != 1) {
    return Fail(fmt::format("cannot read the certificate authorities in {}: {}",
                            ca_file.empty() ? "the system's store" : ca_file, TakeTlsError()));
  }
  return context;
}

Result<TlsContext> TlsContext::ForServer(const TlsServerOptions& options) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context.get()) return Fail(fmt::format("TLS cannot start: {}", TakeTlsError()));
  SetCommonOptions(context.get());
  if (SSL_CTX_use_certificate_chain_file(context.get(), options.cert_file.c_str()) != 1) {
    return Fail(
        fmt::format("cannot use the certificate {}: {}", options.cert_file, TakeTlsError()));
  }
  if (SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Fail(fmt::format("cannot use the key {} with the certificate {}: {}", options.key_file,
                            options.cert_file, TakeTlsError()));
  }
  return context;
}

}  // namespace lastmile::net

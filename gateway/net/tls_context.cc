#include "gateway/net/tls_context.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cstring>
#include <utility>

namespace lastmile::net {

void TlsContext::Free::operator()(ssl_ctx_st* context) const noexcept { SSL_CTX_free(context); }
void TlsContext::Free::operator()(x509_store_st* store) const noexcept { X509_STORE_free(store); }

TlsContext::Authority TlsContext::Authority::Share() const {
  X509_STORE_up_ref(store.get());
  return {ca_file, Store(store.get())};
}

std::string TakeTlsError() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "unknown error";
  if (ERR_SYSTEM_ERROR(code)) return std::strerror(ERR_GET_REASON(code));
  if (const char* reason = ERR_reason_error_string(code)) return reason;
  return fmt::format("error {:#x}", code);
}

namespace {

// Never asks the terminal: a key with a pass phrase is an error here.
int NoPassPhrase(char*, int, int, void*) noexcept { return -1; }

void SetCommonOptions(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_default_passwd_cb(context, NoPassPhrase);
}

Result<TlsContext::Store> ReadAuthorities(const std::string& ca_file) {
  TlsContext::Store store(X509_STORE_new());
  const bool loaded =
      store && (ca_file.empty() ? X509_STORE_set_default_paths(store.get())
                                : X509_STORE_load_file(store.get(), ca_file.c_str())) == 1;
  if (loaded) return store;
  return Fail(fmt::format("cannot read the certificate authorities in {}: {}",
                          ca_file.empty() ? "the system's store" : ca_file, TakeTlsError()));
}

Result<void> UseCertificate(SSL_CTX* context, const std::string& cert, const std::string& key) {
  if (SSL_CTX_use_certificate_chain_file(context, cert.c_str()) != 1) {
    return Fail(fmt::format("cannot use the certificate {}: {}", cert, TakeTlsError()));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return Fail(fmt::format("cannot use the key {} with the certificate {}: {}", key, cert,
                            TakeTlsError()));
  }
  return {};
}

void AddAuthorities(const std::string& ca_file, std::vector<std::string>& files) {
  if (!ca_file.empty()) {
    files.push_back(ca_file);
    return;
  }
  files.emplace_back(X509_get_default_cert_file());
  files.emplace_back(X509_get_default_cert_dir());
}

}  // namespace

Result<TlsContext> TlsContext::ForClients(const TlsClientOptions& options) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_client_method()));
  if (!context.get()) return Fail(fmt::format("TLS cannot start: {}", TakeTlsError()));
  SetCommonOptions(context.get());
  if (!options.insecure) {
    auto store = ReadAuthorities(options.ca_file);
    if (!store) return std::unexpected(store.error());
    SSL_CTX_set_cert_store(context.get(), store->release());
  }
  if (!options.cert_file.empty()) {
    auto used = UseCertificate(context.get(), options.cert_file, options.key_file);
    if (!used) return std::unexpected(used.error());
  }
  return context;
}

Result<TlsContext> TlsContext::ForServer(const TlsServerOptions& options) {
  ERR_clear_error();
  TlsContext context(SSL_CTX_new(TLS_server_method()));
  if (!context.get()) return Fail(fmt::format("TLS cannot start: {}", TakeTlsError()));
  SetCommonOptions(context.get());
  auto used = UseCertificate(context.get(), options.cert_file, options.key_file);
  if (!used) return std::unexpected(used.error());
  for (const std::string& ca_file : options.client_ca_files) {
    auto store = ReadAuthorities(ca_file);
    if (!store) return std::unexpected(store.error());
    context.client_authorities_.push_back({ca_file, std::move(*store)});
  }
  return context;
}

std::vector<std::string> TlsContext::FilesOf(const TlsClientOptions& options) {
  std::vector<std::string> files;
  if (!options.insecure) AddAuthorities(options.ca_file, files);
  if (!options.cert_file.empty()) files.insert(files.end(), {options.cert_file, options.key_file});
  return files;
}

std::vector<std::string> TlsContext::FilesOf(const TlsServerOptions& options) {
  std::vector<std::string> files = {options.cert_file, options.key_file};
  for (const std::string& ca_file : options.client_ca_files) AddAuthorities(ca_file, files);
  return files;
}

}  // namespace lastmile::net

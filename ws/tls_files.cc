#include "ws/tls_files.h"

#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/c_handle.h"
#include "base/log.h"

namespace lastmile::ws {
namespace {

using File = CHandle<std::FILE, std::fclose>;
using Certificate = CHandle<X509, X509_free>;
using Key = CHandle<EVP_PKEY, EVP_PKEY_free>;

Result<File> Open(const std::string& path, std::string_view what, std::string_view config_path) {
  if (path.empty()) return Fail(fmt::format("{}: TLS needs a {} file", config_path, what));
  File file(std::fopen(path.c_str(), "re"));
  if (!file) {
    return Fail(fmt::format("{}: {} file {}: {}", config_path, what, path, std::strerror(errno)));
  }
  return file;
}

// Never asks the terminal: a key with a pass phrase is an error here.
int NoPassPhrase(char*, int, int, void*) noexcept { return -1; }

}  // namespace

Result<void> CheckTlsFiles(const std::string& cert_file, const std::string& key_file,
                           std::string_view config_path) {
  auto cert_stream = Open(cert_file, "certificate", config_path);
  if (!cert_stream) return std::unexpected(cert_stream.error());
  auto key_stream = Open(key_file, "key", config_path);
  if (!key_stream) return std::unexpected(key_stream.error());

  const Certificate cert(PEM_read_X509(cert_stream->get(), nullptr, NoPassPhrase, nullptr));
  const Key key(PEM_read_PrivateKey(key_stream->get(), nullptr, NoPassPhrase, nullptr));
  ERR_clear_error();
  if (!cert) return Fail(fmt::format("{}: {} holds no PEM certificate", config_path, cert_file));
  if (!key) {
    return Fail(
        fmt::format("{}: {} holds no PEM key without a pass phrase", config_path, key_file));
  }
  if (X509_check_private_key(cert.get(), key.get()) != 1) {
    ERR_clear_error();
    return Fail(fmt::format("{}: the key {} does not fit the certificate {}", config_path, key_file,
                            cert_file));
  }
  if (X509_cmp_current_time(X509_get0_notAfter(cert.get())) < 0) {
    spdlog::warn("{}: the certificate {} has expired", config_path, cert_file);
  }
  return {};
}

}  // namespace lastmile::ws

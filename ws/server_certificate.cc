#include "ws/server_certificate.h"

#include <libwebsockets.h>

#include <utility>

#include "base/log.h"
#include "ws/tls_files.h"

namespace lastmile::ws {

ServerCertificate::ServerCertificate(std::string cert_file, std::string key_file,
                                     std::string config_path)
    : cert_file_(std::move(cert_file)),
      key_file_(std::move(key_file)),
      config_path_(std::move(config_path)),
      watch_({cert_file_, key_file_}) {}

Result<void> ServerCertificate::Check() {
  static_cast<void>(watch_.HasChanged(MonotonicNow()));
  return CheckTlsFiles(cert_file_, key_file_, config_path_);
}

void ServerCertificate::Refresh(lws_context* context, TimePoint now) {
  if (!watch_.HasChanged(now)) return;
  if (auto checked = CheckTlsFiles(cert_file_, key_file_, config_path_); !checked) {
    spdlog::error("ws: TLS files have changed, and the old ones stay in use: {}",
                  checked.error().message);
    return;
  }
  lws_tls_cert_updated(context, cert_file_.c_str(), key_file_.c_str(), nullptr, 0, nullptr, 0);
  spdlog::info("ws: TLS files have changed and are in use for new connections: {}", cert_file_);
}

}  // namespace lastmile::ws

#include "gateway/app/trunk_tls.h"

#include <algorithm>

namespace lastmile::app {

net::TlsClientOptions TlsOptionsOf(const trunk::Trunk& trunk, const std::string& host) {
  const trunk::TrunkTls& tls = trunk.trust;
  return {.server_name = tls.server_name.empty() ? host : tls.server_name,
          .ca_file = tls.ca_file,
          .cert_file = tls.cert_file,
          .key_file = tls.key_file,
          .pins = tls.pins,
          .insecure = tls.insecure};
}

net::TlsServerOptions TlsListenerOptions(const Config& config) {
  net::TlsServerOptions options{.cert_file = config.tls_cert, .key_file = config.tls_key};
  std::vector<std::string>& authorities = options.client_ca_files;
  for (const trunk::Trunk& trunk : config.trunks) {
    const std::string& file = trunk.trust.ca_file;
    if (trunk.trust.accept_names.empty()) continue;
    if (std::ranges::find(authorities, file) == authorities.end()) authorities.push_back(file);
  }
  return options;
}

}  // namespace lastmile::app

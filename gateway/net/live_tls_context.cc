#include "gateway/net/live_tls_context.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace lastmile::net {

LiveTlsContext::LiveTlsContext(const std::vector<std::string>& files, Make make)
    : make_(std::move(make)), watch_(files) {}

Result<const TlsContext*> LiveTlsContext::Get(TimePoint now) {
  const bool changed = watch_.HasChanged(now);
  if (context_ && !changed) return &*context_;
  auto made = make_();
  if (made) {
    if (context_) spdlog::info("net: TLS files have changed and are in use for new connections");
    context_ = std::move(*made);
  } else if (context_) {
    spdlog::error("net: TLS files have changed, and the old ones stay in use: {}",
                  made.error().message);
  } else {
    return std::unexpected(made.error());
  }
  return &*context_;
}

}  // namespace lastmile::net

#ifndef LASTMILE_GATEWAY_NET_LIVE_TLS_CONTEXT_H_
#define LASTMILE_GATEWAY_NET_LIVE_TLS_CONTEXT_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/file_watch.h"
#include "base/result.h"
#include "base/time.h"
#include "gateway/net/tls_context.h"

namespace lastmile::net {

// A TLS context that follows its files: who opens or accepts a connection asks for it anew, and
// connections that stand keep the one they were made with. Files that turn out to be broken change
// nothing and are told once. Thread: the loop's.
class LiveTlsContext {
 public:
  using Make = std::function<Result<TlsContext>()>;

  LiveTlsContext(const std::vector<std::string>& files, Make make);

  // The error: there was never a context. Valid until the next call.
  Result<const TlsContext*> Get(TimePoint now);

 private:
  const Make make_;
  FileWatch watch_;
  std::optional<TlsContext> context_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_LIVE_TLS_CONTEXT_H_

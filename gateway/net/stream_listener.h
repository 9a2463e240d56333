#ifndef LASTMILE_GATEWAY_NET_STREAM_LISTENER_H_
#define LASTMILE_GATEWAY_NET_STREAM_LISTENER_H_

#include <functional>
#include <memory>
#include <optional>

#include "base/endpoint.h"
#include "base/result.h"
#include "gateway/net/live_tls_context.h"
#include "gateway/net/loop_impl.h"
#include "gateway/net/stream_hub.h"
#include "gateway/net/uv_handle.h"

namespace lastmile::net {

// One listening TCP socket. Thread: the loop's.
class StreamListener {
 public:
  // A peer is there: Accept() it.
  using OnPeer = std::function<void(StreamListener& listener)>;

  StreamListener(Loop::Impl& loop, OnPeer on_peer);
  StreamListener(const StreamListener&) = delete;
  StreamListener& operator=(const StreamListener&) = delete;

  Result<Endpoint> Start(const ListenOptions& options);
  // The next waiting peer's socket, whose handle points at nothing yet; null: it went away.
  UvTcp Accept();
  bool uses_tls() const { return tls_.has_value(); }
  // For the next connection; only with uses_tls().
  const TlsContext& CurrentTls();

 private:
  Loop::Impl& loop_;
  OnPeer on_peer_;
  std::optional<LiveTlsContext> tls_;
  UvTcp socket_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_STREAM_LISTENER_H_

#include "gateway/net/stream_listener.h"

#include <spdlog/spdlog.h>
#include <uv.h>

#include <cstring>
#include <utility>

#include "gateway/net/sentences.h"

namespace lastmile::net {
namespace {

constexpr int kBacklog = 512;

}  // namespace

StreamListener::StreamListener(Loop::Impl& loop, OnPeer on_peer)
    : loop_(loop), on_peer_(std::move(on_peer)) {}

Result<Endpoint> StreamListener::Start(const ListenOptions& options) {
  if (options.use_tls) {
    tls_.emplace(TlsContext::FilesOf(options.tls),
                 [tls = options.tls] { return TlsContext::ForServer(tls); });
    if (auto context = tls_->Get(MonotonicNow()); !context) return std::unexpected(context.error());
  }
  socket_ = NewTcp(loop_.uv(), this);
  sockaddr_storage storage;
  options.address.ToSockaddr(storage);
  int error = uv_tcp_bind(socket_.get(), reinterpret_cast<sockaddr*>(&storage), 0);
  if (error == 0) {
    error = uv_listen(reinterpret_cast<uv_stream_t*>(socket_.get()), kBacklog,
                      [](uv_stream_t* server, int status) {
                        auto* self = static_cast<StreamListener*>(server->data);
                        if (!self) return;
                        if (status == 0) return self->on_peer_(*self);
                        spdlog::warn("net: a peer could not be accepted: {}", uv_strerror(status));
                      });
  }
  int length = sizeof storage;
  if (error == 0) {
    error = uv_tcp_getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &length);
  }
  if (error != 0) return Fail(ListenFailure(error, options.address.ToString()));
  return Endpoint::FromSockaddr(storage);
}

// Start() has made one: from then on there always is one.
const TlsContext& StreamListener::CurrentTls() { return **tls_->Get(MonotonicNow()); }

UvTcp StreamListener::Accept() {
  UvTcp peer = NewTcp(loop_.uv(), nullptr);
  const int error = uv_accept(reinterpret_cast<uv_stream_t*>(socket_.get()),
                              reinterpret_cast<uv_stream_t*>(peer.get()));
  return error == 0 ? std::move(peer) : nullptr;
}

}  // namespace lastmile::net

#ifndef LASTMILE_GATEWAY_NET_TLS_CONTEXT_H_
#define LASTMILE_GATEWAY_NET_TLS_CONTEXT_H_

#include <memory>
#include <string>

#include "base/result.h"
#include "gateway/net/stream_hub.h"

struct ssl_ctx_st;

namespace lastmile::net {

// What many TLS sessions share: trust anchors, or our certificate and key. TLS 1.2 or newer, no
// renegotiation, no compression. Thread: the loop's; sessions made from it may outlive it.
class TlsContext {
 public:
  // Always verifies the peer. `ca_file`: PEM, empty: the system's authorities. The error names the
  // file and what is wrong with it.
  static Result<TlsContext> ForClients(const std::string& ca_file);
  // The chain of cert_file is sent as it is there; key_file must fit its first certificate.
  static Result<TlsContext> ForServer(const TlsServerOptions& options);

  ssl_ctx_st* get() const { return context_.get(); }

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const noexcept;
  };
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  std::unique_ptr<ssl_ctx_st, Free> context_;
};

// The first error OpenSSL has queued on this thread, in its words; the queue is empty afterwards.
std::string TakeTlsError();

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_TLS_CONTEXT_H_

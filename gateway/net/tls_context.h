#ifndef LASTMILE_GATEWAY_NET_TLS_CONTEXT_H_
#define LASTMILE_GATEWAY_NET_TLS_CONTEXT_H_

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gateway/net/stream_hub.h"

struct ssl_ctx_st;
struct x509_store_st;

namespace lastmile::net {

// What many TLS sessions share: trust anchors, or our certificate and key. TLS 1.2 or newer, no
// renegotiation, no compression, no resumption: every connection verifies anew. Thread: the loop's;
// sessions made from it may outlive it. Errors name the file and what is wrong with it.
class TlsContext {
 public:
  struct Free {
    void operator()(ssl_ctx_st* context) const noexcept;
    void operator()(x509_store_st* store) const noexcept;
  };
  using Store = std::unique_ptr<x509_store_st, Free>;
  // Who may vouch for clients.
  struct Authority {
    std::string ca_file;  // "": the system's
    Store store;

    Authority Share() const;  // the same store once more
  };

  // Of `options` the files and `insecure`: a session checks the rest.
  static Result<TlsContext> ForClients(const TlsClientOptions& options);
  // The chain of cert_file is sent as it is there; key_file must fit its first certificate.
  static Result<TlsContext> ForServer(const TlsServerOptions& options);
  // What the contexts are made of, the folder of the system's authorities included.
  static std::vector<std::string> FilesOf(const TlsClientOptions& options);
  static std::vector<std::string> FilesOf(const TlsServerOptions& options);

  ssl_ctx_st* get() const { return context_.get(); }
  const std::vector<Authority>& client_authorities() const { return client_authorities_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}

  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::vector<Authority> client_authorities_;
};

// The first error OpenSSL has queued on this thread, in its words; the queue is empty afterwards.
std::string TakeTlsError();

}  // namespace lastmile::net

#endif  // LASTMILE_GATEWAY_NET_TLS_CONTEXT_H_

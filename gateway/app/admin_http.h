#ifndef LASTMILE_GATEWAY_APP_ADMIN_HTTP_H_
#define LASTMILE_GATEWAY_APP_ADMIN_HTTP_H_

#include <functional>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "gateway/net/stream_hub.h"

namespace lastmile::app {

// The HTTP of `listen.admin`: GET /metrics and /healthz, one request a connection. Bytes of streams
// go in, whole responses come out; the owner closes the stream after one. Thread: signalling.
class AdminHttp {
 public:
  // `metrics` makes the body of /metrics.
  explicit AdminHttp(std::function<std::string()> metrics) : metrics_(std::move(metrics)) {}

  // False: there are kMaxStreams already and the stream has to be closed.
  bool OnOpen(net::StreamId stream, TimePoint now);
  bool Has(net::StreamId stream) const { return streams_.contains(stream); }
  // The response, once the request is complete or refused.
  std::optional<std::string> OnBytes(net::StreamId stream, ByteView bytes);
  void OnClosed(net::StreamId stream) { streams_.erase(stream); }
  // Those that asked for nothing within kMaxIdle of their opening; the owner closes them.
  std::vector<net::StreamId> TakeIdle(TimePoint now);
  TimePoint next_timeout() const;

  static constexpr size_t kMaxStreams = 64;
  static constexpr Duration kMaxIdle = 10s;

 private:
  struct Stream {
    std::string text;  // what came so far
    TimePoint until;
  };

  std::string Respond(std::string_view method, std::string_view target) const;

  std::function<std::string()> metrics_;
  std::unordered_map<net::StreamId, Stream> streams_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_ADMIN_HTTP_H_

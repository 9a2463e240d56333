#ifndef LASTMILE_TESTS_COMPONENT_NET_HUB_WORLD_H_
#define LASTMILE_TESTS_COMPONENT_NET_HUB_WORLD_H_

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "gateway/net/loop.h"
#include "gateway/net/stream_hub.h"

namespace lastmile::net {

// A hub with a loop under it and a sink that writes down what it hears. One thread.
class HubWorld final : public StreamSink {
 public:
  struct Heard {
    bool open = false;
    bool inbound = false;
    bool tls = false;
    Endpoint local;
    Endpoint peer;
    VerifiedPeer verified;
    std::optional<ServerCertificate> certificate;
    std::string bytes;
    std::optional<std::string> closed;  // the reason
    StreamFault fault = StreamFault::kNone;
  };

  explicit HubWorld(const std::string& dns_servers = "");
  ~HubWorld() override;

  // Turns the loop until `done` or the limit; returns done().
  bool RunUntil(const std::function<bool()>& done, Duration limit = 10s);
  // Listens on 127.0.0.1, any port.
  Endpoint Listen(const TlsServerOptions* tls = nullptr);
  // The reason with which `stream` ends; "(still there)" if it does not.
  std::string ReasonOf(StreamId stream);
  std::vector<StreamId> Inbound() const;

  Loop loop;
  std::optional<StreamHub> hub;
  std::map<StreamId, Heard> heard;
  bool echo = true;         // inbound bytes go back
  bool inside_hub = false;  // set by a test around a call of the hub: no callback may come

 private:
  void OnStreamOpen(StreamId stream, const StreamPeer& peer) override;
  void OnStreamBytes(StreamId stream, ByteView bytes) override;
  void OnStreamClosed(StreamId stream, const StreamEnd& end) override;
};

size_t OpenFileCount();

// A socket made by the test itself, closed with it. Loopback only.
class RawSocket {
 public:
  explicit RawSocket(int type);  // SOCK_STREAM or SOCK_DGRAM
  ~RawSocket();
  RawSocket(const RawSocket&) = delete;
  RawSocket& operator=(const RawSocket&) = delete;

  Endpoint Bind(const Endpoint& address);
  // Nothing: somebody else has the port.
  std::optional<Endpoint> TryBind(const Endpoint& address);
  void ConnectTo(const Endpoint& peer);
  // What is there now, at most `limit` bytes; empty: nothing.
  std::string ReadNow(size_t limit);
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace lastmile::net

#endif  // LASTMILE_TESTS_COMPONENT_NET_HUB_WORLD_H_

#ifndef LASTMILE_MEDIA_ANCHOR_IO_MEDIA_ENGINE_H_
#define LASTMILE_MEDIA_ANCHOR_IO_MEDIA_ENGINE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/mailbox.h"
#include "base/result.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/trunk_timeout.h"

namespace lastmile::media {

// Full ICE (RFC 8445) for a gateway that is itself behind a NAT: an agent a call gathers candidates
// on `browser_bind`, or on every address of the machine if that is any, and sends checks.
struct FullIceOptions {
  struct Server {
    std::string host;  // a name, or an address without brackets
    uint16_t port = 3478;
  };
  struct Relay {
    Server server;
    std::string username;
    std::string password;
  };
  // Tells an agent its address outside. Of several one is used, the next once it does not answer.
  std::vector<Server> stun = {};
  std::vector<Relay> turn = {};  // over UDP; each gives a candidate
  // The browser's candidates in private networks are sent checks, too.
  bool private_peers = false;
};

struct MediaOptions {
  // Browser side: worker n listens on UDP port browser_port + n; port 0 takes any free port.
  IpAddress browser_bind;
  std::vector<IpAddress> browser_advertise;  // candidates of the SDP, best first; never empty
  uint16_t browser_port = 20000;
  // The same for TCP (RFC 6544); nothing: browsers come over UDP alone.
  std::optional<uint16_t> browser_tcp_port = std::nullopt;
  // Trunk side: an even port for RTP and the next one for RTCP a session.
  IpAddress trunk_bind;
  IpAddress trunk_advertise;
  uint16_t trunk_port_min = 30000;
  uint16_t trunk_port_max = 39999;
  int workers = 1;
  // Instead of ICE-lite, browser_advertise and browser_tcp_port; the workers then have no
  // browser_port.
  std::optional<FullIceOptions> full_ice = std::nullopt;
  Duration browser_silent_after = 10s;  // no consent check and no SRTP for so long: BrowserSilent
  Duration trunk_timeout = kTrunkTimeout;  // nothing of a trunk leg for so long: SessionFailed
};

struct MediaGauges {
  uint32_t sessions = 0;
  uint32_t ports_in_use = 0;     // trunk UDP ports bound
  uint32_t tcp_connections = 0;  // of browsers, and such as have not shown that they are one's
  uint64_t tcp_refused = 0;      // that never showed it, up to now
};

// The media anchor: worker threads that relay between browser legs and trunk legs. The only public
// header of the anchor's shell.
class MediaEngine {
 public:
  // `events` outlives the engine. States are never dropped: if `events` is full, the worker keeps
  // the event and tries again on its next turn.
  MediaEngine(MediaOptions options, Mailbox<MediaEvent>& events);
  ~MediaEngine();

  // Binds the browser ports and starts the workers. Errors name address, port and cause.
  Result<void> Start();
  // Any thread. OpenSession and OpenBridge go to the worker with the fewest sessions, the other
  // commands to the session's worker. False: that worker's mailbox is full and nothing was done.
  [[nodiscard]] bool Post(MediaCommand command);
  // Closes all sessions (SessionClosed is still posted for each), joins the workers. Idempotent.
  void Stop();

  MediaGauges gauges() const;  // any thread
  // Valid after Start(), one a worker; with full ICE none.
  const std::vector<Endpoint>& browser_sockets() const;
  // The same over TCP; empty: there is no such port.
  const std::vector<Endpoint>& browser_tcp_sockets() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_MEDIA_ENGINE_H_

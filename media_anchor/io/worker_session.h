#ifndef LASTMILE_MEDIA_ANCHOR_IO_WORKER_SESSION_H_
#define LASTMILE_MEDIA_ANCHOR_IO_WORKER_SESSION_H_

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media_anchor/core/anchor_session.h"
#include "media_anchor/core/trunk_bridge.h"
#include "media_anchor/io/pipe_end.h"
#include "media_anchor/io/port_pool.h"
#include "media_anchor/io/udp_socket.h"
#include "media_anchor/io/worker.h"

// What a worker keeps of one session: for the files of Worker alone. Thread: the worker's.
namespace lastmile::media {

// What the epoll set gives back for a trunk socket.
struct Worker::TrunkPort : Watched {
  Session* session;
  UdpSocket* socket;
  MediaKind kind;
  bool is_rtcp;
};

// The trunk sockets of one media section.
struct Worker::TrunkSide {
  TrunkSide(Session* session, MediaKind kind, PortPool::Pair pair)
      : ports(std::move(pair)),
        rtp{{Watched::Kind::kTrunkUdp}, session, &ports.rtp, kind, false},
        rtcp{{Watched::Kind::kTrunkUdp}, session, &ports.rtcp, kind, true} {}
  TrunkSide(const TrunkSide&) = delete;
  TrunkSide& operator=(const TrunkSide&) = delete;

  PortPool::Pair ports;
  TrunkPort rtp;
  TrunkPort rtcp;
  // RTP and RTCP addresses the sockets are connected to, or cannot be.
  std::optional<std::pair<Endpoint, Endpoint>> tried;
};

// A session's end of the pipe to its agent of full ICE.
struct Worker::AgentPipe : Watched {
  AgentPipe(Session* owner, PipeEnd made)
      : Watched{Watched::Kind::kAgent}, session(owner), end(std::move(made)) {}
  Session* session;
  PipeEnd end;
};

struct Worker::Session {
  explicit Session(std::unique_ptr<AnchorSession> of_call)
      : anchor(of_call.get()), core(std::move(of_call)) {}
  explicit Session(std::unique_ptr<TrunkBridge> between_trunks)
      : bridge(between_trunks.get()), core(std::move(between_trunks)) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::optional<TrunkSide>& trunk(MediaKind kind) { return trunks[static_cast<size_t>(kind)]; }
  const std::optional<TrunkSide>& trunk(MediaKind kind) const {
    return trunks[static_cast<size_t>(kind)];
  }

  // `core`, by what it is: the other one is null.
  AnchorSession* const anchor = nullptr;
  TrunkBridge* const bridge = nullptr;
  const std::unique_ptr<SessionCore> core;
  // Audio always, video while it is open; of a bridge audio and second audio.
  std::array<std::optional<TrunkSide>, kMediaKinds> trunks;
  std::vector<std::string> ufrags;          // its keys in by_ufrag_: two during a restart
  std::vector<Endpoint> browser_addresses;  // its keys in by_address_
  std::vector<Path> tcp;                    // by_tcp_ has their connections
  std::optional<AgentPipe> agent;           // of full ICE
  std::vector<IceCandidate> gathered;       // by that agent
  bool connected = false;
  bool over_tcp = false;       // as was told last
  TimePoint transport_told{};  // when it was another one than before
  TimePoint scheduled = kNever;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_WORKER_SESSION_H_

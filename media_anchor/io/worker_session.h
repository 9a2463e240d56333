#ifndef LASTMILE_MEDIA_ANCHOR_IO_WORKER_SESSION_H_
#define LASTMILE_MEDIA_ANCHOR_IO_WORKER_SESSION_H_

#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "media_anchor/core/anchor_session.h"
#include "media_anchor/io/port_pool.h"
#include "media_anchor/io/udp_socket.h"
#include "media_anchor/io/worker.h"

// What a worker keeps of one session: for the files of Worker alone. Thread: the worker's.
namespace lastmile::media {

// What the epoll set gives back for a trunk socket.
struct Worker::TrunkPort {
  Session* session;
  UdpSocket* socket;
  MediaKind kind;
  bool is_rtcp;
};

// The trunk sockets of one media section.
struct Worker::TrunkSide {
  TrunkSide(Session* session, MediaKind kind, PortPool::Pair pair)
      : ports(std::move(pair)),
        rtp{session, &ports.rtp, kind, false},
        rtcp{session, &ports.rtcp, kind, true} {}
  TrunkSide(const TrunkSide&) = delete;
  TrunkSide& operator=(const TrunkSide&) = delete;

  PortPool::Pair ports;
  TrunkPort rtp;
  TrunkPort rtcp;
  // RTP and RTCP addresses the sockets are connected to, or cannot be.
  std::optional<std::pair<Endpoint, Endpoint>> tried;
};

struct Worker::Session {
  Session(const DtlsContext& context, AnchorSession::Options core_options, RandomSource& random,
          TimePoint now)
      : core(context, std::move(core_options), random, now) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  std::optional<TrunkSide>& trunk(MediaKind kind) { return trunks[static_cast<size_t>(kind)]; }
  const std::optional<TrunkSide>& trunk(MediaKind kind) const {
    return trunks[static_cast<size_t>(kind)];
  }

  AnchorSession core;
  std::array<std::optional<TrunkSide>, 2> trunks;  // audio always, video while it is open
  std::vector<std::string> ufrags;                 // its keys in by_ufrag_: two during a restart
  std::vector<Endpoint> browser_addresses;         // its keys in by_address_
  TimePoint scheduled = kNever;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_IO_WORKER_SESSION_H_

#ifndef LASTMILE_GATEWAY_APP_TRUNK_STREAMS_H_
#define LASTMILE_GATEWAY_APP_TRUNK_STREAMS_H_

#include <unordered_map>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "gateway/net/stream_hub.h"
#include "gateway/trunk/trunk_edge.h"

namespace lastmile::app {

// The streams of a TrunkEdge: carries out what it wants of a StreamHub, and tells it what becomes
// of them. Streams of others on the same hub are ignored. Thread: the loop's.
class TrunkStreams {
 public:
  // All of them outlive it; `trunks` are those of the edge.
  TrunkStreams(trunk::TrunkEdge& edge, const std::vector<trunk::Trunk>& trunks,
               net::StreamHub& hub);

  // True: the edge was told something, and may have new outputs.
  bool Apply(const trunk::TrunkOutput& output, TimePoint now);
  // As of StreamSink.
  void OnOpen(net::StreamId stream, const net::StreamPeer& peer, TimePoint now);
  void OnBytes(net::StreamId stream, ByteView bytes, TimePoint now);
  void OnClosed(net::StreamId stream, const net::StreamEnd& end, TimePoint now);

 private:
  void Open(const trunk::OpenStream& open);
  void Ask(const trunk::LookUp& look_up);

  trunk::TrunkEdge& edge_;
  const std::vector<trunk::Trunk>& trunks_;
  net::StreamHub& hub_;
  std::unordered_map<net::StreamId, sip::FlowId> flows_;
  std::unordered_map<sip::FlowId, net::StreamId> streams_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_TRUNK_STREAMS_H_

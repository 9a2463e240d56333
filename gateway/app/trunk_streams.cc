#include "gateway/app/trunk_streams.h"

#include <variant>

#include "base/log.h"
#include "gateway/app/trunk_tls.h"

namespace lastmile::app {

TrunkStreams::TrunkStreams(trunk::TrunkEdge& edge, const std::vector<trunk::Trunk>& trunks,
                           net::StreamHub& hub)
    : edge_(edge), trunks_(trunks), hub_(hub) {}

bool TrunkStreams::Apply(const trunk::TrunkOutput& output, TimePoint now) {
  if (const auto* open = std::get_if<trunk::OpenStream>(&output)) {
    Open(*open);
  } else if (const auto* send = std::get_if<trunk::SendBytes>(&output)) {
    const auto found = streams_.find(send->flow);
    if (found != streams_.end() && !hub_.Send(found->second, send->bytes)) {
      spdlog::warn("leg=trunk flow={} has no room for a message", send->flow.value);
    }
  } else if (const auto* close = std::get_if<trunk::CloseStream>(&output)) {
    const auto found = streams_.find(close->flow);
    if (found != streams_.end()) hub_.Close(found->second, close->reason);
  } else if (const auto* look_up = std::get_if<trunk::LookUp>(&output)) {
    Ask(*look_up);
    return true;
  } else if (const auto* check = std::get_if<trunk::CheckStream>(&output)) {
    const auto found = streams_.find(check->flow);
    const bool stalled = found != streams_.end() && hub_.IsStalled(found->second);
    edge_.OnStreamChecked(check->flow, stalled, now);
    return true;
  }
  return false;
}

void TrunkStreams::Open(const trunk::OpenStream& open) {
  const trunk::Trunk& trunk = trunks_[open.trunk];
  const net::StreamId stream = hub_.Connect({.host = open.endpoint.address.ToString(),
                                             .port = open.endpoint.port,
                                             .use_tls = trunk.tls,
                                             .tls = TlsOptionsOf(trunk, open.host),
                                             .connect_timeout = open.connect_timeout});
  flows_[stream] = open.flow;
  streams_[open.flow] = stream;
}

void TrunkStreams::Ask(const trunk::LookUp& look_up) {
  hub_.LookUp(look_up.name, look_up.type, [this, id = look_up.id](const DnsAnswer& answer) {
    edge_.OnLookedUp(id, answer, MonotonicNow());
  });
}

void TrunkStreams::OnOpen(net::StreamId stream, const net::StreamPeer& peer, TimePoint now) {
  if (peer.inbound) {
    const sip::FlowId flow = edge_.OnInboundStream(peer.address, peer.tls, peer.verified);
    flows_[stream] = flow;
    streams_[flow] = stream;
    return;
  }
  const auto found = flows_.find(stream);
  if (found != flows_.end()) edge_.OnStreamOpen(found->second, peer.address, now);
}

void TrunkStreams::OnBytes(net::StreamId stream, ByteView bytes, TimePoint now) {
  const auto found = flows_.find(stream);
  if (found != flows_.end()) edge_.OnStreamBytes(found->second, bytes, now);
}

void TrunkStreams::OnClosed(net::StreamId stream, const net::StreamEnd& end, TimePoint now) {
  const auto found = flows_.find(stream);
  if (found == flows_.end()) return;
  const sip::FlowId flow = found->second;
  spdlog::info("leg=trunk flow={} stream closed: {}", flow.value, end.reason);
  flows_.erase(found);
  streams_.erase(flow);
  edge_.OnStreamClosed(flow, now, end.reason);
}

}  // namespace lastmile::app

#include "tests/bench/load/call_audio.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "sdp/attributes.h"

namespace lastmile::bench {
namespace {

const IpAddress kLoopback = IpAddress::V4(0x7f000001);

void Require(bool ok, const std::string& sdp) {
  if (ok) return;
  std::fprintf(stderr, "no media in this SDP:\n%s\n", sdp.c_str());
  std::exit(1);
}

}  // namespace

ClientAudio::ClientAudio(LoadLoop& loop, uint32_t number, Tally& tally)
    : loop_(loop),
      peer_({.bind = kLoopback, .hands_out_keys = true}),
      leg_(peer_.fd(), number, tally) {
  loop_.Watch(peer_.fd(), *this);
}

ClientAudio::~ClientAudio() { loop_.Unwatch(peer_.fd(), *this); }

std::string ClientAudio::Describe(bool offer) {
  const media::BrowserRemote own = peer_.Description();
  const auto& print = own.fingerprints.front();
  return fmt::format(
      "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "a=group:BUNDLE 0\r\nm=audio {0} UDP/TLS/RTP/SAVPF 8\r\nc=IN IP4 127.0.0.1\r\n"
      "a=rtcp:{0} IN IP4 127.0.0.1\r\n"
      "a=candidate:1 1 udp 2122260223 127.0.0.1 {0} typ host\r\n"
      "a=ice-ufrag:{1}\r\na=ice-pwd:{2}\r\na=fingerprint:{3}\r\na=setup:{4}\r\na=mid:0\r\n"
      "a=sendrecv\r\na=rtcp-mux\r\na=rtpmap:8 PCMA/8000\r\n",
      peer_.local().port, own.ice_ufrag, own.ice_pwd,
      sdp::ToValue(sdp::Fingerprint{.hash = print.hash, .digest = print.digest}),
      offer ? "actpass" : "active");
}

void ClientAudio::TakeRemote(const std::string& sdp) {
  const auto print = sdp::ParseFingerprint(test::SdpValue(sdp, "a=fingerprint:"));
  const auto candidate = sdp::ParseCandidate(test::SdpValue(sdp, "a=candidate:"));
  Require(print && candidate && candidate->ip, sdp);
  const Endpoint gateway{*candidate->ip, candidate->port};
  leg_.Connect(gateway);
  peer_.SetGateway({.ice_ufrag = test::SdpValue(sdp, "a=ice-ufrag:"),
                    .ice_pwd = test::SdpValue(sdp, "a=ice-pwd:"),
                    .candidates = {gateway},
                    .fingerprint = {.hash = print->hash, .digest = print->digest}},
                   MonotonicNow());
}

void ClientAudio::OnTurn(TimePoint now) {
  if (peer_.next_timeout() <= now) peer_.OnTimer(now);
}

void ClientAudio::OnReadable(TimePoint now) {
  const auto datagram = leg_.Read();
  if (!datagram) return;
  peer_.OnDatagram(*datagram, now);
  if (ready() || !peer_.connected()) return;
  leg_.SetKeys(*peer_.keys());
  ready_at_ = MonotonicNow();
}

CarrierAudio::CarrierAudio(LoadLoop& loop, uint32_t number, Tally& tally)
    : loop_(loop), peer_(kLoopback), leg_(peer_.fd(), number, tally) {
  loop_.Watch(peer_.fd(), *this);
}

CarrierAudio::~CarrierAudio() { loop_.Unwatch(peer_.fd(), *this); }

std::string CarrierAudio::Describe(bool) {
  return fmt::format(
      "v=0\r\no=carrier 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
      "m=audio {} RTP/AVP 8\r\na=rtpmap:8 PCMA/8000\r\na=rtcp:{}\r\na=sendrecv\r\n",
      peer_.rtp().port, peer_.rtcp().port);
}

void CarrierAudio::TakeRemote(const std::string& sdp) {
  const std::string section = test::SdpValue(sdp, "m=audio ");
  uint16_t port = 0;
  std::from_chars(section.data(), section.data() + section.size(), port);
  Require(port != 0, sdp);
  leg_.Connect({kLoopback, port});
}

}  // namespace lastmile::bench

#include "gateway/call/media_plan.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include "gateway/call/codec_plan.h"

namespace lastmile::call {
namespace {

bool Sends(sdp::Direction direction) {
  return direction == sdp::Direction::kSendRecv || direction == sdp::Direction::kSendOnly;
}

bool Receives(sdp::Direction direction) {
  return direction == sdp::Direction::kSendRecv || direction == sdp::Direction::kRecvOnly;
}

using CandidateType = media::IceCandidate::Type;
constexpr std::array<std::pair<CandidateType, std::string_view>, 4> kCandidateTypes = {
    {{CandidateType::kHost, "host"},
     {CandidateType::kServerReflexive, "srflx"},
     {CandidateType::kPeerReflexive, "prflx"},
     {CandidateType::kRelayed, "relay"}}};

// A type that is not known to RFC 8839 is no reason not to try the address.
CandidateType TypeOf(std::string_view name) {
  const auto found =
      std::ranges::find(kCandidateTypes, name, &decltype(kCandidateTypes)::value_type::second);
  return found == kCandidateTypes.end() ? CandidateType::kHost : found->first;
}

std::string_view NameOf(CandidateType type) {
  return std::ranges::find(kCandidateTypes, type, &decltype(kCandidateTypes)::value_type::first)
      ->second;
}

sdp::Candidate ToCandidate(const media::IceCandidate& gathered) {
  sdp::Candidate candidate{.foundation = gathered.foundation,
                           .transport = "udp",
                           .priority = gathered.priority,
                           .address = gathered.at.address.ToString(),
                           .ip = gathered.at.address,
                           .port = gathered.at.port,
                           .type = std::string(NameOf(gathered.type)),
                           .extensions = {}};
  if (gathered.related) {
    candidate.extensions = "raddr " + gathered.related->address.ToString() + " rport " +
                           std::to_string(gathered.related->port);
  }
  return candidate;
}

media::XrPlan ToXrPlan(const sdp::RtcpXr& asked) {
  const bool all = asked.round_trip == sdp::RtcpXr::RoundTrip::kAll;
  const bool senders = asked.round_trip == sdp::RtcpXr::RoundTrip::kSenders;
  return {.voip_metrics = asked.voip_metrics,
          .round_trip = all       ? media::XrPlan::RoundTrip::kAll
                        : senders ? media::XrPlan::RoundTrip::kSenders
                                  : media::XrPlan::RoundTrip::kNone};
}

}  // namespace

media::BrowserRemote ToBrowserRemote(const sdp::BrowserMedia& media, bool gateway_is_dtls_server) {
  media::BrowserRemote remote;
  remote.ice_ufrag = media.ice_ufrag;
  remote.ice_pwd = media.ice_pwd;
  for (const auto& fingerprint : media.fingerprints) {
    remote.fingerprints.push_back({fingerprint.hash, fingerprint.digest});
  }
  remote.gateway_role =
      gateway_is_dtls_server ? media::DtlsRole::kServer : media::DtlsRole::kClient;
  for (const sdp::Candidate& candidate : media.candidates) {
    remote.candidates.push_back({.type = TypeOf(candidate.type),
                                 .at = {*candidate.ip, candidate.port},
                                 .priority = candidate.priority,
                                 .foundation = candidate.foundation});
  }
  remote.xr = ToXrPlan(media.xr);
  return remote;
}

media::TrunkRemote ToTrunkRemote(const sdp::TrunkMedia& media, bool latch, const TrunkKeys& keys) {
  media::TrunkRemote remote{.rtp = media.rtp,
                            .rtcp = media.rtcp,
                            .latch = latch,
                            .rtcp_mux = media.rtcp_mux,
                            .srtp = ToStreamKeys(media.crypto, keys.audio),
                            .xr = ToXrPlan(media.xr)};
  if (media.video && !media.video->held) {
    remote.video = {.rtp = media.video->rtp,
                    .rtcp = media.video->rtcp,
                    .rtcp_mux = media.video->rtcp_mux,
                    .srtp = ToStreamKeys(media.video->crypto, keys.video)};
  }
  return remote;
}

void AddPayloads(const std::vector<sdp::Codec>& browser,
                 const std::vector<sdp::Codec>& trunk_theirs,
                 const std::vector<sdp::Codec>& trunk_ours, bool video,
                 std::vector<media::PayloadMapping>& payloads) {
  for (const auto& pair : sdp::PairCodecs(browser, trunk_theirs, trunk_ours)) {
    const bool same_clock = pair.browser.clock_rate == pair.trunk.clock_rate;
    payloads.push_back({.browser_pt = pair.browser.payload_type,
                        .trunk_pt = pair.trunk.payload_type,
                        .trunk_pt_in = pair.trunk_in.payload_type,
                        .clock_rate = pair.browser.clock_rate,
                        .telephone_event = pair.browser.is_telephone_event(),
                        .video = video,
                        .trunk_clock_rate = same_clock ? 0 : pair.trunk.clock_rate,
                        .codec = AudioCodecOf(pair.browser)});
  }
}

void NumberAsFirstSends(const std::vector<sdp::Codec>& theirs, const std::vector<sdp::Codec>& ours,
                        std::vector<media::PayloadMapping>& payloads) {
  for (media::PayloadMapping& mapping : payloads) {
    const auto theirs_at = std::ranges::find(theirs, mapping.browser_pt, &sdp::Codec::payload_type);
    if (theirs_at == theirs.end()) continue;
    const auto ours_at = std::ranges::find_if(
        ours, [&](const sdp::Codec& codec) { return codec.SameFormat(*theirs_at); });
    if (ours_at != ours.end()) mapping.browser_pt_in = ours_at->payload_type;
  }
}

const sdp::Codec* FirstSpeech(const std::vector<sdp::Codec>& codecs) {
  const auto found = std::ranges::find_if(
      codecs, [](const sdp::Codec& codec) { return !codec.is_telephone_event(); });
  return found == codecs.end() ? nullptr : &*found;
}

void KeepEventsIf(bool keep, std::vector<sdp::Codec>& codecs) {
  if (!keep) std::erase_if(codecs, [](const sdp::Codec& c) { return c.is_telephone_event(); });
}

sdp::Direction WishOf(sdp::Direction said, bool held, sdp::Direction told) {
  const bool sends = Sends(said) || !Receives(told);
  const bool receives = !held && (Receives(said) || !Sends(told));
  if (sends) return receives ? sdp::Direction::kSendRecv : sdp::Direction::kSendOnly;
  return receives ? sdp::Direction::kRecvOnly : sdp::Direction::kInactive;
}

sdp::BrowserLocalMedia ToBrowserLocal(const media::BrowserLocal& local) {
  sdp::BrowserLocalMedia media{.ice_ufrag = local.ice_ufrag,
                               .ice_pwd = local.ice_pwd,
                               .candidates = local.candidates,
                               .fingerprint = {local.fingerprint.hash, local.fingerprint.digest},
                               .codecs = {},
                               .ptime = {},
                               .tcp_candidates = local.tcp_candidates};
  std::ranges::transform(local.gathered, std::back_inserter(media.gathered), ToCandidate);
  return media;
}

sdp::TrunkLocalMedia ToTrunkLocal(const media::TrunkLocal& local, const TrunkKeys& keys) {
  return {.rtp = local.rtp, .rtcp = local.rtcp, .codecs = {}, .ptime = {}, .crypto = keys.audio};
}

std::string NameOfTransport(const sdp::TrunkMedia& media) {
  return media.crypto ? "SRTP " + media.crypto->suite : "plain RTP";
}

media::TrunkLocal ReachedBy(const TrunkPolicy& trunk, media::TrunkLocal local) {
  if (!trunk.media_address) return local;
  local.rtp.address = local.rtcp.address = *trunk.media_address;
  if (local.video) local.video->rtp.address = local.video->rtcp.address = *trunk.media_address;
  return local;
}

std::string CodecNames(const std::vector<sdp::Codec>& codecs) {
  std::string names;
  for (const auto& codec : codecs) {
    if (!names.empty()) names += ", ";
    names += codec.name;
  }
  return names.empty() ? "none" : names;
}

}  // namespace lastmile::call

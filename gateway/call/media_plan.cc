#include "gateway/call/media_plan.h"

#include <utility>

namespace lastmile::call {

media::BrowserRemote ToBrowserRemote(const sdp::BrowserMedia& media, bool gateway_is_dtls_server) {
  media::BrowserRemote remote;
  remote.ice_ufrag = media.ice_ufrag;
  remote.ice_pwd = media.ice_pwd;
  for (const auto& fingerprint : media.fingerprints) {
    remote.fingerprints.push_back({fingerprint.hash, fingerprint.digest});
  }
  remote.gateway_role =
      gateway_is_dtls_server ? media::DtlsRole::kServer : media::DtlsRole::kClient;
  return remote;
}

media::TrunkRemote ToTrunkRemote(const sdp::TrunkMedia& media, bool latch) {
  return {.rtp = media.rtp, .rtcp = media.rtcp, .latch = latch};
}

std::vector<media::PayloadMapping> ToPayloads(const std::vector<sdp::Codec>& browser,
                                              const std::vector<sdp::Codec>& trunk) {
  std::vector<media::PayloadMapping> payloads;
  for (const auto& pair : sdp::PairCodecs(browser, trunk)) {
    payloads.push_back({.browser_pt = pair.browser.payload_type,
                        .trunk_pt = pair.trunk.payload_type,
                        .trunk_pt_in = pair.trunk.payload_type,
                        .clock_rate = pair.browser.clock_rate,
                        .telephone_event = pair.browser.is_telephone_event()});
  }
  return payloads;
}

sdp::BrowserLocalMedia ToBrowserLocal(const media::BrowserLocal& local,
                                      std::vector<sdp::Codec> codecs, sdp::Direction direction) {
  return {.ice_ufrag = local.ice_ufrag,
          .ice_pwd = local.ice_pwd,
          .candidates = local.candidates,
          .fingerprint = {local.fingerprint.hash, local.fingerprint.digest},
          .direction = direction,
          .codecs = std::move(codecs),
          .ptime = {}};
}

sdp::TrunkLocalMedia ToTrunkLocal(const media::TrunkLocal& local, std::vector<sdp::Codec> codecs,
                                  sdp::Direction direction) {
  return {.rtp = local.rtp,
          .rtcp = local.rtcp,
          .direction = direction,
          .codecs = std::move(codecs),
          .ptime = {}};
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

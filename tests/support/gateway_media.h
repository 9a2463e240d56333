#ifndef LASTMILE_TESTS_SUPPORT_GATEWAY_MEDIA_H_
#define LASTMILE_TESTS_SUPPORT_GATEWAY_MEDIA_H_

#include <utility>
#include <vector>

#include "sdp/offer_answer.h"

// What a media anchor would have opened, for programs that only build descriptions.
namespace lastmile::testing {

inline sdp::BrowserLocalMedia BrowserLocal(std::vector<sdp::Codec> codecs) {
  return {.ice_ufrag = "gwUf",
          .ice_pwd = "gatewaypasswordof24chars",
          .candidates = {Endpoint{IpAddress::V4(0xC000020A), 20000}},
          .fingerprint = {.hash = "sha-256", .digest = Bytes(32, 0xAB)},
          .codecs = std::move(codecs),
          .ptime = {}};
}

inline sdp::TrunkLocalMedia TrunkLocal(std::vector<sdp::Codec> codecs) {
  return {.rtp = {IpAddress::V4(0xC6336414), 30000},
          .rtcp = {IpAddress::V4(0xC6336414), 30001},
          .codecs = std::move(codecs),
          .ptime = {}};
}

}  // namespace lastmile::testing

#endif  // LASTMILE_TESTS_SUPPORT_GATEWAY_MEDIA_H_

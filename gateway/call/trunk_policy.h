#ifndef LASTMILE_GATEWAY_CALL_TRUNK_POLICY_H_
#define LASTMILE_GATEWAY_CALL_TRUNK_POLICY_H_

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "sdp/trunk_profile.h"

namespace lastmile::call {

// How digits reach a trunk. With kRfc4733 a trunk that agrees to no telephone-event gets tones if
// the call is G.711, else INFO; with the others telephone-event is neither offered nor taken.
enum class DtmfMode {
  kRfc4733,  // telephone-event in the media
  kInfo,     // INFO with application/dtmf-relay
  kInband,   // tones in G.711; INFO where the call is not G.711
};

// When a call's audio is decoded and encoded anew, instead of passed on as it is. It takes a
// hundred times the CPU of the relay (ADR 22).
enum class Transcode {
  kNever,   // a call whose sides share no codec is refused
  kNeeded,  // where they share none
  kAlways,  // each side has its own: the browser what it likes best, the trunk what `codecs` says
};

// What a trunk's media and descriptions are like, as its entry in the configuration says.
// Thread: any; read-only once loaded.
struct TrunkPolicy {
  std::vector<std::string> codecs = {"PCMU", "PCMA"};  // in order of preference
  Transcode transcode = Transcode::kNeeded;
  std::vector<std::string> video;  // video codecs it takes, in order of preference; empty: refused
  bool nat = false;                // its media may come from another address than it says
  DtmfMode dtmf = DtmfMode::kRfc4733;
  bool srtp_over_tcp = false;  // keys may stand in signalling that is not encrypted
  // Where its media reaches the anchor; nothing: where the anchor says.
  std::optional<IpAddress> media_address = {};
  sdp::TrunkProfile sdp;            // rules, and the budget of the SDP alone
  size_t max_invite_bytes = 1300;   // budget of a whole INVITE; the SDP gets what its head leaves
  bool refuse_over_budget = false;  // true: an offer that cannot be made to fit is not sent
};

// The SDP of an INVITE whose head has that many bytes.
inline sdp::TrunkProfile ProfileWithin(const TrunkPolicy& policy, size_t invite_head_bytes) {
  sdp::TrunkProfile profile = policy.sdp;
  const size_t invite = policy.max_invite_bytes;
  const size_t left = invite > invite_head_bytes ? invite - invite_head_bytes : 0;
  profile.max_sdp_bytes = std::min(profile.max_sdp_bytes, left);
  return profile;
}

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_TRUNK_POLICY_H_

#ifndef LASTMILE_GATEWAY_CALL_TRUNK_KEYS_H_
#define LASTMILE_GATEWAY_CALL_TRUNK_KEYS_H_

#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "gateway/call/trunk_policy.h"
#include "media_anchor/core/leg_plan.h"
#include "sdp/attributes.h"

// The gateway's SRTP keys towards trunks (RFC 4568). Secret: never logged. Pure. Thread: any.
namespace lastmile::call {

// Those for one party of a trunk, for as long as it is in the call: in each section one for each
// suite of the trunk, best first, with tags from 1. Empty: plain RTP.
struct TrunkKeys {
  std::vector<sdp::Crypto> audio = {};
  std::vector<sdp::Crypto> video = {};
  bool operator==(const TrunkKeys&) const = default;
};

// Whether keys may be said in signalling over TLS, or over TCP.
inline bool MaySayKeys(const TrunkPolicy& policy, bool tls) { return tls || policy.srtp_over_tcp; }

// Fresh ones, for every party of every call. `random` is unpredictable.
TrunkKeys MakeTrunkKeys(const TrunkPolicy& policy, RandomSource& random);

// What the anchor needs of a section for which the trunk has said `theirs`; nothing: plain RTP. Our
// key is that of the same suite.
std::optional<media::StreamKeys> ToStreamKeys(const std::optional<sdp::Crypto>& theirs,
                                              const std::vector<sdp::Crypto>& ours);

// The names of all suites that there are, as in a=crypto (RFC 4568 section 6.2, RFC 7714 section
// 14).
std::vector<std::string> SrtpSuites();

}  // namespace lastmile::call

#endif  // LASTMILE_GATEWAY_CALL_TRUNK_KEYS_H_

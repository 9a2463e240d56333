#ifndef LASTMILE_SDP_TRUNK_PROFILE_H_
#define LASTMILE_SDP_TRUNK_PROFILE_H_

#include <cstddef>
#include <string>
#include <vector>

#include "sdp/edit_log.h"
#include "sdp/model.h"
#include "sdp/rules.h"

namespace lastmile::sdp {

// Whether a trunk's media is SRTP with keys in the description (RFC 4568).
enum class Srtp {
  kNone,      // RTP/SAVP is refused, a=crypto counts for nothing
  kOptional,  // offered in RTP/AVP with keys (RFC 8643): who takes none of them gets plain RTP
  kRequired,  // offered in RTP/SAVP; what comes without a key is refused
};

// What is special about the SDP of one trunk. Applied to everything the gateway says to it, after
// the leg has built it: first the rules, then the budget. Pure values. Thread: any.
struct TrunkProfile {
  std::vector<Rule> rules;
  // Of the SDP alone. The default is what is asked of a whole INVITE (it then still fits into one
  // datagram); a trunk with an INVITE budget gives what its header leaves of it.
  size_t max_sdp_bytes = 1300;
  Srtp srtp = Srtp::kNone;
  // Suites that are taken of the carrier's offers; names of RFC 4568 section 6.2 and RFC 7714
  // section 14. Offers have the keys that they are built with.
  std::vector<std::string> srtp_suites = {};
  bool rtcp_mux = false;  // a=rtcp-mux of the carrier's offers is taken (RFC 5761)
};

// How a description to a trunk came about.
struct TrunkBuild {
  SessionDescription tree;  // as printed
  EditTrail trail;          // what rules and budget did
  size_t bytes_before_budget = 0;
  size_t bytes = 0;
  bool fits = true;           // false: over budget with nothing left to remove
  std::string rules_problem;  // not empty: the rules were not applied, and why
};

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_TRUNK_PROFILE_H_

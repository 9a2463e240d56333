#ifndef LASTMILE_SDP_LEG_SNAPSHOT_H_
#define LASTMILE_SDP_LEG_SNAPSHOT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sdp/offer_answer.h"

// What the later descriptions of a leg depend on, as values: a leg made from them says what the
// first one would have said. What an offer without an answer would have changed is not in them
// (RFC 3264 section 8). Thread: any.
namespace lastmile::sdp {

// The o= line. `last_text` is what was said last: the version rises when something else is said.
struct OriginSnapshot {
  uint64_t session_id = 0;
  uint64_t version = 0;
  std::string last_text;
  bool operator==(const OriginSnapshot&) const = default;
};

// One m-line as it stays for the life of a leg, whoever offered it.
struct Slot {
  std::string kind;
  std::string protocol;
  std::string format;  // the first one, to be repeated when the m-line is rejected
  std::string mid;     // empty: none
  bool operator==(const Slot&) const = default;
};

struct BrowserLegSnapshot {
  OriginSnapshot origin;
  std::vector<Slot> slots;      // at least one
  size_t audio = 0;             // index into slots
  std::optional<size_t> video;  // the same; none: no video in the last description
  bool bundled = true;          // the audio's mid is in a BUNDLE group
  bool video_leads = false;     // in that group the video's mid comes first
  bool role_known = false;      // the DTLS role was agreed on
  bool gateway_is_server = true;
  // The browser's: what tells a new association or an ICE restart from the old one.
  std::vector<Fingerprint> fingerprints;
  std::string ice_ufrag;
  std::string ice_pwd;
  bool operator==(const BrowserLegSnapshot&) const = default;
};

struct TrunkLegSnapshot {
  OriginSnapshot origin;
  std::vector<Slot> slots;  // at least one
  size_t audio = 0;
  std::optional<size_t> video;
  std::string time;  // value of t=
  // TrunkLeg::said() and said_video().
  std::vector<Codec> said;
  std::vector<Codec> said_video;
  bool operator==(const TrunkLegSnapshot&) const = default;
};

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_LEG_SNAPSHOT_H_

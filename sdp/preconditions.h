#ifndef LASTMILE_SDP_PRECONDITIONS_H_
#define LASTMILE_SDP_PRECONDITIONS_H_

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/attributes.h"
#include "sdp/model.h"

// Resources that have to be there before anybody is rung (RFC 3312): a=curr, a=des, a=conf. The
// gateway's own always are: the anchor has opened its ports before the offer is answered. Internal
// to sdp/. Pure. Thread: any.
namespace lastmile::sdp {

enum class Segment { kE2e, kLocal, kRemote };  // local: of whoever says it
enum class Strength { kNone, kOptional, kMandatory };
enum Way : size_t { kSend, kReceive };  // for whoever says it

// One a=curr or a=des (section 5).
struct Precondition {
  std::string type;                     // "qos" is the only one there is
  Strength strength = Strength::kNone;  // of a=des; "failure" and "unknown" ask for nothing
  Segment segment = Segment::kE2e;
  std::array<bool, 2> ways = {};  // by Way
  bool operator==(const Precondition&) const = default;
};
View<Precondition> ParseCurr(std::string_view value);
View<Precondition> ParseDes(std::string_view value);

// Those of one section of an offer. Types other than "qos" are not among them.
struct Preconditions {
  struct State {
    bool said = false;
    std::array<bool, 2> current = {};
    std::array<Strength, 2> desired = {};
    bool operator==(const State&) const = default;
  };
  std::array<State, 3> states = {};  // by Segment
  std::string impossible = {};       // not empty: a mandatory one that cannot be met; a sentence

  bool any() const;
  // A mandatory one of the offerer's own resources is not met yet.
  bool pending() const;
  bool operator==(const Preconditions&) const = default;
};
Preconditions ReadPreconditions(const MediaSection& section);

// What is answered to them: the gateway's resources are there, and of the offerer's it wants to
// hear when they are.
void AddPreconditions(std::vector<Line>& lines, const Preconditions& offered);

}  // namespace lastmile::sdp

#endif  // LASTMILE_SDP_PRECONDITIONS_H_

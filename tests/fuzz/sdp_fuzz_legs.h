#ifndef LASTMILE_TESTS_FUZZ_SDP_FUZZ_LEGS_H_
#define LASTMILE_TESTS_FUZZ_SDP_FUZZ_LEGS_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "sdp/offer_answer.h"

// What the targets that normalise share: the gateway's own media, and what holds for everything
// the gateway says. A check that fails aborts.
namespace lastmile::sdp {

inline constexpr size_t kMaxSdpBytes = 190;  // small enough for the budget to have work

const std::vector<std::string>& FuzzPolicy();
const std::vector<Codec>& FuzzOffered();  // PCMU, opus, telephone-event

// Without telephone-event, which each leg has for itself.
size_t CountSpeech(const std::vector<Codec>& codecs);
TrunkLeg FuzzTrunkLeg(Srtp srtp = Srtp::kNone);  // with the budget
const std::vector<Crypto>& FuzzKeys();           // of a trunk with SRTP

// Two descriptions that one peer says in turn, split at the first NUL byte, which no description
// has. One: the second is empty.
struct Turns {
  std::string_view first;
  std::string_view second;
};
Turns SplitTurns(std::string_view text);

// What was built is read back as the same bytes and, built again from the same state, is the same.
void CheckBuilt(const std::string& text, const std::string& again);
// It fits or has nothing left to lose, and each line of both sides is explained.
void CheckTrunkBuild(std::string_view input, const TrunkBuild& build);
void CheckExplained(std::string_view input, const std::string& output, Towards towards);

}  // namespace lastmile::sdp

#endif  // LASTMILE_TESTS_FUZZ_SDP_FUZZ_LEGS_H_

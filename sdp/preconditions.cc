#include "sdp/preconditions.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sdp/leg_common.h"
#include "sdp/scanner.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kQos = "qos";
constexpr std::array<std::string_view, 3> kSegments = {"e2e", "local", "remote"};
constexpr std::array<std::string_view, 4> kWays = {"none", "send", "recv", "sendrecv"};
constexpr std::array<std::string_view, 5> kStrengths = {"none", "optional", "mandatory", "failure",
                                                        "unknown"};
// By Segment: what the offerer calls its own is remote for who answers.
constexpr std::array<Segment, 3> kSeenFromHere = {Segment::kE2e, Segment::kRemote, Segment::kLocal};

std::unexpected<ViewError> Bad(size_t offset, std::string message) {
  return std::unexpected(ViewError{.offset = offset, .message = std::move(message)});
}

template <size_t kSize>
size_t IndexOf(const std::array<std::string_view, kSize>& words, std::string_view word) {
  return static_cast<size_t>(std::ranges::find(words, word) - words.begin());
}

View<Precondition> Parse(std::string_view value, bool has_strength) {
  Scanner scanner(value);
  Precondition precondition{.type = std::string(scanner.Word())};
  if (!IsToken(precondition.type)) return Bad(scanner.start(), "the precondition has no type");
  if (has_strength) {
    const size_t strength = IndexOf(kStrengths, scanner.Word());
    if (strength == kStrengths.size()) {
      return Bad(scanner.start(), "the strength is none of those of RFC 3312");
    }
    precondition.strength = strength <= 2 ? static_cast<Strength>(strength) : Strength::kNone;
  }
  const size_t segment = IndexOf(kSegments, scanner.Word());
  if (segment == kSegments.size()) {
    return Bad(scanner.start(), "the status is not e2e, local or remote");
  }
  precondition.segment = static_cast<Segment>(segment);
  const size_t ways = IndexOf(kWays, scanner.Word());
  if (ways == kWays.size()) {
    return Bad(scanner.start(), "the direction is not none, send, recv or sendrecv");
  }
  precondition.ways = {(ways & 1) != 0, (ways & 2) != 0};
  if (!scanner.done()) return Bad(scanner.next(), "there is more than a direction");
  return precondition;
}

std::string_view NameOf(const std::array<bool, 2>& ways) {
  return kWays[(ways[kSend] ? 1U : 0U) + (ways[kReceive] ? 2U : 0U)];
}

// What one end sends the other receives.
template <class T>
std::array<T, 2> Reversed(const std::array<T, 2>& ways) {
  return {ways[kReceive], ways[kSend]};
}

std::array<bool, 2> WaysWith(const std::array<Strength, 2>& desired, Strength strength) {
  return {desired[kSend] == strength, desired[kReceive] == strength};
}

bool IsUnmet(const Preconditions::State& state) {
  const auto unmet = [&](Way way) {
    return state.desired[way] == Strength::kMandatory && !state.current[way];
  };
  return unmet(kSend) || unmet(kReceive);
}

std::string WhyNot(const Line& line, const ViewError& error) {
  return RefuseAt(line, AttributeOf(line).name.size() + 1 + error.offset, error.message)
      .error()
      .reason;
}

void TakeDes(const Line& line, Preconditions& preconditions) {
  const auto des = ParseDes(AttributeOf(line).value);
  if (!des) {
    preconditions.impossible = WhyNot(line, des.error());
    return;
  }
  if (des->type != kQos) {
    if (des->strength != Strength::kMandatory) return;
    preconditions.impossible = WhyNot(
        line, {.message = "resources of a kind that the gateway does not know are demanded"});
    return;
  }
  auto& state = preconditions.states[static_cast<size_t>(des->segment)];
  state.said = true;
  for (const Way way : {kSend, kReceive}) {
    if (des->ways[way]) state.desired[way] = std::max(state.desired[way], des->strength);
  }
}

void AddDes(std::vector<Line>& lines, std::string_view segment,
            const std::array<Strength, 2>& desired) {
  const auto add = [&](Strength strength, const std::array<bool, 2>& ways) {
    if (ways == std::array<bool, 2>{}) return;
    AddAttribute(lines, "des",
                 fmt::format("{} {} {} {}", kQos, kStrengths[static_cast<size_t>(strength)],
                             segment, NameOf(ways)));
  };
  for (const Strength strength : {Strength::kMandatory, Strength::kOptional, Strength::kNone}) {
    add(strength, WaysWith(desired, strength));
  }
}

}  // namespace

View<Precondition> ParseCurr(std::string_view value) { return Parse(value, false); }

View<Precondition> ParseDes(std::string_view value) { return Parse(value, true); }

bool Preconditions::any() const {
  return std::ranges::any_of(states, [](const State& state) { return state.said; });
}

bool Preconditions::pending() const {
  return IsUnmet(states[static_cast<size_t>(Segment::kLocal)]) ||
         IsUnmet(states[static_cast<size_t>(Segment::kE2e)]);
}

Preconditions ReadPreconditions(const MediaSection& section) {
  Preconditions preconditions;
  for (const Line& line : section.lines) {
    if (line.type != 'a') continue;
    const Attribute attribute = AttributeOf(line);
    if (attribute.name == "des") TakeDes(line, preconditions);
    if (attribute.name != "curr") continue;
    // One that cannot be read says that nothing is there.
    const auto curr = ParseCurr(attribute.value);
    if (!curr || curr->type != kQos) continue;
    auto& state = preconditions.states[static_cast<size_t>(curr->segment)];
    state.said = true;
    state.current = curr->ways;
  }
  return preconditions;
}

void AddPreconditions(std::vector<Line>& lines, const Preconditions& offered) {
  std::array<Preconditions::State, 3> ours;
  for (size_t i = 0; i < ours.size(); ++i) {
    const Preconditions::State& theirs = offered.states[i];
    ours[static_cast<size_t>(kSeenFromHere[i])] = {.said = theirs.said,
                                                   .current = Reversed(theirs.current),
                                                   .desired = Reversed(theirs.desired)};
  }
  ours[static_cast<size_t>(Segment::kLocal)].current = {true, true};
  const auto for_each_said = [&](const auto& add) {
    for (size_t i = 0; i < ours.size(); ++i) {
      if (ours[i].said) add(kSegments[i], ours[i]);
    }
  };
  for_each_said([&](std::string_view segment, const Preconditions::State& state) {
    AddAttribute(lines, "curr", fmt::format("{} {} {}", kQos, segment, NameOf(state.current)));
  });
  for_each_said([&](std::string_view segment, const Preconditions::State& state) {
    AddDes(lines, segment, state.desired);
  });
  for_each_said([&](std::string_view segment, const Preconditions::State& state) {
    if (!IsUnmet(state)) return;
    AddAttribute(lines, "conf",
                 fmt::format("{} {} {}", kQos, segment,
                             NameOf(WaysWith(state.desired, Strength::kMandatory))));
  });
}

}  // namespace lastmile::sdp

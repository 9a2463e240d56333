#ifndef LASTMILE_GATEWAY_ROUTE_PATTERN_INDEX_H_
#define LASTMILE_GATEWAY_ROUTE_PATTERN_INDEX_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"

namespace lastmile::route {

// What a pattern says without a regular expression: the text it begins with ("^\+44" has "+44"),
// and whether that is all of it.
struct PatternShape {
  enum class Rest { kNothing, kEnd, kExpression };
  std::string prefix;
  Rest rest = Rest::kExpression;
};
PatternShape ShapeOf(std::string_view pattern);

// Error: a sentence with what RE2 does not take.
Result<void> CheckPattern(const std::string& pattern);
// One pattern alone; slow, it is compiled for this.
bool PatternMatches(const std::string& pattern, std::string_view text);

// Which of many (pattern, key) pairs a text and some keys belong to, in time that hardly grows with
// their number: pairs lie in groups by their pattern's literal prefix and their key, and what is
// left of a group's patterns is one automaton (RE2::Set), whose time is linear in the text whatever
// the text. Immutable once Compile() was called. Thread: any.
class PatternIndex {
 public:
  PatternIndex();
  PatternIndex(PatternIndex&&) noexcept;
  PatternIndex& operator=(PatternIndex&&) noexcept;
  ~PatternIndex();

  // `key` "": any. Ids ascend from call to call; one of them may have several keys.
  Result<void> Add(const std::string& pattern, const std::string& key, uint32_t id);
  Result<void> Compile();

  // Ids of pairs that match, ascending within each list. Error: the automaton ran out of its
  // memory.
  class Matches;
  Result<Matches> Find(std::string_view text, std::span<const std::string> keys) const;

 private:
  struct Group;
  struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
  };
  Result<void> FindIn(std::string_view group, std::string_view text, Matches& out) const;

  std::unordered_map<std::string, std::unique_ptr<Group>, Hash, std::equal_to<>> groups_;
  size_t longest_prefix_ = 0;
};

// The ids that matched, the smallest first. The index outlives it.
class PatternIndex::Matches {
 public:
  // UINT32_MAX: no more. The same id comes once.
  uint32_t Next();

 private:
  friend class PatternIndex;
  std::vector<std::pair<const uint32_t*, const uint32_t*>> lists_;  // what is left of each
  std::vector<std::vector<uint32_t>> own_;                          // what some of them point into
};

}  // namespace lastmile::route

#endif  // LASTMILE_GATEWAY_ROUTE_PATTERN_INDEX_H_

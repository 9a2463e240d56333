#include "gateway/route/pattern_index.h"

#include <re2/re2.h>
#include <re2/set.h>

#include <algorithm>
#include <cctype>
#include <memory>

namespace lastmile::route {
namespace {

// Of one compiled pattern or set: a pattern that needs more is refused when it is read, a text that
// needs more is not decided upon.
constexpr int64_t kMaxMemory = 32 << 20;
constexpr std::string_view kQuantifiers = "*+?{";

RE2::Options Options() {
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(kMaxMemory);
  options.set_never_capture(true);
  return options;
}

bool IsExactNumber(std::string_view pattern) {
  return pattern.size() > 1 && pattern.front() == '+' &&
         std::ranges::all_of(pattern.substr(1), [](char c) { return c >= '0' && c <= '9'; });
}

std::string ExpressionOf(const std::string& pattern) {
  return IsExactNumber(pattern) ? "^\\" + pattern + "$" : pattern;
}

bool IsPlain(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == ' ' || c == '_'; }

// Whether the pattern as a whole is a choice, "^1|^2": then no text begins all that it matches.
bool IsChoice(std::string_view pattern) {
  int depth = 0;
  bool in_class = false;
  for (size_t at = 0; at < pattern.size(); ++at) {
    const char c = pattern[at];
    if (c == '\\') {
      ++at;
    } else if (in_class) {
      in_class = c != ']';
    } else if (c == '[') {
      in_class = true;
      if (pattern.substr(at + 1).starts_with("^")) ++at;
      if (pattern.substr(at + 1).starts_with("]")) ++at;  // first in a class: a member
    } else if (c == '(' || c == ')') {
      depth += c == '(' ? 1 : -1;
    } else if (c == '|' && depth == 0) {
      return true;
    }
  }
  return false;
}

std::string KeyOf(std::string_view prefix, std::string_view key) {
  std::string text(prefix);
  text += '\n';  // in no pattern's literal text
  text += key;
  return text;
}

}  // namespace

PatternShape ShapeOf(std::string_view pattern) {
  if (IsExactNumber(pattern)) return {std::string(pattern), PatternShape::Rest::kEnd};
  if (pattern.empty()) return {"", PatternShape::Rest::kNothing};
  if (pattern.front() != '^' || IsChoice(pattern)) return {};
  PatternShape shape;
  size_t at = 1;
  while (at < pattern.size()) {
    const bool escaped = pattern[at] == '\\' && at + 1 < pattern.size() &&
                         std::ispunct(static_cast<unsigned char>(pattern[at + 1]));
    if (!escaped && !IsPlain(pattern[at])) break;
    const size_t next = at + (escaped ? 2 : 1);
    // A character that may be missing or repeated is not part of the fixed text.
    if (next < pattern.size() && kQuantifiers.find(pattern[next]) != std::string_view::npos) break;
    shape.prefix += pattern[next - 1];
    at = next;
  }
  if (at == pattern.size()) shape.rest = PatternShape::Rest::kNothing;
  if (pattern.substr(at) == "$") shape.rest = PatternShape::Rest::kEnd;
  return shape;
}

Result<void> CheckPattern(const std::string& pattern) {
  if (ShapeOf(pattern).rest != PatternShape::Rest::kExpression) return {};
  const RE2 compiled(pattern, Options());
  if (!compiled.ok()) return Fail("not a pattern that is understood here: " + compiled.error());
  return {};
}

bool PatternMatches(const std::string& pattern, std::string_view text) {
  const RE2 compiled(ExpressionOf(pattern), Options());
  return compiled.ok() && RE2::PartialMatch({text.data(), text.size()}, compiled);
}

struct PatternIndex::Group {
  std::vector<uint32_t> prefixes;  // ids whose pattern is no more than the group's prefix
  std::vector<uint32_t> exact;     // whose number the group's prefix is
  std::vector<uint32_t> of_set;    // by index in `expressions`
  RE2::Set expressions{Options(), RE2::UNANCHORED};
};

PatternIndex::PatternIndex() = default;
PatternIndex::PatternIndex(PatternIndex&&) noexcept = default;
PatternIndex& PatternIndex::operator=(PatternIndex&&) noexcept = default;
PatternIndex::~PatternIndex() = default;

Result<void> PatternIndex::Add(const std::string& pattern, const std::string& key, uint32_t id) {
  const PatternShape shape = ShapeOf(pattern);
  auto& group = groups_[KeyOf(shape.prefix, key)];
  if (!group) group = std::make_unique<Group>();
  longest_prefix_ = std::max(longest_prefix_, shape.prefix.size());
  switch (shape.rest) {
    case PatternShape::Rest::kNothing:
      group->prefixes.push_back(id);
      return {};
    case PatternShape::Rest::kEnd:
      group->exact.push_back(id);
      return {};
    case PatternShape::Rest::kExpression:
      break;
  }
  std::string error;
  if (group->expressions.Add(pattern, &error) < 0) {
    return Fail("not a pattern that is understood here: " + error);
  }
  group->of_set.push_back(id);
  return {};
}

Result<void> PatternIndex::Compile() {
  for (auto& [name, group] : groups_) {
    if (!group->of_set.empty() && !group->expressions.Compile()) {
      return Fail("the patterns of the routes are too many or too large");
    }
  }
  return {};
}

Result<void> PatternIndex::FindIn(std::string_view name, std::string_view text,
                                  Matches& out) const {
  const auto found = groups_.find(name);
  if (found == groups_.end()) return {};
  const Group& group = *found->second;
  const auto add = [&out](const std::vector<uint32_t>& ids) {
    if (!ids.empty()) out.lists_.emplace_back(ids.data(), ids.data() + ids.size());
  };
  add(group.prefixes);
  if (text.size() == name.find('\n')) add(group.exact);
  if (group.of_set.empty()) return {};
  std::vector<int> matched;
  RE2::Set::ErrorInfo error{};
  if (!group.expressions.Match({text.data(), text.size()}, &matched, &error)) {
    if (error.kind == RE2::Set::kNoError) return {};
    return Fail("the patterns of the routes need more memory for this number than they have");
  }
  std::vector<uint32_t>& ids = out.own_.emplace_back();
  for (const int index : matched) ids.push_back(group.of_set[static_cast<size_t>(index)]);
  std::ranges::sort(ids);
  add(ids);
  return {};
}

Result<PatternIndex::Matches> PatternIndex::Find(std::string_view text,
                                                 std::span<const std::string> keys) const {
  Matches matches;
  for (size_t size = 0; size <= std::min(text.size(), longest_prefix_); ++size) {
    const std::string_view prefix = text.substr(0, size);
    auto searched = FindIn(KeyOf(prefix, ""), text, matches);
    for (size_t i = 0; searched && i < keys.size(); ++i) {
      searched = FindIn(KeyOf(prefix, keys[i]), text, matches);
    }
    if (!searched) return std::unexpected(searched.error());
  }
  return matches;
}

uint32_t PatternIndex::Matches::Next() {
  uint32_t next = UINT32_MAX;
  for (const auto& [at, end] : lists_) {
    if (at != end) next = std::min(next, *at);
  }
  for (auto& [at, end] : lists_) {
    if (at != end && *at == next) ++at;
  }
  return next;
}

}  // namespace lastmile::route

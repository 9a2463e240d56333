#include "sdp/rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "sdp/parser.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

std::string WholeLine(const Line& line) { return fmt::format("{}={}", line.type, line.value); }

struct Word {
  size_t start = 0;
  size_t length = 0;
};

// The words of a line after its "x=" or, in an a= line, after "a=name:".
std::vector<Word> WordsOf(std::string_view line) {
  constexpr std::string_view kSeparators = " ;";
  constexpr size_t kTypeAndEquals = 2;
  size_t at = kTypeAndEquals;
  const size_t colon = line.find(':');
  if (line.starts_with("a=") && colon != std::string_view::npos) at = colon + 1;
  std::vector<Word> words;
  while (at < line.size()) {
    const size_t start = line.find_first_not_of(kSeparators, at);
    if (start == std::string_view::npos) break;
    const size_t end = std::min(line.find_first_of(kSeparators, start), line.size());
    words.push_back({start, end - start});
    at = end;
  }
  return words;
}

std::optional<Word> FindWord(std::string_view line, const RuleTarget& target) {
  size_t seen = 0;
  for (const Word& word : WordsOf(line)) {
    if (!line.substr(word.start, word.length).starts_with(target.token)) continue;
    if (seen++ == target.token_index.value_or(0)) return word;
  }
  return std::nullopt;
}

bool IsAboutWord(const RuleTarget& target) {
  return !target.token.empty() || target.token_index.has_value();
}

// The line after `rule`; nothing: the word the rule is about is not in it.
std::optional<std::string> Edited(const std::string& line, const Rule& rule) {
  if (!IsAboutWord(rule.target)) {
    return rule.action == RuleAction::kSet ? rule.target.line + rule.value : rule.value;
  }
  const auto word = FindWord(line, rule.target);
  if (!word) return std::nullopt;
  std::string edited = line;
  if (rule.action == RuleAction::kDelete) {
    // One separator goes with the word: the one after it, at the end the one before.
    const bool last = word->start + word->length == line.size();
    const bool first =
        word->start == 0 || (line[word->start - 1] != ' ' && line[word->start - 1] != ';');
    edited.erase(word->start - (last && !first ? 1 : 0), word->length + (last && first ? 0 : 1));
    return edited;
  }
  const size_t kept = rule.action == RuleAction::kSet ? rule.target.token.size() : 0;
  return edited.replace(word->start + kept, word->length - kept, rule.value);
}

// Where a new line of that type may stand: after the lines that come before it or with it in the
// order of RFC 8866 section 9.
size_t PlaceFor(const std::vector<Line>& lines, char type) {
  constexpr std::string_view kOrder = "vosiuepcbtrzka";
  const size_t rank = std::min(kOrder.find(type), kOrder.size());
  const auto before = [&](const Line& line) {
    return std::min(kOrder.find(line.type), kOrder.size()) <= rank;
  };
  const auto it = std::find_if(lines.rbegin(), lines.rend(), before);
  return static_cast<size_t>(lines.rend() - it);
}

// Applies rules one after the other to one tree.
class Editor {
 public:
  Editor(SessionDescription& description, EditTrail& trail)
      : description_(description), trail_(trail) {}

  void Apply(const Rule& rule) {
    note_ = trail_.AddNote({"rule." + rule.id, "a rule of this trunk's configuration"});
    if (rule.target.media == "session") return ApplyToLevel(rule, std::nullopt);
    size_t seen = 0;
    for (size_t i = 0; i < description_.media.size(); ++i) {
      if (!description_.media[i].media().kind.starts_with(rule.target.media)) continue;
      const size_t index = seen++;
      if (!rule.target.index || *rule.target.index == index) ApplyToLevel(rule, i);
    }
  }

 private:
  std::vector<Line>& LinesOf(std::optional<size_t> section) {
    return section ? description_.media[*section].lines : description_.session;
  }

  void ApplyToLevel(const Rule& rule, std::optional<size_t> section) {
    if (rule.target.line.starts_with("m=")) {
      if (section) EditMediaLine(rule, *section);
      return;
    }
    auto& lines = LinesOf(section);
    std::vector<size_t> matching;
    size_t seen = 0;
    for (size_t i = 0; i < lines.size(); ++i) {
      if (rule.target.line.empty() || !WholeLine(lines[i]).starts_with(rule.target.line)) continue;
      const size_t index = seen++;
      if (!rule.target.nth || *rule.target.nth == index) matching.push_back(i);
    }
    if (rule.action == RuleAction::kInsert) {
      const size_t place = matching.empty() ? PlaceFor(lines, rule.value[0]) : matching.back() + 1;
      return Insert(lines, place, rule.value);
    }
    const bool adds = rule.action == RuleAction::kSet && !IsAboutWord(rule.target);
    if (matching.empty() && adds) {
      return Insert(lines, PlaceFor(lines, rule.target.line[0]), rule.target.line + rule.value);
    }
    // From the back, so that what is removed does not move what is still to be edited.
    for (auto it = matching.rbegin(); it != matching.rend(); ++it) Edit(rule, section, *it);
  }

  void Insert(std::vector<Line>& lines, size_t at, const std::string& text) {
    lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(at),
                 Line{.type = text[0], .value = text.substr(2), .note = note_});
  }

  void Edit(const Rule& rule, std::optional<size_t> section, size_t at) {
    auto& lines = LinesOf(section);
    Line& line = lines[at];
    if (rule.action == RuleAction::kDelete && !IsAboutWord(rule.target)) {
      trail_.AddRemoved({section, line, note_});
      lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(at));
      return;
    }
    const auto edited = Edited(WholeLine(line), rule);
    if (!edited || *edited == WholeLine(line)) return;
    line.type = (*edited)[0];
    line.value = edited->substr(2);
    line.note = note_;
  }

  // Which format of an m= line the rule is about.
  static std::optional<size_t> FindFormat(const MediaLine& media, const RuleTarget& target) {
    constexpr size_t kWordsBeforeFormats = 3;
    if (target.token.empty()) {
      const size_t index = *target.token_index - kWordsBeforeFormats;
      return *target.token_index >= kWordsBeforeFormats && index < media.formats.size()
                 ? std::optional(index)
                 : std::nullopt;
    }
    const auto it = std::ranges::find(media.formats, target.token);
    if (it == media.formats.end()) return std::nullopt;
    return static_cast<size_t>(it - media.formats.begin());
  }

  // An m= line stays an m= line with a port the gateway listens on; its formats may be edited.
  void EditMediaLine(const Rule& rule, size_t section) {
    MediaLine media = description_.media[section].media();
    if (!WholeLine(description_.media[section].line()).starts_with(rule.target.line)) return;
    const auto format = FindFormat(media, rule.target);
    if (!format) return;
    if (rule.action == RuleAction::kDelete) {
      return RemoveFormat(description_, section, media.formats[*format], note_, trail_);
    }
    media.formats[*format] = rule.value;
    description_.media[section].SetMedia(std::move(media), note_);
  }

  SessionDescription& description_;
  EditTrail& trail_;
  uint32_t note_ = 0;
};

bool IsWholeLine(std::string_view text) {
  const bool letter = !text.empty() && text[0] >= 'a' && text[0] <= 'z';
  return letter && text.size() >= 2 && text[1] == '=';
}

bool IsProtected(std::string_view line) { return line.starts_with("v=") || line.starts_with("o="); }

}  // namespace

Result<void> CheckRule(const Rule& rule) {
  const std::string& line = rule.target.line;
  const bool word = IsAboutWord(rule.target);
  if (rule.id.empty()) return Fail("a rule needs an id, for the edit log");
  if (rule.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
    return Fail("the value of a rule is one line");
  }
  if (line.empty() && rule.action != RuleAction::kInsert) {
    return Fail("the rule does not say which line it is about, for example \"a=ptime\"");
  }
  if (!line.empty() && !IsWholeLine(line)) {
    return Fail("the line of a rule starts with its letter and \"=\", for example \"a=ptime\"");
  }
  if (IsProtected(line) || IsProtected(rule.value)) {
    return Fail("v= and o= are the gateway's own and cannot be edited");
  }
  const bool writes_line =
      rule.action == RuleAction::kInsert || (rule.action == RuleAction::kReplace && !word);
  if (writes_line && (!IsWholeLine(rule.value) || rule.value.starts_with("m="))) {
    return Fail("the value has to be a whole line other than m=, for example \"a=ptime:20\"");
  }
  if (line.starts_with("m=") && (!word || rule.action == RuleAction::kInsert)) {
    return Fail("of an m= line only formats can be edited: say which one as token");
  }
  return {};
}

Result<void> ApplyRules(SessionDescription& description, const std::vector<Rule>& rules,
                        EditTrail& trail) {
  if (rules.empty()) return {};
  SessionDescription edited = description;
  EditTrail edited_trail = trail;
  Editor editor(edited, edited_trail);
  for (const Rule& rule : rules) {
    if (auto checked = CheckRule(rule); !checked) {
      return Fail(fmt::format("rule {}: {}", rule.id, checked.error().message));
    }
    editor.Apply(rule);
  }
  auto parsed = Parse(Print(edited));
  if (!parsed) return Fail("the rules break the description: " + parsed.error().ToString());
  description = std::move(edited);
  trail = std::move(edited_trail);
  return {};
}

void RemoveFormat(SessionDescription& description, size_t section, const std::string& format,
                  uint32_t note, EditTrail& trail) {
  MediaSection& media_section = description.media[section];
  MediaLine media = media_section.media();
  if (media.formats.size() < 2) return;
  std::erase(media.formats, format);
  media_section.SetMedia(std::move(media), note);
  std::erase_if(media_section.lines, [&](const Line& line) {
    const Attribute attribute = AttributeOf(line);
    if (!IsAboutFormat(attribute)) return false;
    if (attribute.value.substr(0, attribute.value.find(' ')) != format) return false;
    trail.AddRemoved({section, line, note});
    return true;
  });
}

}  // namespace lastmile::sdp

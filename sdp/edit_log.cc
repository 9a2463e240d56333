#include "sdp/edit_log.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <utility>

#include "sdp/attributes.h"
#include "sdp/codecs.h"
#include "sdp/edit_reasons.h"
#include "sdp/video_formats.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

constexpr size_t kSession = SIZE_MAX;  // the level above all media sections

std::string WholeLine(const Line& line) { return fmt::format("{}={}", line.type, line.value); }

// One line of one side of the comparison.
struct Item {
  size_t level = kSession;  // index of the m-line, or kSession
  const Line* line = nullptr;
  uint32_t number = 0;
  std::string key;         // equal for two lines that say something about the same thing
  size_t peer = SIZE_MAX;  // index on the other side once matched
};

std::string CodecKey(const Codec& codec) {
  std::string key =
      fmt::format("{}/{}/{} {}", codec.name, codec.clock_rate, codec.channels, VariantOf(codec));
  for (char& c : key) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  }
  return key;
}

using FormatNameMap = std::map<std::string, std::string, std::less<>>;

// What the formats of one section are called: a fmtp line is about a codec, whatever its number.
FormatNameMap FormatNames(const MediaSection& section) {
  FormatNameMap names;
  for (const Codec& codec : ReadCodecs(section)) {
    names[std::to_string(codec.payload_type)] = CodecKey(codec);
  }
  return names;
}

std::string KeyOf(const Line& line, const FormatNameMap& format_names) {
  const Attribute attribute = AttributeOf(line);
  if (attribute.name.empty()) return std::string(1, line.type);
  if (DirectionNamed(attribute.name)) return "a=direction";
  if (!IsAboutFormat(attribute)) return fmt::format("a={}", attribute.name);
  const size_t space = std::min(attribute.value.find(' '), attribute.value.size());
  const std::string_view format = attribute.value.substr(0, space);
  const auto it = format_names.find(format);
  const std::string_view name = it == format_names.end() ? format : std::string_view(it->second);
  const bool many = attribute.name == "rtcp-fb";  // a codec has one line for each kind
  return fmt::format("a={}:{}{}", attribute.name, name,
                     many ? attribute.value.substr(space) : std::string_view());
}

// The same of a section of the output, with what the passes removed from it put back.
FormatNameMap FormatNamesBefore(const SessionDescription& output, size_t index,
                                const EditTrail& trail) {
  MediaSection section = output.media[index];
  MediaLine media = section.media();
  for (const EditTrail::Removed& removed : trail.removed()) {
    if (removed.section != index) continue;
    section.lines.push_back(removed.line);
    const auto rtpmap = ParseRtpmap(AttributeOf(removed.line).value);
    if (rtpmap) media.formats.push_back(std::to_string(rtpmap->payload_type));
  }
  section.SetMedia(std::move(media));
  return FormatNames(section);
}

std::vector<Item> ItemsOf(const SessionDescription& description) {
  std::vector<Item> items;
  uint32_t number = 0;
  const auto add = [&](size_t level, const Line& line, const auto& names) {
    items.push_back({level, &line, ++number, KeyOf(line, names)});
  };
  const FormatNameMap no_names;
  for (const Line& line : description.session) add(kSession, line, no_names);
  for (size_t i = 0; i < description.media.size(); ++i) {
    const auto names = FormatNames(description.media[i]);
    add(i, description.media[i].line(), names);
    for (const Line& line : description.media[i].lines) add(i, line, names);
  }
  return items;
}

bool IsRefused(const MediaSection& section) {
  return section.media().port == 0 && !FindAttribute(section.lines, "bundle-only");
}

// For each section of the input the section of the output that stands for it, or none. Sections
// that the output refuses have none: all their lines were dropped for that one reason.
std::vector<size_t> MapSections(const SessionDescription& input, const SessionDescription& output) {
  std::vector<size_t> map(input.media.size(), kSession);
  for (size_t out = 0; out < output.media.size(); ++out) {
    const MediaSection& section = output.media[out];
    if (IsRefused(section)) continue;
    const auto fits = [&](size_t in) {
      return in < input.media.size() && map[in] == kSession &&
             input.media[in].media().kind == section.media().kind;
    };
    size_t in = out;
    for (size_t i = 0; !fits(in) && i < input.media.size(); ++i) in = i;
    if (fits(in)) map[in] = out;
  }
  return map;
}

class Comparison {
 public:
  Comparison(const SessionDescription& input, const SessionDescription& output,
             const EditTrail& trail, Towards towards)
      : output_(output),
        trail_(trail),
        towards_(towards),
        map_(MapSections(input, output)),
        in_(ItemsOf(input)),
        out_(ItemsOf(output)) {}

  std::vector<Edit> Run() {
    Match([](const Item& item) { return WholeLine(*item.line); }, false);
    Match([](const Item& item) { return item.key; }, false);
    Match([](const Item& item) { return item.key; }, true);
    FindRemoved();
    std::vector<Edit> edits;
    size_t next = 0;
    const auto dropped_before = [&](size_t end) {
      for (; next < end; ++next) {
        if (in_[next].peer == SIZE_MAX) edits.push_back(Dropped(next));
      }
    };
    for (const Item& item : out_) {
      if (item.peer != SIZE_MAX) dropped_before(item.peer);
      edits.push_back(Written(item));
    }
    dropped_before(in_.size());
    return edits;
  }

 private:
  // The level of an input line in terms of the output; none: its section is not there any more.
  std::optional<size_t> LevelOf(const Item& item) const {
    if (item.level == kSession) return kSession;
    if (map_[item.level] == kSession) return std::nullopt;
    return map_[item.level];
  }

  // Pairs what is still alone on both sides by `name_of`, at equal level or, for lines that may
  // stand at either (c=, direction, fingerprint ...), across session and media level.
  template <class NameOf>
  void Match(NameOf name_of, bool across) {
    std::map<std::pair<size_t, std::string>, std::deque<size_t>> waiting;
    for (size_t i = 0; i < in_.size(); ++i) {
      const auto level = LevelOf(in_[i]);
      if (in_[i].peer != SIZE_MAX || !level) continue;
      waiting[{across ? 0 : *level, name_of(in_[i])}].push_back(i);
    }
    for (size_t o = 0; o < out_.size(); ++o) {
      if (out_[o].peer != SIZE_MAX) continue;
      const auto it = waiting.find({across ? 0 : out_[o].level, name_of(out_[o])});
      if (it == waiting.end() || it->second.empty()) continue;
      out_[o].peer = it->second.front();
      in_[it->second.front()].peer = o;
      it->second.pop_front();
    }
  }

  // Which of the dropped lines a pass removed after the leg had kept them.
  void FindRemoved() {
    std::map<size_t, FormatNameMap> names;
    for (const EditTrail::Removed& removed : trail_.removed()) {
      const size_t level = removed.section.value_or(kSession);
      if (removed.section && !names.contains(level)) {
        names[level] = FormatNamesBefore(output_, level, trail_);
      }
      const std::string key = KeyOf(removed.line, names[level]);
      const auto same = [&](const Item& item) {
        return item.peer == SIZE_MAX && LevelOf(item) == level && item.key == key;
      };
      const auto it = std::ranges::find_if(in_, same);
      if (it == in_.end()) continue;
      removed_.emplace(static_cast<size_t>(it - in_.begin()), removed.note);
    }
  }

  Edit Dropped(size_t index) const {
    const Item& item = in_[index];
    Edit edit{.fate = Fate::kDropped,
              .input_line = item.number,
              .before = WholeLine(*item.line),
              .after = {},
              .note = {}};
    const auto removed = removed_.find(index);
    const Note* note = removed == removed_.end() ? nullptr : trail_.note(removed->second);
    edit.note = note             ? *note
                : !LevelOf(item) ? RefusedSectionReason()
                                 : ReasonFor(*item.line, Fate::kDropped, towards_);
    return edit;
  }

  Edit Written(const Item& item) const {
    Edit edit{.output_line = item.number, .before = {}, .after = WholeLine(*item.line), .note = {}};
    if (item.peer == SIZE_MAX) {
      edit.fate = Fate::kAdded;
    } else {
      edit.input_line = in_[item.peer].number;
      edit.before = WholeLine(*in_[item.peer].line);
      edit.fate = edit.before == edit.after ? Fate::kKept : Fate::kChanged;
    }
    const Note* note = trail_.note(item.line->note);
    edit.note = note ? *note : ReasonFor(*item.line, edit.fate, towards_);
    return edit;
  }

  const SessionDescription& output_;
  const EditTrail& trail_;
  const Towards towards_;
  const std::vector<size_t> map_;
  std::vector<Item> in_;
  std::vector<Item> out_;
  std::map<size_t, uint32_t> removed_;  // input line to note
};

// --- writing ---

// Keys do not belong into logs, call records or bug reports.
std::string Masked(const std::string& text) {
  constexpr std::string_view kMask = "***";
  if (text.starts_with("k=")) return fmt::format("k={}", kMask);
  if (text.starts_with("a=ice-pwd:")) return fmt::format("a=ice-pwd:{}", kMask);
  if (!text.starts_with("a=crypto:")) return text;
  const size_t key = text.find(' ', std::min(text.find(' '), text.size() - 1) + 1);
  return key == std::string::npos ? text : fmt::format("{} {}", text.substr(0, key), kMask);
}

// A JSON string (RFC 8259). Bytes beyond ASCII come out as the character of the same number, so
// that any input gives valid JSON.
std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      quoted += fmt::format("\\u{:04x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

}  // namespace

uint32_t EditTrail::AddNote(Note note) {
  notes_.push_back(std::move(note));
  return static_cast<uint32_t>(notes_.size());
}

const Note* EditTrail::note(uint32_t number) const {
  return number == 0 || number > notes_.size() ? nullptr : &notes_[number - 1];
}

std::string_view NameOf(Fate fate) {
  constexpr std::array<std::string_view, 4> kNames = {"kept", "changed", "dropped", "added"};
  return kNames[static_cast<size_t>(fate)];
}

EditLog Explain(const SessionDescription& input, const SessionDescription& output,
                const EditTrail& trail, Towards towards) {
  return {.edits = Comparison(input, output, trail, towards).Run(),
          .bytes_in = Print(input).size(),
          .bytes_out = Print(output).size()};
}

std::string EditLog::ToJson() const {
  std::string json =
      fmt::format("{{\"bytes_in\":{},\"bytes_out\":{},\"edits\":[", bytes_in, bytes_out);
  for (const Edit& edit : edits) {
    if (&edit != &edits.front()) json += ',';
    json += fmt::format("{{\"fate\":\"{}\"", NameOf(edit.fate));
    if (edit.input_line != 0) {
      json += fmt::format(",\"input_line\":{},\"before\":{}", edit.input_line,
                          Quoted(Masked(edit.before)));
    }
    if (edit.output_line != 0) {
      json += fmt::format(",\"output_line\":{},\"after\":{}", edit.output_line,
                          Quoted(Masked(edit.after)));
    }
    json += fmt::format(",\"rule\":{},\"reason\":{}}}", Quoted(edit.note.rule),
                        Quoted(edit.note.reason));
  }
  return json + "]}";
}

std::string EditLog::ToDiff() const {
  std::string diff = fmt::format("{} bytes in, {} bytes out\n", bytes_in, bytes_out);
  for (const Edit& edit : edits) {
    const std::string why = fmt::format("    [{}] {}\n", edit.note.rule, edit.note.reason);
    const std::string before = Masked(edit.before);
    const std::string after = Masked(edit.after);
    switch (edit.fate) {
      case Fate::kKept:
        diff += fmt::format("  {}\n", after);
        break;
      case Fate::kChanged:
        diff += fmt::format("- {}\n+ {}\n{}", before, after, why);
        break;
      case Fate::kDropped:
        diff += fmt::format("- {}\n{}", before, why);
        break;
      case Fate::kAdded:
        diff += fmt::format("+ {}\n{}", after, why);
        break;
    }
  }
  return diff;
}

}  // namespace lastmile::sdp

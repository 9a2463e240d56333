#include "gateway/app/config_effective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace lastmile::app {
namespace {

constexpr size_t kIndent = 2;
constexpr size_t kCommentColumn = 48;

struct Line {
  size_t indent = 0;
  std::string text;
  std::string comment;
};

bool IsPlain(std::string_view text) {
  return !text.empty() && std::isalnum(static_cast<unsigned char>(text.front())) &&
         std::ranges::all_of(text, [](unsigned char c) {
           return std::isalnum(c) ||
                  std::string_view("._-/").find(static_cast<char>(c)) != std::string_view::npos;
         });
}

// As YAML: words and numbers as they are, everything else in double quotes.
std::string Quoted(std::string_view text) {
  if (IsPlain(text)) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

// What stands for a secret: of the same form, so that the text still parses. Where a secret is kept
// is none.
std::string Unreadable(std::string_view secret) {
  if (secret.starts_with("env:") || secret.starts_with("file:")) return std::string(secret);
  const bool is_hash =
      (secret.size() == 32 || secret.size() == 64) &&
      std::ranges::all_of(secret, [](unsigned char c) { return std::isxdigit(c) != 0; });
  if (is_hash) return std::string(secret.size(), '0');
  return secret.size() < 16 ? "redacted" : "redacted-redacted-redacted-redacted";
}

class Printer {
 public:
  explicit Printer(std::string_view file) : file_(file) {}

  void Mapping(const Setting& setting, size_t indent, bool in_list) {
    for (const Setting& child : setting.children) Key(child, indent, in_list);
  }
  std::string Take() const {
    std::string text;
    for (const Line& line : lines_) {
      const std::string code = std::string(line.indent, ' ') + line.text;
      text += line.comment.empty() ? code
                                   : fmt::format("{:<{}} # {}", code, kCommentColumn, line.comment);
      text += '\n';
    }
    return text;
  }

 private:
  void Key(const Setting& setting, size_t indent, bool in_list) {
    const std::string key = Quoted(setting.key) + ":";
    if (setting.is_list && !setting.children.empty()) {
      lines_.push_back({indent, key, ""});
      return List(setting, indent + kIndent);
    }
    if (!setting.children.empty()) {
      const size_t before = lines_.size();
      lines_.push_back({indent, key, ""});
      Mapping(setting, indent + kIndent, in_list);
      const bool has_value =
          std::any_of(lines_.begin() + static_cast<ptrdiff_t>(before) + 1, lines_.end(),
                      [](const Line& l) { return l.text[0] != '#'; });
      if (has_value) return;
      lines_.resize(before);
    }
    if (!setting.values.empty() || (setting.is_list && setting.is_given)) {
      lines_.push_back({indent, key + " " + Value(setting), OriginOf(setting)});
    } else if (!in_list) {
      lines_.push_back({indent, "# " + key + " not set", ""});
    }
  }

  // Values and mappings may stand in one list.
  void List(const Setting& setting, size_t indent) {
    for (size_t i = 0; i < setting.values.size(); ++i) {
      const auto item = std::ranges::find_if(
          setting.children, [&](const Setting& child) { return child.index == i; });
      if (item == setting.children.end()) {
        lines_.push_back({indent, "- " + Quoted(setting.values[i]), OriginOf(setting)});
        continue;
      }
      const size_t first = lines_.size();
      Mapping(*item, indent + kIndent, true);
      if (first == lines_.size()) {
        lines_.push_back({indent, "- {}", OriginOf(setting)});
      } else {
        lines_[first].indent = indent;
        lines_[first].text.insert(0, "- ");
      }
    }
  }

  static std::string Value(const Setting& setting) {
    const auto shown = [&](const std::string& value) {
      return Quoted(setting.is_secret ? Unreadable(value) : value);
    };
    if (!setting.is_list) return shown(setting.values.front());
    std::string list;
    for (const std::string& value : setting.values) {
      list += (list.empty() ? "" : ", ") + shown(value);
    }
    return "[" + list + "]";
  }

  std::string OriginOf(const Setting& setting) const {
    return setting.origin.empty() ? fmt::format("{}:{}", file_, setting.line) : setting.origin;
  }

  std::string_view file_;
  std::vector<Line> lines_;
};

}  // namespace

Setting& Setting::Child(std::string_view child_key, size_t child_index) {
  const auto found = std::ranges::find_if(children, [&](const Setting& child) {
    return child.key == child_key && child.index == child_index;
  });
  if (found != children.end()) return *found;
  Setting child;
  child.key = child_key;
  child.index = child_index;
  return children.emplace_back(std::move(child));
}

void Setting::Take(const YAML::Node& value, std::string_view from) {
  origin = from;
  line = value.Mark().line + 1;
  is_given = true;
  is_list = value.IsSequence();
  values.clear();
  if (value.IsScalar()) values.push_back(value.Scalar());
  for (size_t i = 0; is_list && i < value.size(); ++i) {
    values.push_back(value[i].IsScalar() ? value[i].Scalar() : "");
  }
}

std::string PrintSettings(const Setting& root, std::string_view file) {
  Printer printer(file);
  printer.Mapping(root, 0, false);
  return printer.Take();
}

}  // namespace lastmile::app

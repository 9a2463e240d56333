#include "gateway/app/yaml_reader.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <utility>

namespace lastmile::app {
namespace {

Position PositionOf(const YAML::Node& node) {
  const YAML::Mark mark = node.Mark();
  if (mark.is_null()) return {};
  return {mark.line + 1, mark.column + 1};
}

std::string ScalarOf(const YAML::Node& node) { return node.IsScalar() ? node.Scalar() : ""; }

std::string_view KindOf(const YAML::Node& node) {
  if (node.IsMap()) return "a mapping";
  if (node.IsSequence()) return "a list";
  if (node.IsScalar()) return "a single value";
  return "nothing";
}

size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t substituted = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
    }
  }
  return row[b.size()];
}

std::string FirstLineOf(const std::string& path, bool& readable) {
  std::ifstream file(path);
  readable = file.good();
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

std::string Nearest(std::string_view word, const std::set<std::string>& candidates) {
  std::string best;
  size_t best_distance = std::max<size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const size_t distance = EditDistance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

void YamlContext::Report(const YAML::Node& at, std::string code, std::string message,
                         std::string suggestion) {
  const size_t quotes = at.IsDefined() && at.Tag() == "!" ? 2 : 0;  // yaml-cpp's tag of "quoted"
  diagnostics_.push_back({.position = PositionOf(at),
                          .code = std::move(code),
                          .message = std::move(message),
                          .suggestion = std::move(suggestion),
                          .width = std::max<size_t>(1, ScalarOf(at).size() + quotes)});
}

void YamlContext::Remember(const std::string& path, const YAML::Node& node) {
  positions_[path] = PositionOf(node);
}

std::vector<Diagnostic> YamlContext::TakeDiagnostics() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) {
                     return std::pair(a.position.line, a.position.column) <
                            std::pair(b.position.line, b.position.column);
                   });
  return std::move(diagnostics_);
}

// A section in a list has its path: `routes[0]` is the first one of the setting `routes`.
Setting* YamlContext::SettingOf(const std::string& path) {
  const auto found = settings_.find(path);
  if (found != settings_.end()) return found->second;
  const size_t bracket = path.rfind('[');
  if (bracket == std::string::npos) return nullptr;
  const auto list = settings_.find(path.substr(0, bracket));
  if (list == settings_.end()) return nullptr;
  Setting* item = &list->second->Child("", std::stoul(path.substr(bracket + 1)));
  settings_[path] = item;
  return item;
}

YamlSection::YamlSection(YamlContext& context, YAML::Node node, std::string path, std::string code)
    : context_(context),
      node_(std::move(node)),
      path_(std::move(path)),
      code_(std::move(code)),
      setting_(context_.SettingOf(path_)) {
  if (node_.IsDefined() && !node_.IsNull() && !node_.IsMap()) {
    Report(node_, (path_.empty() ? std::string("the file") : "`" + path_ + "`") +
                      " must be a mapping of keys to values, not " + std::string(KindOf(node_)));
  }
  if (!present()) return;
  for (const auto& entry : node_) entries_.emplace_back(entry.first, entry.second);
}

std::string YamlSection::PathOf(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

void YamlSection::FallBackTo(const YAML::Node& defaults, std::string origin, const YAML::Node& at) {
  fallback_.emplace(Fallback{defaults, std::move(origin), at});
}

void YamlSection::Report(const YAML::Node& at, std::string message, std::string suggestion) {
  bool elsewhere = false;
  if (fallback_) {
    for (const auto& entry : fallback_->node) elsewhere = elsewhere || entry.second.is(at);
  }
  context_.Report(elsewhere ? fallback_->at : at, code_, std::move(message), std::move(suggestion));
}

std::vector<std::string> YamlSection::Keys() const {
  std::vector<std::string> keys;
  if (node_.IsDefined() && node_.IsMap()) {
    for (const auto& entry : node_) keys.push_back(ScalarOf(entry.first));
  }
  return keys;
}

YAML::Node YamlSection::Own(std::string_view key) const {
  for (const auto& [name, value] : entries_) {
    if (name.IsScalar() && name.Scalar() == key) return value;
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

YAML::Node YamlSection::FromFallback(std::string_view key) const {
  if (fallback_) {
    for (const auto& entry : fallback_->node) {
      if (ScalarOf(entry.first) == key) return entry.second;
    }
  }
  return YAML::Node(YAML::NodeType::Undefined);
}

Setting* YamlSection::SettingFor(std::string_view key) {
  if (!setting_) return nullptr;
  Setting* setting = &setting_->Child(key);
  context_.Note(PathOf(key), setting);
  return setting;
}

void YamlSection::NoteDefault(std::string_view key, const std::vector<std::string>& values,
                              bool is_list) {
  Setting* setting = SettingFor(key);
  if (!setting || values.empty() || (!is_list && values.front().empty())) return;
  setting->values = values;
  setting->is_list = is_list;
  setting->origin = "default";
}

YAML::Node YamlSection::Find(std::string_view key) {
  known_.emplace(key);
  Setting* setting = SettingFor(key);
  if (const YAML::Node own = Own(key); own.IsDefined()) {
    context_.Remember(PathOf(key), own);
    if (setting) setting->Take(own, "");
    return own;
  }
  const YAML::Node other = FromFallback(key);
  if (other.IsDefined()) {
    context_.Remember(PathOf(key), fallback_->at);
    if (setting) setting->Take(other, fallback_->origin);
  }
  return other;
}

YamlSection YamlSection::Section(std::string_view key, std::string code) {
  Find(key);
  YamlSection section(context_, Own(key), PathOf(key), code.empty() ? code_ : std::move(code));
  const YAML::Node defaults = FromFallback(key);
  if (defaults.IsDefined()) section.FallBackTo(defaults, fallback_->origin, fallback_->at);
  return section;
}

bool YamlSection::Text(std::string_view key, std::string& out) {
  const YAML::Node value = Find(key);
  if (!value.IsDefined()) {
    NoteDefault(key, {out}, false);
    return false;
  }
  if (!value.IsScalar()) {
    Report(value,
           "`" + PathOf(key) + "` must be a single value, not " + std::string(KindOf(value)));
    return false;
  }
  out = value.Scalar();
  return true;
}

bool YamlSection::Secret(std::string_view key, std::string& out) {
  std::string text;
  if (!Text(key, text)) return false;
  if (Setting* setting = SettingFor(key)) setting->is_secret = true;
  if (text.starts_with("env:")) {
    const char* value = std::getenv(text.c_str() + 4);
    if (!value) {
      Report(Find(key), "the environment variable " + text.substr(4) + " is not set");
      return false;
    }
    text = value;
  } else if (text.starts_with("file:")) {
    bool readable = false;
    const std::string path = text.substr(5);
    text = FirstLineOf(path, readable);
    if (!readable) {
      Report(Find(key), "cannot read " + path);
      return false;
    }
  }
  out = std::move(text);
  return true;
}

bool YamlSection::Choice(std::string_view key, const std::vector<std::string>& choices,
                         std::string& out) {
  std::string text = out;
  if (!Text(key, text)) return false;
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) {
    out = text;
    return true;
  }
  std::string list;
  for (const std::string& choice : choices) list += (list.empty() ? "" : ", ") + choice;
  Report(Find(key), "`" + PathOf(key) + "` must be one of: " + list,
         Nearest(text, {choices.begin(), choices.end()}));
  return false;
}

bool YamlSection::Number(std::string_view key, int min, int max, int& out) {
  std::string text = min <= out && out <= max ? std::to_string(out) : "";  // else: no default
  if (!Text(key, text)) return false;
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < min || value > max) {
    Report(Find(key), "`" + PathOf(key) + "` must be a number from " + std::to_string(min) +
                          " to " + std::to_string(max));
    return false;
  }
  out = value;
  return true;
}

bool YamlSection::Seconds(std::string_view key, int min, int max, std::chrono::seconds& out) {
  std::string text;
  if (!Text(key, text)) return false;
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string_view unit(end, text.data() + text.size());
  const int factor = unit == "h" ? 3600 : unit == "m" ? 60 : 1;
  const bool is_time = error == std::errc() && (unit.empty() || unit == "s" || factor > 1);
  if (!is_time || value < 0 || value > max / factor || value * factor < min) {
    Report(Find(key), "`" + PathOf(key) + "` must be a time from " + std::to_string(min) + "s to " +
                          std::to_string(max) + "s");
    return false;
  }
  out = std::chrono::seconds(value * factor);
  return true;
}

bool YamlSection::Flag(std::string_view key, bool& out) {
  std::string text = out ? "true" : "false";
  if (!Choice(key, {"true", "false"}, text)) return false;
  out = text == "true";
  return true;
}

bool YamlSection::Texts(std::string_view key, std::vector<std::string>& out) {
  const YAML::Node list = Find(key);
  if (!list.IsDefined()) {
    NoteDefault(key, out, true);
    return false;
  }
  if (!list.IsSequence()) {
    Report(list, "`" + PathOf(key) + "` must be a list, such as [ a, b ], not " +
                     std::string(KindOf(list)));
    return false;
  }
  std::vector<std::string> texts;
  for (size_t i = 0; i < list.size(); ++i) {
    const YAML::Node item = list[i];
    const std::string item_path = PathOf(key) + "[" + std::to_string(i) + "]";
    context_.Remember(item_path, item);
    if (!item.IsScalar()) {
      Report(item, "`" + item_path + "` must be a single value, not " + std::string(KindOf(item)));
      return false;
    }
    texts.push_back(item.Scalar());
  }
  out = std::move(texts);
  return true;
}

void YamlSection::Finish() {
  if (!node_.IsDefined() || !node_.IsMap()) return;
  std::set<std::string> seen;
  for (const auto& entry : node_) {
    const std::string key = ScalarOf(entry.first);
    const std::string where = path_.empty() ? "" : " in " + path_;
    if (!seen.insert(key).second) {
      Report(entry.first, "the key `" + key + "` stands twice" + where);
    } else if (!known_.contains(key)) {
      Report(entry.first, "unknown key `" + key + "`" + where, Nearest(key, known_));
    }
  }
}

}  // namespace lastmile::app

#ifndef LASTMILE_GATEWAY_APP_YAML_READER_H_
#define LASTMILE_GATEWAY_APP_YAML_READER_H_

#include <yaml-cpp/yaml.h>

#include <chrono>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/app/config.h"
#include "gateway/app/config_effective.h"

namespace lastmile::app {

// Collects what is wrong and where every value stands, while sections are read.
class YamlContext {
 public:
  void Report(const YAML::Node& at, std::string code, std::string message,
              std::string suggestion = "");
  void Remember(const std::string& path, const YAML::Node& node);
  std::vector<Diagnostic> TakeDiagnostics();
  std::map<std::string, Position> TakePositions() { return std::move(positions_); }

  // From now on every key that is asked for is noted below `root`, which outlives this object.
  void NoteBelow(Setting& root) { settings_[""] = &root; }
  // Of the section at that path; nullptr: nothing is noted.
  Setting* SettingOf(const std::string& path);
  void Note(const std::string& path, Setting* setting) { settings_[path] = setting; }

 private:
  std::vector<Diagnostic> diagnostics_;
  std::map<std::string, Position> positions_;
  std::map<std::string, Setting*> settings_;  // by path; "" is the root
};

// One mapping of the file. Each key is asked for by name; Finish() then reports the keys nobody
// asked for, with the nearest known one, and keys that stand twice (yaml-cpp accepts both
// silently). yaml-cpp throws: no exception leaves this class.
class YamlSection {
 public:
  // `node` may be undefined: every key is then absent.
  YamlSection(YamlContext& context, YAML::Node node, std::string path, std::string code);

  // Keys that the mapping does not have are looked for in `defaults`, a mapping of another text
  // that is called `origin`. What is wrong with one of those is told at `at`.
  void FallBackTo(const YAML::Node& defaults, std::string origin, const YAML::Node& at);

  bool present() const { return (node_.IsDefined() && node_.IsMap()) || fallback_; }
  const std::string& path() const { return path_; }
  std::string PathOf(std::string_view key) const;
  YamlContext& context() { return context_; }
  std::vector<std::string> Keys() const;  // all of the mapping's own, in order
  void Report(const YAML::Node& at, std::string message, std::string suggestion = "");

  // The value's node, undefined if the key is absent.
  YAML::Node Find(std::string_view key);
  YamlSection Section(std::string_view key, std::string code = "");

  // False: the key is absent, or its value is wrong and was reported; `out` is then untouched.
  bool Text(std::string_view key, std::string& out);
  // As Text, with env:NAME and file:PATH resolved.
  bool Secret(std::string_view key, std::string& out);
  bool Choice(std::string_view key, const std::vector<std::string>& choices, std::string& out);
  bool Number(std::string_view key, int min, int max, int& out);
  // 30s, 5m, 1h, or seconds without a unit.
  bool Seconds(std::string_view key, int min, int max, std::chrono::seconds& out);
  bool Flag(std::string_view key, bool& out);
  bool Texts(std::string_view key, std::vector<std::string>& out);

  void Finish();

 private:
  struct Fallback {
    YAML::Node node;
    std::string origin;
    YAML::Node at;
  };

  YAML::Node Own(std::string_view key) const;
  YAML::Node FromFallback(std::string_view key) const;
  Setting* SettingFor(std::string_view key);  // nullptr: nothing is noted
  void NoteDefault(std::string_view key, const std::vector<std::string>& values, bool is_list);

  YamlContext& context_;
  YAML::Node node_;
  std::vector<std::pair<YAML::Node, YAML::Node>> entries_;  // of node_: its iterator is slow
  std::string path_;
  std::string code_;
  std::set<std::string> known_;
  std::optional<Fallback> fallback_;
  Setting* setting_ = nullptr;
};

// The candidate nearest to `word` by edit distance, "" if none is near.
std::string Nearest(std::string_view word, const std::set<std::string>& candidates);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_YAML_READER_H_

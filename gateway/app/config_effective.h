#ifndef LASTMILE_GATEWAY_APP_CONFIG_EFFECTIVE_H_
#define LASTMILE_GATEWAY_APP_CONFIG_EFFECTIVE_H_

#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace lastmile::app {

// A key of the configuration as the program asked for it: a tree of these is noted while a file is
// read (YamlContext), so that it has every key there is. Thread: main.
struct Setting {
  std::string key;   // in its mapping; "" in a list
  size_t index = 0;  // in its list
  bool is_list = false;
  bool is_secret = false;
  bool is_given = false;            // by the file or a profile
  std::vector<std::string> values;  // one, or those of a list; empty: neither given nor a default
  std::string origin;               // "default", "profile NAME" or "" for the file
  int line = 0;                     // of the file
  std::deque<Setting> children;     // of a mapping, or mappings in a list

  Setting& Child(std::string_view child_key, size_t child_index = 0);  // made if it is not there
  void Take(const YAML::Node& value, std::string_view from);
};

// The tree as YAML that means the same. `file`: how the file that was read is called.
std::string PrintSettings(const Setting& root, std::string_view file);

}  // namespace lastmile::app

#endif  // LASTMILE_GATEWAY_APP_CONFIG_EFFECTIVE_H_

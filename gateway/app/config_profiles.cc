#include "gateway/app/config_profiles.h"

#include <set>

namespace lastmile::app {
namespace {

// The text is a part of the program, and parses (config_profiles_test).
YAML::Node Profiles() { return YAML::Load(std::string(ProfilesText())); }

}  // namespace

std::vector<std::string> ProfileNames() {
  std::vector<std::string> names;
  for (const auto& profile : Profiles()) names.push_back(profile.first.Scalar());
  return names;
}

void ReadProfile(YamlSection& trunk) {
  std::string name;
  if (!trunk.Text("profile", name)) return;
  const YAML::Node at = trunk.Find("profile");
  const YAML::Node profiles = Profiles();
  std::set<std::string> names;
  std::string list;
  for (const auto& profile : profiles) {
    const std::string& known = profile.first.Scalar();
    if (known == name) return trunk.FallBackTo(profile.second, "profile " + name, at);
    names.insert(known);
    list += (list.empty() ? "" : ", ") + known;
  }
  trunk.Report(at, "there is no profile " + name + ", but: " + list, Nearest(name, names));
}

}  // namespace lastmile::app

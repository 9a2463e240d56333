#include "gateway/app/config_routes.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>
#include <vector>

#include "gateway/route/pattern_index.h"
#include "gateway/route/router.h"

namespace lastmile::app {
namespace {

constexpr int kMostCalls = 1'000'000;

void ReadPrefix(YamlSection& numbering, std::string_view key, std::string& out) {
  if (!numbering.Text(key, out)) return;
  constexpr size_t kMost = 5;
  const bool all_digits = std::ranges::all_of(out, [](char c) { return c >= '0' && c <= '9'; });
  if (out.empty() || out.size() > kMost || !all_digits) {
    numbering.Report(numbering.Find(key), "`" + numbering.PathOf(key) + "` is 1 to 5 digits");
  }
}

void ReadNumbering(YamlSection& root, Config& config) {
  route::Numbering& out = config.routing.numbering;
  YamlSection numbering = root.Section("numbering", "route");
  ReadPrefix(numbering, "country", out.country);
  ReadPrefix(numbering, "international", out.international);
  ReadPrefix(numbering, "national", out.national);
  if (numbering.present() && (out.country.empty() || out.international.empty())) {
    numbering.Report(root.Find("numbering"),
                     "`numbering` needs a `country` and the prefix `international`");
  }
  numbering.Finish();
}

void ReadTimeZone(YamlSection& root, Config& config) {
  std::string name;
  if (!root.Text("timezone", name)) return;
  auto zone = route::TimeZone::Load(name);
  if (zone) {
    config.routing.zone = *std::move(zone);
  } else {
    root.Report(root.Find("timezone"), zone.error().message);
  }
}

route::Limit ReadLimit(YamlSection& section) {
  int calls = 0, cps = 0;
  section.Number("calls", 1, kMostCalls, calls);
  section.Number("cps", 1, kMostCalls, cps);
  return {static_cast<unsigned>(calls), static_cast<unsigned>(cps)};
}

void ReadNodeLimits(YamlSection& root, Config& config) {
  YamlSection limits = root.Section("limits", "limits");
  config.routing.limits.node = ReadLimit(limits);
  YamlSection user = limits.Section("user");
  config.routing.limits.user = ReadLimit(user);
  user.Finish();
  limits.Finish();
}

// A value or a list of them.
void ReadOneOrMore(YamlSection& section, std::string_view key, std::vector<std::string>& out) {
  const YAML::Node value = section.Find(key);
  if (value.IsDefined() && value.IsScalar()) {
    out = {value.Scalar()};
  } else {
    section.Texts(key, out);
  }
}

// A number is dialled as in the own country only if it is known how.
void CheckFormats(YamlSection& root, const Config& config) {
  const route::Numbering& numbering = config.routing.numbering;
  if (!numbering.international.empty()) return;
  for (const auto& [name, terms] : config.routing.trunks) {
    if (terms.format != route::NumberFormat::kNational &&
        terms.format != route::NumberFormat::kInternational) {
      continue;
    }
    YamlSection trunk = root.Section("trunks", "route").Section(name);
    trunk.Report(trunk.Find("number_format"), "this format needs `numbering`");
  }
}

class RouteReader {
 public:
  RouteReader(YamlSection section, YAML::Node at, const std::set<std::string>& trunks,
              const std::set<std::string>& users, const std::set<std::string>& tenants,
              const Config& config)
      : section_(std::move(section)),
        at_(std::move(at)),
        trunks_(trunks),
        users_(users),
        tenants_(tenants),
        config_(config) {}

  route::Route Read() {
    section_.Text("name", route_.name);
    section_.Text("to", route_.to);
    if (auto checked = route::CheckPattern(route_.to); !checked) {
      section_.Report(section_.Find("to"), checked.error().message);
    }
    ReadConditions();
    ReadTrunks();
    section_.Text("user", route_.user);
    section_.Text("deny", route_.deny);
    section_.Flag("priority", route_.priority);
    std::chrono::seconds ring{};
    if (section_.Seconds("ring", 1, kMostRing, ring)) route_.ring = ring;
    ReadRewrite();
    section_.Finish();
    CheckAction();
    return std::move(route_);
  }

 private:
  void ReadConditions() {
    ReadOneOrMore(section_, "from", route_.from);
    ReadOneOrMore(section_, "tenant", route_.tenants);
    if (section_.Text("from_trunk", route_.from_trunk) && route_.from_trunk != "*") {
      CheckName("from_trunk", "trunk", route_.from_trunk, trunks_);
    }
    std::string hours;
    if (section_.Text("hours", hours)) {
      auto parsed = route::Hours::Parse(hours);
      if (parsed) {
        route_.hours = *std::move(parsed);
      } else {
        section_.Report(section_.Find("hours"), parsed.error().message);
      }
    }
    for (const std::string& user : route_.from) CheckUser("from", user);
    for (const std::string& tenant : route_.tenants) {
      if (!config_.user_source) CheckName("tenant", "tenant", tenant, tenants_);
    }
    YamlSection allow = section_.Section("allow");
    allow.Texts("users", route_.allow);
    if (allow.present() && route_.allow.empty()) {
      allow.Report(section_.Find("allow"), "`allow` names those who may: { users: [NAME, ...] }");
    }
    allow.Finish();
    for (const std::string& user : route_.allow) CheckUser("allow", user);
  }

  void ReadTrunks() {
    std::string trunk;
    std::vector<std::string> trunks;
    const bool has_one = section_.Text("trunk", trunk);
    const bool has_several = section_.Texts("trunks", trunks);
    if (has_one) trunks = {trunk};
    if (has_one && has_several) {
      section_.Report(section_.Find("trunks"), "a route has `trunk` or `trunks`, not both");
    }
    std::set<std::string> seen;
    for (const std::string& name : trunks) {
      CheckName(has_several ? "trunks" : "trunk", "trunk", name, trunks_);
      if (!seen.insert(name).second) {
        section_.Report(section_.Find("trunks"), "trunk " + name + " stands twice in the route");
      }
      route_.trunks.push_back({name});
    }
    ReadOrder();
    ReadFailover();
  }

  void ReadOrder() {
    bool least_used = false;
    section_.Flag("least_used", least_used);
    std::vector<std::string> weights;
    const bool weighted = section_.Texts("weights", weights);
    if (least_used) route_.order = route::TrunkOrder::kLeastUsed;
    if (!weighted) return;
    route_.order = route::TrunkOrder::kWeighted;
    if (weights.size() != route_.trunks.size() || least_used) {
      return section_.Report(section_.Find("weights"),
                             "`weights` is one number for each of `trunks`, without `least_used`");
    }
    for (size_t i = 0; i < weights.size(); ++i) {
      unsigned& weight = route_.trunks[i].weight;
      const char* end = weights[i].data() + weights[i].size();
      const auto [stop, error] = std::from_chars(weights[i].data(), end, weight);
      if (error != std::errc() || stop != end || weight == 0 || weight > kMostWeight) {
        section_.Report(section_.Find("weights")[i], "a weight is a number from 1 to 1000");
        weight = 1;
      }
    }
  }

  void ReadFailover() {
    std::vector<std::string> codes;
    if (!section_.Texts("failover", codes)) return;
    for (size_t i = 0; i < codes.size(); ++i) {
      int code = codes[i] == "timeout" ? route::kNoAnswer : 0;
      const char* end = codes[i].data() + codes[i].size();
      if (code == 0 && std::from_chars(codes[i].data(), end, code).ptr != end) code = 0;
      if (code < 400 || code > 599) {
        section_.Report(section_.Find("failover")[i],
                        "`failover` lists final answers from 400 to 599, or `timeout`");
      }
      route_.failover.push_back(code);
    }
  }

  void ReadRewrite() {
    YamlSection rewrite = section_.Section("rewrite");
    int strip = 0;
    rewrite.Number("strip", 0, static_cast<int>(route::kMaxDialled), strip);
    route_.rewrite.strip = static_cast<size_t>(strip);
    rewrite.Text("prefix", route_.rewrite.prefix);
    const bool plain = std::ranges::all_of(route_.rewrite.prefix, [](char c) {
      return (c >= '0' && c <= '9') || c == '+' || c == '*' || c == '#';
    });
    if (!plain) {
      rewrite.Report(rewrite.Find("prefix"), "a prefix has digits, +, * and # only");
    }
    rewrite.Finish();
  }

  void CheckAction() {
    const int actions =
        int{!route_.trunks.empty()} + int{!route_.user.empty()} + int{!route_.deny.empty()};
    if (actions != 1) {
      return section_.Report(at_, "a route needs one of `trunk`, `trunks`, `user` and `deny`");
    }
    if (!route_.deny.empty() && route_.ring > Duration::zero()) {
      section_.Report(section_.Find("ring"), "a route that denies rings nobody");
    }
    if (!route_.from_trunk.empty() && (!route_.trunks.empty() || !route_.from.empty() ||
                                       !route_.tenants.empty() || !route_.allow.empty())) {
      section_.Report(at_,
                      "a route with `from_trunk` has a `user` or `deny`, and no users who call");
    }
    if (route_.user != "$0" && !route_.user.empty() && !IsKnownUser(route_.user)) {
      section_.Report(section_.Find("user"),
                      "there is no user " + route_.user + "; $0 is the one who was dialled",
                      Nearest(route_.user, users_));
    }
    const bool bars = !route_.deny.empty() || !route_.allow.empty();
    if (bars && config_.routing.numbering.international.empty()) {
      section_.Report(at_,
                      "a route that bars numbers needs `numbering`: without it 0044... and +44... "
                      "are two numbers");
    }
  }

  bool IsKnownUser(const std::string& user) const {
    return config_.user_source || users_.contains(user);
  }

  void CheckUser(std::string_view key, const std::string& user) {
    if (!IsKnownUser(user)) CheckName(key, "user", user, users_);
  }

  void CheckName(std::string_view key, const std::string& what, const std::string& name,
                 const std::set<std::string>& known) {
    if (known.contains(name)) return;
    section_.Report(section_.Find(key), "there is no " + what + " " + name, Nearest(name, known));
  }

  static constexpr unsigned kMostWeight = 1000;
  static constexpr int kMostRing = 180;  // seconds; nothing rings longer

  YamlSection section_;
  const YAML::Node at_;
  const std::set<std::string>& trunks_;
  const std::set<std::string>& users_;
  const std::set<std::string>& tenants_;
  const Config& config_;
  route::Route route_;
};

}  // namespace

namespace {

// Without the keys that are `live`, wherever they are.
void Write(const YAML::Node& node, const std::set<std::string>& live, std::string& out) {
  if (node.IsMap()) {
    for (const auto& entry : node) {
      const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
      if (live.contains(key)) continue;
      out += key + "{";
      Write(entry.second, live, out);
      out += "}";
    }
  } else if (node.IsSequence()) {
    for (const YAML::Node& item : node) {
      out += "[";
      Write(item, live, out);
      out += "]";
    }
  } else if (node.IsScalar()) {
    out += node.Scalar();
  }
}

}  // namespace

std::map<std::string, std::string> FixedSections(const YAML::Node& root) {
  const std::set<std::string> live_sections = {"routes", "numbering", "timezone", "limits"};
  const std::map<std::string, std::set<std::string>> live_keys = {
      {"trunks", {"limits", "number_format"}}, {"users", {"max_calls"}}};
  std::map<std::string, std::string> fixed;
  if (!root.IsMap()) return fixed;
  for (const auto& entry : root) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
    if (live_sections.contains(key)) continue;
    const auto live = live_keys.find(key);
    Write(entry.second, live == live_keys.end() ? std::set<std::string>{} : live->second,
          fixed[key]);
  }
  return fixed;
}

void ReadRouting(YamlSection& root, Config& config) {
  ReadNumbering(root, config);
  CheckFormats(root, config);
  ReadTimeZone(root, config);
  ReadNodeLimits(root, config);
  const YAML::Node list = root.Find("routes");
  if (!list.IsDefined()) return;
  if (!list.IsSequence()) return root.Report(list, "`routes` must be a list");
  std::set<std::string> trunks, users, tenants;
  for (const auto& trunk : config.trunks) trunks.insert(trunk.name);
  for (const auto& user : config.users) {
    users.insert(user.name);
    if (!user.tenant.empty()) tenants.insert(user.tenant);
  }
  size_t index = 0;
  for (const YAML::Node& entry : list) {
    YamlSection section(root.context(), entry, "routes[" + std::to_string(index++) + "]", "route");
    RouteReader reader(std::move(section), entry, trunks, users, tenants, config);
    config.routing.routes.push_back(reader.Read());
  }
}

void ReadTrunkTerms(YamlSection& section, const std::string& trunk, Config& config) {
  YamlSection limits = section.Section("limits");
  const route::Limit limit = ReadLimit(limits);
  limits.Finish();
  std::string format = "canonical";
  section.Choice("number_format", {"canonical", "e164", "national", "international"}, format);
  config.routing.trunks[trunk] = {.format = format == "e164"       ? route::NumberFormat::kE164
                                            : format == "national" ? route::NumberFormat::kNational
                                            : format == "international"
                                                ? route::NumberFormat::kInternational
                                                : route::NumberFormat::kCanonical,
                                  .limit = limit};
}

void ReadUserLimit(YamlSection& entry, const std::string& user, Config& config) {
  int calls = 0;
  if (!entry.Number("max_calls", 1, kMostCalls, calls)) return;
  config.routing.limits.user_calls[user] = static_cast<unsigned>(calls);
}

}  // namespace lastmile::app

#include "gateway/route/router.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "gateway/route/pattern_index.h"

namespace lastmile::route {
namespace {

constexpr size_t kNone = SIZE_MAX;

bool IsLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool AllDigits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

Number Rewritten(const Number& number, const Rewrite& rewrite) {
  if (rewrite.strip == 0 && rewrite.prefix.empty()) return number;
  Number changed{NumberKind::kPrivate,
                 rewrite.prefix + number.text.substr(std::min(rewrite.strip, number.text.size()))};
  const std::string_view text = changed.text;
  if (text.starts_with('+') && AllDigits(text.substr(1))) changed.kind = NumberKind::kGlobal;
  return changed;
}

bool IsListed(const std::vector<std::string>& names, const std::string& name) {
  return names.empty() || std::ranges::find(names, name) != names.end();
}

// A user and a tenant of the same name are two.
std::string UserKey(const std::string& user) { return "u" + user; }
std::string TenantKey(const std::string& tenant) { return "t" + tenant; }

// Under which a route is looked for; "": under all.
std::vector<std::string> KeysOf(const Route& route) {
  if (!route.from_trunk.empty()) return {route.from_trunk == "*" ? "" : route.from_trunk};
  std::vector<std::string> keys;
  if (!route.from.empty()) {
    std::ranges::transform(route.from, std::back_inserter(keys), UserKey);
  } else if (!route.tenants.empty()) {
    std::ranges::transform(route.tenants, std::back_inserter(keys), TenantKey);
  } else {
    keys = {""};
  }
  return keys;
}

std::vector<std::string> KeysOf(const Call& call) {
  if (!call.from_trunk.empty()) return {call.from_trunk};
  if (call.tenant.empty()) return {UserKey(call.user)};
  return {UserKey(call.user), TenantKey(call.tenant)};
}

// One after the other by chance: a trunk is as likely to be the next as its weight among those
// left.
std::vector<RouteTrunk> Shuffled(std::vector<RouteTrunk> left, uint64_t draw) {
  std::vector<RouteTrunk> order;
  while (!left.empty()) {
    uint64_t total = 0;
    for (const RouteTrunk& trunk : left) total += trunk.weight;
    uint64_t at = draw % total;
    draw /= total;
    const auto chosen = std::ranges::find_if(left, [&at](const RouteTrunk& trunk) {
      if (at < trunk.weight) return true;
      at -= trunk.weight;
      return false;
    });
    order.push_back(*chosen);
    left.erase(chosen);
  }
  return order;
}

std::vector<RouteTrunk> InOrder(const Route& route, const Call& call) {
  switch (route.order) {
    case TrunkOrder::kListed:
      return route.trunks;
    case TrunkOrder::kWeighted:
      return Shuffled(route.trunks, call.draw);
    case TrunkOrder::kLeastUsed:
      break;
  }
  std::vector<RouteTrunk> order = route.trunks;
  if (call.calls_on) {
    std::ranges::stable_sort(order, {},
                             [&](const RouteTrunk& trunk) { return call.calls_on(trunk.name); });
  }
  return order;
}

}  // namespace

struct Router::Tables {
  Rules rules;
  PatternIndex of_browsers;  // keys: users and tenants
  PatternIndex of_trunks;    // keys: trunks

  // Everything but `to` and which user or trunk calls. "": it holds.
  std::string WhyNot(const Route& route, const Number& number, const Call& call) const;
  size_t Search(const Call& call, Decision& decision) const;
  size_t SearchEach(const Call& call, Decision& decision) const;
  void Settle(size_t index, const Call& call, Decision& decision) const;
};

Router::Router() : tables_(std::make_unique<Tables>()) {}
Router::Router(Router&&) noexcept = default;
Router& Router::operator=(Router&&) noexcept = default;
Router::~Router() = default;

const Rules& Router::rules() const { return tables_->rules; }

const Limit& Router::LimitOf(const std::string& trunk) const {
  static const Limit kUnlimited;
  const auto found = tables_->rules.trunks.find(trunk);
  return found == tables_->rules.trunks.end() ? kUnlimited : found->second.limit;
}

Result<Router, RouteFault> Router::Make(Rules rules) {
  Router router;
  Tables& tables = *router.tables_;
  tables.rules = std::move(rules);
  const auto& routes = tables.rules.routes;
  for (uint32_t id = 0; id < routes.size(); ++id) {
    const Route& route = routes[id];
    const std::vector<std::string> keys = KeysOf(route);
    PatternIndex& index = route.from_trunk.empty() ? tables.of_browsers : tables.of_trunks;
    for (const std::string& key : keys) {
      auto added = index.Add(route.to, key, id);
      if (!added) return std::unexpected(RouteFault{id, std::move(added.error().message)});
    }
  }
  for (PatternIndex* index : {&tables.of_browsers, &tables.of_trunks}) {
    auto compiled = index->Compile();
    if (!compiled) return std::unexpected(RouteFault{0, std::move(compiled.error().message)});
  }
  return router;
}

std::string Router::Tables::WhyNot(const Route& route, const Number& number,
                                   const Call& call) const {
  // A carrier may know letters for digits: "1-900-..." as a name would get around a number's
  // routes.
  if (!route.trunks.empty() && number.kind == NumberKind::kName && !IsLetter(number.text.front())) {
    return "a name that begins with no letter goes to no trunk";
  }
  if (!IsListed(route.tenants, call.tenant)) return "not of this tenant";
  if (route.hours && !route.hours->Contains(rules.zone.At(call.time))) return "not in its hours";
  return "";
}

size_t Router::Tables::Search(const Call& call, Decision& decision) const {
  const PatternIndex& index = call.from_trunk.empty() ? of_browsers : of_trunks;
  auto matches = index.Find(decision.number.text, KeysOf(call));
  if (!matches) {
    decision.outcome = Decision::Outcome::kDenied;
    decision.status = 500;
    decision.why = std::move(matches.error().message);
    return kNone;
  }
  for (uint32_t id = matches->Next(); id != UINT32_MAX; id = matches->Next()) {
    ++decision.candidates;
    if (WhyNot(rules.routes[id], decision.number, call).empty()) return id;
  }
  return kNone;
}

size_t Router::Tables::SearchEach(const Call& call, Decision& decision) const {
  for (size_t i = 0; i < rules.routes.size(); ++i) {
    const Route& route = rules.routes[i];
    std::string why;
    if (route.from_trunk.empty() != call.from_trunk.empty()) {
      why = call.from_trunk.empty() ? "for calls of trunks" : "for calls of browsers";
    } else if (!PatternMatches(route.to, decision.number.text)) {
      why = fmt::format("`to` is {}", route.to);
    } else if (route.from_trunk != "*" && route.from_trunk != call.from_trunk) {
      why = fmt::format("for calls of trunk {}", route.from_trunk);
    } else if (!IsListed(route.from, call.user)) {
      why = "not `from` this user";
    } else {
      why = WhyNot(route, decision.number, call);
    }
    const bool decides = why.empty();
    decision.steps.push_back({route.name, std::move(why)});
    if (decides) return i;
  }
  return kNone;
}

void Router::Tables::Settle(size_t index, const Call& call, Decision& decision) const {
  if (index == kNone) {
    if (decision.why.empty()) decision.why = "no route leads to this number";
    return;
  }
  const Route& route = rules.routes[index];
  decision.route = route.name.empty() ? fmt::format("routes[{}]", index) : route.name;
  decision.priority = route.priority;
  decision.ring = route.ring;
  decision.failover = route.failover;
  const bool is_allowed = IsListed(route.allow, call.user);
  if (!is_allowed || !route.deny.empty()) {
    decision.outcome = Decision::Outcome::kDenied;
    decision.status = 403;
    decision.why = is_allowed ? route.deny : "this user may not call this number";
    return;
  }
  const Number number = Rewritten(decision.number, route.rewrite);
  if (!route.user.empty()) {
    decision.outcome = Decision::Outcome::kUser;
    decision.user = route.user == "$0" ? number.text : route.user;
    return;
  }
  decision.outcome = Decision::Outcome::kTrunks;
  for (const RouteTrunk& trunk : InOrder(route, call)) {
    const auto terms = rules.trunks.find(trunk.name);
    const NumberFormat format =
        terms == rules.trunks.end() ? NumberFormat::kCanonical : terms->second.format;
    decision.trunks.push_back({trunk.name, Formatted(number, format, rules.numbering)});
  }
}

namespace {

// False: it has no canonical form, and nothing is left to decide.
bool TakeNumber(const Call& call, const Numbering& numbering, Decision& decision) {
  auto number = Canonical(call.dialled, numbering);
  if (number) {
    decision.number = *std::move(number);
    return true;
  }
  decision.outcome = Decision::Outcome::kDenied;
  decision.status = 404;
  decision.why = std::move(number.error().message);
  return false;
}

}  // namespace

Decision Router::Decide(const Call& call) const {
  Decision decision;
  if (!TakeNumber(call, tables_->rules.numbering, decision)) return decision;
  tables_->Settle(tables_->Search(call, decision), call, decision);
  return decision;
}

Decision Router::Explain(const Call& call) const {
  Decision decision;
  if (!TakeNumber(call, tables_->rules.numbering, decision)) return decision;
  tables_->Settle(tables_->SearchEach(call, decision), call, decision);
  return decision;
}

}  // namespace lastmile::route

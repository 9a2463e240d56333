#include "gateway/app/route_command.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>

#include "gateway/route/router.h"

namespace lastmile::app {
namespace {

using route::Decision;
using Outcome = route::Decision::Outcome;

constexpr int kExitDenied = 1;
constexpr int kExitConfig = 2;

// Of RFC 3339 the part that a person types: to the minute, UTC.
std::optional<route::WallTime> TimeOf(const std::string& text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, used = 0;
  const int read = std::sscanf(text.c_str(), "%4d-%2d-%2dT%2d:%2dZ%n", &year, &month, &day, &hour,
                               &minute, &used);
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  const bool whole = read == 5 && static_cast<size_t>(used) == text.size();
  if (!whole || !date.ok() || hour < 0 || hour > 23 || minute < 0 || minute > 59) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date) + std::chrono::hours(hour) + std::chrono::minutes(minute);
}

std::string NameOf(const std::string& route, size_t index) {
  return route.empty() ? fmt::format("routes[{}]", index) : route;
}

void Print(const RouteCommand& command, const Decision& decision, std::ostream& out) {
  if (!decision.number.text.empty()) {
    out << fmt::format("{} is the {} {}\n", command.number, ToString(decision.number.kind),
                       decision.number.text);
  }
  for (size_t i = 0; i < decision.steps.size(); ++i) {
    const auto& [route, mismatch] = decision.steps[i];
    out << fmt::format("  {:<16} {}\n", NameOf(route, i),
                       mismatch.empty() ? "decides" : "no: " + mismatch);
  }
  for (const route::TrunkTry& to : decision.trunks) {
    out << fmt::format("-> trunk {}, number {}\n", to.trunk, to.number);
  }
  if (decision.outcome == Outcome::kUser) out << fmt::format("-> user {}\n", decision.user);
  if (decision.ring > Duration::zero()) {
    out << fmt::format("   for {} s\n",
                       std::chrono::duration_cast<std::chrono::seconds>(decision.ring).count());
  }
  if (decision.priority) out << "   limits do not count\n";
  if (decision.trunks.empty() && decision.outcome != Outcome::kUser) {
    out << fmt::format("denied with {}: {}\n", decision.status, decision.why);
  }
}

void PrintJson(const Decision& decision, std::ostream& out) {
  nlohmann::ordered_json json;
  json["number"] = decision.number.text;
  json["route"] = decision.route;
  json["trunks"] = nlohmann::json::array();
  for (const route::TrunkTry& to : decision.trunks) {
    json["trunks"].push_back({{"trunk", to.trunk}, {"number", to.number}});
  }
  json["user"] = decision.user;
  json["priority"] = decision.priority;
  json["ring"] = std::chrono::duration_cast<std::chrono::seconds>(decision.ring).count();
  const bool denied = decision.trunks.empty() && decision.outcome != Outcome::kUser;
  json["status"] = denied ? decision.status : 0;
  json["why"] = denied ? decision.why : "";
  json["steps"] = nlohmann::json::array();
  for (const auto& [route, mismatch] : decision.steps) {
    json["steps"].push_back({{"route", route}, {"mismatch", mismatch}});
  }
  out << json.dump(2) << '\n';
}

// What a running gateway does with a number that no route names.
void GoOn(const RouteCommand& command, const Config& config, Decision& decision) {
  if (decision.outcome != Outcome::kNoRoute) return;
  if (!command.trunk.empty()) {
    decision.outcome = Outcome::kUser;
    decision.user = command.number;
    return;
  }
  const auto pbx = std::ranges::find(config.pbx_users, command.user, &trunk::PbxUser::user);
  if (pbx != config.pbx_users.end()) decision.trunks = {{pbx->trunk, decision.number.text}};
}

std::string WhatIsWrongWith(const RouteCommand& command, const Config& config) {
  if (command.user.empty() == command.trunk.empty()) return "name one of --from and --from-trunk";
  const bool known_user =
      config.user_source ||
      std::ranges::find(config.users, command.user, &browser::User::name) != config.users.end();
  if (!command.user.empty() && !known_user) return "there is no user " + command.user;
  const bool known_trunk =
      std::ranges::find(config.trunks, command.trunk, &trunk::Trunk::name) != config.trunks.end();
  if (!command.trunk.empty() && !known_trunk) return "there is no trunk " + command.trunk;
  if (!command.at.empty() && !TimeOf(command.at)) return "--at is written 2026-11-25T23:31Z (UTC)";
  return "";
}

}  // namespace

CLI::App* AddRouteCommand(CLI::App& cli, std::string& config_file, RouteCommand& command) {
  CLI::App* sub = cli.add_subcommand("route", "say where a number would go, and why");
  sub->add_option("number", command.number, "the number, as it would be dialled")->required();
  sub->add_option("--from", command.user, "the user who dials it");
  sub->add_option("--tenant", command.tenant, "of a user who does not stand in the file");
  sub->add_option("--from-trunk", command.trunk, "the trunk that calls it");
  sub->add_option("--at", command.at, "another time than now: 2026-11-25T23:31Z");
  sub->add_option("-c,--config", config_file, "configuration file")->required();
  sub->add_flag("--json", command.json, "print JSON");
  return sub;
}

int RunRoute(const RouteCommand& command, const Config& config, std::ostream& out,
             std::ostream& err) {
  if (const std::string wrong = WhatIsWrongWith(command, config); !wrong.empty()) {
    err << "lastmile: " << wrong << '\n';
    return kExitConfig;
  }
  auto router = route::Router::Make(config.routing);
  if (!router) {
    err << "lastmile: " << router.error().message << '\n';
    return kExitConfig;
  }
  const auto user = std::ranges::find(config.users, command.user, &browser::User::name);
  const std::string known = user == config.users.end() ? "" : user->tenant;
  Decision decision = router->Explain(
      {.dialled = command.number,
       .user = command.user,
       .tenant = command.tenant.empty() ? known : command.tenant,
       .from_trunk = command.trunk,
       .time = command.at.empty() ? std::chrono::system_clock::now() : *TimeOf(command.at)});
  GoOn(command, config, decision);
  if (command.json) {
    PrintJson(decision, out);
  } else {
    Print(command, decision, out);
  }
  return decision.trunks.empty() && decision.outcome != Outcome::kUser ? kExitDenied : 0;
}

}  // namespace lastmile::app

#include "gateway/app/reload.h"

#include <fstream>
#include <sstream>
#include <utility>

#include "base/log.h"

namespace lastmile::app {

Reload::Reload(const Config& running)
    : file_(running.file), text_(running.text), fixed_(running.fixed) {
  for (const trunk::Trunk& trunk : running.trunks) trunks_.insert(trunk.name);
}

std::optional<route::Router> Reload::Read() {
  if (file_.empty()) return std::nullopt;
  std::ifstream file(file_, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file || text.view().empty()) {
    // Some editors empty a file before they write it, or put another one in its place.
    spdlog::warn("{} cannot be read now: the routes stay as they are", file_);
    return std::nullopt;
  }
  if (text.view() == text_) return std::nullopt;
  text_ = std::move(text).str();
  auto config = ParseConfig(text_, file_);
  if (config) return Take(*std::move(config));
  for (const Diagnostic& fault : config.error()) {
    spdlog::error("{}:{}:{}: {}", file_, fault.position.line, fault.position.column, fault.message);
  }
  spdlog::error("{} has mistakes: the routes stay as they are", file_);
  return std::nullopt;
}

std::optional<route::Router> Reload::Take(Config config) {
  for (size_t i = 0; i < config.routing.routes.size(); ++i) {
    for (const route::RouteTrunk& trunk : config.routing.routes[i].trunks) {
      if (trunks_.contains(trunk.name)) continue;
      const Position at = config.PositionOf("routes[" + std::to_string(i) + "].name");
      spdlog::error("{}:{}:{}: trunk {} needs a restart: the routes stay as they are", file_,
                    at.line, at.column, trunk.name);
      return std::nullopt;
    }
  }
  LogWhatNeedsARestart(config);
  auto router = route::Router::Make(std::move(config.routing));
  if (!router) {
    spdlog::error("{}: {}: the routes stay as they are", file_, router.error().message);
    return std::nullopt;
  }
  return *std::move(router);
}

void Reload::LogWhatNeedsARestart(const Config& config) {
  std::set<std::string> keys;
  for (const auto& [key, text] : config.fixed) keys.insert(key);
  for (const auto& [key, text] : fixed_) keys.insert(key);
  for (const std::string& key : keys) {
    const auto before = fixed_.find(key);
    const auto after = config.fixed.find(key);
    const bool same =
        before != fixed_.end() && after != config.fixed.end() && before->second == after->second;
    if (!same) spdlog::warn("{}: `{}` has changed and needs a restart", file_, key);
  }
  fixed_ = config.fixed;
}

}  // namespace lastmile::app

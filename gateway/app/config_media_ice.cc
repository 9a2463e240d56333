#include "gateway/app/config_media_ice.h"

#include <string>
#include <utility>

#include "gateway/app/config_trunk_servers.h"

namespace lastmile::app {
namespace {

constexpr size_t kMaxServers = 8;

void ReadServer(YamlSection& section, const YAML::Node& at, const std::string& text,
                media::FullIceOptions::Server& server) {
  ReadHostPort(section, at, text, server.host, server.port);
  if (server.host.starts_with('[') && server.host.ends_with(']')) {
    server.host = server.host.substr(1, server.host.size() - 2);
  }
}

void ReadStun(YamlSection& ice, media::FullIceOptions& full) {
  std::vector<std::string> texts;
  if (!ice.Texts("stun", texts)) return;
  if (texts.size() > kMaxServers) {
    ice.Report(ice.Find("stun"),
               "`media.ice.stun` has " + std::to_string(kMaxServers) + " servers at most");
  }
  for (size_t i = 0; i < texts.size(); ++i) {
    ReadServer(ice, ice.Find("stun")[i], texts[i], full.stun.emplace_back());
  }
}

void ReadRelay(YamlSection entry, const YAML::Node& at, media::FullIceOptions::Relay& relay) {
  std::string server;
  if (entry.Text("server", server)) ReadServer(entry, entry.Find("server"), server, relay.server);
  entry.Text("username", relay.username);
  entry.Secret("password", relay.password);
  entry.Finish();
  if (relay.server.host.empty() || relay.username.empty() || relay.password.empty()) {
    entry.Report(at, "a TURN server is { server: HOST:PORT, username:, password: }");
  }
}

void ReadTurn(YamlSection& ice, media::FullIceOptions& full) {
  const YAML::Node list = ice.Find("turn");
  if (!list.IsDefined()) return;
  if (!list.IsSequence() || list.size() > kMaxServers) {
    return ice.Report(list, "`media.ice.turn` must be a list of { server, username, password }, " +
                                std::to_string(kMaxServers) + " at most");
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const std::string path = ice.PathOf("turn") + "[" + std::to_string(i) + "]";
    if (!list[i].IsMap()) {
      ice.Report(list[i], "a TURN server is { server: HOST:PORT, username:, password: }");
      continue;
    }
    ReadRelay(YamlSection(ice.context(), list[i], path, "media"), list[i],
              full.turn.emplace_back());
  }
}

// Values that are the defaults say nothing, and `config effective` writes them all down.
void ReportUnused(YamlSection& section, const char* key, bool is_used, const char* why) {
  if (!is_used) return;
  section.Report(section.Find(key), "`" + section.PathOf(key) + "` " + why);
}

}  // namespace

void ReadMediaIce(YamlSection& media, YamlSection& browser, Config& config) {
  YamlSection ice = media.Section("ice");
  std::string mode = "lite";
  ice.Choice("mode", {"lite", "full"}, mode);
  media::FullIceOptions full;
  ReadStun(ice, full);
  ReadTurn(ice, full);
  ice.Flag("private_peers", full.private_peers);
  ice.Finish();
  if (mode == "lite") {
    constexpr const char* kWhy = "says nothing without `mode: full`";
    ReportUnused(ice, "stun", !full.stun.empty(), kWhy);
    ReportUnused(ice, "turn", !full.turn.empty(), kWhy);
    ReportUnused(ice, "private_peers", full.private_peers, kWhy);
    return;
  }
  constexpr const char* kWhy =
      "is ICE-lite's: with `media.ice.mode: full` each call has a port of its own, any free one, "
      "and "
      "STUN tells how it is seen from outside";
  const auto& told = config.browser_media;
  ReportUnused(browser, "advertise", !told.advertise.automatic, kWhy);
  ReportUnused(browser, "port", told.port != Config().browser_media.port, kWhy);
  ReportUnused(browser, "tcp_port", told.tcp_port.has_value(), kWhy);
  config.full_ice = std::move(full);
}

}  // namespace lastmile::app

#include "gateway/app/config_trunk_servers.h"

#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace lastmile::app {
namespace {

constexpr int kMaxServers = 16;

template <class Number>
std::optional<Number> ParseNumber(std::string_view text) {
  Number value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// HOST, HOST:PORT, ADDRESS, [ADDRESS]:PORT.
void ReadHostPort(YamlSection& section, const YAML::Node& at, const std::string& text,
                  trunk::ConfiguredServer& server) {
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && text.find(']', colon) == std::string::npos &&
                        (text.front() == '[' || text.find(':') == colon);
  server.host = has_port ? text.substr(0, colon) : text;
  if (server.host.empty()) section.Report(at, "there is no host in " + text);
  if (!has_port) return;
  const auto port = ParseNumber<uint16_t>(std::string_view(text).substr(colon + 1));
  if (!port || *port == 0) return section.Report(at, "not a port (1 to 65535) in " + text);
  server.port = *port;
}

// { host:, port:, weight:, priority: }, as an SRV record (RFC 2782).
void ReadServer(YamlSection entry, const YAML::Node& at, trunk::ConfiguredServer& server) {
  int port = 0;
  int weight = 1;
  int priority = 0;
  entry.Text("host", server.host);
  entry.Number("port", 1, 65535, port);
  entry.Number("weight", 0, 65535, weight);
  entry.Number("priority", 0, 65535, priority);
  entry.Finish();
  if (server.host.empty()) entry.Report(at, "`" + entry.path() + "` needs a `host`");
  server.port = static_cast<uint16_t>(port);
  server.weight = static_cast<uint16_t>(weight);
  server.priority = static_cast<uint16_t>(priority);
}

void ReadServers(YamlSection& section, trunk::Trunk& trunk) {
  const YAML::Node list = section.Find("servers");
  if (!list.IsDefined() || !list.IsSequence() || list.size() == 0 || list.size() > kMaxServers) {
    return section.Report(list.IsDefined() ? list : section.Find("transport"),
                          "trunk " + trunk.name + " needs `servers: [ HOST:PORT ]` with 1 to " +
                              std::to_string(kMaxServers) + " servers");
  }
  for (size_t i = 0; i < list.size(); ++i) {
    const YAML::Node item = list[i];
    trunk::ConfiguredServer& server = trunk.servers.emplace_back();
    if (item.IsScalar() && !item.Scalar().empty()) {
      ReadHostPort(section, item, item.Scalar(), server);
    } else if (item.IsMap()) {
      const std::string path = section.PathOf("servers") + "[" + std::to_string(i) + "]";
      ReadServer(YamlSection(section.context(), item, path, "trunk"), item, server);
    } else {
      section.Report(item, "a server is HOST, HOST:PORT, or { host:, port:, weight:, priority: }");
    }
  }
  trunk.host = trunk.servers.front().host;
  trunk.port = trunk.servers.front().port;
  if (trunk.port == 0) trunk.port = trunk::DefaultPort(trunk.tls);
}

// 30s, 5m, or seconds without a unit.
std::optional<std::chrono::seconds> ParseSeconds(std::string_view text) {
  int factor = 1;
  if (text.ends_with('m')) factor = 60;
  if (text.ends_with('m') || text.ends_with('s')) text.remove_suffix(1);
  const auto value = ParseNumber<uint16_t>(text);
  if (!value) return std::nullopt;
  return std::chrono::seconds(*value * factor);
}

void ReadSeconds(YamlSection& section, std::string_view key, int least, int most,
                 std::optional<std::chrono::seconds>& out) {
  std::string text;
  if (!section.Text(key, text)) return;
  const auto value = ParseSeconds(text);
  if (value && value->count() >= least && value->count() <= most) {
    out = value;
    return;
  }
  section.Report(section.Find(key), "`" + section.PathOf(key) + "` must be a time from " +
                                        std::to_string(least) + "s to " + std::to_string(most) +
                                        "s");
}

void ReadFailover(YamlSection& section, trunk::FailoverRules& rules) {
  std::vector<std::string> texts;
  if (!section.Texts("failover", texts)) return;
  rules = {.statuses = {}, .timeout = false};
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto status = ParseNumber<int>(texts[i]);
    if (texts[i] == "timeout") {
      rules.timeout = true;
    } else if (status && *status >= 400 && *status < 600 && *status != 401 && *status != 407) {
      rules.statuses.push_back(*status);
    } else {
      section.Report(section.Find("failover")[i],
                     "`failover` names `timeout` and SIP codes from 400 to 599 other than 401 and "
                     "407, such as [ 503, 408, timeout ]");
    }
  }
}

void ReadRegister(YamlSection& section, trunk::Trunk& trunk) {
  const YAML::Node at = section.Find("register");
  if (!at.IsDefined()) return;
  YamlSection entry = section.Section("register");
  std::optional<std::chrono::seconds> expires = std::chrono::seconds(600);
  ReadSeconds(entry, "expires", 60, 86400, expires);
  entry.Finish();
  if (!trunk.auth) {
    return section.Report(at, "`register` needs `auth`: the account that is registered");
  }
  trunk.register_expires = static_cast<uint32_t>(expires->count());
}

}  // namespace

void ReadTrunkServers(YamlSection& section, trunk::Trunk& trunk) {
  ReadServers(section, trunk);
  std::optional<std::chrono::seconds> keepalive;
  ReadSeconds(section, "keepalive", 1, 3600, keepalive);
  if (keepalive) trunk.keepalive = *keepalive;
  // Which of several servers is to be called only their health can tell.
  if (!keepalive && trunk.servers.size() > 1) trunk.keepalive = 30s;
  ReadFailover(section, trunk.failover);
  ReadRegister(section, trunk);
}

}  // namespace lastmile::app

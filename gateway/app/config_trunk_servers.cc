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

}  // namespace

void ReadHostPort(YamlSection& section, const YAML::Node& at, const std::string& text,
                  std::string& host, uint16_t& port) {
  const size_t colon = text.rfind(':');
  const bool has_port = colon != std::string::npos && text.find(']', colon) == std::string::npos &&
                        (text.front() == '[' || text.find(':') == colon);
  host = has_port ? text.substr(0, colon) : text;
  if (host.empty()) section.Report(at, "there is no host in " + text);
  if (!has_port) return;
  const auto number = ParseNumber<uint16_t>(std::string_view(text).substr(colon + 1));
  if (!number || *number == 0) return section.Report(at, "not a port (1 to 65535) in " + text);
  port = *number;
}

namespace {

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
      ReadHostPort(section, item, item.Scalar(), server.host, server.port);
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
  std::chrono::seconds expires(600);
  entry.Seconds("expires", 60, 86400, expires);
  entry.Finish();
  if (!trunk.auth) {
    return section.Report(at, "`register` needs `auth`: the account that is registered");
  }
  trunk.register_expires = static_cast<uint32_t>(expires.count());
}

}  // namespace

void ReadTrunkServers(YamlSection& section, trunk::Trunk& trunk) {
  ReadServers(section, trunk);
  std::chrono::seconds keepalive{};
  const bool is_watched = section.Seconds("keepalive", 1, 3600, keepalive);
  if (is_watched) trunk.keepalive = keepalive;
  // Which of several servers is to be called only their health can tell.
  if (!is_watched && trunk.servers.size() > 1) trunk.keepalive = 30s;
  ReadFailover(section, trunk.failover);
  ReadRegister(section, trunk);
}

}  // namespace lastmile::app

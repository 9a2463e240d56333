#include "gateway/app/config.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>

#include "gateway/app/config_effective.h"
#include "gateway/app/config_media_ice.h"
#include "gateway/app/config_routes.h"
#include "gateway/app/config_trunks.h"
#include "gateway/app/config_turn.h"
#include "gateway/app/config_users.h"
#include "gateway/app/yaml_reader.h"

namespace lastmile::app {
namespace {

bool ReadEndpoint(YamlSection& section, std::string_view key, Endpoint& out) {
  std::string text;
  if (!section.Text(key, text)) return false;
  auto endpoint = Endpoint::Parse(text);
  if (!endpoint) {
    section.Report(section.Find(key),
                   "`" + section.PathOf(key) + "` is " + endpoint.error().message);
    return false;
  }
  out = *endpoint;
  return true;
}

bool ReadAddress(YamlSection& section, std::string_view key, IpAddress& out) {
  std::string text = out.ToString();
  if (!section.Text(key, text)) return false;
  auto address = IpAddress::Parse(text);
  if (!address) {
    section.Report(section.Find(key),
                   "`" + section.PathOf(key) + "` must be an IP address of this machine");
    return false;
  }
  out = *address;
  return true;
}

void ReadListen(YamlSection& root, Config& config) {
  YamlSection listen = root.Section("listen", "listen");
  for (auto [key, target] : {std::pair{"ws", &config.ws}, std::pair{"wss", &config.wss}}) {
    YamlSection listener = listen.Section(key);
    Endpoint endpoint;
    if (ReadEndpoint(listener, "addr", endpoint)) *target = endpoint;
    listener.Finish();
  }
  YamlSection admin = listen.Section("admin");
  Endpoint endpoint;
  if (ReadEndpoint(admin, "addr", endpoint)) config.admin = endpoint;
  admin.Finish();
  listen.Texts("origins", config.origins);
  std::vector<std::string> sip;
  listen.Texts("sip", sip);
  for (size_t i = 0; i < sip.size(); ++i) {
    const size_t colon = sip[i].find(':');
    const std::string scheme = sip[i].substr(0, colon);
    auto address = colon == std::string::npos
                       ? Endpoint::Parse("")
                       : Endpoint::Parse(std::string_view(sip[i]).substr(colon + 1));
    if ((scheme != "tcp" && scheme != "tls") || !address) {
      listen.Report(listen.Find("sip")[i],
                    scheme == "udp"
                        ? "SIP over UDP is not spoken here: use tcp: or tls:"
                        : "a SIP listener is written tcp:ADDRESS:PORT or tls:ADDRESS:PORT");
      continue;
    }
    config.sip.push_back({.tls = scheme == "tls",
                          .address = *address,
                          .path = "listen.sip[" + std::to_string(i) + "]"});
  }
  listen.Finish();
}

void ReadTls(YamlSection& root, Config& config) {
  YamlSection tls = root.Section("tls", "tls");
  tls.Text("cert", config.tls_cert);
  tls.Text("key", config.tls_key);
  const bool needed = config.wss || std::any_of(config.sip.begin(), config.sip.end(),
                                                [](const auto& l) { return l.tls; });
  if (needed && (config.tls_cert.empty() || config.tls_key.empty())) {
    root.Report(root.Find(config.wss ? "listen" : "tls"),
                "a TLS listener needs `tls: { cert: FILE, key: FILE }`");
  }
  tls.Finish();
}

void ReadAdvertise(YamlSection& section, Advertise& out) {
  const YAML::Node node = section.Find("advertise");
  std::string automatic = "auto";
  if (!node.IsDefined()) {
    section.Text("advertise", automatic);
    return;
  }
  std::vector<std::string> texts;
  if (node.IsScalar()) {
    if (node.Scalar() == "auto") return;
    texts.push_back(node.Scalar());
  } else if (!section.Texts("advertise", texts)) {
    return;
  }
  for (const std::string& text : texts) {
    auto address = IpAddress::Parse(text);
    if (!address || address->is_any()) {
      section.Report(node, "`" + section.PathOf("advertise") +
                               "` must be `auto` or addresses that peers can send to");
      return;
    }
    out.addresses.push_back(*address);
  }
  out.automatic = out.addresses.empty();
}

// How long a trunk leg may say nothing at all.
void ReadMediaTimeout(YamlSection& media, Config& config) {
  std::string timeout = "300s";
  if (!media.Text("timeout", timeout)) return;
  if (timeout == "none") {
    config.media_timeout = Duration::max();
    return;
  }
  std::chrono::seconds limit{};
  if (media.Seconds("timeout", 10, 86400, limit)) config.media_timeout = limit;
}

void ReadTcpPort(YamlSection& browser, Config& config) {
  int port = 0;
  // Without the key there is no default that could be told.
  if (browser.Find("tcp_port").IsDefined() && browser.Number("tcp_port", 1, 65535, port)) {
    config.browser_media.tcp_port = static_cast<uint16_t>(port);
  }
}

void ReadMedia(YamlSection& root, Config& config) {
  YamlSection media = root.Section("media", "media");
  YamlSection browser = media.Section("browser");
  int port = config.browser_media.port;
  ReadAddress(browser, "bind", config.browser_media.bind);
  ReadAdvertise(browser, config.browser_media.advertise);
  if (browser.Number("port", 0, 65535, port)) {
    config.browser_media.port = static_cast<uint16_t>(port);
  }
  ReadTcpPort(browser, config);
  ReadMediaIce(media, browser, config);
  browser.Finish();
  YamlSection trunk = media.Section("trunk");
  ReadAddress(trunk, "bind", config.trunk_media.bind);
  ReadAdvertise(trunk, config.trunk_media.advertise);
  std::string ports = std::to_string(config.trunk_media.port_min) + "-" +
                      std::to_string(config.trunk_media.port_max);
  if (trunk.Text("ports", ports)) {
    int low = 0, high = 0;
    const char* end = ports.data() + ports.size();
    auto first = std::from_chars(ports.data(), end, low);
    if (first.ec == std::errc() && first.ptr != end && *first.ptr == '-') {
      first = std::from_chars(first.ptr + 1, end, high);
    }
    if (first.ec != std::errc() || first.ptr != end || low < 1024 || high > 65535 ||
        high - low < 3) {
      trunk.Report(trunk.Find("ports"),
                   "`media.trunk.ports` is a range such as 30000-39999, from 1024 to 65535");
    } else {
      config.trunk_media.port_min = static_cast<uint16_t>(low);
      config.trunk_media.port_max = static_cast<uint16_t>(high);
    }
  }
  if (config.trunk_media.advertise.addresses.size() > 1) {
    trunk.Report(trunk.Find("advertise"), "`media.trunk.advertise` must be one address");
  }
  trunk.Finish();
  ReadMediaTimeout(media, config);
  ReadTurn(media, config);
  media.Number("workers", 1, 64, config.workers);
  media.Finish();
}

void ReadRoot(YamlSection& root, Config& config) {
  int version = 1;
  root.Number("version", 1, 1, version);
  root.Text("domain", config.domain);
  root.Text("page", config.page);
  ReadListen(root, config);
  ReadTls(root, config);
  ReadMedia(root, config);
  ReadUsers(root, config);
  ReadTrunks(root, config);
  ReadRouting(root, config);
  YamlSection cdr = root.Section("cdr", "cdr");
  cdr.Text("jsonl", config.cdr_jsonl);
  cdr.Finish();
  YamlSection log = root.Section("log", "log");
  log.Choice("level", {"debug", "info", "warn", "error"}, config.log_level);
  log.Finish();
  root.Finish();
}

std::string LineOf(std::string_view text, int line) {
  for (int i = 1; i < line; ++i) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return "";
    text.remove_prefix(end + 1);
  }
  std::string result(text.substr(0, text.find('\n')));
  if (!result.empty() && result.back() == '\r') result.pop_back();
  return result;
}

std::vector<Diagnostic> One(Diagnostic diagnostic) {
  std::vector<Diagnostic> diagnostics;
  diagnostics.push_back(std::move(diagnostic));
  return diagnostics;
}

// `settings`: where every key is noted, or nullptr.
Result<Config, std::vector<Diagnostic>> Read(std::string text, std::string file,
                                             Setting* settings) {
  Config config;
  config.file = std::move(file);
  config.text = std::move(text);
  YamlContext context;
  if (settings) context.NoteBelow(*settings);
  try {
    const YAML::Node node = YAML::Load(config.text);
    YamlSection root(context, node, "", "config");
    ReadRoot(root, config);
    config.fixed = FixedSections(node);
  } catch (const YAML::Exception& fault) {
    return std::unexpected(One({.position = {fault.mark.line + 1, fault.mark.column + 1},
                                .code = "yaml",
                                .message = fault.msg}));
  }
  auto diagnostics = context.TakeDiagnostics();
  if (!diagnostics.empty()) return std::unexpected(std::move(diagnostics));
  config.positions = context.TakePositions();
  return config;
}

}  // namespace

Position Config::PositionOf(std::string_view path) const {
  const auto found = positions.find(std::string(path));
  return found == positions.end() ? Position{} : found->second;
}

Result<Config, std::vector<Diagnostic>> ParseConfig(std::string text, std::string file) {
  return Read(std::move(text), std::move(file), nullptr);
}

Result<std::string, std::vector<Diagnostic>> EffectiveConfig(std::string text, std::string file) {
  Setting settings;
  auto config = Read(std::move(text), std::move(file), &settings);
  if (!config) return std::unexpected(std::move(config.error()));
  return PrintSettings(settings, config->file);
}

Result<Config, std::vector<Diagnostic>> LoadConfig(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) {
    return std::unexpected(One({.code = "config", .message = "cannot read the file"}));
  }
  return ParseConfig(std::move(text).str(), path);
}

std::string FormatDiagnostic(const Diagnostic& diagnostic, std::string_view file,
                             std::string_view text) {
  std::ostringstream out;
  out << file << ':';
  const auto [line, column] = diagnostic.position;
  if (line > 0) out << line << ':' << column << ':';
  out << (diagnostic.is_warning ? " warning[" : " error[") << diagnostic.code
      << "]: " << diagnostic.message << '\n';
  if (line > 0) {
    const std::string number = std::to_string(line);
    const std::string margin(number.size() + 1, ' ');
    out << ' ' << number << " | " << LineOf(text, line) << '\n'
        << margin << " | " << std::string(static_cast<size_t>(column - 1), ' ')
        << std::string(diagnostic.width, '^');
    if (!diagnostic.suggestion.empty()) out << " did you mean `" << diagnostic.suggestion << "`?";
    out << '\n';
  }
  return std::move(out).str();
}

}  // namespace lastmile::app

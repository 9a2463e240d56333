#include "gateway/app/config_turn.h"

#include <string>
#include <string_view>

#include "base/endpoint.h"
#include "base/host_name.h"

namespace lastmile::app {
namespace {

constexpr size_t kMaxUrls = 8;
constexpr size_t kMinSecret = 16;  // characters
constexpr int kMinLifetime = 10;   // seconds

// ADDRESS, [ADDRESS] or NAME, with or without ":PORT".
bool IsHostAndPort(std::string_view text) {
  const size_t bracket = text.rfind(']');
  const size_t colon = text.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    const auto endpoint = Endpoint::Parse("[::]" + std::string(text.substr(colon)));
    if (!endpoint || endpoint->port == 0) return false;
    text = text.substr(0, colon);
  }
  if (bracket == std::string_view::npos) return IsHostName(LowerCaseName(std::string(text)));
  return text.starts_with('[') && IpAddress::Parse(text).has_value();
}

// RFC 7065 section 3.1. A browser throws at anything else, when the call is made.
bool IsTurnUrl(std::string_view url) {
  const size_t colon = url.find(':');
  const std::string_view scheme = url.substr(0, colon);
  if (colon == std::string_view::npos || (scheme != "turn" && scheme != "turns")) return false;
  url.remove_prefix(colon + 1);
  const size_t question = url.find('?');
  if (question != std::string_view::npos) {
    const std::string_view query = url.substr(question);
    if (query != "?transport=udp" && query != "?transport=tcp") return false;
  }
  return IsHostAndPort(url.substr(0, question));
}

void ReadUrls(YamlSection& turn, const YAML::Node& at, std::vector<std::string>& urls) {
  const YAML::Node list = turn.Find("urls");
  if (!list.IsDefined()) return turn.Report(at, "`media.turn` needs `urls: [ turn:HOST:PORT ]`");
  if (!turn.Texts("urls", urls)) return;
  if (urls.empty() || urls.size() > kMaxUrls) {
    turn.Report(list, "`media.turn.urls` has 1 to " + std::to_string(kMaxUrls) + " entries");
  }
  for (size_t i = 0; i < urls.size(); ++i) {
    if (IsTurnUrl(urls[i])) continue;
    turn.Report(list[i],
                "a TURN server is written turn:HOST:PORT or turns:HOST:PORT, with "
                "?transport=udp or ?transport=tcp behind it if need be");
  }
}

void ReadSecret(YamlSection& turn, const YAML::Node& at, std::string& secret) {
  const YAML::Node node = turn.Find("secret");
  if (!node.IsDefined()) {
    return turn.Report(at, "`media.turn` needs `secret`, the TURN server's static-auth-secret");
  }
  if (turn.Secret("secret", secret) && secret.size() < kMinSecret) {
    turn.Report(node, "`media.turn.secret` must have at least " + std::to_string(kMinSecret) +
                          " characters: who guesses it may relay through your server");
  }
}

}  // namespace

void ReadTurn(YamlSection& media, Config& config) {
  const YAML::Node at = media.Find("turn");
  YamlSection turn = media.Section("turn");
  if (!turn.present()) return;
  browser::TurnOptions& options = config.turn.emplace();
  ReadUrls(turn, at, options.urls);
  ReadSecret(turn, at, options.secret);
  std::string lifetime = "1h";
  if (turn.Text("lifetime", lifetime)) {
    turn.Seconds("lifetime", kMinLifetime,
                 static_cast<int>(browser::TurnOptions::kMaxLifetime.count()), options.lifetime);
  }
  turn.Finish();
}

}  // namespace lastmile::app

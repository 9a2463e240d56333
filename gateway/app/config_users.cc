#include "gateway/app/config_users.h"

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/config_accounts.h"
#include "gateway/app/config_routes.h"
#include "gateway/sip/digest.h"
#include "gateway/sip/lexical.h"

namespace lastmile::app {
namespace {

using sip::DigestAlgorithm;

constexpr size_t kMinSecret = 32;  // bytes; RFC 7518 section 3.2

void ReadUser(YamlSection& entry, const YAML::Node& at, std::set<std::string>& names,
              const std::set<std::string>& trunks, Config& config) {
  browser::User user;
  std::string password;
  entry.Text("name", user.name);
  entry.Text("caller_id", user.caller_id);
  entry.Text("tenant", user.tenant);
  const bool has_password = entry.Find("password").IsDefined();
  const bool has_hash = entry.Find("ha1").IsDefined() || entry.Find("ha1_sha256").IsDefined();
  entry.Secret("password", password);
  user.ha1 = ReadHash(entry, "ha1", DigestAlgorithm::kMd5);
  user.ha1_sha256 = ReadHash(entry, "ha1_sha256", DigestAlgorithm::kSha256);
  const bool takes_tokens = !config.bearer.algorithms.empty();
  if (user.name.empty()) {
    entry.Report(at, "a user needs a `name`");
  } else if (has_hash == has_password && (has_password || !takes_tokens)) {
    entry.Report(at, "user " + user.name + " needs either `password` or `ha1`");
  } else if (!names.insert(user.name).second) {
    entry.Report(entry.Find("name"), "there are two users called " + user.name);
  }
  if (has_password) {
    user.ha1 = sip::Ha1(user.name, config.domain, password);
    user.ha1_sha256 = sip::Ha1(user.name, config.domain, password, DigestAlgorithm::kSha256);
  }
  ReadPbx(entry, user.name, trunks, config);
  ReadUserLimit(entry, user.name, config);
  entry.Finish();
  config.users.push_back(std::move(user));
}

// What a challenge offers must not depend on who asks: one algorithm has to serve all.
void CheckAlgorithms(YamlSection& users, const YAML::Node& list, const Config& config) {
  bool md5 = true;
  bool sha256 = true;
  for (const browser::User& user : config.users) {
    if (user.ha1.empty() && user.ha1_sha256.empty()) continue;
    md5 &= !user.ha1.empty();
    sha256 &= !user.ha1_sha256.empty();
  }
  if (!md5 && !sha256) {
    users.Report(list,
                 "some users have only `ha1` and others only `ha1_sha256`: give all of them "
                 "the same one, or both");
  }
}

// False: a fault was reported.
bool CheckTokenAlgorithms(YamlSection& jwt, const YAML::Node& at,
                          const std::vector<std::string>& names) {
  static const std::set<std::string> kKnown = {"HS256", "RS256", "ES256"};
  if (names.empty()) {
    jwt.Report(at, "`users.jwt` needs `algorithms`: HS256, RS256 or ES256");
    return false;
  }
  const YAML::Node list = jwt.Find("algorithms");
  bool all_known = true;
  for (size_t i = 0; i < names.size(); ++i) {
    if (kKnown.contains(names[i])) continue;
    all_known = false;
    jwt.Report(list[i], "an algorithm is one of: HS256, RS256, ES256", Nearest(names[i], kKnown));
  }
  if (std::ranges::count(names, "HS256") != 0 && names.size() > 1) {
    jwt.Report(list, "HS256 cannot stand beside algorithms with a public key");
    return false;
  }
  return all_known;
}

void ReadSecret(YamlSection& jwt, std::string& out) {
  if (jwt.Secret("secret", out) && out.size() < kMinSecret) {
    jwt.Report(jwt.Find("secret"), "`users.jwt.secret` must have at least 32 characters");
  }
}

void ReadPublicKey(YamlSection& jwt, std::string& out) {
  std::string path;
  if (!jwt.Text("key", path)) return;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  out = std::move(text).str();
  if (!file) {
    jwt.Report(jwt.Find("key"), "cannot read " + path);
  } else if (out.find("-----BEGIN PUBLIC KEY-----") == std::string::npos) {
    jwt.Report(jwt.Find("key"), path + " holds no public key in PEM (BEGIN PUBLIC KEY)");
  }
}

void ReadTokens(YamlSection& users, Config& config) {
  const YAML::Node at = users.Find("jwt");
  YamlSection jwt = users.Section("jwt");
  if (!jwt.present()) return;
  browser::BearerOptions& bearer = config.bearer;
  jwt.Texts("algorithms", bearer.algorithms);
  const bool has_secret = jwt.Find("secret").IsDefined();
  const bool has_key = jwt.Find("key").IsDefined();
  if (CheckTokenAlgorithms(jwt, at, bearer.algorithms)) {
    const bool symmetric = bearer.algorithms.front() == "HS256";
    if (has_secret == has_key || has_secret != symmetric) {
      jwt.Report(at, symmetric ? "HS256 needs `secret`, and no `key`"
                               : "RS256 and ES256 need `key`, a file with a public key, and no "
                                 "`secret`");
    } else if (symmetric) {
      ReadSecret(jwt, bearer.key);
    } else {
      ReadPublicKey(jwt, bearer.key);
    }
  }
  jwt.Text("issuer", bearer.issuer);
  jwt.Text("audience", bearer.audience);
  jwt.Text("user_claim", bearer.user_claim);
  jwt.Finish();
}

// What a challenge offers, where the users and their hashes are not known from the start.
void ReadDigest(YamlSection& users, const Config& config, std::vector<DigestAlgorithm>& out) {
  std::vector<std::string> names;
  if (!users.Texts("digest", names)) return;
  out.clear();
  const auto has = [&](const char* name) { return std::ranges::count(names, name) == 1; };
  // JsSIP takes the last challenge, and knows MD5 alone (J3).
  if (has("sha-256")) out.push_back(DigestAlgorithm::kSha256);
  if (has("md5")) out.push_back(DigestAlgorithm::kMd5);
  if (out.size() != names.size()) {
    users.Report(users.Find("digest"), "`users.digest` is a list of: sha-256, md5");
  } else if (out.empty() && config.bearer.algorithms.empty()) {
    users.Report(users.Find("digest"), "without `users.jwt`, `users.digest` must not be empty");
  }
}

void ReadWebhook(YamlSection& users, const std::string& url, Config& config) {
  const YAML::Node at = users.Find("webhook");
  YamlSection section = users.Section("webhook");
  users::WebhookOptions& webhook = config.user_source->webhook;
  if (url.empty()) {
    if (section.present()) users.Report(at, "`users.webhook` is for `source: webhook:URL`");
    return;
  }
  webhook.url = url;
  webhook.realm = config.domain;
  if (auto checked = users::CheckWebhookUrl(url); !checked) {
    users.Report(users.Find("source"), checked.error().message);
  }
  section.Text("ca", webhook.ca_file);
  const auto is_control = [](char c) { return sip::IsControl(c); };
  if (section.Secret("token", webhook.token) && std::ranges::any_of(webhook.token, is_control)) {
    section.Report(section.Find("token"), "`users.webhook.token` must be one line");
  }
  section.Finish();
}

void ReadSource(YamlSection& users, Config& config) {
  std::string source = "inline";
  users.Text("source", source);
  if (source == "inline") {
    for (const char* key : {"ttl", "digest", "webhook"}) {
      const YAML::Node at = users.Find(key);
      if (!at.IsDefined()) continue;
      users.Report(at, "`users." + std::string(key) +
                           "` is for users who are looked up: it needs "
                           "`source: sqlite:PATH` or `webhook:URL`");
    }
    return;
  }
  const size_t colon = source.find(':');
  const std::string kind = source.substr(0, colon);
  const std::string where = colon == std::string::npos ? "" : source.substr(colon + 1);
  if ((kind != "sqlite" && kind != "webhook") || where.empty()) {
    users.Report(users.Find("source"),
                 "`users.source` is inline, sqlite:PATH or webhook:https://...");
  }
  if (users.Find("inline").IsDefined()) {
    users.Report(users.Find("inline"), "`users.inline` is for `source: inline`");
  }
  UserSourceConfig& out = config.user_source.emplace();
  if (kind == "sqlite") out.sqlite = where;
  int ttl = static_cast<int>(std::chrono::ceil<std::chrono::seconds>(out.lookup.ttl).count());
  users.Number("ttl", 1, 3600, ttl);
  out.lookup.ttl = ttl * 1s;
  ReadDigest(users, config, out.lookup.digest);
  ReadWebhook(users, kind == "webhook" ? where : "", config);
}

// They are read after the users, and checked there.
std::set<std::string> TrunkNames(YamlSection& root) {
  std::set<std::string> names;
  const YAML::Node trunks = root.Find("trunks");
  if (!trunks.IsDefined() || !trunks.IsMap()) return names;
  for (const auto& trunk : trunks) names.insert(trunk.first.Scalar());
  return names;
}

}  // namespace

void ReadUsers(YamlSection& root, Config& config) {
  YamlSection users = root.Section("users", "users");
  ReadTokens(users, config);
  ReadSource(users, config);
  const YAML::Node list = users.Find("inline");
  if (list.IsDefined() && !list.IsSequence()) {
    users.Report(list, "`users.inline` must be a list of { name, password }");
  }
  const std::set<std::string> trunks = TrunkNames(root);
  std::set<std::string> names;
  for (size_t i = 0; list.IsDefined() && list.IsSequence() && i < list.size(); ++i) {
    YamlSection entry(users.context(), list[i], "users.inline[" + std::to_string(i) + "]", "users");
    ReadUser(entry, list[i], names, trunks, config);
  }
  CheckAlgorithms(users, list, config);
  users.Finish();
}

}  // namespace lastmile::app

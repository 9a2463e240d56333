#include "gateway/app/config_accounts.h"

#include <algorithm>
#include <utility>

namespace lastmile::app {
namespace {

constexpr char kHostCharacters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:[]";

bool HasControl(const std::string& text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

// `at` is the section's own node.
void ReadCredentials(YamlSection& section, const YAML::Node& at, sip::Credentials& out) {
  section.Text("username", out.user);
  section.Secret("password", out.password);
  section.Text("realm", out.realm);
  out.ha1 = ReadHash(section, "ha1", 32);
  const bool has_password = section.Find("password").IsDefined();
  const bool has_hash = section.Find("ha1").IsDefined();
  if (!section.present()) return;
  if (!section.Find("username").IsDefined() || has_password == has_hash) {
    section.Report(at, "`" + section.path() + "` needs `username`, and `password` or `ha1`");
  } else if (has_hash && out.realm.empty()) {
    section.Report(section.Find("ha1"),
                   "`" + section.PathOf("ha1") + "` is of one `realm`: name it");
  }
  if (HasControl(out.user) || HasControl(out.realm)) {
    section.Report(at, "`" + section.path() + "` has a control character in it");
  }
}

// USER or USER@HOST.
void ReadAddress(YamlSection& section, trunk::PbxUser& pbx) {
  std::string address = pbx.credentials.user;
  section.Text("aor", address);
  const size_t at = address.find('@');
  pbx.aor = address.substr(0, at);
  if (at != std::string::npos) pbx.host = address.substr(at + 1);
  const bool has_host = at == std::string::npos || !pbx.host.empty();
  if (!section.Find("aor").IsDefined()) return;
  if (pbx.aor.empty() || HasControl(pbx.aor) || !has_host ||
      pbx.host.find_first_not_of(kHostCharacters) != std::string::npos) {
    section.Report(section.Find("aor"),
                   "`" + section.PathOf("aor") + "` must be USER or USER@HOST, such as 201");
  }
}

}  // namespace

std::string ReadHash(YamlSection& section, std::string_view key, size_t digits) {
  std::string hash;
  if (!section.Secret(key, hash)) return {};
  for (char& c : hash) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  if (hash.size() != digits || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    section.Report(section.Find(key), "`" + std::string(key) + "` must have " +
                                          std::to_string(digits) + " hexadecimal digits");
    return {};
  }
  return hash;
}

void ReadAuth(YamlSection& section, trunk::Trunk& trunk) {
  const YAML::Node at = section.Find("auth");
  if (!at.IsDefined()) return;
  YamlSection auth = section.Section("auth");
  ReadCredentials(auth, at, trunk.auth.emplace());
  auth.Finish();
}

void ReadPbx(YamlSection& section, const std::string& user, const std::set<std::string>& trunks,
             Config& config) {
  const YAML::Node at = section.Find("pbx");
  if (!at.IsDefined()) return;
  YamlSection account = section.Section("pbx");
  trunk::PbxUser pbx;
  pbx.user = user;
  if (account.Text("trunk", pbx.trunk)) {
    if (!trunks.contains(pbx.trunk)) {
      account.Report(account.Find("trunk"), "there is no trunk " + pbx.trunk,
                     Nearest(pbx.trunk, trunks));
    }
  } else if (account.present()) {
    account.Report(at, "`" + account.path() + "` needs `trunk`, the PBX the account is at");
  }
  ReadCredentials(account, at, pbx.credentials);
  ReadAddress(account, pbx);
  const auto other = std::ranges::find_if(config.pbx_users, [&](const trunk::PbxUser& known) {
    return known.trunk == pbx.trunk && known.aor == pbx.aor;
  });
  if (other != config.pbx_users.end()) {
    account.Report(at, "users " + other->user + " and " + user +
                           " have the same address at trunk " + pbx.trunk);
  }
  account.Finish();
  config.pbx_users.push_back(std::move(pbx));
}

}  // namespace lastmile::app

#include "gateway/app/config_trunk_tls.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/host_name.h"
#include "gateway/app/trunk_tls.h"
#include "gateway/net/tls_context.h"

namespace lastmile::app {
namespace {

bool IsBase64(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

// "sha256/" and 32 bytes in base64, which are 43 characters and one '='.
bool IsPin(std::string_view text) {
  constexpr std::string_view kScheme = "sha256/";
  if (!text.starts_with(kScheme)) return false;
  text.remove_prefix(kScheme.size());
  return text.size() == 44 && text.back() == '=' &&
         std::ranges::all_of(text.substr(0, 43), IsBase64);
}

void ReadTls(YamlSection tls, trunk::TrunkTls& trust) {
  std::string verify = "true";
  tls.Choice("verify", {"true", "insecure"}, verify);
  trust.insecure = verify == "insecure";
  tls.Text("ca", trust.ca_file);
  if (trust.ca_file == "system") trust.ca_file.clear();
  tls.Text("cert", trust.cert_file);
  tls.Text("key", trust.key_file);
  if (trust.cert_file.empty() != trust.key_file.empty()) {
    tls.Report(tls.Find(trust.cert_file.empty() ? "key" : "cert"),
               "a certificate of ours needs both, `cert: FILE` and `key: FILE`");
  }
  tls.Texts("pin", trust.pins);
  for (size_t i = 0; i < trust.pins.size(); ++i) {
    if (IsPin(trust.pins[i])) continue;
    tls.Report(tls.Find("pin")[i],
               "a pin is sha256/ and the base64 of the SHA-256 of the server's public key");
  }
  if (tls.Text("server_name", trust.server_name) && !IsHostName(LowerCaseName(trust.server_name))) {
    tls.Report(tls.Find("server_name"), "not a host name");
  }
  tls.Finish();
}

void CheckName(YamlSection& section, const Config& config, const trunk::Trunk& trunk, size_t i) {
  const YAML::Node at = section.Find("accept_names")[i];
  const std::string& name = trunk.trust.accept_names[i];
  if (!IsHostName(name)) {
    return section.Report(at, "not a domain a certificate could be verified for: " + name);
  }
  for (const trunk::Trunk& other : config.trunks) {
    const auto& taken = other.trust.accept_names;
    if (std::ranges::find(taken, name) != taken.end()) {
      section.Report(at, name + " is a name of trunk " + other.name + " already");
    }
  }
}

}  // namespace

void ReadTrunkTls(YamlSection& section, const Config& config, trunk::Trunk& trunk) {
  trunk::TrunkTls& trust = trunk.trust;
  ReadTls(section.Section("tls"), trust);
  if (!section.Texts("accept_names", trust.accept_names)) return;
  for (size_t i = 0; i < trust.accept_names.size(); ++i) {
    trust.accept_names[i] = LowerCaseName(std::move(trust.accept_names[i]));
    CheckName(section, config, trunk, i);
  }
  const YAML::Node at = section.Find("accept_names");
  if (trust.insecure) {
    section.Report(at,
                   "names of certificates count only where they are verified: not with "
                   "`verify: insecure`");
  }
  if (std::ranges::none_of(config.sip, &SipListener::tls)) {
    section.Report(at, "nobody can show a certificate: `listen.sip` has no tls:ADDRESS:PORT");
  }
}

std::vector<Diagnostic> CheckTrunkTls(const Config& config, const trunk::Trunk& trunk) {
  const bool in_use = trunk.tls || !trunk.trust.accept_names.empty();
  if (!in_use) return {};
  const auto context = net::TlsContext::ForClients(TlsOptionsOf(trunk, trunk.host));
  if (context) return {};
  const std::string path = "trunks." + trunk.name + ".tls";
  return {{.position = config.PositionOf(path),
           .code = "tls",
           .message = context.error().message,
           .suggestion = {}}};
}

std::vector<Diagnostic> Warnings(const Config& config) {
  std::vector<Diagnostic> warnings;
  for (const trunk::Trunk& trunk : config.trunks) {
    if (!trunk.tls || !trunk.trust.insecure) continue;
    const char* left = trunk.trust.pins.empty() ? "anybody on the way can answer in its place"
                                                : "only its pins tell who it is";
    warnings.push_back(
        {.position = config.PositionOf("trunks." + trunk.name + ".tls.verify"),
         .code = "tls",
         .message = "the certificate of trunk " + trunk.name + " is not verified: " + left,
         .suggestion = {},
         .width = std::string_view("insecure").size(),
         .is_warning = true});
  }
  return warnings;
}

}  // namespace lastmile::app

#include "gateway/app/config_trunk_identity.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sip/lexical.h"

namespace lastmile::app {
namespace {

using trunk::HeaderMapping;

// Headers that SIP gives a meaning to (IANA's registry of SIP parameters), in lower case. Their
// compact forms are all the names of one letter.
constexpr std::string_view kSipHeaders[] = {"accept",
                                            "accept-contact",
                                            "accept-encoding",
                                            "accept-language",
                                            "accept-resource-priority",
                                            "additional-identity",
                                            "alert-info",
                                            "allow",
                                            "allow-events",
                                            "answer-mode",
                                            "authentication-info",
                                            "authorization",
                                            "call-id",
                                            "call-info",
                                            "cellular-network-info",
                                            "contact",
                                            "content-disposition",
                                            "content-encoding",
                                            "content-id",
                                            "content-language",
                                            "content-length",
                                            "content-transfer-encoding",
                                            "content-type",
                                            "cseq",
                                            "date",
                                            "diversion",
                                            "dc-info",
                                            "encryption",
                                            "error-info",
                                            "event",
                                            "expires",
                                            "feature-caps",
                                            "flow-timer",
                                            "from",
                                            "geolocation",
                                            "geolocation-error",
                                            "geolocation-routing",
                                            "hide",
                                            "history-info",
                                            "identity",
                                            "identity-info",
                                            "in-reply-to",
                                            "info-package",
                                            "join",
                                            "max-breadth",
                                            "max-forwards",
                                            "mime-version",
                                            "min-expires",
                                            "min-se",
                                            "organization",
                                            "p-access-network-info",
                                            "p-answer-state",
                                            "p-asserted-identity",
                                            "p-asserted-service",
                                            "p-associated-uri",
                                            "p-called-party-id",
                                            "p-charge-info",
                                            "p-charging-function-addresses",
                                            "p-charging-vector",
                                            "p-dcs-billing-info",
                                            "p-dcs-laes",
                                            "p-dcs-osps",
                                            "p-dcs-redirect",
                                            "p-dcs-trace-party-id",
                                            "p-early-media",
                                            "p-media-authorization",
                                            "p-preferred-identity",
                                            "p-preferred-service",
                                            "p-private-network-indication",
                                            "p-profile-key",
                                            "p-refused-uri-list",
                                            "p-served-user",
                                            "p-user-database",
                                            "p-visited-network-id",
                                            "path",
                                            "permission-missing",
                                            "policy-contact",
                                            "policy-id",
                                            "priority",
                                            "priority-share",
                                            "priority-verstat",
                                            "priv-answer-mode",
                                            "privacy",
                                            "proxy-authenticate",
                                            "proxy-authorization",
                                            "proxy-require",
                                            "rack",
                                            "reason",
                                            "reason-phrase",
                                            "record-route",
                                            "recv-info",
                                            "refer-events-at",
                                            "refer-sub",
                                            "refer-to",
                                            "referred-by",
                                            "reject-contact",
                                            "relayed-charge",
                                            "remote-party-id",
                                            "replaces",
                                            "reply-to",
                                            "request-disposition",
                                            "require",
                                            "resource-priority",
                                            "resource-share",
                                            "response-key",
                                            "response-source",
                                            "restoration-info",
                                            "retry-after",
                                            "route",
                                            "rseq",
                                            "security-client",
                                            "security-server",
                                            "security-verify",
                                            "server",
                                            "service-interact-info",
                                            "service-route",
                                            "session-expires",
                                            "session-id",
                                            "sip-etag",
                                            "sip-if-match",
                                            "subject",
                                            "subscription-state",
                                            "supported",
                                            "suppress-if-match",
                                            "target-dialog",
                                            "timestamp",
                                            "to",
                                            "trigger-consent",
                                            "unsupported",
                                            "user-agent",
                                            "user-to-user",
                                            "via",
                                            "warning",
                                            "www-authenticate"};

// "": it may stand in `headers`; else a sentence.
std::string WhyNotMapped(const std::string& name) {
  if (!sip::IsToken(name)) return "`" + name + "` is not the name of a header";
  const std::string lower = sip::LowerCase(name);
  if (lower == "user-to-user") return "User-to-User passes with `uui: pass`";
  if (lower == "identity") return "Identity passes with `stir: pass`, to browsers only";
  if (name.size() == 1 || std::ranges::find(kSipHeaders, lower) != std::end(kSipHeaders)) {
    return name +
           " has a meaning in SIP and cannot be passed: take a name of your own, such as X-" +
           (name.size() == 1 ? "Account" : name);
  }
  return "";
}

void ReadMappings(YamlSection& headers, std::string_view key, std::vector<HeaderMapping>& out) {
  YamlSection section = headers.Section(key);
  std::set<std::string> names;
  std::set<std::string> targets;
  for (const std::string& name : section.Keys()) {
    if (!names.insert(name).second) continue;  // Finish tells it
    HeaderMapping mapping{.name = name, .becomes = {}};
    if (!section.Text(name, mapping.becomes)) continue;
    const YAML::Node at = section.Find(name);
    for (const std::string& half : {mapping.name, mapping.becomes}) {
      if (const std::string why = WhyNotMapped(half); !why.empty()) {
        section.Report(at, why);
        break;
      }
    }
    if (!targets.insert(sip::LowerCase(mapping.becomes)).second) {
      section.Report(at, "two headers would become " + mapping.becomes);
    }
    out.push_back(std::move(mapping));
  }
  if (out.size() > trunk::kMaxMappings) {
    headers.Report(headers.Find(key), "`" + section.path() + "` has " +
                                          std::to_string(trunk::kMaxMappings) +
                                          " headers at the most");
  }
  section.Finish();
}

bool ReadPass(YamlSection& section, std::string_view key) {
  std::string choice = "drop";
  section.Choice(key, {"pass", "drop"}, choice);
  return choice == "pass";
}

// The choices stand in the order of the enum.
template <class Enum>
void ReadEnum(YamlSection& section, std::string_view key, const std::vector<std::string>& choices,
              Enum& out) {
  std::string choice = choices[static_cast<size_t>(out)];
  section.Choice(key, choices, choice);
  out = static_cast<Enum>(std::ranges::find(choices, choice) - choices.begin());
}

void CheckNumber(YamlSection& section, const YAML::Node& at, const std::string& number,
                 const std::string& country) {
  if (trunk::ToE164(number, country)) return;
  section.Report(at, number + " is not a number such as +442071234567" +
                         (country.empty() ? "; national ones need `country`" : ""));
}

void ReadCallerId(YamlSection& section, trunk::CallerIdPolicy& policy) {
  YamlSection caller_id = section.Section("caller_id");
  ReadEnum(caller_id, "header",
           {"from", "p-asserted-identity", "p-preferred-identity", "remote-party-id"},
           policy.header);
  ReadEnum(caller_id, "format", {"asis", "e164", "national", "international"}, policy.format);
  ReadEnum(caller_id, "diversion", {"none", "diversion", "history-info"}, policy.diversion);
  if (caller_id.Text("country", policy.country) && !trunk::IsCountry(policy.country)) {
    caller_id.Report(caller_id.Find("country"),
                     "`" + caller_id.PathOf("country") + "` is a calling code such as \"44\"");
  } else if (policy.format == trunk::NumberFormat::kNational && policy.country.empty()) {
    caller_id.Report(
        caller_id.Find("format"),
        "national numbers are of one country: name its calling code, `country: \"44\"`");
  }
  if (caller_id.Text("default", policy.default_number)) {
    CheckNumber(caller_id, caller_id.Find("default"), policy.default_number, policy.country);
  }
  std::string display = "none";
  caller_id.Choice("display", {"none", "account"}, display);
  policy.display = display == "account";
  caller_id.Texts("allow", policy.allow);
  for (size_t i = 0; i < policy.allow.size(); ++i) {
    CheckNumber(caller_id, caller_id.Find("allow")[i], policy.allow[i], policy.country);
  }
  caller_id.Finish();
}

}  // namespace

void ReadIdentity(YamlSection& section, trunk::Trunk& trunk) {
  ReadCallerId(section, trunk.caller_id);
  section.Flag("trust_identity", trunk.trust_identity);
  YamlSection headers = section.Section("headers");
  ReadMappings(headers, "to_trunk", trunk.headers.to_trunk);
  ReadMappings(headers, "to_browser", trunk.headers.to_browser);
  headers.Finish();
  trunk.headers.user_to_user = ReadPass(section, "uui");
  trunk.headers.stir = ReadPass(section, "stir");
}

}  // namespace lastmile::app

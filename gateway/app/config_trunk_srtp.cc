#include "gateway/app/config_trunk_srtp.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "gateway/call/trunk_keys.h"

namespace lastmile::app {
namespace {

// The better one first; carriers that know no GCM take the second.
const std::vector<std::string> kUsualSuites = {"AEAD_AES_128_GCM", "AES_CM_128_HMAC_SHA1_80"};

void ReadSuites(YamlSection& trunk, std::vector<std::string>& suites) {
  constexpr std::string_view kKey = "srtp_suites";
  suites = kUsualSuites;
  std::vector<std::string> names;
  if (!trunk.Texts(kKey, names)) return;
  if (names.empty()) return trunk.Report(trunk.Find(kKey), "SRTP needs at least one suite");
  const std::vector<std::string> known = call::SrtpSuites();
  std::string list;
  for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
  suites.clear();
  for (size_t i = 0; i < names.size(); ++i) {
    const YAML::Node at = trunk.Find(kKey)[i];
    if (std::ranges::find(known, names[i]) == known.end()) {
      trunk.Report(at, "a suite of SRTP is one of: " + list,
                   Nearest(names[i], {known.begin(), known.end()}));
    } else if (std::ranges::find(suites, names[i]) != suites.end()) {
      trunk.Report(at, names[i] + " stands there twice");
    } else {
      suites.push_back(names[i]);
    }
  }
}

}  // namespace

void ReadTrunkSrtp(YamlSection& trunk, bool tls, call::TrunkPolicy& policy) {
  std::string srtp = "none";
  trunk.Choice("srtp", {"none", "optional", "required"}, srtp);
  policy.sdp.srtp = srtp == "required"   ? sdp::Srtp::kRequired
                    : srtp == "optional" ? sdp::Srtp::kOptional
                                         : sdp::Srtp::kNone;
  const YAML::Node suites = trunk.Find("srtp_suites");
  ReadSuites(trunk, policy.sdp.srtp_suites);
  std::string over_tcp;
  policy.srtp_over_tcp = trunk.Choice("srtp_over_tcp", {"insecure"}, over_tcp);
  if (srtp == "none" && suites.IsDefined()) {
    trunk.Report(suites, "`srtp_suites` says nothing without `srtp: optional` or `required`");
  }
  if (srtp == "none" || call::MaySayKeys(policy, tls)) return;
  trunk.Report(trunk.Find("srtp"),
               "the keys of SRTP stand in the signalling, and that of this trunk is not encrypted: "
               "say `srtp_over_tcp: insecure` if everybody on the way may have them",
               "transport: tls");
}

}  // namespace lastmile::app

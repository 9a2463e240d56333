#include "gateway/app/config_trunks.h"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "gateway/app/config_accounts.h"
#include "gateway/app/config_profiles.h"
#include "gateway/app/config_routes.h"
#include "gateway/app/config_trunk_identity.h"
#include "gateway/app/config_trunk_servers.h"
#include "gateway/app/config_trunk_srtp.h"
#include "gateway/app/config_trunk_tls.h"
#include "gateway/app/local_calls.h"
#include "gateway/sip/lexical.h"

namespace lastmile::app {
namespace {

// Codec names of the file as SDP spells them.
const std::map<std::string, std::string> kAudioCodecs = {
    {"pcmu", "PCMU"}, {"pcma", "PCMA"}, {"g722", "G722"}, {"opus", "opus"}};
const std::map<std::string, std::string> kVideoCodecs = {
    {"vp8", "VP8"}, {"vp9", "VP9"}, {"h264", "H264"}, {"av1", "AV1"}};

void ReadCodecs(YamlSection& section, std::string_view key,
                const std::map<std::string, std::string>& known, std::vector<std::string>& out) {
  std::vector<std::string> names;
  for (const std::string& name : out) names.push_back(sip::LowerCase(name));
  if (!section.Texts(key, names)) return;
  out.clear();
  std::set<std::string> choices;
  std::string list;
  for (const auto& [name, spelling] : known) {
    choices.insert(name);
    list += (list.empty() ? "" : ", ") + name;
  }
  for (size_t i = 0; i < names.size(); ++i) {
    const auto found = known.find(names[i]);
    if (found == known.end()) {
      section.Report(section.Find(key)[i], "a codec is one of: " + list,
                     Nearest(names[i], choices));
    } else {
      out.push_back(found->second);
    }
  }
  if (names.empty() && key == "codecs") {
    section.Report(section.Find(key), "a trunk needs at least one audio codec");
  }
}

sdp::RuleAction ActionNamed(std::string_view name) {
  if (name == "delete") return sdp::RuleAction::kDelete;
  if (name == "insert") return sdp::RuleAction::kInsert;
  if (name == "replace") return sdp::RuleAction::kReplace;
  return sdp::RuleAction::kSet;
}

std::optional<size_t> ReadIndex(YamlSection& section, std::string_view key) {
  int index = 0;
  if (!section.Find(key).IsDefined()) return std::nullopt;
  if (!section.Number(key, 0, 511, index)) return std::nullopt;
  return static_cast<size_t>(index);
}

void ReadRules(YamlSection& trunk, std::vector<sdp::Rule>& rules) {
  constexpr std::string_view kKey = "sdp_rules";
  const YAML::Node list = trunk.Find(kKey);
  if (!list.IsDefined()) return;
  if (!list.IsSequence()) {
    return trunk.Report(list, "`" + trunk.PathOf(kKey) + "` must be a list of rules");
  }
  std::set<std::string> ids;
  for (size_t i = 0; i < list.size(); ++i) {
    YamlSection entry(trunk.context(), list[i], trunk.PathOf(kKey) + "[" + std::to_string(i) + "]",
                      "sdp-rule");
    sdp::Rule rule;
    std::string action = "set";
    entry.Text("id", rule.id);
    entry.Choice("action", {"set", "delete", "insert", "replace"}, action);
    rule.action = ActionNamed(action);
    entry.Text("media", rule.target.media);
    rule.target.index = ReadIndex(entry, "index");
    entry.Text("line", rule.target.line);
    rule.target.nth = ReadIndex(entry, "nth");
    entry.Text("token", rule.target.token);
    rule.target.token_index = ReadIndex(entry, "token_index");
    entry.Text("value", rule.value);
    entry.Finish();
    if (rule.id.empty()) {
      entry.Report(list[i], "a rule needs an `id`: the edit log names it");
    } else if (!ids.insert(rule.id).second) {
      entry.Report(entry.Find("id"), "there are two rules called " + rule.id);
    } else if (auto checked = sdp::CheckRule(rule); !checked) {
      entry.Report(list[i], checked.error().message);
    }
    rules.push_back(std::move(rule));
  }
}

call::TrunkPolicy ReadPolicy(YamlSection& section) {
  call::TrunkPolicy policy;
  ReadCodecs(section, "codecs", kAudioCodecs, policy.codecs);
  std::string transcode = "needed";
  section.Choice("transcode", {"never", "needed", "always"}, transcode);
  policy.transcode = transcode == "never"    ? call::Transcode::kNever
                     : transcode == "always" ? call::Transcode::kAlways
                                             : call::Transcode::kNeeded;
  ReadCodecs(section, "video", kVideoCodecs, policy.video);
  section.Flag("nat", policy.nat);
  std::string dtmf = "rfc4733";
  section.Choice("dtmf", {"rfc4733", "info", "inband"}, dtmf);
  policy.dtmf = dtmf == "info"     ? call::DtmfMode::kInfo
                : dtmf == "inband" ? call::DtmfMode::kInband
                                   : call::DtmfMode::kRfc4733;
  section.Flag("rtcp_mux", policy.sdp.rtcp_mux);
  ReadRules(section, policy.sdp.rules);
  YamlSection budget = section.Section("budget");
  int sdp = static_cast<int>(policy.sdp.max_sdp_bytes);
  int invite = static_cast<int>(policy.max_invite_bytes);
  std::string over = "send";
  budget.Number("sdp", 150, 65535, sdp);
  budget.Number("invite", 500, 65535, invite);
  budget.Choice("over", {"send", "refuse"}, over);
  budget.Finish();
  policy.sdp.max_sdp_bytes = static_cast<size_t>(sdp);
  policy.max_invite_bytes = static_cast<size_t>(invite);
  policy.refuse_over_budget = over == "refuse";
  return policy;
}

// SIP extensions that a trunk can do, has to do, or is not to hear of.
void ReadExtensions(YamlSection& section, trunk::Trunk& trunk) {
  const std::vector<std::string> modes = {"required", "supported", "none"};
  std::string prack = "supported";
  std::string timer = "supported";
  section.Choice("prack", modes, prack);
  section.Choice("session_timer", modes, timer);
  trunk.prack = prack == "required"    ? sip::Prack::kRequired
                : prack == "supported" ? sip::Prack::kSupported
                                       : sip::Prack::kNone;
  trunk.session_timer = timer == "required"    ? trunk::SessionTimers::kRequired
                        : timer == "supported" ? trunk::SessionTimers::kSupported
                                               : trunk::SessionTimers::kNone;
}

void ReadTrunk(YamlSection section, trunk::Trunk trunk, Config& config) {
  ReadProfile(section);
  std::string transport = "tcp";
  section.Choice("transport", {"tcp", "tls"}, transport);
  trunk.tls = transport == "tls";
  ReadTrunkTls(section, config, trunk);
  std::vector<std::string> blocks;
  section.Texts("accept_from", blocks);
  for (size_t i = 0; i < blocks.size(); ++i) {
    auto block = trunk::AddressBlock::Parse(blocks[i]);
    if (block) {
      trunk.accept_from.push_back(*block);
    } else {
      section.Report(section.Find("accept_from")[i], block.error().message);
    }
  }
  ReadAuth(section, trunk);
  ReadTrunkServers(section, trunk);
  ReadExtensions(section, trunk);
  ReadIdentity(section, trunk);
  std::string redirect = "refuse";
  section.Choice("redirect", {"follow", "refuse"}, redirect);
  trunk.follow_redirects = redirect == "follow";
  config.trunk_policies[trunk.name] = ReadPolicy(section);
  trunk.invite_budget = config.trunk_policies[trunk.name].max_invite_bytes;
  ReadTrunkSrtp(section, trunk.tls, config.trunk_policies[trunk.name]);
  ReadTrunkTerms(section, trunk.name, config);
  section.Finish();
  config.trunks.push_back(std::move(trunk));
}

}  // namespace

void ReadTrunks(YamlSection& root, Config& config) {
  YamlSection trunks = root.Section("trunks", "trunk");
  for (const std::string& name : trunks.Keys()) {
    trunk::Trunk trunk;
    trunk.name = name;
    CheckTrunkName(trunks, name);
    ReadTrunk(trunks.Section(name), std::move(trunk), config);
  }
  trunks.Finish();
}

}  // namespace lastmile::app

#include "gateway/app/sdp_command.h"

#include <fstream>
#include <iostream>
#include <optional>

#include "base/random.h"
#include "gateway/call/rehearsal.h"

namespace lastmile::app {
namespace {

constexpr int kExitRefused = 1;
constexpr int kExitNoTrunk = 2;
// Far more than the parser takes: enough to let it say what is too long.
constexpr size_t kMaxInput = 1024 * 1024;

std::optional<std::string> ReadInput(const std::string& path) {
  std::ifstream file;
  if (path != "-") file.open(path, std::ios::binary);
  std::istream& in = path == "-" ? std::cin : file;
  if (!in) return std::nullopt;
  std::string text(kMaxInput, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(in.gcount()));
  if (in.bad()) return std::nullopt;
  return text;
}

// Addresses of RFC 5737 and values of fixed length stand for what a call would have opened.
media::SessionOpened DocumentationMedia() {
  media::SessionOpened opened{.session = {1}, .browser = {}, .trunk = {}};
  opened.browser.ice_ufrag = "ufrag000";
  opened.browser.ice_pwd = "password0000000000000000";
  opened.browser.candidates = {*Endpoint::Parse("192.0.2.1:20000")};
  opened.browser.fingerprint = {"sha-256", Bytes(32, 0)};
  opened.trunk.rtp = *Endpoint::Parse("192.0.2.1:30000");
  opened.trunk.rtcp = *Endpoint::Parse("192.0.2.1:30001");
  opened.trunk.video = {.rtp = *Endpoint::Parse("192.0.2.1:30002"),
                        .rtcp = *Endpoint::Parse("192.0.2.1:30003")};
  return opened;
}

size_t InviteHeadBytes(const trunk::Trunk& trunk) {
  SystemRandom random;
  trunk::TrunkEdge edge({.trunks = {trunk}, .local_host = "192.0.2.1"}, random);
  return edge.InviteHeadBytes(
      {.trunk = trunk.name, .number = "+15550001000", .caller = "+15550001001", .offer = ""});
}

// What the call would be set to; nothing if there is no such trunk.
std::optional<call::CallSettings> SettingsFor(const SdpCommand& command, const Config* config,
                                              std::ostream& err) {
  call::CallSettings settings{.direction = command.to_trunk ? call::CallDirection::kFromBrowser
                                                            : call::CallDirection::kFromTrunk,
                              .sdp_session_id = 1};
  if (!config) {
    if (command.trunk.empty()) return settings;
    err << "lastmile: --trunk needs the configuration it stands in: add -c FILE\n";
    return std::nullopt;
  }
  for (const trunk::Trunk& trunk : config->trunks) {
    if (trunk.name != command.trunk && !(command.trunk.empty() && config->trunks.size() == 1)) {
      continue;
    }
    settings.trunk = config->trunk_policies.at(trunk.name);
    settings.invite_head_bytes = InviteHeadBytes(trunk);
    SeededRandom keys(1);  // they protect nothing, and the same offer is printed every time
    settings.trunk_keys = call::MakeTrunkKeys(settings.trunk, keys);
    return settings;
  }
  err << "lastmile: "
      << (command.trunk.empty() ? "name one of the trunks with --trunk"
                                : "there is no trunk " + command.trunk)
      << " (" << config->file << " has";
  for (const trunk::Trunk& trunk : config->trunks) err << ' ' << trunk.name;
  err << (config->trunks.empty() ? " none)\n" : ")\n");
  return std::nullopt;
}

}  // namespace

int RunSdp(const SdpCommand& command, const Config* config, std::ostream& out, std::ostream& err) {
  const auto settings = SettingsFor(command, config, err);
  if (!settings) return kExitNoTrunk;
  const auto text = ReadInput(command.file);
  if (!text) {
    err << "lastmile: cannot read " << command.file << '\n';
    return kExitRefused;
  }
  const auto rehearsal = call::Rehearse(*text, *settings, DocumentationMedia());
  if (!rehearsal) {
    err << "lastmile: the call would be refused: " << rehearsal.error().sip_status << ' '
        << rehearsal.error().reason << '\n';
    return kExitRefused;
  }
  if (!rehearsal->rules_problem.empty()) {
    err << "lastmile: the SDP rules of the trunk were not applied: " << rehearsal->rules_problem
        << '\n';
  }
  if (!rehearsal->fits) {
    err << "lastmile: over the trunk's budget, with nothing left to take out\n";
  }
  switch (command.print) {
    case SdpCommand::Print::kSdp:
      out << rehearsal->sdp;
      break;
    case SdpCommand::Print::kDiff:
      out << rehearsal->log.ToDiff();
      break;
    case SdpCommand::Print::kJson:
      out << rehearsal->log.ToJson() << '\n';
      break;
  }
  return 0;
}

}  // namespace lastmile::app

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "sdp/codecs.h"
#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kOwnProtocol = "UDP/TLS/RTP/SAVPF";
// RFC 8829 section 5.1.2: what names DTLS-SRTP. Both sides then use it, whatever the name says.
constexpr std::array<std::string_view, 6> kProtocols = {kOwnProtocol,         "UDP/TLS/RTP/SAVP",
                                                        "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP",
                                                        "RTP/SAVPF",          "RTP/SAVP"};

// What offer and answer have settled, or would settle if the pending offer is answered.
struct Settled {
  std::vector<Slot> slots;
  size_t audio = 0;     // index into slots
  bool bundled = true;  // the audio's mid is in a BUNDLE group
  bool role_known = false;
  bool gateway_is_server = true;
  Direction offered = Direction::kSendRecv;  // by the browser
  std::vector<Fingerprint> fingerprints;     // the browser's
};

// Bundle-only sections have port 0 and are not rejected (RFC 9143 section 6).
bool IsOpen(const MediaSection& section) {
  return section.media().port != 0 || FindAttribute(section.lines, "bundle-only") != nullptr;
}

// --- reading ---

Result<std::string, Refusal> ReadCredential(const SessionDescription& description,
                                            const MediaSection& section, std::string_view name,
                                            View<std::string> (*parse)(std::string_view)) {
  const Line* line = FindInherited(description, section, name);
  if (!line) {
    return RefuseAt(section.line(), 0, fmt::format("the audio section has no a={}", name));
  }
  auto value = parse(AttributeOf(*line).value);
  if (!value) return RefuseAt(*line, name.size() + 1 + value.error().offset, value.error().message);
  return std::move(*value);
}

bool IsStrongEnough(const Fingerprint& fingerprint) {
  return fingerprint.hash != "sha-1" && fingerprint.hash != "sha-224";
}

// Media level, else session level (RFC 8122 section 5). Hash functions that are weak or not known
// do not count, unless nothing else is there.
Result<std::vector<Fingerprint>, Refusal> ReadFingerprints(const SessionDescription& description,
                                                           const MediaSection& section) {
  constexpr std::string_view kName = "fingerprint";
  std::vector<Fingerprint> fingerprints;
  std::optional<Refusal> refusal;
  for (const auto* lines : {&section.lines, &description.session}) {
    for (const Line& line : *lines) {
      const Attribute attribute = AttributeOf(line);
      if (attribute.name != kName) continue;
      auto fingerprint = ParseFingerprint(attribute.value);
      if (fingerprint && IsStrongEnough(*fingerprint)) {
        fingerprints.push_back(std::move(*fingerprint));
      } else if (!refusal) {
        const ViewError error = fingerprint
                                    ? ViewError{0, "the fingerprint's hash is weaker than sha-256"}
                                    : fingerprint.error();
        refusal = RefuseAt(line, kName.size() + 1 + error.offset, error.message).error();
      }
    }
    if (!fingerprints.empty()) return fingerprints;
  }
  if (refusal) return std::unexpected(std::move(*refusal));
  return RefuseAt(section.line(), 0, "the audio section has no a=fingerprint");
}

// RFC 4145 section 4: without a=setup an offer means active and an answer means passive.
Result<Setup, Refusal> ReadSetup(const SessionDescription& description, const MediaSection& section,
                                 bool offer) {
  constexpr std::string_view kName = "setup";
  const Line* line = FindInherited(description, section, kName);
  if (!line) return offer ? Setup::kActive : Setup::kPassive;
  auto setup = ParseSetup(AttributeOf(*line).value);
  if (!setup)
    return RefuseAt(*line, kName.size() + 1 + setup.error().offset, setup.error().message);
  if (!offer && *setup == Setup::kActpass) {
    return RefuseAt(*line, 0, "an answer has to choose between a=setup:active and a=setup:passive");
  }
  return *setup;
}

Result<BrowserMedia, Refusal> ReadAudio(const SessionDescription& description,
                                        const MediaSection& section, bool offer) {
  if (std::ranges::find(kProtocols, section.media().protocol) == kProtocols.end()) {
    return RefuseAt(section.line(), 0, "the audio of a browser has to be DTLS-SRTP");
  }
  BrowserMedia media;
  auto ufrag = ReadCredential(description, section, "ice-ufrag", ParseIceUfrag);
  if (!ufrag) return std::unexpected(ufrag.error());
  auto pwd = ReadCredential(description, section, "ice-pwd", ParseIcePwd);
  if (!pwd) return std::unexpected(pwd.error());
  auto fingerprints = ReadFingerprints(description, section);
  if (!fingerprints) return std::unexpected(fingerprints.error());
  auto setup = ReadSetup(description, section, offer);
  if (!setup) return std::unexpected(setup.error());
  if (!FindAttribute(section.lines, "rtcp-mux")) {
    return RefuseAt(section.line(), 0, "the audio section has no a=rtcp-mux");
  }
  media.ice_ufrag = std::move(*ufrag);
  media.ice_pwd = std::move(*pwd);
  media.fingerprints = std::move(*fingerprints);
  media.setup = *setup;
  media.direction = ReadDirection(description, section);
  media.codecs = ReadCodecs(section);
  media.ptime = ReadPtime(section);
  if (!AnyCarriesSpeech(media.codecs)) {
    return RefuseAt(section.line(), 0, "the audio section names no codec the gateway can read");
  }
  return media;
}

Result<std::string, Refusal> ReadMid(const MediaSection& section) {
  constexpr std::string_view kName = "mid";
  const Line* line = FindAttribute(section.lines, kName);
  if (!line) return std::string();
  auto mid = ParseMid(AttributeOf(*line).value);
  if (!mid) return RefuseAt(*line, kName.size() + 1 + mid.error().offset, mid.error().message);
  return std::move(*mid);
}

Result<std::vector<Slot>, Refusal> ReadSlots(const SessionDescription& description) {
  std::vector<Slot> slots;
  for (const MediaSection& section : description.media) {
    auto mid = ReadMid(section);
    if (!mid) return std::unexpected(mid.error());
    const MediaLine& media = section.media();
    slots.push_back({media.kind, media.protocol, media.formats.front(), std::move(*mid)});
  }
  return slots;
}

bool IsBundled(const SessionDescription& description, const std::string& mid) {
  if (mid.empty()) return false;
  for (const Line& line : description.session) {
    const Attribute attribute = AttributeOf(line);
    if (attribute.name != "group") continue;
    auto group = ParseGroup(attribute.value);
    if (!group || group->semantics != "BUNDLE") continue;
    if (std::ranges::find(group->mids, mid) != group->mids.end()) return true;
  }
  return false;
}

struct FoundAudio {
  size_t index = 0;
  BrowserMedia media;
};

// The audio section in use if it still can be used, else the first one that can.
Result<FoundAudio, Refusal> FindAudio(const SessionDescription& description,
                                      std::optional<size_t> in_use) {
  std::optional<Refusal> refusal;
  const size_t count = description.media.size();
  for (size_t turn = in_use ? 0 : 1; turn <= count; ++turn) {
    const size_t index = turn == 0 ? *in_use : turn - 1;
    if (index >= count) continue;
    const MediaSection& section = description.media[index];
    if (section.media().kind != "audio" || !IsOpen(section)) continue;
    auto media = ReadAudio(description, section, true);
    if (media) return FoundAudio{index, std::move(*media)};
    if (!refusal) refusal = std::move(media.error());
  }
  if (refusal) return std::unexpected(std::move(*refusal));
  return Refuse("the offer has no audio section that is in use");
}

// RFC 8842 section 5.5: the roles hold as long as the association does, and that lasts until the
// fingerprints change.
std::optional<std::string> TakeSetup(Setup setup, const std::vector<Fingerprint>& fingerprints,
                                     Settled& settled) {
  const bool new_association = !settled.role_known || settled.fingerprints != fingerprints;
  const bool can_stay =
      setup == Setup::kActpass || settled.gateway_is_server == (setup == Setup::kActive);
  if (!new_association && !can_stay) {
    return "a=setup asks for the other DTLS role while the association and its fingerprint stay";
  }
  if (!can_stay || !settled.role_known) settled.gateway_is_server = setup != Setup::kPassive;
  settled.role_known = true;
  settled.fingerprints = fingerprints;
  return std::nullopt;
}

// --- writing ---

// RFC 8445 section 5.1.2.1 for host candidates of one component.
uint32_t HostPriority(size_t rank) {
  constexpr uint32_t kHostPreference = 126;
  constexpr uint32_t kComponent = 1;
  const auto local = static_cast<uint32_t>(65535 - std::min<size_t>(rank, 65535));
  return kHostPreference << 24 | local << 8 | (256 - kComponent);
}

void AddCandidates(std::vector<Line>& lines, const std::vector<Endpoint>& candidates) {
  for (size_t i = 0; i < candidates.size(); ++i) {
    AddAttribute(lines, "candidate",
                 ToValue(Candidate{.foundation = std::to_string(i + 1),
                                   .component = 1,
                                   .transport = "udp",
                                   .priority = HostPriority(i),
                                   .address = candidates[i].address.ToString(),
                                   .ip = candidates[i].address,
                                   .port = candidates[i].port,
                                   .type = "host",
                                   .extensions = {}}));
  }
  AddAttribute(lines, "end-of-candidates");
}

MediaSection BuildAudio(const Slot& slot, const BrowserLocalMedia& local, Direction direction,
                        Setup setup) {
  const Endpoint first = local.candidates.empty() ? Endpoint{} : local.candidates.front();
  MediaSection section({.kind = slot.kind,
                        .port = first.port,
                        .protocol = slot.protocol,
                        .formats = FormatsOf(local.codecs)});
  auto& lines = section.lines;
  AddLine(lines, 'c', ToConnectionValue(first.address));
  if (!slot.mid.empty()) AddAttribute(lines, "mid", slot.mid);
  AddAttribute(lines, NameOf(direction));
  AddAttribute(lines, "rtcp-mux");
  AddAttribute(lines, "ice-ufrag", local.ice_ufrag);
  AddAttribute(lines, "ice-pwd", local.ice_pwd);
  AddAttribute(lines, "fingerprint", ToValue(local.fingerprint));
  AddAttribute(lines, "setup", NameOf(setup));
  AddCandidates(lines, local.candidates);
  AddCodecs(lines, local.codecs);
  if (local.ptime) AddAttribute(lines, "ptime", std::to_string(*local.ptime));
  return section;
}

MediaSection BuildRejected(const Slot& slot) {
  MediaSection section(RejectedMedia(slot));
  AddLine(section.lines, 'c', ToConnectionValue(IpAddress()));
  AddAttribute(section.lines, NameOf(Direction::kInactive));
  if (!slot.mid.empty()) AddAttribute(section.lines, "mid", slot.mid);
  return section;
}

std::string Build(Origin& origin, const Settled& settled, const BrowserLocalMedia& local,
                  Direction direction, Setup setup) {
  SessionDescription description;
  origin.Start(description, IpAddress());  // RFC 8829 section 5.2.1: 0.0.0.0 tells nothing
  AddLine(description.session, 't', "0 0");
  const Slot& audio = settled.slots[settled.audio];
  if (settled.bundled) AddAttribute(description.session, "group", "BUNDLE " + audio.mid);
  AddAttribute(description.session, "ice-lite");
  for (const Slot& slot : settled.slots) {
    const bool is_audio = &slot == &audio;
    description.media.push_back(is_audio ? BuildAudio(slot, local, direction, setup)
                                         : BuildRejected(slot));
  }
  return origin.Finish(description);
}

}  // namespace

struct BrowserLeg::State {
  // RFC 8829 section 5.2.1: the top bit of the session id is zero.
  explicit State(uint64_t session_id) : origin(session_id & INT64_MAX) {}

  Origin origin;
  Settled settled;
  std::optional<Settled> pending;  // an offer of the browser that is not answered yet
  std::vector<Codec> offered;      // by the gateway

  const Settled& latest() const { return pending ? *pending : settled; }
};

BrowserLeg::BrowserLeg(uint64_t session_id) : state_(std::make_unique<State>(session_id)) {}
BrowserLeg::~BrowserLeg() = default;
BrowserLeg::BrowserLeg(BrowserLeg&&) noexcept = default;
BrowserLeg& BrowserLeg::operator=(BrowserLeg&&) noexcept = default;

Result<BrowserMedia, Refusal> BrowserLeg::TakeOffer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  const Settled& before = state_->settled;
  const size_t count = description->media.size();
  if (auto problem = CheckSlotCount(before.slots.size(), count)) return Refuse(*problem);
  auto slots = ReadSlots(*description);
  if (!slots) return std::unexpected(slots.error());
  auto audio =
      FindAudio(*description, before.slots.empty() ? std::nullopt : std::optional(before.audio));
  if (!audio) return std::unexpected(audio.error());

  Settled next = before;
  next.slots = std::move(*slots);
  next.audio = audio->index;
  next.bundled = IsBundled(*description, next.slots[next.audio].mid);
  next.offered = audio->media.direction;
  if (auto problem = TakeSetup(audio->media.setup, audio->media.fingerprints, next)) {
    return RefuseAt(description->media[next.audio].line(), 0, *problem);
  }
  state_->pending = std::move(next);
  return std::move(audio->media);
}

std::string BrowserLeg::BuildAnswer(const BrowserLocalMedia& local) {
  if (state_->pending) state_->settled = std::move(*std::exchange(state_->pending, std::nullopt));
  const Settled& settled = state_->settled;
  LASTMILE_CHECK(!settled.slots.empty());
  if (settled.slots.empty()) return {};
  return Build(state_->origin, settled, local, AnswerDirection(settled.offered, local.direction),
               settled.gateway_is_server ? Setup::kPassive : Setup::kActive);
}

std::string BrowserLeg::BuildOffer(const BrowserLocalMedia& local) {
  state_->pending.reset();
  Settled& settled = state_->settled;
  if (settled.slots.empty()) {
    settled.slots.push_back(
        {.kind = "audio", .protocol = std::string(kOwnProtocol), .format = "0", .mid = "0"});
  }
  state_->offered = local.codecs;
  return Build(state_->origin, settled, local, local.direction, Setup::kActpass);
}

Result<BrowserMedia, Refusal> BrowserLeg::TakeAnswer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  Settled& settled = state_->settled;
  if (state_->offered.empty()) return Refuse("there is no offer this could be the answer to");
  if (description->media.size() != settled.slots.size()) {
    return Refuse(fmt::format("the answer has {} media sections, the offer has {}",
                              description->media.size(), settled.slots.size()));
  }
  const MediaSection& section = description->media[settled.audio];
  if (section.media().kind != "audio" || !IsOpen(section)) {
    return RefuseAt(section.line(), 0, "the browser's answer rejects the audio");
  }
  auto media = ReadAudio(*description, section, false);
  if (!media) return media;
  media->codecs = KeepOffered(media->codecs, state_->offered);
  if (!AnyCarriesSpeech(media->codecs)) {
    return RefuseAt(section.line(), 0, "the answer keeps none of the codecs that were offered");
  }
  if (auto problem = TakeSetup(media->setup, media->fingerprints, settled)) {
    return RefuseAt(section.line(), 0, *problem);
  }
  return media;
}

bool BrowserLeg::gateway_is_dtls_server() const { return state_->latest().gateway_is_server; }

}  // namespace lastmile::sdp

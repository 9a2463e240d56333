#include "sdp/browser_read.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "sdp/codecs.h"
#include "sdp/rtcp_xr.h"

namespace lastmile::sdp {
namespace {

// RFC 8829 section 5.1.2: what names DTLS-SRTP. Both sides then use it, whatever the name says.
constexpr std::array<std::string_view, 6> kProtocols = {kBrowserProtocol,     "UDP/TLS/RTP/SAVP",
                                                        "TCP/DTLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVP",
                                                        "RTP/SAVPF",          "RTP/SAVP"};

enum class Role { kOffer, kAnswer };

bool IsBundleOnly(const MediaSection& section) {
  return FindAttribute(section.lines, "bundle-only") != nullptr;
}

// Bundle-only sections have port 0 and are not rejected (RFC 9143 section 6).
bool IsOpen(const MediaSection& section) {
  return section.media().port != 0 || IsBundleOnly(section);
}

Result<std::string, Refusal> ReadMid(const MediaSection& section) {
  constexpr std::string_view kName = "mid";
  const Line* line = FindAttribute(section.lines, kName);
  if (!line) return std::string();
  auto mid = ParseMid(AttributeOf(*line).value);
  if (!mid) return RefuseAt(*line, kName.size() + 1 + mid.error().offset, mid.error().message);
  return std::move(*mid);
}

// Empty: none that can be read.
std::string MidOf(const MediaSection& section) { return ReadMid(section).value_or(std::string()); }

// The mids of the BUNDLE group that has this one; empty: it is in none.
std::vector<std::string> BundleOf(const SessionDescription& description, std::string_view mid) {
  if (mid.empty()) return {};
  for (const Line& line : description.session) {
    const Attribute attribute = AttributeOf(line);
    if (attribute.name != "group") continue;
    auto group = ParseGroup(attribute.value);
    if (!group || group->semantics != "BUNDLE") continue;
    if (std::ranges::find(group->mids, mid) != group->mids.end()) return std::move(group->mids);
  }
  return {};
}

// Where the transport of a section is described, the closest level first: in the section, in the
// first section of its bundle (RFC 9143 section 7.1.3: the others need not repeat it), in the
// session.
struct TransportLines {
  const MediaSection& section;
  std::vector<const std::vector<Line>*> levels;

  TransportLines(const SessionDescription& description, const MediaSection& own,
                 const std::vector<std::string>& bundle)
      : section(own), levels{&own.lines} {
    const auto tagged = std::ranges::find_if(description.media, [&](const MediaSection& other) {
      return !bundle.empty() && MidOf(other) == bundle.front();
    });
    if (tagged != description.media.end() && &*tagged != &own) levels.push_back(&tagged->lines);
    levels.push_back(&description.session);
  }

  const Line* Find(std::string_view name) const {
    for (const auto* lines : levels) {
      if (const Line* line = FindAttribute(*lines, name)) return line;
    }
    return nullptr;
  }
  std::unexpected<Refusal> Missing(std::string_view name) const {
    return RefuseAt(section.line(), 0, fmt::format("the audio section has no a={}", name));
  }
};

Result<std::string, Refusal> ReadCredential(const TransportLines& transport, std::string_view name,
                                            View<std::string> (*parse)(std::string_view)) {
  const Line* line = transport.Find(name);
  if (!line) return transport.Missing(name);
  auto value = parse(AttributeOf(*line).value);
  if (!value) return RefuseAt(*line, name.size() + 1 + value.error().offset, value.error().message);
  return std::move(*value);
}

// RFC 8839 section 5.1: without case.
bool IsUdp(std::string_view transport) {
  return std::ranges::equal(transport, std::string_view("udp"),
                            [](char a, char b) { return (a | 0x20) == b; });
}

// Those that a full ICE agent could send checks to, of the closest level that has any. What cannot
// be read is none: a browser whose candidates are all of another kind still comes by itself.
std::vector<Candidate> ReadCandidates(const TransportLines& transport) {
  std::vector<Candidate> candidates;
  for (const auto* lines : transport.levels) {
    for (const Line& line : *lines) {
      const Attribute attribute = AttributeOf(line);
      if (attribute.name != "candidate") continue;
      auto candidate = ParseCandidate(attribute.value);
      if (candidate && candidate->component == 1 && candidate->ip && IsUdp(candidate->transport)) {
        candidates.push_back(std::move(*candidate));
      }
    }
    if (!candidates.empty()) break;
  }
  return candidates;
}

bool IsStrongEnough(const Fingerprint& fingerprint) {
  return fingerprint.hash != "sha-1" && fingerprint.hash != "sha-224";
}

// The closest level that has one (RFC 8122 section 5). Hash functions that are weak or not known do
// not count, unless nothing else is there.
Result<std::vector<Fingerprint>, Refusal> ReadFingerprints(const TransportLines& transport) {
  constexpr std::string_view kName = "fingerprint";
  std::vector<Fingerprint> fingerprints;
  std::optional<Refusal> refusal;
  for (const auto* lines : transport.levels) {
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
  return transport.Missing(kName);
}

// RFC 4145 section 4: without a=setup an offer means active and an answer means passive.
Result<Setup, Refusal> ReadSetup(const TransportLines& transport, Role role) {
  constexpr std::string_view kName = "setup";
  const Line* line = transport.Find(kName);
  if (!line) return role == Role::kOffer ? Setup::kActive : Setup::kPassive;
  auto setup = ParseSetup(AttributeOf(*line).value);
  if (!setup)
    return RefuseAt(*line, kName.size() + 1 + setup.error().offset, setup.error().message);
  if (role == Role::kAnswer && *setup == Setup::kActpass) {
    return RefuseAt(*line, 0, "an answer has to choose between a=setup:active and a=setup:passive");
  }
  return *setup;
}

Result<BrowserMedia, Refusal> ReadAudio(const SessionDescription& description,
                                        const MediaSection& section,
                                        const std::vector<std::string>& bundle, Role role) {
  if (!IsDtlsSrtp(section.media().protocol)) {
    return RefuseAt(section.line(), 0, "the audio of a browser has to be DTLS-SRTP");
  }
  const TransportLines transport(description, section, bundle);
  BrowserMedia media;
  auto ufrag = ReadCredential(transport, "ice-ufrag", ParseIceUfrag);
  if (!ufrag) return std::unexpected(ufrag.error());
  auto pwd = ReadCredential(transport, "ice-pwd", ParseIcePwd);
  if (!pwd) return std::unexpected(pwd.error());
  auto fingerprints = ReadFingerprints(transport);
  if (!fingerprints) return std::unexpected(fingerprints.error());
  auto setup = ReadSetup(transport, role);
  if (!setup) return std::unexpected(setup.error());
  if (!transport.Find("rtcp-mux")) return transport.Missing("rtcp-mux");
  media.ice_ufrag = std::move(*ufrag);
  media.ice_pwd = std::move(*pwd);
  media.fingerprints = std::move(*fingerprints);
  media.setup = *setup;
  media.candidates = ReadCandidates(transport);
  media.direction = ReadDirection(description, section);
  media.codecs = ReadCodecs(section);
  media.ptime = ReadPacketTime(section, "ptime");
  media.maxptime = ReadPacketTime(section, "maxptime");
  media.xr = ReadRtcpXr(description, section);
  if (!AnyCarriesSpeech(media.codecs)) {
    return RefuseAt(section.line(), 0, "the audio section names no codec the gateway can read");
  }
  return media;
}

// RFC 9143 section 7.1.3: a section that is bundled for sure, in an answer or as bundle-only, need
// not repeat that the transport it joins has a=rtcp-mux.
bool SharesRtcpPort(const MediaSection& section, Role role) {
  return role == Role::kAnswer || IsBundleOnly(section) ||
         FindAttribute(section.lines, "rtcp-mux") != nullptr;
}

std::optional<BrowserVideo> ReadVideo(const SessionDescription& description, size_t index,
                                      const std::vector<std::string>& bundle, Role role) {
  const MediaSection& section = description.media[index];
  if (section.media().kind != "video" || !IsOpen(section)) return std::nullopt;
  if (!IsDtlsSrtp(section.media().protocol) || !SharesRtcpPort(section, role)) return std::nullopt;
  if (std::ranges::find(bundle, MidOf(section)) == bundle.end()) return std::nullopt;
  BrowserVideo video{.direction = ReadDirection(description, section),
                     .codecs = ReadVideoCodecs(section)};
  return video.codecs.empty() ? std::nullopt : std::optional(std::move(video));
}

Result<BrowserSections, Refusal> ReadOfferedAudio(const SessionDescription& description,
                                                  std::optional<size_t> in_use) {
  std::optional<Refusal> refusal;
  for (const size_t index : SectionOrder(description.media.size(), in_use)) {
    const MediaSection& section = description.media[index];
    if (section.media().kind != "audio" || !IsOpen(section)) continue;
    BrowserSections found{.audio = index,
                          .video = std::nullopt,
                          .bundle = BundleOf(description, MidOf(section)),
                          .media = {}};
    auto media = ReadAudio(description, section, found.bundle, Role::kOffer);
    if (media) {
      found.media = std::move(*media);
      return found;
    }
    if (!refusal) refusal = std::move(media.error());
  }
  if (refusal) return std::unexpected(std::move(*refusal));
  return Refuse("the offer has no audio section that is in use");
}

}  // namespace

bool IsDtlsSrtp(std::string_view protocol) {
  return std::ranges::find(kProtocols, protocol) != kProtocols.end();
}

Result<std::vector<Slot>, Refusal> ReadBrowserSlots(const SessionDescription& description) {
  std::vector<Slot> slots;
  for (const MediaSection& section : description.media) {
    auto mid = ReadMid(section);
    if (!mid) return std::unexpected(mid.error());
    const MediaLine& media = section.media();
    slots.push_back({media.kind, media.protocol, media.formats.front(), std::move(*mid)});
  }
  return slots;
}

Result<BrowserSections, Refusal> ReadBrowserOffer(const SessionDescription& description,
                                                  std::optional<size_t> audio_in_use,
                                                  std::optional<size_t> video_in_use) {
  auto found = ReadOfferedAudio(description, audio_in_use);
  if (!found) return found;
  for (const size_t index : SectionOrder(description.media.size(), video_in_use)) {
    found->media.video = ReadVideo(description, index, found->bundle, Role::kOffer);
    if (!found->media.video) continue;
    found->video = index;
    break;
  }
  return found;
}

Result<BrowserSections, Refusal> ReadBrowserAnswer(const SessionDescription& description,
                                                   size_t audio, std::optional<size_t> video) {
  const MediaSection& section = description.media[audio];
  if (section.media().kind != "audio" || !IsOpen(section)) {
    return RefuseAt(section.line(), 0, "the browser's answer rejects the audio");
  }
  BrowserSections found{.audio = audio,
                        .video = std::nullopt,
                        .bundle = BundleOf(description, MidOf(section)),
                        .media = {}};
  auto media = ReadAudio(description, section, found.bundle, Role::kAnswer);
  if (!media) return std::unexpected(std::move(media.error()));
  found.media = std::move(*media);
  if (video) found.media.video = ReadVideo(description, *video, found.bundle, Role::kAnswer);
  if (found.media.video) found.video = video;
  return found;
}

}  // namespace lastmile::sdp

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sdp/budget.h"
#include "sdp/codecs.h"
#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"
#include "sdp/scanner.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kOwnProtocol = "RTP/AVP";

// --- reading ---

std::optional<std::string_view> WhyNotProtocol(std::string_view protocol) {
  if (protocol == "RTP/AVP" || protocol == "RTP/AVPF") return std::nullopt;
  if (protocol == "RTP/SAVP" || protocol == "RTP/SAVPF") {
    return "the carrier asks for SRTP, and this trunk speaks plain RTP only";
  }
  return "the audio of a carrier has to be RTP/AVP or RTP/AVPF";
}

// a=rtcp (RFC 3605), else the port after RTP's. A value that cannot be used counts as none.
Endpoint ReadRtcp(const MediaSection& section, const Endpoint& rtp) {
  // Port 65535 has no port after it: such a sender gets its RTCP where its RTP is.
  Endpoint rtcp{rtp.address, static_cast<uint16_t>(rtp.port == 65535 ? rtp.port : rtp.port + 1)};
  const Line* line = FindAttribute(section.lines, "rtcp");
  if (!line) return rtcp;
  auto attribute = ParseRtcp(AttributeOf(*line).value);
  if (!attribute || attribute->port == 0) return rtcp;
  rtcp.port = attribute->port;
  if (attribute->address && !attribute->address->is_any()) rtcp.address = *attribute->address;
  return rtcp;
}

std::optional<Refusal> ReadAddress(const SessionDescription& description,
                                   const MediaSection& section, TrunkMedia& media) {
  const Line* line = FindLine(section.lines, 'c');
  if (!line) line = FindLine(description.session, 'c');
  if (!line) return RefuseAt(section.line(), 0, "the audio section has no c= line").error();
  auto connection = ParseConnection(line->value);
  if (!connection) {
    return RefuseAt(*line, connection.error().offset, connection.error().message).error();
  }
  if (connection->multicast) {
    return RefuseAt(*line, 0, "the address is a multicast address").error();
  }
  media.held = connection->address.is_any();
  if (media.held) return std::nullopt;
  media.rtp = {connection->address, section.media().port};
  media.rtcp = ReadRtcp(section, media.rtp);
  return std::nullopt;
}

Result<TrunkMedia, Refusal> ReadAudio(const SessionDescription& description,
                                      const MediaSection& section,
                                      const std::vector<Codec>& offered) {
  if (auto problem = WhyNotProtocol(section.media().protocol)) {
    return RefuseAt(section.line(), 0, *problem);
  }
  TrunkMedia media;
  if (auto refusal = ReadAddress(description, section, media)) {
    return std::unexpected(std::move(*refusal));
  }
  media.direction = ReadDirection(description, section);
  media.codecs = ReadCodecs(section, offered);
  media.ptime = ReadPtime(section);
  if (!AnyCarriesSpeech(media.codecs)) {
    return RefuseAt(section.line(), 0, "the audio section names no codec the gateway can read");
  }
  return media;
}

struct FoundAudio {
  size_t index = 0;
  TrunkMedia media;
};

// The audio section in use if it still can be used, else the first one that can: carriers offer
// RTP/SAVP and RTP/AVP side by side.
Result<FoundAudio, Refusal> FindAudio(const SessionDescription& description,
                                      std::optional<size_t> in_use) {
  std::optional<Refusal> refusal;
  const size_t count = description.media.size();
  for (size_t turn = in_use ? 0 : 1; turn <= count; ++turn) {
    const size_t index = turn == 0 ? *in_use : turn - 1;
    if (index >= count) continue;
    const MediaSection& section = description.media[index];
    if (section.media().kind != "audio" || section.media().port == 0) continue;
    auto media = ReadAudio(description, section, {});
    if (media) return FoundAudio{index, std::move(*media)};
    if (!refusal) refusal = std::move(media.error());
  }
  if (refusal) return std::unexpected(std::move(*refusal));
  return Refuse("the offer has no audio section that is in use");
}

// RFC 3264 section 6: the t= line of the answer is that of the offer.
std::string ReadTime(const SessionDescription& description) {
  constexpr std::string_view kAlways = "0 0";
  const Line* line = FindLine(description.session, 't');
  if (!line) return std::string(kAlways);
  Scanner scanner(line->value);
  const bool start = ToNumber(scanner.Word(), UINT64_MAX).has_value();
  const bool stop = ToNumber(scanner.Word(), UINT64_MAX).has_value();
  return start && stop && scanner.done() ? line->value : std::string(kAlways);
}

// What offer and answer have settled, or would settle if the pending offer is answered.
struct Settled {
  std::vector<Slot> slots;
  size_t audio = 0;                          // index into slots
  Direction offered = Direction::kSendRecv;  // by the carrier
  std::string time = "0 0";
};

// --- writing ---

// RFC 3605; left out where RTCP is where RFC 3550 section 11 puts it.
void AddRtcp(std::vector<Line>& lines, const TrunkLocalMedia& local) {
  const bool same_address = local.rtcp.address == local.rtp.address;
  if (same_address && local.rtcp.port == local.rtp.port + 1) return;
  std::string value = std::to_string(local.rtcp.port);
  if (!same_address) value += ' ' + ToConnectionValue(local.rtcp.address);
  AddAttribute(lines, "rtcp", value);
}

MediaSection BuildAudio(const Slot& slot, const TrunkLocalMedia& local, Direction direction) {
  MediaSection section({.kind = slot.kind,
                        .port = local.rtp.port,
                        .protocol = slot.protocol,
                        .formats = FormatsOf(local.codecs)});
  AddRtcp(section.lines, local);
  AddCodecs(section.lines, local.codecs);
  if (local.ptime) AddAttribute(section.lines, "ptime", std::to_string(*local.ptime));
  if (direction != Direction::kSendRecv) AddAttribute(section.lines, NameOf(direction));
  return section;
}

SessionDescription BuildTree(Origin& origin, const Settled& settled, const TrunkLocalMedia& local,
                             Direction direction) {
  SessionDescription description;
  origin.Start(description, local.rtp.address);
  AddLine(description.session, 'c', ToConnectionValue(local.rtp.address));
  AddLine(description.session, 't', settled.time);
  for (size_t i = 0; i < settled.slots.size(); ++i) {
    const Slot& slot = settled.slots[i];
    description.media.push_back(i == settled.audio ? BuildAudio(slot, local, direction)
                                                   : MediaSection(RejectedMedia(slot)));
  }
  return description;
}

}  // namespace

struct TrunkLeg::State {
  // 32 bits are enough for an id beside the address, and nine bytes shorter.
  explicit State(uint64_t session_id) : origin(session_id & UINT32_MAX) {}

  Origin origin;
  Settled settled;
  std::optional<Settled> pending;  // an offer of the carrier that is not answered yet
  std::vector<Codec> offered;      // by the gateway
  TrunkProfile profile;
  TrunkBuild build;
  std::vector<Codec> said;
  std::vector<Codec> said_video;

  std::string Build(const TrunkLocalMedia& local, Direction direction) {
    build = {};
    build.tree = BuildTree(origin, settled, local, direction);
    if (auto applied = ApplyRules(build.tree, profile.rules, build.trail); !applied) {
      build.rules_problem = applied.error().message;
    }
    build.bytes_before_budget = Print(build.tree).size();
    build.fits = ShrinkToBudget(build.tree, profile.max_sdp_bytes, build.trail);
    std::string text = origin.Finish(build.tree);
    build.bytes = text.size();
    said = ReadCodecs(build.tree.media[settled.audio]);
    return text;
  }
};

TrunkLeg::TrunkLeg(uint64_t session_id) : state_(std::make_unique<State>(session_id)) {}
TrunkLeg::~TrunkLeg() = default;
TrunkLeg::TrunkLeg(TrunkLeg&&) noexcept = default;
TrunkLeg& TrunkLeg::operator=(TrunkLeg&&) noexcept = default;

std::string TrunkLeg::BuildOffer(const TrunkLocalMedia& local) {
  state_->pending.reset();
  Settled& settled = state_->settled;
  if (settled.slots.empty()) {
    settled.slots.push_back(
        {.kind = "audio", .protocol = std::string(kOwnProtocol), .format = "0", .mid = {}});
  }
  std::string offer = state_->Build(local, local.direction);
  state_->offered = ReadCodecs(state_->build.tree.media[settled.audio]);
  return offer;
}

Result<TrunkMedia, Refusal> TrunkLeg::TakeAnswer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  const Settled& settled = state_->settled;
  if (state_->offered.empty()) return Refuse("there is no offer this could be the answer to");
  if (description->media.size() != settled.slots.size()) {
    return Refuse(fmt::format("the answer has {} media sections, the offer has {}",
                              description->media.size(), settled.slots.size()));
  }
  const MediaSection& section = description->media[settled.audio];
  if (section.media().kind != "audio" || section.media().port == 0) {
    return RefuseAt(section.line(), 0, "the carrier's answer rejects the audio");
  }
  auto media = ReadAudio(*description, section, state_->offered);
  if (!media) return media;
  media->codecs = KeepOffered(media->codecs, state_->offered);
  if (!AnyCarriesSpeech(media->codecs)) {
    return RefuseAt(section.line(), 0, "the answer keeps none of the codecs that were offered");
  }
  return media;
}

Result<TrunkMedia, Refusal> TrunkLeg::TakeOffer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  const Settled& before = state_->settled;
  const size_t count = description->media.size();
  if (auto problem = CheckSlotCount(before.slots.size(), count)) return Refuse(*problem);
  auto audio =
      FindAudio(*description, before.slots.empty() ? std::nullopt : std::optional(before.audio));
  if (!audio) return std::unexpected(audio.error());

  Settled next;
  for (const MediaSection& section : description->media) {
    const MediaLine& media = section.media();
    next.slots.push_back({media.kind, media.protocol, media.formats.front(), {}});
  }
  next.audio = audio->index;
  next.offered = audio->media.direction;
  next.time = ReadTime(*description);
  state_->pending = std::move(next);
  return std::move(audio->media);
}

std::string TrunkLeg::BuildAnswer(const TrunkLocalMedia& local) {
  if (state_->pending) state_->settled = std::move(*std::exchange(state_->pending, std::nullopt));
  const Settled& settled = state_->settled;
  LASTMILE_CHECK(!settled.slots.empty());
  if (settled.slots.empty()) return {};
  return state_->Build(local, AnswerDirection(settled.offered, local.direction));
}

void TrunkLeg::SetProfile(TrunkProfile profile) { state_->profile = std::move(profile); }

const TrunkBuild& TrunkLeg::last_build() const { return state_->build; }

const std::vector<Codec>& TrunkLeg::said() const { return state_->said; }

const std::vector<Codec>& TrunkLeg::said_video() const { return state_->said_video; }

}  // namespace lastmile::sdp

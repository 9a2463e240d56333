#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sdp/budget.h"
#include "sdp/codecs.h"
#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/preconditions.h"
#include "sdp/rtcp_xr.h"
#include "sdp/srtp_keys.h"
#include "sdp/trunk_read.h"
#include "sdp/writer.h"

namespace lastmile::sdp {
namespace {

constexpr std::string_view kOwnProtocol = "RTP/AVP";

// What the carrier's last offer said of a section in use.
struct Asked {
  Direction direction = Direction::kSendRecv;
  bool rtcp_mux = false;
  std::optional<Crypto> crypto;
  Preconditions preconditions = {};
  RtcpXr xr = {};
};

// What offer and answer have settled, or would settle if the pending offer is answered.
struct Settled {
  std::vector<Slot> slots;
  size_t audio = 0;             // index into slots
  std::optional<size_t> video;  // the same; none: no video in the last offer
  Asked asked;
  Asked asked_video;
  std::string time = "0 0";
};

// The m-line that an offer of the gateway uses for video: the one in use, one that the session has
// from earlier, or a new one.
std::optional<size_t> SlotForVideo(Settled& settled, const TrunkLocalVideo& video) {
  if (settled.video) return settled.video;
  const auto usable = [](const Slot& slot) {
    return slot.kind == "video" && (slot.protocol == WithSrtp(slot.protocol, false) ||
                                    slot.protocol == WithSrtp(slot.protocol, true));
  };
  const auto it = std::ranges::find_if(settled.slots, usable);
  if (it != settled.slots.end()) return static_cast<size_t>(it - settled.slots.begin());
  if (settled.slots.size() == kMaxMediaSections) return std::nullopt;
  const bool feedback =
      std::ranges::any_of(video.codecs, [](const Codec& codec) { return !codec.feedback.empty(); });
  settled.slots.push_back(
      {.kind = "video", .protocol = feedback ? "RTP/AVPF" : "RTP/AVP", .format = "0", .mid = {}});
  return settled.slots.size() - 1;
}

// --- writing ---

// RFC 3605; left out where RTCP is where RFC 3550 section 11 puts it.
void AddRtcp(std::vector<Line>& lines, const Endpoint& rtp, const Endpoint& rtcp) {
  const bool same_address = rtcp.address == rtp.address;
  if (same_address && rtcp.port == rtp.port + 1) return;
  std::string value = std::to_string(rtcp.port);
  if (!same_address) value += ' ' + ToConnectionValue(rtcp.address);
  AddAttribute(lines, "rtcp", value);
}

// A section in use, as it will be said.
struct Said {
  Endpoint rtp;
  Endpoint rtcp;
  bool rtcp_mux = false;
  bool rtcp_alone = true;  // RTCP may come on a port of its own
  Direction direction = Direction::kSendRecv;
  std::vector<Crypto> crypto;
  Preconditions preconditions = {};  // of the carrier, to be answered
  RtcpXr xr = {};                    // the same
};

MediaSection BuildSection(const Slot& slot, const Said& said, const std::vector<Codec>& codecs,
                          const IpAddress& session_address) {
  MediaSection section({.kind = slot.kind,
                        .port = said.rtp.port,
                        .protocol = slot.protocol,
                        .formats = FormatsOf(codecs)});
  auto& lines = section.lines;
  if (said.rtp.address != session_address) {
    AddLine(lines, 'c', ToConnectionValue(said.rtp.address));
  }
  if (said.rtcp_alone) AddRtcp(lines, said.rtp, said.rtcp);
  if (said.rtcp_mux) AddAttribute(lines, "rtcp-mux");
  for (const Crypto& crypto : said.crypto) AddAttribute(lines, "crypto", ToValue(crypto));
  AddCodecs(lines, codecs, slot.kind == "video" && HasFeedback(slot.protocol));
  AddRtcpXr(lines, said.xr);
  return section;
}

void AddDirection(std::vector<Line>& lines, const Said& said) {
  if (said.direction != Direction::kSendRecv) AddAttribute(lines, NameOf(said.direction));
  AddPreconditions(lines, said.preconditions);
}

SessionDescription BuildTree(Origin& origin, const Settled& settled, const TrunkLocalMedia& local,
                             const std::optional<Said>& audio, const std::optional<Said>& video) {
  SessionDescription description;
  const IpAddress& address = local.rtp.address;
  origin.Start(description, address);
  AddLine(description.session, 'c', ToConnectionValue(address));
  AddLine(description.session, 't', settled.time);
  for (size_t i = 0; i < settled.slots.size(); ++i) {
    const Slot& slot = settled.slots[i];
    if (i == settled.audio && audio) {
      description.media.push_back(BuildSection(slot, *audio, local.codecs, address));
      auto& lines = description.media.back().lines;
      AddPacketTimes(lines, local.ptime, local.maxptime);
      AddDirection(lines, *audio);
    } else if (i == settled.video && video) {
      description.media.push_back(BuildSection(slot, *video, local.video->codecs, address));
      AddDirection(description.media.back().lines, *video);
    } else {
      description.media.emplace_back(RejectedMedia(slot));
    }
  }
  return description;
}

// What the answer says of a section; none: it is SRTP, and no key of the gateway's fits.
template <class Local>
std::optional<Said> Answered(const Slot& slot, const Asked& asked, const Local& local,
                             const TrunkLocalMedia& whole) {
  const bool shares = whole.rtcp_mux && asked.rtcp_mux;
  Said said{.rtp = local.rtp,
            .rtcp = local.rtcp,
            .rtcp_mux = shares,
            .rtcp_alone = !shares,
            .direction = AnswerDirection(asked.direction, local.direction),
            .crypto = {},
            .xr = asked.xr};
  if (whole.resources) said.preconditions = asked.preconditions;
  if (!asked.crypto) return IsSdesSrtp(slot.protocol) ? std::nullopt : std::optional(said);
  auto crypto = AnswerTo(*asked.crypto, local.crypto);
  if (!crypto) return std::nullopt;
  said.crypto.push_back(std::move(*crypto));
  return said;
}

TrunkResources ResourcesOf(const Settled& settled) {
  const Preconditions& audio = settled.asked.preconditions;
  const Preconditions& video = settled.asked_video.preconditions;
  return {.pending = audio.pending() || video.pending(),
          .impossible = audio.impossible.empty() ? video.impossible : audio.impossible};
}

// Of a section that is offered with keys, or without. Where SRTP is optional, who knows nothing of
// it shall find plain RTP; a carrier that has said RTP/SAVP itself knows.
std::string ProtocolOffered(const Slot& slot, Srtp srtp, bool keys) {
  const bool keeps = keys && srtp == Srtp::kOptional;
  return keeps ? slot.protocol : std::string(WithSrtp(slot.protocol, keys));
}

template <class Local>
Said Offered(const Local& local, bool rtcp_mux) {
  return {.rtp = local.rtp,
          .rtcp = local.rtcp,
          .rtcp_mux = rtcp_mux,
          .direction = local.direction,
          .crypto = local.crypto};
}

bool IsWanted(const TrunkLocalMedia& local) { return local.video && !local.video->codecs.empty(); }

}  // namespace

struct TrunkLeg::State {
  // 32 bits are enough for an id beside the address, and nine bytes shorter.
  explicit State(uint64_t session_id) : origin(session_id & UINT32_MAX) {}
  explicit State(const TrunkLegSnapshot& snapshot)
      : origin(snapshot.origin), said(snapshot.said), said_video(snapshot.said_video) {
    settled.slots = snapshot.slots;
    settled.audio = snapshot.audio;
    settled.video = snapshot.video;
    settled.time = snapshot.time;
  }

  Origin origin;
  Settled settled;
  // An offer that is not answered yet leaves the session as it is (RFC 3264 section 8): the last
  // one of the carrier, or of the gateway.
  std::optional<Settled> pending;
  std::optional<Settled> proposed;
  TrunkOffered offered;  // by the gateway
  TrunkOffered offered_video;
  bool offered_rtcp_mux = false;
  TrunkProfile profile;
  TrunkBuild build;
  std::vector<Codec> said;
  std::vector<Codec> said_video;

  std::string Build(const Settled& now, const TrunkLocalMedia& local,
                    const std::optional<Said>& audio, const std::optional<Said>& video) {
    build = {};
    build.tree = BuildTree(origin, now, local, audio, video);
    if (auto applied = ApplyRules(build.tree, profile.rules, build.trail); !applied) {
      build.rules_problem = applied.error().message;
    }
    build.bytes_before_budget = Print(build.tree).size();
    build.fits = ShrinkToBudget(build.tree, profile.max_sdp_bytes, build.trail);
    std::string text = origin.Finish(build.tree);
    build.bytes = text.size();
    said = audio ? ReadCodecs(build.tree.media[now.audio]) : std::vector<Codec>();
    said_video = video ? ReadVideoCodecs(build.tree.media[*now.video]) : std::vector<Codec>();
    return text;
  }
};

TrunkLeg::TrunkLeg(uint64_t session_id) : state_(std::make_unique<State>(session_id)) {}
TrunkLeg::TrunkLeg(const TrunkLegSnapshot& snapshot) : state_(std::make_unique<State>(snapshot)) {}
TrunkLeg::~TrunkLeg() = default;
TrunkLeg::TrunkLeg(TrunkLeg&&) noexcept = default;
TrunkLeg& TrunkLeg::operator=(TrunkLeg&&) noexcept = default;

std::string TrunkLeg::BuildOffer(const TrunkLocalMedia& local) {
  state_->pending.reset();
  Settled next = state_->settled;
  if (next.slots.empty()) {
    next.slots.push_back(
        {.kind = "audio", .protocol = std::string(kOwnProtocol), .format = "0", .mid = {}});
  }
  Slot& audio = next.slots[next.audio];
  const Srtp srtp = state_->profile.srtp;
  audio.protocol = ProtocolOffered(audio, srtp, !local.crypto.empty());
  std::optional<Said> said_video;
  next.video = IsWanted(local) ? SlotForVideo(next, *local.video) : std::nullopt;
  if (next.video) {
    Slot& video = next.slots[*next.video];
    video.protocol = ProtocolOffered(video, srtp, !local.video->crypto.empty());
    video.format = std::to_string(local.video->codecs.front().payload_type);
    said_video = Offered(*local.video, local.rtcp_mux);
  }
  Said said_audio = Offered(local, local.rtcp_mux);
  said_audio.xr = next.asked.xr;
  std::string offer = state_->Build(next, local, said_audio, said_video);
  state_->offered = {state_->said, local.crypto};
  state_->offered_video = {state_->said_video,
                           next.video ? local.video->crypto : std::vector<Crypto>()};
  state_->offered_rtcp_mux = local.rtcp_mux;
  state_->proposed = std::move(next);
  return offer;
}

Result<TrunkMedia, Refusal> TrunkLeg::TakeAnswer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  if (state_->offered.codecs.empty())
    return Refuse("there is no offer this could be the answer to");
  Settled next = state_->proposed.value_or(state_->settled);
  if (auto problem = CheckAnswerCount(next.slots.size(), description->media.size())) {
    return Refuse(*problem);
  }
  const MediaSection& section = description->media[next.audio];
  if (section.media().kind != "audio" || section.media().port == 0) {
    return RefuseAt(section.line(), 0, "the carrier's answer rejects the audio");
  }
  const TrunkReading reading{
      .answer = true, .srtp = state_->profile.srtp, .rtcp_mux = state_->offered_rtcp_mux};
  auto media = ReadTrunkAudio(*description, section, reading, state_->offered);
  if (!media) return media;
  media->codecs = KeepOffered(media->codecs, state_->offered.codecs);
  if (!AnyCarriesSpeech(media->codecs)) {
    return RefuseAt(section.line(), 0, "the answer keeps none of the codecs that were offered");
  }
  if (next.video) {
    media->video = ReadTrunkVideo(*description, description->media[*next.video], reading,
                                  state_->offered_video);
  }
  // Both have to agree to it.
  if (next.asked.xr.round_trip == RtcpXr::RoundTrip::kNone) media->xr.round_trip = {};
  state_->settled = std::move(next);
  state_->proposed.reset();
  return media;
}

Result<TrunkMedia, Refusal> TrunkLeg::TakeOffer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  const Settled& before = state_->settled;
  const size_t count = description->media.size();
  if (auto problem = CheckSlotCount(before.slots.size(), count)) return Refuse(*problem);
  const TrunkReading reading{.srtp = state_->profile.srtp,
                             .srtp_suites = state_->profile.srtp_suites,
                             .rtcp_mux = state_->profile.rtcp_mux};
  auto sections = ReadTrunkOffer(*description, reading,
                                 before.slots.empty() ? std::nullopt : std::optional(before.audio),
                                 before.video);
  if (!sections) return std::unexpected(sections.error());

  TrunkMedia& media = sections->media;
  Settled next;
  for (const MediaSection& section : description->media) {
    const MediaLine& line = section.media();
    next.slots.push_back({line.kind, line.protocol, line.formats.front(), {}});
  }
  next.audio = sections->audio;
  next.video = sections->video;
  next.asked = {media.direction, media.rtcp_mux, media.crypto,
                ReadPreconditions(description->media[next.audio]), media.xr};
  if (media.video) {
    next.asked_video = {media.video->direction, media.video->rtcp_mux, media.video->crypto,
                        ReadPreconditions(description->media[*next.video])};
  }
  media.resources = ResourcesOf(next);
  next.time = ReadTime(*description);
  state_->pending = std::move(next);
  state_->proposed.reset();
  return std::move(media);
}

std::string TrunkLeg::BuildAnswer(const TrunkLocalMedia& local) {
  if (state_->pending) state_->settled = std::move(*std::exchange(state_->pending, std::nullopt));
  const Settled& settled = state_->settled;
  LASTMILE_CHECK(!settled.slots.empty());
  if (settled.slots.empty()) return {};
  const auto audio = Answered(settled.slots[settled.audio], settled.asked, local, local);
  std::optional<Said> video;
  if (settled.video && IsWanted(local)) {
    video = Answered(settled.slots[*settled.video], settled.asked_video, *local.video, local);
  }
  return state_->Build(settled, local, audio, video);
}

void TrunkLeg::SetProfile(TrunkProfile profile) { state_->profile = std::move(profile); }

const TrunkBuild& TrunkLeg::last_build() const { return state_->build; }

const std::vector<Codec>& TrunkLeg::said() const { return state_->said; }

const std::vector<Codec>& TrunkLeg::said_video() const { return state_->said_video; }

bool TrunkLeg::is_settled() const { return !state_->settled.slots.empty(); }

TrunkLegSnapshot TrunkLeg::Snapshot() const {
  const Settled& settled = state_->settled;
  return {.origin = state_->origin.Snapshot(),
          .slots = settled.slots,
          .audio = settled.audio,
          .video = settled.video,
          .time = settled.time,
          .said = state_->said,
          .said_video = state_->said_video};
}

}  // namespace lastmile::sdp

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "sdp/browser_read.h"
#include "sdp/codecs.h"
#include "sdp/leg_common.h"
#include "sdp/model.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/rtcp_xr.h"

namespace lastmile::sdp {
namespace {

// What offer and answer have settled, or would settle if the pending offer is answered.
struct Settled {
  std::vector<Slot> slots;
  size_t audio = 0;             // index into slots
  std::optional<size_t> video;  // the same; none: no video in the last offer
  bool bundled = true;          // the audio's mid is in a BUNDLE group
  bool video_leads = false;     // in that group the video's mid comes first
  bool role_known = false;
  bool gateway_is_server = true;
  Direction offered = Direction::kSendRecv;        // by the browser
  Direction offered_video = Direction::kSendRecv;  // by the browser
  RtcpXr offered_xr = {};                          // by the browser
  std::vector<Fingerprint> fingerprints;           // the browser's, as what follows
  std::string ice_ufrag;
  std::string ice_pwd;
};

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

// RFC 8839 section 4.4.1.1.1: a restart changes both credentials, everything else changes neither.
std::optional<std::string> TakeCredentials(BrowserMedia& media, Settled& settled) {
  const bool first = settled.ice_ufrag.empty();
  const bool new_ufrag = settled.ice_ufrag != media.ice_ufrag;
  const bool new_pwd = settled.ice_pwd != media.ice_pwd;
  if (!first && new_ufrag != new_pwd) {
    return fmt::format("a=ice-{} is new and a=ice-{} is not: an ICE restart changes both",
                       new_ufrag ? "ufrag" : "pwd", new_ufrag ? "pwd" : "ufrag");
  }
  media.ice_restart = !first && new_ufrag;
  settled.ice_ufrag = media.ice_ufrag;
  settled.ice_pwd = media.ice_pwd;
  return std::nullopt;
}

bool Leads(const std::vector<std::string>& bundle, const std::string& one,
           const std::string& other) {
  return std::ranges::find(bundle, one) < std::ranges::find(bundle, other);
}

std::optional<std::string> TakeTransport(BrowserMedia& media, Settled& settled) {
  if (auto problem = TakeSetup(media.setup, media.fingerprints, settled)) return problem;
  return TakeCredentials(media, settled);
}

// The m-line that an offer of the gateway uses for video: the one in use, one that the session has
// from earlier, or a new one.
std::optional<size_t> SlotForVideo(Settled& settled) {
  if (!settled.bundled) return std::nullopt;
  if (settled.video) return settled.video;
  for (size_t i = 0; i < settled.slots.size(); ++i) {
    const Slot& slot = settled.slots[i];
    if (slot.kind == "video" && !slot.mid.empty() && IsDtlsSrtp(slot.protocol)) return i;
  }
  if (settled.slots.size() == kMaxMediaSections) return std::nullopt;
  const auto is_taken = [&](const std::string& mid) {
    return std::ranges::find(settled.slots, mid, &Slot::mid) != settled.slots.end();
  };
  size_t number = settled.slots.size();
  while (is_taken(std::to_string(number))) ++number;
  settled.slots.push_back({.kind = "video",
                           .protocol = std::string(kBrowserProtocol),
                           .format = "0",
                           .mid = std::to_string(number)});
  return settled.slots.size() - 1;
}

// --- writing ---

constexpr uint16_t kComponent = 1;

// RFC 8445 section 5.1.2.1.
uint32_t PriorityOf(uint32_t type_preference, uint32_t local_preference) {
  return type_preference << 24 | local_preference << 8 | (256u - kComponent);
}

uint32_t UdpPriority(size_t rank) {
  constexpr uint32_t kHost = 126;
  return PriorityOf(kHost, static_cast<uint32_t>(65535 - std::min<size_t>(rank, 65535)));
}

// RFC 6544 section 4.2, for media that would rather have UDP: below all that is UDP and not relayed
// (peer-reflexive 110, server-reflexive 100).
uint32_t TcpPriority(size_t rank) {
  constexpr uint32_t kHost = 90;
  constexpr uint32_t kPassive = 4;
  constexpr uint32_t kMaxOther = 8191;
  const auto other = static_cast<uint32_t>(kMaxOther - std::min<size_t>(rank, kMaxOther));
  return PriorityOf(kHost, kPassive << 13 | other);
}

void AddCandidate(std::vector<Line>& lines, size_t foundation, std::string transport,
                  uint32_t priority, const Endpoint& at, std::string extensions) {
  AddAttribute(lines, "candidate",
               ToValue(Candidate{.foundation = std::to_string(foundation),
                                 .component = kComponent,
                                 .transport = std::move(transport),
                                 .priority = priority,
                                 .address = at.address.ToString(),
                                 .ip = at.address,
                                 .port = at.port,
                                 .type = "host",
                                 .extensions = std::move(extensions)}));
}

void AddCandidates(std::vector<Line>& lines, const BrowserLocalMedia& local) {
  for (const Candidate& candidate : local.gathered) {
    AddAttribute(lines, "candidate", ToValue(candidate));
  }
  if (!local.gathered.empty()) return AddAttribute(lines, "end-of-candidates");
  size_t foundation = 0;
  for (size_t i = 0; i < local.candidates.size(); ++i) {
    AddCandidate(lines, ++foundation, "udp", UdpPriority(i), local.candidates[i], {});
  }
  for (size_t i = 0; i < local.tcp_candidates.size(); ++i) {
    AddCandidate(lines, ++foundation, "tcp", TcpPriority(i), local.tcp_candidates[i],
                 "tcptype passive");
  }
  AddAttribute(lines, "end-of-candidates");
}

// For who does no ICE (RFC 8445 section 5.1.4): of a full agent, what is most likely to be reached.
Endpoint DefaultOf(const BrowserLocalMedia& local) {
  for (const std::string_view type : {"relay", "srflx", "host"}) {
    const auto found = std::ranges::find(local.gathered, type, &Candidate::type);
    if (found != local.gathered.end() && found->ip) return {*found->ip, found->port};
  }
  return local.candidates.empty() ? Endpoint{} : local.candidates.front();
}

// What all sections of the bundle have in common.
MediaSection BuildSection(const Slot& slot, const BrowserLocalMedia& local,
                          const std::vector<Codec>& codecs, Direction direction, Setup setup) {
  const Endpoint first = DefaultOf(local);
  MediaSection section({.kind = slot.kind,
                        .port = first.port,
                        .protocol = slot.protocol,
                        .formats = FormatsOf(codecs)});
  auto& lines = section.lines;
  AddLine(lines, 'c', ToConnectionValue(first.address));
  if (!slot.mid.empty()) AddAttribute(lines, "mid", slot.mid);
  AddAttribute(lines, NameOf(direction));
  AddAttribute(lines, "rtcp-mux");
  AddAttribute(lines, "ice-ufrag", local.ice_ufrag);
  AddAttribute(lines, "ice-pwd", local.ice_pwd);
  AddAttribute(lines, "fingerprint", ToValue(local.fingerprint));
  AddAttribute(lines, "setup", NameOf(setup));
  return section;
}

MediaSection BuildAudio(const Slot& slot, const BrowserLocalMedia& local, Direction direction,
                        Setup setup, const RtcpXr& xr) {
  MediaSection section = BuildSection(slot, local, local.codecs, direction, setup);
  AddCandidates(section.lines, local);
  AddRtcpXr(section.lines, xr);
  AddCodecs(section.lines, local.codecs);
  AddPacketTimes(section.lines, local.ptime, local.maxptime);
  return section;
}

MediaSection BuildVideo(const Slot& slot, const BrowserLocalMedia& local, Direction direction,
                        Setup setup) {
  MediaSection section = BuildSection(slot, local, local.video->codecs, direction, setup);
  AddCodecs(section.lines, local.video->codecs, HasFeedback(slot.protocol));
  return section;
}

MediaSection BuildRejected(const Slot& slot) {
  MediaSection section(RejectedMedia(slot));
  AddLine(section.lines, 'c', ToConnectionValue(IpAddress()));
  AddAttribute(section.lines, NameOf(Direction::kInactive));
  if (!slot.mid.empty()) AddAttribute(section.lines, "mid", slot.mid);
  return section;
}

bool IsWanted(const BrowserLocalMedia& local) {
  return local.video && !local.video->codecs.empty();
}

// What is said of the sections in use.
struct Wish {
  Direction audio = Direction::kSendRecv;
  Direction video = Direction::kSendRecv;
  Setup setup = Setup::kActpass;
};

std::string Build(Origin& origin, const Settled& settled, const BrowserLocalMedia& local,
                  const Wish& wish) {
  SessionDescription description;
  origin.Start(description, IpAddress());  // RFC 8829 section 5.2.1: 0.0.0.0 tells nothing
  AddLine(description.session, 't', "0 0");
  const Slot& audio = settled.slots[settled.audio];
  const Slot* video = settled.video && IsWanted(local) ? &settled.slots[*settled.video] : nullptr;
  if (settled.bundled) {
    std::string group = audio.mid;
    if (video) group = settled.video_leads ? video->mid + ' ' + group : group + ' ' + video->mid;
    AddAttribute(description.session, "group", "BUNDLE " + group);
  }
  if (local.gathered.empty()) AddAttribute(description.session, "ice-lite");
  for (const Slot& slot : settled.slots) {
    description.media.push_back(
        &slot == &audio  ? BuildAudio(slot, local, wish.audio, wish.setup, settled.offered_xr)
        : &slot == video ? BuildVideo(slot, local, wish.video, wish.setup)
                         : BuildRejected(slot));
  }
  return origin.Finish(description);
}

}  // namespace

struct BrowserLeg::State {
  // RFC 8829 section 5.2.1: the top bit of the session id is zero.
  explicit State(uint64_t session_id) : origin(session_id & INT64_MAX) {}
  explicit State(const BrowserLegSnapshot& snapshot) : origin(snapshot.origin) {
    settled.slots = snapshot.slots;
    settled.audio = snapshot.audio;
    settled.video = snapshot.video;
    settled.bundled = snapshot.bundled;
    settled.video_leads = snapshot.video_leads;
    settled.role_known = snapshot.role_known;
    settled.gateway_is_server = snapshot.gateway_is_server;
    settled.fingerprints = snapshot.fingerprints;
    settled.ice_ufrag = snapshot.ice_ufrag;
    settled.ice_pwd = snapshot.ice_pwd;
  }

  Origin origin;
  Settled settled;
  // An offer that is not answered yet leaves the session as it is (RFC 3264 section 8): the last
  // one of the browser, or of the gateway.
  std::optional<Settled> pending;
  std::optional<Settled> proposed;
  std::vector<Codec> offered;        // by the gateway
  std::vector<Codec> offered_video;  // the same; empty: no video
};

BrowserLeg::BrowserLeg(uint64_t session_id) : state_(std::make_unique<State>(session_id)) {}
BrowserLeg::BrowserLeg(const BrowserLegSnapshot& snapshot)
    : state_(std::make_unique<State>(snapshot)) {}
BrowserLeg::~BrowserLeg() = default;
BrowserLeg::BrowserLeg(BrowserLeg&&) noexcept = default;
BrowserLeg& BrowserLeg::operator=(BrowserLeg&&) noexcept = default;

Result<BrowserMedia, Refusal> BrowserLeg::TakeOffer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  const Settled& before = state_->settled;
  const size_t count = description->media.size();
  if (auto problem = CheckSlotCount(before.slots.size(), count)) return Refuse(*problem);
  auto slots = ReadBrowserSlots(*description);
  if (!slots) return std::unexpected(slots.error());
  auto sections = ReadBrowserOffer(
      *description, before.slots.empty() ? std::nullopt : std::optional(before.audio),
      before.video);
  if (!sections) return std::unexpected(sections.error());

  BrowserMedia& media = sections->media;
  Settled next = before;
  next.slots = std::move(*slots);
  next.audio = sections->audio;
  next.video = sections->video;
  next.bundled = !sections->bundle.empty();
  next.video_leads = next.video && Leads(sections->bundle, next.slots[*next.video].mid,
                                         next.slots[next.audio].mid);
  next.offered = media.direction;
  next.offered_xr = media.xr;
  if (media.video) next.offered_video = media.video->direction;
  if (auto problem = TakeTransport(media, next)) {
    return RefuseAt(description->media[next.audio].line(), 0, *problem);
  }
  state_->pending = std::move(next);
  state_->proposed.reset();
  return std::move(media);
}

std::string BrowserLeg::BuildAnswer(const BrowserLocalMedia& local) {
  if (state_->pending) state_->settled = std::move(*std::exchange(state_->pending, std::nullopt));
  const Settled& settled = state_->settled;
  LASTMILE_CHECK(!settled.slots.empty());
  if (settled.slots.empty()) return {};
  const Direction video = local.video ? local.video->direction : Direction::kInactive;
  return Build(state_->origin, settled, local,
               {.audio = AnswerDirection(settled.offered, local.direction),
                .video = AnswerDirection(settled.offered_video, video),
                .setup = settled.gateway_is_server ? Setup::kPassive : Setup::kActive});
}

std::string BrowserLeg::BuildOffer(const BrowserLocalMedia& local) {
  state_->pending.reset();
  Settled next = state_->settled;
  if (next.slots.empty()) {
    next.slots.push_back(
        {.kind = "audio", .protocol = std::string(kBrowserProtocol), .format = "0", .mid = "0"});
  }
  next.video = IsWanted(local) ? SlotForVideo(next) : std::nullopt;
  state_->offered = local.codecs;
  state_->offered_video = next.video ? local.video->codecs : std::vector<Codec>();
  if (next.video) {
    next.slots[*next.video].format = std::to_string(local.video->codecs.front().payload_type);
  }
  std::string offer = Build(state_->origin, next, local,
                            {.audio = local.direction,
                             .video = next.video ? local.video->direction : Direction::kInactive,
                             .setup = Setup::kActpass});
  state_->proposed = std::move(next);
  return offer;
}

Result<BrowserMedia, Refusal> BrowserLeg::TakeAnswer(std::string_view text) {
  auto description = ParseOrRefuse(text);
  if (!description) return std::unexpected(description.error());
  if (state_->offered.empty()) return Refuse("there is no offer this could be the answer to");
  Settled next = state_->proposed.value_or(state_->settled);
  if (auto problem = CheckAnswerCount(next.slots.size(), description->media.size())) {
    return Refuse(*problem);
  }
  auto sections = ReadBrowserAnswer(*description, next.audio, next.video);
  if (!sections) return std::unexpected(sections.error());
  BrowserMedia& media = sections->media;
  const Line& line = description->media[next.audio].line();
  media.codecs = KeepOffered(media.codecs, state_->offered);
  if (!AnyCarriesSpeech(media.codecs)) {
    return RefuseAt(line, 0, "the answer keeps none of the codecs that were offered");
  }
  if (media.video) media.video->codecs = KeepOffered(media.video->codecs, state_->offered_video);
  if (media.video && media.video->codecs.empty()) media.video.reset();
  if (auto problem = TakeTransport(media, next)) return RefuseAt(line, 0, *problem);
  // Both have to agree to it.
  if (next.offered_xr.round_trip == RtcpXr::RoundTrip::kNone) media.xr.round_trip = {};
  state_->settled = std::move(next);
  state_->proposed.reset();
  return std::move(media);
}

bool BrowserLeg::gateway_is_dtls_server() const {
  return (state_->pending ? *state_->pending : state_->settled).gateway_is_server;
}

BrowserLegSnapshot BrowserLeg::Snapshot() const {
  const Settled& settled = state_->settled;
  return {.origin = state_->origin.Snapshot(),
          .slots = settled.slots,
          .audio = settled.audio,
          .video = settled.video,
          .bundled = settled.bundled,
          .video_leads = settled.video_leads,
          .role_known = settled.role_known,
          .gateway_is_server = settled.gateway_is_server,
          .fingerprints = settled.fingerprints,
          .ice_ufrag = settled.ice_ufrag,
          .ice_pwd = settled.ice_pwd};
}

}  // namespace lastmile::sdp

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/call/bridge.h"
#include "gateway/call/codec_plan.h"
#include "gateway/call/media_plan.h"
#include "gateway/call/reasons.h"

// What the two parties of a bridge offer and answer, and the digits they press. Each offer is
// answered on its own leg, from the anchor; only a hold is passed on.
namespace lastmile::call {

// --- what is said to them ---

std::vector<sdp::Codec> Bridge::AudioFor(Party party) const {
  const TrunkHalf& half = At(party).half;
  const std::vector<sdp::Codec>& others = At(Other(party)).half.media.codecs;
  return party == Party::kCaller ? ToldBrowser(half.media.codecs, others, transcode())
                                 : ToldTrunk(half.media.codecs, others, half.policy, transcode());
}

bool Bridge::HaveAudio() const { return FirstSpeech(AudioFor(Party::kCaller)) != nullptr; }

sdp::TrunkLocalMedia Bridge::LocalFor(Party party) const {
  const Side& side = At(party);
  const TrunkHalf& other = At(Other(party)).half;
  sdp::TrunkLocalMedia local =
      ToTrunkLocal(ReachedBy(side.half.policy, {.rtp = side.ports.rtp, .rtcp = side.ports.rtcp}),
                   side.half.keys);
  local.codecs = AudioFor(party);
  local.ptime = other.media.ptime;
  local.maxptime = other.media.maxptime;
  local.direction = side.half.told;
  local.rtcp_mux = side.half.policy.sdp.rtcp_mux;
  return local;
}

// One offer at a time: what is wanted meanwhile is said in the next one.
void Bridge::OfferTo(Party party, Outputs& out) {
  Side& side = At(party);
  if (!side.half.leg) return;
  side.offer_waits = side.half.unanswered > 0 || side.offer_again != kNever;
  if (side.offer_waits) return;
  ++side.half.unanswered;
  out.push_back(SendOffer{party, side.half.leg->BuildOffer(LocalFor(party))});
}

void Bridge::OnRefreshDue(Party party, Outputs& out) {
  if (state_ == BridgeState::kBridged || state_ == BridgeState::kCalling) OfferTo(party, out);
}

std::vector<media::PayloadMapping> Bridge::Payloads() const {
  const TrunkHalf& first = sides_[0].half;
  const TrunkHalf& second = sides_[1].half;
  std::vector<media::PayloadMapping> payloads;
  if (!first.leg || !second.leg) return payloads;
  AddAudioPayloads({first.media.codecs, second.media.codecs, second.leg->said(), first.media.ptime,
                    second.media.ptime},
                   transcode(), payloads);
  NumberAsFirstSends(first.media.codecs, first.leg->said(), payloads);
  return payloads;
}

// `moved`: who said something new of where it takes media.
void Bridge::UpdateMedia(std::optional<Party> moved, Outputs& out) {
  media::UpdateBridge update{.session = session_, .payloads = Payloads()};
  if (moved && !At(*moved).half.media.held) {
    const TrunkHalf& half = At(*moved).half;
    spdlog::info("call={} leg=trunk the {} party: {}", id_.value,
                 *moved == Party::kCaller ? "first" : "second", NameOfTransport(half.media));
    (*moved == Party::kCaller ? update.first : update.second) =
        ToTrunkRemote(half.media, half.policy.nat, half.keys);
  }
  out.push_back(media::MediaCommand{std::move(update)});
}

// --- what they say ---

void Bridge::OnReoffer(const Reoffered& reoffer, TimePoint, Outputs& out) {
  Side& side = At(reoffer.party);
  AnswerReoffer answer{.party = reoffer.party, .request = reoffer.request, .status = 200};
  const bool early = reoffer.party == Party::kCallee && state_ == BridgeState::kCalling;
  if (reoffer.prack) {
    answer.status = 488;
    answer.warning = "no offer of the gateway waits for an answer";
  } else if (state_ == BridgeState::kOpeningMedia || !side.half.leg) {
    answer.status = 500;
    answer.warning = "the call is being transferred";
  } else if (side.half.owes_answer || (early && second_sdp_.empty())) {
    answer.status = 491;
    answer.warning = "an offer of the gateway has no answer yet";
  } else if (reoffer.sdp.empty()) {
    side.half.owes_answer = true;
    answer.sdp = side.half.leg->BuildOffer(LocalFor(reoffer.party));
  } else if (const auto refusal = TakeOffer(reoffer.party, reoffer.sdp, answer.sdp, out)) {
    answer.status = refusal->sip_status;
    answer.warning = refusal->reason;
  }
  const bool taken = answer.status == 200 && !reoffer.sdp.empty();
  out.push_back(std::move(answer));
  if (!taken) return;
  second_updated_ |= early;
  if (state_ == BridgeState::kBridged) PassHoldOn(reoffer.party, out);
}

// False: it does not, and everything is as it was.
bool Bridge::TakeIfAudioPasses(TrunkHalf& half, sdp::TrunkMedia& media) {
  std::swap(half.media, media);
  if (HaveAudio()) return true;
  std::swap(half.media, media);
  return false;
}

std::optional<sdp::Refusal> Bridge::TakeOffer(Party party, const std::string& sdp,
                                              std::string& answer, Outputs& out) {
  TrunkHalf& half = At(party).half;
  auto media = half.leg->TakeOffer(sdp);
  if (!media) return media.error();
  KeepEventsIf(half.policy.dtmf == DtmfMode::kRfc4733, media->codecs);
  if (!TakeIfAudioPasses(half, *media)) {
    return sdp::Refusal{.reason = "the new offer has none of the call's codecs: " +
                                  CodecNames(media->codecs)};
  }
  sdp::TrunkLocalMedia local = LocalFor(party);
  local.direction = sdp::AnswerDirection(half.media.direction, half.told);
  local.rtcp_mux = half.media.rtcp_mux;
  answer = half.leg->BuildAnswer(local);
  At(party).joined = true;
  UpdateMedia(party, out);
  return std::nullopt;
}

std::optional<sdp::Refusal> Bridge::TakeAnswer(Party party, const std::string& sdp, Outputs& out) {
  TrunkHalf& half = At(party).half;
  auto media = half.leg->TakeAnswer(sdp);
  if (!media) return media.error();
  KeepEventsIf(half.policy.dtmf == DtmfMode::kRfc4733, media->codecs);
  if (!TakeIfAudioPasses(half, *media)) {
    return sdp::Refusal{.reason = "the two parties have no codec in common: " +
                                  CodecNames(media->codecs)};
  }
  UpdateMedia(party, out);
  return std::nullopt;
}

void Bridge::OnAcked(Party party, const std::string& sdp, TimePoint now, Outputs& out) {
  if (!At(party).half.leg || !std::exchange(At(party).half.owes_answer, false)) return;
  if (sdp.empty()) {
    return OnUnusableAnswer(party, "the answer to the gateway's offer is missing", now, out);
  }
  if (const auto refusal = TakeAnswer(party, sdp, out)) {
    return OnUnusableAnswer(party, refusal->reason, now, out);
  }
  if (state_ == BridgeState::kBridged) PassHoldOn(party, out);
}

void Bridge::OnOfferAnswered(const OfferAnswered& answered, TimePoint now, Outputs& out) {
  Side& side = At(answered.party);
  if (!side.half.leg || side.half.unanswered == 0) return;
  --side.half.unanswered;
  if (answered.status == 408 || answered.status == 481) {
    // RFC 3261 section 12.2.1.2. Our side of it ends with a BYE all the same.
    return End(answered.status, fmt::format("a re-INVITE was answered {}", answered.status),
               std::nullopt, now, out);
  }
  // Of an offer that its call made before it let go of the leg, the refusal is nothing to us.
  const bool stale = side.offer_waits && !side.joined;
  if (answered.status == 491) {
    side.offer_again = now + Call::OfferAgain(id_);
  } else if (answered.status >= 300) {
    if (!stale) {
      OnUnusableAnswer(answered.party, fmt::format("a re-INVITE was answered {}", answered.status),
                       now, out);
    }
  } else if (const auto refusal = TakeAnswer(answered.party, answered.sdp, out)) {
    OnUnusableAnswer(answered.party, refusal->reason, now, out);
  } else {
    side.joined |= !stale;
  }
  if (side.offer_waits && state_ != BridgeState::kClosing) OfferTo(answered.party, out);
}

// Who knows nothing of the bridge's ports yet hears nobody; else the session goes on as it was (RFC
// 3261 section 14.1).
void Bridge::OnUnusableAnswer(Party party, const std::string& why, TimePoint now, Outputs& out) {
  if (!At(party).joined) return End(488, why, std::nullopt, now, out);
  spdlog::warn("call={} leg=trunk {}", id_.value, why);
}

void Bridge::PassHoldOn(Party from, Outputs& out) {
  const TrunkHalf& half = At(from).half;
  const sdp::Direction wanted = WishOf(half.media.direction, half.media.held, half.told);
  sdp::Direction& told = At(Other(from)).half.told;
  if (told == wanted) return;
  told = wanted;
  OfferTo(Other(from), out);
}

// --- digits ---

void Bridge::OnInfo(const InfoReceived& info, TimePoint now, Outputs& out) {
  if (state_ == BridgeState::kEnded) return;
  const std::string_view why_not =
      state_ == BridgeState::kBridged ? "" : "the call is being transferred";
  const bool is_over = state_ == BridgeState::kClosing;
  auto [answer, digit] = TakeInfo(info, is_over, why_not, At(info.party).digits, now);
  out.push_back(std::move(answer));
  if (digit) PassDigitOn(info.party, *digit, out);
}

void Bridge::OnDigitHeard(const DigitHeard& heard, TimePoint now, Outputs& out) {
  const Party from = heard.from_browser ? Party::kCaller : Party::kCallee;
  const Digit digit{heard.event, kUsualDigit};
  if (state_ != BridgeState::kBridged || heard.event > media::kFlash) return;
  if (At(from).digits.Take(digit, now)) return PassDigitOn(from, digit, out);
  spdlog::warn("call={} a digit of the {} party is dropped: too many wait", id_.value,
               from == Party::kCaller ? "first" : "second");
}

// As a call does it: as an event, where there is none as INFO or tones (DtmfMode).
void Bridge::PassDigitOn(Party from, const Digit& digit, Outputs& out) {
  const Party to = Other(from);
  const TrunkHalf& half = At(to).half;
  const bool events = std::ranges::any_of(half.media.codecs, &sdp::Codec::is_telephone_event);
  const bool g711 = HasG711(
      Payloads(), to == Party::kCaller ? media::MediaLeg::kBrowser : media::MediaLeg::kTrunk);
  const bool by_info =
      !events && (half.policy.dtmf == DtmfMode::kInfo || !g711 || digit.event == media::kFlash);
  if (by_info) {
    out.push_back(SendInfo{to, kDtmfRelay, ToDtmfRelay(digit)});
    return;
  }
  out.push_back(media::MediaCommand{media::SendDigit{.session = session_,
                                                     .event = digit.event,
                                                     .duration = digit.duration,
                                                     .tones = !events,
                                                     .to_first = to == Party::kCaller}});
}

}  // namespace lastmile::call

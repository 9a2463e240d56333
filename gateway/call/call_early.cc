#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/call/call.h"
#include "gateway/call/codec_plan.h"
#include "gateway/call/media_plan.h"
#include "gateway/call/reasons.h"

// The time before the conversation, and offers that come late (RFC 3261 section 13.2.1, RFC 3262
// section 5, RFC 3311): whoever sends an INVITE without one is offered what the gateway carries.
namespace lastmile::call {
namespace {

bool Has(const std::vector<sdp::Codec>& codecs, const sdp::Codec& wanted) {
  return std::ranges::any_of(codecs,
                             [&](const sdp::Codec& codec) { return codec.SameFormat(wanted); });
}

}  // namespace

void Call::OfferBoth(Outputs& out) {
  late_ = true;
  trunk_.codecs = browser_.codecs = sdp::CodecsOfPolicy(settings_.trunk.codecs);
  out.push_back(media::MediaCommand{media::OpenSession{.session = session_}});
}

// For the caller whose INVITE had none, now that the callee has answered.
std::string Call::LateOffer() {
  if (caller_has_sdp_) return "";  // it had it in a reliable 18x
  return OfferFor(Party::kCaller);
}

// RFC 3261 section 13.2.1: the offer is in the first reliable response, whatever that is.
std::string Call::OfferInProgress() {
  if (!late_ || !reliable_ || caller_has_sdp_) return "";
  caller_has_sdp_ = true;
  owes_answer_ = Party::kCaller;
  return OfferFor(Party::kCaller);
}

void Call::HoldProgress(int status, TimePoint now) {
  if (progress_at_ == kNever) progress_at_ = now + kMergeProgress;
  held_progress_ = status;
}

// Also where the callee has no early media: ICE and DTLS are then done while it rings, and nothing
// of its first word is lost.
void Call::SendHeldProgress(TimePoint now, Outputs& out) {
  if (now < progress_at_) return;
  progress_at_ = kNever;
  caller_has_sdp_ = true;
  if (answer_.empty()) told_ahead_ = WhatTheBrowserSends();
  RespondToCaller({.status = held_progress_, .sdp = told_ahead_ ? AnswerForBrowser() : answer_},
                  out);
}

void Call::AnswerBy(const Reoffered& reoffer, int status, std::string warning, Outputs& out) {
  out.push_back(AnswerReoffer{.party = reoffer.party,
                              .request = reoffer.request,
                              .status = status,
                              .warning = std::move(warning)});
}

// RFC 3312 section 6: nobody is rung before the caller could talk to him. It is answered with what
// the browser will be offered; what the browser leaves out of that is told afterwards.
void Call::AwaitResources(TimePoint now, Outputs& out) {
  answered_ahead_ = true;
  caller_has_sdp_ = true;
  last_progress_ = 183;
  RespondToCaller({.status = 183, .sdp = AnswerForTrunk()}, out);
  SetState(CallState::kReserving, "the caller still reserves its resources", now);
}

// A carrier that is called brings them up by itself, and so knows them; one that calls can hear of
// them early only where its 18x are acknowledged.
bool Call::AnswersResources() const { return reliable_ || !IsBrowser(Party::kCallee); }

std::optional<sdp::Refusal> Call::CheckResources(const sdp::TrunkMedia& media) const {
  if (media.resources.impossible.empty() || !AnswersResources()) return std::nullopt;
  return sdp::Refusal{.sip_status = 580, .reason = media.resources.impossible};
}

// UPDATE before the 2xx (RFC 3311 section 5.2), or PRACK of an 18x that had the answer (RFC 3262
// section 5). The trunk's is answered from the anchor; the browser hears of it with the 200 (J13).
void Call::OnEarlyOffer(const Reoffered& reoffer, TimePoint now, Outputs& out) {
  if (reoffer.prack && !answered_ahead_) return OnPrackAnswer(reoffer, now, out);
  const bool by_caller = reoffer.party == Party::kCaller;
  const bool caller_answered = answered_ahead_ || (late_ && caller_has_sdp_ && !owes_answer_);
  if (IsBrowser(reoffer.party) || (by_caller && !caller_answered)) {
    return AnswerBy(reoffer, 500, "the offer before this one has no answer yet", out);
  }
  if (!by_caller && answer_.empty()) {
    return AnswerBy(reoffer, 491, "the gateway's offer has no answer yet", out);
  }
  AnswerReoffer answer{.party = reoffer.party, .request = reoffer.request, .status = 200};
  if (auto refusal = ReofferByTrunk(reoffer, answer.sdp, out)) {
    return AnswerBy(reoffer, refusal->sip_status, refusal->reason, out);
  }
  out.push_back(std::move(answer));
  if (by_caller) return;
  callee_updated_ = true;
  answer_ = late_ ? LateOffer() : AnswerForBrowser();
}

void Call::OnPrackAnswer(const Reoffered& reoffer, TimePoint now, Outputs& out) {
  if (owes_answer_ != reoffer.party) {
    return AnswerBy(reoffer, 488, "no offer of the gateway waits for an answer", out);
  }
  const auto refusal = TakeLateAnswer(reoffer.party, reoffer.sdp, out);
  if (!refusal) return AnswerBy(reoffer, 200, "", out);
  AnswerBy(reoffer, 488, refusal->reason, out);
  End({.caller_status = 488,
       .reason_header = SipReason(488, refusal->reason),
       .warning = refusal->reason},
      refusal->reason, now, out);
}

void Call::OnAcked(Party party, const std::string& sdp, TimePoint now, Outputs& out) {
  const bool first = party == Party::kCaller && state_ == CallState::kAnswered;
  const bool answered = owes_answer_ == party;
  const std::vector<sdp::Codec> carried = AudioForBrowser();
  if (answered) {
    const auto refusal = TakeLateAnswer(party, sdp, out);
    const bool replaced = party == TrunkParty() && !trunk_leg_.is_settled();
    if (refusal && (first || replaced)) {
      // The leg never came to a session.
      return End({.reason_header = SipReason(488, refusal->reason)}, refusal->reason, now, out);
    }
    if (refusal) {
      spdlog::warn("call={} the answer in an ACK is not usable, the session stays as it was: {}",
                   id_.value, refusal->reason);
      return;
    }
  }
  const bool unasked = first && (late_ || answered_ahead_);
  if (const auto refusal = unasked ? NothingInCommon() : std::nullopt) {
    return End({.reason_header = SipReason(488, refusal->reason)}, refusal->reason, now, out);
  }
  if (first) SetState(CallState::kConnected, "acknowledged", now);
  if (state_ != CallState::kConnected) return;
  if (first && answered_ahead_) TakeBackWhatIsNotCarried(out);
  const size_t before = out.size();
  if (answered && !first) PassHoldOn(party, out);
  // JsSIP takes no re-INVITE before its ACK (J13): a hold of the carrier had to wait for it.
  if (first) PassHoldOn(TrunkParty(), out);
  if (out.size() != before) return;  // that offer says all there is to say
  if (first && late_) {
    TellWhatIsCarried(party, IsBrowser(party) ? trunk_.codecs : browser_.codecs, out);
  } else if (answered) {
    TellWhatIsCarried(party, carried, out);
  } else if (first && told_ahead_ && *told_ahead_ != WhatTheBrowserSends()) {
    // JsSIP takes the answer of the 200 for the last word, other clients that of the 18x.
    OfferTo(BrowserParty(), out);
  }
}

std::optional<sdp::Refusal> Call::TakeLateAnswer(Party party, const std::string& sdp,
                                                 Outputs& out) {
  owes_answer_.reset();
  if (sdp.empty()) {
    return sdp::Refusal{.sip_status = 488,
                        .reason = "the answer to the gateway's offer is missing"};
  }
  summary_.sdp.answer_in = summary_.sdp.answer_in == 0 ? sdp.size() : summary_.sdp.answer_in;
  if (auto refusal = TakeAnswerToReoffer({.party = party, .status = 200, .sdp = sdp}, out)) {
    return refusal;
  }
  return NothingInCommon();
}

std::optional<sdp::Refusal> Call::NothingInCommon() const {
  if (FirstSpeech(AudioForTrunk())) return std::nullopt;
  return sdp::Refusal{.sip_status = 488,
                      .reason = "the parties' answers have no codec in common: " +
                                CodecNames(trunk_.codecs) + " and " + CodecNames(browser_.codecs)};
}

// From a caller that was answered ahead of its callee.
void Call::TakeBackWhatIsNotCarried(Outputs& out) {
  if (!trunk_leg_.said_video().empty() && !CarriesVideo()) return OfferTo(Party::kCaller, out);
  TellWhatIsCarried(Party::kCallee, trunk_leg_.said(), out);
}

// `told`: the codecs the other party knew of before this one answered. If the answer leaves out the
// one it sends with, it is offered what is left.
void Call::TellWhatIsCarried(Party answered, const std::vector<sdp::Codec>& told, Outputs& out) {
  if (IsTranscoded(browser_.codecs, trunk_.codecs, settings_.trunk.transcode)) return;
  const bool by_browser = IsBrowser(answered);
  const sdp::Codec* sent = FirstSpeech(told);
  if (sent && Has(by_browser ? browser_.codecs : trunk_.codecs, *sent)) return;
  OfferTo(Other(answered), out);
}

}  // namespace lastmile::call

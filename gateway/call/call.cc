#include "gateway/call/call.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/call/budget_log.h"
#include "gateway/call/media_plan.h"
#include "gateway/call/media_quality.h"
#include "gateway/call/reasons.h"

namespace lastmile::call {

std::string_view ToString(CallState state) {
  switch (state) {
    case CallState::kIdle:
      return "idle";
    case CallState::kOpeningMedia:
      return "opening-media";
    case CallState::kReserving:
      return "reserving";
    case CallState::kCalling:
      return "calling";
    case CallState::kAnswered:
      return "answered";
    case CallState::kConnected:
      return "connected";
    case CallState::kClosing:
      return "closing";
    case CallState::kEnded:
      return "ended";
  }
  return "";
}

std::string_view ToString(CallDirection direction) {
  switch (direction) {
    case CallDirection::kFromBrowser:
      return "from-browser";
    case CallDirection::kFromTrunk:
      return "from-trunk";
    case CallDirection::kBetweenTrunks:
      return "between-trunks";
  }
  return "";
}

Call::Call(CallId id, media::SessionId session, CallSettings settings)
    : id_(id),
      session_(session),
      settings_(std::move(settings)),
      browser_leg_(settings_.sdp_session_id),
      trunk_leg_(settings_.sdp_session_id + 1) {
  trunk_leg_.SetProfile(ProfileFor(settings_));
}

sdp::TrunkProfile Call::ProfileFor(const CallSettings& settings) {
  const bool placed = settings.direction == CallDirection::kFromBrowser;
  return placed ? ProfileWithin(settings.trunk, settings.invite_head_bytes) : settings.trunk.sdp;
}

void Call::On(const CallInput& input, TimePoint now, std::vector<CallOutput>& out) {
  if (const auto* info = std::get_if<InfoReceived>(&input)) return OnInfo(*info, now, out);
  if (const auto* heard = std::get_if<DigitHeard>(&input)) return OnDigitHeard(*heard, now, out);
  if (OnTransferInput(input, now, out)) return;
  switch (state_) {
    case CallState::kIdle:
      return OnIdle(input, now, out);
    case CallState::kOpeningMedia:
      return OnOpeningMedia(input, now, out);
    case CallState::kReserving:
      return OnReserving(input, now, out);
    case CallState::kCalling:
      return OnCalling(input, now, out);
    case CallState::kAnswered:
    case CallState::kConnected:
      return OnAnsweredOrConnected(input, now, out);
    case CallState::kClosing:
      return OnClosing(input, now, out);
    case CallState::kEnded:
      return;
  }
}

void Call::OnTimer(TimePoint now, std::vector<CallOutput>& out) {
  SendHeldProgress(now, out);
  if (now >= trunk_offer_again_) {
    trunk_offer_again_ = kNever;
    if (state_ == CallState::kConnected) OfferTo(TrunkParty(), out);
  }
  if (now >= silent_until_) {
    End({.caller_status = 480, .reason_header = SipReason(408, silent_reason_)}, silent_reason_,
        now, out);
  }
  if (now < deadline_) return;
  deadline_ = kNever;
  if (state_ == CallState::kOpeningMedia) {
    End({.warning = "the media relay did not answer in time"}, "media timeout", now, out);
  } else if (state_ == CallState::kReserving) {
    constexpr std::string_view kWhy = "the caller's resources were not reserved in time";
    End({.caller_status = 580, .warning = std::string(kWhy)}, kWhy, now, out);
  } else if (state_ == CallState::kClosing) {
    spdlog::error("call={} the media relay never closed the session", id_.value);
    SetState(CallState::kEnded, "gave up on media", now);
    out.push_back(Ended{});
  }
}

void Call::SetState(CallState next, std::string_view reason, TimePoint now) {
  spdlog::info("call={} {} -> {}: {}", id_.value, ToString(state_), ToString(next), reason);
  state_ = next;
  progress_at_ = kNever;
  switch (next) {
    case CallState::kOpeningMedia:
      deadline_ = now + kMediaOpenTimeout;
      break;
    case CallState::kReserving:
      deadline_ = now + kReserveTimeout;
      break;
    case CallState::kClosing:
      deadline_ = now + kMediaCloseTimeout;
      silent_until_ = kNever;
      break;
    case CallState::kIdle:
    case CallState::kCalling:
    case CallState::kAnswered:
    case CallState::kConnected:
    case CallState::kEnded:
      deadline_ = kNever;
      break;
  }
}

bool Call::IsBrowser(Party party) const {
  return (party == Party::kCaller) == (settings_.direction == CallDirection::kFromBrowser);
}

int Call::StatusForCaller(int callee_status) const {
  return IsBrowser(Party::kCaller) ? StatusForBrowser(callee_status)
                                   : StatusForTrunk(callee_status);
}

// --- one handler a state ---

void Call::OnIdle(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* invited = std::get_if<Invited>(&input)) {
    reliable_ = invited->reliable;
    if (auto refusal = TakeCallerOffer(invited->offer, out)) {
      RespondToCaller({.status = refusal->sip_status, .warning = refusal->reason}, out);
      summary_.reason = refusal->reason;
      SetState(CallState::kEnded, refusal->reason, now);
      out.push_back(Ended{});
      return;
    }
    SetState(CallState::kOpeningMedia, "offer accepted", now);
  } else if (const auto* shut_down = std::get_if<ShutDown>(&input)) {
    summary_.reason = shut_down->reason;
    SetState(CallState::kEnded, shut_down->reason, now);
    out.push_back(Ended{});
  }
}

void Call::OnOpeningMedia(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* ready = std::get_if<MediaOpened>(&input)) {
    browser_local_ = ready->opened.browser;
    trunk_local_ = ready->opened.trunk;
    if (trunk_.resources.pending && reliable_) return AwaitResources(now, out);
    PlaceCall("media open", now, out);
  } else if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
    AnswerBy(*reoffer, 500, "the offer before this one has no answer yet", out);
  } else {
    OnEndBeforeCallee(input, now, out);
  }
}

void Call::OnReserving(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
    OnEarlyOffer(*reoffer, now, out);
    if (!trunk_.resources.pending) PlaceCall("the caller has its resources", now, out);
  } else {
    OnEndBeforeCallee(input, now, out);
  }
}

// What ends a call whose callee has heard nothing of it.
void Call::OnEndBeforeCallee(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* failed = std::get_if<MediaFailed>(&input)) {
    End({.warning = failed->reason}, failed->reason, now, out);
  } else if (const auto* cancelled = std::get_if<CallerCancelled>(&input)) {
    End({.reason_header = cancelled->reason_header, .gone = Party::kCaller},
        "cancelled by the caller", now, out);
  } else if (const auto* hung_up = std::get_if<HungUp>(&input)) {
    End({.reason_header = hung_up->reason_header, .gone = Party::kCaller},
        "hung up before the answer", now, out);
  } else if (const auto* shut_down = std::get_if<ShutDown>(&input)) {
    End({.warning = shut_down->reason}, shut_down->reason, now, out);
  }
}

void Call::OnCalling(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* progress = std::get_if<CalleeProgress>(&input)) {
    OnProgress(*progress, now, out);
  } else if (const auto* answered = std::get_if<CalleeAnswered>(&input)) {
    OnCalleeAnswered(*answered, now, out);
  } else if (const auto* rejected = std::get_if<CalleeRejected>(&input)) {
    End({.caller_status = StatusForCaller(rejected->status),
         .reason_header = rejected->reason_header.empty()
                              ? SipReason(rejected->status, rejected->warning)
                              : rejected->reason_header,
         .warning = rejected->warning,
         .gone = Party::kCallee},
        rejected->warning.empty() ? fmt::format("the callee answered {}", rejected->status)
                                  : rejected->warning,
        now, out);
  } else if (const auto* another = std::get_if<AnotherTrunk>(&input)) {
    OnAnotherTrunk(*another, now, out);
  } else if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
    OnEarlyOffer(*reoffer, now, out);
  } else if (const auto* cancelled = std::get_if<CallerCancelled>(&input)) {
    End({.reason_header = cancelled->reason_header, .gone = Party::kCaller},
        "cancelled by the caller", now, out);
  } else if (const auto* hung_up = std::get_if<HungUp>(&input)) {
    // BYE in an early dialog (RFC 3261 section 15 allows it to the caller).
    End({.caller_status = 480, .reason_header = hung_up->reason_header, .gone = hung_up->party},
        "hung up before the answer", now, out);
  } else if (const auto* failed = std::get_if<MediaFailed>(&input)) {
    End({.caller_status = 480,
         .reason_header = SipReason(480, failed->reason),
         .warning = failed->reason},
        failed->reason, now, out);
  } else if (const auto* silent = std::get_if<BrowserSilent>(&input)) {
    OnBrowserSilent(*silent, now, out);
  } else if (std::holds_alternative<BrowserHeard>(input)) {
    silent_until_ = kNever;
  } else if (const auto* shut_down = std::get_if<ShutDown>(&input)) {
    End({.reason_header = SipReason(503, shut_down->reason), .warning = shut_down->reason},
        shut_down->reason, now, out);
  }
}

void Call::OnAnsweredOrConnected(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* by_caller = std::get_if<CallerAcked>(&input)) {
    OnAcked(Party::kCaller, by_caller->sdp, now, out);
  } else if (const auto* by_callee = std::get_if<CalleeAcked>(&input)) {
    OnAcked(Party::kCallee, by_callee->sdp, now, out);
  } else if (const auto* due = std::get_if<RefreshDue>(&input)) {
    if (state_ != CallState::kConnected) return;
    OfferTo(due->of_browser ? BrowserParty() : TrunkParty(), out);
  } else if (const auto* hung_up = std::get_if<HungUp>(&input)) {
    if (transfer_ && hung_up->party == TrunkParty()) return OnTransferorGone(out);
    End({.reason_header = hung_up->reason_header, .gone = hung_up->party},
        hung_up->party == Party::kCaller ? "the caller hung up" : "the callee hung up", now, out);
  } else if (const auto* cancelled = std::get_if<CallerCancelled>(&input)) {
    End({.reason_header = cancelled->reason_header, .gone = Party::kCaller},
        "cancelled by the caller", now, out);
  } else if (const auto* failed = std::get_if<MediaFailed>(&input)) {
    End({.reason_header = SipReason(408, failed->reason)}, failed->reason, now, out);
  } else if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
    OnReoffer(*reoffer, now, out);
  } else if (const auto* back = std::get_if<BrowserBack>(&input)) {
    // JsSIP refuses a re-INVITE before its ACK (J13).
    if (state_ == CallState::kConnected) OfferRestart(back->fresh_ice, out);
  } else if (const auto* silent = std::get_if<BrowserSilent>(&input)) {
    OnBrowserSilent(*silent, now, out);
  } else if (std::holds_alternative<BrowserHeard>(input)) {
    silent_until_ = kNever;
  } else if (std::holds_alternative<BrowserAway>(input)) {
    constexpr std::string_view kWhy = "the browser lost its connection and did not come back";
    End({.reason_header = SipReason(408, kWhy)}, kWhy, now, out);
  } else if (const auto* offered = std::get_if<OfferAnswered>(&input)) {
    OnOfferAnswered(*offered, now, out);
  } else if (const auto* shut_down = std::get_if<ShutDown>(&input)) {
    End({.reason_header = SipReason(503, shut_down->reason)}, shut_down->reason, now, out);
  }
}

void Call::OnClosing(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* closed = std::get_if<MediaClosed>(&input)) {
    summary_.media = closed->stats;
    LogQuality(id_, false, closed->stats);
    const auto& to_trunk = closed->stats.browser_to_trunk;
    const auto& to_browser = closed->stats.trunk_to_browser;
    SetState(
        CallState::kEnded,
        fmt::format("packets to trunk {} (dropped {}), to browser {} (dropped {})",
                    to_trunk.packets, to_trunk.dropped, to_browser.packets, to_browser.dropped),
        now);
    out.push_back(Ended{});
  } else if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
    AnswerBy(*reoffer, 481, "the call has ended", out);
  }
}

// --- the callee ---

void Call::PlaceCall(std::string_view reason, TimePoint now, Outputs& out) {
  const bool to_browser = IsBrowser(Party::kCallee);
  std::string offer = OfferFor(Party::kCallee);
  if (!to_browser) {
    WarnAboutRules();
    const sdp::TrunkBuild& build = trunk_leg_.last_build();
    LogBudget(id_, build, settings_.invite_head_bytes, settings_.trunk);
    summary_.over_budget = !build.fits;
    if (!build.fits && settings_.trunk.refuse_over_budget) {
      const std::string why =
          fmt::format("the trunk's INVITE would have {} bytes, {} of them SDP: over its budget",
                      settings_.invite_head_bytes + build.bytes, build.bytes);
      End({.caller_status = 513, .warning = why, .gone = Party::kCallee}, why, now, out);
      return;
    }
  }
  summary_.sdp.offer_out = offer.size();
  if (!to_browser) summary_.invite_bytes = settings_.invite_head_bytes + offer.size();
  out.push_back(PlaceCallee{std::move(offer)});
  SetState(CallState::kCalling, reason, now);
}

// The offer is made anew, as the other trunk wants it.
void Call::OnAnotherTrunk(const AnotherTrunk& another, TimePoint now, Outputs& out) {
  if (IsBrowser(Party::kCallee)) return;
  const bool session_has_video = CarriesVideo();
  TrunkSide side = NewTrunkSide(another.policy, another.keys,
                                ProfileWithin(another.policy, another.invite_head_bytes));
  ExchangeTrunk(side);
  settings_.invite_head_bytes = another.invite_head_bytes;
  ChooseForTrunk();
  if (!session_has_video) trunk_.video.reset();
  if (trunk_.codecs.empty()) {
    constexpr std::string_view kWhy = "the next trunk has none of the call's codecs";
    End({.caller_status = 488, .warning = std::string(kWhy), .gone = Party::kCallee}, kWhy, now,
        out);
    return;
  }
  PlaceCall("another trunk", now, out);
}

void Call::WarnAboutRules() const {
  const std::string& problem = trunk_leg_.last_build().rules_problem;
  if (!problem.empty()) spdlog::warn("call={} SDP rules not applied: {}", id_.value, problem);
}

void Call::RespondToCaller(AnswerCaller answer, Outputs& out) {
  if (answer.status >= 200) summary_.status = answer.status;
  if (!answer.sdp.empty()) summary_.sdp.answer_out = answer.sdp.size();
  out.push_back(std::move(answer));
}

void Call::OnProgress(const CalleeProgress& progress, TimePoint now, Outputs& out) {
  // 100 is hop by hop; 199 would reach JsSIP's page as progress.
  if (progress.status == 100 || progress.status == 199) return;
  // A browser's early SDP is of no use: its answer is in the 200 that JsSIP always sends.
  const bool early_media = !progress.sdp.empty() && !IsBrowser(Party::kCallee);
  if (early_media) {
    if (auto refusal = TakeCalleeAnswer(progress.sdp, out)) {
      spdlog::warn("call={} early media not usable: {}", id_.value, refusal->reason);
    } else if (!caller_has_sdp_ && !late_) {
      last_progress_ = 183;
      return HoldProgress(183, now);
    }
  }
  if (progress.status == last_progress_) return;
  last_progress_ = progress.status;
  // The browser's own progress is held back for a moment, too: it brings an answer.
  if (IsBrowser(Party::kCaller) && !caller_has_sdp_ && !late_) {
    return HoldProgress(answer_.empty() ? progress.status : 183, now);
  }
  RespondToCaller({.status = progress.status, .sdp = OfferInProgress()}, out);
}

void Call::OnCalleeAnswered(const CalleeAnswered& answered, TimePoint now, Outputs& out) {
  out.push_back(AckCallee{});
  std::optional<sdp::Refusal> refusal;
  // What a later UPDATE of its own has replaced does not count again (RFC 6337 section 3.1).
  const bool old = callee_updated_ && answered.sdp == callee_sdp_;
  if (!answered.sdp.empty() && !old) {
    refusal = TakeCalleeAnswer(answered.sdp, out);
  } else if (answer_.empty()) {
    refusal = sdp::Refusal{.sip_status = 488, .reason = "the callee answered without SDP"};
  }
  if (refusal) {
    End({.caller_status = 488,
         .reason_header = SipReason(488, refusal->reason),
         .warning = refusal->reason,
         .callee_answered = true},
        refusal->reason, now, out);
    return;
  }
  summary_.answered = now;
  const bool said = caller_has_sdp_ && (late_ || answered_ahead_);  // in a reliable 18x
  if (late_ && !said) owes_answer_ = Party::kCaller;
  RespondToCaller({.status = 200, .sdp = said ? "" : answer_}, out);
  SetState(CallState::kAnswered, "the callee answered", now);
}

void Call::OnReoffer(const Reoffered& reoffer, TimePoint now, Outputs& out) {
  if (reoffer.prack) return OnPrackAnswer(reoffer, now, out);
  if (owes_answer_ == reoffer.party || (owes_answer_ && reoffer.sdp.empty())) {
    return AnswerBy(reoffer, 491, "an offer of the gateway has no answer yet", out);
  }
  if (reoffer.sdp.empty()) {
    owes_answer_ = reoffer.party;
    out.push_back(AnswerReoffer{.party = reoffer.party,
                                .request = reoffer.request,
                                .status = 200,
                                .sdp = OfferFor(reoffer.party)});
    return;
  }
  const std::string sent = WhatTheBrowserSends().codec;
  AnswerReoffer answer{.party = reoffer.party, .request = reoffer.request, .status = 200};
  const auto refusal = IsBrowser(reoffer.party) ? ReofferByBrowser(reoffer, answer.sdp, out)
                                                : ReofferByTrunk(reoffer, answer.sdp, out);
  if (refusal) {
    answer.status = refusal->sip_status;
    answer.warning = refusal->reason;
  }
  out.push_back(std::move(answer));
  if (refusal || state_ != CallState::kConnected) return;
  const size_t said = out.size();
  PassHoldOn(reoffer.party, out);
  const auto left = AudioForBrowser();
  const bool dropped = std::ranges::find(left, sent, &sdp::Codec::name) == left.end();
  // The browser sends what is not taken any more.
  if (!IsBrowser(reoffer.party) && dropped && out.size() == said) OfferTo(BrowserParty(), out);
}

// A page that was closed takes its media with it. Whoever only lost a path has time to come back,
// and an offer to look for another one.
void Call::OnBrowserSilent(const BrowserSilent& silent, TimePoint now, Outputs& out) {
  if (silent.signalling == Signalling::kLeft) {
    End({.caller_status = 480, .reason_header = SipReason(408, silent.reason)}, silent.reason, now,
        out);
    return;
  }
  spdlog::warn("call={} leg=browser {}", id_.value, silent.reason);
  silent_reason_ = silent.reason;
  silent_until_ = now + kMayBeSilent;
  if (silent.signalling == Signalling::kThere && state_ == CallState::kConnected) {
    OfferRestart(silent.fresh_ice, out);
  }
}

void Call::OnOfferAnswered(const OfferAnswered& answered, TimePoint now, Outputs& out) {
  if (answered.party == TrunkParty() && TrunkIsAlone()) return;
  const std::string_view leg = IsBrowser(answered.party) ? "browser" : "trunk";
  if (!IsBrowser(answered.party)) --trunk_offers_;
  if (answered.status == 408 || answered.status == 481) {
    // RFC 3261 section 12.2.1.2: the peer knows no such dialog, as one that hung up while its
    // connection was lost. Our side of it ends with a BYE all the same.
    const std::string why = fmt::format("a re-INVITE was answered {}", answered.status);
    End({.reason_header = SipReason(answered.status, why)}, why, now, out);
  } else if (answered.status == 491) {
    // Of the trunk: the browser's are tried again by its edge.
    trunk_offer_again_ = now + OfferAgain(id_);
  } else if (answered.status >= 300) {
    // The session goes on as it was (section 14.1); the party that asked has its answer already.
    spdlog::warn("call={} leg={} answered a re-INVITE with {}", id_.value, leg, answered.status);
  } else if (auto refusal = TakeAnswerToReoffer(answered, out)) {
    spdlog::warn("call={} leg={} the answer to a re-INVITE is not usable: {}", id_.value, leg,
                 refusal->reason);
  }
}

// --- the end ---

void Call::HandOver(TimePoint now, Outputs& out) {
  if (state_ != CallState::kConnected || !leaves_trunk_) return;
  summary_.transferred = true;
  constexpr std::string_view kWhy = "transferred by the browser";
  End({.reason_header = SipReason(200, kWhy)}, kWhy, now, out);
}

TrunkHalf Call::TakeTrunk() {
  summary_.transferred = true;
  return {.policy = settings_.trunk,
          .keys = settings_.trunk_keys,
          .media = trunk_,
          .leg = std::move(trunk_leg_),
          .told = told_trunk_,
          .unanswered = trunk_offers_,
          .owes_answer = owes_answer_ == TrunkParty()};
}

void Call::End(const Ending& ending, std::string_view why, TimePoint now, Outputs& out) {
  const bool caller_answered = state_ == CallState::kAnswered || state_ == CallState::kConnected;
  const bool callee_answered = caller_answered || ending.callee_answered;
  const auto told = [&](Party party) {
    return ending.gone != party && !(TrunkIsAlone() && party == TrunkParty());
  };
  const bool tell_caller = told(Party::kCaller);
  const bool tell_callee = told(Party::kCallee);
  AbandonTransfer(ending.reason_header, out);
  const auto hang_up = [&](Party party) {
    if (leaves_trunk_ && !IsBrowser(party)) {
      out.push_back(LetTrunkGo{});
    } else {
      out.push_back(HangUp{party, ending.reason_header});
    }
  };
  summary_.reason = why;
  if (ending.gone == Party::kCaller && !caller_answered) summary_.status = 487;
  if (tell_caller) {
    if (caller_answered) {
      hang_up(Party::kCaller);
    } else {
      RespondToCaller({.status = ending.caller_status,
                       .reason_header = ending.reason_header,
                       .warning = ending.warning},
                      out);
    }
  }
  if (tell_callee) {
    if (callee_answered) {
      hang_up(Party::kCallee);
    } else if (state_ == CallState::kCalling) {
      out.push_back(CancelCallee{ending.reason_header});
    }
  }
  out.push_back(media::MediaCommand{media::CloseSession{session_}});
  SetState(CallState::kClosing, why, now);
}

}  // namespace lastmile::call

#include "gateway/call/bridge.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "gateway/call/budget_log.h"
#include "gateway/call/media_plan.h"
#include "gateway/call/media_quality.h"
#include "gateway/call/reasons.h"

namespace lastmile::call {
namespace {

constexpr std::array kParties = {Party::kCaller, Party::kCallee};

std::string_view NameOf(Party party) { return party == Party::kCaller ? "first" : "second"; }

}  // namespace

std::string_view ToString(BridgeState state) {
  switch (state) {
    case BridgeState::kOpeningMedia:
      return "opening-media";
    case BridgeState::kCalling:
      return "calling";
    case BridgeState::kBridged:
      return "bridged";
    case BridgeState::kClosing:
      return "closing";
    case BridgeState::kEnded:
      return "ended";
  }
  return "";
}

Bridge::Bridge(CallId id, media::SessionId session, BridgeSettings settings)
    : id_(id),
      session_(session),
      attended_(settings.attended),
      invite_head_bytes_(settings.invite_head_bytes),
      sides_{Side{.half = std::move(settings.first)}, Side{.half = std::move(settings.second)}} {
  summary_.transferred = true;
  if (attended_) return;
  TrunkHalf& second = sides_[1].half;
  second.leg.emplace(settings.sdp_session_id);
  second.leg->SetProfile(ProfileWithin(second.policy, invite_head_bytes_));
  second.media.codecs =
      OfferToTrunk(sides_[0].half.media.codecs, second.policy.codecs, transcode());
  KeepEventsIf(second.policy.dtmf == DtmfMode::kRfc4733, second.media.codecs);
}

void Bridge::SetState(BridgeState next, std::string_view reason, TimePoint now) {
  spdlog::info("call={} bridge {} -> {}: {}", id_.value, ToString(state_), ToString(next), reason);
  state_ = next;
  deadline_ = next == BridgeState::kClosing ? now + Call::kMediaCloseTimeout : kNever;
}

void Bridge::Start(TimePoint now, Outputs& out) {
  if (!HaveAudio()) {
    Tell(488, out);
    summary_.status = 488;
    summary_.reason = "the two parties have no codec in common";
    SetState(BridgeState::kEnded, summary_.reason, now);
    out.push_back(Ended{});
    return;
  }
  Tell(100, out);
  deadline_ = now + Call::kMediaOpenTimeout;
  out.push_back(media::MediaCommand{media::OpenBridge{.session = session_}});
}

void Bridge::OnOpened(const media::BridgeOpened& opened, TimePoint now, Outputs& out) {
  if (state_ != BridgeState::kOpeningMedia) return;
  sides_[0].ports = opened.first;
  sides_[1].ports = opened.second;
  deadline_ = kNever;
  if (attended_) {
    AskForLegs(now, out);
  } else {
    PlaceCall(now, out);
  }
}

void Bridge::PlaceCall(TimePoint now, Outputs& out) {
  Side& second = sides_[1];
  std::string offer = second.half.leg->BuildOffer(LocalFor(Party::kCallee));
  const sdp::TrunkBuild& build = second.half.leg->last_build();
  if (!build.rules_problem.empty()) {
    spdlog::warn("call={} SDP rules not applied: {}", id_.value, build.rules_problem);
  }
  LogBudget(id_, build, invite_head_bytes_, second.half.policy);
  summary_.over_budget = !build.fits;
  if (!build.fits && second.half.policy.refuse_over_budget) {
    return End(513, "the trunk's INVITE would be over its budget", Party::kCallee, now, out);
  }
  summary_.invite_bytes = invite_head_bytes_ + offer.size();
  out.push_back(PlaceCallee{std::move(offer)});
  SetState(BridgeState::kCalling, "media open", now);
  if (sides_[0].half.leg) OfferTo(Party::kCaller, out);
}

void Bridge::On(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* info = std::get_if<InfoReceived>(&input)) return OnInfo(*info, now, out);
  if (const auto* closed = std::get_if<MediaClosed>(&input)) {
    if (state_ != BridgeState::kClosing) return;
    summary_.media = closed->stats;
    LogQuality(id_, true, closed->stats);
    SetState(
        BridgeState::kEnded,
        fmt::format("packets to the second {}, to the first {}",
                    closed->stats.browser_to_trunk.packets, closed->stats.trunk_to_browser.packets),
        now);
    out.push_back(Ended{});
    return;
  }
  switch (state_) {
    case BridgeState::kOpeningMedia:
    case BridgeState::kBridged:
      return OnBothStates(input, now, out);
    case BridgeState::kCalling:
      return OnCalling(input, now, out);
    case BridgeState::kClosing:
      if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
        out.push_back(AnswerReoffer{.party = reoffer->party,
                                    .request = reoffer->request,
                                    .status = 481,
                                    .warning = "the call has ended"});
      }
      return;
    case BridgeState::kEnded:
      return;
  }
}

void Bridge::OnCalling(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* progress = std::get_if<CalleeProgress>(&input)) {
    OnProgress(*progress, out);
  } else if (const auto* answered = std::get_if<CalleeAnswered>(&input)) {
    OnAnswered(*answered, now, out);
  } else if (const auto* rejected = std::get_if<CalleeRejected>(&input)) {
    End(rejected->status, fmt::format("the target answered {}", rejected->status), Party::kCallee,
        now, out);
  } else {
    OnBothStates(input, now, out);
  }
}

// What legs do that are there already, in whatever state the bridge is.
void Bridge::OnBothStates(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* hung_up = std::get_if<HungUp>(&input)) {
    reason_header_ = hung_up->reason_header;
    End(487, fmt::format("the {} party hung up", NameOf(hung_up->party)), hung_up->party, now, out);
  } else if (const auto* reoffer = std::get_if<Reoffered>(&input)) {
    OnReoffer(*reoffer, now, out);
  } else if (const auto* by_first = std::get_if<CallerAcked>(&input)) {
    OnAcked(Party::kCaller, by_first->sdp, now, out);
  } else if (const auto* by_second = std::get_if<CalleeAcked>(&input)) {
    OnAcked(Party::kCallee, by_second->sdp, now, out);
  } else if (const auto* offered = std::get_if<OfferAnswered>(&input)) {
    OnOfferAnswered(*offered, now, out);
  } else if (const auto* heard = std::get_if<DigitHeard>(&input)) {
    OnDigitHeard(*heard, now, out);
  } else if (const auto* failed = std::get_if<MediaFailed>(&input)) {
    End(state_ == BridgeState::kBridged ? 408 : 503, failed->reason, std::nullopt, now, out);
  } else if (const auto* shut_down = std::get_if<ShutDown>(&input)) {
    End(503, shut_down->reason, std::nullopt, now, out);
  }
}

// --- how the two come together ---

void Bridge::OnProgress(const CalleeProgress& progress, Outputs& out) {
  if (progress.status == 100 || progress.status == 199) return;
  // A first party that is alone already hears the target's early media.
  if (!progress.sdp.empty()) {
    if (const auto refusal = TakeAnswer(Party::kCallee, progress.sdp, out)) {
      spdlog::warn("call={} early media not usable: {}", id_.value, refusal->reason);
    } else {
      second_sdp_ = progress.sdp;
      second_updated_ = false;
    }
  }
  Tell(progress.status, out);
}

void Bridge::OnAnswered(const CalleeAnswered& answered, TimePoint now, Outputs& out) {
  out.push_back(AckCallee{});
  std::optional<sdp::Refusal> refusal;
  // What a later UPDATE of its own has replaced does not count again (RFC 6337 section 3.1).
  const bool old = second_updated_ && answered.sdp == second_sdp_;
  if (!answered.sdp.empty() && !old) {
    refusal = TakeAnswer(Party::kCallee, answered.sdp, out);
  } else if (second_sdp_.empty()) {
    refusal = sdp::Refusal{.reason = "the target answered without SDP"};
  }
  sides_[1].joined = true;
  if (refusal) return End(488, refusal->reason, std::nullopt, now, out);
  summary_.answered = now;
  summary_.status = 200;
  AskForLegs(now, out);
}

// The transferor hears of its success while it still has a dialog to hear it in.
void Bridge::AskForLegs(TimePoint now, Outputs& out) {
  Tell(200, out);
  SetState(BridgeState::kBridged, attended_ ? "media open" : "the target answered", now);
  if (sides_[0].half.leg && sides_[1].half.leg) return Join(now, out);
  out.push_back(TakeLegs{});
}

void Bridge::TakeOver(Party party, TrunkHalf half, TimePoint now, Outputs& out) {
  Side& side = At(party);
  side.half = std::move(half);
  if (state_ == BridgeState::kClosing || state_ == BridgeState::kEnded) {
    out.push_back(HangUp{party, SipReason(487, summary_.reason)});
    return;
  }
  spdlog::info("call={} bridge has the leg of its {} party", id_.value, NameOf(party));
  if (state_ == BridgeState::kCalling) OfferTo(party, out);
  const bool complete = sides_[0].half.leg && sides_[1].half.leg;
  if (state_ == BridgeState::kBridged && complete) Join(now, out);
}

void Bridge::Join(TimePoint now, Outputs& out) {
  if (!summary_.answered) summary_.answered = now;
  summary_.status = 200;
  if (!HaveAudio()) {
    return End(488, "the two parties have no codec in common", std::nullopt, now, out);
  }
  for (const Party party : kParties) UpdateMedia(party, out);
  for (const Party party : kParties) {
    if (!At(party).joined || party == Party::kCaller) OfferTo(party, out);
  }
}

void Bridge::OnCallOver(Party party, TimePoint now, Outputs& out) {
  if (At(party).half.leg || state_ == BridgeState::kClosing || state_ == BridgeState::kEnded) {
    return;
  }
  End(487, fmt::format("the {} party's call is over", NameOf(party)), party, now, out);
}

// --- timers and the end ---

TimePoint Bridge::next_timeout() const {
  return std::min({deadline_, sides_[0].offer_again, sides_[1].offer_again});
}

void Bridge::OnTimer(TimePoint now, Outputs& out) {
  for (const Party party : kParties) {
    if (now < At(party).offer_again) continue;
    At(party).offer_again = kNever;
    OfferTo(party, out);
  }
  if (now < deadline_) return;
  deadline_ = kNever;
  if (state_ == BridgeState::kOpeningMedia) {
    End(503, "the media relay did not answer in time", std::nullopt, now, out);
  } else if (state_ == BridgeState::kClosing) {
    spdlog::error("call={} the media relay never closed the session", id_.value);
    SetState(BridgeState::kEnded, "gave up on media", now);
    out.push_back(Ended{});
  }
}

void Bridge::Tell(int status, Outputs& out) {
  if (told_ >= 200 || status == told_) return;
  told_ = status >= 300 ? StatusForBrowser(status) : status;
  out.push_back(TellTransferor{told_});
}

void Bridge::End(int status, std::string_view why, std::optional<Party> gone, TimePoint now,
                 Outputs& out) {
  if (reason_header_.empty()) reason_header_ = SipReason(status, why);
  summary_.reason = why;
  if (summary_.status == 0) summary_.status = status;
  for (const Party party : kParties) {
    const bool placed = party == Party::kCallee && !attended_;
    if (gone == party || !At(party).half.leg) continue;
    if (placed && !At(party).joined) {
      if (state_ == BridgeState::kCalling) out.push_back(CancelCallee{reason_header_});
      continue;
    }
    out.push_back(HangUp{party, reason_header_});
  }
  Tell(status, out);
  for (Side& side : sides_) side.offer_again = kNever;
  out.push_back(media::MediaCommand{media::CloseSession{session_}});
  SetState(BridgeState::kClosing, why, now);
}

}  // namespace lastmile::call

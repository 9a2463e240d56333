#include <utility>

#include "base/log.h"
#include "gateway/call/budget_log.h"
#include "gateway/call/call.h"
#include "gateway/call/media_plan.h"
#include "gateway/call/reasons.h"

// A trunk that transfers the call (RFC 3515, RFC 5589): the gateway calls the party it names
// itself, from the same media session, and the browser hears that party without any signalling. The
// old party's leg is untouched until then, and may be hung up before: the browser's leg waits. A
// trunk may also put another party into its own place (Replaces, RFC 3891).
namespace lastmile::call {
namespace {

constexpr std::string_view kMoved = "the call goes on with another party";

}  // namespace

// True: `input` was of a transfer.
bool Call::OnTransferInput(const CallInput& input, TimePoint now, Outputs& out) {
  if (const auto* asked = std::get_if<TransferAsked>(&input)) {
    OnTransferAsked(*asked, out);
  } else if (const auto* progress = std::get_if<TargetProgress>(&input)) {
    OnTargetProgress(*progress, out);
  } else if (const auto* answered = std::get_if<TargetAnswered>(&input)) {
    OnTargetAnswered(*answered, now, out);
  } else if (const auto* rejected = std::get_if<TargetRejected>(&input)) {
    if (!transfer_) return true;
    const int status = rejected->status;
    FailTransfer(status, fmt::format("its target answered {}", status), now, out);
  } else if (const auto* replaced = std::get_if<TrunkReplaced>(&input)) {
    OnTrunkReplaced(*replaced, out);
  } else {
    return false;
  }
  return true;
}

// --- REFER ---

void Call::OnTransferAsked(const TransferAsked& asked, Outputs& out) {
  const auto answer = [&](int status, std::string warning) {
    out.push_back(AnswerRefer{asked.request, status, std::move(warning)});
  };
  if (state_ == CallState::kEnded) return;
  if (state_ == CallState::kClosing) return answer(481, "the call has ended");
  if (state_ != CallState::kConnected) {
    return answer(403, "a call can be transferred only after it was answered");
  }
  if (transfer_ || leaves_trunk_) return answer(491, "another transfer of this call is under way");
  answer(202, "");
  if (asked.refused != 0) {
    spdlog::warn("call={} leg=trunk a transfer is refused with {}: {}", id_.value, asked.refused,
                 asked.why);
    out.push_back(NotifyTransferor{asked.refused});
    return;
  }
  spdlog::info("call={} leg=trunk is being transferred", id_.value);
  out.push_back(NotifyTransferor{100});
  CallTarget(asked, out);
}

void Call::CallTarget(const TransferAsked& asked, Outputs& out) {
  TrunkSide target =
      NewTrunkSide(asked.policy, asked.keys, ProfileWithin(asked.policy, asked.invite_head_bytes));
  ExchangeTrunk(target);
  ChooseForTrunk();
  const bool codecs = !trunk_.codecs.empty();
  std::string offer = codecs ? OfferForTrunk() : "";
  if (codecs) {
    WarnAboutRules();
    LogBudget(id_, trunk_leg_.last_build(), asked.invite_head_bytes, asked.policy);
  }
  const bool fits = !codecs || trunk_leg_.last_build().fits;
  ExchangeTrunk(target);
  if (!codecs || (!fits && asked.policy.refuse_over_budget)) {
    const int status = codecs ? 513 : 488;
    spdlog::warn("call={} leg=trunk the transfer failed: {}", id_.value,
                 codecs ? "the target's INVITE would be over its budget"
                        : "the target's trunk has none of the call's codecs");
    out.push_back(NotifyTransferor{status});
    return;
  }
  transfer_.emplace(Transfer{.target = std::move(target)});
  out.push_back(PlaceTarget{std::move(offer)});
}

void Call::OnTargetProgress(const TargetProgress& progress, Outputs& out) {
  if (!transfer_ || progress.status == 100 || progress.status == 199) return;
  if (!progress.sdp.empty()) {
    transfer_->early_sdp = progress.sdp;
    HearTarget(out);
  }
  if (transfer_->alone || progress.status == transfer_->notified) return;
  transfer_->notified = progress.status;
  out.push_back(NotifyTransferor{progress.status});
}

void Call::OnTargetAnswered(const TargetAnswered& answered, TimePoint now, Outputs& out) {
  if (!transfer_) return;
  out.push_back(AckTarget{});
  const std::string& sdp = answered.sdp.empty() ? transfer_->early_sdp : answered.sdp;
  if (const auto refusal = MoveMedia(sdp, out)) {
    out.push_back(HangUpTarget{SipReason(488, refusal->reason)});
    return FailTransfer(488, "the answer of its target is not usable: " + refusal->reason, now,
                        out);
  }
  if (!transfer_->alone) {
    out.push_back(NotifyTransferor{200});
    out.push_back(HangUp{TrunkParty(), SipReason(200, kMoved)});
  }
  MoveTrunk("transferred", transfer_->before, out);
}

// There is nobody else to hear: the browser hears the target ring.
void Call::HearTarget(Outputs& out) {
  if (!transfer_->alone || transfer_->early_sdp.empty()) return;
  if (const auto refusal = MoveMedia(transfer_->early_sdp, out)) {
    spdlog::warn("call={} leg=trunk early media of the target is not usable: {}", id_.value,
                 refusal->reason);
  }
}

std::optional<sdp::Refusal> Call::MoveMedia(const std::string& sdp, Outputs& out) {
  const bool first = !transfer_->heard;
  if (first) {
    transfer_->before = WhatTheBrowserSends();
    ExchangeTrunk(transfer_->target);
  }
  auto refusal = TakeAnswerToReoffer({.party = TrunkParty(), .status = 200, .sdp = sdp}, out);
  if (refusal && first) ExchangeTrunk(transfer_->target);
  transfer_->heard |= !refusal;
  return refusal;
}

void Call::OnTransferorGone(Outputs& out) {
  if (TrunkIsAlone()) return;
  transfer_->alone = true;
  spdlog::info("call={} leg=trunk hung up while the target of its transfer is called", id_.value);
  HearTarget(out);
}

void Call::FailTransfer(int status, const std::string& why, TimePoint now, Outputs& out) {
  const bool alone = transfer_->alone;
  spdlog::warn("call={} leg=trunk the transfer failed: {}", id_.value, why);
  transfer_.reset();
  if (!alone) {
    out.push_back(NotifyTransferor{status});
    return;
  }
  End({.reason_header = SipReason(status, "the transfer failed"), .gone = TrunkParty()},
      "transferred in vain: " + why, now, out);
}

// The call ends before the transfer does.
void Call::AbandonTransfer(const std::string& reason_header, Outputs& out) {
  if (!transfer_) return;
  if (!transfer_->alone) out.push_back(NotifyTransferor{487});
  out.push_back(CancelTarget{reason_header});
  transfer_.reset();
}

// --- Replaces ---

void Call::OnTrunkReplaced(const TrunkReplaced& replaced, Outputs& out) {
  AnswerReplacing answer{.status = 200};
  if (state_ == CallState::kEnded) return;
  if (state_ != CallState::kConnected || transfer_ || leaves_trunk_) {
    answer.status = state_ == CallState::kClosing ? 603 : 491;
    answer.warning = state_ == CallState::kClosing ? "the call has ended"
                     : transfer_ || leaves_trunk_  ? "a transfer of this call is under way"
                                                   : "the call is not answered yet";
    out.push_back(std::move(answer));
    return;
  }
  const BrowserSends before = WhatTheBrowserSends();
  TrunkSide old = NewTrunkSide(settings_.trunk, replaced.keys, settings_.trunk.sdp);
  ExchangeTrunk(old);
  if (const auto refusal = TakeReplacingOffer(replaced.offer, answer.sdp, out)) {
    ExchangeTrunk(old);
    answer.status = refusal->sip_status;
    answer.warning = refusal->reason;
    out.push_back(std::move(answer));
    return;
  }
  out.push_back(std::move(answer));
  out.push_back(HangUp{TrunkParty(), SipReason(200, kMoved)});
  MoveTrunk("its peer was replaced", before, out);
  if (replaced.offer.empty()) owes_answer_ = TrunkParty();
}

std::optional<sdp::Refusal> Call::TakeReplacingOffer(const std::string& offer, std::string& answer,
                                                     Outputs& out) {
  if (!offer.empty()) return ReofferByTrunk({.request = {}, .sdp = offer}, answer, out);
  ChooseForTrunk();
  answer = OfferForTrunk();
  WarnAboutRules();
  return std::nullopt;
}

// --- what both have in common ---

Call::TrunkSide Call::NewTrunkSide(TrunkPolicy policy, TrunkKeys keys, sdp::TrunkProfile profile) {
  TrunkSide side{.policy = std::move(policy),
                 .keys = std::move(keys),
                 .leg = sdp::TrunkLeg(settings_.sdp_session_id + ++trunk_sides_),
                 .told = told_trunk_};
  side.leg.SetProfile(std::move(profile));
  return side;
}

void Call::ExchangeTrunk(TrunkSide& side) {
  std::swap(settings_.trunk, side.policy);
  std::swap(settings_.trunk_keys, side.keys);
  std::swap(trunk_leg_, side.leg);
  std::swap(trunk_, side.media);
  std::swap(told_trunk_, side.told);
}

// The trunk leg is the new party's. The browser is offered only what is another thing for it now:
// its codec, its video, or a hold that is over.
void Call::MoveTrunk(std::string_view why, BrowserSends before, Outputs& out) {
  spdlog::info("call={} leg=trunk {}", id_.value, why);
  out.push_back(SwapTrunk{});
  transfer_.reset();
  owes_answer_ = owes_answer_ == TrunkParty() ? std::nullopt : owes_answer_;
  trunk_offer_again_ = kNever;
  trunk_offers_ = 0;
  told_way_.reset();
  summary_.transferred = true;
  PassHoldOn(BrowserParty(), out);
  const size_t said = out.size();
  PassHoldOn(TrunkParty(), out);
  if (out.size() == said && WhatTheBrowserSends() != before) OfferTo(BrowserParty(), out);
}

}  // namespace lastmile::call

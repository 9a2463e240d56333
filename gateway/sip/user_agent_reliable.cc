#include <algorithm>
#include <utility>

#include "gateway/sip/lexical.h"
#include "gateway/sip/user_agent_impl.h"

// Reliable provisional responses (RFC 3262), as the one who sends them and as the one who gets
// them.
namespace lastmile::sip {
namespace {

constexpr size_t kMaxWaiting = 16;  // 18x that wait for the PRACK of another one
constexpr uint32_t kMaxRseq = 0xFFFFFFFF;

// The number of a reliable 18x; none: it is an ordinary one.
std::optional<uint32_t> RseqOf(const Message& response) {
  if (!HasToken(response.require, "100rel")) return std::nullopt;
  const std::string* value = response.FindExtra("RSeq");
  const auto rseq = value ? ParseNumber(Trim(*value), kMaxRseq) : std::nullopt;
  return rseq == 0u ? std::nullopt : rseq;
}

// RAck (section 7.2): the RSeq, CSeq number and method of what is acknowledged.
bool IsRack(std::string_view value, uint32_t rseq, uint32_t cseq) {
  const auto word = [&value]() {
    value = Trim(value);
    const size_t end = std::min(value.find_first_of(" \t"), value.size());
    const std::string_view found = value.substr(0, end);
    value.remove_prefix(end);
    return found;
  };
  return ParseNumber(word(), kMaxRseq) == rseq && ParseNumber(word(), kMaxRseq) == cseq &&
         word() == "INVITE" && Trim(value).empty();
}

}  // namespace

// --- our 18x (section 3) ---

bool UserAgent::Impl::WantsReliable(const Flow& flow, const Message& invite) {
  if (flow.info.prack == Prack::kNone) return false;
  if (HasToken(invite.require, "100rel")) return true;
  const bool wanted = flow.info.prack == Prack::kRequired ||
                      HasToken(invite.require, "precondition") ||
                      HasToken(invite.supported, "precondition");
  return wanted && HasToken(invite.supported, "100rel");
}

bool UserAgent::Impl::HoldBack(Usage& usage, int status, Extras& extras) {
  Reliable& reliable = *usage.reliable;
  if (reliable.final_response) return true;
  if (status >= 300 || (!reliable.open && !reliable.prack)) return false;
  if (status < 200) {
    if (reliable.waiting.size() < kMaxWaiting) reliable.waiting.push_back({status, extras});
    return true;
  }
  // Only a session description has to be acknowledged before a 2xx.
  reliable.waiting.clear();
  if (!reliable.has_sdp && !reliable.prack) return false;
  reliable.final_response = {status, std::move(extras)};
  return true;
}

void UserAgent::Impl::SendHeldBack(Usage& usage, TimePoint now) {
  if (usage.state != State::kIncoming) return;
  Reliable& reliable = *usage.reliable;
  if (reliable.final_response) {
    Held held = *std::exchange(reliable.final_response, std::nullopt);
    SendInviteResponse(usage, held.status, std::move(held.extras), now);
  } else if (!reliable.waiting.empty()) {
    Held held = std::move(reliable.waiting.front());
    reliable.waiting.pop_front();
    SendInviteResponse(usage, held.status, std::move(held.extras), now);
  }
}

void UserAgent::Impl::MakeReliable(Usage& usage, Message& response, TimePoint now) {
  Reliable& reliable = *usage.reliable;
  // The first number is chosen by chance, and small enough never to wrap around.
  reliable.rseq = reliable.rseq == 0 ? 1 + static_cast<uint32_t>(random_.Next64() % 0x7FFFFFFF)
                                     : reliable.rseq + 1;
  response.require.emplace_back("100rel");
  response.SetExtra("RSeq", std::to_string(reliable.rseq));
  reliable.open = true;
  reliable.has_sdp = !response.body.empty();
  reliable.response = response;
  reliable.interval = options_.t1;
  timers_.Set({usage.id, Timer::kPrackResend}, now + options_.t1);
  timers_.Set({usage.id, Timer::kPrackDeadline}, now + internal::kTimeoutInT1 * options_.t1);
}

// Unlike a 2xx, over every transport and without the bound of T2.
void UserAgent::Impl::ResendReliable(Usage& usage, TimePoint now) {
  Reliable& reliable = *usage.reliable;
  if (usage.flow) outgoing_.push_back({usage.flow, reliable.response});
  reliable.interval *= 2;
  timers_.Set({usage.id, Timer::kPrackResend}, now + reliable.interval);
}

// What is not acknowledged yet may still be, after the final response too.
void UserAgent::Impl::StopReliable(Usage& usage) {
  if (!usage.reliable) return;
  timers_.Clear({usage.id, Timer::kPrackResend});
  timers_.Clear({usage.id, Timer::kPrackDeadline});
  usage.reliable->waiting.clear();
  usage.reliable->final_response.reset();
}

void UserAgent::Impl::OnPrack(Usage& usage, FlowId flow, Message request, TimePoint now) {
  const std::string* rack = request.FindExtra("RAck");
  if (!usage.reliable || !usage.reliable->open || !rack ||
      !IsRack(*rack, usage.reliable->rseq, usage.reliable->invite_cseq)) {
    Refuse(flow, request, 481, {});
    return;
  }
  Reliable& reliable = *usage.reliable;
  reliable.open = false;
  timers_.Clear({usage.id, Timer::kPrackResend});
  timers_.Clear({usage.id, Timer::kPrackDeadline});
  if (!request.body.empty() && reliable.has_sdp) {
    PassOn(flow, &usage, std::move(request), now);
    reliable.prack = usage.requests.back();
    return;
  }
  // A description here would be an offer while the one of the INVITE has no answer (section 5).
  Refuse(flow, request, request.body.empty() ? 200 : 488, {});
  SendHeldBack(usage, now);
}

void UserAgent::Impl::OnPrackAnswered(Usage& usage, TransactionId id, TimePoint now) {
  if (!usage.reliable || usage.reliable->prack != id) return;
  usage.reliable->prack = {};
  SendHeldBack(usage, now);
}

// --- the peer's 18x (section 4) ---

bool UserAgent::Impl::IsNews(const Usage& usage, const Message& response) const {
  const auto rseq = RseqOf(response);
  if (!rseq) return true;
  const auto leg = std::ranges::find(usage.legs, response.to.tag(),
                                     [](const Dialog& dialog) { return dialog.remote.tag(); });
  return leg == usage.legs.end() || !leg->remote_rseq || *rseq == *leg->remote_rseq + 1;
}

void UserAgent::Impl::Acknowledge(Usage& usage, const Message& response, TimePoint now) {
  const auto rseq = RseqOf(response);
  const Flow* flow = FindFlow(usage.flow);
  if (!rseq || !flow || flow->info.prack == Prack::kNone || usage.legs.empty()) return;
  Dialog& leg = usage.legs.back();
  if (leg.remote.tag() != response.to.tag()) return;  // one fork too many
  leg.remote_rseq = rseq;
  Message prack = leg.NextRequest("PRACK");
  prack.SetExtra("RAck",
                 std::to_string(*rseq) + " " + std::to_string(response.cseq.number) + " INVITE");
  // Whatever becomes of it: a peer that misses it says so by its answer to the INVITE.
  SendStateful(usage.flow, std::move(prack), {.usage = usage.id}, now);
}

}  // namespace lastmile::sip

#include <utility>

#include "gateway/sip/user_agent_impl.h"

// Dialogs without an INVITE (RFC 6665), as server and as client.
namespace lastmile::sip {

// --- as client ---

DialogId UserAgent::Impl::OpenDialog(FlowId flow, Parties parties) {
  if (!FindFlow(flow)) return {};
  Usage& usage = NewUsage(dialog_ids_.Next(), flow, State::kSubscription);
  usage.account = parties.account;
  Dialog& leg = usage.legs.emplace_back();
  leg.call_id = random_.Token(internal::kCallIdLength);
  leg.local = std::move(parties.from);
  leg.local.params.Set("tag", usage.local_tag);
  leg.remote = std::move(parties.to);
  leg.remote_target = std::move(parties.request_uri);
  return usage.id;
}

// A NOTIFY may overtake the 2xx of its SUBSCRIBE (section 4.4.1).
Dialog* UserAgent::Impl::AdoptPeer(Usage& usage, const Message& request) {
  if (usage.state != State::kSubscription || request.method != "NOTIFY") return nullptr;
  Dialog& leg = usage.legs.back();
  if (leg.call_id != request.call_id || !leg.remote.tag().empty()) return nullptr;
  leg.ConfirmByRequest(request);
  return &leg;
}

void UserAgent::Impl::FollowResponse(Dialog& leg, const Message& response) {
  if (leg.remote.tag().empty()) {
    leg.remote = response.to;
    leg.Confirm(response);
  } else if (IsTargetRefresh(response.cseq.method) && leg.remote.tag() == response.to.tag()) {
    leg.RefreshTarget(response);
  }
}

// --- as server ---

void UserAgent::Impl::OnNewSubscribe(FlowId flow, Message request, TimePoint now) {
  Usage& usage = NewUsage(dialog_ids_.Next(), flow, State::kSubscription);
  usage.legs.push_back(Dialog::OfServer(request, usage.local_tag));
  PassOn(flow, &usage, std::move(request), now);
  ServerUse& use = server_uses_.at(usage.requests.back());
  use.to_tag = usage.local_tag;
  use.opens = true;
}

// --- both ---

void UserAgent::Impl::CloseDialog(DialogId dialog, TimePoint now) {
  Usage* usage = FindUsage(dialog);
  if (!usage || usage->state != State::kSubscription) return;
  usage->state = State::kEnding;
  EndRequests(*usage, 481, now);
  EraseIfDone(*usage);
}

}  // namespace lastmile::sip

#include "gateway/app/subscriptions.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "base/log.h"
#include "gateway/sip/lexical.h"

namespace lastmile::app {
namespace {

using Stage = sip::SubscriptionState::State;

bool IsSuccess(int status) { return status >= 200 && status < 300; }

// The format each package has by its RFC.
std::string_view BodyTypeOf(const sip::Event& event) {
  return sip::EqualNoCase(event.package, kDialogEvent) ? "application/dialog-info+xml"
                                                       : "application/simple-message-summary";
}

bool IsKnown(const sip::Event& event) {
  return sip::EqualNoCase(event.package, kDialogEvent) ||
         sip::EqualNoCase(event.package, kMessageSummary);
}

uint32_t ExpiresOf(const sip::Message& subscribe) {
  return std::min(subscribe.expires.value_or(Subscriptions::kMaxExpires),
                  Subscriptions::kMaxExpires);
}

sip::Header Expires(uint32_t seconds) { return {"Expires", std::to_string(seconds)}; }

sip::Extras BadEvent() {
  sip::Extras extras = sip::Sentence("this event cannot be subscribed to");
  extras.headers.push_back({"Allow-Events", kAllowEvents});
  return extras;
}

}  // namespace

Subscriptions::Subscriptions(browser::BrowserEdge& browser_edge, trunk::TrunkEdge& trunk_edge,
                             const Router& router)
    : browser_edge_(browser_edge), trunk_edge_(trunk_edge), router_(router) {}

Subscriptions::Subscription* Subscriptions::Find(SubscriptionId id) {
  const auto found = subscriptions_.find(id);
  return found == subscriptions_.end() ? nullptr : &found->second;
}

void Subscriptions::Refuse(sip::ServerRequestId request, int status, sip::Extras extras,
                           TimePoint now) {
  spdlog::info("leg=browser refused a subscription: {} {}", status,
               extras.headers.empty() ? "" : extras.headers.front().value);
  browser_edge_.user_agent().Respond(request, status, std::move(extras), now);
}

// --- the browser's side ---

void Subscriptions::OnSubscribe(const browser::BrowserRequest& subscribe, TimePoint now) {
  const sip::Message& request = subscribe.request.request;
  const sip::ServerRequestId id = subscribe.request.id;
  const auto event = sip::Event::Of(request);
  if (!event || !IsKnown(*event)) return Refuse(id, 489, BadEvent(), now);
  if (!request.body.empty()) {
    return Refuse(id, 415, sip::Sentence("a SUBSCRIBE with a body is not understood"), now);
  }
  const auto count = per_user_.find(subscribe.user.name);
  if (count != per_user_.end() && count->second >= kMaxPerUser) {
    sip::Extras extras =
        sip::Sentence(fmt::format("a user has {} subscriptions at most", kMaxPerUser));
    extras.headers.push_back({"Retry-After", "30"});
    return Refuse(id, 503, std::move(extras), now);
  }
  const Subscription* subscription = Open(subscribe, *event, now);
  if (!subscription) {
    return Refuse(id, 404, sip::Sentence("no route leads to this number"), now);
  }
  SendSubscribe(*subscription, id, subscription->asked, now);
}

// nullptr: no route. What is a user here is at the PBX the number of its account, or the one it
// shows.
const Subscriptions::Subscription* Subscriptions::Open(const browser::BrowserRequest& subscribe,
                                                       const sip::Event& event, TimePoint now) {
  const sip::Message& request = subscribe.request.request;
  const browser::User* target = browser_edge_.FindUser(request.request_uri.dialled(), now).user;
  std::string number =
      target ? trunk_edge_.PbxNumberOf(target->name) : request.request_uri.dialled();
  const bool has_account = target && !number.empty();
  if (target && !has_account) number = target->shown_number();
  Way way{.trunk = has_account ? trunk_edge_.PbxOf(target->name) : nullptr,
          .number = number,
          .decision = {}};
  const route::Caller caller{subscribe.user.name, subscribe.user.tenant};
  if (!has_account) way = WayFor(router_, trunk_edge_, caller, number);
  const trunk::Trunk* trunk = way.trunk;
  // The gateway tells of nobody itself: what is subscribed to is at a PBX.
  if (!trunk || trunk->is_local) return nullptr;
  number = std::move(way.number);
  const sip::DialogId dialog = trunk_edge_.OpenDialog({.trunk = trunk->name,
                                                       .number = number,
                                                       .caller = subscribe.user.shown_number(),
                                                       .user = subscribe.user.name});
  const SubscriptionId id = ids_.Next();
  Subscription& subscription = subscriptions_[id];
  subscription = {.id = id,
                  .user = subscribe.user.name,
                  .event = event,
                  .flow = subscribe.request.flow,
                  .browser_dialog = subscribe.request.dialog,
                  .trunk_dialog = dialog,
                  .first = subscribe.request.id,
                  .asked = ExpiresOf(request)};
  by_browser_dialog_[subscription.browser_dialog] = id;
  by_trunk_dialog_[dialog] = id;
  ++per_user_[subscription.user];
  timers_.Set(id, now + kAnswerWithin);
  spdlog::info("subscription={} user={} event={} to={} trunk={}", id.value,
               Redacted{subscription.user}, event.package, Redacted{number}, trunk->name);
  return &subscription;
}

bool Subscriptions::OnRequest(bool from_browser, const sip::IncomingRequest& request,
                              TimePoint now) {
  const auto& by_dialog = from_browser ? by_browser_dialog_ : by_trunk_dialog_;
  const auto found = by_dialog.find(request.dialog);
  if (found == by_dialog.end()) return false;
  Subscription& subscription = subscriptions_.at(found->second);
  const std::string& method = request.request.method;
  if (from_browser && method == "SUBSCRIBE") {
    OnResubscribe(subscription, request, now);
  } else if (!from_browser && method == "NOTIFY") {
    OnNotify(subscription, request, now);
  } else {
    sip::UserAgent& agent = from_browser ? browser_edge_.user_agent() : trunk_edge_.user_agent();
    agent.Respond(request.id, 481, sip::Sentence("there is no call in this dialog"), now);
  }
  return true;
}

void Subscriptions::OnResubscribe(Subscription& subscription, const sip::IncomingRequest& request,
                                  TimePoint now) {
  const auto event = sip::Event::Of(request.request);
  if (!event || !sip::EqualNoCase(event->package, subscription.event.package)) {
    return Refuse(request.id, 489, BadEvent(), now);
  }
  if (subscription.state != State::kActive) {
    return Refuse(request.id, 481, sip::Sentence("the subscription is over"), now);
  }
  SendSubscribe(subscription, request.id, ExpiresOf(request.request), now);
}

void Subscriptions::SendSubscribe(const Subscription& subscription, sip::ServerRequestId request,
                                  uint32_t expires, TimePoint now) {
  sip::Extras extras;
  extras.headers = {{"Event", subscription.event.package},
                    Expires(expires),
                    {"Accept", std::string(BodyTypeOf(subscription.event))}};
  const auto sent =
      trunk_edge_.SendInDialog(subscription.trunk_dialog, "SUBSCRIBE", std::move(extras), now);
  asked_[sent] = {subscription.id, request, expires};
}

// --- the PBX's side ---

bool Subscriptions::OnAnswered(bool by_browser, const sip::RequestAnswered& answered,
                               TimePoint now) {
  if (by_browser) {
    const auto notified = notified_.extract(answered.id);
    if (notified) OnNotifyAnswered(notified.mapped(), answered, now);
    return bool{notified};
  }
  const auto asked = asked_.extract(answered.id);
  if (asked) OnSubscribeAnswered(asked.mapped(), answered, now);
  return bool{asked};
}

void Subscriptions::OnSubscribeAnswered(const Asked& asked, const sip::RequestAnswered& answered,
                                        TimePoint now) {
  Subscription* subscription = Find(asked.subscription);
  if (!subscription) return;
  if (!IsSuccess(answered.status)) return OnRefused(*subscription, asked, answered, now);
  const uint32_t granted =
      std::min(answered.response->expires.value_or(asked.expires), asked.expires);
  switch (subscription->state) {
    case State::kAsking:
      return Accept(*subscription, granted, now);
    case State::kActive:
      Expect(*subscription, granted, now);
      if (asked.request == subscription->first) return;  // a NOTIFY has answered it
      browser_edge_.user_agent().Respond(asked.request, 200, {.headers = {Expires(granted)}}, now);
      return;
    case State::kEnding:
      browser_edge_.user_agent().Respond(asked.request, 200, {.headers = {Expires(0)}}, now);
      return;
    case State::kLeaving:
      // The browser went while the PBX was thinking.
      if (asked.expires > 0) SendSubscribe(*subscription, {}, 0, now);
      return;
  }
}

void Subscriptions::OnRefused(Subscription& subscription, const Asked& asked,
                              const sip::RequestAnswered& answered, TimePoint now) {
  const RelayedAnswer relayed = RelayAnswer(answered, "the trunk");
  const bool gone = answered.status == 481 || answered.status == 404 || answered.status == 489;
  if (subscription.state == State::kActive && asked.request == subscription.first) {
    Terminate(subscription, "noresource", now);
    return Close(subscription.id, "the PBX refused it after a NOTIFY", now);
  }
  if (asked.request && subscription.state != State::kLeaving) {
    const int status = answered.status == 481 ? 481 : relayed.status;
    Refuse(asked.request, status, relayed.extras, now);
  }
  // RFC 6665 section 4.1.2.2: any other failure of a refresh leaves the subscription as it is.
  if (subscription.state != State::kActive || gone) {
    Close(subscription.id, "the PBX refused it", now);
  }
}

void Subscriptions::OnNotify(Subscription& subscription, const sip::IncomingRequest& notify,
                             TimePoint now) {
  const auto respond = [&](int status, std::string_view sentence) {
    trunk_edge_.user_agent().Respond(notify.id, status, sip::Sentence(sentence), now);
  };
  const auto event = sip::Event::Of(notify.request);
  if (!event || !sip::EqualNoCase(event->package, subscription.event.package)) {
    return respond(489, "the subscription is for another event");
  }
  const auto state = sip::SubscriptionState::Of(notify.request);
  if (!state) return respond(400, "Subscription-State is missing or has an unknown state");
  if (notify.request.body.size() > kMaxNotifyBody) {
    return respond(413, fmt::format("a notification has {} bytes at most", kMaxNotifyBody));
  }
  const bool last = state->state == Stage::kTerminated;
  switch (subscription.state) {
    case State::kAsking:
      // Browsers know their dialog from the 200 alone: it goes first.
      Accept(subscription, subscription.asked, now);
      break;
    case State::kActive:
      break;
    case State::kEnding:
      return respond(481, "the subscription is over");
    case State::kLeaving:
      respond(last ? 200 : 481, "");
      if (last) Close(subscription.id, "the PBX has ended it", now);
      return;
  }
  PassOn(subscription, notify, *state, now);
}

void Subscriptions::PassOn(Subscription& subscription, const sip::IncomingRequest& notify,
                           sip::SubscriptionState state, TimePoint now) {
  if (state.state == Stage::kTerminated) {
    subscription.state = State::kEnding;
  } else if (state.expires) {
    // It may only become shorter than what the browser was told last.
    const auto left = std::chrono::ceil<std::chrono::seconds>(subscription.expires_at - now);
    const auto told = std::min(std::chrono::seconds(*state.expires), left);
    state.expires = static_cast<uint32_t>(told.count());
    if (told < left) Expect(subscription, *state.expires, now);
  }
  sip::Extras extras = BodyOf(notify.request);
  extras.headers.push_back({"Event", subscription.event.ToString()});
  extras.headers.push_back({"Subscription-State", state.ToString()});
  const auto sent = browser_edge_.user_agent().SendInDialog(subscription.browser_dialog, "NOTIFY",
                                                            std::move(extras), now);
  notified_[sent] = {subscription.id, notify.id};
}

void Subscriptions::OnNotifyAnswered(const Notified& notified, const sip::RequestAnswered& answered,
                                     TimePoint now) {
  const bool taken = IsSuccess(answered.status);
  // RFC 6665 section 4.2.2: 481 makes the PBX forget the subscription.
  trunk_edge_.user_agent().Respond(notified.request, taken ? 200 : 481, {}, now);
  Subscription* subscription = Find(notified.subscription);
  if (!subscription) return;
  switch (subscription->state) {
    case State::kAsking:
    case State::kLeaving:
      return;
    case State::kActive:
      if (!taken) {
        spdlog::info("subscription={} the browser answered a NOTIFY with {}",
                     subscription->id.value, answered.status);
        Leave(*subscription, now);
      }
      return;
    case State::kEnding:
      return Close(subscription->id, "the PBX has ended it", now);
  }
}

// --- its life ---

void Subscriptions::Accept(Subscription& subscription, uint32_t expires, TimePoint now) {
  subscription.state = State::kActive;
  browser_edge_.user_agent().Respond(subscription.first, 200, {.headers = {Expires(expires)}}, now);
  Expect(subscription, expires, now);
}

void Subscriptions::Expect(Subscription& subscription, uint32_t expires, TimePoint now) {
  if (subscription.state != State::kActive) return;
  const Duration left = expires == 0 ? kLastNotify : Duration(std::chrono::seconds(expires));
  subscription.expires_at = now + left;
  timers_.Set(subscription.id, subscription.expires_at);
}

void Subscriptions::Terminate(Subscription& subscription, std::string_view reason, TimePoint now) {
  const sip::SubscriptionState last{
      .state = Stage::kTerminated, .expires = {}, .retry_after = {}, .reason = std::string(reason)};
  sip::Extras extras;
  extras.headers = {{"Event", subscription.event.ToString()},
                    {"Subscription-State", last.ToString()}};
  browser_edge_.user_agent().SendInDialog(subscription.browser_dialog, "NOTIFY", std::move(extras),
                                          now);
}

void Subscriptions::Leave(Subscription& subscription, TimePoint now) {
  if (subscription.state == State::kEnding) {
    return Close(subscription.id, "the PBX has ended it", now);
  }
  const bool stands = subscription.state != State::kAsking;
  subscription.state = State::kLeaving;
  by_browser_dialog_.erase(subscription.browser_dialog);
  browser_edge_.user_agent().CloseDialog(subscription.browser_dialog, now);
  timers_.Set(subscription.id, now + kLastNotify);
  if (stands) SendSubscribe(subscription, {}, 0, now);
}

void Subscriptions::Close(SubscriptionId id, std::string_view why, TimePoint now) {
  const Subscription subscription = std::move(subscriptions_.at(id));
  subscriptions_.erase(id);
  timers_.Clear(id);
  by_browser_dialog_.erase(subscription.browser_dialog);
  by_trunk_dialog_.erase(subscription.trunk_dialog);
  browser_edge_.user_agent().CloseDialog(subscription.browser_dialog, now);
  trunk_edge_.user_agent().CloseDialog(subscription.trunk_dialog, now);
  const auto count = per_user_.find(subscription.user);
  if (--count->second == 0) per_user_.erase(count);
  spdlog::info("subscription={} over: {}", id.value, why);
}

std::vector<Subscriptions::SubscriptionId> Subscriptions::Present() const {
  std::vector<SubscriptionId> present;
  for (const auto& [id, subscription] : subscriptions_) {
    if (subscription.state != State::kLeaving) present.push_back(id);
  }
  return present;
}

void Subscriptions::OnFlowClosed(sip::FlowId flow, TimePoint now) {
  for (const SubscriptionId id : Present()) {
    Subscription& subscription = subscriptions_.at(id);
    if (subscription.flow != flow) continue;
    spdlog::info("subscription={} the browser is gone", id.value);
    Leave(subscription, now);
  }
}

void Subscriptions::ShutDown(TimePoint now) {
  for (const SubscriptionId id : Present()) {
    Subscription& subscription = subscriptions_.at(id);
    if (subscription.state == State::kActive) Terminate(subscription, "probation", now);
    if (subscription.state == State::kAsking) {
      Refuse(subscription.first, 503, sip::Sentence("the gateway is shutting down"), now);
    }
    Leave(subscription, now);
  }
}

void Subscriptions::OnTimer(TimePoint now) {
  while (const auto id = timers_.PopDue(now)) {
    Subscription& subscription = subscriptions_.at(*id);
    switch (subscription.state) {
      case State::kAsking:
        Refuse(subscription.first, 408, sip::Sentence("the trunk did not answer in time"), now);
        Leave(subscription, now);
        break;
      case State::kActive:
        spdlog::info("subscription={} nobody refreshed it", id->value);
        Terminate(subscription, "timeout", now);
        Leave(subscription, now);
        break;
      case State::kEnding:
      case State::kLeaving:
        Close(*id, "the last NOTIFY never came", now);
        break;
    }
  }
}

}  // namespace lastmile::app

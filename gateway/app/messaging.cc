#include "gateway/app/messaging.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/log.h"
#include "gateway/app/subscriptions.h"
#include "gateway/sip/events.h"

namespace lastmile::app {
namespace {

// Lower is better: who declines for everybody, then who is there, as with calls that ring.
int RankOf(const sip::RequestAnswered& failure) {
  if (!failure.response) return 3;
  if (failure.status >= 600) return 0;
  return failure.status < 500 ? 1 : 2;
}

// In a call's dialog many codes mean the end of it (RFC 5057 section 5.1): those become 500.
int StatusInCall(int status) {
  constexpr int kHarmless[] = {403, 406, 413, 415, 486, 488, 493, 503, 600, 603, 606};
  return status < 300 || std::ranges::find(kHarmless, status) != std::end(kHarmless) ? status : 500;
}

std::string InstanceOf(const sip::Message& request) {
  const std::string* gr = request.request_uri.params.Find("gr");
  return gr ? *gr : "";
}

}  // namespace

Messaging::Messaging(browser::BrowserEdge& browser_edge, trunk::TrunkEdge& trunk_edge,
                     const Router& router)
    : browser_edge_(browser_edge), trunk_edge_(trunk_edge), router_(router) {}

// --- from browsers ---

bool Messaging::IsTooLarge(bool from_browser, const sip::IncomingRequest& message, TimePoint now) {
  if (message.request.body.size() <= kMaxMessageBody) return false;
  Answer(from_browser, message.id, 413,
         sip::Sentence(fmt::format("a message has {} bytes at most", kMaxMessageBody)), now);
  return true;
}

bool Messaging::IsTooFast(const sip::IncomingRequest& message, const std::string& user,
                          TimePoint now) {
  Sender& sender = senders_[user];
  std::string_view reason;
  if (sender.unanswered >= kMaxUnanswered) {
    reason = "too many messages of this user are not answered yet";
  } else if (!sender.pace.Take(now)) {
    reason = "this user sends messages too fast";
  } else {
    return false;
  }
  sip::Extras extras = sip::Sentence(reason);
  extras.headers.push_back({"Retry-After", "1"});
  Answer(true, message.id, 503, std::move(extras), now);
  return true;
}

void Messaging::OnBrowserMessage(const browser::BrowserRequest& message, TimePoint now) {
  const sip::Message& request = message.request.request;
  const browser::User& user = message.user;
  if (IsTooLarge(true, message.request, now) || IsTooFast(message.request, user.name, now)) return;
  const std::string target = request.request_uri.dialled();
  Relay relay{.from_browser = true, .request = message.request.id, .user = user.name};
  if (browser_edge_.FindUser(target, now).user) {
    SendToUser(std::move(relay),
               {.method = "MESSAGE",
                .user = target,
                .instance = InstanceOf(request),
                .caller = user.name,
                .display_name = "",
                .extras = BodyOf(request)},
               now);
    return;
  }
  const Way way = WayFor(router_, trunk_edge_, {user.name, user.tenant}, target);
  if (!way.trunk) {
    return Answer(true, relay.request, way.decision.status, sip::Sentence(way.decision.why), now);
  }
  spdlog::info("leg=browser message user={} to={} trunk={}", Redacted{user.name}, Redacted{target},
               way.trunk->name);
  relay.open = {trunk_edge_.SendRequest({.trunk = way.trunk->name,
                                         .number = way.number,
                                         .caller = ShownTo(*way.trunk, user),
                                         .user = user.name},
                                        "MESSAGE", BodyOf(request), now)};
  Await(std::move(relay), now);
}

// --- from trunks ---

// An account names its user; routes are for numbers.
std::string Messaging::UserOf(const trunk::TrunkRequest& request) const {
  const std::string& target = request.request.request.request_uri.user;
  return request.user.empty() ? router_.Inbound(request.trunk, target).user : request.user;
}

void Messaging::OnTrunkMessage(const trunk::TrunkRequest& message, TimePoint now) {
  if (IsTooLarge(false, message.request, now)) return;
  const sip::Message& request = message.request.request;
  SendToUser({.request = message.request.id},
             {.method = "MESSAGE",
              .user = UserOf(message),
              .instance = InstanceOf(request),
              .caller = request.from.uri.user,
              .display_name = request.from.display_name,
              .extras = BodyOf(request)},
             now);
}

void Messaging::OnTrunkNotify(const trunk::TrunkRequest& notify, TimePoint now) {
  const sip::Message& request = notify.request.request;
  if (IsTooLarge(false, notify.request, now)) return;
  const auto event = sip::Event::Of(request);
  if (!event || event->package != kMessageSummary) {
    sip::Extras extras = sip::Sentence("nobody has subscribed to this event");
    extras.headers.push_back({"Allow-Events", kMessageSummary});
    return Answer(false, notify.request.id, 489, std::move(extras), now);
  }
  // PBXs that need no subscription often say nothing of its state.
  const auto state = sip::SubscriptionState::Of(request).value_or(sip::SubscriptionState{});
  sip::Extras extras = BodyOf(request);
  extras.headers.push_back({"Event", event->ToString()});
  extras.headers.push_back({"Subscription-State", state.ToString()});
  SendToUser({.request = notify.request.id},
             {.method = "NOTIFY",
              .user = UserOf(notify),
              .instance = "",
              .caller = request.from.uri.user,
              .display_name = "",
              .extras = std::move(extras)},
             now);
}

void Messaging::SendToUser(Relay relay, const browser::BrowserEdge::RequestToUser& request,
                           TimePoint now) {
  auto sent = browser_edge_.SendToUser(request, now);
  if (!sent) {
    return Answer(relay.from_browser, relay.request, sent.error().status,
                  sip::Sentence(sent.error().reason), now);
  }
  spdlog::info("leg={} {} for user={}, who has {} browsers",
               relay.from_browser ? "browser" : "trunk", request.method, Redacted{request.user},
               sent->size());
  relay.to_browser = true;
  relay.open = *std::move(sent);
  Await(std::move(relay), now);
}

// --- in calls ---

void Messaging::OnMessageInCall(bool from_browser, const sip::IncomingRequest& message,
                                const std::string& user, sip::DialogId other, TimePoint now) {
  if (IsTooLarge(from_browser, message, now)) return;
  if (from_browser && IsTooFast(message, user, now)) return;
  Relay relay{.from_browser = from_browser,
              .to_browser = !from_browser,
              .request = message.id,
              .user = from_browser ? user : "",
              .in_call = true};
  sip::Extras extras = BodyOf(message.request);
  if (from_browser) {
    relay.open = {trunk_edge_.SendInDialog(other, "MESSAGE", std::move(extras), now)};
  } else {
    sip::UserAgent& agent = browser_edge_.user_agent();
    relay.open = {agent.SendInDialog(other, "MESSAGE", std::move(extras), now)};
  }
  Await(std::move(relay), now);
}

// --- answers ---

void Messaging::Await(Relay relay, TimePoint now) {
  const RelayId id = ids_.Next();
  for (const auto& request : relay.open) Open(relay.to_browser)[request] = id;
  if (!relay.user.empty()) ++senders_[relay.user].unanswered;
  deadlines_.Set(id, now + kAnswerWithin);
  relays_.emplace(id, std::move(relay));
}

void Messaging::Answer(bool to_browser, sip::ServerRequestId request, int status,
                       sip::Extras extras, TimePoint now) {
  const std::string sentence = extras.headers.empty() ? "" : extras.headers.front().value;
  spdlog::info("leg={} request answered {} {}", to_browser ? "browser" : "trunk", status, sentence);
  sip::UserAgent& agent = to_browser ? browser_edge_.user_agent() : trunk_edge_.user_agent();
  agent.Respond(request, status, std::move(extras), now);
}

bool Messaging::OnAnswered(bool by_browser, const sip::RequestAnswered& answered, TimePoint now) {
  const auto found = Open(by_browser).find(answered.id);
  if (found == Open(by_browser).end()) return false;
  const RelayId id = found->second;
  Open(by_browser).erase(found);
  Relay& relay = relays_.at(id);
  std::erase(relay.open, answered.id);
  const bool success = answered.status >= 200 && answered.status < 300;
  if (!success && (!relay.best_failure || RankOf(answered) < RankOf(*relay.best_failure))) {
    relay.best_failure = answered;
  }
  if (!success && !relay.open.empty()) return true;
  const std::string_view peer = by_browser ? "the browser" : "the trunk";
  RelayedAnswer relayed = RelayAnswer(success ? answered : *relay.best_failure, peer);
  Finish(id, relayed.status, std::move(relayed.extras), now);
  return true;
}

void Messaging::Finish(RelayId id, int status, sip::Extras extras, TimePoint now) {
  const Relay relay = std::move(relays_.at(id));
  relays_.erase(id);
  deadlines_.Clear(id);
  for (const auto& request : relay.open) Open(relay.to_browser).erase(request);
  if (!relay.user.empty()) --senders_.at(relay.user).unanswered;
  Answer(relay.from_browser, relay.request, relay.in_call ? StatusInCall(status) : status,
         std::move(extras), now);
}

void Messaging::OnTimer(TimePoint now) {
  while (const auto id = deadlines_.PopDue(now)) {
    Finish(*id, 408, sip::Sentence("nobody answered in time"), now);
  }
}

}  // namespace lastmile::app

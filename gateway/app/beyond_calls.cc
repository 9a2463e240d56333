#include "gateway/app/beyond_calls.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace lastmile::app {

BeyondCalls::BeyondCalls(browser::BrowserEdge& browser_edge, trunk::TrunkEdge& trunk_edge,
                         const Router& router)
    : browser_edge_(browser_edge),
      trunk_edge_(trunk_edge),
      messaging_(browser_edge, trunk_edge, router),
      subscriptions_(browser_edge, trunk_edge, router) {}

bool BeyondCalls::Take(const browser::BrowserEvent& event, TimePoint now) {
  if (const auto* request = std::get_if<browser::BrowserRequest>(&event)) {
    OnBrowserRequest(*request, now);
    return true;
  }
  if (const auto* answer = std::get_if<browser::BrowserAnswered>(&event)) {
    messaging_.OnAnswered(true, answer->answered, now) ||
        subscriptions_.OnAnswered(true, answer->answered, now);
    return true;
  }
  const auto* of_agent = std::get_if<sip::UserAgentEvent>(&event);
  const auto* in_dialog = of_agent ? std::get_if<sip::IncomingRequest>(of_agent) : nullptr;
  return in_dialog && subscriptions_.OnRequest(true, *in_dialog, now);
}

bool BeyondCalls::Take(const trunk::TrunkEvent& event, TimePoint now) {
  if (const auto* request = std::get_if<trunk::TrunkRequest>(&event)) {
    OnTrunkRequest(*request, now);
    return true;
  }
  const auto* of_agent = std::get_if<sip::UserAgentEvent>(&event);
  if (!of_agent) return false;
  if (const auto* answered = std::get_if<sip::RequestAnswered>(of_agent)) {
    return messaging_.OnAnswered(false, *answered, now) ||
           subscriptions_.OnAnswered(false, *answered, now);
  }
  const auto* in_dialog = std::get_if<sip::IncomingRequest>(of_agent);
  return in_dialog && subscriptions_.OnRequest(false, *in_dialog, now);
}

bool BeyondCalls::TakeInCall(const sip::UserAgentEvent& event, const InCall& call, TimePoint now) {
  const auto* request = std::get_if<sip::IncomingRequest>(&event);
  if (!request) return false;
  const std::string& method = request->request.method;
  sip::UserAgent& agent = call.from_browser ? browser_edge_.user_agent() : trunk_edge_.user_agent();
  if (method == "MESSAGE" && !call.is_up) {
    // Neither JsSIP (J13) nor every carrier bears requests in a dialog that is not confirmed.
    sip::Extras extras = sip::Sentence("the call is not up");
    extras.headers.push_back({"Retry-After", "1"});
    agent.Respond(request->id, 503, std::move(extras), now);
    return true;
  }
  if (method == "MESSAGE") {
    messaging_.OnMessageInCall(call.from_browser, *request, call.user, call.other, now);
    return true;
  }
  if (method != "SUBSCRIBE" && method != "NOTIFY") return false;
  // 481 to a SUBSCRIBE would say that the call is gone (RFC 5057 section 5.1).
  const int status = method == "SUBSCRIBE" ? 403 : 481;
  agent.Respond(request->id, status, sip::Sentence("there is no subscription in this dialog"), now);
  return true;
}

void BeyondCalls::OnBrowserRequest(const browser::BrowserRequest& request, TimePoint now) {
  if (!shut_down_reason_.empty()) {
    browser_edge_.user_agent().Respond(request.request.id, 503, sip::Sentence(shut_down_reason_),
                                       now);
  } else if (request.request.request.method == "MESSAGE") {
    messaging_.OnBrowserMessage(request, now);
  } else {
    subscriptions_.OnSubscribe(request, now);
  }
}

void BeyondCalls::OnTrunkRequest(const trunk::TrunkRequest& request, TimePoint now) {
  if (!shut_down_reason_.empty()) {
    trunk_edge_.user_agent().Respond(request.request.id, 503, sip::Sentence(shut_down_reason_),
                                     now);
  } else if (request.request.request.method == "MESSAGE") {
    messaging_.OnTrunkMessage(request, now);
  } else {
    messaging_.OnTrunkNotify(request, now);
  }
}

void BeyondCalls::ShutDown(std::string_view reason, TimePoint now) {
  shut_down_reason_ = reason;
  subscriptions_.ShutDown(now);
}

void BeyondCalls::OnTimer(TimePoint now) {
  messaging_.OnTimer(now);
  subscriptions_.OnTimer(now);
}

TimePoint BeyondCalls::next_timeout() const {
  return std::min(messaging_.next_timeout(), subscriptions_.next_timeout());
}

}  // namespace lastmile::app

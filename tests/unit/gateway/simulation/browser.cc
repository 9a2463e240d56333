#include "tests/unit/gateway/simulation/browser.h"

#include <algorithm>
#include <utility>

#include "gateway/sip/digest.h"
#include "tests/support/sdp_samples.h"
#include "tests/unit/gateway/simulation/carrier.h"

namespace lastmile::simulation {
namespace {

// The gateway keeps what it owes a browser for a minute.
constexpr Duration kOwed = 55s;

// What has to be the same in an answer that follows early media (J7).
std::string Essence(const std::string& sdp) {
  std::string essence;
  for (const char* start :
       {"m=", "a=mid:", "a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"}) {
    for (size_t at = sdp.find(start); at != std::string::npos; at = sdp.find(start, at + 1)) {
      const bool media = start[0] == 'm';
      essence += sdp.substr(at, sdp.find(media ? ' ' : '\r', at) - at) + "\n";
    }
  }
  return essence;
}

}  // namespace

void Browser::Start() {
  world_.In(world_.dice.Between(0s, 500ms), [this] { Connect(); });
}

// --- its connection ---

void Browser::Connect() {
  if (link()) return;
  link_ = &world_.Connect(*this, true);
  Register();
}

void Browser::Register() {
  sip::Message request;
  request.method = "REGISTER";
  request.request_uri.host = kDomain;
  request.from.uri = {.user = user_, .host = kDomain};
  request.from.params.Set("tag", user_ + "reg" + std::to_string(++ids_));
  request.to.uri = {.user = user_, .host = kDomain};
  request.call_id = user_ + "-register-" + std::to_string(page_);
  request.cseq = {static_cast<uint32_t>(++ids_), "REGISTER"};
  request.max_forwards = 69;
  sip::NameAddr contact = Contact();
  contact.params.Set("reg-id", "1");
  contact.params.Set("+sip.instance", "<urn:uuid:" + user_ + "-" + std::to_string(page_) + ">");
  contact.params.Set("expires", "600");
  request.contacts = {contact};
  FillRequest(request, *link_);
  register_ = std::move(request);
  challenged_ = false;
  Transmit(*link_, register_);
}

void Browser::Authorize(sip::Message& request, const sip::Message& challenge) {
  if (challenge.www_authenticates.empty()) return world_.Fail("a 401 without a challenge");
  auto credentials =
      sip::AnswerChallenge(challenge.www_authenticates.front(), {user_, kPassword}, request.method,
                           request.request_uri.ToString(), world_.dice);
  if (!credentials) return world_.Fail("a challenge nobody can answer");
  request.authorizations = {*std::move(credentials)};
  ++request.cseq.number;
  request.vias.front().params.Set("branch", Branch());
}

bool Browser::OnChallenge(Leg& leg, const sip::Message& response) {
  if (response.status != 401 || leg.failures++ > 0) return false;
  Authorize(leg.invite, response);
  leg.cseq = leg.invite.cseq.number;
  leg.provisional = false;
  Transmit(*leg.invite_link, leg.invite);
  return true;
}

// Answers to REGISTER.
bool Browser::OnOther(Link& link, const sip::Message& message) {
  if (message.is_request()) return false;
  if (message.cseq.method != "REGISTER" || message.status < 200 || &link != link_) return true;
  if (message.cseq.number != register_.cseq.number) return true;
  if (message.status == 401 && !std::exchange(challenged_, true)) {
    Authorize(register_, message);
    Transmit(link, register_);
  } else if (message.status != 200) {
    world_.Fail("a REGISTER is answered " + std::to_string(message.status));
  } else if (message.contacts.empty()) {
    world_.Fail("a REGISTER's 200 has no Contact (J2)");
  } else if (away_since_ != kNever) {
    ++world_.counts.rebound;
    for (Leg& leg : legs_) {
      if (world_.now - away_since_ > kOwed) leg.excused |= leg.disturbed;
    }
    away_since_ = kNever;
  }
  return true;
}

void Browser::OnLinkLost(Link& link) {
  if (&link != link_) return;
  Disturb(link);
  if (away_since_ == kNever) away_since_ = world_.now;
  if (world_.dice.Chance(20)) {  // never comes back
    for (Leg& leg : legs_) leg.excused = true;
    return;
  }
  // JsSIP's back-off, and sometimes a train in a tunnel.
  const Duration pause =
      world_.dice.Chance(90) ? world_.dice.Between(2s, 30s) : world_.dice.Between(30s, 90s);
  world_.In(pause, [this] { Connect(); });
}

// A new page knows nothing of the old one's calls.
void Browser::Reload() {
  for (Leg& leg : legs_) Over(leg);
  ++page_;
  if (Link* old = link()) world_.Break(*old);
}

void Browser::Misbehave(Leg&) {
  Link* on = link();
  if (!on) return;
  const size_t what = world_.dice.Below(100);
  if (what < 55) {
    world_.Break(*on);
  } else if (what < 65) {
    Reload();
  } else if (what < 80) {
    Register();
  } else if (what < 90) {
    world_.Send(*on, "\r\n\r\n");
  } else {
    world_.Send(*on, "INVITE sip:nothing SIP/2.0\r\nVia: \xff\xfe\r\n\r\n");
  }
}

// --- its calls ---

void Browser::Call(PlannedCall& plan) {
  sip::Message invite;
  invite.method = "INVITE";
  invite.request_uri = {.user = (plan.local ? "8" : "6") + std::to_string(plan.number),
                        .host = kDomain};
  invite.from.uri = {.user = user_, .host = kDomain};
  invite.from.params.Set("tag", user_ + "tag" + std::to_string(++ids_));
  invite.to.uri = invite.request_uri;
  invite.cseq.method = "INVITE";
  invite.max_forwards = 69;
  invite.contacts = {Contact()};
  invite.supported = {"timer", "ice", "replaces", "outbound"};
  invite.content_type = "application/sdp";
  invite.body = Sdp(true);
  Place(plan, std::move(invite));
}

std::string Browser::Sdp(bool offer) {
  static const std::string kOffer = testing::BrowserSdp();
  static const std::string kAnswer = testing::BrowserSdp("active", "0 101");
  std::string sdp = offer ? kOffer : kAnswer;
  static constexpr const char* kDirections[] = {"sendrecv", "sendonly", "inactive", "recvonly"};
  if (world_.dice.Chance(40)) {
    sdp.replace(sdp.find("a=sendrecv") + 2, 8, world_.dice.Of(kDirections));
  }
  return sdp;
}

sip::NameAddr Browser::Contact() const {
  sip::NameAddr contact;
  contact.uri.user = user_ + "contact" + std::to_string(page_);
  contact.uri.host = "hidden12345.invalid";
  contact.uri.params.Set("transport", "ws");
  return contact;
}

void Browser::FillRequest(sip::Message& request, Link&) {
  sip::Via via{.transport = "WSS", .sent_by = "hidden12345.invalid", .params = {}};
  via.params.Set("branch", Branch());
  request.vias = {via};
}

// --- what JsSIP does not bear ---

// To a number, or to the far end of another call of its own; and maybe gone at once.
bool Browser::Transfer(Leg& leg) {
  Dice& dice = world_.dice;
  const auto other = std::ranges::find_if(
      legs_, [&](const Leg& one) { return &one != &leg && one.state == Leg::State::kConfirmed; });
  const bool attended = other != legs_.end() && dice.Chance(60);
  sip::Message refer = Request(leg, "REFER");
  std::string target = (dice.Chance(90) ? "6" : "x") + std::to_string(leg.plan->number);
  target = "<sip:" + target + "@" + kDomain;
  if (attended) {
    target += "?Replaces=" + other->call_id + "%3Bto-tag%3D" + other->remote.tag() +
              "%3Bfrom-tag%3D" + other->local.tag();
    other->moved = other->plan->referred = true;
  }
  leg.moved = leg.plan->referred = true;
  refer.extra.push_back({"Refer-To", target + ">"});
  SendRequest(leg, std::move(refer));
  if (dice.Chance(30)) Later(leg, 500ms, [this](Leg& living) { Bye(living); });
  return true;
}

void Browser::Inspect(const sip::Message& message, const std::string& text) {
  if (!message.require.empty() || message.FindExtra("RSeq")) {
    return world_.Fail("a browser sees Require or RSeq (J5)");
  }
  if (message.status == 199 || message.status == 422) {
    return world_.Fail("a browser sees " + std::to_string(message.status));
  }
  for (const char* carriers : {"198.51.100", Carrier::kTrunk}) {
    const size_t at = text.find(carriers);
    if (at == std::string::npos) continue;
    const size_t line = text.rfind('\n', at) + 1;
    return world_.Fail("a browser sees the carrier's name or address: " +
                       text.substr(line, text.find('\r', at) - line));
  }
  if (message.is_request()) {
    const std::string* expires = message.FindExtra("Session-Expires");
    const bool timed = message.method == "INVITE" || message.method == "UPDATE";
    if (timed && (!expires || expires->find("refresher=uac") == std::string::npos)) {
      world_.Fail("a browser would refresh the session (J10)");
    }
    return;
  }
  if (message.vias.size() != 1) return world_.Fail("JsSIP drops answers with more than one Via");
  if (message.cseq.method == "INVITE") InspectAnswer(message, text);
}

void Browser::InspectAnswer(const sip::Message& message, const std::string&) {
  if (message.status <= 100 || message.status >= 300) return;
  if (message.contacts.empty()) return world_.Fail("an 18x or 2xx has no Contact");
  if (message.status >= 200) {
    const std::string* expires = message.FindExtra("Session-Expires");
    if (!expires || expires->find("refresher=uas") == std::string::npos) {
      return world_.Fail("a browser would refresh the session (J10)");
    }
    if (message.body.empty()) return world_.Fail("a 2xx without SDP (J8)");
  }
  Leg* leg = Find(message.call_id, message.from.tag());
  const bool first = leg && message.cseq.number == leg->invite.cseq.number && leg->caller;
  if (!first || message.body.empty() || leg->accepted) return;
  if (!leg->early_sdp.empty()) {
    if (message.status < 200) return world_.Fail("a second 18x with SDP (J6)");
    if (Essence(leg->early_sdp) != Essence(message.body)) {
      return world_.Fail("the 2xx's SDP is not the 18x's (J7)");
    }
  }
  leg->early_sdp = message.body;
}

}  // namespace lastmile::simulation

#include "tests/unit/gateway/simulation/carrier.h"

#include <algorithm>
#include <utility>

#include "tests/support/sdp_samples.h"

namespace lastmile::simulation {

void Carrier::Call(PlannedCall& plan, const std::string& user) {
  Place(plan, MakeInvite(plan, user));
}

sip::Message Carrier::MakeInvite(const PlannedCall& plan, const std::string& user) {
  sip::Message invite;
  invite.method = "INVITE";
  invite.request_uri = {.user = user, .host = "198.51.100.1"};
  invite.from.uri = {.user = "+1555" + std::to_string(plan.number), .host = "carrier.example"};
  invite.from.params.Set("tag", "carriertag" + std::to_string(++ids_));
  invite.to.uri = invite.request_uri;
  invite.cseq.method = "INVITE";
  invite.max_forwards = 70;
  invite.contacts = {Contact()};
  if (!world_.dice.Chance(5)) {  // else a late offer
    invite.content_type = "application/sdp";
    invite.body = Sdp(true);
  }
  return invite;
}

// By REFER, and maybe gone at once; or by an INVITE that takes the leg's place.
bool Carrier::Transfer(Leg& leg) {
  Dice& dice = world_.dice;
  leg.moved = true;
  if (dice.Chance(40)) {
    const bool swapped = dice.Chance(50);
    const std::string ours = swapped ? ";to-tag=" : ";from-tag=";
    const std::string theirs = swapped ? ";from-tag=" : ";to-tag=";
    sip::Message invite = MakeInvite(*leg.plan, "lastmile");
    invite.extra.push_back(
        {"Replaces", leg.call_id + ours + leg.local.tag() + theirs + leg.remote.tag()});
    Place(*leg.plan, std::move(invite));
    return true;
  }
  sip::Message refer = Request(leg, "REFER");
  const std::string number = std::to_string(leg.plan->number);
  const bool attended = dice.Chance(20);
  const std::string user = attended || dice.Chance(90) ? "6" + number : "7" + number;
  refer.extra.push_back(
      {"Refer-To", "<sip:" + user + "@" + kHost +
                       (attended ? "?Replaces=x%3Bto-tag%3D1%3Bfrom-tag%3D2>" : ">")});
  if (dice.Chance(10)) refer.extra.push_back({"Refer-Sub", "false"});
  SendRequest(leg, std::move(refer));
  if (dice.Chance(40)) Later(leg, 500ms, [this](Leg& living) { Bye(living); });
  return true;
}

// Any of its connections; carriers make a new one for a call when they like.
Link* Carrier::link() {
  std::erase_if(links_, [](const Link* link) { return !link->up; });
  if (unreachable_) return nullptr;
  if (links_.empty() || (links_.size() < 3 && world_.dice.Chance(10))) {
    links_.push_back(&world_.Connect(*this, false));
  }
  return links_[world_.dice.Below(links_.size())];
}

void Carrier::OnLinkLost(Link& link) {
  std::erase(links_, &link);
  Disturb(link);
}

std::string Carrier::Sdp(bool offer) {
  static constexpr const char* kFormats[] = {"0 101", "8 101", "0 8 101"};
  static constexpr const char* kDirections[] = {"sendrecv", "sendonly", "inactive", "recvonly"};
  Dice& dice = world_.dice;
  const char* direction = dice.Chance(70) ? "sendrecv" : dice.Of(kDirections);
  std::string sdp = testing::TrunkSdp(offer ? "0 8 101" : dice.Of(kFormats), direction);
  if (dice.Chance(2)) sdp.replace(sdp.find("m=audio"), 7, "m=audoi");
  if (dice.Chance(1)) sdp.clear();
  return sdp;
}

sip::NameAddr Carrier::Contact() const {
  sip::NameAddr contact;
  contact.uri = {.user = "carrier", .host = kHost, .port = 5070};
  return contact;
}

void Carrier::FillRequest(sip::Message& request, Link&) {
  sip::Via via{.transport = "TCP", .sent_by = "198.51.100.9:5070", .params = {}};
  via.params.Set("branch", Branch());
  request.vias = {via};
}

void Carrier::Inspect(const sip::Message& message, const std::string& text) {
  if (text.find(".invalid") != std::string::npos || text.find("ice-") != std::string::npos) {
    return world_.Fail("a carrier sees the browser");
  }
  if (message.is_request() && message.method != "ACK" && !message.max_forwards) {
    world_.Fail("a request without Max-Forwards");
  }
}

void Carrier::Misbehave(Leg&) {
  Link* on = link();
  if (!on) return;
  Dice& dice = world_.dice;
  const size_t what = dice.Below(100);
  if (what < 40) {
    world_.Break(*on);
  } else if (what < 50) {
    unreachable_ = true;
    for (Leg& leg : legs_) leg.excused = true;
    for (Link* each : std::vector<Link*>(links_)) world_.Break(*each);
  } else if (what < 75) {
    world_.Send(*on, dice.Chance(50) ? "\r\n\r\n" : "\r\n");
  } else {
    world_.Send(*on, "\x01\x02 what is this\r\n\r\n");
  }
}

}  // namespace lastmile::simulation

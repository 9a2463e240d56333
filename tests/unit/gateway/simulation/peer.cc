#include "tests/unit/gateway/simulation/peer.h"

#include <algorithm>
#include <utility>

namespace lastmile::simulation {
namespace {

constexpr Duration kT1 = 500ms;
constexpr Duration kPatience = 64 * kT1;
// By then an answer to a request is overdue.
constexpr Duration kAnswerDue = 40s;

// A second INVITE with the same branch would get its 2xx twice; a second REGISTER's credentials are
// spent.
bool IsRepeatable(const sip::Message& message) {
  return message.is_request() && message.method != "INVITE" && message.method != "REGISTER";
}

constexpr int kProvisionals[] = {180, 180, 183, 183, 183, 181, 182, 199};
constexpr int kFailures[] = {486, 480, 404, 403, 603, 500, 503, 302, 401, 407, 422, 408};

}  // namespace

// --- texts ---

std::string Peer::Describe(const std::string& bytes) {
  if (bytes.starts_with("\r\n")) return "keep-alive";
  const auto value = [&](const std::string& name) {
    const size_t at = bytes.find("\r\n" + name + ": ");
    if (at == std::string::npos) return std::string("?");
    const size_t from = at + name.size() + 4;
    return bytes.substr(from, bytes.find("\r\n", from) - from);
  };
  const std::string line = bytes.substr(0, std::min(bytes.find("\r\n"), size_t{50}));
  return line + "  [" + value("CSeq") + ", " + value("Call-ID").substr(0, 8) +
         (bytes.find("\r\nm=") == std::string::npos ? "" : ", SDP") + "]";
}

int Peer::NumberIn(const std::string& user) {
  for (std::string_view prefix : {"+1555", "6"}) {
    if (user.starts_with(prefix)) return std::atoi(user.c_str() + prefix.size());
  }
  return 0;
}

std::string Peer::Branch() { return "z9hG4bK" + name_ + std::to_string(++ids_); }

// --- what arrives ---

void Peer::OnBytes(Link& link, const std::string& bytes) {
  if (bytes.starts_with("\r\n")) return;
  const auto message = sip::Parse(bytes);
  if (!message) return world_.Fail("the gateway sends what cannot be read: " + bytes);
  Inspect(*message, bytes);
  if (message->is_request()) {
    OnRequest(link, *message);
  } else {
    OnResponse(link, *message);
  }
}

void Peer::OnLost(const std::string& bytes) {
  if (!bytes.starts_with("BYE ")) return;
  const auto message = sip::Parse(bytes);
  Leg* leg = message ? Find(message->call_id, message->to.tag()) : nullptr;
  if (leg) leg->excused = true;
}

Leg* Peer::Find(const std::string& call_id, const std::string& local_tag) {
  for (Leg& leg : legs_) {
    if (leg.call_id == call_id && leg.local.tag() == local_tag) return &leg;
  }
  return nullptr;
}

Ringing* Peer::FindRinging(const sip::Message& request) {
  const std::string branch = request.vias.front().branch();
  for (Ringing& ringing : ringing_) {
    if (ringing.invite.vias.front().branch() == branch) return &ringing;
  }
  return nullptr;
}

void Peer::OnRequest(Link& link, const sip::Message& request) {
  if (request.method == "ACK") return OnAck(request);
  if (request.method == "CANCEL") return OnCancel(link, request);
  if (request.to.tag().empty()) {
    if (request.method == "INVITE") return OnInvite(link, request);
    if (!OnOther(link, request)) Respond(link, request, 405, nullptr);
    return;
  }
  Leg* leg = Find(request.call_id, request.to.tag());
  if (!leg || leg->state == Leg::State::kOver) return Respond(link, request, 481, nullptr);
  if (request.cseq.number <= leg->remote_cseq) {
    if (leg->request_link == &link) return world_.Fail("a CSeq does not grow");
    // A later request has come before it over a newer connection (RFC 3261 section 12.2.2).
    return Respond(link, request, 500, leg);
  }
  leg->remote_cseq = request.cseq.number;
  leg->request_link = &link;
  if (request.method == "BYE") return OnBye(link, *leg, request);
  if (leg->state != Leg::State::kConfirmed) {
    return world_.Fail(request.method + " in a dialog that is not confirmed");  // J13
  }
  if (request.method == "INVITE") return OnReinvite(link, *leg, request);
  static constexpr int kAnswers[] = {200, 200, 200, 200, 200, 200, 405, 481, 500};
  const int status = world_.dice.Of(kAnswers);
  if (world_.dice.Chance(4)) return;
  Respond(link, request, status, leg);
}

void Peer::OnResponse(Link& link, const sip::Message& response) {
  const std::string& method = response.cseq.method;
  if (response.status >= 200) unanswered_.erase(response.vias.front().branch());
  Leg* leg = Find(response.call_id, response.from.tag());
  if (!leg) {
    OnOther(link, response);
    return;
  }
  if (method == "INVITE") {
    const bool first = leg->caller && response.cseq.number == leg->invite.cseq.number;
    return first ? OnInviteAnswered(*leg, response) : OnReinviteAnswered(*leg, response);
  }
  if (response.status < 200 || leg->state == Leg::State::kOver) return;
  if (method != "CANCEL" && (response.status == 481 || response.status == 408)) OnGone(*leg);
}

// The gateway says there is no such dialog: then it must be about to end the call, too.
void Peer::OnGone(Leg& leg) {
  const bool innocent = !leg.disturbed && !leg.moved && leg.state == Leg::State::kConfirmed;
  Over(leg);
  if (!innocent) return;
  world_.In(kAnswerDue, [this, &leg] {
    if (leg.plan->records == 0) world_.Fail("a call that goes on was answered 481");
  });
}

// --- what is sent ---

void Peer::Transmit(Link& link, const sip::Message& message) {
  world_.Send(link, sip::Print(message));
  if (world_.dice.Chance(2) && IsRepeatable(message)) {
    world_.Send(link, sip::Print(message));  // once more
  }
}

void Peer::Respond(Link& link, const sip::Message& request, int status, const Leg* leg,
                   std::string sdp) {
  sip::Message response =
      sip::MakeResponse(request, status, "", leg ? leg->local.tag() : name_ + "x");
  if (leg && status > 100 && status < 300) response.contacts = {Contact()};
  if (!sdp.empty()) {
    response.content_type = "application/sdp";
    response.body = std::move(sdp);
  }
  Transmit(link, response);
}

sip::Message Peer::Request(Leg& leg, const char* method) {
  sip::Message request;
  request.method = method;
  request.request_uri = leg.target;
  request.from = leg.local;
  request.to = leg.remote;
  request.call_id = leg.call_id;
  request.cseq = {++leg.cseq, method};
  request.max_forwards = 70;
  request.contacts = {Contact()};
  return request;
}

// Over the connection of the day. The gateway owes an answer.
bool Peer::SendRequest(Leg& leg, sip::Message request) {
  Link* on = link();
  if (!on) return false;
  FillRequest(request, *on);
  const std::string branch = request.vias.front().branch();
  unanswered_.insert(branch);
  world_.In(kAnswerDue, [this, &leg, branch, method = request.method, on] {
    if (unanswered_.contains(branch) && !leg.disturbed && on->up) {
      world_.Fail(name_ + " got no answer to its " + method);
    }
  });
  Transmit(*on, request);
  return true;
}

void Peer::Later(Leg& leg, Duration most, std::function<void(Leg&)> action) {
  world_.In(world_.dice.Between(0s, most), [&leg, action = std::move(action)] {
    if (leg.state != Leg::State::kOver) action(leg);
  });
}

void Peer::Over(Leg& leg) { leg.state = Leg::State::kOver; }

// --- as caller ---

void Peer::Place(PlannedCall& plan, sip::Message invite) {
  Link* on = link();
  if (!on) return;
  Dice& dice = world_.dice;
  Leg& leg = legs_.emplace_back();
  leg.plan = &plan;
  leg.caller = true;
  leg.call_id = invite.call_id = name_ + "-call-" + std::to_string(++ids_);
  leg.local = invite.from;
  leg.remote = invite.to;
  leg.target = invite.request_uri;
  leg.cseq = invite.cseq.number = 1;
  leg.invite_link = on;
  FillRequest(invite, *on);
  leg.invite = std::move(invite);
  OnLeg(leg);
  Transmit(*on, leg.invite);
  const Duration patience = dice.Chance(20) ? dice.Between(0s, 8s) : 240s;
  world_.In(patience, [this, &leg] {
    if (leg.state != Leg::State::kTrying) return;
    leg.gives_up = true;
    if (leg.provisional) Cancel(leg);
  });
  // What has no final answer by then is stuck: the gateway's own timers are shorter.
  world_.In(300s, [this, &leg] {
    if (leg.state == Leg::State::kTrying) world_.Fail(name_ + " never got an answer to its INVITE");
  });
}

void Peer::Cancel(Leg& leg) {
  if (leg.cancel_sent || !leg.invite_link->up) return;
  leg.cancel_sent = true;
  sip::Message cancel = leg.invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  cancel.body.clear();
  cancel.content_type.clear();
  cancel.contacts.clear();
  Transmit(*leg.invite_link, cancel);
}

sip::Message Peer::AckOf(Leg& leg, const sip::Message& response) {
  sip::Message ack = Request(leg, "ACK");
  --leg.cseq;
  ack.cseq.number = response.cseq.number;
  ack.to = response.to;
  if (response.status >= 300) {
    ack.vias = response.vias;
    ack.request_uri = leg.invite.request_uri;
  }
  return ack;
}

void Peer::OnInviteAnswered(Leg& leg, const sip::Message& response) {
  if (response.status < 200) {
    leg.provisional = true;
    if (leg.gives_up) Cancel(leg);
    return;
  }
  if (response.status < 300) return OnAccepted(leg, response);
  if (leg.state == Leg::State::kOver) return world_.Fail("a second final answer to an INVITE");
  if (!leg.invite_link->up) return;
  Transmit(*leg.invite_link, AckOf(leg, response));
  if (!leg.gives_up && OnChallenge(leg, response)) return;
  Over(leg);
}

void Peer::OnAccepted(Leg& leg, const sip::Message& response) {
  Dice& dice = world_.dice;
  sip::Message ack = AckOf(leg, response);
  if (leg.accepted) {
    if (response.to.tag() != leg.remote.tag()) return world_.Fail("two 2xx with two tags");
    if (name_ != "carrier") return world_.Fail("a browser gets a second 2xx (J9)");
    if (leg.state == Leg::State::kOver || leg.acked == 0) return;
  }
  const bool again = std::exchange(leg.accepted, true);
  leg.remote = response.to;
  if (!response.contacts.empty()) leg.target = response.contacts.front().uri;
  ack.request_uri = leg.target;
  FillRequest(ack, *leg.invite_link);
  const auto send_ack = [this, &leg, ack = std::move(ack)] {
    leg.acked = ack.cseq.number;
    if (leg.invite_link->up) Transmit(*leg.invite_link, ack);
  };
  if (again) return send_ack();
  leg.state = Leg::State::kConfirmed;
  const size_t fate = dice.Below(100);
  if (fate < 2 && !leg.gives_up) return;  // never: the gateway has to end it
  if (fate < 6 && !leg.gives_up) {
    world_.In(dice.Between(0s, 5s), send_ack);
  } else {
    send_ack();
  }
  if (leg.gives_up) return Bye(leg);
  Live(leg, static_cast<int>(dice.Below(4)));
}

// --- as callee ---

void Peer::OnInvite(Link& link, const sip::Message& request) {
  const std::string& user = name_ == "carrier" ? request.request_uri.user : request.from.uri.user;
  PlannedCall* plan = world_.FindPlan(NumberIn(user));
  if (!plan) return world_.Fail("an INVITE for nobody: " + user);
  ringing_.push_back({.link = &link, .invite = request, .plan = plan, .came = world_.now});
  Ringing& ringing = ringing_.back();
  if (world_.dice.Chance(3)) return;  // does not react at all
  world_.In(world_.dice.Between(0s, 300ms), [this, &ringing] { Ring(ringing, 0); });
}

Leg& Peer::Fork(Ringing& ringing) {
  Dice& dice = world_.dice;
  const size_t count = ringing.forks.size();
  if (count > 0 && (count >= most_forks() || !dice.Chance(40))) {
    return *ringing.forks[dice.Below(count)];
  }
  Leg& leg = legs_.emplace_back();
  leg.plan = ringing.plan;
  leg.state = Leg::State::kRinging;
  leg.call_id = ringing.invite.call_id;
  leg.local = ringing.invite.to;
  leg.local.params.Set("tag", name_ + "fork" + std::to_string(++ids_));
  leg.remote = ringing.invite.from;
  leg.remote_cseq = ringing.invite.cseq.number;
  leg.cseq = 100;
  leg.invite_link = ringing.link;
  if (!ringing.invite.contacts.empty()) leg.target = ringing.invite.contacts.front().uri;
  ringing.forks.push_back(&leg);
  OnLeg(leg);
  return leg;
}

void Peer::Ring(Ringing& ringing, int step) {
  Dice& dice = world_.dice;
  if (ringing.final_sent || !ringing.link->up || ringing.cancelled_at != kNever) return;
  const size_t what = dice.Below(100);
  if (step > 4 || what < 35) {
    Answer(ringing);
  } else if (what < 50) {
    ringing.answered_1xx = true;
    Respond(*ringing.link, ringing.invite, 100, nullptr);
  } else {
    ringing.answered_1xx = true;
    const int status = dice.Of(kProvisionals);
    const bool sdp = status == 183 ? dice.Chance(80) : dice.Chance(10);
    Respond(*ringing.link, ringing.invite, status, &Fork(ringing), sdp ? Sdp(false) : "");
  }
  if (dice.Chance(2)) return;  // rings until it is cancelled
  const Duration pause = dice.Chance(10) ? dice.Between(0s, 40s) : dice.Between(0s, 3s);
  world_.In(pause, [this, &ringing, step] { Ring(ringing, step + 1); });
}

void Peer::Answer(Ringing& ringing) {
  if (world_.dice.Chance(25)) return Reject(ringing, world_.dice.Of(kFailures));
  Leg& leg = Fork(ringing);
  Accept(ringing, leg);
  if (most_forks() < 2 || !world_.dice.Chance(15)) return;
  world_.In(world_.dice.Between(0s, 2s), [this, &ringing] {
    if (!ringing.link->up) return;
    Leg& other = Fork(ringing);
    if (other.accepted) return;
    other.loser = true;
    // A call that is over by then is forgotten: nobody ACKs what still comes of it.
    const auto over = [](const Leg* fork) {
      return fork->accepted && fork->state == Leg::State::kOver;
    };
    other.excused = std::ranges::any_of(ringing.forks, over);
    Accept(ringing, other);
  });
}

// The gateway's transaction is over by now.
bool Peer::IsLate(const Ringing& ringing) const {
  const Duration waited = world_.now - ringing.came;
  const bool forgotten =
      ringing.cancelled_at != kNever && world_.now - ringing.cancelled_at > kPatience - 5s;
  return (!ringing.answered_1xx && waited > kPatience - 5s) || forgotten || waited > 170s;
}

void Peer::Accept(Ringing& ringing, Leg& leg) {
  const bool late = IsLate(ringing);
  ringing.final_sent = ringing.accepted = true;
  for (Leg* fork : ringing.forks) {
    if (fork->state == Leg::State::kRinging) Over(*fork);  // a proxy cancels the others
  }
  leg.state = Leg::State::kUnacked;
  leg.accepted = true;
  if (late) leg.excused = true;
  RepeatAccept(ringing, leg, kT1, kPatience);
}

void Peer::RepeatAccept(Ringing& ringing, Leg& leg, Duration interval, Duration left) {
  if (leg.state != Leg::State::kUnacked || !ringing.link->up) return;
  if (left <= 0s) {
    if (!leg.excused && !leg.disturbed) return world_.Fail(name_ + "'s 2xx was never ACKed");
    return Bye(leg);
  }
  if (leg.invite.body.empty()) leg.invite.body = Sdp(false);
  Respond(*ringing.link, ringing.invite, 200, &leg, leg.invite.body);
  const Duration wait = std::min(interval, left);
  world_.In(wait, [this, &ringing, &leg, wait, left] {
    RepeatAccept(ringing, leg, std::min(2 * wait, Duration(4s)), left - wait);
  });
}

void Peer::Reject(Ringing& ringing, int status) {
  if (ringing.final_sent || !ringing.link->up) return;
  const bool late = IsLate(ringing);
  ringing.final_sent = ringing.rejected = true;
  Respond(*ringing.link, ringing.invite, status, &Fork(ringing));
  for (Leg* leg : ringing.forks) Over(*leg);
  world_.In(kAnswerDue, [this, &ringing, late] {
    if (!late && !ringing.acked && ringing.link->up) world_.Fail("a failure was never ACKed");
  });
}

void Peer::OnAck(const sip::Message& ack) {
  Ringing* ringing = FindRinging(ack);
  if (ringing && ringing->rejected) {
    ringing->acked = true;
    return;
  }
  Leg* leg = Find(ack.call_id, ack.to.tag());
  if (!leg) return;
  leg->acked = ack.cseq.number;
  if (leg->state != Leg::State::kUnacked) return;
  leg->state = Leg::State::kConfirmed;
  if (!leg->loser) Live(*leg, static_cast<int>(world_.dice.Below(4)));
}

void Peer::OnCancel(Link& link, const sip::Message& cancel) {
  Ringing* ringing = FindRinging(cancel);
  if (!ringing && reinvites_.contains(cancel.vias.front().branch())) {
    return Respond(link, cancel, 200, nullptr);
  }
  if (!ringing) return world_.Fail("a CANCEL of nothing");
  if (!ringing->answered_1xx) return world_.Fail("a CANCEL before any 1xx");
  Dice& dice = world_.dice;
  ringing->cancelled_at = world_.now;
  ++world_.counts.cancelled;
  if (dice.Chance(95)) Respond(link, cancel, 200, nullptr);
  if (ringing->final_sent) return;
  for (Leg* leg : ringing->forks) Over(*leg);
  const size_t fate = dice.Below(100);
  if (fate < 12) {
    Accept(*ringing, Fork(*ringing));
  } else if (fate < 92) {
    const Duration pause = fate < 17 ? 20s : dice.Between(0s, 200ms);
    world_.In(pause, [this, ringing] { Reject(*ringing, 487); });
  }
}

// --- in a conversation ---

void Peer::Live(Leg& leg, int actions) {
  if (actions > 0) {
    return Later(leg, 12s, [this, actions](Leg& living) {
      Act(living);
      Live(living, actions - 1);
    });
  }
  const HangsUp mine = leg.caller ? HangsUp::kCaller : HangsUp::kCallee;
  if (leg.plan->hangs_up == mine) Later(leg, 30s, [this](Leg& living) { Bye(living); });
}

void Peer::Act(Leg& leg) {
  if (leg.state != Leg::State::kConfirmed) return;
  static constexpr const char* kMethods[] = {"UPDATE",  "UPDATE", "INFO",      "INFO",
                                             "OPTIONS", "REFER",  "SUBSCRIBE", "MESSAGE"};
  const size_t what = world_.dice.Below(100);
  if (what < 35) {
    Reinvite(leg);
  } else if (what < 40) {
    sip::Message update = Request(leg, "UPDATE");
    update.content_type = "application/sdp";
    update.body = Sdp(true);
    SendRequest(leg, std::move(update));
  } else if (what < 58 && Transfer(leg)) {
    return;
  } else if (what < 70) {
    SendRequest(leg, Request(leg, world_.dice.Of(kMethods)));
  } else {
    Misbehave(leg);
  }
}

void Peer::Reinvite(Leg& leg) {
  if (leg.reinviting) return;
  sip::Message invite = Request(leg, "INVITE");
  invite.content_type = "application/sdp";
  invite.body = Sdp(true);
  leg.reinviting = SendRequest(leg, std::move(invite));
}

void Peer::OnReinviteAnswered(Leg& leg, const sip::Message& response) {
  if (response.status < 200) return;
  leg.reinviting = false;
  Link* on = link();
  if (!on) return;
  sip::Message ack = AckOf(leg, response);
  if (response.status < 300) FillRequest(ack, *on);
  if (!world_.dice.Chance(2)) Transmit(*on, ack);
  if (leg.state == Leg::State::kOver) return;
  if (response.status == 481 || response.status == 408) OnGone(leg);
}

void Peer::OnReinvite(Link& link, Leg& leg, const sip::Message& request) {
  ++world_.counts.reoffers;
  reinvites_.insert(request.vias.front().branch());
  Dice& dice = world_.dice;
  const size_t fate = dice.Below(100);
  if (fate < 2) return;  // not a word
  if (fate < 5) return Respond(link, request, 100, &leg);
  static constexpr int kRefusals[] = {488, 491, 500, 481, 603};
  int status = fate < 80 ? 200 : dice.Of(kRefusals);
  if (leg.reinviting) status = 491;
  if (status == 481) Over(leg);
  const Duration pause = dice.Chance(10) ? dice.Between(0s, 20s) : dice.Between(0s, 300ms);
  world_.In(pause, [this, &link, &leg, request, status] {
    if (!link.up) return;
    Respond(link, request, status, &leg, status == 200 ? Sdp(false) : "");
    if (status == 200) ExpectAck(leg, request.cseq.number);
  });
}

void Peer::ExpectAck(Leg& leg, uint32_t cseq) {
  world_.In(kAnswerDue, [this, &leg, cseq] {
    const bool alive = leg.state == Leg::State::kConfirmed && !leg.disturbed && !leg.excused;
    if (alive && leg.acked < cseq) world_.Fail("the 2xx to a re-INVITE was never ACKed");
  });
}

void Peer::OnBye(Link& link, Leg& leg, const sip::Message& bye) {
  if (leg.state == Leg::State::kTrying || leg.state == Leg::State::kRinging) {
    return world_.Fail("a BYE in an early dialog");
  }
  if (leg.state == Leg::State::kUnacked && !leg.disturbed) {
    return world_.Fail("a BYE without an ACK before");
  }
  Over(leg);
  if (!world_.dice.Chance(4)) Respond(link, bye, 200, &leg);
}

void Peer::Bye(Leg& leg) {
  SendRequest(leg, Request(leg, "BYE"));
  Over(leg);
}

bool Peer::HangUp(int number) {
  if (!link()) return false;
  for (Leg& leg : legs_) {
    if (leg.plan->number != number || leg.state != Leg::State::kConfirmed) continue;
    Bye(leg);
    return true;
  }
  return false;
}

// --- the end ---

void Peer::Disturb(const Link& link) {
  for (Leg& leg : legs_) {
    if (leg.state == Leg::State::kOver) continue;
    leg.disturbed = true;
    leg.reinviting = false;
    const bool early = leg.state == Leg::State::kTrying || leg.state == Leg::State::kRinging ||
                       leg.state == Leg::State::kUnacked;
    if (early && leg.invite_link == &link) Over(leg);
  }
}

bool Peer::Disturbed(int number) const {
  return std::ranges::any_of(
      legs_, [&](const Leg& leg) { return leg.plan->number == number && leg.disturbed; });
}

std::vector<const Leg*> Peer::LiveLegs() const {
  std::vector<const Leg*> live;
  for (const Leg& leg : legs_) {
    if (leg.state != Leg::State::kOver && !leg.excused) live.push_back(&leg);
  }
  return live;
}

void Peer::CheckEnd() {
  for (const Leg* leg : LiveLegs()) {
    return world_.Fail(fmt::format("{}'s leg of call {} was never told the end ({}, {})", name_,
                                   leg->plan->number, leg->call_id, leg->local.tag()));
  }
  for (const Ringing& ringing : ringing_) {
    const bool told = ringing.final_sent || ringing.cancelled_at != kNever;
    if (ringing.answered_1xx && !told && ringing.link->up) {
      return world_.Fail(name_ + " was never told to stop ringing");
    }
  }
  for (const Leg& leg : legs_) {
    ++world_.counts.legs;
    if (leg.excused) ++world_.counts.excused;
    if (leg.accepted && leg.caller && leg.plan->records != leg.plan->records_due()) {
      return world_.Fail("an answered call has no record");
    }
  }
}

}  // namespace lastmile::simulation

#ifndef LASTMILE_TESTS_UNIT_GATEWAY_SIP_UA_SUPPORT_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_SIP_UA_SUPPORT_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/sip/user_agent.h"

namespace lastmile::sip {

inline Uri MakeUri(std::string_view user, std::string_view host) {
  Uri uri;
  uri.user = user;
  uri.host = host;
  return uri;
}

inline NameAddr MakeAddr(std::string_view user, std::string_view host, std::string_view tag = "") {
  NameAddr addr;
  addr.uri = MakeUri(user, host);
  if (!tag.empty()) addr.params.Set("tag", tag);
  return addr;
}

inline FlowInfo MakeFlow(std::string_view host, uint64_t owner) {
  FlowInfo info;
  info.via_transport = "TCP";
  info.via_sent_by = std::string(host) + ":5060";
  info.contact = MakeUri("gw", host);
  info.owner = owner;
  return info;
}

inline Extras Body(std::string_view text) {
  return {.content_type = "application/sdp", .body = std::string(text)};
}

// A request of a scripted peer: Call-ID "call-1", its tag "theirs".
inline Message MakePeerRequest(std::string_view method, uint32_t cseq, std::string_view branch,
                               std::string_view to_tag = "") {
  Message request;
  request.method = method;
  request.request_uri = MakeUri("600", "gw.example");
  Via via;
  via.transport = "TCP";
  via.sent_by = "peer.example";
  via.params.Set("branch", branch);
  request.vias.push_back(via);
  request.from = MakeAddr("bob", "peer.example", "theirs");
  request.to = MakeAddr("600", "gw.example", to_tag);
  request.call_id = "call-1";
  request.cseq = {cseq, std::string(method)};
  request.max_forwards = 70;
  request.contacts.push_back(MakeAddr("bob", "contact.example"));
  return request;
}

inline const char* NameOf(const UserAgentEvent& event) {
  static constexpr const char* kNames[] = {"IncomingInvite",  "IncomingRequest", "InviteProgress",
                                           "InviteAccepted",  "InviteRejected",  "InviteAcked",
                                           "InviteCancelled", "DialogEnded",     "RequestAnswered"};
  return kNames[event.index()];
}

// One user agent with its own clock's view: runs every timer at its very time.
struct TestUa {
  explicit TestUa(uint64_t seed, UserAgentOptions options = {})
      : random(seed), ua(std::move(options), random) {}

  // Runs the timers up to `until`.
  void RunTimers(TimePoint until) {
    for (TimePoint next = ua.next_timeout(); next <= until; next = ua.next_timeout()) {
      ua.OnTimer(next);
    }
  }

  void Collect() {
    for (UserAgentEvent& event : ua.TakeEvents()) events.push_back(std::move(event));
  }

  // The oldest event, which must be an E.
  template <class E>
  E Take() {
    Collect();
    if (events.empty()) {
      ADD_FAILURE() << "no event";
      return {};
    }
    UserAgentEvent event = std::move(events.front());
    events.pop_front();
    if (!std::holds_alternative<E>(event)) {
      ADD_FAILURE() << "unexpected event: " << NameOf(event);
      return {};
    }
    return std::get<E>(std::move(event));
  }

  bool Quiet() {
    Collect();
    for (const UserAgentEvent& event : events) ADD_FAILURE() << "left over: " << NameOf(event);
    return events.empty();
  }

  SeededRandom random;
  UserAgent ua;
  std::deque<UserAgentEvent> events;
};

inline UserAgentOptions TestOptions() {
  UserAgentOptions options;
  options.allow = {"INVITE", "ACK", "BYE", "CANCEL", "INFO", "UPDATE"};
  return options;
}

// One user agent against a script: flow 1 belongs to owner 7.
struct Solo : TestUa {
  explicit Solo(UserAgentOptions options = TestOptions()) : TestUa(1, std::move(options)) {
    ua.AddFlow(flow, MakeFlow("gw.example", 7));
  }

  void Receive(Message message) { ReceiveOn(flow, std::move(message)); }
  void ReceiveOn(FlowId on, Message message) { ua.OnMessage(on, std::move(message), now); }

  // The oldest message sent.
  Message Sent() {
    for (OutgoingMessage& sent : ua.TakeOutgoing()) outgoing.push_back(std::move(sent));
    if (outgoing.empty()) {
      ADD_FAILURE() << "nothing was sent";
      return {};
    }
    last_flow = outgoing.front().flow;
    Message message = std::move(outgoing.front().message);
    outgoing.pop_front();
    return message;
  }
  // The oldest message sent, which must be this request or this response.
  Message Sent(std::string_view method) {
    Message message = Sent();
    EXPECT_TRUE(message.is_request());
    EXPECT_EQ(message.method, method);
    return message;
  }
  Message Sent(int status) {
    Message message = Sent();
    EXPECT_EQ(message.status, status) << message.method;
    return message;
  }
  bool Silent() {
    for (OutgoingMessage& sent : ua.TakeOutgoing()) outgoing.push_back(std::move(sent));
    for (const OutgoingMessage& sent : outgoing) {
      ADD_FAILURE() << "sent: " << sent.message.method << sent.message.status;
    }
    return outgoing.empty() && Quiet();
  }
  bool Empty() {
    EXPECT_EQ(ua.gauges().transactions, 0u);
    EXPECT_EQ(ua.gauges().dialogs, 0u);
    EXPECT_EQ(ua.next_timeout(), kNever);
    return Silent();
  }
  void Advance(Duration duration) {
    now += duration;
    RunTimers(now);
  }

  // A response of the peer to a request of ours, with a Contact.
  static Message Answer(const Message& request, int status, std::string_view tag = "fork") {
    Message response = MakeResponse(request, status, "", tag);
    response.contacts.push_back(MakeAddr("bob", "contact.example"));
    return response;
  }

  const FlowId flow{1};
  FlowId last_flow;
  TimePoint now = TimePoint(1h);
  std::deque<OutgoingMessage> outgoing;
};

// Two user agents, wired by flows that keep the order of their messages. What both sides send
// before Run() crosses on the way.
class Pair {
 public:
  explicit Pair(uint64_t seed = 1) : a(2 * seed, TestOptions()), b(2 * seed + 1, TestOptions()) {}

  FlowId Connect(uint64_t owner = 7) {
    const FlowId flow = flows_.Next();
    FlowInfo of_a = MakeFlow("a.example", owner);
    FlowInfo of_b = MakeFlow("b.example", owner);
    of_a.prack = prack_of_a;
    of_b.prack = prack_of_b;
    a.ua.AddFlow(flow, std::move(of_a));
    b.ua.AddFlow(flow, std::move(of_b));
    wires_[flow];
    return flow;
  }

  // A flow of somebody else's to one side only; what is sent to him is gone.
  FlowId ConnectStranger(TestUa& side, uint64_t owner = 66) {
    const FlowId flow = flows_.Next();
    side.ua.AddFlow(flow, MakeFlow("m.example", owner));
    return flow;
  }

  // What is on the way is lost; both sides are told.
  void Disconnect(FlowId flow) {
    wires_.erase(flow);
    a.ua.RemoveFlow(flow, now);
    b.ua.RemoveFlow(flow, now);
    Pump();
  }

  // Takes what both sides have sent, without delivering it.
  void Pump() {
    for (OutgoingMessage& sent : a.ua.TakeOutgoing()) Enqueue(std::move(sent), true);
    for (OutgoingMessage& sent : b.ua.TakeOutgoing()) Enqueue(std::move(sent), false);
    a.Collect();
    b.Collect();
  }

  // Delivers the oldest message of a flow. False: there is none.
  bool Deliver(FlowId flow) {
    const auto wire = wires_.find(flow);
    if (wire == wires_.end() || wire->second.empty()) return false;
    auto [to_b, message] = std::move(wire->second.front());
    wire->second.pop_front();
    (to_b ? b : a).ua.OnMessage(flow, std::move(message), now);
    Pump();
    return true;
  }

  void Run() {
    Pump();
    bool moved = true;
    while (moved) {
      moved = false;
      for (FlowId flow : Flows()) moved |= Deliver(flow);
    }
  }

  // Lets the time pass while everything on the way stays there.
  void AdvanceWithoutDelivery(Duration duration) {
    now += duration;
    a.RunTimers(now);
    b.RunTimers(now);
    Pump();
  }

  // Lets the time pass, timers and deliveries at their very time.
  void Advance(Duration duration) {
    const TimePoint until = now + duration;
    Run();
    for (;;) {
      const TimePoint next = std::min(a.ua.next_timeout(), b.ua.next_timeout());
      if (next > until) break;
      now = std::max(now, next);
      a.ua.OnTimer(now);
      b.ua.OnTimer(now);
      Run();
    }
    now = until;
  }

  // Everything sent so far, with who sent it (true: a).
  const std::vector<std::pair<bool, Message>>& sent() const { return sent_; }

  std::vector<FlowId> Flows() const {
    std::vector<FlowId> flows;
    for (const auto& wire : wires_) flows.push_back(wire.first);
    return flows;
  }

  size_t waiting(FlowId flow) const {
    const auto wire = wires_.find(flow);
    return wire == wires_.end() ? 0 : wire->second.size();
  }

  // What was sent, lost or not: "> INVITE" by a, "< 200 INVITE" by b ...
  std::vector<std::string> log;
  bool through_codec = true;
  bool mute = false;  // what is sent from now on is lost, and nobody is told
  TimePoint now{};
  Prack prack_of_a = Prack::kNone;  // on flows from now on
  Prack prack_of_b = Prack::kNone;
  TestUa a;
  TestUa b;

 private:
  void Enqueue(OutgoingMessage sent, bool from_a) {
    const Message& m = sent.message;
    const std::string text =
        m.is_request() ? m.method : std::to_string(m.status) + " " + m.cseq.method;
    log.push_back((from_a ? "> " : "< ") + text);
    const auto wire = wires_.find(sent.flow);
    if (wire == wires_.end() || mute) return;
    if (through_codec) {
      // What we send is a message for our own reader, and means the same after it.
      auto parsed = Parse(Print(sent.message));
      ASSERT_TRUE(parsed) << parsed.error().reason << "\n" << Print(sent.message);
      sent.message = std::move(*parsed);
    }
    sent_.push_back({from_a, sent.message});
    wire->second.emplace_back(from_a, std::move(sent.message));
  }

  IdSource<FlowId> flows_;
  std::vector<std::pair<bool, Message>> sent_;
  std::map<FlowId, std::deque<std::pair<bool, Message>>> wires_;
};

inline InviteRequest MakeInvite(std::string_view sdp = "offer") {
  InviteRequest invite;
  invite.request_uri = MakeUri("600", "b.example");
  invite.from = MakeAddr("alice", "a.example");
  invite.to = MakeAddr("600", "b.example");
  invite.extras = Body(sdp);
  return invite;
}

inline void ExpectNothingLeft(Pair& pair) {
  EXPECT_TRUE(pair.a.Quiet());
  EXPECT_TRUE(pair.b.Quiet());
  for (UserAgent* ua : {&pair.a.ua, &pair.b.ua}) {
    EXPECT_EQ(ua->gauges().transactions, 0u);
    EXPECT_EQ(ua->gauges().dialogs, 0u);
    EXPECT_EQ(ua->next_timeout(), kNever);
  }
}

}  // namespace lastmile::sip

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_SIP_UA_SUPPORT_H_

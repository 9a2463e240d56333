#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gateway/sip/codec.h"
#include "gateway/trunk/trunk_edge.h"

// Session timers of a trunk's dialogs (RFC 4028) for each way a trunk may be configured.
namespace lastmile::trunk {
namespace {

using ::testing::Contains;
using ::testing::Not;

class TrunkSession : public ::testing::Test {
 protected:
  void Make(SessionTimers mode) {
    TrunkOptions options;
    options.local_host = "198.51.100.1";
    options.trunks.push_back({.name = "acme", .host = "198.51.100.9", .session_timer = mode});
    edge = std::make_unique<TrunkEdge>(std::move(options), random);
    sent.clear();
  }
  void Pump() {
    for (TrunkEvent& event : edge->TakeEvents(now)) events.push_back(std::move(event));
    for (const TrunkOutput& output : edge->TakeOutputs()) {
      const auto* bytes = std::get_if<SendBytes>(&output);
      if (bytes && !bytes->bytes.starts_with("\r\n")) sent.push_back(*sip::Parse(bytes->bytes));
      if (bytes) flow = bytes->flow;
    }
  }
  sip::Message Sent() {
    Pump();
    if (sent.empty()) return {};
    sip::Message message = std::move(sent.front());
    sent.pop_front();
    return message;
  }
  void Receive(const sip::Message& message) {
    edge->OnStreamBytes(flow, AsBytes(sip::Print(message)), now);
    Pump();
  }
  void Wait(Duration duration) {
    const TimePoint end = now + duration;
    while (edge->next_timeout() <= end) {
      now = std::max(now, edge->next_timeout());
      edge->OnTimer(now);
      Pump();
    }
    now = end;
  }
  // A call of ours that is answered with these headers, and ACKed.
  void Connect(std::vector<sip::Header> headers) {
    dialog = edge->PlaceCall({.trunk = "acme", .number = "600", .caller = "1", .offer = "o"}, now);
    invite = Sent();
    sip::Message ok = sip::MakeResponse(invite, 200, "", "theirs");
    ok.contacts.emplace_back();
    ok.contacts.back().uri.host = "198.51.100.9";
    ok.allow = {"INVITE", "UPDATE"};
    ok.extra = std::move(headers);
    Receive(ok);
    edge->user_agent().Ack(dialog, {}, now);
    Sent();
  }
  sip::Message InviteOf(std::vector<std::string> supported, std::vector<std::string> require) {
    sip::Message call;
    call.method = "INVITE";
    call.request_uri.user = "alice";
    call.request_uri.host = "198.51.100.1";
    call.vias = {{.transport = "TCP", .sent_by = "198.51.100.9"}};
    call.vias[0].params.Set("branch", "z9hG4bKcall" + std::to_string(++calls));
    call.from.uri.host = call.to.uri.host = "carrier.example";
    call.from.params.Set("tag", "theirs");
    call.call_id = "call" + std::to_string(calls);
    call.cseq = {1, "INVITE"};
    call.contacts.emplace_back();
    call.contacts.back().uri.host = "198.51.100.9";
    call.supported = std::move(supported);
    call.require = std::move(require);
    return call;
  }
  // The final answer to an INVITE of the trunk; of status 0: it is for the call to answer.
  sip::Message AnswerTo(const sip::Message& call) {
    flow = edge->OnInboundStream(*Endpoint::Parse("198.51.100.9:4000"), false);
    Receive(call);
    sip::Message answer = Sent();
    return answer.status == 100 ? Sent() : answer;
  }

  SeededRandom random{1};
  std::unique_ptr<TrunkEdge> edge;
  TimePoint now{};
  sip::FlowId flow;
  sip::DialogId dialog;
  int calls = 0;
  sip::Message invite;
  std::deque<sip::Message> sent;
  std::vector<TrunkEvent> events;
};

TEST_F(TrunkSession, ATrunkWithoutTimersIsOfferedNoneAndRefusedThem) {
  Make(SessionTimers::kNone);
  Connect({{"Session-Expires", "90;refresher=uac"}});
  EXPECT_EQ(invite.FindExtra("Session-Expires"), nullptr);
  EXPECT_THAT(invite.supported, Not(Contains("timer")));
  Wait(1h);
  EXPECT_TRUE(sent.empty()) << "its timer is its own";
  EXPECT_EQ(AnswerTo(InviteOf({}, {"timer"})).status, 420);
}

TEST_F(TrunkSession, ATrunkThatHasToUseThemIsHeldToIt) {
  Make(SessionTimers::kRequired);
  const sip::Message refused = AnswerTo(InviteOf({}, {}));
  EXPECT_EQ(refused.status, 421);
  EXPECT_THAT(refused.require, Contains("timer"));
  EXPECT_EQ(AnswerTo(InviteOf({"timer"}, {})).status, 0);
}

TEST_F(TrunkSession, WhereTheyAreRequiredTheGatewayRefreshesEvenAlone) {
  Make(SessionTimers::kRequired);
  Connect({});
  EXPECT_THAT(invite.require, Contains("timer"));
  Wait(900s);
  EXPECT_EQ(Sent().method, "UPDATE");
}

TEST_F(TrunkSession, AnIntervalThatAsksForAFloodOfRefreshesIsTakenForTheLeastOne) {
  Make(SessionTimers::kSupported);
  Connect({{"Session-Expires", "1;refresher=uac"}});
  Wait(44s);
  EXPECT_TRUE(sent.empty());
  Wait(1s);
  EXPECT_EQ(Sent().method, "UPDATE");
}

TEST_F(TrunkSession, AnUnansweredRefreshEndsTheDialogOnce) {
  Make(SessionTimers::kSupported);
  Connect({{"Session-Expires", "1800;refresher=uac"}});
  events.clear();
  Wait(900s + 33s);
  EXPECT_EQ(Sent().method, "UPDATE");
  EXPECT_EQ(Sent().method, "BYE");
  ASSERT_EQ(events.size(), 1u);
  const auto* event = std::get_if<sip::UserAgentEvent>(&events[0]);
  ASSERT_NE(event, nullptr);
  EXPECT_EQ(std::get<sip::DialogEnded>(*event).end, sip::DialogEnd::kExpired);
  Wait(1h);
  EXPECT_TRUE(sent.empty());
  EXPECT_EQ(edge->user_agent().gauges().dialogs, 0u);
}

TEST_F(TrunkSession, AnOfferThatCrossesOursGets491) {
  Make(SessionTimers::kSupported);
  Connect({});
  edge->SendReoffer(dialog, {.content_type = "application/sdp", .body = "ours"}, now);
  EXPECT_EQ(Sent().method, "INVITE");
  sip::Message update = InviteOf({}, {});
  update.method = update.cseq.method = "UPDATE";
  update.from = invite.to;
  update.from.params.Set("tag", "theirs");
  update.to = invite.from;
  update.call_id = invite.call_id;
  update.content_type = "application/sdp";
  update.body = "theirs";
  Receive(update);
  EXPECT_EQ(Sent().status, 491);
}

TEST_F(TrunkSession, A422ToARefreshIsObeyedByTheNextOne) {
  Make(SessionTimers::kSupported);
  Connect({{"Session-Expires", "600;refresher=uac"}});
  Wait(300s);
  sip::Message refused = sip::MakeResponse(Sent(), 422, "", "");
  refused.extra = {{"Min-SE", "700"}};
  Receive(refused);
  Wait(sip::SessionTimer::kAgain);
  EXPECT_EQ(*Sent().FindExtra("Session-Expires"), "700;refresher=uac");
}

}  // namespace
}  // namespace lastmile::trunk

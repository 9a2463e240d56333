#include <gmock/gmock.h>

#include "tests/unit/gateway/sip/ua_support.h"

// Dialogs without an INVITE (RFC 6665), against a scripted peer.
namespace lastmile::sip {
namespace {

class SubscriptionTest : public ::testing::Test {
 protected:
  // --- the peer subscribes ---
  // A request of the peer; in the dialog once there is one.
  Message Request(const char* method, uint32_t cseq) {
    Message request = MakePeerRequest(method, cseq, "z9hG4bK" + std::to_string(++branches_), tag);
    request.extra.push_back({"Event", "dialog"});
    return request;
  }
  IncomingRequest Subscribed() {
    t.Receive(Request("SUBSCRIBE", 1));
    return t.Take<IncomingRequest>();
  }
  void Establish() {
    const IncomingRequest incoming = Subscribed();
    id = incoming.dialog;
    t.ua.Respond(incoming.id, 200, {.headers = {{"Expires", "60"}}}, t.now);
    tag = t.Sent(200).to.tag();
  }

  // --- we subscribe ---
  Message Subscribe() {
    id = t.ua.OpenDialog(t.flow, {.request_uri = MakeUri("600", "b.example"),
                                  .from = MakeAddr("alice", "a.example"),
                                  .to = MakeAddr("600", "b.example")});
    asked = t.ua.SendInDialog(id, "SUBSCRIBE", {.headers = {{"Event", "dialog"}}}, t.now);
    return t.Sent("SUBSCRIBE");
  }
  Message Notify(const Message& subscribe, const char* from_tag, uint32_t cseq = 1) {
    Message notify = Request("NOTIFY", cseq);
    notify.call_id = subscribe.call_id;
    notify.from = MakeAddr("600", "b.example", from_tag);
    notify.to = subscribe.from;
    return notify;
  }
  void Finish() {
    t.ua.CloseDialog(id, t.now);
    EXPECT_TRUE(t.Empty());
  }

  Solo t;
  DialogId id;
  ClientRequestId asked;
  std::string tag;  // ours

 private:
  int branches_ = 0;
};

// --- as server ---

TEST_F(SubscriptionTest, ASubscribeOpensADialogThatNotifiesAreSentIn) {
  const IncomingRequest incoming = Subscribed();
  EXPECT_TRUE(incoming.dialog);
  id = incoming.dialog;
  t.ua.Respond(incoming.id, 200, {.headers = {{"Expires", "60"}}}, t.now);
  const Message ok = t.Sent(200);
  ASSERT_EQ(ok.contacts.size(), 1u);
  EXPECT_EQ(ok.contacts[0].uri.user, "gw");
  EXPECT_FALSE(ok.to.tag().empty());
  t.ua.SendInDialog(id, "NOTIFY", {.headers = {{"Event", "dialog"}}}, t.now);
  const Message notify = t.Sent("NOTIFY");
  EXPECT_EQ(notify.request_uri.host, "contact.example");
  EXPECT_EQ(notify.call_id, "call-1");
  EXPECT_EQ(notify.from.tag(), ok.to.tag());
  EXPECT_EQ(notify.to.tag(), "theirs");
  EXPECT_EQ(notify.contacts.size(), 1u);
  t.Receive(MakeResponse(notify, 200, "", ""));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 200);
  Finish();
}

TEST_F(SubscriptionTest, ARefusedSubscribeLeavesNoDialog) {
  for (const int status : {302, 401, 489, 503, 603}) {
    const IncomingRequest incoming = Subscribed();
    EXPECT_EQ(t.ua.gauges().dialogs, 1u);
    t.ua.Respond(incoming.id, status, {}, t.now);
    EXPECT_TRUE(t.Sent(status).contacts.empty());
    t.ua.SendInDialog(incoming.dialog, "NOTIFY", {}, t.now);
    EXPECT_EQ(t.Take<RequestAnswered>().status, 481);
    EXPECT_TRUE(t.Empty());
  }
}

TEST_F(SubscriptionTest, ASubscribeWithoutContactIs400) {
  Message request = Request("SUBSCRIBE", 1);
  request.contacts.clear();
  t.Receive(request);
  t.Sent(400);
  EXPECT_TRUE(t.Empty());
}

TEST_F(SubscriptionTest, ASubscribeThatNobodyAnswersIsForgotten) {
  Subscribed();
  t.Advance(32s);
  EXPECT_TRUE(t.Empty());
}

TEST_F(SubscriptionTest, ASubscribeWhoseFlowIsLostIsForgotten) {
  const IncomingRequest incoming = Subscribed();
  t.ua.RemoveFlow(t.flow, t.now);
  t.ua.Respond(incoming.id, 200, {}, t.now);
  EXPECT_TRUE(t.Empty());
}

TEST_F(SubscriptionTest, ARefreshMovesTheTarget) {
  Establish();
  Message again = Request("SUBSCRIBE", 2);
  again.contacts = {MakeAddr("bob", "moved.example")};
  t.Receive(again);
  const auto incoming = t.Take<IncomingRequest>();
  EXPECT_EQ(incoming.dialog, id);
  t.ua.Respond(incoming.id, 200, {}, t.now);
  EXPECT_EQ(t.Sent(200).contacts.size(), 1u);
  t.ua.SendInDialog(id, "NOTIFY", {}, t.now);
  const Message notify = t.Sent("NOTIFY");
  EXPECT_EQ(notify.request_uri.host, "moved.example");
  t.Receive(MakeResponse(notify, 481, "", ""));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 481);
  Finish();
}

TEST_F(SubscriptionTest, WhatBelongsToCallsIs481) {
  Establish();
  uint32_t cseq = 10;
  for (const char* method : {"INVITE", "BYE", "UPDATE", "INFO", "PRACK"}) {
    t.Receive(Request(method, ++cseq));
    t.Sent(481);
  }
  t.ua.Bye(id, {}, t.now);
  t.ua.Cancel(id, {}, t.now);
  EXPECT_TRUE(t.Silent());
  Finish();
}

TEST_F(SubscriptionTest, StrangersCannotTouchIt) {
  Establish();
  t.ua.AddFlow(FlowId{2}, MakeFlow("m.example", 66));
  t.ReceiveOn(FlowId{2}, Request("SUBSCRIBE", 2));
  t.Sent(481);
  Message other = Request("SUBSCRIBE", 2);
  other.call_id = "another";
  t.Receive(other);
  t.Sent(481);
  Finish();
}

TEST_F(SubscriptionTest, ClosingAnswersWhatIsOpen) {
  Establish();
  t.Receive(Request("SUBSCRIBE", 2));
  t.Take<IncomingRequest>();
  t.ua.CloseDialog(id, t.now);
  t.Sent(481);
  EXPECT_TRUE(t.Empty());
}

TEST_F(SubscriptionTest, ClosingBeforeTheFirstAnswerIs481) {
  const IncomingRequest incoming = Subscribed();
  t.ua.CloseDialog(incoming.dialog, t.now);
  t.Sent(481);
  EXPECT_TRUE(t.Empty());
}

// --- as client ---

TEST_F(SubscriptionTest, The2xxMakesTheDialog) {
  const Message subscribe = Subscribe();
  EXPECT_EQ(subscribe.request_uri.user, "600");
  EXPECT_FALSE(subscribe.from.tag().empty());
  EXPECT_TRUE(subscribe.to.tag().empty());
  EXPECT_EQ(subscribe.cseq.number, 1u);
  EXPECT_EQ(subscribe.contacts.size(), 1u);
  Message ok = Solo::Answer(subscribe, 200, "pbx");
  ok.record_routes = {MakeAddr("", "near.example"), MakeAddr("", "far.example")};
  for (NameAddr& route : ok.record_routes) route.uri.params.Set("lr", "");
  t.Receive(ok);
  const auto answered = t.Take<RequestAnswered>();
  EXPECT_EQ(answered.id, asked);
  EXPECT_EQ(answered.dialog, id);
  t.Receive(Notify(subscribe, "pbx"));
  const auto notify = t.Take<IncomingRequest>();
  EXPECT_EQ(notify.dialog, id);
  t.ua.Respond(notify.id, 200, {}, t.now);
  t.Sent(200);
  t.ua.SendInDialog(id, "SUBSCRIBE", {}, t.now);
  const Message again = t.Sent("SUBSCRIBE");
  EXPECT_EQ(again.cseq.number, 2u);
  EXPECT_EQ(again.to.tag(), "pbx");
  EXPECT_EQ(again.request_uri.host, "contact.example");
  ASSERT_EQ(again.routes.size(), 2u);
  EXPECT_EQ(again.routes[0].uri.host, "far.example");
  t.Receive(Solo::Answer(again, 200, "pbx"));
  t.Take<RequestAnswered>();
  Finish();
}

TEST_F(SubscriptionTest, ANotifyMayOvertakeThe200AndOtherForksAreTurnedAway) {
  const Message subscribe = Subscribe();
  Message first = Notify(subscribe, "one");
  first.contacts = {MakeAddr("pbx", "one.example")};
  t.Receive(first);
  const auto notify = t.Take<IncomingRequest>();
  EXPECT_EQ(notify.dialog, id);
  t.ua.Respond(notify.id, 200, {}, t.now);
  t.Sent(200);
  t.Receive(Notify(subscribe, "two"));
  t.Sent(481);
  Message ok = Solo::Answer(subscribe, 200, "two");
  t.Receive(ok);
  t.Take<RequestAnswered>();
  t.ua.SendInDialog(id, "SUBSCRIBE", {}, t.now);
  const Message again = t.Sent("SUBSCRIBE");
  EXPECT_EQ(again.to.tag(), "one");
  EXPECT_EQ(again.request_uri.host, "one.example");
  t.Receive(Solo::Answer(again, 200, "one"));
  t.Take<RequestAnswered>();
  Finish();
}

TEST_F(SubscriptionTest, OnlyANotifyMakesTheDialog) {
  const Message subscribe = Subscribe();
  Message message = Notify(subscribe, "one");
  message.method = message.cseq.method = "MESSAGE";
  t.Receive(message);
  t.Sent(481);
  t.ua.CloseDialog(id, t.now);
  t.Receive(Notify(subscribe, "one"));
  t.Sent(481);
  t.Receive(Solo::Answer(subscribe, 200));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 200);
  EXPECT_TRUE(t.Empty());
}

TEST_F(SubscriptionTest, AChallengedSubscribeMayBeSentAgain) {
  const Message subscribe = Subscribe();
  t.Receive(Solo::Answer(subscribe, 401, "pbx"));
  EXPECT_EQ(t.Take<RequestAnswered>().status, 401);
  t.ua.SendInDialog(id, "SUBSCRIBE", {.headers = {{"Authorization", "Digest x=\"y\""}}}, t.now);
  const Message again = t.Sent("SUBSCRIBE");
  EXPECT_EQ(again.call_id, subscribe.call_id);
  EXPECT_EQ(again.from, subscribe.from);
  EXPECT_TRUE(again.to.tag().empty());
  EXPECT_EQ(again.cseq.number, 2u);
  t.Advance(32s);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 408);
  Finish();
}

TEST_F(SubscriptionTest, AUnsubscribeIsFinishedInside) {
  const Message subscribe = Subscribe();
  t.Receive(Solo::Answer(subscribe, 200, "pbx"));
  t.Take<RequestAnswered>();
  t.ua.SendInDialog(id, "SUBSCRIBE", {.headers = {{"Expires", "0"}}}, t.now);
  t.Sent("SUBSCRIBE");
  t.ua.CloseDialog(id, t.now);
  EXPECT_EQ(t.ua.gauges().dialogs, 1u);
  t.ua.RemoveFlow(t.flow, t.now);
  EXPECT_EQ(t.Take<RequestAnswered>().status, 503);
  EXPECT_TRUE(t.Empty());
}

TEST_F(SubscriptionTest, WithoutAFlowThereIsNoDialog) {
  EXPECT_FALSE(t.ua.OpenDialog(FlowId{9}, {}));
  EXPECT_TRUE(t.Empty());
}

// --- OPTIONS (RFC 3261 section 11.2) ---

TEST_F(SubscriptionTest, OptionsSayWhatThePeerMayUse) {
  FlowInfo info = MakeFlow("gw.example", 7);
  info.prack = Prack::kSupported;
  info.session_timer = false;
  t.ua.AddFlow(t.flow, std::move(info));
  t.Receive(Request("OPTIONS", 1));
  t.ua.Respond(t.Take<IncomingRequest>().id, 200, {}, t.now);
  const Message ok = t.Sent(200);
  EXPECT_THAT(ok.allow, ::testing::Contains("PRACK"));
  EXPECT_THAT(ok.supported, ::testing::Contains("100rel"));
  EXPECT_THAT(ok.supported, ::testing::Contains("replaces"));
  EXPECT_THAT(ok.supported, ::testing::Not(::testing::Contains("timer")));
  EXPECT_TRUE(t.Empty());
}

}  // namespace
}  // namespace lastmile::sip

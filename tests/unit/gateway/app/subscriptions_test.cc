#include "gateway/app/subscriptions.h"

#include <gmock/gmock.h>

#include "tests/unit/gateway/app/beyond_calls_support.h"

// Browsers' subscriptions at a PBX (RFC 6665).
namespace lastmile::app {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kDialogInfo[] = "<dialog-info entity=\"sip:600@pbx.example\"/>";

class SubscriptionsTest : public BeyondCallsTest {
 protected:
  using BeyondCallsTest::BeyondCallsTest;

  sip::Message Subscribe(const char* event = "dialog;id=7", uint32_t expires = 900) {
    sip::Message request = FromUser("alice", "600", "SUBSCRIBE");
    request.expires = expires;
    request.extra.push_back({"Event", event});
    request.extra.push_back({"Accept", "application/dialog-info+xml"});
    return request;
  }
  // Alice subscribes: what the PBX gets. Her SUBSCRIBE has no answer yet.
  void Ask(sip::Message request) {
    if (!registered_) gw.Register(kAlice, "alice");
    registered_ = true;
    const std::string uri = request.request_uri.ToString();
    gw.FromBrowser(kAlice, request);
    const sip::Message challenge = gw.ToBrowser(kAlice);
    ASSERT_EQ(challenge.status, 401);
    request.authorizations = {*sip::AnswerChallenge(
        challenge.www_authenticates.at(0), {"alice", "secret"}, "SUBSCRIBE", uri, gw.random)};
    ++request.cseq.number;
    request.vias.front().params.Set("branch", request.vias.front().branch() + "b");
    gw.FromBrowser(kAlice, request);
    subscribe = request;
    if (gw.TrunkIsQuiet()) return;
    at_pbx = gw.ToTrunk();
    EXPECT_EQ(at_pbx.method, "SUBSCRIBE");
  }
  // ... and the PBX takes it.
  void Establish(const char* event = "dialog;id=7") {
    Ask(Subscribe(event));
    gw.FromTrunk(Granted(at_pbx, 900));
    ok = gw.ToBrowser(kAlice);
    EXPECT_EQ(ok.status, 200);
  }
  sip::Message Granted(const sip::Message& request, uint32_t expires) const {
    sip::Message response = gw.TrunkAnswer(request, 200, "");
    response.expires = expires;
    return response;
  }
  sip::Message Notify(const char* state, const std::string& body = kDialogInfo) {
    sip::Message notify = FromPbx("lastmile", "NOTIFY");
    notify.from = at_pbx.to;
    notify.from.params.Set("tag", "carrier");
    notify.to = at_pbx.from;
    notify.call_id = at_pbx.call_id;
    notify.cseq.number = ++cseq_;
    notify.extra.push_back({"Event", at_pbx.FindExtra("Event") ? Header(at_pbx, "Event") : ""});
    notify.extra.push_back({"Subscription-State", state});
    return body.empty() ? notify : WithBody(notify, "application/dialog-info+xml", body);
  }
  // A SUBSCRIBE of alice inside the dialog.
  sip::Message Again(uint32_t expires) {
    sip::Message request = subscribe;
    request.authorizations.clear();
    request.to = ok.to;
    request.expires = expires;
    request.cseq.number = subscribe.cseq.number + ++refreshes_;
    request.vias.front().params.Set("branch", "z9hG4bKagain" + std::to_string(refreshes_));
    return request;
  }
  // The PBX gets an unsubscription, and says that it is over.
  void ExpectUnsubscribed() {
    const sip::Message last = gw.ToTrunk();
    EXPECT_EQ(last.method, "SUBSCRIBE");
    EXPECT_EQ(last.expires, 0u);
    EXPECT_EQ(last.call_id, at_pbx.call_id);
    EXPECT_EQ(last.to.tag(), "carrier");
    gw.FromTrunk(Granted(last, 0));
    gw.FromTrunk(Notify("terminated;reason=timeout"));
    EXPECT_EQ(gw.ToTrunk().status, 200);
    ExpectNothing();
  }
  // Passes a NOTIFY on to alice, who answers with `status`.
  sip::Message NotifyAlice(const sip::Message& notify, int status = 200) {
    gw.FromTrunk(notify);
    const sip::Message at_alice = gw.ToBrowser(kAlice);
    EXPECT_EQ(at_alice.method, "NOTIFY");
    gw.FromBrowser(kAlice, Reply(at_alice, status, ""));
    return at_alice;
  }
  // Ends it by the PBX.
  void PbxEndsOne() {
    NotifyAlice(Notify("terminated;reason=noresource"));
    EXPECT_EQ(gw.ToTrunk().status, 200);
  }
  void PbxEnds() {
    PbxEndsOne();
    ExpectNothing();
  }

  sip::Message subscribe;  // alice's, with credentials
  sip::Message at_pbx;     // what came of it
  sip::Message ok;         // to alice

 private:
  bool registered_ = false;
  uint32_t cseq_ = 0;
  uint32_t refreshes_ = 0;
};

TEST_F(SubscriptionsTest, TwoDialogsThatShareNothing) {
  Ask(Subscribe());
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "the PBX has the word";
  EXPECT_EQ(at_pbx.request_uri.user, "600");
  EXPECT_EQ(at_pbx.request_uri.host, "198.51.100.9");
  EXPECT_EQ(at_pbx.from.uri.user, "+15550001001");
  EXPECT_EQ(at_pbx.expires, 900u);
  EXPECT_EQ(Header(at_pbx, "Event"), "dialog");
  EXPECT_EQ(Header(at_pbx, "Accept"), "application/dialog-info+xml");
  EXPECT_NE(at_pbx.call_id, subscribe.call_id);
  EXPECT_THAT(gw.raw_to_trunk.back(),
              Not(AnyOf(HasSubstr("secret"), HasSubstr("invalid"), HasSubstr("gw.example"))));
  gw.FromTrunk(Granted(at_pbx, 600));
  ok = gw.ToBrowser(kAlice);
  EXPECT_EQ(ok.status, 200);
  EXPECT_EQ(ok.expires, 600u) << "the shorter one";
  EXPECT_EQ(ok.contacts.size(), 1u);
  EXPECT_EQ(ok.contacts[0].uri.host, "gw.example");
  EXPECT_EQ(gw.manager.gauges().subscriptions, 1u);

  sip::Message notify = Notify("active;expires=599");
  notify.extra.push_back({"X-Pbx", "secret"});
  const sip::Message at_alice = NotifyAlice(notify);
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(at_alice.call_id, subscribe.call_id);
  EXPECT_EQ(at_alice.from.tag(), ok.to.tag());
  EXPECT_EQ(at_alice.to.tag(), subscribe.from.tag());
  EXPECT_EQ(Header(at_alice, "Event"), "dialog;id=7");
  EXPECT_EQ(Header(at_alice, "Subscription-State"), "active;expires=599");
  EXPECT_EQ(at_alice.content_type, "application/dialog-info+xml");
  EXPECT_EQ(at_alice.body, kDialogInfo);
  EXPECT_THAT(sip::Print(at_alice), Not(AnyOf(HasSubstr("secret\r"), HasSubstr("198.51.100"))));
  PbxEnds();
}

// The user's mailbox, or a user as others watch it: the routes are asked for the number.
class SubscriptionsAtNumbersTest : public SubscriptionsTest {
 protected:
  static CallManagerOptions Options() {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.routing.routes = {{.name = "numbers", .to = "^\\+[0-9]+$", .trunks = {{"acme"}}}};
    return options;
  }
  SubscriptionsAtNumbersTest() : SubscriptionsTest(Options()) {}
};

TEST_F(SubscriptionsAtNumbersTest, AUserIsAtThePbxTheNumberItShows) {
  sip::Message request = Subscribe("message-summary");
  request.request_uri.user = "alice";
  Ask(request);
  EXPECT_EQ(at_pbx.request_uri.user, "+15550001001");
  EXPECT_EQ(Header(at_pbx, "Event"), "message-summary");
  gw.FromTrunk(gw.TrunkAnswer(at_pbx, 404, ""));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 404);
  ExpectNothing();
}

TEST_F(SubscriptionsAtNumbersTest, ANumberWithoutARouteIs404) {
  Ask(Subscribe());
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("no route leads to this number"));
  ExpectNothing();
}

TEST_F(SubscriptionsTest, OtherPackagesAre489) {
  for (const char* event : {"presence", "reg", "", "dialog.winfo"}) {
    Ask(Subscribe(event));
    const sip::Message answer = gw.ToBrowser(kAlice);
    EXPECT_EQ(answer.status, 489) << event;
    EXPECT_EQ(Header(answer, "Allow-Events"), "dialog, message-summary");
  }
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ABodyOfASubscribeIs415) {
  Ask(WithBody(Subscribe(), "application/simple-filter+xml", "<filter/>"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 415);
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ThePbxsRefusalIsPassedOn) {
  for (const auto& [pbx, browser] : {std::pair{403, 403},
                                     {404, 404},
                                     {401, 503},
                                     {407, 503},
                                     {489, 489},
                                     {405, 501},
                                     {302, 480},
                                     {500, 500},
                                     {603, 603}}) {
    Ask(Subscribe());
    gw.FromTrunk(gw.TrunkAnswer(at_pbx, pbx, ""));
    EXPECT_EQ(gw.ToBrowser(kAlice).status, browser) << pbx;
    ExpectNothing();
  }
}

TEST_F(SubscriptionsTest, AnIntervalThatIsTooBriefIsExplained) {
  Ask(Subscribe("dialog", 5));
  EXPECT_EQ(at_pbx.expires, 5u);
  sip::Message brief = gw.TrunkAnswer(at_pbx, 423, "");
  brief.extra.push_back({"Min-Expires", "60"});
  gw.FromTrunk(brief);
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 423);
  EXPECT_EQ(Header(answer, "Min-Expires"), "60");
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ANotifyThatOvertakesThe200ComesAfterItAtTheBrowser) {
  Ask(Subscribe());
  gw.FromTrunk(Notify("active;expires=900"));
  ok = gw.ToBrowser(kAlice);
  EXPECT_EQ(ok.status, 200);
  EXPECT_EQ(ok.expires, 900u);
  const sip::Message at_alice = gw.ToBrowser(kAlice);
  EXPECT_EQ(at_alice.method, "NOTIFY");
  gw.FromBrowser(kAlice, Reply(at_alice, 200, ""));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.FromTrunk(Granted(at_pbx, 900));
  ExpectQuiet();
  PbxEnds();
}

TEST_F(SubscriptionsTest, ARefusalAfterANotifyEndsItAtTheBrowser) {
  Ask(Subscribe());
  gw.FromTrunk(Notify("active"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  gw.FromBrowser(kAlice, Reply(gw.ToBrowser(kAlice), 200, ""));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.FromTrunk(gw.TrunkAnswer(at_pbx, 500, ""));
  const sip::Message last = gw.ToBrowser(kAlice);
  EXPECT_EQ(Header(last, "Subscription-State"), "terminated;reason=noresource");
  gw.FromBrowser(kAlice, Reply(last, 200, ""));
  ExpectNothing();
}

TEST_F(SubscriptionsTest, TheBrowserRefreshesAtThePbx) {
  Establish();
  gw.Wait(800s);
  gw.FromBrowser(kAlice, Again(900));
  const sip::Message refresh = gw.ToTrunk();
  EXPECT_EQ(refresh.method, "SUBSCRIBE");
  EXPECT_EQ(refresh.to.tag(), "carrier");
  EXPECT_EQ(refresh.call_id, at_pbx.call_id);
  EXPECT_EQ(refresh.expires, 900u);
  gw.FromTrunk(Granted(refresh, 900));
  EXPECT_EQ(gw.ToBrowser(kAlice).expires, 900u);
  gw.Wait(899s);
  ExpectQuiet();
  PbxEnds();
}

TEST_F(SubscriptionsTest, AFailedRefreshLeavesTheRestAndA481EndsIt) {
  Establish();
  gw.FromBrowser(kAlice, Again(900));
  gw.FromTrunk(gw.TrunkAnswer(gw.ToTrunk(), 500, ""));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 500);
  EXPECT_EQ(gw.manager.gauges().subscriptions, 1u);
  gw.FromBrowser(kAlice, Again(900));
  gw.FromTrunk(gw.TrunkAnswer(gw.ToTrunk(), 481, ""));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 481);
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ARefreshOfAnotherEventIs489) {
  Establish();
  sip::Message request = Again(900);
  request.SetExtra("Event", "message-summary");
  gw.FromBrowser(kAlice, request);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 489);
  PbxEnds();
}

TEST_F(SubscriptionsTest, TheBrowserUnsubscribes) {
  Establish("message-summary");
  gw.FromBrowser(kAlice, Again(0));
  const sip::Message last = gw.ToTrunk();
  EXPECT_EQ(last.expires, 0u);
  EXPECT_EQ(Header(last, "Accept"), "application/simple-message-summary");
  gw.FromTrunk(Granted(last, 0));
  EXPECT_EQ(gw.ToBrowser(kAlice).expires, 0u);
  const sip::Message at_alice = NotifyAlice(Notify("terminated;reason=timeout", ""));
  EXPECT_EQ(Header(at_alice, "Subscription-State"), "terminated;reason=timeout");
  EXPECT_EQ(gw.ToTrunk().status, 200);
  ExpectNothing();
}

TEST_F(SubscriptionsTest, AFetchIsOneNotify) {
  Ask(Subscribe("dialog", 0));
  gw.FromTrunk(Granted(at_pbx, 0));
  ok = gw.ToBrowser(kAlice);
  EXPECT_EQ(ok.expires, 0u);
  PbxEnds();
}

TEST_F(SubscriptionsTest, ALastNotifyThatNeverComesIsSaidByTheGateway) {
  Ask(Subscribe("dialog", 0));
  gw.FromTrunk(Granted(at_pbx, 0));
  gw.ToBrowser(kAlice);
  gw.Wait(Subscriptions::kLastNotify);
  const sip::Message last = gw.ToBrowser(kAlice);
  EXPECT_EQ(Header(last, "Subscription-State"), "terminated;reason=timeout");
  gw.FromBrowser(kAlice, Reply(last, 200, ""));
  gw.FromTrunk(gw.TrunkAnswer(gw.ToTrunk(), 481, ""));
  ExpectNothing();
}

TEST_F(SubscriptionsTest, WithoutARefreshItEndsOnBothSides) {
  Establish();
  gw.Wait(900s);
  const sip::Message last = gw.ToBrowser(kAlice);
  EXPECT_EQ(last.method, "NOTIFY");
  EXPECT_EQ(Header(last, "Event"), "dialog;id=7");
  EXPECT_EQ(Header(last, "Subscription-State"), "terminated;reason=timeout");
  gw.FromBrowser(kAlice, Reply(last, 200, ""));
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, AShorterExpiryInANotifyIsHonoured) {
  Establish();
  NotifyAlice(Notify("active;expires=60"));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.Wait(60s);
  const sip::Message last = gw.ToBrowser(kAlice);
  gw.FromBrowser(kAlice, Reply(last, 200, ""));
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, ALongerExpiryInANotifyIsNot) {
  Establish();
  gw.Wait(300s);
  const sip::Message at_alice = NotifyAlice(Notify("active;expires=4294967295"));
  EXPECT_EQ(Header(at_alice, "Subscription-State"), "active;expires=600");
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.Wait(600s);
  const sip::Message last = gw.ToBrowser(kAlice);
  gw.FromBrowser(kAlice, Reply(last, 200, ""));
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, ALostBrowserIsUnsubscribed) {
  Establish();
  gw.CloseBrowser(kAlice);
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, ABrowserThatIsLostWhileThePbxThinksIsUnsubscribed) {
  Ask(Subscribe());
  gw.CloseBrowser(kAlice);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.FromTrunk(Granted(at_pbx, 900));
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, ABrowserThatIsLostWithTheLastNotifyLeavesNothing) {
  Establish();
  gw.FromTrunk(Notify("terminated;reason=noresource"));
  gw.ToBrowser(kAlice);
  gw.FromBrowser(kAlice, Again(900));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 481) << "it is over";
  gw.CloseBrowser(kAlice);
  EXPECT_EQ(gw.ToTrunk().status, 481);
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ANotifyForALostBrowserIs481) {
  Establish();
  gw.CloseBrowser(kAlice);
  const sip::Message last = gw.ToTrunk();
  gw.FromTrunk(Notify("active"));
  EXPECT_EQ(gw.ToTrunk().status, 481);
  gw.FromTrunk(gw.TrunkAnswer(last, 481, ""));
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ALostTrunkStreamIsOpenedAgainToUnsubscribe) {
  Establish();
  gw.CloseTrunkStream();
  gw.CloseBrowser(kAlice);
  EXPECT_EQ(gw.streams_opened, 2);
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, APbxThatIsLostWhileItThinksIs503) {
  Ask(Subscribe());
  gw.CloseTrunkStream();
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 503);
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ASilentPbxIs408BeforeTheBrowserGivesUp) {
  Ask(Subscribe());
  gw.Wait(kAnswerWithin);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 408);
  gw.Wait(70s);
  ExpectNothing();
}

TEST_F(SubscriptionsTest, ALateYesOfThePbxIsUnsubscribed) {
  Ask(Subscribe());
  gw.Wait(kAnswerWithin);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 408);
  gw.FromTrunk(Granted(at_pbx, 900));
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, ABrowserThatKnowsNoSubscriptionEndsItAtThePbx) {
  Establish();
  NotifyAlice(Notify("active"), 481);
  EXPECT_EQ(gw.ToTrunk().status, 481);
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, ASilentBrowserEndsItAtThePbx) {
  Establish();
  gw.FromTrunk(Notify("active"));
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "NOTIFY");
  gw.Wait(32s);
  const sip::Message last = gw.ToTrunk();
  EXPECT_EQ(last.expires, 0u);
  gw.FromTrunk(gw.TrunkAnswer(last, 481, ""));
  ExpectNothing();
}

TEST_F(SubscriptionsTest, FiftyAUserAndNoMore) {
  for (size_t i = 0; i < Subscriptions::kMaxPerUser; ++i) Establish();
  EXPECT_EQ(gw.manager.gauges().subscriptions, Subscriptions::kMaxPerUser);
  Ask(Subscribe());
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("50 subscriptions at most"));
  PbxEndsOne();
  Establish();
  gw.CloseBrowser(kAlice);
  for (size_t i = 0; i < Subscriptions::kMaxPerUser; ++i) {
    gw.FromTrunk(gw.TrunkAnswer(gw.ToTrunk(), 481, ""));
  }
  ExpectNothing();
}

// --- hostile input ---

TEST_F(SubscriptionsTest, NotifiesThatMakeNoSenseChangeNothing) {
  Establish();
  sip::Message wrong = Notify("active");
  wrong.SetExtra("Event", "presence");
  gw.FromTrunk(wrong);
  EXPECT_EQ(gw.ToTrunk().status, 489);
  for (const char* state : {"gone", "", ";expires=5", "active active"}) {
    gw.FromTrunk(Notify(state));
    EXPECT_EQ(gw.ToTrunk().status, 400) << state;
  }
  gw.FromTrunk(Notify("active", std::string(kMaxNotifyBody + 1, 'x')));
  EXPECT_EQ(gw.ToTrunk().status, 413);
  ExpectQuiet();
  NotifyAlice(Notify("active", std::string(kMaxNotifyBody, 'x')));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  PbxEnds();
}

TEST_F(SubscriptionsTest, AFloodOfNotifiesIsBoundedByWhatTheBrowserAnswers) {
  Establish();
  for (int i = 0; i < 100; ++i) gw.FromTrunk(Notify("active"));
  int refused = 0;
  while (!gw.TrunkIsQuiet()) {
    EXPECT_EQ(gw.ToTrunk().status, 503);
    ++refused;
  }
  EXPECT_EQ(refused, 68);
  for (int i = refused; i < 100; ++i) {
    gw.FromBrowser(kAlice, Reply(gw.ToBrowser(kAlice), 200, ""));
    EXPECT_EQ(gw.ToTrunk().status, 200);
  }
  PbxEnds();
}

TEST_F(SubscriptionsTest, RequestsOfCallsInASubscriptionAre481) {
  Establish();
  for (const char* method : {"INFO", "BYE", "MESSAGE"}) {
    sip::Message request = Again(0);
    request.method = request.cseq.method = method;
    gw.FromBrowser(kAlice, request);
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 481) << method;
  }
  PbxEnds();
}

TEST_F(SubscriptionsTest, AnotherConnectionCannotTouchIt) {
  Establish();
  gw.Register(kBob, "bob");
  gw.FromBrowser(kBob, Again(0));
  EXPECT_EQ(gw.ToBrowser(kBob).status, 481);
  PbxEnds();
}

TEST_F(SubscriptionsTest, TheShutDownEndsAllOnBothSides) {
  Establish();
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  gw.Pump();
  const sip::Message last = gw.ToBrowser(kAlice);
  EXPECT_EQ(Header(last, "Subscription-State"), "terminated;reason=probation");
  gw.FromBrowser(kAlice, Reply(last, 200, ""));
  ExpectUnsubscribed();
}

TEST_F(SubscriptionsTest, TheShutDownRefusesWhatThePbxThinksAbout) {
  Ask(Subscribe());
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  gw.Pump();
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 503);
  gw.FromTrunk(Granted(at_pbx, 900));
  ExpectUnsubscribed();
}

}  // namespace
}  // namespace lastmile::app

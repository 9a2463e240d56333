#include "gateway/app/messaging.h"

#include <gmock/gmock.h>

#include "tests/unit/gateway/app/beyond_calls_support.h"

// MESSAGE both ways (RFC 3428), in calls and outside; NOTIFY of a mailbox nobody subscribed to.
namespace lastmile::app {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class MessagingTest : public BeyondCallsTest {
 protected:
  sip::Message Text(const std::string& target, const std::string& text = "hello") {
    return WithBody(FromUser("alice", target, "MESSAGE"), "text/plain", text);
  }
  // Alice's message on its way to the trunk.
  sip::Message Sent(const sip::Message& message) {
    gw.FromBrowser(kAlice, message);
    const sip::Message challenge = gw.ToBrowser(kAlice);
    EXPECT_EQ(challenge.status, 401);
    sip::Message again = message;
    again.authorizations = {*sip::AnswerChallenge(challenge.www_authenticates.at(0),
                                                  {"alice", "secret"}, "MESSAGE",
                                                  message.request_uri.ToString(), gw.random)};
    ++again.cseq.number;
    again.vias.front().params.Set("branch", message.vias.front().branch() + "b");
    gw.FromBrowser(kAlice, again);
    return gw.TrunkIsQuiet() ? sip::Message() : gw.ToTrunk();
  }
};

// --- browser to trunk ---

TEST_F(MessagingTest, ABrowsersMessageGoesToTheTrunkWithNothingElseOfTheBrowser) {
  gw.Register(kAlice, "alice");
  sip::Message message = Text("600", "hello\r\n\r\nworld");
  message.content_type_params = ";charset=utf-8";
  message.extra.push_back({"Content-Disposition", "render"});
  message.extra.push_back({"X-Secret", "secret"});
  const sip::Message sent = Sent(message);
  EXPECT_EQ(sent.method, "MESSAGE");
  EXPECT_EQ(sent.request_uri.user, "600");
  EXPECT_EQ(sent.request_uri.host, "198.51.100.9");
  EXPECT_EQ(sent.from.uri.user, "+15550001001");
  EXPECT_EQ(sent.to.uri.user, "600");
  EXPECT_EQ(sent.content_type, "text/plain");
  EXPECT_EQ(sent.content_type_params, ";charset=utf-8");
  EXPECT_EQ(Header(sent, "Content-Disposition"), "render");
  EXPECT_EQ(sent.body, "hello\r\n\r\nworld");
  EXPECT_NE(sent.call_id, message.call_id);
  EXPECT_THAT(gw.raw_to_trunk.back(), Not(AnyOf(HasSubstr("secret"), HasSubstr("invalid"),
                                                HasSubstr("gw.example"), HasSubstr("Contact"))));
  sip::Message ok = Reply(sent, 202);
  ok.extra.push_back({"Server", "PBX secret"});
  gw.FromTrunk(ok);
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 202);
  EXPECT_EQ(Header(answer, "Server"), "Lastmile");
  EXPECT_NE(answer.to.tag(), "peer");
  ExpectNothing();
}

TEST_F(MessagingTest, TheTrunksCodeIsTheAnswerIfItMeansAnythingToABrowser) {
  gw.Register(kAlice, "alice");
  for (const auto& [trunk, browser] : {std::pair{200, 200},
                                       {202, 202},
                                       {204, 200},
                                       {404, 404},
                                       {415, 415},
                                       {480, 480},
                                       {401, 503},
                                       {407, 503},
                                       {405, 501},
                                       {501, 501},
                                       {301, 480},
                                       {504, 408},
                                       {513, 502},
                                       {603, 603},
                                       {699, 603}}) {
    gw.FromTrunk(Reply(Sent(Text("600")), trunk));
    const sip::Message answer = gw.ToBrowser(kAlice);
    EXPECT_EQ(answer.status, browser) << trunk;
    EXPECT_EQ(answer.www_authenticates.size() + answer.proxy_authenticates.size(), 0u);
    EXPECT_EQ(Header(answer, "Warning").find("the trunk") != std::string::npos, browser >= 300);
    gw.Wait(1s);
  }
  ExpectNothing();
}

TEST_F(MessagingTest, ANumberWithoutARouteIs404) {
  gw.Register(kAlice, "alice");
  const sip::Message answer = gw.Ask(kAlice, Text("nobody"), "secret");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("no route leads to this number"));
  ExpectNothing();
}

TEST_F(MessagingTest, WithoutCredentialsNothingIsSent) {
  gw.OpenBrowser(kAlice);
  EXPECT_EQ(gw.Ask(kAlice, Text("600"), "wrong").status, 401);
  ExpectNothing();
}

TEST_F(MessagingTest, AnEmptyMessageIsAMessage) {
  gw.Register(kAlice, "alice");
  const sip::Message sent = Sent(FromUser("alice", "600", "MESSAGE"));
  EXPECT_EQ(sent.method, "MESSAGE");
  EXPECT_TRUE(sent.body.empty());
  gw.FromTrunk(Reply(sent, 200));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  ExpectNothing();
}

TEST_F(MessagingTest, TooLongIs413BothWays) {
  gw.Register(kAlice, "alice");
  const std::string most(kMaxMessageBody, 'x');
  gw.FromTrunk(Reply(Sent(Text("600", most)), 200));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  const sip::Message answer = gw.Ask(kAlice, Text("600", most + "x"), "secret");
  EXPECT_EQ(answer.status, 413);
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("8192 bytes at most"));
  gw.ConnectTrunk("198.51.100.9:33333");
  for (const char* method : {"MESSAGE", "NOTIFY"}) {
    gw.FromTrunk(WithBody(FromPbx("alice", method), "text/plain", most + "x"));
    EXPECT_EQ(gw.ToTrunk().status, 413);
  }
  ExpectNothing();
}

TEST_F(MessagingTest, NoAnswerIs408BeforeTheBrowserGivesUp) {
  gw.Register(kAlice, "alice");
  const sip::Message sent = Sent(Text("600"));
  gw.Wait(kAnswerWithin);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 408);
  gw.FromTrunk(Reply(sent, 200));
  ExpectNothing();
}

TEST_F(MessagingTest, ALostTrunkIs503) {
  gw.Register(kAlice, "alice");
  Sent(Text("600"));
  gw.CloseTrunkStream();
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("the trunk cannot be reached"));
  ExpectNothing();
}

TEST_F(MessagingTest, ABrowserThatIsGoneIsAnsweredNoMore) {
  gw.Register(kAlice, "alice");
  const sip::Message sent = Sent(Text("600"));
  gw.CloseBrowser(kAlice);
  gw.FromTrunk(Reply(sent, 200));
  ExpectNothing();
}

TEST_F(MessagingTest, TooManyUnansweredAndTooFastIs503WithRetryAfter) {
  gw.Register(kAlice, "alice");
  std::vector<sip::Message> sent;
  for (size_t i = 0; i < Messaging::kMaxUnanswered; ++i) sent.push_back(Sent(Text("600")));
  sip::Message answer = gw.Ask(kAlice, Text("600"), "secret");
  EXPECT_EQ(answer.status, 503);
  EXPECT_EQ(Header(answer, "Retry-After"), "1");
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("not answered yet"));
  for (const sip::Message& message : sent) {
    gw.FromTrunk(Reply(message, 200));
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  }
  for (int i = Messaging::kMaxUnanswered; i < Messaging::kBurst; ++i) {
    gw.FromTrunk(Reply(Sent(Text("600")), 200));
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  }
  answer = gw.Ask(kAlice, Text("600"), "secret");
  EXPECT_EQ(answer.status, 503);
  EXPECT_THAT(Header(answer, "Warning"), HasSubstr("too fast"));
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.Wait(Messaging::kInterval);
  gw.FromTrunk(Reply(Sent(Text("600")), 200));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  ExpectNothing();
}

TEST_F(MessagingTest, AfterTheShutDownNothingNewIsTaken) {
  gw.Register(kAlice, "alice");
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  EXPECT_EQ(gw.Ask(kAlice, Text("600"), "secret").status, 503);
  gw.ConnectTrunk("198.51.100.9:33333");
  gw.FromTrunk(WithBody(FromPbx("alice", "MESSAGE"), "text/plain", "hi"));
  EXPECT_EQ(gw.ToTrunk().status, 503);
  ExpectNothing();
}

// --- browser to browser ---

TEST_F(MessagingTest, AUserOfTheGatewayGetsItAtOnce) {
  gw.Register(kAlice, "alice");
  EXPECT_EQ(gw.Ask(kAlice, Text("bob"), "secret").status, 480);
  gw.Register(kBob, "bob");
  EXPECT_TRUE(Sent(Text("bob")).method.empty());
  const sip::Message at_bob = gw.ToBrowser(kBob);
  EXPECT_EQ(at_bob.method, "MESSAGE");
  EXPECT_EQ(at_bob.from.uri.user, "alice");
  EXPECT_EQ(at_bob.from.uri.host, "gw.example");
  EXPECT_EQ(at_bob.request_uri.user, "secretcontact");
  EXPECT_EQ(at_bob.body, "hello");
  EXPECT_EQ(at_bob.FindExtra("User-Agent")->find("JsSIP"), std::string::npos);
  gw.FromBrowser(kBob, Reply(at_bob, 200));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  ExpectNothing();
}

// --- trunk to browser ---

TEST_F(MessagingTest, ATrunksMessageGoesToAllBrowsersAndTheFirst2xxAnswers) {
  gw.Register(kAlice, "alice");
  gw.OpenBrowser(kBob);
  sip::Message second = gw.MakeRegister("alice");
  second.contacts.front().params.Set("+sip.instance", "<urn:uuid:other>");
  second.contacts.front().uri.user = "othercontact";
  second.call_id = "register-other";
  EXPECT_EQ(gw.Ask(kBob, second, "secret").status, 200);
  gw.ConnectTrunk("198.51.100.9:33333");
  const sip::Message message =
      WithBody(FromPbx("+15550001001", "MESSAGE"), "message/cpim", "From: x\r\n\r\nhi");
  gw.FromTrunk(message);
  const sip::Message first = gw.ToBrowser(kAlice);
  const sip::Message other = gw.ToBrowser(kBob);
  EXPECT_EQ(other.request_uri.user, "othercontact");
  EXPECT_EQ(first.content_type, "message/cpim");
  EXPECT_EQ(first.body, message.body);
  EXPECT_EQ(first.from.uri.user, "+15559990000");
  EXPECT_EQ(first.from.uri.host, "gw.example");
  EXPECT_EQ(first.to.uri.user, "alice");
  EXPECT_NE(first.call_id, message.call_id);
  EXPECT_THAT(sip::Print(first),
              Not(AnyOf(HasSubstr("secret\r"), HasSubstr("carrier"), HasSubstr("198.51.100.9"))));
  gw.FromBrowser(kAlice, Reply(first, 486));
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.FromBrowser(kBob, Reply(other, 200));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  ExpectNothing();
}

TEST_F(MessagingTest, TheBestFailureIsTheAnswer) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  for (const auto& [browser, trunk] : {std::pair{404, 404}, {405, 501}, {603, 603}, {500, 500}}) {
    gw.FromTrunk(WithBody(FromPbx("alice", "MESSAGE"), "text/plain", "hi"));
    gw.FromBrowser(kAlice, Reply(gw.ToBrowser(kAlice), browser));
    EXPECT_EQ(gw.ToTrunk().status, trunk);
  }
  ExpectNothing();
}

TEST_F(MessagingTest, UnknownUsersAre404AndAwayOnes480) {
  gw.ConnectTrunk("198.51.100.9:33333");
  gw.FromTrunk(FromPbx("nobody", "MESSAGE"));
  EXPECT_EQ(gw.ToTrunk().status, 404);
  gw.FromTrunk(FromPbx("alice", "MESSAGE"));
  EXPECT_EQ(gw.ToTrunk().status, 480);
  gw.ConnectTrunk("203.0.113.5:33333");
  gw.FromTrunk(FromPbx("alice", "MESSAGE"));
  EXPECT_EQ(gw.ToTrunk().status, 403);
  ExpectNothing();
}

// --- in a call ---

TEST_F(MessagingTest, AMessageInACallGoesToTheOtherLeg) {
  auto dialled = gw.Dial(kAlice, "alice", "600");
  gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  const sip::Message ok = gw.ToBrowser(kAlice);
  sip::Message early = FromPbx("lastmile", "MESSAGE");
  early.from = dialled.trunk_invite.to;
  early.from.params.Set("tag", "carrier");
  early.to = dialled.trunk_invite.from;
  early.call_id = dialled.trunk_invite.call_id;
  gw.FromTrunk(early);
  EXPECT_EQ(gw.ToTrunk().status, 503) << "alice has not acknowledged the call";
  sip::Message message = dialled.invite;
  message.method = message.cseq.method = "ACK";
  message.to = ok.to;
  message.body.clear();
  message.content_type.clear();
  message.vias.front().params.Set("branch", "z9hG4bKack");
  gw.FromBrowser(kAlice, message);

  message.method = message.cseq.method = "MESSAGE";
  ++message.cseq.number;
  message.vias.front().params.Set("branch", "z9hG4bKmessage");
  gw.FromBrowser(kAlice, WithBody(message, "text/plain", "in the call"));
  const sip::Message sent = gw.ToTrunk();
  EXPECT_EQ(sent.method, "MESSAGE");
  EXPECT_EQ(sent.call_id, dialled.trunk_invite.call_id);
  EXPECT_EQ(sent.to.tag(), "carrier");
  EXPECT_EQ(sent.body, "in the call");
  gw.FromTrunk(Reply(sent, 488, ""));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 488);
  for (const int status : {404, 481, 501}) {
    ++message.cseq.number;
    message.vias.front().params.Set("branch", "z9hG4bKmessage" + std::to_string(status));
    gw.FromBrowser(kAlice, message);
    gw.FromTrunk(Reply(gw.ToTrunk(), status, ""));
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 500) << "the call goes on";
  }
  ++message.cseq.number;
  message.vias.front().params.Set("branch", "z9hG4bKunanswered");
  gw.FromBrowser(kAlice, message);
  gw.ToTrunk();
  gw.Wait(kAnswerWithin);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 500);

  sip::Message back = early;
  back.vias.front().params.Set("branch", "z9hG4bKback");
  back.cseq.number = 7;
  gw.FromTrunk(WithBody(back, "text/html", "<p>hi"));
  const sip::Message at_alice = gw.ToBrowser(kAlice);
  EXPECT_EQ(at_alice.method, "MESSAGE");
  EXPECT_EQ(at_alice.call_id, dialled.invite.call_id);
  EXPECT_EQ(at_alice.body, "<p>hi");
  gw.FromBrowser(kAlice, Reply(at_alice, 200, ""));
  EXPECT_EQ(gw.ToTrunk().status, 200);

  ++message.cseq.number;
  message.method = message.cseq.method = "SUBSCRIBE";
  message.vias.front().params.Set("branch", "z9hG4bKsubscribe");
  gw.FromBrowser(kAlice, message);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 403) << "481 would end the call";
  back.method = back.cseq.method = "NOTIFY";
  ++back.cseq.number;
  back.vias.front().params.Set("branch", "z9hG4bKnotify");
  gw.FromTrunk(back);
  EXPECT_EQ(gw.ToTrunk().status, 481);
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
  ExpectQuiet();
}

// --- NOTIFY without a subscription ---

TEST_F(MessagingTest, ANotifyOfAMailboxGoesToTheUsersBrowsers) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  sip::Message notify = WithBody(FromPbx("+15550001001", "NOTIFY"),
                                 "application/simple-message-summary", "Messages-Waiting: yes\r\n");
  notify.extra.push_back({"Event", "message-summary"});
  notify.extra.push_back({"Subscription-State", "active"});
  gw.FromTrunk(notify);
  const sip::Message at_alice = gw.ToBrowser(kAlice);
  EXPECT_EQ(at_alice.method, "NOTIFY");
  EXPECT_EQ(Header(at_alice, "Event"), "message-summary");
  EXPECT_EQ(Header(at_alice, "Subscription-State"), "active");
  EXPECT_EQ(at_alice.content_type, "application/simple-message-summary");
  EXPECT_EQ(at_alice.body, "Messages-Waiting: yes\r\n");
  EXPECT_EQ(at_alice.contacts.size(), 1u);
  EXPECT_TRUE(at_alice.to.tag().empty());
  gw.FromBrowser(kAlice, Reply(at_alice, 200));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  ExpectNothing();
}

TEST_F(MessagingTest, ANotifyOfAnythingElseIs489) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  for (const char* event : {"", "dialog", "presence", "check-sync;reboot=true"}) {
    sip::Message notify = FromPbx("alice", "NOTIFY");
    if (*event) notify.extra.push_back({"Event", event});
    gw.FromTrunk(notify);
    const sip::Message answer = gw.ToTrunk();
    EXPECT_EQ(answer.status, 489) << event;
    EXPECT_EQ(Header(answer, "Allow-Events"), "message-summary");
  }
  sip::Message stray = FromPbx("alice", "NOTIFY");
  stray.to.params.Set("tag", "nobody");
  gw.FromTrunk(stray);
  EXPECT_EQ(gw.ToTrunk().status, 481);
  ExpectNothing();
}

// --- OPTIONS (RFC 3261 section 11.2) ---

TEST_F(MessagingTest, OptionsAreAnsweredInFullByBothEdges) {
  gw.Register(kAlice, "alice");
  const sip::Message browser = gw.Ask(kAlice, FromUser("alice", "600", "OPTIONS"), "secret");
  gw.ConnectTrunk("198.51.100.9:33333");
  gw.FromTrunk(FromPbx("alice", "OPTIONS"));
  const sip::Message trunk = gw.ToTrunk();
  for (const sip::Message* answer : {&browser, &trunk}) {
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(Header(*answer, "Accept"), "application/sdp");
    EXPECT_EQ(Header(*answer, "Accept-Encoding"), "identity");
    EXPECT_EQ(Header(*answer, "Accept-Language"), "en");
    EXPECT_THAT(answer->supported, Contains("timer"));
    EXPECT_THAT(answer->allow, Contains("MESSAGE"));
  }
  EXPECT_THAT(browser.allow, Contains("SUBSCRIBE"));
  EXPECT_THAT(browser.allow, Not(AnyOf(Contains("NOTIFY"), Contains("PRACK"))));
  EXPECT_EQ(Header(browser, "Allow-Events"), "dialog, message-summary");
  EXPECT_THAT(trunk.allow, Contains("NOTIFY"));
  EXPECT_THAT(trunk.allow, Contains("PRACK"));
  EXPECT_THAT(trunk.allow, Not(Contains("SUBSCRIBE")));
  EXPECT_THAT(trunk.supported, Contains("100rel"));
  EXPECT_EQ(Header(trunk, "Allow-Events"), "message-summary");
  gw.FromTrunk(FromPbx("alice", "SUBSCRIBE"));
  EXPECT_EQ(gw.ToTrunk().status, 405);
  ExpectNothing();
}

}  // namespace
}  // namespace lastmile::app

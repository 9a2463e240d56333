#include "gateway/app/local_calls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/sip/refer.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

// Calls between two browsers of the gateway: what each of them sees, and what nobody else does.
namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kBob = 2;
constexpr uint64_t kCarol = 3;

// One browser's dialog.
struct Leg {
  uint64_t conn = 0;
  bool calls = false;  // it sent the INVITE
  sip::Message invite;
  sip::Message ok;
  uint32_t cseq = 100;
};

class LocalCallsTest : public ::testing::Test {
 protected:
  static CallManagerOptions Options() {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.browser.users.push_back(
        {.name = "carol", .ha1 = sip::Ha1("carol", "gw.example", "secret"), .caller_id = ""});
    std::vector<route::Route>& routes = options.routing.routes;
    routes.front().to = "^[0-8]+$";
    routes.push_back({.name = "desk", .to = "^9999$", .user = "bob"});
    routes.push_back({.name = "browsers", .to = "^[a-z]", .user = "$0"});
    // What rings for numbers of carriers says nothing about users who are called by name.
    routes.push_back({.name = "reception", .to = ".*", .from_trunk = "*", .user = "carol"});
    AddLocalTrunk(options, {});
    return options;
  }
  LocalCallsTest() : gw(Options()) {
    gw.Register(kAlice, "alice");
    gw.Register(kBob, "bob");
  }

  // With Opus first, as browsers have it.
  static std::string Sdp(const std::string& setup) {
    return testing::BrowserSdp(setup, "111 0 8 101") + "a=rtpmap:111 opus/48000/2\r\n";
  }
  // The user's INVITE up to the 100 of the gateway.
  sip::Message Dial(uint64_t conn, const std::string& user, const std::string& number) {
    sip::Message invite = gw.MakeInvite(user, number);
    invite.body = Sdp("actpass");
    gw.FromBrowser(conn, invite);
    EXPECT_EQ(gw.ToBrowser(conn).status, 100);
    const sip::Message challenge = gw.ToBrowser(conn);
    sip::Message ack = invite;
    ack.method = ack.cseq.method = "ACK";
    ack.to = challenge.to;
    ack.body.clear();
    ack.content_type.clear();
    gw.FromBrowser(conn, ack);
    invite.authorizations = {*sip::AnswerChallenge(challenge.www_authenticates.at(0),
                                                   {user, "secret"}, "INVITE",
                                                   invite.request_uri.ToString(), gw.random)};
    ++invite.cseq.number;
    invite.vias.front().params.Set("branch", "z9hG4bK" + gw.random.Token(8));
    gw.FromBrowser(conn, invite);
    EXPECT_EQ(gw.ToBrowser(conn).status, 100);
    return invite;
  }
  // The INVITE that rings there, answered.
  Leg Accept(uint64_t conn, const std::string& user) {
    Leg leg{.conn = conn, .calls = false, .invite = gw.ToBrowser(conn), .ok = {}};
    EXPECT_EQ(leg.invite.method, "INVITE");
    leg.ok = sip::MakeResponse(leg.invite, 200, "", "tag" + user + gw.random.Token(4));
    leg.ok.contacts = gw.MakeInvite(user, "x").contacts;
    leg.ok.content_type = "application/sdp";
    leg.ok.body = Sdp("active");
    gw.FromBrowser(conn, leg.ok);
    EXPECT_EQ(gw.ToBrowser(conn).method, "ACK");
    return leg;
  }
  // The caller's side, after the callee has answered.
  Leg Answered(uint64_t conn, sip::Message invite) {
    Leg leg{.conn = conn, .calls = true, .invite = std::move(invite), .ok = gw.ToBrowser(conn)};
    EXPECT_EQ(leg.ok.status, 200);
    gw.FromBrowser(conn, Request(leg, "ACK"));
    return leg;
  }
  struct Talk {
    Leg caller;
    Leg callee;
  };
  Talk Connect(uint64_t from, const std::string& caller, uint64_t to, const std::string& callee) {
    sip::Message invite = Dial(from, caller, callee);
    Talk talk;
    talk.callee = Accept(to, callee);
    talk.caller = Answered(from, std::move(invite));
    return talk;
  }
  Talk AliceAndBob() { return Connect(kAlice, "alice", kBob, "bob"); }
  // Alice's call to a number of the carrier.
  Leg CallOut(const std::string& number, sip::Message& trunk_invite) {
    sip::Message invite = Dial(kAlice, "alice", number);
    trunk_invite = gw.ToTrunk();
    gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    return Answered(kAlice, std::move(invite));
  }

  sip::Message Request(Leg& leg, const std::string& method) {
    sip::Message request = gw.MakeInvite("x", "x");
    request.method = request.cseq.method = method;
    request.request_uri = leg.calls ? leg.ok.contacts.at(0).uri : leg.invite.contacts.at(0).uri;
    request.from = leg.calls ? leg.invite.from : leg.ok.to;
    request.to = leg.calls ? leg.ok.to : leg.invite.from;
    request.call_id = leg.invite.call_id;
    request.body.clear();
    request.content_type.clear();
    request.contacts = leg.calls ? leg.invite.contacts : leg.ok.contacts;
    request.vias.front().params.Set("branch", "z9hG4bK" + gw.random.Token(8));
    request.cseq.number = method == "ACK" ? leg.invite.cseq.number : ++leg.cseq;
    return request;
  }
  // Sends it and gives the answer to it.
  sip::Message Ask(Leg& leg, sip::Message request) {
    gw.FromBrowser(leg.conn, request);
    sip::Message answer = gw.ToBrowser(leg.conn);
    return answer.status == 100 ? gw.ToBrowser(leg.conn) : answer;
  }
  sip::Message Refer(Leg& leg, const std::string& refer_to) {
    sip::Message refer = Request(leg, "REFER");
    refer.extra.push_back({"Refer-To", refer_to});
    return Ask(leg, std::move(refer));
  }
  void ExpectNotify(const Leg& leg, int status) {
    const sip::Message notify = gw.ToBrowser(leg.conn);
    EXPECT_EQ(notify.method, "NOTIFY") << sip::Print(notify);
    EXPECT_THAT(notify.body, HasSubstr("SIP/2.0 " + std::to_string(status) + " "));
    gw.FromBrowser(leg.conn, sip::MakeResponse(notify, 200, "", ""));
  }
  void ExpectBye(const Leg& leg) {
    const sip::Message bye = gw.ToBrowser(leg.conn);
    EXPECT_EQ(bye.method, "BYE") << sip::Print(bye);
    EXPECT_EQ(bye.call_id, leg.invite.call_id);
    gw.FromBrowser(leg.conn, sip::MakeResponse(bye, 200, "", ""));
  }
  void ExpectReoffer(const Leg& leg, const std::string& line, const std::string& sdp) {
    const sip::Message offer = gw.ToBrowser(leg.conn);
    EXPECT_EQ(offer.method, "INVITE") << sip::Print(offer);
    EXPECT_THAT(offer.body, HasSubstr(line));
    sip::Message answer = sip::MakeResponse(offer, 200, "", "");
    answer.contacts = leg.calls ? leg.invite.contacts : leg.ok.contacts;
    answer.content_type = "application/sdp";
    answer.body = sdp;
    gw.FromBrowser(leg.conn, answer);
    EXPECT_EQ(gw.ToBrowser(leg.conn).method, "ACK");
  }
  void HangUp(Leg& leg) { EXPECT_EQ(Ask(leg, Request(leg, "BYE")).status, 200); }
  void ExpectNothingLeft() {
    gw.Wait(40s);
    EXPECT_TRUE(gw.IsEmpty());
    EXPECT_EQ(gw.manager.gauges().dialogs, 0u);
    for (const uint64_t conn : {kAlice, kBob, kCarol}) EXPECT_TRUE(gw.BrowserIsQuiet(conn));
  }

  GatewayInMemory gw;
};

TEST_F(LocalCallsTest, OneBrowserCallsAnotherByName) {
  const sip::Message invite = Dial(kAlice, "alice", "bob");
  const sip::Message ring = gw.ToBrowser(kBob);
  EXPECT_EQ(ring.method, "INVITE");
  EXPECT_EQ(ring.from.uri.user, "alice");  // whom bob can call back, not her number
  EXPECT_EQ(ring.from.uri.host, "gw.example");
  EXPECT_NE(ring.call_id, invite.call_id);
  EXPECT_THAT(sip::Print(ring), Not(HasSubstr("local")));
  gw.FromBrowser(kBob, sip::MakeResponse(ring, 180, "", "tagbob"));
  gw.Wait(60ms);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 180);

  Leg bob{.conn = kBob, .calls = false, .invite = ring, .ok = {}};
  bob.ok = sip::MakeResponse(ring, 200, "", "tagbob");
  bob.ok.contacts = gw.MakeInvite("bob", "x").contacts;
  bob.ok.content_type = "application/sdp";
  bob.ok.body = Sdp("active");
  gw.FromBrowser(kBob, bob.ok);
  EXPECT_EQ(gw.ToBrowser(kBob).method, "ACK");
  Leg alice = Answered(kAlice, invite);
  EXPECT_EQ(gw.sessions.size(), 2u);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_EQ(gw.streams_opened, 0);
  EXPECT_EQ(gw.manager.gauges().trunk_streams, 0u);

  HangUp(alice);
  ExpectBye(bob);
  ExpectNothingLeft();
  ASSERT_EQ(gw.records.size(), 2u);
  for (const CallRecord& record : gw.records) {
    EXPECT_EQ(record.parties.trunk, "local");
    EXPECT_EQ(record.parties.caller, "alice");
    EXPECT_EQ(record.parties.number, "bob");
    EXPECT_EQ(record.summary.status, 200);
  }
}

TEST_F(LocalCallsTest, TheirMediaGoesFromOnePortToTheOtherOverLoopback) {
  AliceAndBob();
  int trunks = 0;
  for (const media::UpdateSession& update : gw.updates) {
    if (!update.trunk) continue;
    ++trunks;
    EXPECT_EQ(update.trunk->rtp.ToString(), "127.0.0.1:30000");
    EXPECT_TRUE(update.trunk->rtcp_mux);
  }
  EXPECT_GE(trunks, 1);
}

TEST_F(LocalCallsTest, TheCalleeHangsUp) {
  Talk talk = AliceAndBob();
  HangUp(talk.callee);
  ExpectBye(talk.caller);
  ExpectNothingLeft();
}

TEST_F(LocalCallsTest, ARouteMayNameTheUser) {
  Dial(kAlice, "alice", "9999");
  const sip::Message ring = gw.ToBrowser(kBob);
  EXPECT_EQ(ring.method, "INVITE");
  EXPECT_EQ(ring.from.uri.user, "alice");
}

TEST_F(LocalCallsTest, WhoCannotBeCalledIsSaid) {
  Dial(kAlice, "alice", "nobody");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 404);
  Dial(kAlice, "alice", "carol");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 480);
  EXPECT_TRUE(gw.BrowserIsQuiet(kBob));
  Dial(kAlice, "alice", "bob");
  gw.FromBrowser(kBob, sip::MakeResponse(gw.ToBrowser(kBob), 486, "", "tagbob"));
  EXPECT_EQ(gw.ToBrowser(kBob).method, "ACK");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 486);
}

TEST(LocalCallsWithoutARoute, NobodyIsReached) {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  AddLocalTrunk(options, {});
  GatewayInMemory gw(std::move(options));
  gw.Register(kBob, "bob");
  gw.Register(kAlice, "alice");
  for (const char* name : {"bob", "local"}) {
    sip::Message invite = gw.MakeInvite("alice", name);
    EXPECT_EQ(gw.Ask(kAlice, invite, "secret").status, 404) << name;
  }
  EXPECT_TRUE(gw.BrowserIsQuiet(kBob));
}

TEST(LocalCallsWithoutARoute, ANewRouteLeadsToUsersAtOnce) {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  AddLocalTrunk(options, {});
  GatewayInMemory gw(std::move(options));
  gw.Register(kAlice, "alice");
  auto routes = route::Router::Make({.routes = {{.name = "users", .to = "^[a-z]", .user = "$0"}}});
  ASSERT_TRUE(routes);
  gw.manager.ExchangeRoutes(*routes);
  // 404 without the route; 480 is of a user who is away.
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeInvite("alice", "bob"), "secret").status, 480);
}

TEST_F(LocalCallsTest, TheCallerGivesUp) {
  const sip::Message invite = Dial(kAlice, "alice", "bob");
  const sip::Message ring = gw.ToBrowser(kBob);
  gw.FromBrowser(kBob, sip::MakeResponse(ring, 180, "", "tagbob"));
  gw.Wait(60ms);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 180);
  sip::Message cancel = invite;
  cancel.method = cancel.cseq.method = "CANCEL";
  cancel.body.clear();
  cancel.content_type.clear();
  cancel.authorizations.clear();
  gw.FromBrowser(kAlice, cancel);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 487);
  sip::Message ack = invite;
  ack.method = ack.cseq.method = "ACK";
  ack.body.clear();
  ack.content_type.clear();
  gw.FromBrowser(kAlice, ack);
  const sip::Message cancelled = gw.ToBrowser(kBob);
  EXPECT_EQ(cancelled.method, "CANCEL");
  gw.FromBrowser(kBob, sip::MakeResponse(cancelled, 200, "", "tagbob"));
  gw.FromBrowser(kBob, sip::MakeResponse(ring, 487, "", "tagbob"));
  EXPECT_EQ(gw.ToBrowser(kBob).method, "ACK");
  ExpectNothingLeft();
}

TEST_F(LocalCallsTest, AHoldADigitAndAMessageReachTheOtherOne) {
  Talk talk = AliceAndBob();
  sip::Message hold = Request(talk.caller, "INVITE");
  hold.content_type = "application/sdp";
  hold.body = talk.caller.invite.body;
  hold.body.replace(hold.body.find("a=sendrecv"), 10, "a=sendonly");
  const sip::Message held = Ask(talk.caller, hold);
  EXPECT_EQ(held.status, 200);
  EXPECT_THAT(held.body, HasSubstr("a=recvonly"));
  sip::Message ack = Request(talk.caller, "ACK");
  ack.cseq.number = hold.cseq.number;
  gw.FromBrowser(kAlice, ack);
  std::string answer = Sdp("active");
  answer.replace(answer.find("a=sendrecv"), 10, "a=recvonly");
  ExpectReoffer(talk.callee, "a=sendonly", answer);

  sip::Message message = Request(talk.callee, "MESSAGE");
  message.content_type = "text/plain";
  message.body = "one moment";
  gw.FromBrowser(kBob, message);
  const sip::Message heard = gw.ToBrowser(kAlice);
  EXPECT_EQ(heard.body, "one moment");
  gw.FromBrowser(kAlice, sip::MakeResponse(heard, 200, "", ""));
  EXPECT_EQ(gw.ToBrowser(kBob).status, 200);

  sip::Message info = Request(talk.caller, "INFO");
  info.content_type = "application/dtmf-relay";
  info.body = "Signal=5\r\nDuration=100\r\n";
  EXPECT_EQ(Ask(talk.caller, info).status, 200);
  ASSERT_EQ(gw.digits.size(), 1u);
  EXPECT_EQ(gw.digits.front().event, 5);
  HangUp(talk.caller);
  ExpectBye(talk.callee);
  ExpectNothingLeft();
}

// --- transfers ---

TEST_F(LocalCallsTest, ACarriersCallIsTransferredToAnotherBrowser) {
  sip::Message trunk_invite;
  Leg alice = CallOut("600", trunk_invite);
  EXPECT_EQ(Refer(alice, "<sip:bob@gw.example>").status, 202);
  ExpectNotify(alice, 100);
  Leg bob = Accept(kBob, "bob");
  EXPECT_EQ(bob.invite.from.uri.user, "alice");
  ExpectNotify(alice, 200);
  ExpectBye(alice);
  const sip::Message moved = gw.ToTrunk();
  EXPECT_EQ(moved.method, "INVITE");
  EXPECT_EQ(moved.call_id, trunk_invite.call_id);
  EXPECT_THAT(moved.body, HasSubstr("c=IN IP4 192.0.2.1"));  // as the anchor says, to carriers
  gw.FromTrunk(gw.TrunkAnswer(moved, 200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  HangUp(bob);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
}

TEST_F(LocalCallsTest, ATransferToWhoIsNotThereLeavesTheCall) {
  sip::Message trunk_invite;
  Leg alice = CallOut("600", trunk_invite);
  for (const auto& [name, status] : {std::pair{"nobody", 404}, std::pair{"carol", 480}}) {
    EXPECT_EQ(Refer(alice, std::string("<sip:") + name + "@gw.example>").status, 202);
    ExpectNotify(alice, 100);
    ExpectNotify(alice, status);
  }
  EXPECT_TRUE(gw.TrunkIsQuiet());
  HangUp(alice);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
}

TEST_F(LocalCallsTest, AttendedACarriersCallIsJoinedWithALocalOne) {
  sip::Message trunk_invite;
  Leg out = CallOut("600", trunk_invite);
  Talk talk = AliceAndBob();
  const Leg& local = talk.caller;
  EXPECT_EQ(Refer(out, "<sip:bob@gw.example?Replaces=" + local.invite.call_id + "%3Bto-tag%3D" +
                           local.ok.to.tag() + "%3Bfrom-tag%3D" + local.invite.from.tag() + ">")
                .status,
            202);
  ExpectNotify(out, 100);
  ExpectNotify(out, 200);
  ExpectBye(out);
  ExpectBye(local);
  const sip::Message moved = gw.ToTrunk();
  EXPECT_EQ(moved.method, "INVITE");
  gw.FromTrunk(gw.TrunkAnswer(moved, 200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  // Bob's browser sends Opus, which the carrier does not have.
  ExpectReoffer(talk.callee, "SAVPF 0 101\r\n", testing::BrowserSdp("active", "0 101"));
  HangUp(talk.callee);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
}

TEST_F(LocalCallsTest, WhoWasCalledTransfersTheCallerToAThirdBrowser) {
  gw.Register(kCarol, "carol");
  Talk talk = AliceAndBob();
  EXPECT_EQ(Refer(talk.callee, "<sip:carol@gw.example>").status, 202);
  ExpectNotify(talk.callee, 100);
  Leg carol = Accept(kCarol, "carol");
  EXPECT_EQ(carol.invite.from.uri.user, "bob");
  ExpectNotify(talk.callee, 200);
  ExpectBye(talk.callee);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  HangUp(talk.caller);
  ExpectBye(carol);
  ExpectNothingLeft();
}

TEST_F(LocalCallsTest, ATransferOfATransferOfATransferComesToAnEnd) {
  gw.Register(kCarol, "carol");
  Talk talk = AliceAndBob();
  Leg last = talk.callee;
  uint32_t transfers = 0;
  for (; transfers <= sip::kMaxForwards; ++transfers) {
    const bool to_carol = last.conn == kBob;
    EXPECT_EQ(Refer(last, to_carol ? "<sip:carol@gw.example>" : "<sip:bob@gw.example>").status,
              202);
    ExpectNotify(last, 100);
    const uint64_t next = to_carol ? kCarol : kBob;
    if (gw.BrowserIsQuiet(next)) break;
    Leg answered = Accept(next, to_carol ? "carol" : "bob");
    ExpectNotify(last, 200);
    ExpectBye(last);
    last = std::move(answered);
  }
  EXPECT_EQ(transfers, sip::kMaxForwards - 1);
  ExpectNotify(last, 480);
  HangUp(last);
  ExpectBye(talk.caller);
  ExpectNothingLeft();
}

TEST_F(LocalCallsTest, TwoHoldsAtTheSameMomentDoNotMeetForEver) {
  Talk talk = AliceAndBob();
  std::vector<sip::Message> holds;
  for (Leg* leg : {&talk.caller, &talk.callee}) {
    sip::Message hold = Request(*leg, "INVITE");
    hold.content_type = "application/sdp";
    hold.body = Sdp(leg->calls ? "actpass" : "active");
    hold.body.replace(hold.body.find("a=sendrecv"), 10, "a=sendonly");
    gw.manager.OnWs(ws::Message{{leg->conn}, sip::Print(hold)}, gw.now);
    holds.push_back(std::move(hold));
  }
  gw.Pump();
  for (Leg* leg : {&talk.caller, &talk.callee}) {
    EXPECT_EQ(gw.ToBrowser(leg->conn).status, 100);
    EXPECT_EQ(gw.ToBrowser(leg->conn).status, 200);
    sip::Message ack = Request(*leg, "ACK");
    ack.cseq.number = holds[leg->calls ? 0 : 1].cseq.number;
    gw.FromBrowser(leg->conn, ack);
  }
  gw.Wait(10s);
  for (Leg* leg : {&talk.caller, &talk.callee}) {
    const sip::Message told = gw.ToBrowser(leg->conn);
    EXPECT_EQ(told.method, "INVITE") << sip::Print(told);
    EXPECT_THAT(told.body, HasSubstr("a=sendonly"));  // as the other one wants it
    EXPECT_TRUE(gw.BrowserIsQuiet(leg->conn));
  }
}

TEST_F(LocalCallsTest, ACarrierTransfersItsCallToAnotherBrowser) {
  gw.Register(kCarol, "carol");
  sip::Message trunk_invite;
  Leg alice = CallOut("600", trunk_invite);
  const sip::Message ok = gw.TrunkAnswer(trunk_invite, 200, "");
  sip::Message refer = gw.MakeTrunkInvite("lastmile");
  refer.method = refer.cseq.method = "REFER";
  refer.from = ok.to;
  refer.to = ok.from;
  refer.call_id = ok.call_id;
  refer.body.clear();
  refer.content_type.clear();
  refer.extra.push_back({"Refer-To", "<sip:carol@198.51.100.1>"});
  gw.FromTrunk(refer);
  EXPECT_EQ(gw.ToTrunk().status, 202);
  EXPECT_THAT(gw.ToTrunk().body, HasSubstr("100"));
  Leg carol = Accept(kCarol, "carol");
  EXPECT_EQ(carol.invite.from.uri.user, "alice");
  EXPECT_THAT(gw.ToTrunk().body, HasSubstr("200"));
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
  ExpectReoffer(alice, "SAVPF 111 ", Sdp("active"));  // the carrier had no Opus
  HangUp(alice);
  ExpectBye(carol);
}

TEST_F(LocalCallsTest, ShuttingDownEndsBothCalls) {
  Talk talk = AliceAndBob();
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  gw.Pump();
  ExpectBye(talk.caller);
  ExpectBye(talk.callee);
  ExpectNothingLeft();
}

}  // namespace
}  // namespace lastmile::app

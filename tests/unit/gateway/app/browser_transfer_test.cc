#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/sip/refer.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

// A browser that transfers its calls (REFER): what the carriers and the browser see of it.
namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kBob = 2;

class BrowserTransferTest : public ::testing::Test {
 protected:
  // One dialog with the trunk that the gateway began, and the browser's side of its call.
  struct Leg {
    sip::Message invite;  // the gateway's
    std::string tag;      // the carrier's
    sip::Message browser_invite = {};
    sip::Message ok = {};  // the browser's
    uint32_t cseq = 100;
  };

  explicit BrowserTransferTest(CallManagerOptions options = GatewayInMemory::DefaultOptions())
      : gw(std::move(options)) {}

  sip::Message Answer(const Leg& leg, const sip::Message& request, int status,
                      const std::string& sdp = "") {
    sip::Message response = gw.TrunkAnswer(request, status, sdp);
    if (request.to.tag().empty()) response.to.params.Set("tag", leg.tag);
    return response;
  }
  // The user's call to that number up to its ACK.
  Leg Connect(const std::string& number, uint64_t conn = kAlice,
              const std::string& user = "alice") {
    Leg leg{.invite = {}, .tag = "far" + number};
    if (!registered_.contains(conn)) gw.Register(conn, user);
    registered_.insert(conn);
    sip::Message invite = gw.MakeInvite(user, number);
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
    leg.browser_invite = invite;
    leg.invite = gw.ToTrunk();
    gw.FromTrunk(Answer(leg, leg.invite, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    leg.ok = gw.ToBrowser(conn);
    EXPECT_EQ(leg.ok.status, 200);
    gw.FromBrowser(conn, FromUser(leg, "ACK"));
    return leg;
  }
  sip::Message FromUser(Leg& leg, const std::string& method) {
    sip::Message request = leg.browser_invite;
    request.method = request.cseq.method = method;
    request.to = leg.ok.to;
    request.body.clear();
    request.content_type.clear();
    request.vias.front().params.Set("branch", "z9hG4bK" + gw.random.Token(8));
    if (method != "ACK") request.cseq.number = ++leg.cseq;
    return request;
  }
  sip::Message FromCarrier(Leg& leg, const std::string& method, const std::string& sdp = "") {
    sip::Message request = gw.MakeTrunkInvite("lastmile");
    request.method = request.cseq.method = method;
    request.cseq.number = ++leg.cseq;
    request.from = leg.invite.to;
    request.from.params.Set("tag", leg.tag);
    request.to = leg.invite.from;
    request.call_id = leg.invite.call_id;
    request.content_type = sdp.empty() ? "" : "application/sdp";
    request.body = sdp;
    return request;
  }
  // Sends it and gives the answer to it.
  sip::Message Refer(Leg& leg, const std::string& refer_to, uint64_t conn = kAlice) {
    sip::Message refer = FromUser(leg, "REFER");
    refer.extra.push_back({"Refer-To", refer_to});
    gw.FromBrowser(conn, refer);
    return gw.ToBrowser(conn);
  }
  static std::string ReplacesOf(const Leg& leg, bool swapped = false) {
    const std::string ours = leg.browser_invite.from.tag();
    const std::string theirs = leg.ok.to.tag();
    return "<sip:x@gw.example?Replaces=" + leg.browser_invite.call_id + "%3Bto-tag%3D" +
           (swapped ? ours : theirs) + "%3Bfrom-tag%3D" + (swapped ? theirs : ours) + ">";
  }
  void ExpectNotify(const Leg& leg, int status, uint64_t conn = kAlice) {
    const sip::Message notify = gw.ToBrowser(conn);
    EXPECT_EQ(notify.method, "NOTIFY") << sip::Print(notify);
    EXPECT_EQ(notify.call_id, leg.browser_invite.call_id);
    EXPECT_EQ(*notify.FindExtra("Event"), "refer;id=" + std::to_string(leg.cseq));
    EXPECT_THAT(notify.body, HasSubstr("SIP/2.0 " + std::to_string(status) + " "));
    EXPECT_THAT(*notify.FindExtra("Subscription-State"),
                HasSubstr(status < 200 ? "active" : "terminated"));
    gw.FromBrowser(conn, sip::MakeResponse(notify, 200, "", ""));
  }
  void ExpectByeAtBrowser(const Leg& leg, uint64_t conn = kAlice) {
    const sip::Message bye = gw.ToBrowser(conn);
    EXPECT_EQ(bye.method, "BYE") << sip::Print(bye);
    EXPECT_EQ(bye.call_id, leg.browser_invite.call_id);
    gw.FromBrowser(conn, sip::MakeResponse(bye, 200, "", ""));
  }
  // The gateway's next request to the trunk, which is that leg's.
  sip::Message ToLeg(const Leg& leg, const std::string& method) {
    sip::Message request = gw.ToTrunk();
    EXPECT_EQ(request.method, method) << sip::Print(request);
    EXPECT_EQ(request.call_id, leg.invite.call_id);
    return request;
  }
  // Its re-INVITE shows that port of the bridge, and is answered.
  sip::Message ExpectMoved(const Leg& leg, const std::string& port) {
    const sip::Message reinvite = ToLeg(leg, "INVITE");
    EXPECT_THAT(reinvite.body, HasSubstr("m=audio " + port));
    gw.FromTrunk(Answer(leg, reinvite, 200, testing::TrunkSdp("0 101")));
    ToLeg(leg, "ACK");
    return reinvite;
  }
  // The INVITE to the target after the REFER was taken.
  Leg Called(const Leg& leg, const std::string& number) {
    ExpectNotify(leg, 100);
    Leg target{.invite = gw.ToTrunk(), .tag = "far" + number};
    EXPECT_EQ(target.invite.method, "INVITE");
    EXPECT_EQ(target.invite.request_uri.user, number);
    EXPECT_THAT(target.invite.body, HasSubstr("m=audio 32000"));
    return target;
  }
  void HangUpAtTrunk(Leg& leg) {
    gw.FromTrunk(FromCarrier(leg, "BYE"));
    EXPECT_EQ(gw.ToTrunk().status, 200);
  }
  void ExpectByeAtTrunk(const Leg& leg, const std::string& reason = "") {
    const sip::Message bye = ToLeg(leg, "BYE");
    if (!reason.empty()) {
      ASSERT_TRUE(bye.FindExtra("Reason"));
      EXPECT_THAT(*bye.FindExtra("Reason"), HasSubstr(reason));
    }
    gw.FromTrunk(Answer(leg, bye, 200));
  }
  // Alice and the far end of her call are as they were.
  void ExpectTheCallGoesOn(Leg& leg) {
    gw.FromBrowser(kAlice, FromUser(leg, "BYE"));
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
    ExpectByeAtTrunk(leg);
  }
  void ExpectEmpty() {
    gw.Wait(70s);
    EXPECT_TRUE(gw.IsEmpty());
  }

  GatewayInMemory gw;
  std::set<uint64_t> registered_;
};

TEST_F(BrowserTransferTest, BlindTheTwoFarEndsTalkAndTheBrowserIsOut) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  EXPECT_EQ(second.invite.from.uri.user, "+15550001001") << "as if alice had dialled it";
  gw.FromTrunk(Answer(second, second.invite, 180));
  ExpectNotify(first, 180);
  EXPECT_TRUE(gw.TrunkIsQuiet()) << "the first party is not touched before the answer";
  gw.FromTrunk(Answer(second, second.invite, 200, testing::TrunkSdp("0 101")));
  ToLeg(second, "ACK");
  ExpectNotify(first, 200);
  ExpectByeAtBrowser(first);
  const sip::Message moved = ExpectMoved(first, "31000");
  EXPECT_THAT(moved.body, HasSubstr(" 2 IN IP4")) << "the next version of the same session";
  EXPECT_EQ(gw.sessions.size(), 1u);
  ASSERT_FALSE(gw.bridge_updates.empty());
  const auto& payloads = gw.bridge_updates.back().payloads;
  ASSERT_TRUE(payloads);
  EXPECT_EQ(payloads->size(), 2u) << "PCMU and telephone-event";
  HangUpAtTrunk(first);
  ExpectByeAtTrunk(second);
  ExpectEmpty();
  ASSERT_EQ(gw.records.size(), 2u);
  EXPECT_TRUE(gw.records[0].summary.transferred);
  EXPECT_EQ(gw.records[0].direction, call::CallDirection::kFromBrowser);
  EXPECT_EQ(gw.records[1].direction, call::CallDirection::kBetweenTrunks);
  EXPECT_EQ(gw.records[1].continues, std::vector{gw.records[0].id});
  EXPECT_EQ(gw.records[1].parties.user, "alice");
  EXPECT_EQ(gw.records[1].parties.caller, "600");
  EXPECT_EQ(gw.records[1].parties.number, "700");
  EXPECT_EQ(gw.records[1].summary.status, 200);
}

TEST_F(BrowserTransferTest, ABusyTargetLeavesTheCallAsItWas) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromTrunk(Answer(second, second.invite, 486));
  ToLeg(second, "ACK");
  ExpectNotify(first, 486);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  // Once more, and that one succeeds.
  EXPECT_EQ(Refer(first, "<sip:701@gw.example>").status, 202);
  second = Called(first, "701");
  gw.FromTrunk(Answer(second, second.invite, 503));
  ToLeg(second, "ACK");
  ExpectNotify(first, 503);
  ExpectTheCallGoesOn(first);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, ATransferorThatHangsUpLeavesItsFarEndWaiting) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromBrowser(kAlice, FromUser(first, "BYE"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  ExpectMoved(first, "31000");
  // It hears the target ring.
  gw.FromTrunk(Answer(second, second.invite, 183, testing::TrunkSdp("0 101")));
  EXPECT_TRUE(gw.bridge_updates.back().second);
  gw.FromTrunk(Answer(second, second.invite, 200, testing::TrunkSdp("0 101")));
  ToLeg(second, "ACK");
  ExpectMoved(first, "31000");
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  HangUpAtTrunk(second);
  ExpectByeAtTrunk(first);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, WithoutATransferorAFailureEndsTheFarEndWithAReason) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromBrowser(kAlice, FromUser(first, "BYE"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  ExpectMoved(first, "31000");
  gw.FromTrunk(Answer(second, second.invite, 486));
  ToLeg(second, "ACK");
  ExpectByeAtTrunk(first, "cause=486");
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, AClosedPageLeavesItsFarEndToTheTransferToo) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.CloseBrowser(kAlice, 1001);
  const auto call_session = *gw.sessions.begin();
  gw.manager.OnMedia(media::BrowserSilent{call_session, "silent"}, gw.now);
  gw.Pump();
  ExpectMoved(first, "31000");
  gw.FromTrunk(Answer(second, second.invite, 200, testing::TrunkSdp("0 101")));
  ToLeg(second, "ACK");
  ExpectMoved(first, "31000");
  HangUpAtTrunk(first);
  ExpectByeAtTrunk(second);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, AFarEndThatHangsUpMeanwhileEndsTheTransfer) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromTrunk(Answer(second, second.invite, 180));
  ExpectNotify(first, 180);
  gw.FromTrunk(FromCarrier(first, "BYE"));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  ExpectByeAtBrowser(first);
  const sip::Message cancel = ToLeg(second, "CANCEL");
  gw.FromTrunk(Answer(second, cancel, 200));
  gw.FromTrunk(Answer(second, second.invite, 487));
  ToLeg(second, "ACK");
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, WhatNoRouteLeadsToIs404AnotherUserToo) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:nobody@gw.example>").status, 202);
  ExpectNotify(first, 404);
  EXPECT_EQ(Refer(first, "<sip:bob@gw.example>").status, 202);
  ExpectNotify(first, 404);
  ExpectTheCallGoesOn(first);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, WhatCannotBeFollowedIsRefusedAtOnce) {
  Leg first = Connect("600");
  const auto expect = [&](const sip::Message& answer, int status) {
    EXPECT_EQ(answer.status, status);
    EXPECT_TRUE(answer.FindExtra("Warning"));
  };
  expect(Refer(first, "<tel:+15550009999>"), 416);
  expect(Refer(first, "<sip:700@gw.example;method=BYE>"), 501);
  expect(Refer(first, "<sip:x@gw.example?Replaces=abc>"), 400);
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  Leg of_first_refer = first;
  expect(Refer(first, "<sip:701@gw.example>"), 491);
  gw.FromTrunk(Answer(second, second.invite, 603));
  ToLeg(second, "ACK");
  ExpectNotify(of_first_refer, 603);
  ExpectTheCallGoesOn(first);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, BeforeTheAckItIs403) {  // J13
  auto dialled = gw.Dial(kAlice, "alice", "600");
  Leg first{.invite = dialled.trunk_invite, .tag = "far", .browser_invite = dialled.invite};
  gw.FromTrunk(Answer(first, first.invite, 200, testing::TrunkSdp("0 101")));
  ToLeg(first, "ACK");
  first.ok = gw.ToBrowser(kAlice);
  const sip::Message answer = Refer(first, "<sip:700@gw.example>");
  EXPECT_EQ(answer.status, 403);
  EXPECT_TRUE(answer.FindExtra("Warning"));
  gw.FromBrowser(kAlice, FromUser(first, "ACK"));
  ExpectTheCallGoesOn(first);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, AttendedTheFarEndsOfBothCallsTalk) {
  for (const bool swapped : {false, true}) {
    gw.records.clear();
    Leg first = Connect("600");
    Leg second = Connect("700");
    EXPECT_EQ(Refer(first, ReplacesOf(second, swapped)).status, 202);
    ExpectNotify(first, 100);
    ExpectNotify(first, 200);
    ExpectByeAtBrowser(first);
    ExpectByeAtBrowser(second);
    const sip::Message to_first = ToLeg(first, "INVITE");
    const sip::Message to_second = ToLeg(second, "INVITE");
    EXPECT_THAT(to_first.body, HasSubstr("m=audio 31000"));
    EXPECT_THAT(to_second.body, HasSubstr("m=audio 32000"));
    gw.FromTrunk(Answer(first, to_first, 200, testing::TrunkSdp("0 101")));
    ToLeg(first, "ACK");
    gw.FromTrunk(Answer(second, to_second, 200, testing::TrunkSdp("0 101")));
    ToLeg(second, "ACK");
    EXPECT_EQ(gw.sessions.size(), 1u);
    HangUpAtTrunk(second);
    ExpectByeAtTrunk(first);
    gw.Wait(60s);
    EXPECT_TRUE(gw.IsEmpty());
    ASSERT_EQ(gw.records.size(), 3u);
    EXPECT_EQ(gw.records[2].continues.size(), 2u);
  }
}

TEST_F(BrowserTransferTest, ACallOfSomebodyElseOrOfNobodyIs481) {
  Leg first = Connect("600");
  Leg bobs = Connect("700", kBob, "bob");
  EXPECT_EQ(Refer(first, ReplacesOf(bobs)).status, 202);
  ExpectNotify(first, 481);
  Leg unknown = bobs;
  unknown.browser_invite.call_id = "unknown";
  EXPECT_EQ(Refer(first, ReplacesOf(unknown)).status, 202);
  ExpectNotify(first, 481);
  EXPECT_EQ(Refer(first, ReplacesOf(first)).status, 202);
  ExpectNotify(first, 403);
  EXPECT_TRUE(gw.BrowserIsQuiet(kBob));
  EXPECT_TRUE(gw.TrunkIsQuiet());
  ExpectTheCallGoesOn(first);
  gw.FromBrowser(kBob, FromUser(bobs, "BYE"));
  ExpectByeAtTrunk(bobs);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, HoldsDigitsAndRefreshesGoFromOneCarrierToTheOther) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromTrunk(Answer(second, second.invite, 200, testing::TrunkSdp("0 101")));
  ToLeg(second, "ACK");
  ExpectNotify(first, 200);
  ExpectByeAtBrowser(first);
  ExpectMoved(first, "31000");
  gw.FromTrunk(FromCarrier(second, "INVITE", testing::TrunkSdp("0 101", "sendonly")));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message held = gw.ToTrunk();
  EXPECT_EQ(held.status, 200);
  EXPECT_THAT(held.body, HasSubstr("a=recvonly"));
  const sip::Message reinvite = ToLeg(first, "INVITE");
  EXPECT_THAT(reinvite.body, HasSubstr("a=sendonly"));
  gw.FromTrunk(Answer(first, reinvite, 200, testing::TrunkSdp("0 101", "recvonly")));
  ToLeg(first, "ACK");
  sip::Message ack = FromCarrier(second, "ACK");
  ack.cseq.number = second.cseq - 1;
  gw.FromTrunk(ack);
  sip::Message info = FromCarrier(first, "INFO");
  info.content_type = "application/dtmf-relay";
  info.body = "Signal=5\r\nDuration=100\r\n";
  gw.FromTrunk(info);
  EXPECT_EQ(gw.ToTrunk().status, 200);
  ASSERT_EQ(gw.digits.size(), 1u);
  EXPECT_EQ(gw.digits[0].event, 5);
  EXPECT_FALSE(gw.digits[0].to_first);
  gw.FromTrunk(FromCarrier(first, "REFER"));
  EXPECT_EQ(gw.ToTrunk().status, 403);
  HangUpAtTrunk(first);
  ExpectByeAtTrunk(second);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, AFarEndThatRefusesToMoveEndsBoth) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromTrunk(Answer(second, second.invite, 200, testing::TrunkSdp("0 101")));
  ToLeg(second, "ACK");
  ExpectNotify(first, 200);
  ExpectByeAtBrowser(first);
  const sip::Message reinvite = ToLeg(first, "INVITE");
  gw.FromTrunk(Answer(first, reinvite, 488));
  ToLeg(first, "ACK");
  ExpectByeAtTrunk(first, "488");
  ExpectByeAtTrunk(second, "488");
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, WithoutAPortTheTransferFailsAndTheCallGoesOn) {
  Leg first = Connect("600");
  gw.refuse_media = true;
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  ExpectNotify(first, 100);
  ExpectNotify(first, 503);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  ExpectTheCallGoesOn(first);
  ExpectEmpty();
}

TEST_F(BrowserTransferTest, ShuttingDownEndsEverybody) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  Leg second = Called(first, "700");
  gw.FromTrunk(Answer(second, second.invite, 180));
  ExpectNotify(first, 180);
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  gw.Pump();
  ExpectByeAtBrowser(first);
  std::set<std::string> methods;
  while (!gw.TrunkIsQuiet()) methods.insert(gw.ToTrunk().method);
  EXPECT_THAT(methods, Contains("BYE"));
  EXPECT_THAT(methods, Contains("CANCEL"));
  ExpectEmpty();
}

// The second trunk knows another codec than the call has.
class OtherCodecTransferTest : public BrowserTransferTest {
 protected:
  static CallManagerOptions Options() {
    auto options = GatewayInMemory::DefaultOptions();
    options.trunk.trunks.push_back({.name = "other", .host = "198.51.100.9", .port = 5070});
    options.routing.routes.insert(options.routing.routes.begin(),
                                  {.name = "other", .to = "^7", .trunks = {{"other"}}});
    options.policies["other"] = {.codecs = {"PCMA"}, .transcode = call::Transcode::kNever};
    return options;
  }
  OtherCodecTransferTest() : BrowserTransferTest(Options()) {}
};

TEST_F(OtherCodecTransferTest, WithoutACodecInCommonItIs488AndTheCallGoesOn) {
  Leg first = Connect("600");
  EXPECT_EQ(Refer(first, "<sip:700@gw.example>").status, 202);
  ExpectNotify(first, 488);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  ExpectTheCallGoesOn(first);
  ExpectEmpty();
}

}  // namespace
}  // namespace lastmile::app

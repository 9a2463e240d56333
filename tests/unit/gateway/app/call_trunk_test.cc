#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

// What SIP extensions of a carrier do to a call: they end at the trunk, and the browser sees none.
namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kAlice = 1;

class CallTrunkTest : public ::testing::Test {
 protected:
  // --- alice calls ---
  void Dial() {
    auto dialled = gw.Dial(kAlice, "alice", "600");
    invite = std::move(dialled.invite);
    trunk_invite = std::move(dialled.trunk_invite);
  }
  sip::Message Answer(int status, const std::string& sdp,
                      const std::string& tag = "carrier") const {
    sip::Message response = gw.TrunkAnswer(trunk_invite, status, sdp);
    response.to.params.Set("tag", tag);
    return response;
  }
  void AckAsAlice(const sip::Message& ok) {
    sip::Message ack = invite;
    ack.method = ack.cseq.method = "ACK";
    ack.to = ok.to;
    ack.body.clear();
    ack.content_type.clear();
    ack.vias.front().params.Set("branch", "z9hG4bKack");
    gw.FromBrowser(kAlice, ack);
  }
  // A call that is up. The carrier takes part in session timers as `session` says.
  void Connect(const std::string& session = "", bool update = true) {
    Dial();
    sip::Message ok = Answer(200, testing::TrunkSdp("0 101"));
    if (!session.empty()) ok.extra.push_back({"Session-Expires", session});
    if (update) ok.allow = {"INVITE", "ACK", "BYE", "UPDATE"};
    gw.FromTrunk(ok);
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    AckAsAlice(gw.ToBrowser(kAlice));
  }
  // A request of the carrier in the dialog of alice's call.
  sip::Message FromCarrier(const std::string& method, const std::string& sdp = "") {
    sip::Message request = gw.MakeTrunkInvite("lastmile");
    request.method = request.cseq.method = method;
    request.cseq.number = ++cseq;
    request.from = trunk_invite.to;
    request.from.params.Set("tag", "carrier");
    request.to = trunk_invite.from;
    request.call_id = trunk_invite.call_id;
    request.content_type = sdp.empty() ? "" : "application/sdp";
    request.body = sdp;
    return request;
  }
  // Alice's own session is refreshed as well; nothing else may come.
  void ExpectOnlyARefreshAtAlice() {
    while (!gw.BrowserIsQuiet(kAlice)) {
      const sip::Message message = gw.ToBrowser(kAlice);
      EXPECT_EQ(message.method, "UPDATE") << sip::Print(message);
      EXPECT_TRUE(message.body.empty());
      gw.FromBrowser(kAlice, sip::MakeResponse(message, 200, "", ""));
    }
  }
  void ExpectTheEndByTimer(const char* reason) {
    const sip::Message bye = gw.ToTrunk();
    EXPECT_EQ(bye.method, "BYE");
    EXPECT_THAT(*bye.FindExtra("Reason"), HasSubstr(reason));
    ExpectByeAtAlice(reason);
  }
  void ExpectByeAtAlice(const char* reason) {
    sip::Message at_alice = gw.ToBrowser(kAlice);
    while (at_alice.method == "UPDATE") at_alice = gw.ToBrowser(kAlice);
    EXPECT_EQ(at_alice.method, "BYE");
    EXPECT_THAT(*at_alice.FindExtra("Reason"), HasSubstr(reason));
    gw.Wait(70s);
    EXPECT_TRUE(gw.IsEmpty());
  }

  // --- alice is called ---
  // The carrier's INVITE up to alice's, if it comes to that.
  void Call(sip::Message call) {
    gw.Register(kAlice, "alice");
    gw.ConnectTrunk("198.51.100.9:33333");
    trunk_invite = std::move(call);
    gw.FromTrunk(trunk_invite);
    EXPECT_EQ(gw.ToTrunk().status, 100);
  }
  void AliceAnswers(const sip::Message& ring, const std::string& formats = "0 8 101") {
    sip::Message answer = sip::MakeResponse(ring, 200, "", "alice");
    answer.contacts = gw.MakeInvite("alice", "x").contacts;
    answer.content_type = "application/sdp";
    answer.body = testing::BrowserSdp("active", formats);
    gw.FromBrowser(kAlice, answer);
    EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
  }
  // A request of the caller after `response`.
  sip::Message FromCaller(const std::string& method, const sip::Message& response,
                          const std::string& sdp = "") {
    return gw.MakeTrunkRequest(method, trunk_invite, response, method == "ACK" ? 1 : ++cseq, sdp);
  }

  GatewayInMemory gw;
  sip::Message invite;
  sip::Message trunk_invite;
  uint32_t cseq = 10;
};

// --- PRACK (interop row 29, J5) ---

TEST_F(CallTrunkTest, Interop29NothingOfReliable18xReachesTheBrowser) {
  Dial();
  EXPECT_THAT(trunk_invite.supported, Contains("100rel"));
  EXPECT_THAT(trunk_invite.allow, Contains("PRACK"));
  sip::Message early = Answer(183, testing::TrunkSdp("0 101"));
  early.require = {"100rel"};
  early.extra.push_back({"RSeq", "17"});
  gw.FromTrunk(early);
  const sip::Message prack = gw.ToTrunk();
  EXPECT_EQ(prack.method, "PRACK");
  EXPECT_EQ(*prack.FindExtra("RAck"), "17 1 INVITE");
  EXPECT_TRUE(prack.body.empty());
  gw.FromTrunk(early);  // again
  gw.Wait(call::Call::kMergeProgress);
  const sip::Message at_alice = gw.ToBrowser(kAlice);
  EXPECT_EQ(at_alice.status, 183);
  EXPECT_THAT(at_alice.require, IsEmpty());
  EXPECT_EQ(at_alice.FindExtra("RSeq"), nullptr);
  EXPECT_THAT(at_alice.allow, Not(Contains("PRACK")));
  gw.FromTrunk(gw.TrunkAnswer(prack, 481, ""));
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

// --- several answers (interop rows 17 and 18, J6, J9) ---

TEST_F(CallTrunkTest, Interop17ForksAreOneAnswerAndASecond200IsAckedAndHungUp) {
  Dial();
  gw.FromTrunk(Answer(183, testing::TrunkSdp("0 101"), "one"));
  gw.FromTrunk(Answer(183, testing::TrunkSdp("0 101"), "two"));
  gw.FromTrunk(Answer(199, "", "one"));
  gw.Wait(call::Call::kMergeProgress);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 183);
  gw.FromTrunk(Answer(200, testing::TrunkSdp("0 101"), "two"));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  gw.FromTrunk(Answer(200, testing::TrunkSdp("0 101"), "three"));
  const sip::Message ack = gw.ToTrunk();
  EXPECT_EQ(ack.method, "ACK");
  EXPECT_EQ(ack.to.tag(), "three");
  const sip::Message bye = gw.ToTrunk();
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_EQ(bye.to.tag(), "three");
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallTrunkTest, Interop18A200RightBehindA183IsAllTheBrowserSees) {
  Dial();
  gw.FromTrunk(Answer(183, testing::TrunkSdp("0 101")));
  gw.Wait(call::Call::kMergeProgress - 1ms);
  gw.FromTrunk(Answer(200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  gw.Wait(1s);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

// --- UPDATE before the answer (interop row 16, J13) ---

TEST_F(CallTrunkTest, Interop16AnUpdateBeforeTheAnswerStaysOnTheTrunk) {
  Dial();
  gw.FromTrunk(Answer(183, testing::TrunkSdp("0 101")));
  gw.Wait(call::Call::kMergeProgress);
  gw.ToBrowser(kAlice);
  gw.FromTrunk(FromCarrier("UPDATE", testing::TrunkSdp("0 101")));
  const sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(ok.status, 200);
  EXPECT_THAT(ok.body, HasSubstr("m=audio 30000 RTP/AVP 0 101"));
  gw.FromTrunk(FromCarrier("UPDATE"));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

// --- late offers (interop row 15) ---

TEST_F(CallTrunkTest, Interop15AnInviteWithoutAnOfferIsOfferedInThe200) {
  sip::Message call = gw.MakeTrunkInvite("+15550001001");
  call.body.clear();
  call.content_type.clear();
  Call(call);
  const sip::Message ring = gw.ToBrowser(kAlice);
  EXPECT_THAT(ring.body, HasSubstr("UDP/TLS/RTP/SAVPF 0 8 101"));
  AliceAnswers(ring);
  const sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(ok.status, 200);
  EXPECT_THAT(ok.body, HasSubstr("m=audio 30000 RTP/AVP 0 8 101"));
  gw.FromTrunk(FromCaller("ACK", ok, testing::TrunkSdp("0 101")));
  gw.FromTrunk(FromCaller("INVITE", ok));  // once more without an offer, in the call
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message again = gw.ToTrunk();
  EXPECT_EQ(again.status, 200);
  EXPECT_THAT(again.body, HasSubstr("m=audio 30000 RTP/AVP 0 101"));
  sip::Message ack = FromCaller("ACK", ok, testing::TrunkSdp("0 101"));
  ack.cseq.number = cseq;
  gw.FromTrunk(ack);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "nothing has changed for the browser";
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallTrunkTest, Interop15AnAckWithoutAnAnswerEndsTheCallWithAReason) {
  sip::Message call = gw.MakeTrunkInvite("+15550001001");
  call.body.clear();
  call.content_type.clear();
  Call(call);
  AliceAnswers(gw.ToBrowser(kAlice));
  const sip::Message ok = gw.ToTrunk();
  gw.FromTrunk(FromCaller("ACK", ok));
  const sip::Message bye = gw.ToTrunk();
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_THAT(*bye.FindExtra("Reason"), HasSubstr("SIP;cause=488;text="));
  ExpectByeAtAlice("SIP;cause=488");
}

TEST_F(CallTrunkTest, ALateOfferToACallerThatAcknowledgesGoesOutWithThe180) {
  sip::Message call = gw.MakeTrunkInvite("+15550001001");
  call.body.clear();
  call.content_type.clear();
  call.require = {"100rel"};
  Call(call);
  const sip::Message ring = gw.ToBrowser(kAlice);
  EXPECT_THAT(ring.require, IsEmpty());
  gw.FromBrowser(kAlice, sip::MakeResponse(ring, 180, "", "alice"));
  const sip::Message ringing = gw.ToTrunk();
  EXPECT_EQ(ringing.status, 180);
  EXPECT_THAT(ringing.body, HasSubstr("RTP/AVP 0 8 101"));
  AliceAnswers(ring);
  EXPECT_TRUE(gw.TrunkIsQuiet()) << "the 200 waits for the PRACK";
  sip::Message prack = FromCaller("PRACK", ringing, testing::TrunkSdp("0 101"));
  prack.extra.push_back({"RAck", *ringing.FindExtra("RSeq") + " 1 INVITE"});
  gw.FromTrunk(prack);
  EXPECT_EQ(gw.ToTrunk().cseq.method, "PRACK");
  const sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(ok.cseq.method, "INVITE");
  EXPECT_EQ(ok.status, 200);
  EXPECT_TRUE(ok.body.empty());
  gw.FromTrunk(FromCaller("ACK", ok));
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

// --- session timers (interop rows 6 and 14) ---

TEST_F(CallTrunkTest, TheInviteOffersASessionTimer) {
  Dial();
  EXPECT_THAT(trunk_invite.supported, Contains("timer"));
  EXPECT_EQ(*trunk_invite.FindExtra("Session-Expires"), "1800");
  EXPECT_EQ(*trunk_invite.FindExtra("Min-SE"), "90");
}

TEST_F(CallTrunkTest, Interop14TheGatewayRefreshesByUpdateAndTheBrowserHearsNothing) {
  Connect("1800;refresher=uac");
  for (int i = 0; i < 3; ++i) {
    gw.Wait(900s);
    const sip::Message update = gw.ToTrunk();
    EXPECT_EQ(update.method, "UPDATE");
    EXPECT_TRUE(update.body.empty());
    EXPECT_EQ(*update.FindExtra("Session-Expires"), "1800;refresher=uac");
    sip::Message ok = gw.TrunkAnswer(update, 200, "");
    ok.extra.push_back({"Session-Expires", "1800;refresher=uac"});
    gw.FromTrunk(ok);
    ExpectOnlyARefreshAtAlice();
  }
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallTrunkTest, Interop14ACarrierWithoutUpdateGetsAReinviteThatChangesNothing) {
  Connect("1800;refresher=uac", false);
  gw.Wait(900s);
  const sip::Message first = gw.ToTrunk();
  EXPECT_EQ(first.method, "INVITE");
  EXPECT_EQ(*first.FindExtra("Session-Expires"), "1800;refresher=uac");
  sip::Message ok = gw.TrunkAnswer(first, 200, testing::TrunkSdp("0 101"));
  ok.extra.push_back({"Session-Expires", "1800;refresher=uac"});
  gw.FromTrunk(ok);
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectOnlyARefreshAtAlice();
  gw.Wait(900s);
  EXPECT_EQ(gw.ToTrunk().body, first.body);
}

TEST_F(CallTrunkTest, Interop14TheCarriersOwnRefreshIsAnsweredAndWithoutItTheCallEnds) {
  Connect("1800;refresher=uas");
  gw.Wait(1700s);
  ExpectOnlyARefreshAtAlice();
  sip::Message refresh = FromCarrier("INVITE", testing::TrunkSdp("0 101"));
  refresh.supported = {"timer"};
  refresh.extra.push_back({"Session-Expires", "1800;refresher=uac"});
  gw.FromTrunk(refresh);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(ok.status, 200);
  EXPECT_EQ(*ok.FindExtra("Session-Expires"), "1800;refresher=uac");
  EXPECT_THAT(ok.require, Contains("timer"));
  sip::Message ack = FromCarrier("ACK");
  ack.cseq.number = refresh.cseq.number;
  gw.FromTrunk(ack);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "interop row 6";
  gw.Wait(1767s);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.Wait(2s);
  ExpectTheEndByTimer("nobody refreshed the session");
}

TEST_F(CallTrunkTest, ARefreshThatMeetsNoDialogEndsTheCall) {
  Connect("600;refresher=uac");
  gw.Wait(300s);
  gw.FromTrunk(gw.TrunkAnswer(gw.ToTrunk(), 481, ""));
  ExpectTheEndByTimer("the session refresh was not answered");
}

TEST_F(CallTrunkTest, ARefusedRefreshIsTriedAgainInAnotherWay) {
  Connect("600;refresher=uac");
  gw.Wait(300s);
  const sip::Message update = gw.ToTrunk();
  EXPECT_EQ(update.method, "UPDATE");
  gw.FromTrunk(gw.TrunkAnswer(update, 405, ""));
  gw.Wait(sip::SessionTimer::kAgain);
  EXPECT_EQ(gw.ToTrunk().method, "INVITE");
}

TEST_F(CallTrunkTest, WithoutTimersOfTheCarrierNothingRuns) {
  Connect();
  gw.Wait(3h);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallTrunkTest, AnIntervalThatIsTooSmallGets422) {
  sip::Message call = gw.MakeTrunkInvite("+15550001001");
  call.supported = {"timer"};
  call.extra.push_back({"Session-Expires", "60"});
  Call(call);
  const sip::Message refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(*refused.FindExtra("Min-SE"), "90");
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

TEST_F(CallTrunkTest, AnInboundCallGetsTheTimerItsCallerAskedFor) {
  sip::Message call = gw.MakeTrunkInvite("+15550001001");
  call.supported = {"timer"};
  call.allow = {"INVITE", "ACK", "BYE", "UPDATE"};
  call.extra.push_back({"Session-Expires", "300"});
  Call(call);
  AliceAnswers(gw.ToBrowser(kAlice), "0 101");
  const sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(*ok.FindExtra("Session-Expires"), "300;refresher=uas");
  gw.FromTrunk(FromCaller("ACK", ok));
  gw.Wait(150s);
  EXPECT_EQ(gw.ToTrunk().method, "UPDATE");
}

TEST_F(CallTrunkTest, A422OfTheCarrierIsObeyed) {
  Dial();
  sip::Message refused = Answer(422, "");
  refused.extra.push_back({"Min-SE", "2400"});
  gw.FromTrunk(refused);
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  const sip::Message again = gw.ToTrunk();
  EXPECT_EQ(again.method, "INVITE");
  EXPECT_EQ(*again.FindExtra("Session-Expires"), "2400");
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

}  // namespace
}  // namespace lastmile::app

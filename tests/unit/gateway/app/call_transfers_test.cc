#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/sip/refer.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

// Transfers by a carrier (interop row 30): REFER, REFER with Replaces, INVITE with Replaces. What
// the browser sees of them is nothing.
namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;

class CallTransfersTest : public ::testing::Test {
 protected:
  static CallManagerOptions Options() {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.trunk.trunks.push_back({.name = "beta", .host = "198.51.100.77", .port = 5070});
    options.routing.routes.insert(
        options.routing.routes.begin(),
        {.name = "beta", .to = "^77", .tenants = {"wonderland"}, .trunks = {{"beta"}}});
    options.browser.users.front().tenant = "wonderland";  // alice's
    return options;
  }

  // Alice's call to 600 that is up.
  void Connect() {
    auto dialled = gw.Dial(kAlice, "alice", "600");
    alice_invite = std::move(dialled.invite);
    trunk_invite = std::move(dialled.trunk_invite);
    gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    alice_ok = gw.ToBrowser(kAlice);
    sip::Message ack = alice_invite;
    ack.method = ack.cseq.method = "ACK";
    ack.to = alice_ok.to;
    ack.body.clear();
    ack.content_type.clear();
    ack.vias.front().params.Set("branch", "z9hG4bKack");
    gw.FromBrowser(kAlice, ack);
  }
  // A request of the carrier in a dialog that `invite` of the gateway made.
  sip::Message FromCarrier(const std::string& method, const sip::Message& invite) {
    sip::Message request = gw.MakeTrunkInvite("lastmile");
    request.method = request.cseq.method = method;
    request.cseq.number = ++cseq;
    request.from = invite.to;
    request.from.params.Set("tag", "carrier");
    request.to = invite.from;
    request.call_id = invite.call_id;
    request.content_type.clear();
    request.body.clear();
    return request;
  }
  sip::Message Refer(const std::string& target) {
    sip::Message refer = FromCarrier("REFER", trunk_invite);
    refer.extra.push_back({"Refer-To", target});
    return refer;
  }
  // The carrier refers alice's call; what comes of it up to the INVITE.
  void Transfer(const std::string& target = "<sip:700@carrier.example>") {
    const sip::Message refer = Refer(target);
    refer_cseq = refer.cseq.number;
    gw.FromTrunk(refer);
    EXPECT_EQ(gw.ToTrunk().status, 202);
    ExpectNotify(100);
    target_invite = gw.ToTrunk();
    EXPECT_EQ(target_invite.method, "INVITE");
  }
  void ExpectNotify(int status) {
    const sip::Message notify = gw.ToTrunk();
    EXPECT_EQ(notify.method, "NOTIFY");
    EXPECT_EQ(notify.call_id, trunk_invite.call_id);
    EXPECT_EQ(notify.to.tag(), "carrier");
    EXPECT_EQ(*notify.FindExtra("Event"), "refer;id=" + std::to_string(refer_cseq));
    EXPECT_EQ(notify.content_type, "message/sipfrag");
    EXPECT_THAT(notify.body, HasSubstr("SIP/2.0 " + std::to_string(status) + " "));
    EXPECT_THAT(*notify.FindExtra("Subscription-State"),
                HasSubstr(status < 200 ? "active" : "terminated;reason=noresource"));
    gw.FromTrunk(sip::MakeResponse(notify, 200, "", ""));
  }
  void ExpectBye(const sip::Message& invite) {
    const sip::Message bye = gw.ToTrunk();
    EXPECT_EQ(bye.method, "BYE");
    EXPECT_EQ(bye.call_id, invite.call_id);
    EXPECT_NE(bye.FindExtra("Reason"), nullptr);
    gw.FromTrunk(sip::MakeResponse(bye, 200, "", ""));
  }
  void AnswerTarget() {
    gw.FromTrunk(gw.TrunkAnswer(target_invite, 200, testing::TrunkSdp("0 101")));
    const sip::Message ack = gw.ToTrunk();
    EXPECT_EQ(ack.method, "ACK");
    EXPECT_EQ(ack.call_id, target_invite.call_id);
  }
  void AliceHangsUp() {
    sip::Message bye = alice_invite;
    bye.method = bye.cseq.method = "BYE";
    bye.to = alice_ok.to;
    ++bye.cseq.number;
    bye.body.clear();
    bye.content_type.clear();
    bye.vias.front().params.Set("branch", "z9hG4bKbye");
    gw.FromBrowser(kAlice, bye);
  }
  // Alice hangs up, and nothing is left.
  void ExpectAliceIsStillThereAndEnds(const sip::Message& with) {
    EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
    EXPECT_TRUE(gw.TrunkIsQuiet());
    AliceHangsUp();
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
    const sip::Message to_trunk = gw.ToTrunk();
    EXPECT_EQ(to_trunk.method, "BYE");
    EXPECT_EQ(to_trunk.call_id, with.call_id);
    gw.FromTrunk(sip::MakeResponse(to_trunk, 200, "", ""));
    ExpectTheEnd();
  }
  void ExpectTheEnd() {
    gw.Wait(70s);
    EXPECT_TRUE(gw.IsEmpty());
    EXPECT_EQ(gw.records.size(), 1u);
  }
  // An INVITE of the carrier that wants the place of alice's peer.
  sip::Message Replacing(std::string to_tag, std::string from_tag, bool early_only = false) {
    sip::Message replacing = gw.MakeTrunkInvite("lastmile");
    replacing.extra.push_back({"Replaces", sip::Replaces{trunk_invite.call_id, std::move(to_tag),
                                                         std::move(from_tag), early_only}
                                               .ToString()});
    return replacing;
  }
  std::string OurTag() const { return trunk_invite.from.tag(); }

  GatewayInMemory gw{Options()};
  sip::Message alice_invite;
  sip::Message alice_ok;
  sip::Message trunk_invite;
  sip::Message target_invite;
  uint32_t cseq = 10;
  uint32_t refer_cseq = 0;
};

TEST_F(CallTransfersTest, ReferAndReplacesAreSaidToBeSupported) {
  Connect();
  EXPECT_THAT(trunk_invite.allow, Contains("REFER"));
  EXPECT_THAT(trunk_invite.supported, Contains("replaces"));
}

// --- REFER ---

TEST_F(CallTransfersTest, Interop30TheGatewayCallsTheTargetAndTheBrowserSeesNothing) {
  Connect();
  Transfer();
  EXPECT_EQ(target_invite.request_uri.user, "700");
  EXPECT_EQ(target_invite.request_uri.host, "198.51.100.9") << "by the route, not where it says";
  EXPECT_EQ(target_invite.from.uri.user, "+15550001001");
  EXPECT_NE(target_invite.call_id, trunk_invite.call_id);
  EXPECT_EQ(target_invite.FindExtra("Replaces"), nullptr);
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 180, ""));
  ExpectNotify(180);
  AnswerTarget();
  ExpectNotify(200);
  ExpectBye(trunk_invite);
  ASSERT_FALSE(gw.updates.empty());
  EXPECT_TRUE(gw.updates.back().trunk);
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
  ExpectAliceIsStillThereAndEnds(target_invite);
  EXPECT_TRUE(gw.records.front().summary.transferred);
  EXPECT_EQ(gw.records.front().parties.number, "600");
}

TEST_F(CallTransfersTest, Interop30TheCallOutlivesATransferorThatHangsUpAtOnce) {
  Connect();
  Transfer();
  gw.FromTrunk(FromCarrier("BYE", trunk_invite));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 180, ""));
  EXPECT_TRUE(gw.TrunkIsQuiet()) << "there is nobody to notify";
  AnswerTarget();
  ExpectAliceIsStillThereAndEnds(target_invite);
}

TEST_F(CallTransfersTest, Interop30ATargetThatIsBusyChangesNothing) {
  Connect();
  Transfer();
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 486, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectNotify(486);
  Transfer();  // it may try again
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 486, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectNotify(486);
  ExpectAliceIsStillThereAndEnds(trunk_invite);
  EXPECT_FALSE(gw.records.front().summary.transferred);
}

TEST_F(CallTransfersTest, ATransferorThatHangsUpBeforeItFailedTakesTheCallWithIt) {
  Connect();
  Transfer();
  gw.FromTrunk(FromCarrier("BYE", trunk_invite));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 486, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  const sip::Message bye = gw.ToBrowser(kAlice);
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_THAT(*bye.FindExtra("Reason"), HasSubstr("cause=486"));
  gw.FromBrowser(kAlice, sip::MakeResponse(bye, 200, "", ""));
  ExpectTheEnd();
}

TEST_F(CallTransfersTest, ABrowserThatHangsUpMeanwhileCancelsTheTarget) {
  Connect();
  Transfer();
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 180, ""));
  ExpectNotify(180);
  AliceHangsUp();
  ExpectNotify(487);
  EXPECT_EQ(gw.ToTrunk().method, "CANCEL");
  const sip::Message old_bye = gw.ToTrunk();
  EXPECT_EQ(old_bye.method, "BYE");
  EXPECT_EQ(old_bye.call_id, trunk_invite.call_id);
  gw.FromTrunk(sip::MakeResponse(old_bye, 200, "", ""));
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 487, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectTheEnd();
}

TEST_F(CallTransfersTest, UnansweredNotifiesDoNoHarm) {
  Connect();
  const sip::Message refer = Refer("<sip:700@carrier.example>");
  gw.FromTrunk(refer);
  EXPECT_EQ(gw.ToTrunk().status, 202);
  const sip::Message notify = gw.ToTrunk();
  target_invite = gw.ToTrunk();
  gw.FromTrunk(sip::MakeResponse(notify, 481, "", ""));
  AnswerTarget();
  EXPECT_EQ(gw.ToTrunk().method, "NOTIFY");
  ExpectBye(trunk_invite);
  gw.Wait(40s);
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
  ExpectAliceIsStillThereAndEnds(target_invite);
}

TEST_F(CallTransfersTest, WhoWantsNoNotifyGetsNone) {
  Connect();
  sip::Message refer = Refer("<sip:700@carrier.example>");
  refer.extra.push_back({"Refer-Sub", "false"});
  gw.FromTrunk(refer);
  const sip::Message accepted = gw.ToTrunk();
  EXPECT_EQ(accepted.status, 202);
  EXPECT_EQ(*accepted.FindExtra("Refer-Sub"), "false");
  target_invite = gw.ToTrunk();
  EXPECT_EQ(target_invite.method, "INVITE");
  AnswerTarget();
  ExpectBye(trunk_invite);
  ExpectAliceIsStillThereAndEnds(target_invite);
}

TEST_F(CallTransfersTest, TransfersObeyTheRoutes) {
  Connect();
  const sip::Message refer = Refer("<sip:nobody@carrier.example>");
  refer_cseq = refer.cseq.number;
  gw.FromTrunk(refer);
  EXPECT_EQ(gw.ToTrunk().status, 202);
  ExpectNotify(404);
  Transfer("<sip:770@carrier.example>");
  EXPECT_EQ(target_invite.request_uri.host, "198.51.100.77");
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 486, ""));
}

TEST_F(CallTransfersTest, OneTransferOfACallAtATime) {
  Connect();
  Transfer();
  gw.FromTrunk(Refer("<sip:701@carrier.example>"));
  const sip::Message refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 491);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("another transfer"));
  AnswerTarget();
  ExpectNotify(200);  // of the first one
  ExpectBye(trunk_invite);
}

TEST_F(CallTransfersTest, AReferThatCannotBeFollowedIsRefusedWithASentence) {
  Connect();
  const std::pair<const char*, int> cases[] = {
      {"<tel:+1555>", 416}, {"<sip:700@h;method=BYE>", 501}, {"<sip:700@h?Replaces=x>", 400}};
  for (const auto& [target, status] : cases) {
    gw.FromTrunk(Refer(target));
    const sip::Message refused = gw.ToTrunk();
    EXPECT_EQ(refused.status, status);
    EXPECT_NE(refused.FindExtra("Warning"), nullptr);
  }
  ExpectAliceIsStillThereAndEnds(trunk_invite);
}

TEST_F(CallTransfersTest, ARingingCallAndNoCallAreNotTransferred) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  trunk_invite = dialled.trunk_invite;
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 180, ""));
  gw.FromTrunk(Refer("<sip:700@carrier.example>"));
  sip::Message refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("after it was answered"));
  sip::Message outside = Refer("<sip:700@carrier.example>");
  outside.to.params.list.clear();
  gw.FromTrunk(outside);
  refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("inside a call only"));
}

TEST_F(CallTransfersTest, ABrowserReferringOutsideACallIsRefused) {
  gw.Register(kAlice, "alice");
  sip::Message refer = gw.MakeRegister("alice");
  refer.method = refer.cseq.method = "REFER";
  refer.call_id = "refer-alice";
  refer.extra.push_back({"Refer-To", "<sip:700@gw.example>"});
  const sip::Message refused = gw.Ask(kAlice, refer, "secret");
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("inside a call only"));
}

// --- REFER with Replaces ---

TEST_F(CallTransfersTest, Interop30AnAttendedTransferNamesTheDialogToReplace) {
  Connect();
  Transfer("<sip:desk-7@198.51.100.9:5070?Replaces=abc%40pbx%3Bto-tag%3D1%3Bfrom-tag%3D2>");
  EXPECT_EQ(target_invite.request_uri.user, "desk-7") << "no route has it, but it is at the trunk";
  EXPECT_EQ(*target_invite.FindExtra("Replaces"), "abc@pbx;to-tag=1;from-tag=2");
  AnswerTarget();
  ExpectNotify(200);
  ExpectBye(trunk_invite);
  ExpectAliceIsStillThereAndEnds(target_invite);
}

TEST_F(CallTransfersTest, ADialogToReplaceElsewhereIsReachedByRoute) {
  Connect();
  Transfer("<sip:700@elsewhere.example?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>");
  EXPECT_EQ(target_invite.request_uri.user, "700");
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 481, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectNotify(481);
  const sip::Message refer =
      Refer("<sip:desk-7@elsewhere.example?Replaces=abc%3Bto-tag%3D1%3Bfrom-tag%3D2>");
  refer_cseq = refer.cseq.number;
  gw.FromTrunk(refer);
  EXPECT_EQ(gw.ToTrunk().status, 202);
  ExpectNotify(404);
}

TEST_F(CallTransfersTest, TwoBrowsersAreNotPutTogether) {
  Connect();
  for (const bool swapped : {false, true}) {
    const std::string ours = swapped ? "from-tag" : "to-tag";
    const std::string theirs = swapped ? "to-tag" : "from-tag";
    const sip::Message refer =
        Refer("<sip:600@198.51.100.9?Replaces=" + trunk_invite.call_id + "%3B" + ours + "%3D" +
              OurTag() + "%3B" + theirs + "%3Dcarrier>");
    refer_cseq = refer.cseq.number;
    gw.FromTrunk(refer);
    EXPECT_EQ(gw.ToTrunk().status, 202);
    ExpectNotify(501);
  }
  ExpectAliceIsStillThereAndEnds(trunk_invite);
}

// --- INVITE with Replaces ---

TEST_F(CallTransfersTest, Interop30AReplacingInviteTakesTheTrunksPlaceInEitherTagOrder) {
  Connect();
  const sip::Message first = Replacing(OurTag(), "carrier");
  gw.FromTrunk(first);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(ok.status, 200);
  EXPECT_THAT(ok.body, HasSubstr("m=audio 30000 RTP/AVP 0 "));
  ExpectBye(trunk_invite);
  EXPECT_TRUE(gw.updates.back().trunk);
  sip::Message ack = first;
  ack.method = ack.cseq.method = "ACK";
  ack.to = ok.to;
  ack.body.clear();
  ack.content_type.clear();
  gw.FromTrunk(ack);

  // And again, the new dialog by another one: that of the caller has its own tag as from-tag.
  trunk_invite = first;
  const sip::Message second = Replacing("carriertag", ok.to.tag());
  gw.FromTrunk(second);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  ok = gw.ToTrunk();
  EXPECT_EQ(ok.status, 200);
  ExpectBye(first);
  ack.call_id = second.call_id;
  ack.to = ok.to;
  gw.FromTrunk(ack);
  ExpectAliceIsStillThereAndEnds(second);
  EXPECT_TRUE(gw.records.front().summary.transferred);
}

TEST_F(CallTransfersTest, WhatCannotBeReplacedIsAnsweredAsRfc3891Says) {
  Connect();
  const auto expect = [&](const sip::Message& replacing, int status, const char* why) {
    gw.FromTrunk(replacing);
    EXPECT_EQ(gw.ToTrunk().status, 100);
    const sip::Message refused = gw.ToTrunk();
    EXPECT_EQ(refused.status, status);
    EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr(why));
  };
  expect(Replacing(OurTag(), "another"), 481, "not known");
  expect(Replacing(OurTag(), "carrier", true), 486, "answered already");
  sip::Message broken = gw.MakeTrunkInvite("lastmile");
  broken.extra.push_back({"Replaces", "abc"});
  expect(broken, 400, "to-tag");

  // Another trunk knows nothing of this one's dialogs.
  gw.ConnectTrunk("198.51.100.77:40000");
  expect(Replacing(OurTag(), "carrier"), 481, "not known");
  gw.ConnectTrunk("198.51.100.9:40000");

  Transfer();
  expect(Replacing(OurTag(), "carrier"), 491, "transfer");
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 180, ""));
  ExpectNotify(180);
  sip::Message early = Replacing(target_invite.from.tag(), "carrier");
  early.SetExtra("Replaces", target_invite.call_id + ";to-tag=" + target_invite.from.tag() +
                                 ";from-tag=carrier");
  expect(early, 481, "not answered yet");
  gw.FromTrunk(gw.TrunkAnswer(target_invite, 486, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectNotify(486);

  AliceHangsUp();
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
  expect(Replacing(OurTag(), "carrier"), 603, "has ended");
}

}  // namespace
}  // namespace lastmile::app

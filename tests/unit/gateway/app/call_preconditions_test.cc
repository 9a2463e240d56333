#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

// Carriers that reserve resources before anybody is rung (RFC 3312; interop row 16).
namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr uint64_t kAlice = 1;

std::string Reserving(const std::string& theirs, const std::string& ours = "none") {
  return testing::TrunkSdp() + "a=curr:qos local " + theirs + "\r\na=curr:qos remote " + ours +
         "\r\na=des:qos mandatory local sendrecv\r\na=des:qos mandatory remote sendrecv\r\n";
}

class PreconditionsTest : public ::testing::Test {
 protected:
  static CallManagerOptions With(sip::Prack prack) {
    CallManagerOptions options = GatewayInMemory::DefaultOptions();
    options.trunk.trunks[0].prack = prack;
    return options;
  }
  void Start(GatewayInMemory& gateway) {
    gateway.Register(kAlice, "alice");
    gateway.ConnectTrunk("198.51.100.9:33333");
    call = gateway.MakeTrunkInvite("+15550001001");
    call.require = {"precondition"};
    call.supported = {"100rel"};
    call.body = Reserving("none");
  }
  void Call() {
    Start(gw);
    gw.FromTrunk(call);
    EXPECT_EQ(gw.ToTrunk().status, 100);
  }
  sip::Message InDialog(const std::string& method, const sip::Message& response,
                        const std::string& sdp = "") {
    return gw.MakeTrunkRequest(method, call, response, method == "ACK" ? 1 : ++cseq, sdp);
  }
  sip::Message Prack(const sip::Message& response, const std::string& sdp = "") {
    sip::Message prack = InDialog("PRACK", response, sdp);
    prack.extra.push_back({"RAck", *response.FindExtra("RSeq") + " 1 INVITE"});
    return prack;
  }
  // The reliable 183, after its PRACK.
  sip::Message Progress() {
    const sip::Message progress = gw.ToTrunk();
    EXPECT_EQ(progress.status, 183);
    EXPECT_THAT(progress.require, ::testing::Contains("100rel"));
    EXPECT_THAT(progress.body, HasSubstr("a=curr:qos local sendrecv\r\n"));
    EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "nobody is rung yet";
    gw.FromTrunk(Prack(progress));
    EXPECT_EQ(gw.ToTrunk().cseq.method, "PRACK");
    return progress;
  }
  // Alice rings and answers; the 180 and the 200 at the carrier.
  void Answered(const std::string& formats = "0 8 101") {
    const sip::Message ring = gw.ToBrowser(kAlice);
    EXPECT_EQ(ring.method, "INVITE");
    EXPECT_THAT(ring.body, Not(HasSubstr("qos")));
    EXPECT_THAT(ring.require, IsEmpty());
    gw.FromBrowser(kAlice, sip::MakeResponse(ring, 180, "", "alice"));
    const sip::Message ringing = gw.ToTrunk();
    EXPECT_EQ(ringing.status, 180);
    gw.FromTrunk(Prack(ringing));
    EXPECT_EQ(gw.ToTrunk().cseq.method, "PRACK");
    sip::Message answer = sip::MakeResponse(ring, 200, "", "alice");
    answer.contacts = gw.MakeInvite("alice", "x").contacts;
    answer.content_type = "application/sdp";
    answer.body = testing::BrowserSdp("active", formats);
    gw.FromBrowser(kAlice, answer);
    EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
    ok = gw.ToTrunk();
    EXPECT_EQ(ok.cseq.method, "INVITE");
    EXPECT_EQ(ok.status, 200);
    gw.FromTrunk(InDialog("ACK", ok));
  }

  GatewayInMemory gw{With(sip::Prack::kSupported)};
  sip::Message call;
  sip::Message ok;
  uint32_t cseq = 1;
};

TEST_F(PreconditionsTest, Interop16NobodyIsRungBeforeTheCallersUpdateSaysItIsReady) {
  Call();
  const sip::Message progress = Progress();
  EXPECT_THAT(progress.body, HasSubstr("a=curr:qos remote none\r\n"));
  EXPECT_THAT(progress.body, HasSubstr("a=conf:qos remote sendrecv\r\n"));
  gw.FromTrunk(InDialog("UPDATE", progress, Reserving("sendrecv", "sendrecv")));
  const sip::Message updated = gw.ToTrunk();
  EXPECT_EQ(updated.status, 200);
  EXPECT_THAT(updated.body, HasSubstr("a=curr:qos remote sendrecv\r\n"));
  EXPECT_THAT(updated.body, Not(HasSubstr("a=conf")));
  Answered();
  EXPECT_TRUE(ok.body.empty()) << "the answer was in the 183";
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(PreconditionsTest, Interop16AnUpdateThatIsNotReadyYetRingsNobody) {
  Call();
  const sip::Message progress = Progress();
  gw.FromTrunk(InDialog("UPDATE", progress, Reserving("send")));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  gw.FromTrunk(InDialog("UPDATE", progress, Reserving("sendrecv")));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "INVITE");
}

TEST_F(PreconditionsTest, Interop16ThePrackMaySayItToo) {
  Call();
  const sip::Message progress = gw.ToTrunk();
  EXPECT_EQ(progress.status, 183);
  gw.FromTrunk(Prack(progress, Reserving("sendrecv")));
  const sip::Message answered = gw.ToTrunk();
  EXPECT_EQ(answered.cseq.method, "PRACK");
  EXPECT_EQ(answered.status, 200);
  EXPECT_THAT(answered.body, HasSubstr("a=curr:qos remote sendrecv\r\n"));
  Answered();
}

TEST_F(PreconditionsTest, ACallerThatIsReadyRingsAtOnceAndHasItsLinesInThe200) {
  Start(gw);
  call.require.clear();
  call.supported = {"precondition", "100rel"};
  call.body = Reserving("sendrecv");
  gw.FromTrunk(call);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  Answered();
  EXPECT_THAT(ok.body, HasSubstr("a=curr:qos local sendrecv\r\n"));
  EXPECT_THAT(ok.body, HasSubstr("a=curr:qos remote sendrecv\r\n"));
}

TEST_F(PreconditionsTest, ACodecThatTheBrowserLeavesOutIsTakenBack) {
  Call();
  const sip::Message progress = Progress();
  EXPECT_THAT(progress.body, HasSubstr("RTP/AVP 0 8 101"));
  gw.FromTrunk(InDialog("UPDATE", progress, Reserving("sendrecv")));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  Answered("8 101");
  const sip::Message again = gw.ToTrunk();
  EXPECT_EQ(again.method, "INVITE");
  EXPECT_THAT(again.body, HasSubstr("RTP/AVP 8 101"));
}

TEST_F(PreconditionsTest, WhatCannotBeHadIs580) {
  Start(gw);
  call.body = testing::TrunkSdp() + "a=des:sec mandatory e2e sendrecv\r\n";
  gw.FromTrunk(call);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 580);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("line 11, column 7"));
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

TEST_F(PreconditionsTest, ACallerThatNeverGetsReadyIs580) {
  Call();
  Progress();
  gw.Wait(call::Call::kReserveTimeout);
  const sip::Message refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 580);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("not reserved in time"));
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  gw.FromTrunk(InDialog("ACK", refused));
  gw.Wait(70s);
  EXPECT_TRUE(gw.IsEmpty());
}

TEST_F(PreconditionsTest, ACallerThatGivesUpMeanwhileLeavesNothing) {
  Call();
  Progress();
  sip::Message cancel = call;
  cancel.method = cancel.cseq.method = "CANCEL";
  cancel.require.clear();
  cancel.body.clear();
  cancel.content_type.clear();
  gw.FromTrunk(cancel);
  EXPECT_EQ(gw.ToTrunk().cseq.method, "CANCEL");
  const sip::Message ended = gw.ToTrunk();
  EXPECT_EQ(ended.status, 487);
  sip::Message ack = InDialog("ACK", ended);
  ack.vias = call.vias;
  gw.FromTrunk(ack);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  gw.Wait(70s);
  EXPECT_TRUE(gw.IsEmpty());
}

TEST_F(PreconditionsTest, WhoRequiresThemWithoutPrackIsTold) {
  Start(gw);
  call.supported.clear();
  gw.FromTrunk(call);
  const sip::Message refused = gw.ToTrunk();
  EXPECT_EQ(refused.status, 421);
  EXPECT_THAT(refused.require, ::testing::Contains("100rel"));
}

TEST_F(PreconditionsTest, Interop16WithoutPrackACallerMayComeAgainWithoutThem) {
  GatewayInMemory fresh(With(sip::Prack::kNone));
  std::swap(gw.now, fresh.now);
  Start(fresh);
  fresh.FromTrunk(call);
  const sip::Message refused = fresh.ToTrunk();
  EXPECT_EQ(refused.status, 420);
  EXPECT_EQ(*refused.FindExtra("Unsupported"), "precondition");
  EXPECT_TRUE(fresh.BrowserIsQuiet(kAlice));
  call.require.clear();
  call.supported = {"precondition", "100rel"};
  ++call.cseq.number;
  call.vias.front().params.Set("branch", "z9hG4bKagain");
  fresh.FromTrunk(call);
  EXPECT_EQ(fresh.ToTrunk().status, 100);
  EXPECT_EQ(fresh.ToBrowser(kAlice).method, "INVITE");
}

TEST_F(PreconditionsTest, ACarrierThatIsCalledGetsWhatItAsksFor) {
  const auto dialled = gw.Dial(kAlice, "alice", "600");
  EXPECT_THAT(dialled.trunk_invite.body, Not(HasSubstr("qos")));
  sip::Message progress = gw.TrunkAnswer(dialled.trunk_invite, 183, Reserving("none"));
  progress.require = {"100rel"};
  progress.extra.push_back({"RSeq", "17"});
  gw.FromTrunk(progress);
  EXPECT_EQ(gw.ToTrunk().method, "PRACK");
  sip::Message update = gw.MakeTrunkInvite("lastmile");
  update.method = update.cseq.method = "UPDATE";
  update.from = progress.to;
  update.to = progress.from;
  update.call_id = progress.call_id;
  update.body = Reserving("sendrecv");
  gw.FromTrunk(update);
  const sip::Message updated = gw.ToTrunk();
  EXPECT_EQ(updated.status, 200);
  EXPECT_THAT(updated.body, HasSubstr("a=curr:qos local sendrecv\r\n"));
}

}  // namespace
}  // namespace lastmile::app

// Calls to a user with several browsers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kTab = 1;
constexpr uint64_t kPhone = 2;

class DevicesTest : public ::testing::Test {
 protected:
  sip::Message RegisterOf(uint64_t conn) const {
    sip::Message request = gw.MakeRegister("alice");
    const std::string name = "device" + std::to_string(conn);
    request.call_id = "register-" + name;
    request.contacts.front().uri.user = name;
    request.contacts.front().params.Set("+sip.instance", "<urn:uuid:" + name + ">");
    return request;
  }
  void Register(uint64_t conn) {
    gw.OpenBrowser(conn);
    EXPECT_EQ(gw.Ask(conn, RegisterOf(conn), "secret").status, 200);
  }
  // The carrier's INVITE to alice, up to the INVITE of each of her devices.
  void CallAlice() {
    gw.ConnectTrunk("198.51.100.9:33333");
    incoming = gw.MakeTrunkInvite("+15550001001");
    gw.FromTrunk(incoming);
    EXPECT_EQ(gw.ToTrunk().status, 100);
    for (uint64_t conn : {kTab, kPhone}) {
      rung[conn] = gw.ToBrowser(conn);
      EXPECT_EQ(rung[conn].method, "INVITE");
      EXPECT_EQ(rung[conn].request_uri.user, "device" + std::to_string(conn));
    }
  }
  void Answer(uint64_t conn, int status) {
    sip::Message answer = sip::MakeResponse(rung[conn], status, "", "tag" + std::to_string(conn));
    if (status < 300) answer.contacts = RegisterOf(conn).contacts;
    if (status == 200) {
      answer.content_type = "application/sdp";
      answer.body = testing::BrowserSdp("active", "0 101");
    }
    gw.FromBrowser(conn, answer);
  }
  sip::Message TrunkRequest(const std::string& method, const std::string& to_tag) {
    sip::Message request = incoming;
    request.method = request.cseq.method = method;
    request.body.clear();
    request.content_type.clear();
    if (to_tag.empty()) return request;
    request.to.params.Set("tag", to_tag);
    request.vias.front().params.Set("branch", "z9hG4bK" + method + to_tag);
    if (method != "ACK") ++request.cseq.number;
    return request;
  }
  void ExpectCancelled(uint64_t conn, const std::string& reason) {
    const sip::Message cancel = gw.ToBrowser(conn);
    EXPECT_EQ(cancel.method, "CANCEL");
    ASSERT_NE(cancel.FindExtra("Reason"), nullptr);
    EXPECT_THAT(*cancel.FindExtra("Reason"), HasSubstr(reason));
    gw.FromBrowser(conn, sip::MakeResponse(cancel, 200, "", "x"));
    Answer(conn, 487);
    EXPECT_EQ(gw.ToBrowser(conn).method, "ACK");
  }
  void ExpectEmptyAfterTimers() {
    gw.Wait(60s);
    EXPECT_TRUE(gw.IsEmpty());
  }

  GatewayInMemory gw;
  sip::Message incoming;
  std::map<uint64_t, sip::Message> rung;
};

TEST_F(DevicesTest, ACallRingsAllOfThemAndTheOneThatAnswersHasIt) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  EXPECT_EQ(rung[kTab].body, rung[kPhone].body);
  Answer(kPhone, 180);
  EXPECT_EQ(gw.ToTrunk().status, 180);
  Answer(kTab, 180);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  Answer(kTab, 200);
  EXPECT_EQ(gw.ToBrowser(kTab).method, "ACK");
  const sip::Message ok = gw.ToTrunk();
  EXPECT_EQ(ok.status, 200);
  ExpectCancelled(kPhone, "cause=200;text=\"Call completed elsewhere\"");
  gw.FromTrunk(TrunkRequest("ACK", ok.to.tag()));
  gw.FromTrunk(TrunkRequest("BYE", ok.to.tag()));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(gw.ToBrowser(kTab).method, "BYE");
  EXPECT_TRUE(gw.BrowserIsQuiet(kPhone));
  ExpectEmptyAfterTimers();
  EXPECT_EQ(gw.records.size(), 1u);
}

TEST_F(DevicesTest, TheOneThatAnsweredMayHangUpAndIsRefreshed) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  Answer(kPhone, 180);
  gw.ToTrunk();
  Answer(kPhone, 200);
  EXPECT_EQ(gw.ToBrowser(kPhone).method, "ACK");
  const sip::Message ok = gw.ToTrunk();
  gw.FromTrunk(TrunkRequest("ACK", ok.to.tag()));
  Answer(kTab, 180);
  ExpectCancelled(kTab, "cause=200");
  for (uint64_t conn : {kTab, kPhone}) {
    EXPECT_EQ(gw.Ask(conn, RegisterOf(conn), "secret").status, 200);
  }
  gw.Wait(899s);
  EXPECT_TRUE(gw.BrowserIsQuiet(kPhone));
  gw.Wait(2s);
  EXPECT_EQ(gw.ToBrowser(kPhone).method, "UPDATE");
  EXPECT_TRUE(gw.BrowserIsQuiet(kTab));
  sip::Message bye = sip::MakeResponse(rung[kPhone], 200, "", "tag2");
  sip::Message request = RegisterOf(kPhone);
  request.method = request.cseq.method = "BYE";
  request.from = bye.to;
  request.to = bye.from;
  request.call_id = bye.call_id;
  request.contacts.clear();
  gw.FromBrowser(kPhone, request);
  EXPECT_EQ(gw.ToBrowser(kPhone).status, 200);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
}

TEST_F(DevicesTest, OneThatDeclinesEndsTheCall) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  Answer(kTab, 180);
  Answer(kPhone, 180);
  EXPECT_EQ(gw.ToTrunk().status, 180);
  Answer(kTab, 603);
  EXPECT_EQ(gw.ToBrowser(kTab).method, "ACK");
  EXPECT_EQ(gw.ToTrunk().status, 603);
  ExpectCancelled(kPhone, "cause=603");
  gw.FromTrunk(TrunkRequest("ACK", ""));
  ExpectEmptyAfterTimers();
}

TEST_F(DevicesTest, ABusyOneLeavesTheCallToTheOther) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  Answer(kTab, 486);
  EXPECT_EQ(gw.ToBrowser(kTab).method, "ACK");
  EXPECT_TRUE(gw.TrunkIsQuiet());
  Answer(kPhone, 480);
  EXPECT_EQ(gw.ToTrunk().status, 486);
}

TEST_F(DevicesTest, TheCarriersCancelReachesAll) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  Answer(kTab, 180);
  Answer(kPhone, 180);
  EXPECT_EQ(gw.ToTrunk().status, 180);
  sip::Message cancel = TrunkRequest("CANCEL", "");
  cancel.SetExtra("Reason", "Q.850;cause=16");
  gw.FromTrunk(cancel);
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(gw.ToTrunk().status, 487);
  ExpectCancelled(kTab, "Q.850;cause=16");
  ExpectCancelled(kPhone, "Q.850;cause=16");
  ExpectEmptyAfterTimers();
}

TEST_F(DevicesTest, ALostConnectionLeavesTheCallToTheOther) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  Answer(kTab, 180);
  Answer(kPhone, 180);
  EXPECT_EQ(gw.ToTrunk().status, 180);
  gw.CloseBrowser(kTab);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  Answer(kPhone, 200);
  EXPECT_EQ(gw.ToTrunk().status, 200);
}

TEST_F(DevicesTest, OneThatRegistersWhileItRingsIsNotRung) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  constexpr uint64_t kLate = 3;
  Register(kLate);
  EXPECT_TRUE(gw.BrowserIsQuiet(kLate));
}

TEST_F(DevicesTest, AnOfferOfOneThatRingsIsRefused) {
  Register(kTab);
  Register(kPhone);
  CallAlice();
  Answer(kPhone, 180);
  sip::Message update = RegisterOf(kPhone);
  const sip::Message ringing = sip::MakeResponse(rung[kPhone], 180, "", "tag2");
  update.method = update.cseq.method = "UPDATE";
  update.from = ringing.to;
  update.to = ringing.from;
  update.call_id = ringing.call_id;
  update.content_type = "application/sdp";
  update.body = testing::BrowserSdp();
  gw.FromBrowser(kPhone, update);
  EXPECT_EQ(gw.ToBrowser(kPhone).status, 491);
}

TEST_F(DevicesTest, ACallToAGruuRingsThatDeviceAlone) {
  Register(kTab);
  Register(kPhone);
  gw.ConnectTrunk("198.51.100.9:33333");
  incoming = gw.MakeTrunkInvite("alice");
  incoming.request_uri.params.Set("gr", "urn:uuid:device2");
  gw.FromTrunk(incoming);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message invite = gw.ToBrowser(kPhone);
  EXPECT_EQ(invite.method, "INVITE");
  EXPECT_EQ(invite.request_uri.user, "device2") << "JsSIP knows its Contact's user only";
  EXPECT_FALSE(invite.request_uri.params.Has("gr"));
  EXPECT_TRUE(gw.BrowserIsQuiet(kTab));
  gw.CloseBrowser(kPhone);
  EXPECT_EQ(gw.ToTrunk().status, 480);
  incoming.request_uri.params.Set("gr", "urn:uuid:device9");
  incoming.call_id = "another";
  incoming.vias.front().params.Set("branch", "z9hG4bKanother");
  gw.FromTrunk(incoming);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  EXPECT_EQ(gw.ToTrunk().status, 480);
}

TEST_F(DevicesTest, ARegistrationIsAnsweredWithOutboundAndAGruu) {
  gw.OpenBrowser(kTab);
  sip::Message request = RegisterOf(kTab);
  request.supported = {"path", "gruu", "outbound"};
  const sip::Message answer = gw.Ask(kTab, request, "secret");
  EXPECT_EQ(answer.require, std::vector<std::string>{"outbound"});
  ASSERT_EQ(answer.contacts.size(), 1u);
  EXPECT_EQ(*answer.contacts[0].params.Find("pub-gruu"),
            "sip:alice@gw.example;gr=urn:uuid:device1");
}

TEST_F(DevicesTest, AStarUnregistersAllDevices) {
  Register(kTab);
  Register(kPhone);
  sip::Message star = RegisterOf(kTab);
  star.contacts.clear();
  star.contact_star = true;
  star.expires = 0;
  EXPECT_EQ(gw.Ask(kTab, star, "secret").status, 200);
  EXPECT_EQ(gw.manager.gauges().registrations, 0u);
}

}  // namespace
}  // namespace lastmile::app

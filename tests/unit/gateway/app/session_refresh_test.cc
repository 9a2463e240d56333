#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/app/call_manager.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

constexpr uint64_t kAlice = 1;
constexpr Duration kUntilRefresh = 901s;
const std::vector<std::string> kJsSip = {"INVITE",  "ACK",     "CANCEL", "BYE",  "UPDATE",
                                         "MESSAGE", "OPTIONS", "REFER",  "INFO", "NOTIFY"};
const std::vector<std::string> kSipJs = {"ACK",     "CANCEL", "INVITE", "MESSAGE", "BYE",
                                         "OPTIONS", "INFO",   "NOTIFY", "REFER"};

sip::Message InDialog(const sip::Message& invite, const sip::Message& ok,
                      const std::string& method) {
  sip::Message request = invite;
  request.method = request.cseq.method = method;
  request.to = ok.to;
  request.vias.front().params.Set("branch", "z9hG4bK" + method);
  request.body.clear();
  request.content_type.clear();
  return request;
}

// The gateway refreshes the browser's session (RFC 4028), by what the browser's client takes.
class SessionRefresh : public ::testing::Test {
 protected:
  // Alice, whose INVITE has that Allow, is in a call.
  void Call(const std::vector<std::string>& allow) {
    gw.browser_allows = allow;
    const auto dialled = gw.Dial(kAlice, "alice", "600");
    browser_contact = dialled.invite.contacts.front();
    gw.FromTrunk(gw.TrunkAnswer(dialled.trunk_invite, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    const sip::Message ok = gw.ToBrowser(kAlice);
    gw.FromBrowser(kAlice, InDialog(dialled.invite, ok, "ACK"));
  }
  // Alice answers a call with a 2xx that has that Allow.
  void AnswerCall(const std::vector<std::string>& allow) {
    gw.Register(kAlice, "alice");
    gw.ConnectTrunk("198.51.100.9:33333");
    const sip::Message incoming = gw.MakeTrunkInvite("+15550001001");
    gw.FromTrunk(incoming);
    EXPECT_EQ(gw.ToTrunk().status, 100);
    const sip::Message ring = gw.ToBrowser(kAlice);
    browser_contact = gw.MakeInvite("alice", "x").contacts.front();
    sip::Message answer = sip::MakeResponse(ring, 200, "", "browsertag");
    answer.allow = allow;
    answer.contacts = {browser_contact};
    answer.content_type = "application/sdp";
    answer.body = testing::BrowserSdp("active", "0 101");
    gw.FromBrowser(kAlice, answer);
    EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
    const sip::Message ok = gw.ToTrunk();
    EXPECT_EQ(ok.status, 200);
    gw.FromTrunk(InDialog(incoming, ok, "ACK"));
    trunk_hold = InDialog(incoming, ok, "INVITE");
    ++trunk_hold.cseq.number;
    trunk_hold.vias.front().params.Set("branch", "z9hG4bKhold");
    trunk_hold.content_type = "application/sdp";
    trunk_hold.body = testing::TrunkSdp("0 101", "sendonly");
  }
  sip::Message NextRefresh() {
    gw.Wait(kUntilRefresh);
    return gw.ToBrowser(kAlice);
  }
  sip::Message Accepted(const sip::Message& reinvite, const std::string& direction) const {
    sip::Message accepted = sip::MakeResponse(reinvite, 200, "", "");
    accepted.contacts = {browser_contact};
    accepted.content_type = "application/sdp";
    accepted.body = testing::BrowserSdp("active", "0 101");
    accepted.body.replace(accepted.body.find("a=sendrecv"), 10, "a=" + direction);
    return accepted;
  }
  // An offer that changes nothing and that the carrier hears nothing of; answers it.
  void ExpectReinvite(const sip::Message& refresh) {
    EXPECT_EQ(refresh.method, "INVITE");
    ASSERT_TRUE(refresh.FindExtra("Session-Expires"));
    EXPECT_EQ(*refresh.FindExtra("Session-Expires"), "1800;refresher=uac");
    EXPECT_THAT(refresh.body, HasSubstr("a=ice-ufrag:gwUf\r\n"));
    EXPECT_THAT(refresh.body, HasSubstr("a=sendrecv\r\n"));
    gw.FromBrowser(kAlice, Accepted(refresh, "sendrecv"));
    EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
    EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
    EXPECT_TRUE(gw.TrunkIsQuiet());
  }

  GatewayInMemory gw;
  sip::NameAddr browser_contact;
  sip::Message trunk_hold;  // of a call that was answered
};

TEST_F(SessionRefresh, IsAnUpdateWhereTheInviteAllowsIt) {
  Call(kJsSip);
  const sip::Message refresh = NextRefresh();
  EXPECT_EQ(refresh.method, "UPDATE");
  EXPECT_TRUE(refresh.body.empty());
  gw.FromBrowser(kAlice, sip::MakeResponse(refresh, 200, "", ""));
  EXPECT_EQ(NextRefresh().method, "UPDATE");
}

TEST_F(SessionRefresh, IsAReinviteWhereTheInviteDoesNotAllowUpdate) {
  Call(kSipJs);
  ExpectReinvite(NextRefresh());
  ExpectReinvite(NextRefresh());
}

TEST_F(SessionRefresh, IsAReinviteWhereThe200DoesNotAllowUpdate) {
  AnswerCall(kSipJs);
  ExpectReinvite(NextRefresh());
}

TEST_F(SessionRefresh, IsAnUpdateWhereThe200SaysNothing) {
  AnswerCall({});  // JsSIP
  EXPECT_EQ(NextRefresh().method, "UPDATE");
}

TEST_F(SessionRefresh, IsAReinviteAtOnceAndFromThenOnWhereUpdateIsRefused) {
  Call({});
  const sip::Message update = NextRefresh();
  EXPECT_EQ(update.method, "UPDATE");
  gw.FromBrowser(kAlice, sip::MakeResponse(update, 405, "", ""));
  ExpectReinvite(gw.ToBrowser(kAlice));
  ExpectReinvite(NextRefresh());
}

TEST_F(SessionRefresh, AnUpdateNobodyUnderstandsIsAReinviteToo) {
  Call({});
  gw.FromBrowser(kAlice, sip::MakeResponse(NextRefresh(), 501, "", ""));
  ExpectReinvite(gw.ToBrowser(kAlice));
}

TEST_F(SessionRefresh, AnOfferThatIsUnderWayIsOneToo) {
  AnswerCall(kSipJs);
  gw.Wait(kUntilRefresh - 5s);
  gw.FromTrunk(trunk_hold);
  const sip::Message hold = gw.ToBrowser(kAlice);
  EXPECT_EQ(hold.method, "INVITE");
  EXPECT_EQ(*hold.FindExtra("Session-Expires"), "1800;refresher=uac");
  gw.Wait(6s);
  gw.FromBrowser(kAlice, Accepted(hold, "recvonly"));
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
  gw.Wait(10s);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

TEST_F(SessionRefresh, GlareWithTheBrowsersOwnOfferIsTriedAgain) {
  Call(kSipJs);
  const sip::Message refresh = NextRefresh();
  gw.FromBrowser(kAlice, sip::MakeResponse(refresh, 491, "", ""));
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
  gw.Wait(3s);
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "INVITE");
}

}  // namespace
}  // namespace lastmile::app

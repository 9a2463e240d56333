#include "gateway/app/call_manager.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kMallory = 2;

class CallManagerTest : public ::testing::Test {
 protected:
  // Alice's INVITE up to the trunk's INVITE.
  sip::Message Dial(const std::string& number) {
    auto dialled = gw.Dial(kAlice, "alice", number);
    invite = std::move(dialled.invite);
    return std::move(dialled.trunk_invite);
  }
  sip::Message InDialog(const std::string& method, const sip::Message& response) {
    sip::Message request = invite;
    request.method = request.cseq.method = method;
    request.to = response.to;
    request.body.clear();
    request.content_type.clear();
    if (method != "ACK" && method != "CANCEL") {
      ++request.cseq.number;
      request.vias.front().params.Set("branch", "z9hG4bK" + method);
    }
    return request;
  }
  // A call that is up; `ok` is the 200 alice got.
  sip::Message Connect() {
    trunk_invite = Dial("600");
    gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101")));
    EXPECT_EQ(gw.ToTrunk().method, "ACK");
    ok = gw.ToBrowser(kAlice);
    EXPECT_EQ(ok.status, 200);
    sip::Message ack = InDialog("ACK", ok);
    ack.vias.front().params.Set("branch", "z9hG4bKack");
    gw.FromBrowser(kAlice, ack);
    return ok;
  }
  sip::Message TrunkBye() {
    sip::Message bye;
    bye.method = "BYE";
    bye.request_uri = trunk_invite.contacts.at(0).uri;
    bye.vias = {{.transport = "TCP", .sent_by = "198.51.100.9:5070"}};
    bye.vias[0].params.Set("branch", "z9hG4bKtrunkbye");
    bye.from = trunk_invite.to;
    bye.from.params.Set("tag", "carrier");
    bye.to = trunk_invite.from;
    bye.call_id = trunk_invite.call_id;
    bye.cseq = {77, "BYE"};
    return bye;
  }
  void ExpectEmptyAfterTimers() {
    gw.Wait(60s);
    EXPECT_TRUE(gw.IsEmpty());
  }

  GatewayInMemory gw;
  sip::Message invite;
  sip::Message trunk_invite;
  sip::Message ok;
};

TEST_F(CallManagerTest, RegisterIsChallengedThenEchoesTheContactWithExpires) {
  gw.OpenBrowser(kAlice);
  const sip::Message answer = gw.Ask(kAlice, gw.MakeRegister("alice"), "secret");
  EXPECT_EQ(answer.status, 200);
  ASSERT_EQ(answer.contacts.size(), 1u);  // J2
  EXPECT_EQ(answer.contacts[0].uri.host, "hidden12345.invalid");
  EXPECT_EQ(*answer.contacts[0].uri.params.Find("transport"), "ws");  // J1
  EXPECT_EQ(*answer.contacts[0].params.Find("expires"), "600");
  EXPECT_EQ(*answer.contacts[0].params.Find("+sip.instance"), "<urn:uuid:alice>");
  EXPECT_EQ(answer.vias.size(), 1u);
}

TEST_F(CallManagerTest, ChallengesOfferMd5WithQopAuthOnly) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, gw.MakeRegister("alice"));
  const sip::Message challenge = gw.ToBrowser(kAlice);
  ASSERT_EQ(challenge.www_authenticates.size(), 1u);  // J3
  const auto& params = challenge.www_authenticates[0].params;
  EXPECT_EQ(*params.Find("qop"), "auth");
  EXPECT_EQ(*params.Find("realm"), "gw.example");
}

TEST_F(CallManagerTest, WrongPasswordsAndStrangersAreChallengedForEver) {
  gw.OpenBrowser(kAlice);
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeRegister("alice"), "wrong").status, 401);
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeRegister("nobody"), "secret").status, 401);
  EXPECT_EQ(gw.manager.gauges().registrations, 0u);
}

TEST_F(CallManagerTest, NobodyRegistersOrCallsAsSomebodyElse) {
  gw.OpenBrowser(kMallory);
  sip::Message request = gw.MakeRegister("bob");
  request.to.uri.user = "alice";
  EXPECT_EQ(gw.Ask(kMallory, request, "secret").status, 403);
  gw.FromBrowser(kMallory, gw.MakeRegister("bob"));
  const auto challenge = gw.ToBrowser(kMallory).www_authenticates.at(0);
  SystemRandom random;
  sip::Message forged = gw.MakeInvite("alice", "600");
  forged.authorizations = {*sip::AnswerChallenge(challenge, {"bob", "secret"}, "INVITE",
                                                 forged.request_uri.ToString(), random)};
  gw.FromBrowser(kMallory, forged);
  EXPECT_EQ(gw.ToBrowser(kMallory).status, 100);
  EXPECT_EQ(gw.ToBrowser(kMallory).status, 403);
  EXPECT_TRUE(gw.TrunkIsQuiet());
}

TEST_F(CallManagerTest, CredentialsOfOneConnectionDoNotCountOnAnother) {
  gw.OpenBrowser(kAlice);
  sip::Message request = gw.MakeRegister("alice");
  gw.FromBrowser(kAlice, request);
  const auto challenge = gw.ToBrowser(kAlice).www_authenticates.at(0);
  SystemRandom random;
  request.authorizations = {*sip::AnswerChallenge(challenge, {"alice", "secret"}, "REGISTER",
                                                  request.request_uri.ToString(), random)};
  ++request.cseq.number;
  request.vias.front().params.Set("branch", "z9hG4bKreplayed");
  gw.OpenBrowser(kMallory);
  gw.FromBrowser(kMallory, request);
  EXPECT_EQ(gw.ToBrowser(kMallory).status, 401);
}

TEST_F(CallManagerTest, TheTrunksInviteShowsNothingOfTheBrowser) {
  trunk_invite = Dial("600");
  EXPECT_EQ(trunk_invite.method, "INVITE");
  EXPECT_EQ(trunk_invite.request_uri.user, "600");
  EXPECT_EQ(trunk_invite.from.uri.user, "+15550001001");
  EXPECT_NE(trunk_invite.call_id, invite.call_id);
  EXPECT_EQ(trunk_invite.vias.size(), 1u);
  const std::string text = sip::Print(trunk_invite);
  for (const char* hidden : {"hidden12345", "secretcontact", "gw.example", "127.0.0.1", "ws",
                             "a=ice", "fingerprint", "BUNDLE", "a=mid", "SAVPF", "alice"}) {
    EXPECT_THAT(text, Not(HasSubstr(hidden)));
  }
  EXPECT_LE(trunk_invite.body.size(), 300u);
}

TEST_F(CallManagerTest, ACallIsAnsweredWithSdpAndTheGatewayAsRefresherAndEndsByTheBrowser) {
  Connect();
  EXPECT_EQ(ok.content_type, "application/sdp");
  EXPECT_THAT(*ok.FindExtra("Session-Expires"), HasSubstr("refresher=uas"));  // J10
  ASSERT_EQ(ok.contacts.size(), 1u);
  gw.FromBrowser(kAlice, InDialog("BYE", ok));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  const sip::Message bye = gw.ToTrunk();
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_EQ(bye.call_id, trunk_invite.call_id);
  gw.FromTrunk(gw.TrunkAnswer(bye, 200, ""));
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, ACallThatIsOverLeavesOneRecordWithTheBytesOfItsInvite) {
  Connect();
  gw.FromBrowser(kAlice, InDialog("BYE", ok));
  ExpectEmptyAfterTimers();
  ASSERT_EQ(gw.records.size(), 1u);
  const CallRecord& record = gw.records[0];
  EXPECT_EQ(record.parties.trunk, "acme");
  EXPECT_EQ(record.parties.user, "alice");
  EXPECT_EQ(record.parties.number, "600");
  EXPECT_EQ(record.summary.status, 200);
  EXPECT_EQ(record.summary.sdp.offer_in, invite.body.size());
  EXPECT_EQ(record.summary.sdp.offer_out, trunk_invite.body.size());
  // The head is measured before its body is known: its length is taken to have four digits.
  EXPECT_NEAR(static_cast<double>(record.summary.invite_bytes),
              static_cast<double>(sip::Print(trunk_invite).size()), 1);
}

TEST_F(CallManagerTest, ACallEndsByTheTrunk) {
  Connect();
  gw.FromTrunk(TrunkBye());
  EXPECT_EQ(gw.ToTrunk().status, 200);
  const sip::Message to_browser = gw.ToBrowser(kAlice);
  EXPECT_EQ(to_browser.method, "BYE");
  gw.FromBrowser(kAlice, sip::MakeResponse(to_browser, 200, "", ""));
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, ATrunkMayEndACallOnAnotherConnectionAStrangerMayNot) {
  Connect();
  sip::Message bye = gw.MakeTrunkInvite("lastmile");
  bye.method = bye.cseq.method = "BYE";
  bye.body.clear();
  bye.content_type.clear();
  bye.from = trunk_invite.to;
  bye.from.params.Set("tag", "carrier");
  bye.to = trunk_invite.from;
  bye.call_id = trunk_invite.call_id;
  gw.ConnectTrunk("203.0.113.5:44444");
  gw.FromTrunk(bye);
  EXPECT_EQ(gw.ToTrunk().status, 481);
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
  gw.ConnectTrunk("198.51.100.9:44444");
  bye.vias[0].params.Set("branch", "z9hG4bKanother");
  gw.FromTrunk(bye);
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "BYE");
}

TEST_F(CallManagerTest, AStreamThatCannotBeFramedIsAnsweredAndClosed) {
  gw.ConnectTrunk("198.51.100.9:33333");
  std::string text = sip::Print(gw.MakeTrunkInvite("alice"));
  const size_t at = text.find("Content-Length: ");
  ASSERT_NE(at, std::string::npos);
  text.insert(at + 16, "-");
  gw.FromTrunkBytes(text);
  EXPECT_EQ(gw.ToTrunk().status, 400);
  EXPECT_EQ(gw.manager.gauges().trunk_streams, 0u);
}

TEST_F(CallManagerTest, AMessageThatNeverComesWholeClosesItsStream) {
  gw.ConnectTrunk("198.51.100.9:40000");
  gw.FromTrunkBytes("OPTIONS sip:gw SIP/2.0\r\nVia: ");
  gw.Wait(20s);
  gw.FromTrunkBytes("SIP/2.0/TCP ");  // bytes alone are no progress
  gw.Wait(11s);
  EXPECT_EQ(gw.manager.gauges().trunk_streams, 1u);
  gw.Wait(1s);
  EXPECT_EQ(gw.manager.gauges().trunk_streams, 0u);
}

TEST_F(CallManagerTest, AMessageInTwoPiecesIsOneAndItsStreamStays) {
  gw.ConnectTrunk("198.51.100.9:40000");
  sip::Message options = gw.MakeTrunkInvite("600");
  options.method = options.cseq.method = "OPTIONS";
  const std::string text = sip::Print(options);
  gw.FromTrunkBytes(text.substr(0, 100));
  gw.Wait(20s);
  gw.FromTrunkBytes(text.substr(100));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.Wait(60s);
  EXPECT_EQ(gw.manager.gauges().trunk_streams, 1u);
}

TEST_F(CallManagerTest, EarlyMediaThenTheAnswer) {
  trunk_invite = Dial("603");
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 183, testing::TrunkSdp("0 101")));
  gw.Wait(call::Call::kMergeProgress);
  const sip::Message early = gw.ToBrowser(kAlice);
  EXPECT_EQ(early.status, 183);
  EXPECT_EQ(early.contacts.size(), 1u);
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101")));
  const sip::Message answered = gw.ToBrowser(kAlice);
  EXPECT_EQ(answered.status, 200);
  EXPECT_EQ(answered.body, early.body);  // J7
  EXPECT_EQ(answered.to.tag(), early.to.tag());
}

TEST_F(CallManagerTest, FailuresReachTheBrowserAsTheTrunkMeantThem) {
  for (auto [from_trunk, to_browser] :
       {std::pair{486, 486}, {404, 404}, {503, 503}, {603, 603}, {500, 480}, {401, 503}}) {
    SCOPED_TRACE(from_trunk);
    GatewayInMemory fresh;
    std::swap(gw.now, fresh.now);
    fresh.Register(kAlice, "alice");
    fresh.FromBrowser(kAlice, fresh.MakeInvite("alice", "600"));
    fresh.ToBrowser(kAlice);
    const sip::Message challenge = fresh.ToBrowser(kAlice);
    sip::Message request = fresh.MakeInvite("alice", "600");
    SystemRandom random;
    request.authorizations = {*sip::AnswerChallenge(challenge.www_authenticates.at(0),
                                                    {"alice", "secret"}, "INVITE",
                                                    request.request_uri.ToString(), random)};
    fresh.FromBrowser(kAlice, request);
    EXPECT_EQ(fresh.ToBrowser(kAlice).status, 100);
    fresh.FromTrunk(fresh.TrunkAnswer(fresh.ToTrunk(), from_trunk, ""));
    EXPECT_EQ(fresh.ToTrunk().method, "ACK");
    const sip::Message answer = fresh.ToBrowser(kAlice);
    EXPECT_EQ(answer.status, to_browser);
    EXPECT_THAT(*answer.FindExtra("Reason"), HasSubstr("cause=" + std::to_string(from_trunk)));
    fresh.Wait(60s);
    EXPECT_TRUE(fresh.IsEmpty());
  }
}

TEST_F(CallManagerTest, CancelReachesTheTrunk) {
  trunk_invite = Dial("610");
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 180, ""));
  gw.Wait(call::Call::kMergeProgress);
  const sip::Message ringing = gw.ToBrowser(kAlice);
  EXPECT_EQ(ringing.status, 180);
  sip::Message cancel = InDialog("CANCEL", ringing);
  cancel.to = invite.to;
  gw.FromBrowser(kAlice, cancel);
  EXPECT_EQ(gw.ToBrowser(kAlice).cseq.method, "CANCEL");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 487);
  const sip::Message trunk_cancel = gw.ToTrunk();
  EXPECT_EQ(trunk_cancel.method, "CANCEL");
  gw.FromTrunk(gw.TrunkAnswer(trunk_cancel, 200, ""));
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 487, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, AWebSocketLostWhileRingingCancelsTheTrunkLeg) {
  trunk_invite = Dial("610");
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 180, ""));
  gw.Wait(call::Call::kMergeProgress);
  gw.CloseBrowser(kAlice);
  const sip::Message cancel = gw.ToTrunk();
  EXPECT_EQ(cancel.method, "CANCEL");
  gw.FromTrunk(gw.TrunkAnswer(cancel, 200, ""));
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 487, ""));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_EQ(gw.manager.gauges().registrations, 0u);
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, TheBrowsersHoldIsAnsweredAndReachesTheCarrierAsAReinvite) {
  Connect();
  sip::Message hold = InDialog("INVITE", ok);
  hold.content_type = "application/sdp";
  hold.body = testing::BrowserSdp();
  hold.body.replace(hold.body.find("a=sendrecv"), 10, "a=sendonly");
  gw.FromBrowser(kAlice, hold);
  sip::Message answer = gw.ToBrowser(kAlice);
  if (answer.status == 100) answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(answer.body, HasSubstr("a=recvonly"));
  const sip::Message reinvite = gw.ToTrunk();
  EXPECT_EQ(reinvite.method, "INVITE");
  EXPECT_EQ(reinvite.call_id, trunk_invite.call_id);
  EXPECT_EQ(reinvite.content_type, "application/sdp");
  EXPECT_THAT(reinvite.body, HasSubstr("a=sendonly"));
  gw.FromTrunk(gw.TrunkAnswer(reinvite, 200, testing::TrunkSdp("0 101", "recvonly")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

// --- a WebSocket that is lost in a call ---

constexpr uint64_t kAliceAgain = 3;

class ReboundTest : public CallManagerTest {
 protected:
  // A call whose browser is back on another connection; returns the re-INVITE it gets there.
  sip::Message ComeBack() {
    Connect();
    gw.CloseBrowser(kAlice);
    gw.Wait(8s);
    EXPECT_TRUE(gw.TrunkIsQuiet()) << "the carrier hears nothing of it";
    gw.Register(kAliceAgain, "alice");
    sip::Message reinvite = gw.ToBrowser(kAliceAgain);
    EXPECT_EQ(reinvite.method, "INVITE");
    return reinvite;
  }

  // The end of the call for the carrier, and of everything that is left of it.
  void ExpectTrunkBye(const std::string& why) {
    const sip::Message bye = gw.ToTrunk();
    EXPECT_EQ(bye.method, "BYE");
    EXPECT_THAT(*bye.FindExtra("Reason"), HasSubstr(why));
    gw.FromTrunk(gw.TrunkAnswer(bye, 200, ""));
    ExpectEmptyAfterTimers();
  }
};

TEST_F(ReboundTest, TheBrowserIsOfferedARestartInItsDialogOnTheNewConnection) {
  const sip::Message reinvite = ComeBack();
  EXPECT_EQ(reinvite.call_id, invite.call_id);
  EXPECT_EQ(reinvite.to.tag(), invite.from.tag());
  EXPECT_EQ(*reinvite.FindExtra("Session-Expires"), "1800;refresher=uac");
  EXPECT_THAT(reinvite.body, HasSubstr("a=ice-lite"));
  EXPECT_THAT(reinvite.body, Not(HasSubstr("a=ice-ufrag:gwUf\r\n")));
}

TEST_F(ReboundTest, ItMayHangUpThere) {
  ComeBack();
  gw.FromBrowser(kAliceAgain, InDialog("BYE", ok));
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).status, 200);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
}

TEST_F(ReboundTest, ASecondOfferWaitsForTheAnswerToTheFirst) {
  const sip::Message first = ComeBack();
  gw.SilenceBrowser();  // wants another restart
  EXPECT_TRUE(gw.BrowserIsQuiet(kAliceAgain));
  sip::Message accepted = sip::MakeResponse(first, 200, "", "");
  accepted.contacts = invite.contacts;
  accepted.content_type = "application/sdp";
  accepted.body = testing::BrowserSdp("active", "0 101");
  gw.FromBrowser(kAliceAgain, accepted);
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).method, "ACK");
  const sip::Message second = gw.ToBrowser(kAliceAgain);
  EXPECT_EQ(second.method, "INVITE");
  const auto ufrag = [](const sip::Message& message) {
    const size_t at = message.body.find("a=ice-ufrag:");
    return message.body.substr(at, message.body.find('\r', at) - at);
  };
  EXPECT_NE(ufrag(second), ufrag(first));
}

TEST_F(ReboundTest, TheCarrierMayHangUpToo) {
  sip::Message reinvite = ComeBack();
  sip::Message accepted = sip::MakeResponse(reinvite, 200, "", "");
  accepted.contacts = invite.contacts;
  accepted.content_type = "application/sdp";
  accepted.body = testing::BrowserSdp("active", "0 101");
  gw.FromBrowser(kAliceAgain, accepted);
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).method, "ACK");
  gw.FromTrunk(TrunkBye());
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).method, "BYE");
}

TEST_F(ReboundTest, ABrowserThatHungUpMeanwhileEndsTheTrunkLeg) {
  const sip::Message reinvite = ComeBack();
  gw.FromBrowser(kAliceAgain, sip::MakeResponse(reinvite, 481, "", ""));
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).method, "ACK");
  const sip::Message bye = gw.ToBrowser(kAliceAgain);
  EXPECT_EQ(bye.method, "BYE");
  gw.FromBrowser(kAliceAgain, sip::MakeResponse(bye, 481, "", ""));
  const sip::Message trunk_bye = gw.ToTrunk();
  EXPECT_EQ(trunk_bye.method, "BYE");
  gw.FromTrunk(gw.TrunkAnswer(trunk_bye, 200, ""));
  ExpectEmptyAfterTimers();
}

TEST_F(ReboundTest, GlareIsFollowedByANewOffer) {
  const sip::Message reinvite = ComeBack();
  gw.FromBrowser(kAliceAgain, sip::MakeResponse(reinvite, 491, "", ""));
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).method, "ACK");
  EXPECT_TRUE(gw.BrowserIsQuiet(kAliceAgain));
  gw.Wait(3s);
  const sip::Message again = gw.ToBrowser(kAliceAgain);
  EXPECT_EQ(again.method, "INVITE");
  EXPECT_GT(again.cseq.number, reinvite.cseq.number);
  EXPECT_NE(again.body, reinvite.body);
}

TEST_F(ReboundTest, AByeForABrowserThatIsAwayWaitsForIt) {
  Connect();
  gw.CloseBrowser(kAlice);
  gw.FromTrunk(TrunkBye());
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.Wait(5s);
  EXPECT_EQ(gw.manager.gauges().calls, 0u);
  gw.Register(kAliceAgain, "alice");
  const sip::Message bye = gw.ToBrowser(kAliceAgain);
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_EQ(bye.call_id, invite.call_id);
  gw.FromBrowser(kAliceAgain, sip::MakeResponse(bye, 200, "", ""));
  ExpectEmptyAfterTimers();
}

TEST_F(ReboundTest, AByeForABrowserThatNeverComesBackIsForgotten) {
  Connect();
  gw.CloseBrowser(kAlice);
  gw.FromTrunk(TrunkBye());
  gw.Wait(2min);
  EXPECT_TRUE(gw.IsEmpty());
}

TEST_F(ReboundTest, ABrowserWhoseAckWasLostWithItsConnectionGetsTheByeWhenItIsBack) {
  trunk_invite = Dial("600");
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  gw.CloseBrowser(kAlice);
  gw.Wait(33s);
  const sip::Message trunk_bye = gw.ToTrunk();
  EXPECT_EQ(trunk_bye.method, "BYE");
  gw.FromTrunk(gw.TrunkAnswer(trunk_bye, 200, ""));
  gw.Register(kAliceAgain, "alice");
  const sip::Message bye = gw.ToBrowser(kAliceAgain);
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_EQ(bye.call_id, invite.call_id);
  gw.FromBrowser(kAliceAgain, sip::MakeResponse(bye, 200, "", ""));
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, ACarrierThatNeverAckedAndLostItsConnectionGetsTheByeOverANewOne) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  gw.FromTrunk(gw.MakeTrunkInvite("+15550001001"));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  sip::Message answer = sip::MakeResponse(gw.ToBrowser(kAlice), 200, "", "browsertag");
  answer.contacts = gw.MakeInvite("alice", "x").contacts;
  answer.content_type = "application/sdp";
  answer.body = testing::BrowserSdp("active", "0 101");
  gw.FromBrowser(kAlice, answer);
  EXPECT_EQ(gw.ToTrunk().status, 200);
  gw.CloseTrunkStream();
  EXPECT_EQ(gw.streams_opened, 0);
  gw.Wait(33s);
  EXPECT_EQ(gw.streams_opened, 1);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
}

TEST_F(ReboundTest, AnotherDeviceOfTheUserGetsNothingOfTheCall) {
  Connect();
  gw.CloseBrowser(kAlice);
  gw.OpenBrowser(kAliceAgain);
  sip::Message other = gw.MakeRegister("alice");
  other.contacts.front().params.Set("+sip.instance", "<urn:uuid:another-device>");
  EXPECT_EQ(gw.Ask(kAliceAgain, other, "secret").status, 200);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAliceAgain));
  gw.FromTrunk(TrunkBye());
  EXPECT_TRUE(gw.BrowserIsQuiet(kAliceAgain));
}

TEST_F(ReboundTest, ARefreshedRegistrationOnTheSameConnectionChangesNothing) {
  Connect();
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeRegister("alice"), "secret").status, 200);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

TEST_F(ReboundTest, APageThatWasClosedEndsTheTrunkLegAsSoonAsItIsSilent) {
  Connect();
  gw.CloseBrowser(kAlice, 1001);
  EXPECT_TRUE(gw.TrunkIsQuiet());  // the call outlives its WebSocket until media says otherwise
  gw.SilenceBrowser();
  ExpectTrunkBye("the browser is silent");
}

TEST_F(ReboundTest, APageThatWasClosedIsOwedNoBye) {
  Connect();
  gw.CloseBrowser(kAlice, 1001);
  gw.FromTrunk(TrunkBye());
  EXPECT_EQ(gw.manager.gauges().dialogs, 0u);
}

TEST_F(ReboundTest, ABrowserThatLostBothPathsHasTimeToComeBack) {
  Connect();
  gw.CloseBrowser(kAlice);
  gw.SilenceBrowser();
  gw.Wait(24s);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.Register(kAliceAgain, "alice");
  EXPECT_EQ(gw.ToBrowser(kAliceAgain).method, "INVITE");
  gw.HearBrowser();
  gw.Wait(30s);
  EXPECT_TRUE(gw.TrunkIsQuiet());
}

TEST_F(ReboundTest, ABrowserThatLostBothPathsEndsTheTrunkLegInTheEnd) {
  Connect();
  gw.CloseBrowser(kAlice);
  gw.SilenceBrowser();
  gw.Wait(25s);
  ExpectTrunkBye("the browser is silent");
}

TEST_F(ReboundTest, AConnectedBrowserThatFallsSilentIsOfferedARestart) {
  Connect();
  gw.SilenceBrowser();
  const sip::Message reinvite = gw.ToBrowser(kAlice);
  EXPECT_EQ(reinvite.method, "INVITE");
  EXPECT_THAT(reinvite.body, Not(HasSubstr("a=ice-ufrag:gwUf\r\n")));
  EXPECT_TRUE(gw.TrunkIsQuiet());
}

TEST_F(ReboundTest, ABrowserThatNeverComesBackEndsTheTrunkLegAlthoughItIsHeard) {
  Connect();
  gw.CloseBrowser(kAlice);
  gw.Wait(browser::BrowserEdge::kMayBeAway - 1s);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.Wait(1s);
  ExpectTrunkBye("did not come back");
}

TEST_F(CallManagerTest, ATrunkThatCannotBeReachedIs503) {
  trunk_invite = Dial("600");
  gw.CloseTrunkStream();
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 503);
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, AByeForACarrierWhoseConnectionIsLostGoesOverANewOne) {
  Connect();
  gw.CloseTrunkStream();
  gw.FromBrowser(kAlice, InDialog("BYE", ok));
  EXPECT_EQ(gw.streams_opened, 2);
  EXPECT_EQ(gw.ToTrunk().method, "ACK");  // it may have been lost with the connection
  const sip::Message bye = gw.ToTrunk();
  EXPECT_EQ(bye.method, "BYE");
  EXPECT_EQ(bye.call_id, trunk_invite.call_id);
  gw.FromTrunk(gw.TrunkAnswer(bye, 200, ""));
  ExpectEmptyAfterTimers();
}

TEST_F(CallManagerTest, TheTrunksConnectionIsReusedAndKeptAlive) {
  Connect();
  EXPECT_EQ(gw.streams_opened, 1);
  gw.raw_to_trunk.clear();
  gw.Wait(31s);
  EXPECT_THAT(gw.raw_to_trunk, ::testing::Contains("\r\n\r\n"));
}

TEST_F(CallManagerTest, TheGatewayRefreshesTheBrowsersSession) {
  Connect();
  gw.Wait(901s);
  const sip::Message refresh = gw.ToBrowser(kAlice);
  EXPECT_EQ(refresh.method, "UPDATE");
  EXPECT_TRUE(refresh.body.empty());
  EXPECT_THAT(*refresh.FindExtra("Session-Expires"), HasSubstr("refresher=uac"));
}

TEST_F(CallManagerTest, AnInboundCallRingsTheRegisteredBrowser) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:33333");
  const sip::Message incoming = gw.MakeTrunkInvite("+15550001001");
  gw.FromTrunk(incoming);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message ring = gw.ToBrowser(kAlice);
  EXPECT_EQ(ring.method, "INVITE");
  EXPECT_EQ(ring.request_uri.host, "hidden12345.invalid");
  EXPECT_EQ(ring.from.uri.user, "+15559990000");
  EXPECT_THAT(*ring.FindExtra("Session-Expires"), HasSubstr("refresher=uac"));
  EXPECT_THAT(sip::Print(ring), Not(HasSubstr("198.51.100.9")));
  EXPECT_THAT(sip::Print(ring), Not(HasSubstr("carrier")));
  sip::Message ringing = sip::MakeResponse(ring, 180, "", "browsertag");
  gw.FromBrowser(kAlice, ringing);
  EXPECT_EQ(gw.ToTrunk().status, 180);
  sip::Message answer = sip::MakeResponse(ring, 200, "", "browsertag");
  answer.contacts = gw.MakeInvite("alice", "x").contacts;
  answer.content_type = "application/sdp";
  answer.body = testing::BrowserSdp("active", "0 101");
  gw.FromBrowser(kAlice, answer);
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
  const sip::Message answered = gw.ToTrunk();
  EXPECT_EQ(answered.status, 200);
  EXPECT_THAT(answered.body, HasSubstr("RTP/AVP 0 101"));
  EXPECT_THAT(sip::Print(answered), Not(HasSubstr("hidden12345")));
}

TEST_F(CallManagerTest, UnknownUsersAre404AndAbsentOnes480) {
  gw.ConnectTrunk("198.51.100.9:33333");
  gw.FromTrunk(gw.MakeTrunkInvite("nobody"));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  EXPECT_EQ(gw.ToTrunk().status, 404);
  gw.FromTrunk(gw.MakeTrunkInvite("bob"));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  EXPECT_EQ(gw.ToTrunk().status, 480);
}

TEST_F(CallManagerTest, ACarrierNobodyKnowsIsRefused) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("203.0.113.5:33333");
  gw.FromTrunk(gw.MakeTrunkInvite("alice"));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  EXPECT_EQ(gw.ToTrunk().status, 403);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
}

TEST_F(CallManagerTest, TheSdpThatHangsOtherParsersIsRefusedAndEverythingElseGoesOn) {
  Connect();
  gw.ConnectTrunk("198.51.100.9:33333");
  sip::Message attack = gw.MakeTrunkInvite("alice");
  attack.body =
      "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111 \xc3\x84\r\n";
  gw.FromTrunk(attack);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const int status = gw.ToTrunk().status;
  EXPECT_TRUE(status == 488 || status == 400) << status;
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallManagerTest, NumbersWithoutARouteAre404) {
  gw.Register(kAlice, "alice");
  const sip::Message answer = gw.Ask(kAlice, gw.MakeInvite("alice", "bob"), "secret");
  EXPECT_EQ(answer.status, 404);
  EXPECT_THAT(*answer.FindExtra("Warning"), HasSubstr("no route"));
  EXPECT_TRUE(gw.TrunkIsQuiet());
}

TEST_F(CallManagerTest, AMediaEngineWithoutRoomIs503) {
  gw.refuse_media = true;
  gw.Register(kAlice, "alice");
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeInvite("alice", "600"), "secret").status, 503);
  EXPECT_EQ(gw.manager.gauges().calls, 0u);
}

TEST_F(CallManagerTest, ForeignConnectionsCannotTouchACall) {
  Connect();
  gw.Register(kMallory, "bob");
  gw.FromBrowser(kMallory, InDialog("BYE", ok));
  EXPECT_EQ(gw.ToBrowser(kMallory).status, 481);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_EQ(gw.manager.gauges().calls, 1u);
}

TEST_F(CallManagerTest, EveryMethodWithoutCredentialsIsChallenged) {
  gw.OpenBrowser(kMallory);
  for (const char* method : {"OPTIONS", "MESSAGE", "SUBSCRIBE", "PUBLISH", "REFER", "INFO"}) {
    sip::Message request = gw.MakeRegister("bob");
    request.method = request.cseq.method = method;
    gw.FromBrowser(kMallory, request);
    const int status = gw.ToBrowser(kMallory).status;
    EXPECT_TRUE(status == 401 || status == 481 || status == 405) << method << " " << status;
  }
}

TEST_F(CallManagerTest, AMethodNobodyKnowsIs501WithoutAChallenge) {
  gw.OpenBrowser(kMallory);
  sip::Message request = gw.MakeRegister("bob");
  request.method = request.cseq.method = "NEWMETHOD";
  gw.FromBrowser(kMallory, request);
  EXPECT_EQ(gw.ToBrowser(kMallory).status, 501);
}

TEST_F(CallManagerTest, KeepAlivesAreAnswered) {
  gw.OpenBrowser(kAlice);
  gw.manager.OnWs(ws::Message{{kAlice}, "\r\n\r\n"}, gw.now);
  const auto outputs = gw.manager.TakeOutputs(gw.now);
  ASSERT_EQ(outputs.ws.size(), 1u);
  EXPECT_EQ(std::get<ws::Send>(outputs.ws[0]).text, "\r\n");
}

TEST_F(CallManagerTest, GarbageIsAnsweredWithAReasonOrNotAtAll) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, std::string("hello"));
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  std::string text = sip::Print(gw.MakeRegister("alice"));
  text.replace(text.find("REGISTER\r\n"), 8, "OPTIONSX");
  gw.FromBrowser(kAlice, text);
  const sip::Message answer = gw.ToBrowser(kAlice);
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.FindExtra("Warning"), nullptr);
}

TEST_F(CallManagerTest, ShutDownEndsEveryCallAndTakesNoNewOne) {
  Connect();
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  gw.Pump();
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "BYE");
  EXPECT_EQ(gw.manager.gauges().calls, 0u);
  const sip::Message answer = gw.Ask(kAlice, gw.MakeInvite("alice", "600"), "secret");
  EXPECT_EQ(answer.status, 503);
}

}  // namespace
}  // namespace lastmile::app

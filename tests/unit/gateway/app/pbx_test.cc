#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/gateway/app/gateway_in_memory.h"

// Users with an account at a PBX, and trunks that ask for credentials.
namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kBob = 2;
constexpr char kPbxPassword[] = "PbxSecret201";
constexpr char kTrunkPassword[] = "TrunkSecret";

CallManagerOptions WithPbx() {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  options.trunk.pbx_users.push_back({.user = "alice",
                                     .trunk = "acme",
                                     .aor = "201",
                                     .host = "",
                                     .credentials = {"a201", kPbxPassword}});
  return options;
}

CallManagerOptions WithTrunkAccount() {
  CallManagerOptions options = WithPbx();
  options.trunk.trunks[0].auth = sip::Credentials{"gateway", kTrunkPassword};
  return options;
}

class PbxTest : public ::testing::Test {
 protected:
  explicit PbxTest(CallManagerOptions options = WithPbx()) : gw(std::move(options)) {}

  sip::Message Challenge(const sip::Message& request, int status) const {
    sip::Message response = gw.TrunkAnswer(request, status, "");
    (status == 407 ? response.proxy_authenticates : response.www_authenticates) = {challenge};
    return response;
  }
  // Whether the request proves that it knows the password.
  static bool Proves(const sip::Message& request, const std::string& user,
                     const std::string& password) {
    const auto& list =
        request.authorizations.empty() ? request.proxy_authorizations : request.authorizations;
    if (list.size() != 1 || *list[0].params.Find("username") != user) return false;
    SeededRandom random(1);
    sip::DigestServer server("pbx.example", random);
    const std::string ha1 = sip::Ha1(user, "pbx.example", password);
    // The nonce is not that server's: with the right answer it is merely stale.
    return server.Verify(list[0], request.method, {ha1}, 1, TimePoint(1h), &request.request_uri) ==
           sip::DigestVerdict::kStale;
  }
  // The REGISTER of alice that is due, challenged and granted.
  sip::Message RegisterAtPbx() {
    gw.Wait(100ms);
    const sip::Message first = gw.ToTrunk();
    EXPECT_EQ(first.method, "REGISTER");
    gw.FromTrunk(Challenge(first, 401));
    gw.Wait(100ms);
    sip::Message second = gw.ToTrunk();
    EXPECT_TRUE(Proves(second, "a201", kPbxPassword));
    sip::Message ok = gw.TrunkAnswer(second, 200, "");
    ok.contacts = second.contacts;
    gw.FromTrunk(ok);
    EXPECT_EQ(gw.manager.gauges().pbx_registrations, 1u);
    return second;
  }

  GatewayInMemory gw;
  const sip::AuthHeader challenge = [] {
    sip::AuthHeader header{.scheme = "Digest", .params = {}, .token = ""};
    header.params.Set("realm", "pbx.example");
    header.params.Set("nonce", "n1");
    header.params.Set("algorithm", "MD5");
    header.params.Set("qop", "auth");
    return header;
  }();
};

class TrunkAccountTest : public PbxTest {
 protected:
  TrunkAccountTest() : PbxTest(WithTrunkAccount()) {}
};

TEST_F(PbxTest, ABrowserThatRegistersIsRegisteredAtItsPbxAndUnregisteredWhenItIsGone) {
  gw.Register(kBob, "bob");
  gw.Wait(1s);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.Register(kAlice, "alice");
  const sip::Message request = RegisterAtPbx();
  EXPECT_EQ(request.to.ToString(), "<sip:201@198.51.100.9>");
  EXPECT_EQ(request.contacts.at(0).uri.host, "198.51.100.1");
  gw.CloseBrowser(kAlice);
  gw.Wait(11s);
  const sip::Message leaving = gw.ToTrunk();
  EXPECT_EQ(leaving.method, "REGISTER");
  EXPECT_EQ(leaving.expires, 0u);
  gw.FromTrunk(gw.TrunkAnswer(leaving, 200, ""));
  EXPECT_EQ(gw.manager.gauges().pbx_registrations, 0u);
}

TEST_F(PbxTest, ThePasswordIsInNothingThatLeaves) {
  gw.Register(kAlice, "alice");
  const std::string contact = RegisterAtPbx().contacts.at(0).uri.user;
  gw.FromTrunk(gw.MakeTrunkInvite(contact));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "INVITE");
  EXPECT_THAT(gw.raw_to_trunk, Not(Contains(HasSubstr(kPbxPassword))));
  for (const char* secret : {kPbxPassword, "a201", "pbx.example", contact.c_str()}) {
    EXPECT_THAT(gw.raw_to_browsers, Not(Contains(HasSubstr(secret))));
  }
}

TEST_F(PbxTest, CallsToTheContactOrTheAddressRingTheUser) {
  gw.Register(kAlice, "alice");
  gw.Register(kBob, "bob");
  const std::string contact = RegisterAtPbx().contacts.at(0).uri.user;
  for (const std::string& target : {contact, std::string("201")}) {
    const sip::Message invite = gw.MakeTrunkInvite(target);
    gw.FromTrunk(invite);
    EXPECT_EQ(gw.ToTrunk().status, 100);
    const sip::Message ring = gw.ToBrowser(kAlice);
    EXPECT_EQ(ring.method, "INVITE");
    EXPECT_EQ(ring.to.uri.user, "alice");
    EXPECT_TRUE(gw.BrowserIsQuiet(kBob));
    sip::Message busy = sip::MakeResponse(ring, 486, "", "busy");
    gw.FromBrowser(kAlice, busy);
    EXPECT_EQ(gw.ToBrowser(kAlice).method, "ACK");
    EXPECT_EQ(gw.ToTrunk().status, 486);
    ASSERT_FALSE(gw.records.empty());
    EXPECT_EQ(gw.records.back().parties.number, "201") << "not the opaque Contact";
  }
}

TEST_F(PbxTest, ACallOfTheUserGoesOutAsItsExtensionWithItsCredentials) {
  const auto [invite, first] = gw.Dial(kAlice, "alice", "600");
  EXPECT_EQ(first.from.uri.ToString(), "sip:201@198.51.100.9");
  EXPECT_EQ(gw.raw_to_trunk.back().find("+15550001001"), std::string::npos);
  gw.FromTrunk(Challenge(first, 407));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  const sip::Message second = gw.ToTrunk();
  EXPECT_TRUE(Proves(second, "a201", kPbxPassword));
  EXPECT_EQ(second.body, first.body);
  gw.FromTrunk(gw.TrunkAnswer(second, 200, testing::TrunkSdp()));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
}

TEST_F(PbxTest, WhatNoRouteNamesIsDialledAtThePbxByThoseWhoHaveOne) {
  const auto [invite, at_pbx] = gw.Dial(kAlice, "alice", "conference");
  EXPECT_EQ(at_pbx.request_uri.user, "conference");
  EXPECT_EQ(at_pbx.from.uri.user, "201");
  gw.Register(kBob, "bob");
  EXPECT_EQ(gw.Ask(kBob, gw.MakeInvite("bob", "conference"), "secret").status, 404);
}

TEST_F(PbxTest, WithoutAnAccountAChallengeEndsTheCall) {
  const auto [invite, first] = gw.Dial(kBob, "bob", "600");
  gw.FromTrunk(Challenge(first, 407));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_EQ(gw.ToBrowser(kBob).status, 503);
  EXPECT_TRUE(gw.TrunkIsQuiet());
}

TEST_F(PbxTest, AWrongPasswordLeavesTheBrowserRegisteredHere) {
  gw.Register(kAlice, "alice");
  gw.Wait(100ms);
  for (int i = 0; i < 2; ++i) {
    gw.FromTrunk(Challenge(gw.ToTrunk(), 401));
    gw.Wait(100ms);
  }
  gw.Wait(5min);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  EXPECT_EQ(gw.manager.gauges().registrations, 1u);
  EXPECT_EQ(gw.manager.gauges().pbx_registrations, 0u);
}

TEST_F(PbxTest, ALostConnectionToThePbxIsOpenedAgainToRegister) {
  gw.Register(kAlice, "alice");
  RegisterAtPbx();
  const int opened = gw.streams_opened;
  gw.CloseTrunkStream();
  EXPECT_EQ(gw.manager.gauges().pbx_registrations, 0u);
  gw.Wait(6s);
  EXPECT_EQ(gw.streams_opened, opened + 1);
  EXPECT_EQ(gw.ToTrunk().method, "REGISTER");
}

TEST_F(PbxTest, TheEndUnregisters) {
  gw.Register(kAlice, "alice");
  RegisterAtPbx();
  gw.manager.ShutDown("over", gw.now);
  EXPECT_EQ(gw.manager.gauges().pbx_registers, 1u);
  gw.Wait(100ms);
  const sip::Message leaving = gw.ToTrunk();
  EXPECT_EQ(leaving.expires, 0u);
  gw.FromTrunk(gw.TrunkAnswer(leaving, 200, ""));
  EXPECT_EQ(gw.manager.gauges().pbx_registers, 0u);
}

TEST_F(TrunkAccountTest, UsersWithoutAnAccountCallWithThatOfTheTrunk) {
  const auto [invite, first] = gw.Dial(kBob, "bob", "600");
  EXPECT_EQ(first.from.uri.user, "bob");
  gw.FromTrunk(Challenge(first, 401));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  EXPECT_TRUE(Proves(gw.ToTrunk(), "gateway", kTrunkPassword));
}

TEST_F(TrunkAccountTest, ABrowserThatAsksForCredentialsGetsNone) {
  gw.Register(kAlice, "alice");
  gw.ConnectTrunk("198.51.100.9:4000");
  gw.FromTrunk(gw.MakeTrunkInvite("201"));
  EXPECT_EQ(gw.ToTrunk().status, 100);
  sip::Message asks = sip::MakeResponse(gw.ToBrowser(kAlice), 407, "", "browser");
  asks.proxy_authenticates = {challenge};
  gw.FromBrowser(kAlice, asks);
  const sip::Message ack = gw.ToBrowser(kAlice);
  EXPECT_EQ(ack.method, "ACK");
  EXPECT_TRUE(ack.proxy_authorizations.empty());
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  EXPECT_EQ(gw.ToTrunk().status, 480);
}

TEST_F(TrunkAccountTest, AnInboundCallIsHungUpWithTheAccountOfTheTrunk) {
  gw.Register(kBob, "bob");
  gw.ConnectTrunk("198.51.100.9:4000");
  const sip::Message invite = gw.MakeTrunkInvite("bob");
  gw.FromTrunk(invite);
  EXPECT_EQ(gw.ToTrunk().status, 100);
  const sip::Message ring = gw.ToBrowser(kBob);
  sip::Message ok = sip::MakeResponse(ring, 200, "", "browser");
  ok.contacts = ring.contacts;
  ok.content_type = "application/sdp";
  ok.body = testing::BrowserSdp("active", "0 101");
  gw.FromBrowser(kBob, ok);
  EXPECT_EQ(gw.ToBrowser(kBob).method, "ACK");
  const sip::Message answer = gw.ToTrunk();
  EXPECT_EQ(answer.status, 200);
  sip::Message ack = invite;
  ack.method = ack.cseq.method = "ACK";
  ack.to = answer.to;
  ack.body.clear();
  ack.content_type.clear();
  gw.FromTrunk(ack);
  gw.manager.ShutDown("over", gw.now);
  gw.Pump();
  const sip::Message bye = gw.ToTrunk();
  EXPECT_EQ(bye.method, "BYE");
  gw.FromTrunk(Challenge(bye, 407));
  const sip::Message again = gw.ToTrunk();
  EXPECT_EQ(again.method, "BYE");
  EXPECT_TRUE(Proves(again, "gateway", kTrunkPassword));
}

}  // namespace
}  // namespace lastmile::app

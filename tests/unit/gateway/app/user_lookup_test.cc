// Users who come from a source outside: requests that wait for it, and calls to users who are not
// there.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using browser::UserAnswer;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kOther = 2;

CallManagerOptions WithLookup() {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  options.browser.users.clear();
  options.browser.lookup = browser::LookupOptions{};
  return options;
}

UserAnswer Found(const std::string& name, const std::string& password = "secret") {
  return {.name = name,
          .verdict = UserAnswer::Verdict::kFound,
          .user = {.name = name,
                   .ha1 = sip::Ha1(name, "gw.example", password),
                   .caller_id = "+15550001001"}};
}
UserAnswer NotFound(const std::string& name) {
  return {.name = name, .verdict = UserAnswer::Verdict::kNotFound};
}
UserAnswer Failed(const std::string& name) { return {.name = name}; }

class UserLookupTest : public ::testing::Test {
 protected:
  // The request with credentials for the challenge it has got.
  sip::Message Authorized(uint64_t conn, sip::Message request,
                          const std::string& password = "secret") {
    gw.FromBrowser(conn, request);
    sip::Message challenge = gw.ToBrowser(conn);
    if (challenge.status == 100) challenge = gw.ToBrowser(conn);
    EXPECT_EQ(challenge.status, 401);
    if (request.method == "INVITE") Ack(conn, request, challenge);
    request.authorizations = {
        *sip::AnswerChallenge(challenge.www_authenticates.back(), {request.from.uri.user, password},
                              request.method, request.request_uri.ToString(), gw.random)};
    ++request.cseq.number;
    request.vias.front().params.Set("branch", "z9hG4bK" + gw.random.Token(12));
    return request;
  }
  void Ack(uint64_t conn, sip::Message request, const sip::Message& response) {
    request.method = request.cseq.method = "ACK";
    request.to = response.to;
    request.body.clear();
    request.content_type.clear();
    gw.FromBrowser(conn, request);
  }
  sip::Message Cancelled(sip::Message request) {
    request.method = request.cseq.method = "CANCEL";
    request.authorizations.clear();
    request.body.clear();
    request.content_type.clear();
    return request;
  }
  void SignIn(uint64_t conn, const std::string& user) {
    gw.OpenBrowser(conn);
    gw.FromBrowser(conn, Authorized(conn, gw.MakeRegister(user)));
    gw.AnswerLookup(Found(user));
    EXPECT_EQ(gw.ToBrowser(conn).status, 200);
    gw.lookups.clear();
  }
  sip::Message CallFromTrunk(const std::string& number = "+15550001001") {
    gw.ConnectTrunk("198.51.100.9:33333");
    const sip::Message invite = gw.MakeTrunkInvite(number);
    gw.FromTrunk(invite);
    EXPECT_EQ(gw.ToTrunk().status, 100);
    return invite;
  }

  GatewayInMemory gw{WithLookup()};
};

TEST_F(UserLookupTest, AChallengeNeedsNoLookUp) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, gw.MakeRegister("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 401);
  EXPECT_THAT(gw.lookups, IsEmpty());
}

TEST_F(UserLookupTest, ARegisterWaitsForItsUser) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("alice")));
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  EXPECT_THAT(gw.lookups, ElementsAre("alice"));
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.manager.gauges().registrations, 1u);
}

TEST_F(UserLookupTest, WhoIsNobodyIsChallengedAgain) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("mallory")));
  gw.AnswerLookup(NotFound("mallory"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 401);
  EXPECT_EQ(gw.manager.gauges().auth_failures.password, 1u);
}

TEST_F(UserLookupTest, TwoTabsAreOneLookUp) {
  for (const uint64_t conn : {kAlice, kOther}) {
    gw.OpenBrowser(conn);
    gw.FromBrowser(conn, Authorized(conn, gw.MakeRegister("alice")));
  }
  EXPECT_THAT(gw.lookups, ElementsAre("alice"));
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.ToBrowser(kOther).status, 200);
}

TEST_F(UserLookupTest, AnInviteWaitsAndGoesOn) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeInvite("alice", "600")));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 100);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.ToTrunk().from.uri.user, "+15550001001") << "the caller id of the source";
}

TEST_F(UserLookupTest, AnInviteThatIsCancelledMeanwhileLeavesNothing) {
  gw.OpenBrowser(kAlice);
  const sip::Message invite = Authorized(kAlice, gw.MakeInvite("alice", "600"));
  gw.FromBrowser(kAlice, invite);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 100);
  // Both before the gateway's next turn.
  gw.manager.OnWs(ws::Message{{kAlice}, sip::Print(Cancelled(invite))}, gw.now);
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  const sip::Message terminated = gw.ToBrowser(kAlice);
  EXPECT_EQ(terminated.status, 487);
  Ack(kAlice, invite, terminated);
  EXPECT_TRUE(gw.TrunkIsQuiet());
  gw.Wait(60s);
  EXPECT_TRUE(gw.IsEmpty());
}

TEST_F(UserLookupTest, AConnectionThatIsLostMeanwhileRegistersNobody) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("alice")));
  gw.CloseBrowser(kAlice);
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.manager.gauges().registrations, 0u);
}

TEST_F(UserLookupTest, ARegisterThatCannotBeCheckedClosesItsWebSocket) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("alice")));
  gw.AnswerLookup(Failed("alice"));
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "JsSIP would never register again after a 5xx";
  ASSERT_EQ(gw.closings.size(), 1u);
  EXPECT_EQ(gw.closings[0].conn.value, kAlice);
  EXPECT_EQ(gw.closings[0].code, 1013);
  EXPECT_EQ(gw.manager.gauges().auth_failures.unavailable, 1u);
}

TEST_F(UserLookupTest, AnInviteThatCannotBeCheckedIsRefusedWithASentence) {
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeInvite("alice", "600")));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 100);
  gw.Wait(browser::UserDirectory::kLookupLimit);
  const sip::Message refused = gw.ToBrowser(kAlice);
  EXPECT_EQ(refused.status, 503);
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("users cannot be looked up now"));
  EXPECT_THAT(gw.closings, IsEmpty());
}

TEST_F(UserLookupTest, OnlySoManyRequestsOfAConnectionWait) {
  gw.OpenBrowser(kAlice);
  const size_t limit = browser::BrowserEdge::kMaxWaitingOnFlow;
  for (size_t i = 0; i < limit; ++i) {
    sip::Message invite = Authorized(kAlice, gw.MakeInvite("user" + std::to_string(i), "600"));
    gw.FromBrowser(kAlice, invite);
    EXPECT_EQ(gw.ToBrowser(kAlice).status, 100);
  }
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeInvite("one-more", "600")));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 100);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 503);
  SignIn(kOther, "bob");
}

TEST_F(UserLookupTest, ANewPasswordIsNotHeldAgainstAnOldEntry) {
  SignIn(kAlice, "alice");
  gw.Wait(61s);
  const sip::Message request = Authorized(kAlice, gw.MakeRegister("alice"), "changed");
  gw.FromBrowser(kAlice, request);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
  EXPECT_THAT(gw.lookups, ElementsAre("alice"));
  gw.AnswerLookup(Found("alice", "changed"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.manager.gauges().auth_failures.password, 0u);
}

TEST_F(UserLookupTest, WhileTheSourceIsDownWhoIsKnownGoesOn) {
  SignIn(kAlice, "alice");
  gw.Wait(20min);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("alice")));
  gw.AnswerLookup(Failed("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_THAT(gw.closings, IsEmpty());
}

// --- calls of carriers ---

TEST_F(UserLookupTest, ACalleeWhoIsRegisteredRingsWithoutALookUp) {
  SignIn(kAlice, "alice");
  gw.Wait(5min);
  CallFromTrunk();
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "INVITE");
  EXPECT_THAT(gw.lookups, IsEmpty());
}

TEST_F(UserLookupTest, ACalleeWhoIsNotThereIsLookedUpFor404Or480) {
  for (const auto& [answer, status] :
       {std::pair{NotFound("alice"), 404}, {Found("alice"), 480}, {Failed("alice"), 480}}) {
    GatewayInMemory fresh(WithLookup());
    fresh.ConnectTrunk("198.51.100.9:33333");
    fresh.FromTrunk(fresh.MakeTrunkInvite("+15550001001"));
    EXPECT_EQ(fresh.ToTrunk().status, 100);
    EXPECT_TRUE(fresh.TrunkIsQuiet());
    EXPECT_THAT(fresh.lookups, ElementsAre("alice"));
    fresh.AnswerLookup(answer);
    EXPECT_EQ(fresh.ToTrunk().status, status);
  }
}

TEST_F(UserLookupTest, ACalleeWhoRegistersMeanwhileRings) {
  CallFromTrunk();
  EXPECT_THAT(gw.lookups, ElementsAre("alice"));
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("alice")));
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.ToBrowser(kAlice).method, "INVITE");
}

TEST_F(UserLookupTest, ACarrierThatCancelsMeanwhileLeavesNothing) {
  const sip::Message invite = CallFromTrunk();
  gw.OpenBrowser(kAlice);
  gw.FromBrowser(kAlice, Authorized(kAlice, gw.MakeRegister("alice")));
  gw.FromTrunk(Cancelled(invite));
  EXPECT_EQ(gw.ToTrunk().status, 200);
  EXPECT_EQ(gw.ToTrunk().status, 487);
  gw.AnswerLookup(Found("alice"));
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "nobody calls any more";
  gw.Wait(60s);
  EXPECT_TRUE(gw.IsEmpty());
}

TEST_F(UserLookupTest, AShutDownRefusesCallsThatWait) {
  CallFromTrunk();
  gw.manager.ShutDown("the gateway is shutting down", gw.now);
  gw.Pump();
  EXPECT_EQ(gw.ToTrunk().status, 503);
}

}  // namespace
}  // namespace lastmile::app

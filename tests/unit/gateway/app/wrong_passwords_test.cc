// How often a wrong password can be tried.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using browser::GuessLimiter;
using ::testing::HasSubstr;

constexpr uint64_t kMallory = 1;
constexpr uint64_t kAlice = 2;
constexpr char kSomewhere[] = "192.0.2.1:1000";
constexpr char kElsewhere[] = "198.51.100.77:1000";

class WrongPasswordsTest : public ::testing::Test {
 protected:
  int TryRegister(uint64_t conn, const std::string& password) {
    return gw.Ask(conn, gw.MakeRegister("alice"), password).status;
  }
  void GuessUntilRefused(uint64_t conn) {
    for (int i = 0; i < GuessLimiter::kMaxWrong; ++i) EXPECT_EQ(TryRegister(conn, "guess"), 401);
  }

  GatewayInMemory gw;
};

TEST_F(WrongPasswordsTest, AfterFiveEvenTheRightOneIsRefusedForAMinute) {
  gw.OpenBrowser(kMallory, kSomewhere);
  GuessUntilRefused(kMallory);
  const sip::Message refused = gw.Ask(kMallory, gw.MakeRegister("alice"), "secret");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(*refused.FindExtra("Retry-After"), "60");
  EXPECT_THAT(*refused.FindExtra("Warning"), HasSubstr("too many wrong passwords"));
  EXPECT_EQ(gw.manager.gauges().auth_failures.password, 5u);
  EXPECT_EQ(gw.manager.gauges().auth_failures.limited, 1u);
  gw.Wait(GuessLimiter::kWindow);
  EXPECT_EQ(TryRegister(kMallory, "secret"), 200);
}

TEST_F(WrongPasswordsTest, WhatAnAttackerTriesElsewhereLocksNobodyOut) {
  gw.OpenBrowser(kMallory, kSomewhere);
  GuessUntilRefused(kMallory);
  EXPECT_EQ(TryRegister(kMallory, "guess"), 403);
  gw.OpenBrowser(kAlice, kElsewhere);
  EXPECT_EQ(TryRegister(kAlice, "secret"), 200);
}

TEST_F(WrongPasswordsTest, ANewConnectionIsNoNewChance) {
  gw.OpenBrowser(kMallory, kSomewhere);
  GuessUntilRefused(kMallory);
  gw.CloseBrowser(kMallory);
  gw.OpenBrowser(kMallory + 10, kSomewhere);
  EXPECT_EQ(TryRegister(kMallory + 10, "secret"), 403);
}

TEST_F(WrongPasswordsTest, AnInviteCountsLikeARegister) {
  gw.OpenBrowser(kMallory, kSomewhere);
  for (int i = 0; i < GuessLimiter::kMaxWrong; ++i) {
    EXPECT_EQ(gw.Ask(kMallory, gw.MakeInvite("alice", "600"), "guess").status, 401);
  }
  EXPECT_EQ(gw.Ask(kMallory, gw.MakeInvite("alice", "600"), "secret").status, 403);
}

TEST_F(WrongPasswordsTest, WhoIsNobodyIsRefusedLikeAUser) {
  gw.OpenBrowser(kMallory, kSomewhere);
  for (int i = 0; i < GuessLimiter::kMaxWrong; ++i) {
    EXPECT_EQ(gw.Ask(kMallory, gw.MakeRegister("nobody"), "guess").status, 401);
  }
  EXPECT_EQ(gw.Ask(kMallory, gw.MakeRegister("nobody"), "guess").status, 403);
}

TEST_F(WrongPasswordsTest, AnAnswerToANonceThatIsSpentIsNoGuess) {
  gw.OpenBrowser(kAlice, kSomewhere);
  gw.FromBrowser(kAlice, gw.MakeRegister("alice"));
  const sip::Message challenge = gw.ToBrowser(kAlice);
  const auto credentials =
      *sip::AnswerChallenge(challenge.www_authenticates.front(), {"alice", "secret"}, "REGISTER",
                            "sip:gw.example", gw.random);
  for (int i = 0; i < 2 * GuessLimiter::kMaxWrong; ++i) {
    sip::Message request = gw.MakeRegister("alice");
    request.authorizations = {credentials};
    gw.FromBrowser(kAlice, request);
    EXPECT_EQ(gw.ToBrowser(kAlice).status, i == 0 ? 200 : 401);
  }
  EXPECT_EQ(gw.manager.gauges().auth_failures.password, 0u);
}

TEST_F(WrongPasswordsTest, ManyPasswordsInOneRequestAreOneGuess) {
  gw.OpenBrowser(kMallory, kSomewhere);
  gw.FromBrowser(kMallory, gw.MakeRegister("alice"));
  const sip::Message challenge = gw.ToBrowser(kMallory);
  sip::Message request = gw.MakeRegister("alice");
  for (const char* password : {"guess", "another", "secret"}) {
    request.authorizations.push_back(
        *sip::AnswerChallenge(challenge.www_authenticates.front(), {"alice", password}, "REGISTER",
                              request.request_uri.ToString(), gw.random));
  }
  gw.FromBrowser(kMallory, request);
  EXPECT_EQ(gw.ToBrowser(kMallory).status, 401);
}

}  // namespace
}  // namespace lastmile::app

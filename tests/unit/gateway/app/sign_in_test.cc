// How browsers prove who they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/jwt_samples.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
constexpr char kSecret[] = "a secret of thirty-two characters";
constexpr int64_t kNow = 1'800'000'000;

CallManagerOptions WithSha256() {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  for (browser::User& user : options.browser.users) {
    user.ha1_sha256 = sip::Ha1(user.name, "gw.example", "secret", sip::DigestAlgorithm::kSha256);
  }
  return options;
}

CallManagerOptions WithTokens() {
  CallManagerOptions options = WithSha256();
  options.browser.bearer = {.algorithms = {"HS256"}, .key = kSecret};
  options.browser.wall_clock = [] { return browser::WallTime(std::chrono::seconds(kNow)); };
  return options;
}

std::string TokenOf(const std::string& user, int64_t expires = kNow + 60) {
  return testing::MakeToken("HS256", kSecret,
                            "{\"sub\":\"" + user + "\",\"exp\":" + std::to_string(expires) + "}");
}

sip::Message With(sip::Message request, const std::string& token) {
  request.authorizations = {{.scheme = "Bearer", .params = {}, .token = token}};
  return request;
}

sip::Message Told(GatewayInMemory& gw, const sip::Message& request) {
  gw.FromBrowser(kAlice, request);
  sip::Message answer = gw.ToBrowser(kAlice);
  return answer.status == 100 ? gw.ToBrowser(kAlice) : answer;
}

TEST(SignInTest, Sha256IsOfferedFirstAndMd5Last) {  // J3
  GatewayInMemory gw(WithSha256());
  gw.OpenBrowser(kAlice);
  const sip::Message challenge = Told(gw, gw.MakeRegister("alice"));
  ASSERT_EQ(challenge.www_authenticates.size(), 2u);
  EXPECT_EQ(*challenge.www_authenticates[0].params.Find("algorithm"), "SHA-256");
  EXPECT_EQ(*challenge.www_authenticates[1].params.Find("algorithm"), "MD5");
  for (const sip::AuthHeader& offered : challenge.www_authenticates) {
    EXPECT_EQ(*offered.params.Find("qop"), "auth");
    sip::Message request = gw.MakeRegister("alice");
    request.authorizations = {*sip::AnswerChallenge(offered, {"alice", "secret"}, "REGISTER",
                                                    request.request_uri.ToString(), gw.random)};
    EXPECT_EQ(Told(gw, request).status, 200);
  }
}

TEST(SignInTest, WhatIsOfferedDoesNotTellWhoIsKnown) {
  CallManagerOptions options = WithSha256();
  options.browser.users[1].ha1_sha256.clear();
  GatewayInMemory gw(std::move(options));
  gw.OpenBrowser(kAlice);
  for (const char* name : {"alice", "bob", "nobody"}) {
    const sip::Message challenge = Told(gw, gw.MakeRegister(name));
    ASSERT_EQ(challenge.www_authenticates.size(), 1u) << name;
    EXPECT_EQ(*challenge.www_authenticates[0].params.Find("algorithm"), "MD5");
  }
}

TEST(SignInTest, ATokenRegistersAndCallsAndStaysHere) {  // J4
  GatewayInMemory gw(WithTokens());
  gw.OpenBrowser(kAlice);
  const std::string token = TokenOf("alice");
  EXPECT_EQ(Told(gw, With(gw.MakeRegister("alice"), token)).status, 200);
  sip::Message invite = With(gw.MakeInvite("alice", "600"), token);
  gw.FromBrowser(kAlice, invite);
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 100);
  EXPECT_TRUE(gw.BrowserIsQuiet(kAlice)) << "not challenged";
  const sip::Message trunk_invite = gw.ToTrunk();
  gw.FromTrunk(gw.TrunkAnswer(trunk_invite, 200, testing::TrunkSdp("0 101")));
  EXPECT_EQ(gw.ToTrunk().method, "ACK");
  const sip::Message ok = gw.ToBrowser(kAlice);
  EXPECT_EQ(ok.status, 200);
  for (const char* method : {"ACK", "BYE"}) {
    invite.method = invite.cseq.method = method;
    invite.to = ok.to;
    invite.body.clear();
    invite.content_type.clear();
    if (invite.method == "BYE") ++invite.cseq.number;
    invite.vias.front().params.Set("branch", std::string("z9hG4bK") + method);
    gw.FromBrowser(kAlice, invite);
  }
  EXPECT_EQ(gw.ToBrowser(kAlice).status, 200);
  EXPECT_EQ(gw.ToTrunk().method, "BYE");
  EXPECT_THAT(gw.raw_to_trunk, Each(Not(HasSubstr("Bearer"))));
  EXPECT_THAT(gw.raw_to_trunk, Each(Not(HasSubstr(token.substr(0, 20)))));
}

TEST(SignInTest, ATokenThatDoesNotCountIsToldWhy) {
  GatewayInMemory gw(WithTokens());
  gw.OpenBrowser(kAlice);
  for (const auto& [token, why] : {std::pair{TokenOf("alice", kNow), "has expired"},
                                   {TokenOf("nobody"), "nobody who is known"},
                                   {std::string("x.y.z"), "not signed"}}) {
    const sip::Message answer = Told(gw, With(gw.MakeRegister("alice"), token));
    EXPECT_EQ(answer.status, 401);
    EXPECT_THAT(*answer.FindExtra("Warning"), HasSubstr(why));
    ASSERT_EQ(answer.www_authenticates.size(), 3u);
    EXPECT_EQ(answer.www_authenticates[0].scheme, "Bearer");
    EXPECT_THAT(answer.www_authenticates[0].token, HasSubstr("error=\"invalid_token\""));
    EXPECT_EQ(*answer.www_authenticates[2].params.Find("algorithm"), "MD5");
  }
  EXPECT_EQ(gw.manager.gauges().registrations, 0u);
}

TEST(SignInTest, ATokenOfOneUserIsNoneOfAnother) {
  GatewayInMemory gw(WithTokens());
  gw.OpenBrowser(kAlice);
  EXPECT_EQ(Told(gw, With(gw.MakeRegister("alice"), TokenOf("bob"))).status, 403);
}

TEST(SignInTest, PasswordsGoOnBesideTokens) {
  GatewayInMemory gw(WithTokens());
  gw.OpenBrowser(kAlice);
  sip::Message request = gw.MakeRegister("alice");
  const sip::Message challenge = Told(gw, request);
  EXPECT_EQ(challenge.FindExtra("Warning"), nullptr);
  request.authorizations = {*sip::AnswerChallenge(challenge.www_authenticates.at(2),
                                                  {"alice", "secret"}, "REGISTER",
                                                  request.request_uri.ToString(), gw.random)};
  ++request.cseq.number;
  request.vias.front().params.Set("branch", "z9hG4bKagain");
  EXPECT_EQ(Told(gw, request).status, 200);
}

TEST(SignInTest, WithoutAKeyATokenIsNothing) {
  GatewayInMemory gw;
  gw.OpenBrowser(kAlice);
  const sip::Message answer = Told(gw, With(gw.MakeRegister("alice"), TokenOf("alice")));
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.www_authenticates.size(), 1u);
}

}  // namespace
}  // namespace lastmile::app

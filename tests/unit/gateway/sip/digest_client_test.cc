#include "gateway/sip/digest_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

// What a client answers to challenges, and what it makes of an answer that was not taken.
namespace lastmile::sip {
namespace {

using ::testing::HasSubstr;

AuthHeader Challenge(const std::string& realm, const std::string& nonce,
                     const std::string& algorithm = "MD5", bool stale = false) {
  AuthHeader challenge;
  challenge.scheme = "Digest";
  challenge.params.Set("realm", realm);
  challenge.params.Set("nonce", nonce);
  if (!algorithm.empty()) challenge.params.Set("algorithm", algorithm);
  challenge.params.Set("qop", "auth");
  challenge.params.Set("opaque", "op of " + nonce);
  if (stale) challenge.params.Set("stale", "TRUE");
  return challenge;
}

Message Response(int status, std::vector<AuthHeader> challenges) {
  Message response;
  response.status = status;
  (status == 407 ? response.proxy_authenticates : response.www_authenticates) =
      std::move(challenges);
  return response;
}

std::string ParamOf(const AuthHeader& header, std::string_view name) {
  const std::string* value = header.params.Find(name);
  return value ? *value : "(none)";
}

class DigestClientTest : public ::testing::Test {
 protected:
  DigestClientTest() {
    request.method = "REGISTER";
    request.request_uri.host = "pbx.example";
  }
  Result<void> Answer(int status, std::vector<AuthHeader> challenges) {
    return client.Answer(Response(status, std::move(challenges)), request, tries);
  }
  // Whether a server that knows the password takes these credentials.
  static bool IsRight(const AuthHeader& answer, const std::string& password,
                      DigestAlgorithm algorithm) {
    const std::string ha1 = Ha1("201", ParamOf(answer, "realm"), password, algorithm);
    SeededRandom other(9);
    DigestServer server(ParamOf(answer, "realm"), other);
    const StoredHa1 stored =
        algorithm == DigestAlgorithm::kMd5 ? StoredHa1{ha1, ""} : StoredHa1{"", ha1};
    // A nonce of somebody else's with the right response is stale; a wrong response is wrong.
    return server.Verify(answer, "REGISTER", stored, 1, TimePoint(1h)) == DigestVerdict::kStale;
  }

  SeededRandom random{3};
  DigestClient client{{"201", "secret"}, random};
  ChallengeTries tries;
  Message request;
};

TEST_F(DigestClientTest, A401IsAnsweredInAuthorizationAndA407InProxyAuthorization) {
  ASSERT_TRUE(Answer(407, {Challenge("pbx", "n1")}));
  ASSERT_EQ(request.proxy_authorizations.size(), 1u);
  EXPECT_TRUE(request.authorizations.empty());
  const AuthHeader& answer = request.proxy_authorizations[0];
  EXPECT_EQ(ParamOf(answer, "username"), "201");
  EXPECT_EQ(ParamOf(answer, "uri"), "sip:pbx.example");
  EXPECT_EQ(ParamOf(answer, "nc"), "00000001");
  EXPECT_EQ(ParamOf(answer, "opaque"), "op of n1");
  EXPECT_TRUE(IsRight(answer, "secret", DigestAlgorithm::kMd5));
  EXPECT_FALSE(IsRight(answer, "other", DigestAlgorithm::kMd5));
  // The server behind that proxy has a realm of its own: both are needed.
  ASSERT_TRUE(Answer(401, {Challenge("server", "n2")}));
  EXPECT_EQ(request.proxy_authorizations.size(), 1u);
  EXPECT_EQ(ParamOf(request.authorizations.at(0), "realm"), "server");
}

TEST_F(DigestClientTest, TheStrongestAlgorithmOfARealmIsTaken) {
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "a", "MD5"), Challenge("pbx", "b", "SHA-512-256"),
                           Challenge("pbx", "c", "SHA-256")}));
  ASSERT_EQ(request.authorizations.size(), 1u);
  EXPECT_EQ(ParamOf(request.authorizations[0], "nonce"), "c");
  EXPECT_TRUE(IsRight(request.authorizations[0], "secret", DigestAlgorithm::kSha256));
}

TEST_F(DigestClientTest, AStrongerOneThatCannotBeAnsweredLeavesTheOther) {
  AuthHeader odd = Challenge("pbx", "a", "SHA-256");
  odd.params.Set("qop", "auth-int");
  ASSERT_TRUE(Answer(401, {odd, Challenge("pbx", "b", "")}));
  EXPECT_EQ(ParamOf(request.authorizations.at(0), "nonce"), "b");
}

TEST_F(DigestClientTest, EachRealmOfAForkingProxyIsAnswered) {
  ASSERT_TRUE(Answer(407, {Challenge("one", "a"), Challenge("two", "b", "SHA-256")}));
  EXPECT_EQ(request.proxy_authorizations.size(), 2u);
}

TEST_F(DigestClientTest, WrongCredentialsAreNotSentTwice) {
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n1")}));
  const auto again = Answer(401, {Challenge("pbx", "n2")});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().message, "the credentials were refused");
  // Nor are they offered in advance from now on.
  client.Preempt(request);
  EXPECT_TRUE(request.authorizations.empty());
}

TEST_F(DigestClientTest, AStaleNonceIsReplacedOnce) {
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n1")}));
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n2", "MD5", true)}));
  ASSERT_EQ(request.authorizations.size(), 1u);
  EXPECT_EQ(ParamOf(request.authorizations[0], "nonce"), "n2");
  EXPECT_EQ(ParamOf(request.authorizations[0], "nc"), "00000001");
  EXPECT_FALSE(Answer(401, {Challenge("pbx", "n3", "MD5", true)}));
}

TEST_F(DigestClientTest, ANonceIsUsedAgainWithARisingCount) {
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n1")}));
  const std::string first = ParamOf(request.authorizations[0], "response");
  for (const char* count : {"00000002", "00000003"}) {
    client.Preempt(request);
    ASSERT_EQ(request.authorizations.size(), 1u);
    EXPECT_EQ(ParamOf(request.authorizations[0], "nonce"), "n1");
    EXPECT_EQ(ParamOf(request.authorizations[0], "nc"), count);
    EXPECT_NE(ParamOf(request.authorizations[0], "response"), first);
  }
  // The same nonce for another method: its count goes on.
  request.method = "INVITE";
  client.Preempt(request);
  EXPECT_TRUE(request.authorizations.empty());
  tries = {};
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n1")}));
  EXPECT_EQ(ParamOf(request.authorizations[0], "nc"), "00000004");
}

TEST_F(DigestClientTest, CredentialsGivenInAdvanceMayBeRefusedForAnOldNonce) {
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n1")}));
  client.Preempt(request);
  tries = {};
  // Without a word of stale: many servers say none.
  ASSERT_TRUE(Answer(401, {Challenge("pbx", "n2")}));
  EXPECT_EQ(ParamOf(request.authorizations.at(0), "nonce"), "n2");
  EXPECT_FALSE(Answer(401, {Challenge("pbx", "n3")}));
}

TEST_F(DigestClientTest, AnAccountOfOneRealmAnswersNoOther) {
  DigestClient bound({"201", "secret", "pbx"}, random);
  const auto refused = bound.Answer(Response(401, {Challenge("elsewhere", "n")}), request, tries);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("realm"));
  EXPECT_TRUE(request.authorizations.empty());
  EXPECT_TRUE(bound.Answer(Response(401, {Challenge("pbx", "n")}), request, tries));
}

TEST_F(DigestClientTest, AHashInsteadOfThePasswordAnswersMd5Alone) {
  DigestClient hashed({"201", "", "pbx", Ha1("201", "pbx", "secret")}, random);
  ASSERT_TRUE(hashed.Answer(
      Response(401, {Challenge("pbx", "a", "SHA-256"), Challenge("pbx", "b")}), request, tries));
  EXPECT_TRUE(IsRight(request.authorizations.at(0), "secret", DigestAlgorithm::kMd5));
  const auto refused =
      hashed.Answer(Response(407, {Challenge("pbx", "c", "SHA-256")}), request, tries);
  EXPECT_THAT(refused.error().message, HasSubstr("SHA-256"));
}

TEST_F(DigestClientTest, WhatCannotBeAnsweredSaysWhy) {
  EXPECT_THAT(Answer(401, {}).error().message, HasSubstr("no challenge"));
  EXPECT_THAT(Answer(401, {Challenge("pbx", "n", "SHA-512-256")}).error().message,
              HasSubstr("algorithm"));
  AuthHeader bearer{.scheme = "Bearer", .params = {}, .token = "authz_server=x"};
  EXPECT_THAT(Answer(401, {bearer}).error().message, HasSubstr("Digest"));
  for (const auto* list : {&request.authorizations, &request.proxy_authorizations}) {
    EXPECT_TRUE(list->empty());
  }
}

TEST_F(DigestClientTest, AServerWithAThousandRealmsFillsNoMemory) {
  for (int i = 0; i < 1000; ++i) {
    tries = {};
    request.authorizations.clear();
    ASSERT_TRUE(Answer(401, {Challenge("realm" + std::to_string(i), "n")}));
  }
  client.Preempt(request);
  EXPECT_LE(request.authorizations.size(), DigestClient::kMaxRemembered);
}

}  // namespace
}  // namespace lastmile::sip

#include "gateway/sip/digest.h"

#include <gtest/gtest.h>

#include <chrono>
#include <string>

#include "gateway/sip/codec.h"

namespace lastmile::sip {
namespace {

constexpr TimePoint kNow{1h};

// Answers always the same client nonce.
class FixedRandom final : public RandomSource {
 public:
  void Fill(MutableByteView out) override {
    for (uint8_t& byte : out) byte = 7;
  }
};

AuthHeader ChallengeOf(std::string_view realm, std::string_view nonce, std::string_view algorithm) {
  AuthHeader challenge{.scheme = "Digest", .params = {}, .token = ""};
  challenge.params.Set("realm", realm);
  challenge.params.Set("nonce", nonce);
  if (!algorithm.empty()) challenge.params.Set("algorithm", algorithm);
  return challenge;
}

class DigestServerTest : public ::testing::Test {
 protected:
  AuthHeader Answer(std::string_view user, std::string_view password, uint64_t connection,
                    TimePoint now, std::string_view method = "REGISTER") {
    const AuthHeader challenge = server_.Challenge(connection, false, now);
    return *AnswerChallenge(challenge, {std::string(user), std::string(password)}, method,
                            "sip:gw.example.com", random_);
  }
  DigestVerdict Verify(const AuthHeader& credentials, uint64_t connection = 1,
                       TimePoint now = kNow) {
    return server_.Verify(credentials, "REGISTER", {ha1_}, connection, now, &target_);
  }

  SeededRandom random_{1};
  DigestServer server_{"gw.example.com", random_};
  const std::string ha1_ = Ha1("alice", "gw.example.com", "secret");
  const Uri target_ = *ParseUri("sip:gw.example.com");
};

TEST(DigestVectors, Ha1OfRfc2617) {
  EXPECT_EQ(Ha1("Mufasa", "testrealm@host.com", "Circle Of Life"),
            "939e7578ed9e3c518a452acee763bce9");
}

// RFC 2617 section 3.5 and RFC 7616 section 3.9.1, by way of the server: it hashes what the
// credentials say and compares with the response in them.
TEST(DigestVectors, ResponsesOfTheRfcsAreRight) {
  SeededRandom random(1);
  const auto verdict = [&](const char* realm, const char* password, const char* nonce,
                           const char* cnonce, const char* response) {
    AuthHeader credentials = ChallengeOf(realm, nonce, "MD5");
    credentials.params.Set("username", "Mufasa");
    credentials.params.Set("uri", "/dir/index.html");
    credentials.params.Set("qop", "auth");
    credentials.params.Set("nc", "00000001");
    credentials.params.Set("cnonce", cnonce);
    credentials.params.Set("response", response);
    const std::string ha1 = Ha1("Mufasa", realm, password);
    return DigestServer(realm, random).Verify(credentials, "GET", {ha1}, 1, kNow);
  };
  // The right answer to a nonce that is not ours.
  EXPECT_EQ(verdict("testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                    "0a4f113b", "6629fae49393a05397450978507c4ef1"),
            DigestVerdict::kStale);
  EXPECT_EQ(
      verdict("http-auth@example.org", "Circle of Life",
              "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
              "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", "8ca523f5e9506fed4657c9700eebdbec"),
      DigestVerdict::kStale);
  EXPECT_EQ(verdict("testrealm@host.com", "Circle Of Life", "dcd98b7102dd2f0e8b11d0f600bfb0c093",
                    "0a4f113b", "6629fae49393a05397450978507c4ef2"),
            DigestVerdict::kWrong);
}

TEST(DigestVectors, TheSha256ResponseOfRfc7616IsRight) {
  SeededRandom random(1);
  AuthHeader credentials = ChallengeOf("http-auth@example.org",
                                       "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "SHA-256");
  credentials.params.Set("username", "Mufasa");
  credentials.params.Set("uri", "/dir/index.html");
  credentials.params.Set("qop", "auth");
  credentials.params.Set("nc", "00000001");
  credentials.params.Set("cnonce", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  credentials.params.Set("response",
                         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  const std::string ha1 =
      Ha1("Mufasa", "http-auth@example.org", "Circle of Life", DigestAlgorithm::kSha256);
  DigestServer server("http-auth@example.org", random);
  // The right answer to a nonce that is not ours.
  EXPECT_EQ(server.Verify(credentials, "GET", {"", ha1}, 1, kNow), DigestVerdict::kStale);
}

// RFC 2069's form, with the corrected figure of RFC 2617's errata for no qop.
TEST(DigestVectors, ClientWithoutQop) {
  FixedRandom random;
  const AuthHeader challenge =
      ChallengeOf("testrealm@host.com", "dcd98b7102dd2f0e8b11d0f600bfb0c093", "");
  const auto answer =
      AnswerChallenge(challenge, {"Mufasa", "CircleOfLife"}, "GET", "/dir/index.html", random);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->params.Find("response"), "1949323746fe6a43ef61f9606e7febea");
  EXPECT_FALSE(answer->params.Has("qop"));
  EXPECT_FALSE(answer->params.Has("cnonce"));
  EXPECT_FALSE(answer->params.Has("algorithm"));
}

TEST(DigestClient, Sha256AndOpaque) {
  FixedRandom random;
  AuthHeader challenge = ChallengeOf("r", "n", "sha-256");
  challenge.params.Set("qop", "auth-int, auth");
  challenge.params.Set("opaque", "");
  const auto answer = AnswerChallenge(challenge, {"u", "p"}, "INVITE", "sip:h", random);
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer->params.Find("algorithm"), "SHA-256");
  EXPECT_EQ(*answer->params.Find("qop"), "auth");
  EXPECT_EQ(*answer->params.Find("nc"), "00000001");
  EXPECT_TRUE(answer->params.Has("opaque"));
  EXPECT_EQ(answer->params.Find("cnonce")->size(), 20u);
  EXPECT_EQ(answer->params.Find("response")->size(), 64u);
}

TEST(DigestClient, RefusesWhatItDoesNotHave) {
  FixedRandom random;
  const Credentials who{"u", "p"};
  EXPECT_FALSE(AnswerChallenge(ChallengeOf("r", "n", "MD5-sess"), who, "A", "sip:h", random));
  EXPECT_FALSE(AnswerChallenge(ChallengeOf("r", "n", "SHA-512-256"), who, "A", "sip:h", random));
  EXPECT_FALSE(AnswerChallenge(ChallengeOf("r", "", "MD5"), who, "A", "sip:h", random));
  AuthHeader auth_int = ChallengeOf("r", "n", "MD5");
  auth_int.params.Set("qop", "auth-int");
  EXPECT_FALSE(AnswerChallenge(auth_int, who, "A", "sip:h", random));
  const AuthHeader basic{.scheme = "Basic", .params = {}, .token = "x"};
  EXPECT_FALSE(AnswerChallenge(basic, who, "A", "sip:h", random));
}

TEST_F(DigestServerTest, ChallengeIsForMd5AndAuthOnly) {
  const AuthHeader challenge = server_.Challenge(1, false, kNow);
  EXPECT_EQ(*challenge.params.Find("algorithm"), "MD5");
  EXPECT_EQ(*challenge.params.Find("qop"), "auth");
  EXPECT_FALSE(challenge.params.Has("stale"));
  EXPECT_EQ(*server_.Challenge(1, true, kNow).params.Find("stale"), "true");
  EXPECT_NE(*challenge.params.Find("nonce"),
            *server_.Challenge(1, false, kNow).params.Find("nonce"));
}

TEST_F(DigestServerTest, TakesARightAnswerOnce) {
  const AuthHeader answer = Answer("alice", "secret", 1, kNow);
  EXPECT_EQ(server_.UserOf(answer), "alice");
  EXPECT_EQ(Verify(answer), DigestVerdict::kAccepted);
  EXPECT_EQ(Verify(answer), DigestVerdict::kWrong);
}

TEST_F(DigestServerTest, ACountMustRise) {
  AuthHeader answer = Answer("alice", "secret", 1, kNow);
  const auto with_count = [&](const char* nc) {
    AuthHeader next = answer;
    next.params.Set("nc", nc);
    // What a client does that counts; RFC 7616 section 3.4.1 written out once more.
    const std::string ha2 = Ha1("REGISTER", "sip", "gw.example.com");
    const std::string head =
        *next.params.Find("nonce") + ":" + nc + ":" + *next.params.Find("cnonce") + ":auth";
    next.params.Set("response", Ha1(ha1_, head, ha2));
    return Verify(next);
  };
  EXPECT_EQ(with_count("00000002"), DigestVerdict::kAccepted);
  EXPECT_EQ(with_count("00000001"), DigestVerdict::kWrong);
  EXPECT_EQ(with_count("00000002"), DigestVerdict::kWrong);
  EXPECT_EQ(with_count("0000000a"), DigestVerdict::kAccepted);
  EXPECT_EQ(with_count("00000000"), DigestVerdict::kWrong);
  EXPECT_EQ(with_count("b"), DigestVerdict::kWrong);
}

// S-18.
TEST_F(DigestServerTest, ANonceOfAnotherConnectionIsStale) {
  const AuthHeader answer = Answer("alice", "secret", 1, kNow);
  EXPECT_EQ(Verify(answer, 2), DigestVerdict::kStale);
  EXPECT_EQ(Verify(answer, 1), DigestVerdict::kAccepted);
}

TEST_F(DigestServerTest, ANonceLivesFiveMinutes) {
  const AuthHeader in_time = Answer("alice", "secret", 1, kNow);
  EXPECT_EQ(Verify(in_time, 1, kNow + DigestServer::kNonceLife), DigestVerdict::kAccepted);
  const AuthHeader late = Answer("alice", "secret", 1, kNow);
  EXPECT_EQ(Verify(late, 1, kNow + DigestServer::kNonceLife + 1ns), DigestVerdict::kStale);
  const AuthHeader early = Answer("alice", "secret", 1, kNow + 1s);
  EXPECT_EQ(Verify(early, 1, kNow), DigestVerdict::kStale);
}

TEST_F(DigestServerTest, ASpentNonceStaysSpentUntilItExpires) {
  const AuthHeader answer = Answer("alice", "secret", 1, kNow);
  EXPECT_EQ(Verify(answer), DigestVerdict::kAccepted);
  // Others come and go; the sweep of what has expired must not forget one that has not.
  for (int i = 1; i <= 290; ++i) {
    const TimePoint now = kNow + std::chrono::seconds(i);
    EXPECT_EQ(Verify(Answer("alice", "secret", 1, now), 1, now), DigestVerdict::kAccepted);
    EXPECT_EQ(Verify(answer, 1, now), DigestVerdict::kWrong);
  }
  EXPECT_EQ(Verify(answer, 1, kNow + 301s), DigestVerdict::kStale);
}

TEST_F(DigestServerTest, MemoryIsBoundedAndNothingCanBeReplayed) {
  const AuthHeader first = Answer("alice", "secret", 1, kNow);
  EXPECT_EQ(Verify(first), DigestVerdict::kAccepted);
  const AuthHeader waiting = Answer("alice", "secret", 1, kNow + 1ns);
  for (size_t i = 0; i < DigestServer::kMaxNonces + 1; ++i) {
    const TimePoint now = kNow + std::chrono::nanoseconds(i + 2);
    ASSERT_EQ(Verify(Answer("alice", "secret", 1, now), 1, now), DigestVerdict::kAccepted);
  }
  EXPECT_EQ(Verify(first, 1, kNow + 1s), DigestVerdict::kStale);
  EXPECT_EQ(Verify(waiting, 1, kNow + 1s), DigestVerdict::kStale);
  const AuthHeader fresh = Answer("alice", "secret", 1, kNow + 1s);
  EXPECT_EQ(Verify(fresh, 1, kNow + 1s), DigestVerdict::kAccepted);
}

TEST_F(DigestServerTest, AWrongPasswordMethodOrTargetIsWrong) {
  EXPECT_EQ(Verify(Answer("alice", "guess", 1, kNow)), DigestVerdict::kWrong);
  EXPECT_EQ(Verify(Answer("alice", "secret", 1, kNow, "INVITE")), DigestVerdict::kWrong);
  const AuthHeader answer = Answer("alice", "secret", 1, kNow);
  const Uri other = *ParseUri("sip:bob@gw.example.com");
  EXPECT_EQ(server_.Verify(answer, "REGISTER", {ha1_}, 1, kNow, &other), DigestVerdict::kWrong);
  const Uri decorated = *ParseUri("sip:GW.example.com;transport=ws");
  EXPECT_EQ(server_.Verify(answer, "REGISTER", {ha1_}, 1, kNow, &decorated),
            DigestVerdict::kAccepted);
}

TEST_F(DigestServerTest, AnUnknownUserIsWrongEvenWithTheStandInHash) {
  AuthHeader answer = Answer("ghost", "x", 1, kNow);
  EXPECT_EQ(server_.Verify(answer, "REGISTER", {}, 1, kNow), DigestVerdict::kWrong);
  const std::string ha2 = Ha1("REGISTER", "sip", "gw.example.com");
  const std::string head =
      *answer.params.Find("nonce") + ":00000001:" + *answer.params.Find("cnonce") + ":auth";
  answer.params.Set("response", Ha1(std::string(32, '0'), head, ha2));
  EXPECT_EQ(server_.Verify(answer, "REGISTER", {}, 1, kNow), DigestVerdict::kWrong);
}

TEST_F(DigestServerTest, CredentialsForAnotherRealmOrSchemeAreNone) {
  AuthHeader answer = Answer("alice", "secret", 1, kNow);
  answer.params.Set("realm", "GW.example.com");
  EXPECT_EQ(Verify(answer), DigestVerdict::kNoCredentials);
  EXPECT_EQ(server_.UserOf(answer), "");
  const AuthHeader bearer{.scheme = "Bearer", .params = {}, .token = "x"};
  EXPECT_EQ(Verify(bearer), DigestVerdict::kNoCredentials);
  const AuthHeader broken{.scheme = "Digest", .params = {}, .token = "username=\"unbalanced"};
  EXPECT_EQ(Verify(broken), DigestVerdict::kNoCredentials);
}

TEST_F(DigestServerTest, AMissingOrOddParameterIsWrong) {
  for (const char* name : {"username", "nonce", "uri", "response", "qop", "nc", "cnonce"}) {
    for (const char* value : {"", "x", "\xFF\"\\", "00000000000000000000000000000000"}) {
      AuthHeader answer = Answer("alice", "secret", 1, kNow);
      answer.params.Set(name, value);
      const DigestVerdict verdict = Verify(answer);
      // The name of the user counts only in the hash that the caller looked up by it.
      const bool harmless = std::string_view(name) == "username" && *value != '\0';
      EXPECT_EQ(verdict, harmless ? DigestVerdict::kAccepted : DigestVerdict::kWrong)
          << name << "=" << value;
    }
  }
  AuthHeader answer = Answer("alice", "secret", 1, kNow);
  answer.params.Set("algorithm", "SHA-256");
  EXPECT_EQ(Verify(answer), DigestVerdict::kWrong);
  answer.params.Set("algorithm", "md5");
  EXPECT_EQ(Verify(answer), DigestVerdict::kAccepted);
}

// RFC 7616 section 3.9.1's second answer.
TEST(DigestVectors, TheSha256ResponseOfTheRfcIsRight) {
  SeededRandom random(1);
  AuthHeader credentials = ChallengeOf("http-auth@example.org",
                                       "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "SHA-256");
  credentials.params.Set("username", "Mufasa");
  credentials.params.Set("uri", "/dir/index.html");
  credentials.params.Set("qop", "auth");
  credentials.params.Set("nc", "00000001");
  credentials.params.Set("cnonce", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ");
  credentials.params.Set("response",
                         "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
  const std::string ha1 =
      Ha1("Mufasa", "http-auth@example.org", "Circle of Life", DigestAlgorithm::kSha256);
  DigestServer server("http-auth@example.org", random);
  EXPECT_EQ(server.Verify(credentials, "GET", {.md5 = {}, .sha256 = ha1}, 1, kNow),
            DigestVerdict::kStale);
  credentials.params.Set("nc", "00000002");
  EXPECT_EQ(server.Verify(credentials, "GET", {.md5 = {}, .sha256 = ha1}, 1, kNow),
            DigestVerdict::kWrong);
}

TEST_F(DigestServerTest, EachAlgorithmIsHeldAgainstItsOwnHash) {
  const std::string sha256 = Ha1("alice", "gw.example.com", "secret", DigestAlgorithm::kSha256);
  EXPECT_EQ(sha256.size(), 64u);
  const auto answer = [&](DigestAlgorithm algorithm) {
    const AuthHeader challenge = server_.Challenge(1, false, kNow, algorithm);
    return *AnswerChallenge(challenge, {"alice", "secret"}, "REGISTER", "sip:gw.example.com",
                            random_);
  };
  const auto verdict = [&](DigestAlgorithm algorithm, const StoredHa1& stored) {
    return server_.Verify(answer(algorithm), "REGISTER", stored, 1, kNow);
  };
  const StoredHa1 both{.md5 = ha1_, .sha256 = sha256};
  EXPECT_EQ(*answer(DigestAlgorithm::kSha256).params.Find("algorithm"), "SHA-256");
  EXPECT_EQ(verdict(DigestAlgorithm::kSha256, both), DigestVerdict::kAccepted);
  EXPECT_EQ(verdict(DigestAlgorithm::kMd5, both), DigestVerdict::kAccepted);
  EXPECT_EQ(verdict(DigestAlgorithm::kSha256, {.md5 = ha1_}), DigestVerdict::kWrong);
  EXPECT_EQ(verdict(DigestAlgorithm::kMd5, {.md5 = {}, .sha256 = sha256}), DigestVerdict::kWrong);
  EXPECT_EQ(verdict(DigestAlgorithm::kSha256, {.md5 = sha256, .sha256 = ha1_}),
            DigestVerdict::kWrong);
}

TEST_F(DigestServerTest, SurvivesTheWayThroughAMessage) {
  Message request;
  request.method = "REGISTER";
  request.request_uri = target_;
  request.vias.push_back({.transport = "WSS", .sent_by = "x.invalid", .params = {}});
  request.from.uri = request.to.uri = target_;
  request.call_id = "c";
  request.cseq = {1, "REGISTER"};
  request.authorizations.push_back(Answer("alice", "secret", 1, kNow));
  const auto parsed = Parse(Print(request));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(Verify(parsed->authorizations.at(0)), DigestVerdict::kAccepted);
}

}  // namespace
}  // namespace lastmile::sip

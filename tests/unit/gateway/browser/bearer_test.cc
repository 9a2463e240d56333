#include "gateway/browser/bearer.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/jwt_samples.h"

namespace lastmile::browser {
namespace {

using testing::MakeToken;

constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};
constexpr char kSecret[] = "a secret of thirty-two characters";

class BearerTest : public ::testing::Test {
 protected:
  // The user, or "!" and the reason.
  static std::string UserOf(const BearerOptions& options, const std::string& token) {
    const auto user = BearerVerifier(options).UserOf(token, kNow);
    return user ? *user : "!" + user.error().message;
  }
  static std::string WithClaims(const std::string& claims, BearerOptions options = Options()) {
    return UserOf(options, MakeToken("HS256", kSecret, claims));
  }
  static BearerOptions Options() { return {.algorithms = {"HS256"}, .key = kSecret}; }
};

TEST_F(BearerTest, TheSubjectIsTheUser) {
  EXPECT_EQ(WithClaims(R"({"sub":"alice","exp":1800000001})"), "alice");
  BearerOptions options = Options();
  options.user_claim = "phone";
  EXPECT_EQ(WithClaims(R"({"sub":"x","phone":"alice","exp":1800000001})", options), "alice");
  EXPECT_EQ(WithClaims(R"({"exp":1800000001})"), "!the token names no user");
  EXPECT_EQ(WithClaims(R"({"sub":7,"exp":1800000001})"), "!the token names no user");
}

TEST_F(BearerTest, ATokenHasItsTime) {
  EXPECT_EQ(WithClaims(R"({"sub":"alice","exp":1800000000})"), "!the token has expired");
  EXPECT_EQ(WithClaims(R"({"sub":"alice"})"), "!the token has no time of expiry");
  EXPECT_EQ(WithClaims(R"({"sub":"alice","exp":1900000000,"nbf":1800000030})"), "alice");
  EXPECT_EQ(WithClaims(R"({"sub":"alice","exp":1900000000,"nbf":1800000031})"),
            "!the token is not valid yet");
  EXPECT_TRUE(WithClaims(R"({"sub":"alice","exp":"never"})").starts_with("!"));
  EXPECT_TRUE(WithClaims(R"({"sub":"alice","exp":-1})").starts_with("!"));
}

TEST_F(BearerTest, IssuerAndAudienceAreHeldToWhatIsConfigured) {
  BearerOptions options = Options();
  options.issuer = "https://app.example";
  options.audience = "phone";
  const auto verdict = [&](const std::string& claims) {
    return WithClaims("{\"sub\":\"alice\",\"exp\":1900000000" + claims + "}", options);
  };
  EXPECT_EQ(verdict(R"(,"iss":"https://app.example","aud":"phone")"), "alice");
  EXPECT_EQ(verdict(R"(,"iss":"https://app.example","aud":["web","phone"])"), "alice");
  EXPECT_EQ(verdict(R"(,"iss":"https://evil.example","aud":"phone")"),
            "!the token is of another issuer");
  EXPECT_EQ(verdict(R"(,"aud":"phone")"), "!the token is of another issuer");
  for (const char* aud : {"", R"(,"aud":"phones")", R"(,"aud":["web","phones"])", R"(,"aud":[])",
                          R"(,"aud":["a\"phone\"b"])"}) {
    EXPECT_EQ(verdict(R"(,"iss":"https://app.example")" + std::string(aud)),
              "!the token is for another audience")
        << aud;
  }
}

TEST_F(BearerTest, OnlyTheKeyThatIsKnownSigns) {
  const std::string claims = R"({"sub":"alice","exp":1900000000})";
  const std::string token = MakeToken("HS256", kSecret, claims);
  EXPECT_EQ(UserOf(Options(), token), "alice");
  EXPECT_EQ(UserOf(Options(), MakeToken("HS256", "another secret of 32 characters..", claims)),
            "!the token is not signed with the key we know");
  std::string forged = token;
  forged.replace(
      0, forged.rfind('.'),
      MakeToken("HS256", "x", R"({"sub":"bob","exp":1900000000})").substr(0, forged.rfind('.')));
  EXPECT_TRUE(UserOf(Options(), forged).starts_with("!"));
}

TEST_F(BearerTest, AnAlgorithmThatIsNotListedIsRefused) {
  const std::string claims = R"({"sub":"alice","exp":1900000000})";
  for (const char* algorithm : {"HS384", "HS512", "none"}) {
    EXPECT_TRUE(UserOf(Options(), MakeToken(algorithm, kSecret, claims)).starts_with("!"))
        << algorithm;
  }
}

TEST_F(BearerTest, PublicKeysVerifyAndAreNeverTakenForASecret) {
  const std::string claims = R"({"sub":"alice","exp":1900000000})";
  for (const auto& [algorithm, keys] :
       {std::pair{"RS256", testing::RsaKeys()}, {"ES256", testing::EcKeys()}}) {
    const BearerOptions options{.algorithms = {algorithm}, .key = keys.public_pem};
    EXPECT_EQ(UserOf(options, MakeToken(algorithm, keys.private_pem, claims)), "alice");
    EXPECT_EQ(UserOf(options, MakeToken("HS256", keys.public_pem, claims)),
              "!the token is signed with an algorithm that is not allowed");
    EXPECT_TRUE(UserOf(options, MakeToken("none", "", claims)).starts_with("!"));
  }
  const BearerOptions rsa{.algorithms = {"RS256"}, .key = testing::RsaKeys().public_pem};
  EXPECT_TRUE(
      UserOf(rsa, MakeToken("ES256", testing::EcKeys().private_pem, claims)).starts_with("!"));
}

TEST_F(BearerTest, GarbageIsNoToken) {
  const std::string token = MakeToken("HS256", kSecret, R"({"sub":"alice","exp":1900000000})");
  for (size_t cut = 0; cut < token.size(); ++cut) {
    EXPECT_TRUE(UserOf(Options(), token.substr(0, cut)).starts_with("!")) << cut;
  }
  for (size_t at = 0; at + 1 < token.size(); ++at) {
    std::string bent = token;
    bent[at] = bent[at] == 'A' ? 'B' : 'A';
    EXPECT_TRUE(UserOf(Options(), bent).starts_with("!")) << at;
  }
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("\0..", 3),
        std::string(8000, '.'), std::string(8000, 'A')}) {
    EXPECT_TRUE(UserOf(Options(), text).starts_with("!"));
  }
  EXPECT_TRUE(UserOf({.algorithms = {"HS256"}, .key = ""}, token).starts_with("!"));
}

}  // namespace
}  // namespace lastmile::browser

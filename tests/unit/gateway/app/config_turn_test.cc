#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "gateway/app/config.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr char kSecret[] = "sixteen characters at least";

// All diagnostics as lines "line:column message".
std::string FaultsOf(const std::string& text) {
  auto config = ParseConfig(text, "test.yaml");
  if (config) return "";
  std::string faults;
  for (const Diagnostic& d : config.error()) {
    faults += std::to_string(d.position.line) + ":" + std::to_string(d.position.column) + " " +
              d.message + "\n";
  }
  return faults;
}

std::string With(const std::string& urls, const std::string& more = "") {
  return "media:\n  turn: { urls: [" + urls + "], secret: \"" + kSecret + "\"" + more + " }\n";
}

TEST(ConfigTurn, IsOffWithoutTheSection) {
  EXPECT_FALSE(ParseConfig("", "test.yaml")->turn);
  EXPECT_FALSE(ParseConfig("media: { workers: 1 }\n", "test.yaml")->turn);
}

TEST(ConfigTurn, IsRead) {
  setenv("TURN_SECRET", kSecret, 1);
  const auto config = ParseConfig(
      "media:\n"
      "  turn:\n"
      "    urls: [\"turn:turn.example.com:3478?transport=udp\", \"turns:[2001:db8::7]:443\"]\n"
      "    secret: env:TURN_SECRET\n"
      "    lifetime: 20m\n",
      "test.yaml");
  ASSERT_TRUE(config);
  ASSERT_TRUE(config->turn);
  EXPECT_EQ(config->turn->urls,
            (std::vector<std::string>{"turn:turn.example.com:3478?transport=udp",
                                      "turns:[2001:db8::7]:443"}));
  EXPECT_EQ(config->turn->secret, kSecret);
  EXPECT_EQ(config->turn->lifetime, std::chrono::minutes(20));
  for (const char* url : {"turn:198.51.100.7", "turns:t.example?transport=tcp", "turn:[::7]"}) {
    EXPECT_EQ(FaultsOf(With('"' + std::string(url) + '"')), "") << url;
  }
}

TEST(ConfigTurn, CredentialsLiveForAnHourAtMost) {
  EXPECT_EQ(ParseConfig(With("\"turn:t\""), "test.yaml")->turn->lifetime, std::chrono::hours(1));
  EXPECT_EQ(ParseConfig(With("\"turn:t\"", ", lifetime: 1h"), "test.yaml")->turn->lifetime,
            std::chrono::hours(1));
  for (const char* lifetime : {"3601s", "61m", "2h", "9s", "forever"}) {
    EXPECT_EQ(FaultsOf(With("\"turn:t\"", ", lifetime: " + std::string(lifetime))),
              "2:78 `media.turn.lifetime` must be a time from 10s to 3600s\n")
        << lifetime;
  }
}

TEST(ConfigTurn, WhatIsNoServerIsTold) {
  for (const char* url :
       {"turn.example.com", "stun:t.example", "turn://t.example", "turn:t.example:0", "turn:",
        "turn:t.example:70000", "turn:t.example?transport=sctp", "turn:a b", "turn:2001:db8::7",
        "turn:t.example:3478?transport=udp&x=1", "turn:[t.example]:1", "turn:\\\"t"}) {
    EXPECT_THAT(FaultsOf(With("\"turn:t.example\", \"" + std::string(url) + '"')),
                HasSubstr("2:36 a TURN server is written turn:HOST:PORT"))
        << url;
  }
  EXPECT_EQ(FaultsOf(With("")), "2:17 `media.turn.urls` has 1 to 8 entries\n");
}

TEST(ConfigTurn, BothAreNeeded) {
  EXPECT_EQ(FaultsOf("media: { turn: { secret: \"sixteen characters\" } }\n"),
            "1:16 `media.turn` needs `urls: [ turn:HOST:PORT ]`\n");
  EXPECT_EQ(FaultsOf("media: { turn: { urls: [\"turn:t\"] } }\n"),
            "1:16 `media.turn` needs `secret`, the TURN server's static-auth-secret\n");
  EXPECT_THAT(FaultsOf("media: { turn: { urls: [\"turn:t\"], secret: short } }\n"),
              HasSubstr("1:44 `media.turn.secret` must have at least 16 characters"));
}

TEST(ConfigTurn, TheSecretIsNotShown) {
  const auto effective = EffectiveConfig(With("\"turn:t\""), "test.yaml");
  ASSERT_TRUE(effective);
  EXPECT_THAT(*effective, HasSubstr("turn:t"));
  EXPECT_THAT(*effective, Not(HasSubstr(kSecret)));
  EXPECT_TRUE(ParseConfig(*effective, "effective.yaml")) << *effective;
}

}  // namespace
}  // namespace lastmile::app

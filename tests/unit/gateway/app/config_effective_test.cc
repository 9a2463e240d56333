#include "gateway/app/config_effective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <sstream>

#include "gateway/app/config.h"
#include "gateway/app/config_profiles.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string EffectiveOf(const std::string& text, const std::string& file = "test.yaml") {
  const auto effective = EffectiveConfig(text, file);
  if (effective) return *effective;
  ADD_FAILURE() << effective.error().front().message << " in line "
                << effective.error().front().position.line << " of\n"
                << text;
  return "";
}

// Without where the values are from.
std::string ValuesOf(const std::string& effective) {
  std::istringstream in(effective);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    if (line.find_first_not_of(' ') == line.find('#')) continue;
    const size_t comment = line.rfind(" # ");
    std::string value = line.substr(0, comment);
    value.erase(value.find_last_not_of(' ') + 1);
    out += value + "\n";
  }
  return out;
}

// The line of that key, blanks before its comment made one.
std::string LineOf(const std::string& effective, const std::string& key) {
  std::istringstream in(effective);
  for (std::string line; std::getline(in, line);) {
    const size_t start = line.find_first_not_of(" -");
    if (start == std::string::npos || !line.substr(start).starts_with(key + ":")) continue;
    std::string one;
    for (const char c : line.substr(start)) {
      if (c != ' ' || one.back() != ' ') one.push_back(c);
    }
    return one;
  }
  return "";
}

std::string Example() {
  setenv("ALICE_PASSWORD", "secret", 1);
  std::string text(ExampleConfig());
  const size_t file = text.find("file:/etc/lastmile/bob.ha1");
  return text.replace(file, 26, "0123456789abcdef0123456789abcdef");
}

TEST(EffectiveConfig, SaysWhereEachValueIsFrom) {
  const std::string effective = EffectiveOf(
      "domain: a.example\n"
      "trunks:\n"
      "  acme:\n"
      "    servers: [\"sip.acme.example:5061\"]\n"
      "    profile: twilio\n"
      "    codecs: [pcma]\n");
  EXPECT_EQ(LineOf(effective, "domain"), "domain: a.example # test.yaml:1");
  EXPECT_EQ(LineOf(effective, "servers"), "servers: [\"sip.acme.example:5061\"] # test.yaml:4");
  EXPECT_EQ(LineOf(effective, "codecs"), "codecs: [pcma] # test.yaml:6");
  EXPECT_EQ(LineOf(effective, "transport"), "transport: tls # profile twilio");
  EXPECT_EQ(LineOf(effective, "header"), "header: p-asserted-identity # profile twilio");
  EXPECT_EQ(LineOf(effective, "display"), "display: none # default");
  EXPECT_EQ(LineOf(effective, "nat"), "nat: false # default");
  EXPECT_EQ(LineOf(effective, "ports"), "ports: 30000-39999 # default");
  EXPECT_EQ(LineOf(effective, "advertise"), "advertise: auto # default");
  EXPECT_EQ(LineOf(effective, "invite"), "invite: 1300 # default");
  EXPECT_THAT(effective, HasSubstr("\n# page: not set\n"));
}

TEST(EffectiveConfig, MeansTheSameAsTheFile) {
  std::vector<std::string> texts = {"", Example(), std::string(DemoConfig())};
  for (const std::string& name : ProfileNames()) {
    texts.push_back("trunks: { \"a \\\"b\\\"\": { servers: [\"h:1\"], profile: " + name + " } }\n");
  }
  for (const std::string& text : texts) {
    const std::string once = EffectiveOf(text);
    EXPECT_EQ(ValuesOf(once), ValuesOf(EffectiveOf(once)));
    EXPECT_TRUE(ParseConfig(once, "once.yaml"));
  }
}

TEST(EffectiveConfig, HasEveryKeyOfTheExample) {
  const std::string effective = EffectiveOf(Example());
  const auto config = ParseConfig(Example(), "example.yaml");
  const auto again = ParseConfig(effective, "effective.yaml");
  ASSERT_TRUE(config);
  ASSERT_TRUE(again);
  for (const auto& [path, position] : config->positions) {
    EXPECT_NE(again->PositionOf(path).line, 0) << path;
  }
  EXPECT_EQ(again->outbound_routes.size(), config->outbound_routes.size());
  EXPECT_EQ(again->trunk_policies.at("metro").sdp.rules.size(), 1u);
  EXPECT_EQ(again->users[0].ha1, config->users[0].ha1);
}

TEST(EffectiveConfig, ShowsNoSecret) {
  setenv("TRUNK_PASSWORD", "from-the-environment", 1);
  const std::string effective = EffectiveOf(
      "users:\n"
      "  inline:\n"
      "    - { name: alice, password: open-sesame }\n"
      "    - { name: bob, ha1: 0123456789abcdef0123456789abcdef }\n"
      "trunks:\n"
      "  acme: { servers: [\"h:1\"], auth: { username: gw, password: env:TRUNK_PASSWORD } }\n");
  EXPECT_THAT(effective, Not(HasSubstr("open-sesame")));
  EXPECT_THAT(effective, Not(HasSubstr("0123456789abcdef")));
  EXPECT_THAT(effective, Not(HasSubstr("from-the-environment")));
  EXPECT_THAT(effective, HasSubstr("\"env:TRUNK_PASSWORD\""));  // the place, not the secret
  EXPECT_EQ(ValuesOf(effective), ValuesOf(EffectiveOf(effective)));
}

TEST(EffectiveConfig, OfAFileWithFaultsAreTheFaults) {
  const auto effective = EffectiveConfig("domian: x\n", "test.yaml");
  ASSERT_FALSE(effective);
  EXPECT_EQ(effective.error().front().suggestion, "domain");
}

}  // namespace
}  // namespace lastmile::app

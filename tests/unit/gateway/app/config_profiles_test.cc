#include "gateway/app/config_profiles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace lastmile::app {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

Result<Config, std::vector<Diagnostic>> WithTrunk(const std::string& keys) {
  return ParseConfig("trunks:\n  acme: { servers: [\"h:1\"], " + keys + " }\n", "test.yaml");
}

std::string FaultOf(const std::string& keys) {
  const auto config = WithTrunk(keys);
  if (config) return "";
  const Diagnostic& first = config.error().front();
  return std::to_string(first.position.line) + ":" + std::to_string(first.position.column) + " " +
         first.message + " [" + first.suggestion + "]";
}

TEST(Profiles, EveryOneOfThemParses) {
  EXPECT_THAT(ProfileNames(), Contains("twilio"));
  for (const std::string& name : ProfileNames()) {
    EXPECT_EQ(FaultOf("profile: " + name), "") << name;
  }
}

TEST(Profiles, EachOfTheirValuesSaysWhereItIsFrom) {
  std::istringstream text{std::string(ProfilesText())};
  int values = 0;
  for (std::string line; std::getline(text, line);) {
    const size_t colon = line.find(": ");
    const size_t comment = line.find('#');
    if (colon == std::string::npos || comment < colon) continue;
    if (line.find_first_not_of(' ', colon + 1) == comment) continue;  // a mapping
    ++values;
    EXPECT_NE(comment, std::string::npos) << line;
  }
  EXPECT_GT(values, 30);
}

TEST(Profiles, GiveWhatTheTrunkDoesNotSay) {
  const auto config = WithTrunk("profile: twilio");
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->trunks[0].tls);
  EXPECT_EQ(config->trunks[0].caller_id.header, trunk::IdentityHeader::kPAssertedIdentity);
  EXPECT_EQ(config->trunks[0].caller_id.format, trunk::NumberFormat::kE164);
  EXPECT_THAT(config->trunk_policies.at("acme").codecs, ElementsAre("PCMU", "PCMA"));
}

TEST(Profiles, TheTrunksOwnKeysWin) {
  const auto config =
      WithTrunk("profile: twilio, transport: tcp, codecs: [pcma], caller_id: { display: account }");
  ASSERT_TRUE(config);
  EXPECT_FALSE(config->trunks[0].tls);
  EXPECT_THAT(config->trunk_policies.at("acme").codecs, ElementsAre("PCMA"));
  // Of a mapping only the keys that the trunk has.
  EXPECT_TRUE(config->trunks[0].caller_id.display);
  EXPECT_EQ(config->trunks[0].caller_id.header, trunk::IdentityHeader::kPAssertedIdentity);
}

TEST(Profiles, AnUnknownOneIsToldWithWhatWasMeant) {
  EXPECT_THAT(FaultOf("profile: twillio"), HasSubstr("2:38 there is no profile twillio, but:"));
  EXPECT_THAT(FaultOf("profile: twillio"), HasSubstr("[twilio]"));
}

TEST(Profiles, AFaultOfBothIsToldInTheFile) {
  // The format is the trunk's own, and so is the place; what it lacks no profile gives.
  EXPECT_THAT(FaultOf("profile: twilio, caller_id: { format: national }"),
              HasSubstr("2:67 national numbers are of one country"));
  EXPECT_THAT(FaultOf("profile: twilio, caller_id: { formt: e164 }"),
              HasSubstr("2:59 unknown key `formt` in trunks.acme.caller_id [format]"));
}

}  // namespace
}  // namespace lastmile::app

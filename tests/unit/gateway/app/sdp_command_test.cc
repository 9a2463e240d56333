#include "gateway/app/sdp_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/sdp_samples.h"
#include "tests/unit/gateway/app/gateway_in_memory.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class SdpCommandTest : public ::testing::Test {
 protected:
  ~SdpCommandTest() override { std::filesystem::remove(file_); }

  int Run(const std::string& text, SdpCommand command, const Config* config = nullptr) {
    char name[] = "/tmp/lastmile-sdp-test-XXXXXX";
    close(mkstemp(name));
    file_ = command.file = name;
    std::ofstream(file_, std::ios::binary) << text;
    out.str("");
    err.str("");
    const int status = RunSdp(command, config, out, err);
    std::filesystem::remove(file_);
    return status;
  }
  static Config TrunkConfig(const std::string& entries) {
    auto config = ParseConfig(
        "trunks: { acme: { servers: [\"198.51.100.9:5070\"], " + entries + " } }\n", "test.yaml");
    EXPECT_TRUE(config);
    return config ? *config : Config{};
  }

  std::ostringstream out, err;

 private:
  std::string file_;
};

TEST_F(SdpCommandTest, ABrowsersOfferBecomesWhatTheTrunkIsOffered) {
  EXPECT_EQ(Run(testing::BrowserSdp(), {.to_trunk = true}), 0);
  EXPECT_THAT(out.str(), StartsWith("v=0\r\n"));
  EXPECT_THAT(out.str(), HasSubstr("m=audio 30000 RTP/AVP 0 8"));
  EXPECT_THAT(out.str(), Not(HasSubstr("ice-")));
  EXPECT_EQ(err.str(), "");
}

TEST_F(SdpCommandTest, ACarriersOfferBecomesWhatTheBrowserIsOffered) {
  EXPECT_EQ(Run(testing::TrunkSdp(), {.to_trunk = false}), 0);
  EXPECT_THAT(out.str(), HasSubstr("UDP/TLS/RTP/SAVPF"));
  EXPECT_THAT(out.str(), HasSubstr("a=setup:actpass"));
}

TEST_F(SdpCommandTest, ExplainPrintsEachChangeWithItsReasonAndMasksKeys) {
  EXPECT_EQ(Run(testing::BrowserSdp(), {.print = SdpCommand::Print::kDiff}), 0);
  EXPECT_THAT(out.str(), HasSubstr("[webrtc.ice]"));
  EXPECT_THAT(out.str(), HasSubstr("- a=ice-pwd:***"));
}

TEST_F(SdpCommandTest, JsonAccountsForEveryLine) {
  EXPECT_EQ(Run(testing::BrowserSdp(), {.print = SdpCommand::Print::kJson}), 0);
  const auto json = nlohmann::json::parse(out.str());
  EXPECT_EQ(json["bytes_in"], testing::BrowserSdp().size());
  size_t inputs = 0;
  for (const auto& edit : json["edits"]) inputs += edit.contains("input_line") ? 1 : 0;
  EXPECT_EQ(inputs, std::ranges::count(testing::BrowserSdp(), '\n'));
}

TEST_F(SdpCommandTest, TheTrunksRulesAndCodecsHold) {
  const Config config = TrunkConfig(
      "codecs: [pcma], sdp_rules: [ { id: x, media: session, line: \"s=\", value: call } ]");
  EXPECT_EQ(Run(testing::BrowserSdp(), {.trunk = "acme"}, &config), 0);
  EXPECT_THAT(out.str(), HasSubstr("s=call\r\n"));
  EXPECT_THAT(out.str(), HasSubstr("RTP/AVP 8"));
}

TEST_F(SdpCommandTest, ATrunkWithSrtpGetsKeysThatTheLogMasks) {
  const Config config = TrunkConfig("transport: tls, srtp: optional");
  EXPECT_EQ(Run(testing::BrowserSdp(), {}, &config), 0);
  EXPECT_THAT(out.str(), HasSubstr("RTP/AVP 0 8"));
  EXPECT_THAT(out.str(), HasSubstr("\r\na=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:"));
  const std::string first = out.str();
  EXPECT_EQ(Run(testing::BrowserSdp(), {}, &config), 0);
  EXPECT_EQ(out.str(), first) << "no call's keys";
  EXPECT_EQ(Run(testing::BrowserSdp(), {.print = SdpCommand::Print::kDiff}, &config), 0);
  EXPECT_THAT(out.str(), HasSubstr("+ a=crypto:2 AES_CM_128_HMAC_SHA1_80 ***\n    [srtp.keys] "));
  EXPECT_THAT(out.str(), Not(HasSubstr("inline:")));
}

TEST_F(SdpCommandTest, AudioAndVideoBecomeBothOrAudioAloneByTrunk) {
  const Config both = TrunkConfig("video: [vp8]");
  EXPECT_EQ(Run(testing::BrowserVideoSdp(), {}, &both), 0);
  EXPECT_THAT(out.str(), HasSubstr("m=video 30002 RTP/AVPF"));
  EXPECT_EQ(Run(testing::BrowserVideoSdp(), {}), 0);
  EXPECT_THAT(out.str(), Not(HasSubstr("m=video")));
}

TEST_F(SdpCommandTest, WhatTheCallWouldRefuseIsToldInItsWords) {
  EXPECT_EQ(Run("v=0\r\nnonsense\r\n", {}), 1);
  EXPECT_THAT(err.str(), HasSubstr("the call would be refused: 400 SDP line 2"));
  EXPECT_EQ(out.str(), "");
  const Config config = TrunkConfig("budget: { invite: 500, over: refuse }");
  EXPECT_EQ(Run(testing::BrowserSdp(), {}, &config), 1);
  EXPECT_THAT(err.str(), HasSubstr("513 "));
}

TEST_F(SdpCommandTest, OverBudgetIsToldWhereItIsSentAllTheSame) {
  const Config config = TrunkConfig("budget: { invite: 500 }");
  EXPECT_EQ(Run(testing::BrowserSdp(), {}, &config), 0);
  EXPECT_THAT(err.str(), HasSubstr("over the trunk's budget"));
  EXPECT_THAT(out.str(), HasSubstr("m=audio"));
}

TEST_F(SdpCommandTest, ATrunkThatIsNotThereIsToldWithThoseThatAre) {
  const Config config = TrunkConfig("nat: false");
  EXPECT_EQ(Run(testing::BrowserSdp(), {.trunk = "acne"}, &config), 2);
  EXPECT_THAT(err.str(), HasSubstr("there is no trunk acne (test.yaml has acme)"));
  EXPECT_EQ(Run(testing::BrowserSdp(), {.trunk = "acme"}), 2);
  EXPECT_THAT(err.str(), HasSubstr("add -c FILE"));
}

TEST_F(SdpCommandTest, AFileThatIsNotThereIsTold) {
  EXPECT_EQ(RunSdp({.file = "/nowhere/at/all"}, nullptr, out, err), 1);
  EXPECT_EQ(err.str(), "lastmile: cannot read /nowhere/at/all\n");
}

// What differs from call to call: the id in o=.
std::string WithoutSessionId(std::string sdp) {
  const size_t id = sdp.find("o=- ") + 4;
  return sdp.replace(id, sdp.find(' ', id) - id, "ID");
}

TEST_F(SdpCommandTest, TheBytesAreThoseOfALiveCall) {
  GatewayInMemory gateway;
  const GatewayInMemory::Dialled call = gateway.Dial(1, "alice", "600");
  EXPECT_EQ(Run(call.invite.body, {.to_trunk = true}), 0);
  EXPECT_EQ(WithoutSessionId(out.str()), WithoutSessionId(call.trunk_invite.body));
}

TEST_F(SdpCommandTest, TheBytesForABrowserAreThoseOfALiveCallButForItsKeys) {
  GatewayInMemory gateway;
  gateway.Register(1, "alice");
  gateway.ConnectTrunk("198.51.100.9:40000");
  const sip::Message invite = gateway.MakeTrunkInvite("+15550001001");
  gateway.FromTrunk(invite);
  const sip::Message ring = gateway.ToBrowser(1);
  EXPECT_EQ(Run(invite.body, {.to_trunk = false}), 0);
  const auto lines = [](const std::string& sdp) {
    std::vector<std::string> kept;
    std::istringstream in(WithoutSessionId(sdp));
    for (std::string line; std::getline(in, line);) {
      const bool key = line.starts_with("a=ice-ufrag") || line.starts_with("a=ice-pwd") ||
                       line.starts_with("a=fingerprint");
      if (!key) kept.push_back(line);
    }
    return kept;
  };
  EXPECT_EQ(lines(out.str()), lines(ring.body));
  EXPECT_GT(lines(ring.body).size(), 10u);
}

}  // namespace
}  // namespace lastmile::app

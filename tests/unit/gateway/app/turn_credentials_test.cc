// How browsers get credentials for TURN servers, and who does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/app/gateway_in_memory.h"
#include "tests/unit/gateway/log_capture.h"

namespace lastmile::app {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kAlice = 1;
constexpr uint64_t kBob = 2;
constexpr char kSecret[] = "canary-of-the-turn-server";
constexpr char kHeader[] = "X-Ice-Servers";

CallManagerOptions WithTurn() {
  CallManagerOptions options = GatewayInMemory::DefaultOptions();
  options.browser.turn = browser::TurnOptions{.urls = {"turn:turn.example"}, .secret = kSecret};
  options.browser.wall_clock = [] {
    return browser::WallTime(std::chrono::seconds(1'800'000'000));
  };
  return options;
}

void OpenOverTls(GatewayInMemory& gw, uint64_t conn) {
  gw.manager.OnWs(ws::Opened{.conn = {conn}, .peer = *Endpoint::Parse("192.0.2.7:1"), .tls = true},
                  gw.now);
}

std::string IceServersIn(const sip::Message& answer) {
  const std::string* value = answer.FindExtra(kHeader);
  return value ? *value : "";
}

sip::Message MakeOptions(const GatewayInMemory& gw, const std::string& user) {
  sip::Message request = gw.MakeRegister(user);
  request.method = request.cseq.method = "OPTIONS";
  request.call_id = "options-" + user;
  return request;
}

TEST(TurnCredentialsTest, ComeWithTheRegistrationEachTheirOwn) {
  GatewayInMemory gw(WithTurn());
  OpenOverTls(gw, kAlice);
  OpenOverTls(gw, kBob);
  const sip::Message of_alice = gw.Ask(kAlice, gw.MakeRegister("alice"), "secret");
  EXPECT_EQ(of_alice.status, 200);
  EXPECT_THAT(IceServersIn(of_alice), HasSubstr(R"("username":"1800003600:alice")"));
  const sip::Message of_bob = gw.Ask(kBob, gw.MakeRegister("bob"), "secret");
  EXPECT_THAT(IceServersIn(of_bob), HasSubstr(R"("username":"1800003600:bob")"));
}

// JsSIP shows its user the first 200 to a REGISTER of a connection, and no later one.
TEST(TurnCredentialsTest, AreRenewedByOptions) {
  GatewayInMemory gw(WithTurn());
  OpenOverTls(gw, kAlice);
  gw.FromBrowser(kAlice, MakeOptions(gw, "alice"));
  const sip::Message challenge = gw.ToBrowser(kAlice);
  EXPECT_EQ(challenge.status, 401);
  EXPECT_EQ(IceServersIn(challenge), "");
  const sip::Message answer = gw.Ask(kAlice, MakeOptions(gw, "alice"), "secret");
  EXPECT_EQ(answer.status, 200);
  EXPECT_THAT(IceServersIn(answer), HasSubstr(R"("username":"1800003600:alice")"));
  EXPECT_EQ(IceServersIn(gw.Ask(kAlice, MakeOptions(gw, "alice"), "wrong")), "");
}

TEST(TurnCredentialsTest, AreNotForThoseWhoSignOffOrAreRefused) {
  GatewayInMemory gw(WithTurn());
  OpenOverTls(gw, kAlice);
  EXPECT_EQ(IceServersIn(gw.Ask(kAlice, gw.MakeRegister("alice", 5), "secret")), "");  // 423
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeRegister("alice"), "secret").status, 200);
  const sip::Message off = gw.Ask(kAlice, gw.MakeRegister("alice", 0), "secret");
  EXPECT_EQ(off.status, 200);
  EXPECT_EQ(IceServersIn(off), "");
}

TEST(TurnCredentialsTest, GoOverPlainWsOnThisMachineOnly) {
  GatewayInMemory gw(WithTurn());
  gw.OpenBrowser(kAlice, "127.0.0.1:1000");
  EXPECT_NE(IceServersIn(gw.Ask(kAlice, gw.MakeRegister("alice"), "secret")), "");
  const test::LogCapture log;
  gw.OpenBrowser(kBob, "192.0.2.7:1000");
  const sip::Message answer = gw.Ask(kBob, gw.MakeRegister("bob"), "secret");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(IceServersIn(answer), "");
  EXPECT_THAT(log.text(), HasSubstr("flow=2 gets no TURN credentials: it came by ws"));
}

TEST(TurnCredentialsTest, AreNotThereWithoutServers) {
  GatewayInMemory gw;
  OpenOverTls(gw, kAlice);
  EXPECT_EQ(gw.Ask(kAlice, gw.MakeRegister("alice"), "secret").FindExtra(kHeader), nullptr);
}

TEST(TurnCredentialsTest, StayBetweenGatewayAndBrowser) {
  GatewayInMemory gw(WithTurn());
  const test::LogCapture log;
  OpenOverTls(gw, kAlice);
  const std::string value = IceServersIn(gw.Ask(kAlice, gw.MakeRegister("alice"), "secret"));
  const size_t at = value.find("\"credential\":\"") + 14;
  const std::string credential = value.substr(at, value.find('"', at) - at);
  ASSERT_EQ(credential.size(), 28u) << value;
  const auto call = gw.Dial(kAlice, "alice", "600");
  gw.FromTrunk(gw.TrunkAnswer(call.trunk_invite, 486, ""));
  EXPECT_THAT(log.text(), HasSubstr("register"));
  for (const std::string& canary : {std::string(kSecret), credential, std::string("1800003600")}) {
    EXPECT_THAT(log.text(), Not(HasSubstr(canary)));
    EXPECT_THAT(gw.raw_to_trunk, Each(Not(HasSubstr(canary))));
  }
  EXPECT_THAT(gw.raw_to_browsers, Each(Not(HasSubstr(kSecret))));
}

}  // namespace
}  // namespace lastmile::app

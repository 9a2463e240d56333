// The whole gateway with users of a file and of a web application.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "gateway/sip/digest.h"
#include "gateway/users/sqlite_users.h"
#include "tests/component/gateway/gateway_fixture.h"
#include "tests/component/users/http_peer.h"

namespace lastmile::app {
namespace {

using ::testing::HasSubstr;

std::string HashOf(const std::string& user, const std::string& password) {
  return sip::Ha1(user, "gw.example", password);
}

class GatewayUsersTest : public GatewayTest {
 protected:
  // What becomes of a REGISTER: its status, or the code with which the WebSocket was closed.
  int StatusOf(test::BrowserPhone& phone) {
    phone.Register();
    EXPECT_TRUE(Until([&] { return phone.register_status() != 0 || phone.close_code() != 0; }));
    return phone.close_code() != 0 ? phone.close_code() : phone.register_status();
  }
};

class GatewaySqliteTest : public GatewayUsersTest {
 protected:
  GatewaySqliteTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "lastmile-users-XXXXXX");
    folder_ = mkdtemp(pattern.data());
  }
  ~GatewaySqliteTest() override { std::filesystem::remove_all(folder_); }

  void Configure(Config& config) override {
    config.users.clear();
    config.user_source = {.sqlite = folder_ / "users.db", .lookup = {.ttl = 1s}};
    EXPECT_TRUE(*File().Add(
        {.name = "user0", .ha1 = HashOf("user0", "secret of user0"), .caller_id = "+15550001001"}));
  }
  users::SqliteUsers File() { return *users::SqliteUsers::OpenToWrite(folder_ / "users.db"); }

  std::filesystem::path folder_;
};

TEST_F(GatewaySqliteTest, AUserOfTheFileRegistersAndCalls) {
  const auto phone = RegisteredPhone(0);
  CallOnce(*phone, true);
  ExpectIdle();
}

TEST_F(GatewaySqliteTest, WhoIsNotInTheFileStaysOutside) {
  const auto phone = OpenPhone(1);
  EXPECT_EQ(StatusOf(*phone), 401);
}

TEST_F(GatewaySqliteTest, ANewPasswordCountsWhenTheOldOneIsForgotten) {
  const auto phone = RegisteredPhone(0);
  EXPECT_TRUE(*File().ChangePassword(
      {.name = "user0", .ha1 = HashOf("user0", "changed"), .caller_id = ""}));
  const TimePoint changed = MonotonicNow();
  EXPECT_TRUE(Until([&] { return StatusOf(*phone) == 401; })) << "the old one no longer counts";
  EXPECT_LE(MonotonicNow() - changed, 10s);
}

TEST_F(GatewaySqliteTest, ACarrierHears404Or480) {
  for (const auto& [user, status] : {std::pair{"user0", 480}, {"user1", 404}}) {
    auto& call = carrier_->Dial(user);
    EXPECT_TRUE(Until([&] { return call.state == State::kEnded; }));
    EXPECT_EQ(call.status, status);
  }
  carrier_->ForgetEnded();
  ExpectIdle();
}

class GatewayWebhookTest : public GatewayUsersTest {
 protected:
  void Configure(Config& config) override {
    config.users.clear();
    UserSourceConfig& source = config.user_source.emplace();
    source.webhook.url = "http://127.0.0.1:" + std::to_string(application_.port()) + "/users";
    source.webhook.realm = config.domain;
  }

  static std::string Answer(const test::HttpPeer::Request& request) {
    for (const char* user : {"user0", "user1"}) {
      if (request.body != std::string(R"({"realm":"gw.example","user":")") + user + "\"}") continue;
      if (user == std::string("user1")) return test::HttpPeer::Status(500);
      return test::HttpPeer::Ok(R"({"ha1":")" + HashOf(user, "secret of user0") + "\"}");
    }
    return test::HttpPeer::Status(404);
  }

  test::HttpPeer application_{{.answer = &GatewayWebhookTest::Answer}};
};

TEST_F(GatewayWebhookTest, AUserOfTheApplicationRegistersAndCalls) {
  const auto phone = RegisteredPhone(0);
  CallOnce(*phone, true);
  EXPECT_EQ(application_.requests().size(), 1u) << "once, for three requests of the user";
  ExpectIdle();
}

TEST_F(GatewayWebhookTest, WhoIsNobodyThereStaysOutside) {
  const auto phone = OpenPhone(2);
  EXPECT_EQ(StatusOf(*phone), 401);
}

TEST_F(GatewayWebhookTest, AnApplicationInTroubleClosesTheWebSocketOfARegister) {
  const auto phone = OpenPhone(1);
  EXPECT_EQ(StatusOf(*phone), 1013);
}

TEST_F(GatewayWebhookTest, AnApplicationInTroubleRefusesACallWith503) {
  const auto phone = OpenPhone(1);
  auto& call = phone->Dial("600");
  ASSERT_TRUE(Until([&] { return call.state == State::kEnded; }));
  EXPECT_EQ(call.status, 503);
  EXPECT_TRUE(phone->connected());
}

}  // namespace
}  // namespace lastmile::app

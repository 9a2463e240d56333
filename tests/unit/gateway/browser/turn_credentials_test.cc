#include "gateway/browser/turn_credentials.h"

#include <gtest/gtest.h>

namespace lastmile::browser {
namespace {

constexpr WallTime kNow{std::chrono::seconds(1'800'000'000)};

TurnOptions Options() {
  return {.urls = {"turn:turn.example.com:3478?transport=udp"},
          .secret = "a secret of the TURN server"};
}

TEST(TurnCredentials, AreThoseOfTheRestScheme) {
  EXPECT_EQ(BuildIceServers(Options(), {.name = "alice", .ha1 = "", .caller_id = ""}, kNow),
            R"([{"urls":["turn:turn.example.com:3478?transport=udp"],)"
            R"("username":"1800003600:alice","credential":"1oyztMSfcPrb/Mr0zgBC0j8jmAY="}])");
}

TEST(TurnCredentials, NameTheTenantAndNothingThatCouldBeReadOtherwise) {
  TurnOptions options = Options();
  options.urls = {"turn:198.51.100.7", "turns:turn.example.com:5349?transport=tcp"};
  const User user{.name = "jörg:1", .ha1 = "", .caller_id = "", .tenant = "Acme Ltd"};
  EXPECT_EQ(BuildIceServers(options, user, kNow),
            R"([{"urls":["turn:198.51.100.7","turns:turn.example.com:5349?transport=tcp"],)"
            R"("username":"1800003600:Acme%20Ltd/j%C3%B6rg%3A1",)"
            R"("credential":"4zc23V+3GSA0/LfGN/ecmioVtT4="}])");
}

TEST(TurnCredentials, EndWithTheirLifetime) {
  TurnOptions options = Options();
  options.lifetime = std::chrono::seconds(600);
  const WallTime later = kNow + std::chrono::milliseconds(999);
  const std::string text =
      BuildIceServers(options, {.name = "bob", .ha1 = "", .caller_id = ""}, later);
  EXPECT_NE(text.find("\"1800000600:bob\""), std::string::npos) << text;
}

}  // namespace
}  // namespace lastmile::browser

#include "ws/origin.h"

#include <gtest/gtest.h>

namespace lastmile::ws {
namespace {

OriginPolicy Policy() {
  return OriginPolicy({"https://app.example.com", "http://localhost:3000"}, false,
                      {{.tls = false, .port = 8080}, {.tls = true, .port = 8443}});
}

TEST(OriginTest, TakesListedOrigins) {
  for (const char* origin : {"https://app.example.com", "https://app.example.com:443",
                             "HTTPS://App.Example.COM", "http://localhost:3000"}) {
    EXPECT_TRUE(Policy().Allows(origin, "gateway.test", true)) << origin;
  }
}

TEST(OriginTest, RefusesEverythingThatOnlyLooksLikeOne) {
  for (const char* origin : {
           "",
           "null",
           "https://app.example.com:8443",
           "http://app.example.com",
           "https://app.example.com.evil.test",
           "https://evil-app.example.com",
           "https://app.example.com.",
           "https://app.example.com/",
           "https://app.example.com@evil.test",
           "https://evil.test@app.example.com",
           "https://user:password@app.example.com",
           "https://app.example.com#evil.test",
           "https://app.example.com?evil.test",
           "https://app.example.com\\evil.test",
           "https://app.example.com%2eevil.test",
           "https://app.example.com ",
           " https://app.example.com",
           "https://app.example.com https://evil.test",
           "https://app.example.com,https://evil.test",
           "https://xn--pp-fka.example.com",
           "https://\xc3\xa4pp.example.com",
           "https:/app.example.com",
           "https:app.example.com",
           "//app.example.com",
           "app.example.com",
           "wss://app.example.com",
           "file://",
           "https://",
           "https://:443",
           "https://app.example.com:",
           "https://app.example.com:0443",
           "https://app.example.com:0",
           "https://app.example.com:65536",
           "https://app.example.com:443:443",
           "https://[app.example.com]",
           "https://[::1",
           "chrome-extension://abcdefgh",
           "http://localhost",
           "http://localhost:30001",
       }) {
    EXPECT_FALSE(Policy().Allows(origin, "gateway.test:8443", true)) << origin;
  }
}

TEST(OriginTest, RefusesALongHost) {
  EXPECT_TRUE(ParseOrigin("https://" + std::string(255, 'a')));
  EXPECT_FALSE(ParseOrigin("https://" + std::string(256, 'a')));
}

TEST(OriginTest, TakesTheOriginOfTheListenersOwnPage) {
  EXPECT_TRUE(Policy().Allows("http://localhost:8080", "localhost:8080", false));
  EXPECT_TRUE(Policy().Allows("https://gateway.test", "gateway.test", true));
  EXPECT_TRUE(Policy().Allows("https://gateway.test", "Gateway.Test:443", true));
  EXPECT_TRUE(Policy().Allows("http://[::1]:8080", "[::1]:8080", false));
  EXPECT_FALSE(Policy().Allows("http://localhost:8081", "localhost:8080", false));
  EXPECT_FALSE(Policy().Allows("https://localhost:8080", "localhost:8080", false));
  EXPECT_FALSE(Policy().Allows("http://127.0.0.1:8080", "localhost:8080", false));
}

TEST(OriginTest, TakesThePageOfOneListenerOnAnotherOne) {
  EXPECT_TRUE(Policy().Allows("http://localhost:8080", "localhost:8443", true));
  EXPECT_TRUE(Policy().Allows("https://localhost:8443", "localhost:8080", false));
  EXPECT_FALSE(Policy().Allows("http://localhost:8443", "localhost:8080", false));
  EXPECT_FALSE(Policy().Allows("http://evil.test:8080", "localhost:8443", true));
  EXPECT_FALSE(Policy().Allows("http://localhost:9000", "localhost:8443", true));
}

TEST(OriginTest, NeverBelievesABrokenHost) {
  EXPECT_FALSE(Policy().Allows("http://localhost:8080", "localhost:8080@x", false));
  EXPECT_FALSE(Policy().Allows("http://localhost:8080", "", false));
}

TEST(OriginTest, TakesAnAbsentOriginOnlyWhenTold) {
  EXPECT_FALSE(Policy().Allows(std::nullopt, "localhost:8080", false));
  EXPECT_TRUE(OriginPolicy({}, true, {}).Allows(std::nullopt, "localhost:8080", false));
  EXPECT_FALSE(OriginPolicy({}, true, {}).Allows("null", "localhost:8080", false));
}

TEST(OriginTest, IgnoresEntriesThatAreNoOrigins) {
  const OriginPolicy policy({"*", "null", "", "https://*.example.com"}, false, {});
  for (const char* origin : {"*", "null", "", "https://a.example.com", "https://*.example.com"}) {
    EXPECT_FALSE(policy.Allows(origin, "gateway.test", true)) << origin;
  }
}

}  // namespace
}  // namespace lastmile::ws

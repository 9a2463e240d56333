#include "ws/upgrade.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace lastmile::ws {
namespace {

// A good upgrade request, whose lines a test replaces, removes (empty) or adds to.
class UpgradeTest : public testing::Test {
 protected:
  UpgradeDecision Decide() {
    bytes_ = line_ + "\r\n";
    for (const auto& [name, value] : headers_) {
      if (value != "-") bytes_ += name + ": " + value + "\r\n";
    }
    bytes_ += extra_ + "\r\n";
    const HeadResult result = ParseHead(bytes_);
    EXPECT_EQ(result.kind, HeadResult::Kind::kComplete) << result.reason;
    return DecideUpgrade(result.request, policy_, false);
  }

  OriginPolicy policy_{{"https://app.example.com"}, false, {}};
  std::string line_ = "GET /ws HTTP/1.1";
  std::map<std::string, std::string> headers_ = {
      {"Host", "gateway.test"},
      {"Upgrade", "websocket"},
      {"Connection", "keep-alive, Upgrade"},
      {"Sec-WebSocket-Version", "13"},
      {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="},
      {"Sec-WebSocket-Protocol", "sip"},
      {"Origin", "https://app.example.com"},
  };
  std::string extra_;
  std::string bytes_;
};

TEST_F(UpgradeTest, TakesAGoodRequest) {
  const UpgradeDecision decision = Decide();
  EXPECT_EQ(decision.status, 101) << decision.reason;
  EXPECT_EQ(decision.key, "dGhlIHNhbXBsZSBub25jZQ==");
  headers_["Upgrade"] = "WebSocket";
  headers_["Connection"] = "UPGRADE";
  headers_["Sec-WebSocket-Protocol"] = "x , sip";
  EXPECT_EQ(Decide().status, 101);
}

TEST_F(UpgradeTest, TakesWebsocketAloneAsUpgrade) {
  for (const char* value :
       {"foo", "h2c", "", "websocket, h2c", "websocket/13", "websocke", "web socket"}) {
    headers_["Upgrade"] = value;
    EXPECT_EQ(Decide().status, 400) << value;
  }
  headers_["Upgrade"] = "websocket";
  for (const char* second : {"websocket", "foo", ""}) {
    extra_ = "upgrade: " + std::string(second) + "\r\n";
    EXPECT_EQ(Decide().status, 400) << second;
  }
}

TEST_F(UpgradeTest, NeedsAGetWithConnectionUpgrade) {
  for (const char* line :
       {"POST /ws HTTP/1.1", "HEAD /ws HTTP/1.1", "get /ws HTTP/1.1", "GET /ws HTTP/1.0"}) {
    line_ = line;
    EXPECT_EQ(Decide().status, 400) << line;
  }
  line_ = "GET / HTTP/1.1";
  for (const char* value : {"-", "", "close", "upgraded", "up grade"}) {
    headers_["Connection"] = value;
    EXPECT_EQ(Decide().status, 400) << value;
  }
}

TEST_F(UpgradeTest, SpeaksVersion13Only) {
  for (const char* value : {"-", "", "8", "12", "14", "013", "13, 8", "0x13"}) {
    headers_["Sec-WebSocket-Version"] = value;
    EXPECT_EQ(Decide().status, 426) << value;
  }
}

TEST_F(UpgradeTest, NeedsAKeyOf16Bytes) {
  for (const char* value :
       {"-", "", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ===",
        "dGhlIHNhbXBsZSBub25jZ===", "dGhlIHNhbXBsZSBub25j!Q==", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"}) {
    headers_["Sec-WebSocket-Key"] = value;
    EXPECT_EQ(Decide().status, 400) << value;
  }
  headers_["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ==";
  extra_ = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
  EXPECT_EQ(Decide().status, 400);
}

TEST_F(UpgradeTest, NeedsTheSubprotocolSip) {
  for (const char* value :
       {"-", "", "SIP", "sips", "xsip", "sip2", "s ip", "sip;v=1", ",", "msrp"}) {
    headers_["Sec-WebSocket-Protocol"] = value;
    EXPECT_EQ(Decide().status, 400) << value;
  }
  extra_ = "Sec-WebSocket-Protocol: sip\r\n";
  EXPECT_EQ(Decide().status, 101);
}

TEST_F(UpgradeTest, NeedsAnAllowedOrigin) {
  for (const char* value : {"-", "null", "https://evil.test"}) {
    headers_["Origin"] = value;
    EXPECT_EQ(Decide().status, 403) << value;
  }
  headers_["Origin"] = "https://app.example.com";
  extra_ = "Origin: https://app.example.com\r\n";
  EXPECT_EQ(Decide().status, 403);
}

}  // namespace
}  // namespace lastmile::ws

#ifndef LASTMILE_TESTS_UNIT_GATEWAY_APP_BEYOND_CALLS_SUPPORT_H_
#define LASTMILE_TESTS_UNIT_GATEWAY_APP_BEYOND_CALLS_SUPPORT_H_

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "tests/unit/gateway/app/gateway_in_memory.h"

// Requests that are no calls, as browsers and a PBX send them.
namespace lastmile::app {

constexpr uint64_t kAlice = 1;
constexpr uint64_t kBob = 2;

class BeyondCallsTest : public ::testing::Test {
 protected:
  explicit BeyondCallsTest(CallManagerOptions options = GatewayInMemory::DefaultOptions())
      : gw(std::move(options)) {}

  sip::Message FromUser(const std::string& user, const std::string& target, const char* method) {
    sip::Message request = gw.MakeInvite(user, target);
    request.method = request.cseq.method = method;
    request.vias.front().params.Set("branch", "z9hG4bKq" + std::to_string(++count_));
    request.content_type.clear();
    request.body.clear();
    request.extra.push_back({"User-Agent", "JsSIP secret"});
    return request;
  }
  sip::Message FromPbx(const std::string& target, const char* method) {
    sip::Message request = gw.MakeTrunkInvite(target);
    request.method = request.cseq.method = method;
    request.content_type.clear();
    request.body.clear();
    request.extra.push_back({"User-Agent", "PBX secret"});
    return request;
  }
  static sip::Message WithBody(sip::Message request, const std::string& type,
                               const std::string& body) {
    request.content_type = type;
    request.body = body;
    return request;
  }
  // An answer without what it is to.
  static sip::Message Reply(const sip::Message& request, int status, const char* tag = "peer") {
    return sip::MakeResponse(request, status, "", tag);
  }
  static std::string Header(const sip::Message& message, const char* name) {
    const std::string* value = message.FindExtra(name);
    return value ? *value : "";
  }
  void ExpectQuiet() {
    EXPECT_TRUE(gw.TrunkIsQuiet());
    EXPECT_TRUE(gw.BrowserIsQuiet(kAlice));
    EXPECT_TRUE(gw.BrowserIsQuiet(kBob));
  }
  // Nothing is left of all this.
  void ExpectNothing() {
    ExpectQuiet();
    EXPECT_TRUE(gw.IsEmpty());
    EXPECT_EQ(gw.manager.gauges().subscriptions, 0u);
  }

  GatewayInMemory gw;

 private:
  int count_ = 0;
};

}  // namespace lastmile::app

#endif  // LASTMILE_TESTS_UNIT_GATEWAY_APP_BEYOND_CALLS_SUPPORT_H_

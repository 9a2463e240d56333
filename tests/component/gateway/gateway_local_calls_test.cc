#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/component/gateway/gateway_fixture.h"
#include "tests/support/loopback.h"

// Calls from one browser to another: no carrier takes part, and media goes over the kernel from the
// one session to the other.
namespace lastmile::app {
namespace {

class LocalCallsComponentTest : public GatewayTest {
 protected:
  void Configure(Config& config) override {
    config.outbound_routes.push_back({.name = "browsers",
                                      .to = "^[a-z]",
                                      .trunk = "local",
                                      .user = std::string(OutboundRoute::kDialled)});
    // What carriers are told does not lead to this machine.
    config.trunk_media.advertise = {.automatic = false,
                                    .addresses = {*IpAddress::Parse("198.51.100.77")}};
  }
  void SetUp() override {
    GatewayTest::SetUp();
    caller_ = RegisteredPhone(0);
    callee_ = RegisteredPhone(1);
  }
  void ExpectAudio(test::SipPhone::Call& from, test::SipPhone::Call& to) {
    ASSERT_TRUE(Until([&] {
      return from.state == State::kTalking && to.state == State::kTalking && from.media->ready() &&
             to.media->ready();
    }));
    std::vector<Bytes> there;
    std::vector<Bytes> back;
    for (uint8_t i = 0; i < 2; ++i) {
      there.push_back(Bytes(160, i));
      back.push_back(Bytes(160, static_cast<uint8_t>(0x80 + i)));
      caller_->Speak(from, there.back());
      callee_->Speak(to, back.back());
      EXPECT_TRUE(Until(
          [&] { return from.heard.size() >= back.size() && to.heard.size() >= there.size(); }));
    }
    EXPECT_EQ(to.heard, there);
    EXPECT_EQ(from.heard, back);
  }
  void CallOnceLocally(bool caller_ends) {
    auto& call = caller_->Dial("user1");
    ASSERT_TRUE(Until([&] { return !callee_->calls().empty(); }));
    auto& answered = callee_->calls().front();
    ASSERT_NO_FATAL_FAILURE(ExpectAudio(call, answered));
    EXPECT_EQ(gateway_->gauges().media.sessions, 2u);
    if (caller_ends) {
      caller_->HangUp(call);
    } else {
      callee_->HangUp(answered);
    }
    ASSERT_TRUE(
        Until([&] { return call.state == State::kEnded && answered.state == State::kEnded; }));
    EXPECT_EQ(answered.ended_by_peer, caller_ends);
    EXPECT_EQ(call.ended_by_peer, !caller_ends);
    caller_->ForgetEnded();
    callee_->ForgetEnded();
  }

  std::unique_ptr<test::BrowserPhone> caller_;
  std::unique_ptr<test::BrowserPhone> callee_;
};

TEST_F(LocalCallsComponentTest, TwoHundredInARowLeaveNothingBehind) {
  ASSERT_NO_FATAL_FAILURE(CallOnceLocally(true));
  ExpectIdle();
  const size_t descriptors = test::OpenDescriptors();
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(CallOnceLocally(i % 2 == 0));
  }
  ExpectIdle();
  EXPECT_EQ(test::OpenDescriptors(), descriptors);
  EXPECT_EQ(carrier_->accepted(), 0);
  EXPECT_EQ(gateway_->gauges().signalling.trunk_streams, 0u);
}

TEST_F(LocalCallsComponentTest, WhoIsUnknownOrAwayIsTold) {
  for (const auto& [name, status] : {std::pair{"nobody", 404}, std::pair{"user7", 480}}) {
    auto& call = caller_->Dial(name);
    ASSERT_TRUE(Until([&] { return call.state == State::kEnded; }));
    EXPECT_EQ(call.status, status) << name;
    caller_->ForgetEnded();
  }
}

}  // namespace
}  // namespace lastmile::app

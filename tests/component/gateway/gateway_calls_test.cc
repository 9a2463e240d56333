#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <set>
#include <vector>

#include "tests/component/gateway/gateway_fixture.h"
#include "tests/support/loopback.h"

namespace lastmile::app {
namespace {

using test::OpenDescriptors;

TEST_F(GatewayTest, RegistersWithDigestAndNotWithoutTheRightPassword) {
  const auto phone = RegisteredPhone();
  EXPECT_EQ(gateway_->gauges().signalling.registrations, 1u);
  test::BrowserPhone intruder({.server = ws_,
                               .origin = "http://phone.example",
                               .domain = "gw.example",
                               .user = "user1",
                               .password = "a guess"});
  Add(intruder);
  intruder.Register();
  ASSERT_TRUE(Until([&] { return intruder.register_status() != 0; }));
  EXPECT_GE(intruder.register_status(), 401);
  EXPECT_EQ(gateway_->gauges().signalling.registrations, 1u);
}

TEST_F(GatewayTest, BrowserCallsTheCarrier) {
  const auto phone = OpenPhone();
  auto& call = phone->Dial("600");
  auto* at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  EXPECT_EQ(at_carrier->invite.request_uri.user, "600");
  ExpectAudioBothWays(*phone, call, *at_carrier, 20);
  phone->HangUp(call);
  ASSERT_TRUE(
      Until([&] { return call.state == State::kEnded && at_carrier->state == State::kEnded; }));
  EXPECT_TRUE(at_carrier->ended_by_peer);
  EXPECT_EQ(carrier_->accepted(), 1);
}

TEST_F(GatewayTest, CarrierCallsTheBrowser) {
  const auto phone = RegisteredPhone();
  auto& at_carrier = carrier_->Dial("user0");
  ASSERT_TRUE(Until([&] { return !phone->calls().empty(); }));
  auto& call = phone->calls().front();
  ExpectAudioBothWays(*phone, call, at_carrier, 20);
  carrier_->HangUp(at_carrier);
  ASSERT_TRUE(
      Until([&] { return call.state == State::kEnded && at_carrier.state == State::kEnded; }));
  EXPECT_TRUE(call.ended_by_peer);
}

TEST_F(GatewayTest, CarrierIsToldWhoIsUnknownAndWhoIsAway) {
  auto& unknown = carrier_->Dial("nobody");
  auto& away = carrier_->Dial("user7");
  ASSERT_TRUE(Until([&] { return unknown.state == State::kEnded && away.state == State::kEnded; }));
  EXPECT_EQ(unknown.status, 404);
  EXPECT_EQ(away.status, 480);
}

TEST_F(GatewayTest, TwoHundredCallsInARowLeaveNothingBehind) {
  const auto phone = OpenPhone();
  ASSERT_NO_FATAL_FAILURE(CallOnce(*phone, true));  // the trunk's connection stands from now on
  ExpectIdle();
  const size_t descriptors = OpenDescriptors();
  for (int i = 0; i < 200; ++i) {
    SCOPED_TRACE(i);
    ASSERT_NO_FATAL_FAILURE(CallOnce(*phone, i % 2 == 0));
  }
  EXPECT_EQ(carrier_->accepted(), 1);
  ExpectIdle();
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

TEST_F(GatewayTest, TwentyCallsAtOnceLeaveNothingBehind) {
  const auto first = OpenPhone();
  ASSERT_NO_FATAL_FAILURE(CallOnce(*first, true));
  ExpectIdle();
  std::vector<std::unique_ptr<test::BrowserPhone>> phones;
  for (int i = 0; i < kUsers; ++i) phones.push_back(OpenPhone(i));
  ASSERT_TRUE(Until([&] { return gateway_->gauges().ws.connections == kUsers + 1; }));
  const size_t descriptors = OpenDescriptors();
  for (auto& phone : phones) phone->Dial("600");
  const auto all_ready = [](auto& calls) {
    return std::ranges::all_of(calls, [](const auto& call) {
      return call.state == State::kTalking && call.media->ready();
    });
  };
  ASSERT_TRUE(Until(
      [&] {
        return carrier_->calls().size() == kUsers && all_ready(carrier_->calls()) &&
               std::ranges::all_of(phones, [&](auto& phone) { return all_ready(phone->calls()); });
      },
      30s));
  EXPECT_EQ(gateway_->gauges().media.sessions, static_cast<uint32_t>(kUsers));
  EXPECT_EQ(gateway_->gauges().signalling.calls, static_cast<size_t>(kUsers));

  // Everybody says a number of their own; each is heard once, and by the right one.
  std::set<Bytes> said;
  for (int i = 0; i < kUsers; ++i) {
    const Bytes number(160, static_cast<uint8_t>(i));
    said.insert(number);
    phones[i]->Speak(phones[i]->calls().front(), number);
  }
  const auto heard = [](auto& call) { return call.heard.size() == 1; };
  ASSERT_TRUE(Until([&] { return std::ranges::all_of(carrier_->calls(), heard); }));
  std::set<Bytes> at_carrier;
  for (auto& call : carrier_->calls()) {
    at_carrier.insert(call.heard.front());
    carrier_->Speak(call, call.heard.front());
  }
  EXPECT_EQ(at_carrier, said);
  ASSERT_TRUE(Until([&] {
    return std::ranges::all_of(phones, [&](auto& phone) { return heard(phone->calls().front()); });
  }));
  for (int i = 0; i < kUsers; ++i) {
    EXPECT_EQ(phones[i]->calls().front().heard.front(), Bytes(160, static_cast<uint8_t>(i)));
  }

  for (int i = 0; i < kUsers; i += 2) phones[i]->HangUp(phones[i]->calls().front());
  for (auto& call : carrier_->calls()) {
    if (call.heard.front().front() % 2 == 1) carrier_->HangUp(call);
  }
  const auto ended = [](const auto& call) { return call.state == State::kEnded; };
  ASSERT_TRUE(Until([&] {
    return std::ranges::all_of(carrier_->calls(), ended) &&
           std::ranges::all_of(phones, [&](auto& phone) { return ended(phone->calls().front()); });
  }));
  ExpectIdle();
  EXPECT_EQ(OpenDescriptors(), descriptors);
}

}  // namespace
}  // namespace lastmile::app

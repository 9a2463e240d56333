#include <gtest/gtest.h>

#include <memory>

#include "tests/component/gateway/gateway_fixture.h"

namespace lastmile::app {
namespace {

TEST_F(GatewayTest, BrowserLostWhileRingingCancelsTheTrunkLeg) {
  carrier_->set_answers(false);
  const auto phone = OpenPhone();
  auto& call = phone->Dial("600");
  auto* at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  ASSERT_TRUE(Until([&] { return call.state == State::kRinging; }));
  phone->LoseConnection();
  ASSERT_TRUE(Until([&] { return at_carrier->state == State::kEnded; }));
  EXPECT_TRUE(at_carrier->cancelled);
  EXPECT_EQ(at_carrier->status, 487);
  ASSERT_TRUE(Until([&] {
    const auto gauges = gateway_->gauges();
    return gauges.signalling.calls == 0 && gauges.media.sessions == 0;
  }));
}

TEST_F(GatewayTest, CarrierThatHangsUpWhileTheBrowserRingsStopsIt) {
  const auto phone = RegisteredPhone();
  phone->set_answers(false);
  auto& at_carrier = carrier_->Dial("user0");
  ASSERT_TRUE(Until([&] { return at_carrier.state == State::kRinging; }));
  carrier_->Cancel(at_carrier);
  ASSERT_TRUE(Until([&] {
    return at_carrier.state == State::kEnded && phone->calls().front().state == State::kEnded;
  }));
  EXPECT_EQ(at_carrier.status, 487);
  EXPECT_TRUE(phone->calls().front().cancelled);
}

TEST_F(GatewayTest, APageThatIsClosedEndsItsCallAfterTenSecondsOfSilence) {
  const auto phone = OpenPhone();
  auto& call = phone->Dial("600");
  auto* at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  ASSERT_NO_FATAL_FAILURE(ExpectAudioBothWays(*phone, call, *at_carrier, 2));
  test::BrowserPhone::LoseMedia(call);
  phone->ClosePage();
  const TimePoint silent_since = MonotonicNow();
  ASSERT_TRUE(Until([&] { return at_carrier->state == State::kEnded; }, 20s));
  const Duration waited = MonotonicNow() - silent_since;
  EXPECT_GE(waited, 8s);  // the last answered check is at most 2 s older than the silence
  EXPECT_LE(waited, 13s);
  EXPECT_TRUE(at_carrier->ended_by_peer);
  EXPECT_TRUE(at_carrier->reason.starts_with("SIP;cause=408")) << at_carrier->reason;
}

TEST_F(GatewayTest, StoppedInTheMiddleOfACallSaysByeToBoth) {
  const auto phone = OpenPhone();
  auto& call = phone->Dial("600");
  auto* at_carrier = CarrierCall();
  ASSERT_NE(at_carrier, nullptr);
  ASSERT_NO_FATAL_FAILURE(ExpectAudioBothWays(*phone, call, *at_carrier, 2));
  gateway_->Stop();  // what it said last still waits in the sockets
  ASSERT_TRUE(
      Until([&] { return call.state == State::kEnded && at_carrier->state == State::kEnded; }));
  EXPECT_TRUE(call.ended_by_peer);
  EXPECT_TRUE(at_carrier->reason.starts_with("SIP;cause=503")) << at_carrier->reason;
}

}  // namespace
}  // namespace lastmile::app

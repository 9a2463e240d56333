#include <gtest/gtest.h>

#include "tests/component/media_anchor/engine_fixture.h"

// Digits through the mailbox, the worker's timers and its sockets.
namespace lastmile::media {
namespace {

TEST_F(EngineTest, ADigitByCommandIsSentOnTheWorkersTimers) {
  StartEngine();
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(AudioFlowsBothWays(*call));
  ASSERT_TRUE(engine_->Post(SendDigit{call->id, 11, 100ms, false}));
  std::vector<test::TestRtp> events;
  const TimePoint start = MonotonicNow();
  ASSERT_TRUE(WaitFor([&] { return events.size() == 7; },
                      [&] {
                        if (auto got = call->carrier.Receive()) {
                          events.push_back(std::move(got->first));
                        } else {
                          WaitABit();
                        }
                      }));
  EXPECT_GE(MonotonicNow() - start, 6 * kDigitPeriod);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].payload_type, 101);
    EXPECT_EQ(events[i].marker, i == 0);
    EXPECT_EQ(events[i].timestamp, events[0].timestamp);
    EXPECT_EQ(events[i].sequence, static_cast<uint16_t>(events[0].sequence + i));
    ASSERT_EQ(events[i].payload.size(), 4u);
    EXPECT_EQ(events[i].payload[0], 11);
    EXPECT_EQ(events[i].payload[1] >> 7, i >= 4);
  }
  ASSERT_TRUE(AudioFlowsBothWays(*call)) << "after it, as before";
  CloseCall(call->id);
}

TEST_F(EngineTest, ADigitForASessionThatIsOverIsNothing) {
  StartEngine();
  auto call = OpenCall();
  CloseCall(call->id);
  EXPECT_TRUE(engine_->Post(SendDigit{call->id, 1, 100ms, false}));
  EXPECT_TRUE(engine_->Post(SendDigit{SessionId{4711}, 1, 100ms, false}));
}

TEST_F(EngineTest, ADigitWithoutATypeOnTheTrunkIsReported) {
  StartEngine();
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  UpdateSession update = UpdateOf(*call);
  update.payloads = TestPayloads();
  update.payloads->back().trunk_pt = update.payloads->back().trunk_pt_in = kNoPayloadType;
  ASSERT_TRUE(engine_->Post(std::move(update)));
  uint16_t sequence = 5000;
  const auto press = [&] {
    call->browser.SendRtp({.payload_type = 126,
                           .marker = false,
                           .sequence = sequence++,
                           .timestamp = 800,
                           .ssrc = 77,
                           .payload = {9, 10, 0, 160}});
    call->browser.Poll(5ms);
  };
  const auto heard = WaitEvent<DigitHeard>(call->id, press);
  ASSERT_TRUE(heard);
  EXPECT_TRUE(heard->from_browser);
  EXPECT_EQ(heard->event, 9);
  CloseCall(call->id);
}

}  // namespace
}  // namespace lastmile::media

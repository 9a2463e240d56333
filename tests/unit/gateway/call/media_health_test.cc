#include "gateway/call/media_health.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/log_capture.h"

namespace lastmile::call {
namespace {

using media::DirectionSilent;
using media::MediaLeg;
using media::SilenceCause;
using ::testing::HasSubstr;
using ::testing::Not;

DirectionSilent FromStranger() {
  return {.session = {7},
          .to_browser = true,
          .leg = MediaLeg::kTrunk,
          .cause = SilenceCause::kWrongSource,
          .refused = 120,
          .source = *Endpoint::Parse("203.0.113.66:4000")};
}

TEST(MediaHealth, OneLineSaysWhereWhatAndWhatToTry) {
  test::LogCapture log;
  MediaHealth health({3}, false);
  health.On(FromStranger(), TimePoint{} + 3s);
  EXPECT_THAT(log.text(),
              HasSubstr("call=3 leg=trunk direction=to-browser silent: wrong-source: 120 packets"));
  EXPECT_THAT(log.text(), HasSubstr("`nat: true`"));
  EXPECT_THAT(log.text(), HasSubstr("warn"));
  EXPECT_THAT(log.text(), Not(HasSubstr("203.0.113.66"))) << "addresses are nothing for a log";
  health.On(media::DirectionFlows{{7}, true}, TimePoint{} + 15s);
  EXPECT_THAT(log.text(), HasSubstr("call=3 leg=trunk direction=to-browser flows again: it was "
                                    "wrong-source for 12 s"));
}

TEST(MediaHealth, EveryCauseOfEachLegHasASentence) {
  for (size_t i = 0; i < media::kSilenceCauses; ++i) {
    for (const MediaLeg leg : {MediaLeg::kBrowser, MediaLeg::kTrunk}) {
      test::LogCapture log;
      DirectionSilent silent = FromStranger();
      silent.cause = static_cast<SilenceCause>(i);
      silent.leg = leg;
      MediaHealth health({3}, false);
      health.On(silent, TimePoint{});
      const std::string start = fmt::format("silent: {}: ", kSilenceCauseWords[i]);
      ASSERT_THAT(log.text(), HasSubstr(start));
      EXPECT_GT(log.text().size(), log.text().find(start) + start.size() + 20) << log.text();
    }
  }
}

TEST(MediaHealth, AHoldIsNoWarning) {
  test::LogCapture log;
  MediaHealth health({3}, false);
  DirectionSilent silent = FromStranger();
  silent.cause = SilenceCause::kOnHold;
  health.On(silent, TimePoint{});
  EXPECT_THAT(log.text(), HasSubstr("silent: on-hold"));
  EXPECT_THAT(log.text(), Not(HasSubstr("warn")));
}

TEST(MediaHealth, TheLegsOfABridgeAreItsFirstAndItsSecond) {
  test::LogCapture log;
  MediaHealth health({3}, true);
  DirectionSilent silent = FromStranger();
  silent.leg = MediaLeg::kBrowser;
  silent.to_browser = false;
  health.On(silent, TimePoint{});
  EXPECT_THAT(log.text(), HasSubstr("call=3 leg=first direction=to-second silent: wrong-source"));
  EXPECT_THAT(log.text(), HasSubstr("`nat: true`")) << "it is a trunk, too";
}

TEST(MediaHealth, TheSnapshotIsWhatIsSilentNow) {
  MediaHealth health({3}, false);
  EXPECT_EQ(health.Snapshot(TimePoint{}), MediaSnapshot{});
  health.On(FromStranger(), TimePoint{} + 3s);
  const MediaSnapshot taken = health.Snapshot(TimePoint{} + 5s);
  EXPECT_FALSE(taken.to_trunk);
  ASSERT_TRUE(taken.to_browser);
  EXPECT_EQ(*taken.to_browser, (SilenceSnapshot{.leg = MediaLeg::kTrunk,
                                                .cause = SilenceCause::kWrongSource,
                                                .seen = "203.0.113.66:4000",
                                                .noticed_ago = std::chrono::milliseconds(2000)}));
  health.On(media::DirectionFlows{{7}, true}, TimePoint{} + 6s);
  EXPECT_EQ(health.Snapshot(TimePoint{} + 7s), MediaSnapshot{});
}

TEST(MediaHealth, AnotherCauseEndsTheOneBefore) {
  MediaHealth health({3}, false);
  DirectionSilent silent = FromStranger();
  silent.cause = SilenceCause::kNothingReceived;
  health.On(silent, TimePoint{} + 3s);
  silent.cause = SilenceCause::kWrongPayloadType;
  silent.payload_type = 96;
  health.On(silent, TimePoint{} + 5s);
  ASSERT_EQ(health.faults().size(), 2u);
  EXPECT_EQ(health.faults()[0].until, TimePoint{} + 5s);
  EXPECT_EQ(health.faults()[0].seen, "");
  EXPECT_FALSE(health.faults()[1].until);
  EXPECT_EQ(health.faults()[1].seen, "96");
}

TEST(MediaHealth, TheRecordHoldsNoMoreThanEightAndRatherFaultsThanHolds) {
  MediaHealth health({3}, false);
  DirectionSilent silent = FromStranger();
  for (int i = 0; i < 30; ++i) {
    silent.cause = SilenceCause::kOnHold;
    health.On(silent, TimePoint{} + i * 10s);
  }
  EXPECT_EQ(health.faults().size(), MediaHealth::kMaxFaults);
  for (int i = 0; i < 30; ++i) {
    silent.cause = SilenceCause::kNothingReceived;
    health.On(silent, TimePoint{} + i * 10s + 500s);
    health.On(media::DirectionFlows{{7}, true}, TimePoint{} + i * 10s + 505s);
  }
  ASSERT_EQ(health.faults().size(), MediaHealth::kMaxFaults);
  for (const MediaFault& fault : health.faults()) {
    EXPECT_EQ(fault.cause, SilenceCause::kNothingReceived);
    EXPECT_EQ(*fault.until - fault.at, 5s);
  }
  EXPECT_EQ(health.faults().front().at, TimePoint{} + 500s);
}

}  // namespace
}  // namespace lastmile::call

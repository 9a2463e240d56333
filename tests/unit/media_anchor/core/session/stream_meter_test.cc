#include "media_anchor/core/stream_meter.h"

#include <gtest/gtest.h>

#include "media_anchor/core/rtcp.h"
#include "tests/support/rtcp_packets.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kOurs = 0xaabbccdd;
constexpr uint32_t kTheirs = 0x11223344;

TEST(LossMeter, TheWorstWindowIsKept) {
  LossMeter meter;
  TimePoint now{100s};
  meter.Begin(now);
  EXPECT_EQ(meter.window_ends(), now + 5s);
  EXPECT_TRUE(meter.Close(250, 0, now += 5s));
  EXPECT_TRUE(meter.Close(500, 50, now += 5s));  // 50 of 250
  EXPECT_TRUE(meter.Close(750, 51, now += 5s));
  EXPECT_DOUBLE_EQ(meter.Worst(750, 51), 0.2);
  EXPECT_EQ(meter.window_ends(), now + 5s);
}

TEST(LossMeter, AWindowOfFewPacketsGoesOn) {
  LossMeter meter;
  EXPECT_FALSE(meter.Close(12, 6, TimePoint{5s}));
  EXPECT_DOUBLE_EQ(meter.Worst(12, 6), 0.5) << "nothing else is known";
  EXPECT_TRUE(meter.Close(60, 6, TimePoint{25s}));
  EXPECT_DOUBLE_EQ(meter.Worst(60, 6), 0.1);
}

TEST(LossMeter, WhatCameLateAfterAllIsNoGain) {
  LossMeter meter;
  EXPECT_TRUE(meter.Close(100, 10, TimePoint{5s}));
  EXPECT_TRUE(meter.Close(200, 8, TimePoint{10s}));
  EXPECT_DOUBLE_EQ(meter.Worst(200, 8), 0.1);
}

TEST(FindReportBlock, OursIsFoundAmongOthersAndInEveryPacket) {
  const ReportBlock block{.reporter = kTheirs,
                          .lost = -3,
                          .highest = 0x00018765,
                          .jitter = 77,
                          .last_sr = 0x56789abc,
                          .since_sr = 0x18000};
  const auto expect_found = [&](const Bytes& rtcp) {
    ASSERT_TRUE(IsCompoundRtcp(rtcp));
    const auto found = FindReportBlock(rtcp, kOurs);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->reporter, kTheirs);
    EXPECT_EQ(found->lost, -3);
    EXPECT_EQ(found->highest, 0x00018765u);
    EXPECT_EQ(found->jitter, 77u);
    EXPECT_EQ(found->last_sr, 0x56789abcu);
    EXPECT_EQ(found->since_sr, 0x18000u);
    EXPECT_FALSE(FindReportBlock(rtcp, kOurs + 1));
  };
  expect_found(test::ReceiverReport({{kOurs, block}}));
  expect_found(test::ReceiverReport({{0x5555, {.reporter = kTheirs}}, {kOurs, block}}));
  Bytes two = test::ReceiverReport({{0x5555, {.reporter = kTheirs}}});
  const Bytes second = test::ReceiverReport({{kOurs, block}});
  two.insert(two.end(), second.begin(), second.end());
  expect_found(two);
  Bytes sender = test::ReceiverReport({{kOurs, block}});
  sender[1] = 200;
  sender.insert(sender.begin() + 8, 20, 0x99);
  StoreBe16(&sender[2], static_cast<uint16_t>(sender.size() / 4 - 1));
  expect_found(sender);
}

TEST(FindReportBlock, ACountBeyondThePacketIsNotFollowed) {
  Bytes report = test::ReceiverReport({{kOurs, {.reporter = kTheirs}}});
  report[0] = 0x9f;  // 31 blocks
  EXPECT_TRUE(FindReportBlock(report, kOurs)) << "the one that is there";
  EXPECT_FALSE(FindReportBlock(report, kOurs + 1));
  for (size_t size = 0; size < report.size(); ++size) {
    EXPECT_FALSE(FindReportBlock(ByteView(report).first(size), kOurs + 1));
  }
}

TEST(RoundTripMeter, IsWhatIsLeftOfTheTimeSinceTheSenderReport) {
  RoundTripMeter meter;
  EXPECT_FALSE(meter.mean());
  meter.OnSenderReport(0x10000);  // at 1 s
  // At 3.5 s, of which the peer kept it for 2.25.
  meter.OnReport({.last_sr = 0x10000, .since_sr = 0x24000}, 0x38000);
  EXPECT_EQ(meter.mean(), 250ms);
  meter.OnSenderReport(0x60000);
  meter.OnReport({.last_sr = 0x10000, .since_sr = 0x4c000}, 0x60000);  // it overtook the second one
  EXPECT_EQ(meter.mean(), 250ms);
  meter.OnReport({.last_sr = 0x60000, .since_sr = 0}, 0x70000);
  EXPECT_EQ(meter.mean(), 500ms);
}

TEST(RoundTripMeter, WhatCannotBeIsNotBelieved) {
  RoundTripMeter meter;
  meter.OnReport({.last_sr = 0, .since_sr = 0}, 0x38000);
  EXPECT_FALSE(meter.mean()) << "it has no sender report";
  meter.OnSenderReport(0x10000);
  meter.OnReport({.last_sr = 0x10001, .since_sr = 0}, 0x38000);
  EXPECT_FALSE(meter.mean()) << "no sender report was of that time";
  meter.OnReport({.last_sr = 0x10000, .since_sr = 0x38000}, 0x38000);
  EXPECT_FALSE(meter.mean()) << "it kept it for longer than it is ago";
  meter.OnReport({.last_sr = 0x10000, .since_sr = 0x28001}, 0x38000);
  EXPECT_EQ(meter.mean(), 0ms) << "rounded";
}

class SentMeterTest : public testing::Test {
 protected:
  void Report(int32_t lost, uint32_t highest, uint64_t sent, uint32_t reporter = kTheirs,
              uint64_t missing = 0) {
    now_ += 5s;
    meter_.OnReport({.reporter = reporter, .lost = lost, .highest = highest, .jitter = 80},
                    {.packets = sent, .missing = missing}, 8000, now_);
  }

  TimePoint now_{100s};
  SentMeter meter_;
};

TEST_F(SentMeterTest, SaysNothingBeforeAReport) { EXPECT_FALSE(meter_.quality(500)); }

TEST_F(SentMeterTest, AddsUpWhatIsReported) {
  Report(0, 1250, 250);
  Report(25, 1500, 502);
  Report(30, 1750, 750);
  const auto quality = meter_.quality(800);
  ASSERT_TRUE(quality);
  EXPECT_EQ(quality->packets, 800u);
  EXPECT_EQ(quality->lost, 30u);
  EXPECT_DOUBLE_EQ(quality->loss, 30.0 / 750);
  EXPECT_DOUBLE_EQ(quality->worst_loss, 0.1);
  EXPECT_EQ(quality->jitter, 10ms);
  EXPECT_FALSE(quality->mos);
}

TEST_F(SentMeterTest, WhatWasNotThereToBeSentIsNotLostHere) {
  Report(25, 1250, 225, kTheirs, 25);
  EXPECT_EQ(meter_.quality(225)->lost, 0u);
  Report(75, 1500, 435, kTheirs, 65);  // 50 more, of which 40 had not come
  EXPECT_EQ(meter_.quality(435)->lost, 10u);
  EXPECT_DOUBLE_EQ(meter_.quality(435)->loss, 10.0 / 435);
  EXPECT_DOUBLE_EQ(meter_.quality(435)->worst_loss, 10.0 / 210);
}

TEST(SentCounter, KnowsWhichNumbersItLeftOut) {
  SentCounter counter;
  EXPECT_EQ(counter.numbers().packets, 0u);
  for (const int number : {65534, 65535, 2, 1, 4}) counter.OnPacket(static_cast<uint16_t>(number));
  EXPECT_EQ(counter.numbers().packets, 5u);
  EXPECT_EQ(counter.numbers().missing, 2u);  // 0 and 3
}

TEST_F(SentMeterTest, AnotherReporterBeginsACountOfItsOwn) {
  Report(10, 1250, 250);
  Report(200, 9000, 500, 0x777);
  EXPECT_EQ(meter_.quality(500)->lost, 10u);
  Report(205, 9250, 750, 0x777);
  EXPECT_EQ(meter_.quality(750)->lost, 15u);
  EXPECT_DOUBLE_EQ(meter_.quality(750)->loss, 15.0 / 500);
}

TEST_F(SentMeterTest, ACountThatJumpsOrIsAbsurdCountsForWhatWasSent) {
  Report(-5, 1250, 250);
  EXPECT_EQ(meter_.quality(250)->lost, 0u) << "packets came twice";
  Report(8'000'000, 1500, 500);
  EXPECT_EQ(meter_.quality(500)->lost, 245u) << "no more than was sent";
  Report(8'000'000, 20, 750);
  Report(8'000'001, 270, 1000);
  EXPECT_EQ(meter_.quality(1000)->lost, 246u);
}

TEST(AddMos, LossJitterAndDelayCost) {
  StreamQuality quality;
  AddMos(AudioCodec::kPcmu, std::nullopt, quality);
  EXPECT_NEAR(quality.mos.value_or(0), 4.385, 0.002) << "the receiver's buffer alone";
  AddMos(AudioCodec::kOpus, 320ms, quality);
  EXPECT_NEAR(quality.mos.value_or(0), 4.223, 0.002) << "200 ms from mouth to ear";
  quality.jitter = 80ms;
  AddMos(AudioCodec::kOpus, 80ms + 120ms, quality);
  EXPECT_NEAR(quality.mos.value_or(0), 3.719, 0.002) << "300 ms";
  quality = {.loss = 0.05};
  AddMos(AudioCodec::kPcmu, std::nullopt, quality);
  EXPECT_LT(quality.mos.value_or(5), 3.92);
}

TEST(AddMos, ACodecThatIsNotKnownHasNone) {
  StreamQuality quality;
  AddMos(std::nullopt, 20ms, quality);
  EXPECT_FALSE(quality.mos);
}

}  // namespace
}  // namespace lastmile::media

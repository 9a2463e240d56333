#include "gateway/call/media_quality.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/log_capture.h"

namespace lastmile::call {
namespace {

using media::LegQuality;
using media::StreamQuality;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr StreamQuality kFair{
    .packets = 994, .lost = 6, .loss = 0.006, .worst_loss = 0.02, .jitter = 2'400us, .mos = 4.376};

TEST(DescribeQuality, IsOneSentence) {
  const LegQuality leg{
      .received = kFair, .sent = StreamQuality{.packets = 1000, .mos = 4.4}, .rtt = 48'600us};
  EXPECT_EQ(DescribeQuality(leg),
            "from it MOS 4.38 (0.6 % lost, 2.0 % in the worst 5 s, jitter 2 ms); "
            "to it MOS 4.40 (0.0 % lost, 0.0 % in the worst 5 s, jitter 0 ms); round trip 49 ms");
}

TEST(DescribeQuality, SaysWhatIsNotKnown) {
  EXPECT_EQ(DescribeQuality({}), "");
  StreamQuality other = kFair;
  other.mos.reset();
  EXPECT_EQ(DescribeQuality({.received = other}),
            "from it no MOS of its codec (0.6 % lost, 2.0 % in the worst 5 s, jitter 2 ms); "
            "it reported nothing of what was sent to it; no round trip");
  EXPECT_THAT(DescribeQuality({.received = std::nullopt, .sent = kFair}),
              HasSubstr("nothing came from it; to it MOS 4.38"));
}

TEST(DescribeQuality, SaysWhatTheLegSaysItself) {
  LegQuality leg{.received = kFair};
  leg.heard = media::HeardQuality{.loss = 0.03125, .discarded = 0.0078, .mos_cq = 3.9};
  leg.malformed_xr = 2;
  EXPECT_THAT(DescribeQuality(leg),
              HasSubstr("no round trip; it says itself MOS 3.9 (3.1 % lost, 0.8 % discarded); 2 of "
                        "its extended reports were malformed"));
  leg.heard->mos_cq.reset();
  EXPECT_THAT(DescribeQuality(leg), HasSubstr("it says itself no MOS ("));
}

TEST(LogQuality, HasALineForEachLegThatIsKnown) {
  test::LogCapture log;
  LogQuality({3}, false, {});
  EXPECT_EQ(log.text(), "");
  media::SessionStats stats;
  stats.trunk.received = kFair;
  LogQuality({3}, false, stats);
  EXPECT_THAT(log.text(), HasSubstr("call=3 leg=trunk audio from it MOS 4.38"));
  EXPECT_THAT(log.text(), Not(HasSubstr("leg=browser")));
  LogQuality({4}, true, stats);
  EXPECT_THAT(log.text(), HasSubstr("call=4 leg=second audio from it MOS 4.38"));
}

}  // namespace
}  // namespace lastmile::call

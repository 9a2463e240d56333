#include "media_anchor/codec/pcm.h"

#include <gtest/gtest.h>

#include "tests/support/codec_signals.h"

namespace lastmile::media {
namespace {

using test::Samples;

class PcmAt : public ::testing::TestWithParam<uint32_t> {
 protected:
  uint32_t rate() const { return GetParam(); }
  void Queue(Duration length) {
    const Samples tone = test::AtRate(test::MakeTone(200, -6, length), rate());
    std::ranges::copy(tone, queue_.room().begin());
    queue_.Add(tone.size());
  }
  // No click: beside the tone there is next to nothing.
  void ExpectPure() {
    const auto tone = test::FindTone(queue_.First(queue_.size()), rate(), 200);
    EXPECT_NEAR(tone.level, -6, 0.3);
    EXPECT_GT(tone.purity, 25);
  }

  PcmQueue queue_{GetParam(), 200ms};
};

TEST_P(PcmAt, ThePeriodOfAToneIsFound) {
  const Samples tone = test::AtRate(test::MakeTone(125, -6, 100ms), rate());
  const LagSearch search{.rate = rate(),
                         .window = SamplesOf(10ms, rate()),
                         .least = SamplesOf(2500us, rate()),
                         .most = SamplesOf(15ms, rate())};
  EXPECT_EQ(BestLag(Pcm(tone).last(search.window + search.most), search), SamplesOf(8ms, rate()));
}

TEST_P(PcmAt, WhatIsTakenOutAreWholePeriods) {
  Queue(100ms);
  ASSERT_TRUE(queue_.Shorten());
  EXPECT_NE(queue_.time(), 100ms);
  EXPECT_EQ((100ms - queue_.time()) % 5ms, 0ms);
  ExpectPure();
}

TEST_P(PcmAt, WhatIsRepeatedAreWholePeriods) {
  Queue(100ms);
  ASSERT_TRUE(queue_.Lengthen());
  EXPECT_GT(queue_.time(), 100ms);
  EXPECT_EQ((queue_.time() - 100ms) % 5ms, 0ms);
  ExpectPure();
}

TEST_P(PcmAt, TooLittleIsLeftAsItIs) {
  Queue(19ms);
  EXPECT_FALSE(queue_.Shorten());
  EXPECT_FALSE(queue_.Lengthen());
  EXPECT_EQ(queue_.time(), 19ms);
}

TEST_P(PcmAt, AFullQueueIsNotLengthened) {
  Queue(190ms);
  EXPECT_FALSE(queue_.Lengthen());
  EXPECT_TRUE(queue_.Shorten());
}

TEST_P(PcmAt, WhatIsRemovedIsTheFront) {
  Queue(50ms);
  const int16_t at_10_ms = queue_.First(queue_.size())[SamplesOf(10ms, rate())];
  queue_.Remove(SamplesOf(10ms, rate()));
  EXPECT_EQ(queue_.time(), 40ms);
  EXPECT_EQ(queue_.First(1)[0], at_10_ms);
}

INSTANTIATE_TEST_SUITE_P(Rates, PcmAt, ::testing::Values(8000, 16000, 48000));

TEST(Pcm, TimesOfDaysDoNotOverflow) {
  EXPECT_EQ(SamplesOf(24h * 100, 48000), size_t{48000} * 86400 * 100);
  EXPECT_EQ(TimeOf(int64_t{48000} * 86400 * 100, 48000), 24h * 100);
}

TEST(Pcm, WhatIsLouderThanTheRangeIsClipped) {
  EXPECT_EQ(Clip(40000), 32767);
  EXPECT_EQ(Clip(-40000), -32768);
  EXPECT_EQ(Clip(-1.6f), -2);
}

}  // namespace
}  // namespace lastmile::media

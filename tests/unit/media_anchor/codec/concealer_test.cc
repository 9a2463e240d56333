#include "media_anchor/codec/concealer.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/support/codec_signals.h"

namespace lastmile::media {
namespace {

using test::Samples;

class ConcealerAt : public ::testing::TestWithParam<uint32_t> {
 protected:
  uint32_t rate() const { return GetParam(); }
  MutablePcm Tone(Duration from, Duration length) {
    return MutablePcm(tone_).subspan(SamplesOf(from, rate()), SamplesOf(length, rate()));
  }
  Samples Gap(Duration length) {
    Samples out(SamplesOf(length, rate()));
    concealer_.Conceal(out);
    return out;
  }

  Samples tone_ = test::AtRate(test::MakeTone(200, -6, 500ms), GetParam());
  Concealer concealer_{GetParam()};
};

TEST_P(ConcealerAt, AToneGoesOnInItsPhase) {
  concealer_.OnDecoded(Tone(0ms, 100ms));
  const Samples gap = Gap(20ms);
  const auto expected = Tone(100ms, 20ms);
  for (size_t i = 0; i < gap.size(); ++i) ASSERT_NEAR(gap[i], expected[i], 1200) << i;
}

TEST_P(ConcealerAt, AfterAWhileThereIsSilence) {
  concealer_.OnDecoded(Tone(0ms, 100ms));
  Gap(Concealer::kFaded);
  EXPECT_EQ(Gap(20ms), Samples(rate() / 50));
}

TEST_P(ConcealerAt, WhatComesThenIsFadedIn) {
  concealer_.OnDecoded(Tone(0ms, 100ms));
  Gap(500ms);
  const Samples before(tone_.begin(), tone_.end());
  const auto back = Tone(101ms, 20ms);  // not at a zero
  const int16_t unfaded = back[0];
  const int16_t last = back.back();
  concealer_.OnDecoded(back);
  EXPECT_LT(std::abs(back[0]), std::abs(unfaded) / 4);
  EXPECT_EQ(back.back(), last);
}

TEST_P(ConcealerAt, WithoutAPastThereIsSilence) { EXPECT_EQ(Gap(20ms), Samples(rate() / 50)); }

TEST_P(ConcealerAt, SmallPiecesAreTheSameAsALargeOne) {
  Concealer other(rate());
  Samples copy = tone_;
  concealer_.OnDecoded(Tone(0ms, 100ms));
  other.OnDecoded(MutablePcm(copy).first(SamplesOf(100ms, rate())));
  const Samples whole = Gap(40ms);
  Samples pieces(whole.size());
  for (size_t at = 0; at < pieces.size(); at += pieces.size() / 4) {
    other.Conceal(MutablePcm(pieces).subspan(at, pieces.size() / 4));
  }
  EXPECT_EQ(whole, pieces);
}

INSTANTIATE_TEST_SUITE_P(Rates, ConcealerAt, ::testing::Values(8000, 16000));

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/core/e_model.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

TEST(EModel, TheDefaultsAreWorthWhatTheStandardSays) {
  const double rating = TransmissionRating(kConcealedG711, 0, 0ms);
  EXPECT_NEAR(rating, 93.2, 0.05);
  EXPECT_NEAR(MosOf(rating), 4.41, 0.005);
}

// G.107 annex B, table B.1.
TEST(EModel, ARatingHasItsMos) {
  const struct {
    double rating;
    double mos;
  } kRows[] = {{90, 4.34}, {80, 4.03}, {70, 3.60}, {60, 3.10}, {50, 2.58}, {0, 1}, {100, 4.5}};
  for (const auto& row : kRows) EXPECT_NEAR(MosOf(row.rating), row.mos, 0.01) << row.rating;
  EXPECT_EQ(MosOf(-10), 1);
  EXPECT_EQ(MosOf(110), 4.5);
  EXPECT_EQ(MosOf(3), 1) << "never less than 1";
}

// Ie-eff of clause 7.5 with the Bpl of G.113 appendix I: 4.3 without and 25.1 with concealment.
TEST(EModel, WhatLossCostsG711) {
  const CodecImpairment plain{.ie = 0, .bpl = 4.3};
  const struct {
    CodecImpairment codec;
    double percent;
    double impairment;
    double mos;
  } kRows[] = {{plain, 1, 17.92, 3.83},          {plain, 3, 39.04, 2.79},
               {plain, 5, 51.08, 2.17},          {plain, 10, 66.43, 1.48},
               {kConcealedG711, 1, 3.64, 4.33},  {kConcealedG711, 3, 10.14, 4.13},
               {kConcealedG711, 5, 15.78, 3.92}, {kConcealedG711, 10, 27.07, 3.41}};
  const double best = TransmissionRating(plain, 0, 0ms);
  for (const auto& row : kRows) {
    const double rating = TransmissionRating(row.codec, row.percent / 100, 0ms);
    EXPECT_NEAR(best - rating, row.impairment, 0.01) << row.codec.bpl << " " << row.percent;
    EXPECT_NEAR(MosOf(rating), row.mos, 0.005) << row.codec.bpl << " " << row.percent;
  }
}

TEST(EModel, ACodecMayCostSomethingByItself) {
  const CodecImpairment g729a{.ie = 11, .bpl = 19};
  EXPECT_NEAR(TransmissionRating(g729a, 0, 0ms), 82.2, 0.05);
  EXPECT_NEAR(TransmissionRating(g729a, 0.02, 0ms), 82.2 - 8.0, 0.05);
}

// Idte, Idle and Idd of clause 7.4 with the default echo loss of 65 dB.
TEST(EModel, WhatDelayCosts) {
  const struct {
    Duration delay;
    double rating;
    double mos;
  } kRows[] = {{20ms, 92.53, 4.40},  {100ms, 90.66, 4.36}, {150ms, 89.54, 4.33},
               {200ms, 85.81, 4.22}, {300ms, 72.67, 3.72}, {400ms, 62.25, 3.22},
               {600ms, 49.48, 2.55}};
  for (const auto& row : kRows) {
    const double rating = TransmissionRating(kConcealedG711, 0, row.delay);
    EXPECT_NEAR(rating, row.rating, 0.01) << row.delay.count();
    EXPECT_NEAR(MosOf(rating), row.mos, 0.006) << row.delay.count();
  }
}

TEST(EModel, NothingIsWorseThanNothing) {
  EXPECT_EQ(TransmissionRating({.ie = 60, .bpl = 1}, 1, 10s), 0);
  EXPECT_EQ(TransmissionRating(kConcealedG711, 7, 0ms), TransmissionRating(kConcealedG711, 1, 0ms));
  EXPECT_EQ(TransmissionRating(kConcealedG711, -1, 0ms),
            TransmissionRating(kConcealedG711, 0, 0ms));
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/core/tone_echo.h"

#include <gtest/gtest.h>

#include <array>

#include "media_anchor/core/g711.h"

namespace lastmile::media {
namespace {

constexpr uint8_t kType = 8;

class ToneEchoTest : public ::testing::TestWithParam<G711> {
 protected:
  MutableByteView Next() { return echo_.NextPacket(room_); }

  SeededRandom random_{1};
  std::array<uint8_t, ToneEcho::kPacketSize> room_{};
  ToneEcho echo_{GetParam(), kType, random_};
};

TEST_P(ToneEchoTest, WhatComesBackIsHeardAtItsLevel) {
  for (int i = 0; i < 50; ++i) echo_.OnPacket(Next());
  const ToneEchoReport report = echo_.report();
  EXPECT_EQ(report.sent, 50u);
  EXPECT_EQ(report.received, 50u);
  EXPECT_EQ(report.heard, 50u);
  EXPECT_NEAR(report.level, ToneEcho::kLevel, 0.2);
}

TEST_P(ToneEchoTest, PacketsFollowEachOther) {
  const auto first = RtpView::Parse(Next())->header();
  const auto second = RtpView::Parse(Next())->header();
  EXPECT_TRUE(first.marker);
  EXPECT_FALSE(second.marker);
  EXPECT_EQ(second.sequence, static_cast<uint16_t>(first.sequence + 1));
  EXPECT_EQ(second.timestamp, first.timestamp + 160);
  EXPECT_EQ(second.ssrc, first.ssrc);
}

TEST_P(ToneEchoTest, AnEchoCutAnewAndQuieterIsHeard) {
  std::array<uint8_t, ToneEcho::kPacketSize> other;
  RtpHeader header{.payload_type = kType};
  FillTone({ToneEcho::kHz, -24}, GetParam(), 77, MutableByteView(other).subspan(12));
  echo_.OnPacket(WriteRtp(header, other, 160));
  EXPECT_EQ(echo_.report().heard, 1u);
  EXPECT_NEAR(echo_.report().level, -24, 0.5);
}

TEST_P(ToneEchoTest, SilenceAnotherToneAndAnotherTypeAreNoEcho) {
  std::array<uint8_t, ToneEcho::kPacketSize> other;
  const auto payload = MutableByteView(other).subspan(12);
  RtpHeader header{.payload_type = kType};
  FillTone({ToneEcho::kHz, -90}, GetParam(), 0, payload);
  echo_.OnPacket(WriteRtp(header, other, 160));
  FillTone({440, -10}, GetParam(), 0, payload);
  echo_.OnPacket(WriteRtp(header, other, 160));
  FillTones({ToneEcho::kHz, -13}, {440, -10}, GetParam(), 0, payload);
  echo_.OnPacket(WriteRtp(header, other, 160));
  EXPECT_EQ(echo_.report().received, 3u);
  header.payload_type = 101;
  FillTone({ToneEcho::kHz, -10}, GetParam(), 0, payload);
  echo_.OnPacket(WriteRtp(header, other, 160));
  echo_.OnPacket(MutableByteView(other).first(5));
  EXPECT_EQ(echo_.report().received, 3u);
  EXPECT_EQ(echo_.report().heard, 0u);
}

INSTANTIATE_TEST_SUITE_P(Laws, ToneEchoTest, ::testing::Values(G711::kMuLaw, G711::kALaw));

}  // namespace
}  // namespace lastmile::media

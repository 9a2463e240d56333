#include "media_anchor/codec/jitter_buffer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace lastmile::media {
namespace {

using Kind = JitterBuffer::Kind;
using Pulled = JitterBuffer::Pull::Kind;
using Verdict = JitterBuffer::Verdict;

constexpr uint32_t kTicks = 160;  // 20 ms

class JitterBufferTest : public ::testing::Test {
 protected:
  // Packet number `i` of the stream, whose payload says so, `late` after its time.
  Verdict Come(int i, Duration late = 0ms, Kind kind = Kind::kAudio) {
    const uint8_t name = static_cast<uint8_t>(i);
    return buffer_.Push({.sequence = static_cast<uint16_t>(first_.sequence + i),
                         .timestamp = first_.timestamp + static_cast<uint32_t>(i) * kTicks,
                         .ssrc = first_.ssrc},
                        {kind, kTicks}, {&name, 1}, start_ + i * 20ms + late);
  }
  JitterBuffer::Pull PopAt(Duration at) { return buffer_.Pop(start_ + at); }
  // -1: silence, -2: lost.
  int Play(Duration at) {
    const auto pull = PopAt(at);
    if (pull.kind == Pulled::kNothing) return -1;
    if (pull.kind == Pulled::kLost) return -2;
    return pull.payload[0];
  }

  JitterBuffer buffer_{8000, false};
  RtpHeader first_{.sequence = 65533, .timestamp = 0xffffffff - 200, .ssrc = 1};
  const TimePoint start_ = TimePoint{} + 1h;
};

TEST_F(JitterBufferTest, ThereIsNothingBeforeTheFirstPacket) { EXPECT_EQ(Play(0ms), -1); }

TEST_F(JitterBufferTest, TheFirstPacketWaitsForTheTarget) {
  EXPECT_EQ(Come(0), Verdict::kNewStream);
  EXPECT_EQ(Play(39ms), -1);
  EXPECT_EQ(Play(40ms), 0);
}

TEST_F(JitterBufferTest, PacketsComeOutInOrderOverTheWrapOfBothNumbers) {
  for (int i = 0; i < 200; ++i) {
    Come(i);
    const int expected = i < 2 ? -1 : (i - 2) % 256;
    EXPECT_EQ(Play(i * 20ms), expected) << i;
  }
}

TEST_F(JitterBufferTest, WhatWasReorderedIsPutInOrder) {
  Come(0);
  Come(2);
  EXPECT_EQ(Come(1, 20ms), Verdict::kStored);
  EXPECT_EQ(Play(40ms), 0);
  EXPECT_EQ(Play(60ms), 1);
  EXPECT_EQ(Play(80ms), 2);
}

TEST_F(JitterBufferTest, TheFirstOneMayBeOvertaken) {
  Come(1);
  Come(0, 30ms);
  EXPECT_EQ(Play(60ms), 0);
  EXPECT_EQ(Play(80ms), 1);
}

TEST_F(JitterBufferTest, WhatComesTwiceIsPlayedOnce) {
  Come(0);
  EXPECT_EQ(Come(0), Verdict::kDoubled);
  Come(1);
  EXPECT_EQ(Play(40ms), 0);
  EXPECT_EQ(Come(0, 50ms), Verdict::kLate);
  EXPECT_EQ(Play(60ms), 1);
  EXPECT_EQ(Play(80ms), -1);
  EXPECT_EQ(buffer_.stats().doubled, 1u);
  EXPECT_EQ(buffer_.stats().late, 1u);
}

TEST_F(JitterBufferTest, ALossIsToldWithWhatStandsBehindIt) {
  Come(0);
  Come(2);
  Play(40ms);
  const auto lost = PopAt(60ms);
  EXPECT_EQ(lost.kind, Pulled::kLost);
  EXPECT_EQ(lost.ticks, kTicks);
  ASSERT_EQ(lost.payload.size(), 1u);
  EXPECT_EQ(lost.payload[0], 2);
  EXPECT_EQ(Play(80ms), 2);
  EXPECT_EQ(Come(1, 100ms), Verdict::kLate);
}

TEST_F(JitterBufferTest, OnlyTheLastOfALossHasWhatStandsBehindIt) {
  Come(0);
  Come(4);
  Play(40ms);
  EXPECT_TRUE(PopAt(60ms).payload.empty());
  EXPECT_TRUE(PopAt(80ms).payload.empty());
  EXPECT_FALSE(PopAt(100ms).payload.empty());
  EXPECT_EQ(Play(120ms), 4);
  EXPECT_EQ(buffer_.stats().lost, 3u);
}

TEST_F(JitterBufferTest, APacketThatIsNotThereInTimeIsPlayedWhenItIs) {
  Come(0);
  Play(40ms);
  EXPECT_EQ(Play(60ms), -1);
  EXPECT_EQ(Come(1, 50ms), Verdict::kStored);
  EXPECT_EQ(Play(80ms), 1);
}

TEST_F(JitterBufferTest, APauseOfTheSenderIsKept) {
  Come(0);
  EXPECT_EQ(Play(40ms), 0);
  // The next number, a second later.
  const uint8_t name = 50;
  buffer_.Push({.sequence = static_cast<uint16_t>(first_.sequence + 1),
                .timestamp = first_.timestamp + 50 * kTicks,
                .ssrc = 1},
               {Kind::kAudio, kTicks}, {&name, 1}, start_ + 1s);
  EXPECT_EQ(Play(1020ms), -1);
  EXPECT_EQ(Play(1040ms), 50);
  EXPECT_EQ(buffer_.stats().lost, 0u);
}

TEST_F(JitterBufferTest, ALongLossIsAPause) {
  Come(0);
  EXPECT_EQ(Play(40ms), 0);
  Come(20);
  EXPECT_EQ(Play(420ms), -1);
  EXPECT_EQ(Play(440ms), 20);
}

TEST_F(JitterBufferTest, NumbersWithoutAudioAreNoLoss) {
  Come(0);
  Come(1, 0ms, Kind::kOther);
  Come(2, 0ms, Kind::kOther);
  Come(3);
  EXPECT_EQ(Play(40ms), 0);
  EXPECT_EQ(Play(60ms), -1);
  EXPECT_EQ(Play(80ms), -1);
  EXPECT_EQ(Play(100ms), 3);
}

TEST_F(JitterBufferTest, MutedAudioAndNoiseAreToldAsSuch) {
  Come(0, 0ms, Kind::kMuted);
  Come(1, 0ms, Kind::kNoise);
  EXPECT_EQ(PopAt(40ms).kind, Pulled::kMuted);
  EXPECT_EQ(PopAt(60ms).kind, Pulled::kNoise);
}

TEST_F(JitterBufferTest, WhatWaitedTooLongHasASurplus) {
  Come(0);
  Come(1);
  EXPECT_EQ(PopAt(75ms).surplus, 35ms);
  EXPECT_EQ(PopAt(95ms).surplus, 0ms);  // none is behind it
}

TEST_F(JitterBufferTest, MoreThanItHoldsPushesTheOldestOut) {
  for (int i = 0; i < 40; ++i) Come(i, 20ms * (40 - i));  // at once
  EXPECT_EQ(buffer_.stats().discarded, 40 - JitterBuffer::kSlots);
  // Those that waited longer than the most it may be.
  EXPECT_EQ(Play(1s), 33);
  EXPECT_EQ(buffer_.stats().discarded, 33u);
}

TEST_F(JitterBufferTest, AnotherSourceBeginsAnewAndTheOldOneStaysAway) {
  Come(0);
  Play(40ms);
  Come(1);
  const RtpHeader old = first_;
  first_ = {.sequence = 9, .timestamp = 77, .ssrc = 2};
  EXPECT_EQ(Come(2), Verdict::kNewStream);
  EXPECT_EQ(Play(79ms), -1);
  EXPECT_EQ(Play(80ms), 2);
  first_ = old;
  EXPECT_EQ(Come(3), Verdict::kStray);
  EXPECT_EQ(Come(30), Verdict::kNewStream);
}

TEST_F(JitterBufferTest, AJumpOfTheNumbersIsBelievedWhenItGoesOn) {
  Come(0);
  Play(40ms);
  first_.sequence += 20000;
  EXPECT_EQ(Come(1), Verdict::kStray);
  EXPECT_EQ(Come(2), Verdict::kNewStream);
}

TEST_F(JitterBufferTest, AStrayNumberChangesNothing) {
  Come(0);
  Play(40ms);
  first_.sequence += 20000;
  EXPECT_EQ(Come(1), Verdict::kStray);
  first_.sequence -= 20000;
  EXPECT_EQ(Come(1), Verdict::kStored);
  EXPECT_EQ(Play(60ms), 1);
}

TEST_F(JitterBufferTest, AJumpOfTheTimestampBeginsAnew) {
  Come(0);
  Play(40ms);
  first_.timestamp += 1'000'000;
  EXPECT_EQ(Come(1), Verdict::kNewStream);
  EXPECT_EQ(Play(59ms), -1);
  EXPECT_EQ(Play(60ms), 1);
}

TEST_F(JitterBufferTest, WhatWasHeardInPlaceOfALossIsNotHeardAgain) {
  Come(0);
  EXPECT_EQ(Play(40ms), 0);
  EXPECT_EQ(Play(60ms), -1);  // 1 and 2 are lost, which nobody knows yet
  EXPECT_EQ(Play(70ms), -1);
  Come(3, 10ms);
  EXPECT_EQ(Play(80ms), -2);  // the second of them
  EXPECT_EQ(Play(100ms), 3);
  EXPECT_EQ(buffer_.stats().lost, 2u);
}

// The packet behind a lost one has to be there when the lost one is due.
TEST_F(JitterBufferTest, WithCopiesALossMakesItWaitForTheNextPacket) {
  JitterBuffer with_copies(8000, true);
  const auto come = [&](uint16_t i) {
    const uint8_t name = 1;
    with_copies.Push({.sequence = i, .timestamp = i * kTicks, .ssrc = 1}, {Kind::kAudio, kTicks},
                     {&name, 1}, start_ + i * 20ms);
  };
  for (uint16_t i = 0; i < 100; ++i) {
    come(i);
    with_copies.Pop(start_ + i * 20ms);
  }
  for (const Duration at : {2000ms, 2020ms}) with_copies.Pop(start_ + at);
  EXPECT_EQ(with_copies.TargetAt(start_ + 2s), 20ms);
  come(101);
  EXPECT_EQ(with_copies.Pop(start_ + 2040ms).kind, Pulled::kLost);
  EXPECT_EQ(with_copies.TargetAt(start_ + 2040ms), 40ms);
  EXPECT_EQ(with_copies.Pop(start_ + 2050ms).surplus, -10ms);
  EXPECT_EQ(with_copies.TargetAt(start_ + 2040ms + JitterBuffer::kLossy), 20ms);
}

// Numbers of all kinds, at all times: what comes out is bounded and the buffer stays usable.
TEST_F(JitterBufferTest, NothingThatCanBeNumberedConfusesIt) {
  SeededRandom random(3);
  Duration at{};
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t dice = random.Next64();
    at += Duration(static_cast<int64_t>(dice % 30'000'000));
    const uint8_t name = 1;
    buffer_.Push({.sequence = static_cast<uint16_t>(dice >> (dice & 8 ? 32 : 44)),
                  .timestamp = static_cast<uint32_t>(random.Next64() >> (dice & 16 ? 32 : 48)),
                  .ssrc = static_cast<uint32_t>(dice % 1000 / 999)},
                 {static_cast<Kind>(dice >> 60 & 3), static_cast<uint32_t>(dice >> 50 & 0x3ff)},
                 {&name, 1}, start_ + at);
    for (int pulls = 0; Play(at) != -1; ++pulls) ASSERT_LT(pulls, 200);
  }
  first_ = {.sequence = 1, .timestamp = 1, .ssrc = 99};
  const auto i = static_cast<int>(at / 20ms) + 10;
  Come(i);
  EXPECT_EQ(Play((i + 2) * 20ms), i % 256);
}

}  // namespace
}  // namespace lastmile::media

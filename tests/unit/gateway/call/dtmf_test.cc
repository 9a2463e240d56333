#include "gateway/call/dtmf.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "media_anchor/core/leg_plan.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;

std::optional<Digit> Read(std::string_view type, std::string_view body) {
  const auto digit = ParseInfo(type, body);
  EXPECT_TRUE(digit) << body << ": " << digit.error().reason;
  return digit ? *digit : std::nullopt;
}
Digit Relay(std::string_view body) { return Read(kDtmfRelay, body).value_or(Digit{99}); }
Digit Plain(std::string_view body) { return Read("application/dtmf", body).value_or(Digit{99}); }
InfoRefusal Refused(std::string_view type, std::string_view body) {
  const auto digit = ParseInfo(type, body);
  EXPECT_FALSE(digit) << body;
  return digit ? InfoRefusal{0, ""} : digit.error();
}

TEST(ParseInfo, ReadsWhatJsSipSends) {
  EXPECT_EQ(Relay("Signal=5\r\nDuration=100"), (Digit{5, 100ms}));
  EXPECT_EQ(Relay("Signal=#\r\nDuration=6000"), (Digit{11, 6000ms}));
  EXPECT_EQ(Relay("Signal=R\r\nDuration=100"), (Digit{media::kFlash, 100ms}));
}

TEST(ParseInfo, ReadsEveryKeyInEverySpelling) {
  constexpr std::string_view kKeys = "0123456789*#ABCD!";
  for (size_t i = 0; i < kKeys.size(); ++i) {
    const std::string key(1, kKeys[i]);
    EXPECT_EQ(Relay("Signal=" + key).event, i);
    EXPECT_EQ(Plain(key + "\r\n").event, i);
  }
  EXPECT_EQ(Relay("Signal=a").event, 12);
  EXPECT_EQ(Relay("Signal=r").event, media::kFlash);
  EXPECT_EQ(Relay("Signal=10").event, 10);
  EXPECT_EQ(Plain(" 16 ").event, media::kFlash);
}

TEST(ParseInfo, LinesEndAndAreSpacedAsTheyLike) {
  for (const char* body :
       {"Signal= 5\r\nDuration= 160\r\n", "signal=5\nduration=160\n", "SIGNAL =5\rDURATION =160",
        "Duration=160\r\n\r\nSignal=5\r\n", "Vendor: x\r\nSignal=5\r\nDuration=160\r\nMore=1"}) {
    EXPECT_EQ(Relay(body), (Digit{5, 160ms})) << body;
  }
}

TEST(ParseInfo, DurationsAreKeptWithinBounds) {
  EXPECT_EQ(Relay("Signal=5").duration, kUsualDigit);
  EXPECT_EQ(Relay("Signal=5\r\nDuration=0").duration, media::kMinDigit);
  EXPECT_EQ(Relay("Signal=5\r\nDuration=39").duration, media::kMinDigit);
  EXPECT_EQ(Relay("Signal=5\r\nDuration=6001").duration, media::kMaxDigit);
  EXPECT_EQ(Relay("Signal=5\r\nDuration=99999999999999999999").duration, media::kMaxDigit);
}

TEST(ParseInfo, AMalformedBodyIsRefusedWithASentence) {
  for (const char* body : {"", "Signal", "Signal=", "Signal=55", "Signal=9x", "Signal=17",
                           "Signal=horn\r\nDuration=100", "Duration=100", "Signal=5\r\nDuration=",
                           "Signal=5\r\nDuration=-1", "Signal=5\r\nDuration=1s", "Signal=\x01"}) {
    const InfoRefusal refusal = Refused(kDtmfRelay, body);
    EXPECT_EQ(refusal.status, 400) << body;
    EXPECT_FALSE(refusal.reason.empty());
  }
  for (const char* body : {"", "55", "x", "1 2", "\xff"}) {
    EXPECT_EQ(Refused("application/dtmf", body).status, 400) << body;
  }
  EXPECT_EQ(Refused(kDtmfRelay, "Signal=5\r\n" + std::string(300, ' ')).status, 400);
}

TEST(ParseInfo, AnotherContentTypeIs415) {
  for (const char* type : {"text/plain", "application/dtmf-relay2", "application/json"}) {
    const InfoRefusal refusal = Refused(type, "Signal=5");
    EXPECT_EQ(refusal.status, 415);
    EXPECT_THAT(refusal.reason, HasSubstr("application/dtmf-relay"));
  }
  EXPECT_EQ(Refused("", "Signal=5").status, 415);
}

TEST(ParseInfo, WithoutContentItOnlyAsksWhetherTheDialogLives) {
  EXPECT_EQ(Read("", ""), std::nullopt);
}

TEST(ParseInfo, WhateverComesItIsADigitOrARefusal) {
  std::mt19937 random(1);
  const std::string bodies[] = {"Signal=5\r\nDuration=100", "5"};
  const std::string types[] = {kDtmfRelay, "application/dtmf"};
  for (int i = 0; i < 20000; ++i) {
    std::string body = bodies[i % 2];
    for (size_t edits = 1 + random() % 4; edits > 0; --edits) {
      const size_t at = random() % (body.size() + 1);
      body.insert(at, 1, static_cast<char>(random() % 256));
      if (random() % 2 == 0) body.erase(random() % body.size(), 1 + random() % 3);
    }
    const auto digit = ParseInfo(types[i % 2], body);
    if (!digit) {
      EXPECT_EQ(digit.error().status, 400);
      continue;
    }
    ASSERT_TRUE(*digit);
    EXPECT_LE((*digit)->event, media::kFlash);
    EXPECT_GE((*digit)->duration, media::kMinDigit);
    EXPECT_LE((*digit)->duration, media::kMaxDigit);
  }
}

TEST(ToDtmfRelay, IsReadBack) {
  for (uint8_t event = 0; event <= media::kFlash; ++event) {
    const Digit digit{event, 250ms};
    EXPECT_EQ(Relay(ToDtmfRelay(digit)), digit);
  }
  EXPECT_EQ(ToDtmfRelay({11, 100ms}), "Signal=#\r\nDuration=100\r\n");
}

TEST(DigitPace, TakesSoManyAndThenAsManyAsAreOver) {
  DigitPace pace;
  const TimePoint start{1000s};
  const Digit digit{1, 100ms};
  for (size_t i = 0; i < DigitPace::kMaxWaiting; ++i) EXPECT_TRUE(pace.Take(digit, start));
  EXPECT_FALSE(pace.Take(digit, start));
  const Duration one = 100ms + media::kDigitPeriod + media::kDigitGap;
  EXPECT_FALSE(pace.Take(digit, start + one - 1ms));
  EXPECT_TRUE(pace.Take(digit, start + one));
  EXPECT_FALSE(pace.Take(digit, start + one));
  const TimePoint later = start + 1h;
  for (size_t i = 0; i < DigitPace::kMaxWaiting; ++i) EXPECT_TRUE(pace.Take(digit, later));
  EXPECT_FALSE(pace.Take(digit, later));
}

// Whoever sends the digits never has more of them than that, or it would have to drop some.
TEST(DigitPace, StaysBelowWhatASessionHolds) {
  EXPECT_LT(DigitPace::kMaxWaiting, media::kMaxDigits);
}

}  // namespace
}  // namespace lastmile::call

#include "media_anchor/core/early_packets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Endpoint kCarrier = *Endpoint::Parse("203.0.113.5:4000");
const Endpoint kStranger = *Endpoint::Parse("203.0.113.66:4000");

class EarlyPacketsTest : public ::testing::Test {
 protected:
  bool Keep(uint8_t number, const Endpoint& from = kCarrier, size_t size = 172) {
    return early.Keep(Bytes(size, number), from, now);
  }
  // The numbers of what is given back.
  std::vector<int> Released() {
    early.Release(kCarrier, now);
    std::vector<int> numbers;
    for (EarlyPackets::Packet packet; early.Pop(packet);) numbers.push_back(packet.bytes[0]);
    return numbers;
  }
  EarlyPackets early;
  TimePoint now{10s};
};

TEST_F(EarlyPacketsTest, OnlyTheSourceOfTheSdpIsGivenBackInItsOrder) {
  EXPECT_TRUE(Keep(1));
  EXPECT_TRUE(Keep(2, kStranger));
  EXPECT_TRUE(Keep(3));
  EXPECT_THAT(Released(), ElementsAre(1, 3));
}

TEST_F(EarlyPacketsTest, TheLastTenAreKept) {
  for (uint8_t number = 1; number <= 13; ++number) EXPECT_TRUE(Keep(number));
  EXPECT_THAT(Released(), ElementsAre(4, 5, 6, 7, 8, 9, 10, 11, 12, 13));
}

TEST_F(EarlyPacketsTest, WhatIsOldIsNotHeardAnyMore) {
  Keep(1);
  now += 10ms;
  Keep(2);
  now += EarlyPackets::kMostAge;
  EXPECT_THAT(Released(), ElementsAre(2));
}

TEST_F(EarlyPacketsTest, NothingIsKeptAfterwardsNorWhatIsNoSpeech) {
  EXPECT_FALSE(Keep(1, kCarrier, EarlyPackets::kMaxSize + 1));
  EXPECT_THAT(Released(), IsEmpty());
  EXPECT_FALSE(early.keeps());
  EXPECT_FALSE(Keep(2));
  EXPECT_THAT(Released(), IsEmpty());
}

class EarlySessionTest : public SessionTest {
 protected:
  void ConnectTheBrowser() {
    Update(browser_->Description(), std::nullopt);
    Check(From(5000));
    browser_->StartDtls(context_->fingerprint(), now_);
    Shuttle(From(5000));
    ASSERT_TRUE(browser_->dtls_connected());
    TakeToBrowser();
  }
  // The sequence numbers that the browser got.
  std::vector<uint16_t> Heard() {
    std::vector<uint16_t> numbers;
    for (const ToBrowser& sent : TakeToBrowser()) {
      const auto plain = browser_->DecryptRtp(sent.bytes);
      EXPECT_TRUE(plain);
      if (plain) numbers.push_back(LoadBe16(&(*plain)[2]));
    }
    return numbers;
  }
};

TEST_F(EarlySessionTest, WhatTheCarrierSaidBeforeItsSdpIsHeard) {
  ConnectTheBrowser();
  FromTrunk(PlainRtp(8, 100), trunk_.rtp);
  FromTrunk(PlainRtp(8, 7), kStranger);
  now_ += 20ms;
  FromTrunk(PlainRtp(8, 101), trunk_.rtp);
  EXPECT_THAT(Heard(), IsEmpty());
  now_ += 20ms;
  Update(std::nullopt, trunk_);
  FromTrunk(PlainRtp(8, 102), trunk_.rtp);
  const auto numbers = Heard();
  ASSERT_EQ(numbers.size(), 3u);
  EXPECT_EQ(static_cast<uint16_t>(numbers[2] - numbers[0]), 2);
  EXPECT_EQ(session_.stats().trunk_to_browser.packets, 3u);
}

// A stranger who was first may not be latched to.
TEST_F(EarlySessionTest, ALatchIsNotForWhoWasEarly) {
  ConnectTheBrowser();
  FromTrunk(PlainRtp(8, 7), kStranger);
  TrunkRemote behind_nat = trunk_;
  behind_nat.latch = true;
  behind_nat.signalled_from = *IpAddress::Parse("203.0.113.7");
  Update(std::nullopt, behind_nat);
  EXPECT_THAT(Heard(), IsEmpty());
  FromTrunk(PlainRtp(8, 100), *Endpoint::Parse("203.0.113.7:9000"));
  EXPECT_EQ(Heard().size(), 1u);
}

}  // namespace
}  // namespace lastmile::media

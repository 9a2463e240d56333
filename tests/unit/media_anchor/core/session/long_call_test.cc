#include <gtest/gtest.h>

#include <cstdio>

#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

constexpr int kPackets = 70000;  // 23 minutes: the sequence numbers start anew once
constexpr int kReoffer = 30000;

class LongCallTest : public SessionTest {};

// meetecho/janus-gateway 3640, pjsip/pjproject 2682: audio was lost one way once the sequence
// numbers had started anew, because a hold or a re-INVITE had made the receiver forget how often
// they had.
TEST_F(LongCallTest, SequenceNumbersStartAnewAcrossReoffersAndNothingIsLost) {
  Connect();
  int to_trunk = 0;
  int to_browser = 0;
  for (int i = 0; i < kPackets; ++i) {
    if (i % kReoffer == kReoffer - 1) Update(browser_->Description(), trunk_);
    const auto sequence = static_cast<uint16_t>(i);
    FromBrowser(browser_->Rtp(109, sequence), From(5000));
    FromTrunk(PlainRtp(8, sequence), trunk_.rtp);
    now_ += 20ms;
    for (const ToTrunk& out : TakeToTrunk()) to_trunk += out.rtcp ? 0 : 1;
    for (const ToBrowser& out : TakeToBrowser()) {
      to_browser += browser_->DecryptRtp(out.bytes).has_value() ? 1 : 0;
    }
  }
  EXPECT_EQ(to_trunk, kPackets);
  EXPECT_EQ(to_browser, kPackets);
  EXPECT_EQ(session_.stats().browser_to_trunk.dropped, 0u);
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 0u);
  std::printf("T-13: %d packets each way, numbers round once, two re-offers: none lost\n",
              kPackets);
}

// A hold of 23 minutes, in which both numbers go round once and nothing is relayed.
TEST_F(LongCallTest, SeventyThousandPacketsOnHoldCostOnePacketEachWayAtMost) {
  Connect();
  FromBrowser(browser_->Rtp(109, 0), From(5000));
  FromTrunk(PlainRtp(8, 0), trunk_.rtp);
  TakeToBrowser();
  ASSERT_EQ(TakeToTrunk().size(), 1u);
  TrunkRemote on_hold = trunk_;
  on_hold.rtp.address = on_hold.rtcp.address = IpAddress();
  Update(std::nullopt, on_hold);
  for (int i = 1; i < kPackets; ++i, now_ += 20ms) {
    FromBrowser(browser_->Rtp(109, static_cast<uint16_t>(i)), From(5000));
    ASSERT_TRUE(TakeToTrunk().empty());
  }
  Update(std::nullopt, trunk_);
  int to_trunk = 0;
  int to_browser = 0;
  constexpr int kAfter = 100;
  for (int i = kPackets; i < kPackets + kAfter; ++i, now_ += 20ms) {
    FromBrowser(browser_->Rtp(109, static_cast<uint16_t>(i)), From(5000));
    FromTrunk(PlainRtp(8, static_cast<uint16_t>(i)), trunk_.rtp);
    to_trunk += static_cast<int>(TakeToTrunk().size());
    for (const ToBrowser& out : TakeToBrowser()) {
      to_browser += browser_->DecryptRtp(out.bytes) ? 1 : 0;
    }
  }
  EXPECT_GE(to_trunk, kAfter - 1);
  EXPECT_GE(to_browser, kAfter - 1);
  std::printf("T-13: after 70,000 packets on hold %d and %d of %d arrive\n", to_trunk, to_browser,
              kAfter);
}

}  // namespace
}  // namespace lastmile::media

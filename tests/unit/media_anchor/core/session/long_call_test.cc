#include <gtest/gtest.h>

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
}

}  // namespace
}  // namespace lastmile::media

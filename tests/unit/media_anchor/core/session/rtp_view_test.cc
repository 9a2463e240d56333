#include "media_anchor/core/rtp_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace lastmile::media {
namespace {

using ::testing::ElementsAre;

const Bytes kPlain = {0x80, 0x88, 0x12, 0x34, 0, 0, 1, 0, 0xde, 0xad, 0xbe, 0xef, 7, 8, 9};

TEST(RtpView, ReadsTheFixedHeaderAndThePayload) {
  Bytes packet = kPlain;
  const auto view = RtpView::Parse(packet);
  ASSERT_TRUE(view);
  EXPECT_TRUE(view->header().marker);
  EXPECT_EQ(view->header().payload_type, 8);
  EXPECT_EQ(view->header().sequence, 0x1234);
  EXPECT_EQ(view->header().timestamp, 256u);
  EXPECT_EQ(view->header().ssrc, 0xdeadbeefu);
  EXPECT_THAT(view->payload(), ElementsAre(7, 8, 9));
}

TEST(RtpView, SkipsCsrcsExtensionAndPadding) {
  Bytes packet = kPlain;
  packet[0] = 0x80 | 0x20 | 0x10 | 2;
  const Bytes csrcs_and_extension = {1, 1, 1, 1, 2, 2, 2, 2, 0xbe, 0xde, 0, 1, 5, 5, 5, 5};
  packet.insert(packet.begin() + 12, csrcs_and_extension.begin(), csrcs_and_extension.end());
  packet.insert(packet.end(), {0, 0, 3});
  const auto view = RtpView::Parse(packet);
  ASSERT_TRUE(view);
  EXPECT_THAT(view->payload(), ElementsAre(7, 8, 9));

  RtpHeader header = view->header();
  header.payload_type = 96;
  const MutableByteView out = view->Rewrite(header);
  EXPECT_THAT(
      out, ElementsAre(0x80, 0x80 | 96, 0x12, 0x34, 0, 0, 1, 0, 0xde, 0xad, 0xbe, 0xef, 7, 8, 9));
}

TEST(RtpView, RefusesLengthsThatLie) {
  Bytes packet = kPlain;
  packet[0] = 0x80 | 15;  // 60 bytes of CSRCs
  EXPECT_FALSE(RtpView::Parse(packet));
  packet[0] = 0x90;  // an extension of 0x0900 words
  packet.resize(16);
  packet[14] = 9;
  EXPECT_FALSE(RtpView::Parse(packet));
  packet = kPlain;
  packet[0] = 0xa0;
  packet.back() = 4;  // more padding than payload
  EXPECT_FALSE(RtpView::Parse(packet));
  packet.back() = 0;
  EXPECT_FALSE(RtpView::Parse(packet));
  packet.back() = 3;
  ASSERT_TRUE(RtpView::Parse(packet));
  EXPECT_TRUE(RtpView::Parse(packet)->payload().empty());
}

TEST(RtpView, RefusesOtherVersions) {
  for (int first : {0x00, 0x40, 0xc0}) {
    Bytes packet = kPlain;
    packet[0] = static_cast<uint8_t>(first);
    EXPECT_FALSE(RtpView::Parse(packet));
  }
}

TEST(RtpView, StaysInsideEveryShortPacket) {
  std::mt19937 random(1);
  for (size_t size = 0; size <= 64; ++size) {
    for (int first = 0; first < 256; ++first) {
      // On the heap and exactly as long as the packet: a byte read beyond is seen by ASan.
      Bytes packet(size);
      for (uint8_t& b : packet) b = static_cast<uint8_t>(random());
      if (size > 0) packet[0] = static_cast<uint8_t>(first);
      if (const auto view = RtpView::Parse(packet)) {
        ASSERT_GE(size, 12 + view->payload().size());
        ASSERT_EQ(view->Rewrite({}).size(), 12 + view->payload().size());
      }
    }
  }
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/core/packet_kind.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

TEST(PacketKind, FollowsTheRangesOfRfc7983) {
  for (int first = 0; first < 256; ++first) {
    Bytes datagram(64);
    datagram[0] = static_cast<uint8_t>(first);
    PacketKind expected = PacketKind::kUnknown;
    if (first <= 3) expected = PacketKind::kStun;
    if (first >= 20 && first <= 63) expected = PacketKind::kDtls;
    if (first >= 128 && first <= 191) expected = PacketKind::kRtp;
    EXPECT_EQ(Classify(datagram), expected) << first;
  }
}

TEST(PacketKind, TellsRtcpByItsSecondByte) {
  for (int second = 0; second < 256; ++second) {
    Bytes datagram(64);
    datagram[0] = 0x80;
    datagram[1] = static_cast<uint8_t>(second);
    const bool is_rtcp = (second >= 192 && second <= 223) || (second >= 64 && second <= 95);
    EXPECT_EQ(Classify(datagram), is_rtcp ? PacketKind::kRtcp : PacketKind::kRtp) << second;
  }
}

TEST(PacketKind, KnowsNothingShorterThanItsFixedHeader) {
  for (int first = 0; first < 256; ++first) {
    for (size_t size = 0; size < 8; ++size) {
      EXPECT_EQ(Classify(Bytes(size, static_cast<uint8_t>(first))), PacketKind::kUnknown);
    }
  }
  EXPECT_EQ(Classify(Bytes(19, 0)), PacketKind::kUnknown);
  EXPECT_EQ(Classify(Bytes(20, 0)), PacketKind::kStun);
  EXPECT_EQ(Classify(Bytes(12, 22)), PacketKind::kUnknown);
  EXPECT_EQ(Classify(Bytes(13, 22)), PacketKind::kDtls);
  EXPECT_EQ(Classify(Bytes(11, 0x80)), PacketKind::kUnknown);
  EXPECT_EQ(Classify(Bytes(12, 0x80)), PacketKind::kRtp);
}

}  // namespace
}  // namespace lastmile::media

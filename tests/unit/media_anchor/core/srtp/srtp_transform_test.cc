// What one transform accepts and refuses, the same for both backends.
#include <gtest/gtest.h>

#include <tuple>

#include "srtp_test_util.h"

namespace lastmile::media {
namespace {

struct NamedBackend {
  const char* name;
  Backend make;
};
constexpr NamedBackend kBackends[] = {{"Evp", MakeEvpSrtp}, {"Libsrtp", MakeLibsrtp}};

class SrtpTransformTest : public testing::TestWithParam<std::tuple<NamedBackend, SrtpProfile>> {
 protected:
  SrtpProfile profile() const { return std::get<1>(GetParam()); }
  Backend backend() const { return std::get<0>(GetParam()).make; }

  const SrtpKeys keys_ = MakeKeys(profile(), 1);
  const std::unique_ptr<SrtpTransform> send_ = Make(backend(), keys_, SrtpDirection::kSend);
  const std::unique_ptr<SrtpTransform> receive_ = Make(backend(), keys_, SrtpDirection::kReceive);
  std::mt19937 shape_{2};
};

INSTANTIATE_TEST_SUITE_P(All, SrtpTransformTest,
                         testing::Combine(testing::ValuesIn(kBackends),
                                          testing::ValuesIn(kAllProfiles)),
                         [](const auto& test) {
                           return std::get<0>(test.param).name +
                                  ProfileName(std::get<1>(test.param));
                         });

TEST_P(SrtpTransformTest, RefusesKeysOfTheWrongSize) {
  SrtpKeys short_key = keys_;
  short_key.master_key.pop_back();
  EXPECT_FALSE(backend()(short_key, SrtpDirection::kSend));
  SrtpKeys long_salt = keys_;
  long_salt.master_salt.push_back(0);
  EXPECT_FALSE(backend()(long_salt, SrtpDirection::kReceive));
}

TEST_P(SrtpTransformTest, HidesThePayloadAndKeepsTheHeader) {
  const Bytes plain = MakePlainRtp(7, 1000);
  const Outcome sealed = ProtectRtp(*send_, plain);
  ASSERT_EQ(sealed.error, "");
  EXPECT_TRUE(std::equal(plain.begin(), plain.begin() + 12, sealed.packet.begin()));
  EXPECT_FALSE(std::equal(plain.begin() + 12, plain.end(), sealed.packet.begin() + 12));
}

TEST_P(SrtpTransformTest, RefusesAReplayedRtpPacket) {
  std::vector<Bytes> sealed;
  for (uint16_t sequence = 1; sequence <= 300; ++sequence) {
    sealed.push_back(ProtectRtp(*send_, MakePlainRtp(7, sequence)).packet);
    ASSERT_EQ(UnprotectRtp(*receive_, sealed.back()).error, "");
  }
  for (const Bytes& packet : sealed) EXPECT_EQ(UnprotectRtp(*receive_, packet).error, "replayed");
}

TEST_P(SrtpTransformTest, RefusesAReplayedRtcpPacket) {
  std::vector<Bytes> sealed;
  for (int i = 0; i < 200; ++i) {
    sealed.push_back(ProtectRtcp(*send_, MakeRtcp(7, shape_)).packet);
    ASSERT_EQ(UnprotectRtcp(*receive_, sealed.back()).error, "");
  }
  for (const Bytes& packet : sealed) EXPECT_EQ(UnprotectRtcp(*receive_, packet).error, "replayed");
}

TEST_P(SrtpTransformTest, NeverUsesAnIndexTwiceWhenSending) {
  Bytes first = MakePlainRtp(7, 1000);
  ASSERT_EQ(ProtectRtp(*send_, first).error, "");
  first.back() ^= 1;
  EXPECT_EQ(ProtectRtp(*send_, first).error, "replayed");
}

TEST_P(SrtpTransformTest, AcceptsLatePacketsWithinTheWindowOnce) {
  std::vector<Bytes> sealed;
  for (uint16_t sequence = 0; sequence < 200; ++sequence) {
    sealed.push_back(ProtectRtp(*send_, MakePlainRtp(7, sequence)).packet);
  }
  ASSERT_EQ(UnprotectRtp(*receive_, sealed[199]).error, "");
  EXPECT_EQ(UnprotectRtp(*receive_, sealed[199 - 127]).error, "");
  EXPECT_EQ(UnprotectRtp(*receive_, sealed[199 - 127]).error, "replayed");
  EXPECT_EQ(UnprotectRtp(*receive_, sealed[199 - 128]).error, "replayed");
  EXPECT_EQ(UnprotectRtp(*receive_, sealed[198]).error, "");
}

// Every single bit of a packet is covered by its tag, and a forged packet leaves no trace: the real
// one is taken afterwards, for known and for new SSRCs.
TEST_P(SrtpTransformTest, AForgedPacketChangesNothing) {
  for (uint16_t sequence : {uint16_t{40000}, uint16_t{40001}}) {
    const Bytes plain = MakePlainRtp(7, sequence);
    const Bytes sealed = ProtectRtp(*send_, plain).packet;
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Bytes forged = sealed;
      forged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_NE(UnprotectRtp(*receive_, forged).error, "") << "bit " << bit;
    }
    EXPECT_EQ(UnprotectRtp(*receive_, sealed), (Outcome{plain, ""}));
  }
  for (int i = 0; i < 2; ++i) {
    const Bytes plain = MakeRtcp(8, shape_);
    const Bytes sealed = ProtectRtcp(*send_, plain).packet;
    for (size_t bit = 0; bit < sealed.size() * 8; ++bit) {
      Bytes forged = sealed;
      forged[bit / 8] ^= static_cast<uint8_t>(1 << bit % 8);
      EXPECT_NE(UnprotectRtcp(*receive_, forged).error, "") << "bit " << bit;
    }
    EXPECT_EQ(UnprotectRtcp(*receive_, sealed), (Outcome{plain, ""}));
  }
}

TEST_P(SrtpTransformTest, PacketsSealedWithOtherKeysFillNoSsrcTable) {
  const auto stranger = Make(backend(), MakeKeys(profile(), 99), SrtpDirection::kSend);
  for (uint32_t ssrc = 100; ssrc < 100 + SrtpTransform::kMaxSsrcs; ++ssrc) {
    const Bytes forged = ProtectRtp(*stranger, MakePlainRtp(ssrc, 1)).packet;
    EXPECT_EQ(UnprotectRtp(*receive_, forged).error, "auth failed");
  }
  for (uint32_t ssrc = 1; ssrc <= SrtpTransform::kMaxSsrcs; ++ssrc) {
    const Bytes sealed = ProtectRtp(*send_, MakePlainRtp(ssrc, 1)).packet;
    EXPECT_EQ(UnprotectRtp(*receive_, sealed).error, "");
  }
}

TEST_P(SrtpTransformTest, KnowsSoManySsrcsAndNoMore) {
  // A second sender with the same keys stands for a peer that uses more SSRCs than we do.
  const auto second = Make(backend(), keys_, SrtpDirection::kSend);
  for (uint32_t ssrc = 1; ssrc <= SrtpTransform::kMaxSsrcs; ++ssrc) {
    const Bytes sealed = ProtectRtp(*send_, MakePlainRtp(ssrc, 1)).packet;
    ASSERT_EQ(UnprotectRtp(*receive_, sealed).error, "");
  }
  constexpr uint32_t kOneMore = SrtpTransform::kMaxSsrcs + 1;
  EXPECT_EQ(ProtectRtp(*send_, MakePlainRtp(kOneMore, 1)).error, "too many ssrcs");
  EXPECT_EQ(ProtectRtcp(*send_, MakeRtcp(kOneMore, shape_)).error, "too many ssrcs");
  const Bytes surplus = ProtectRtp(*second, MakePlainRtp(kOneMore, 1)).packet;
  EXPECT_EQ(UnprotectRtp(*receive_, surplus).error, "too many ssrcs");
  const Bytes surplus_rtcp = ProtectRtcp(*second, MakeRtcp(kOneMore, shape_)).packet;
  EXPECT_EQ(UnprotectRtcp(*receive_, surplus_rtcp).error, "too many ssrcs");
  const Bytes known = ProtectRtp(*send_, MakePlainRtp(1, 2)).packet;
  EXPECT_EQ(UnprotectRtp(*receive_, known).error, "");
}

// Three wraps of the sequence number, with packets lost and reordered around them.
TEST_P(SrtpTransformTest, FollowsTheSequenceNumberRoundThreeTimes) {
  const bool slow = std::get<0>(GetParam()).make == MakeLibsrtp;
  const uint32_t step = slow ? 1000 : 61;  // fewer packets than numbers: a lossy path
  std::vector<std::pair<Bytes, Bytes>> held;
  for (uint32_t n = 30000; n < 30000 + 3 * 65536 + 1000; n += step) {
    const Bytes plain = MakePlainRtp(7, static_cast<uint16_t>(n));
    held.emplace_back(plain, ProtectRtp(*send_, plain).packet);
    ASSERT_FALSE(held.back().second.empty()) << n;
    if (held.size() < 2) continue;
    // In pairs, the newer first. A step of 1000 is beyond the window: in order then.
    if (!slow) std::swap(held[0], held[1]);
    for (const auto& [expected, sealed] : held) {
      ASSERT_EQ(UnprotectRtp(*receive_, sealed), (Outcome{expected, ""})) << n;
    }
    held.clear();
  }
}

TEST_P(SrtpTransformTest, RefusesPacketsThatAreTooShortOrLie) {
  for (size_t size = 0; size <= 64; ++size) {
    for (int first = 0; first < 256; ++first) {
      for (uint8_t fill : {0x00, 0xff}) {
        Bytes packet(size, fill);
        if (size > 0) packet[0] = static_cast<uint8_t>(first);
        EXPECT_NE(UnprotectRtp(*receive_, packet).error, "");
        EXPECT_NE(UnprotectRtcp(*receive_, packet).error, "");
        const bool rtp_header = size >= 12 && first >> 6 == 2;
        if (!rtp_header) {
          EXPECT_EQ(ProtectRtp(*send_, packet).error, "malformed");
        }
        const bool rtcp_header = size >= 8 && first >> 6 == 2;
        if (!rtcp_header) {
          EXPECT_EQ(ProtectRtcp(*send_, packet).error, "malformed");
        }
      }
    }
  }
}

TEST_P(SrtpTransformTest, RefusesAHeaderThatIsLongerThanThePacket) {
  Bytes csrcs = MakePlainRtp(7, 1);
  csrcs.resize(12 + 4 * 15 - 1);
  csrcs[0] = 0x8f;
  EXPECT_EQ(ProtectRtp(*send_, csrcs).error, "malformed");
  Bytes extension = MakePlainRtp(7, 1);
  extension[0] = 0x90;
  StoreBe16(extension.data() + 14, static_cast<uint16_t>((extension.size() - 16) / 4 + 1));
  EXPECT_EQ(ProtectRtp(*send_, extension).error, "malformed");
  StoreBe16(extension.data() + 14, 0xffff);
  EXPECT_EQ(ProtectRtp(*send_, extension).error, "malformed");
  // The header must fit in front of the tag, not merely in the datagram.
  Bytes exact = MakePlainRtp(7, 1);
  exact[0] = 0x90;
  StoreBe16(exact.data() + 14, static_cast<uint16_t>((exact.size() - 16) / 4));
  EXPECT_EQ(UnprotectRtp(*receive_, exact).error, "malformed");
}

TEST_P(SrtpTransformTest, RefusesABufferWithoutRoomForTheTag) {
  Bytes packet = MakePlainRtp(7, 1);
  EXPECT_FALSE(send_->ProtectRtp(packet, packet.size()));
  EXPECT_FALSE(send_->ProtectRtp(packet, packet.size() + 1));
  Bytes report = MakeRtcp(7, shape_);
  EXPECT_FALSE(send_->ProtectRtcp(report, report.size()));
  EXPECT_FALSE(send_->ProtectRtcp(report, report.size() + 1));
}

TEST_P(SrtpTransformTest, RefusesSrtcpThatClaimsToBeInTheClear) {
  const Bytes sealed = ProtectRtcp(*send_, MakeRtcp(7, shape_)).packet;
  const bool aead = MasterSaltSize(profile()) == 12;
  Bytes forged = sealed;
  forged[forged.size() - (aead ? 4 : 14)] &= 0x7f;
  EXPECT_NE(UnprotectRtcp(*receive_, forged).error, "");
  EXPECT_EQ(UnprotectRtcp(*receive_, sealed).error, "");
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/core/trunk_srtp.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <tuple>

#include "media_anchor/core/rtp_leg.h"
#include "tests/unit/media_anchor/core/srtp/srtp_test_util.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kSsrc = 0x2222;

StreamKeys KeysOf(SrtpProfile profile, uint64_t ours, uint64_t theirs) {
  return {.send = MakeKeys(profile, ours), .receive = MakeKeys(profile, theirs)};
}

// The carrier's end is libsrtp.
Bytes Sealed(const SrtpKeys& keys, uint16_t sequence) {
  const auto carrier = Make(MakeLibsrtp, keys, SrtpDirection::kSend);
  return ProtectRtp(*carrier, MakePlainRtp(kSsrc, sequence)).packet;
}

bool Opens(TrunkSrtp& srtp, Bytes packet, uint16_t sequence) {
  const auto size = srtp.Open(TrunkSrtp::Kind::kRtp, packet);
  if (!size) return false;
  packet.resize(*size);
  EXPECT_EQ(packet, MakePlainRtp(kSsrc, sequence));
  return true;
}

Bytes Seal(TrunkSrtp& srtp, const Bytes& plain, TrunkSrtp::Kind kind = TrunkSrtp::Kind::kRtp) {
  Bytes room = plain;
  room.resize(plain.size() + SrtpTransform::kMaxTrailer);
  room.resize(srtp.Seal(kind, room, plain.size()));
  return room;
}

class EachProfile : public testing::TestWithParam<SrtpProfile> {
 protected:
  const StreamKeys keys_ = KeysOf(GetParam(), 1, 2);
  TrunkSrtp srtp_;
};
INSTANTIATE_TEST_SUITE_P(TrunkSrtp, EachProfile, testing::ValuesIn(kAllProfiles),
                         [](const auto& test) { return ProfileName(test.param); });

TEST_P(EachProfile, BothWaysAgainstLibsrtp) {
  srtp_.SetKeys(keys_);
  const auto carrier_in = Make(MakeLibsrtp, keys_.send, SrtpDirection::kReceive);
  const auto carrier_out = Make(MakeLibsrtp, keys_.receive, SrtpDirection::kSend);
  std::mt19937 shape(7);
  for (uint16_t i = 0; i < 50; ++i) {
    const Bytes plain = MakeRtp(0x1111, i, shape);
    const Bytes sealed = Seal(srtp_, plain);
    EXPECT_NE(sealed, plain);
    EXPECT_EQ(UnprotectRtp(*carrier_in, sealed), (Outcome{plain, ""}));
    const Bytes report = MakeRtcp(0x1111, shape);
    EXPECT_EQ(UnprotectRtcp(*carrier_in, Seal(srtp_, report, TrunkSrtp::Kind::kRtcp)),
              (Outcome{report, ""}));
    EXPECT_TRUE(Opens(srtp_, ProtectRtp(*carrier_out, MakePlainRtp(kSsrc, i)).packet, i));
    Bytes theirs = ProtectRtcp(*carrier_out, report).packet;
    const auto size = srtp_.Open(TrunkSrtp::Kind::kRtcp, theirs);
    ASSERT_TRUE(size);
    theirs.resize(*size);
    EXPECT_EQ(theirs, report);
  }
}

// RFC 4568 section 6.2.2: the short tag is for RTP alone.
TEST_P(EachProfile, TagsAreAsLongAsTheSuiteSays) {
  srtp_.SetKeys(keys_);
  const size_t gcm =
      GetParam() == SrtpProfile::kAeadAes128Gcm || GetParam() == SrtpProfile::kAeadAes256Gcm ? 16
                                                                                             : 0;
  const size_t rtp = gcm ? gcm : GetParam() == SrtpProfile::kAes128CmHmacSha1_32 ? 4 : 10;
  std::mt19937 shape(7);
  const Bytes report = MakeRtcp(1, shape);
  EXPECT_EQ(Seal(srtp_, MakePlainRtp(1, 1)).size(), 172 + rtp);
  EXPECT_EQ(Seal(srtp_, report, TrunkSrtp::Kind::kRtcp).size(),
            report.size() + 4 + (gcm ? gcm : 10));
}

TEST_P(EachProfile, WhatIsNotAuthenticChangesNothing) {
  srtp_.SetKeys(keys_);
  const Bytes good = Sealed(keys_.receive, 7);
  Bytes forged = good;
  forged.back() ^= 1;
  EXPECT_FALSE(Opens(srtp_, forged, 7));
  EXPECT_FALSE(Opens(srtp_, MakePlainRtp(kSsrc, 7), 7)) << "plain RTP";
  EXPECT_FALSE(Opens(srtp_, Sealed(MakeKeys(GetParam(), 99), 60000), 60000)) << "a stranger's";
  EXPECT_TRUE(Opens(srtp_, good, 7));
  EXPECT_FALSE(Opens(srtp_, good, 7)) << "replayed";
}

// RFC 3711 section 9.1: a key that is said again must not start at the same index again.
TEST_P(EachProfile, TheSameKeysAgainGoOnWhereTheyWere) {
  srtp_.SetKeys(keys_);
  const auto carrier = Make(MakeLibsrtp, keys_.send, SrtpDirection::kReceive);
  const auto sender = Make(MakeLibsrtp, keys_.receive, SrtpDirection::kSend);
  uint16_t sequence = 65000;
  for (int i = 0; i < 1000; ++i, ++sequence) {
    if (i % 100 == 0) srtp_.SetKeys(keys_);
    const Bytes plain = MakePlainRtp(kSsrc, sequence);
    ASSERT_EQ(UnprotectRtp(*carrier, Seal(srtp_, plain)), (Outcome{plain, ""})) << sequence;
    ASSERT_TRUE(Opens(srtp_, ProtectRtp(*sender, plain).packet, sequence)) << sequence;
  }
  EXPECT_TRUE(Seal(srtp_, MakePlainRtp(kSsrc, 100)).empty()) << "an index that was used";
}

// A suite that comes back brings its old key of ours: its indexes are used, too.
TEST_P(EachProfile, KeysThatComeBackGoOnWhereTheyWere) {
  srtp_.SetKeys(keys_);
  EXPECT_FALSE(Seal(srtp_, MakePlainRtp(kSsrc, 1)).empty());
  EXPECT_TRUE(Opens(srtp_, Sealed(keys_.receive, 1), 1));
  srtp_.SetKeys(KeysOf(GetParam(), 3, 4));
  srtp_.SetKeys(std::nullopt);
  EXPECT_EQ(Seal(srtp_, MakePlainRtp(kSsrc, 1)), MakePlainRtp(kSsrc, 1));
  srtp_.SetKeys(keys_);
  EXPECT_TRUE(Seal(srtp_, MakePlainRtp(kSsrc, 1)).empty());
  EXPECT_FALSE(Opens(srtp_, Sealed(keys_.receive, 1), 1));
  EXPECT_TRUE(Opens(srtp_, Sealed(keys_.receive, 2), 2));
}

// The carrier sends with its new key once it has our answer; until then packets have the old one.
TEST_P(EachProfile, TheOldKeyHoldsUntilTheNewOneIsHeard) {
  srtp_.SetKeys(keys_);
  EXPECT_TRUE(Opens(srtp_, Sealed(keys_.receive, 1), 1));
  const StreamKeys rekeyed = KeysOf(GetParam(), 1, 5);
  srtp_.SetKeys(rekeyed);
  EXPECT_TRUE(Opens(srtp_, Sealed(keys_.receive, 2), 2));
  EXPECT_FALSE(Opens(srtp_, Sealed(MakeKeys(GetParam(), 99), 3), 3)) << "a stranger's";
  EXPECT_TRUE(Opens(srtp_, Sealed(rekeyed.receive, 3), 3));
  EXPECT_FALSE(Opens(srtp_, Sealed(keys_.receive, 4), 4));
}

// A leg that a bridge or another process takes over after hours: its carrier counts on.
TEST_P(EachProfile, ASourceIsFoundInTheMiddleOfItsNumbers) {
  const auto carrier = Make(MakeLibsrtp, keys_.receive, SrtpDirection::kSend);
  constexpr uint32_t kRounds = 5;
  uint32_t number = 0;
  for (; number < kRounds << 16; number += 20000) {
    ASSERT_EQ(ProtectRtp(*carrier, MakePlainRtp(kSsrc, static_cast<uint16_t>(number))).error, "");
  }
  srtp_.SetKeys(keys_);
  uint32_t lost = 0;
  for (int i = 0; i < 200; ++i, ++number) {
    const auto sequence = static_cast<uint16_t>(number);
    const Bytes sealed = ProtectRtp(*carrier, MakePlainRtp(kSsrc, sequence)).packet;
    if (Opens(srtp_, sealed, sequence)) {
      EXPECT_FALSE(Opens(srtp_, sealed, sequence)) << "replayed";
    } else {
      ++lost;
    }
  }
  EXPECT_LT(lost, kRounds);
}

TEST(TrunkSrtp, WithoutKeysItIsPlainRtp) {
  TrunkSrtp srtp;
  EXPECT_TRUE(Opens(srtp, MakePlainRtp(kSsrc, 1), 1));
  EXPECT_EQ(Seal(srtp, MakePlainRtp(1, 1)), MakePlainRtp(1, 1));
}

TEST(TrunkSrtp, KeysOfNoUseCarryNothing) {
  TrunkSrtp srtp;
  srtp.SetKeys(StreamKeys{});
  EXPECT_FALSE(Opens(srtp, MakePlainRtp(kSsrc, 1), 1));
  EXPECT_TRUE(Seal(srtp, MakePlainRtp(1, 1)).empty());
}

TEST(TrunkSrtp, RemembersAFewKeysOnly) {
  TrunkSrtp srtp;
  for (uint64_t i = 0; i < 3 * TrunkSrtp::kMaxKeys; ++i) {
    srtp.SetKeys(KeysOf(SrtpProfile::kAeadAes128Gcm, 100 + i, 200 + i));
    EXPECT_TRUE(Opens(srtp, Sealed(MakeKeys(SrtpProfile::kAeadAes128Gcm, 200 + i), 1), 1));
  }
}

// S-02, S-03: with SRTP a latch is no race that an attacker can win.
TEST(RtpLegSrtp, LatchesOnTheFirstAuthenticPacketOnly) {
  const Endpoint rtp = *Endpoint::Parse("192.0.2.10:4000");
  const Endpoint nat = *Endpoint::Parse("198.51.100.7:61234");
  const Endpoint attacker = *Endpoint::Parse("203.0.113.66:4000");
  const StreamKeys keys = KeysOf(SrtpProfile::kAes128CmHmacSha1_80, 1, 2);
  RtpLeg leg;
  leg.SetRemote({rtp, rtp, true, keys}, true, TimePoint{100s});
  Bytes plain = MakePlainRtp(kSsrc, 1);
  EXPECT_FALSE(leg.ReceiveRtp(plain, attacker, TimePoint{100s}));
  Bytes forged = Sealed(MakeKeys(SrtpProfile::kAes128CmHmacSha1_80, 9), 1);
  EXPECT_FALSE(leg.ReceiveRtp(forged, attacker, TimePoint{100s}));
  EXPECT_EQ(leg.rtp(), rtp);
  Bytes good = Sealed(keys.receive, 1);
  const auto packet = leg.ReceiveRtp(good, nat, TimePoint{101s});
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->payload().size(), 160u);
  EXPECT_EQ(leg.rtp(), nat);
  // A key that changes alone opens no window for others.
  leg.SetRemote({rtp, rtp, true, KeysOf(SrtpProfile::kAes128CmHmacSha1_80, 1, 3)}, true,
                TimePoint{102s});
  EXPECT_EQ(leg.rtp(), nat);
}

}  // namespace
}  // namespace lastmile::media

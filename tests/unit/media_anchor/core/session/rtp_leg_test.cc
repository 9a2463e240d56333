#include "media_anchor/core/rtp_leg.h"

#include <gtest/gtest.h>

namespace lastmile::media {
namespace {

const Endpoint kRtp = *Endpoint::Parse("192.0.2.10:4000");
const Endpoint kRtcp = *Endpoint::Parse("192.0.2.10:4001");
const Endpoint kNat = *Endpoint::Parse("198.51.100.7:61234");
const Endpoint kAttacker = *Endpoint::Parse("203.0.113.66:4000");
constexpr TimePoint kStart{100s};

bool Accepts(RtpLeg& leg, const Endpoint& from, TimePoint now) {
  Bytes packet(RtpHeader::kSize);
  packet[0] = 0x80;
  return leg.ReceiveRtp(packet, from, now).has_value();
}

bool AcceptsRtcp(RtpLeg& leg, const Endpoint& from) {
  Bytes report(8);
  return !leg.ReceiveRtcp(report, from).empty();
}

TEST(RtpLeg, BelievesNobodyBeforeTheSdp) {
  RtpLeg leg;
  EXPECT_FALSE(Accepts(leg, kRtp, kStart));
  EXPECT_FALSE(AcceptsRtcp(leg, kRtcp));
  EXPECT_FALSE(leg.can_send());
  EXPECT_FALSE(leg.fixed());
}

TEST(RtpLeg, BelievesAddressAndPortOfTheSdpOnly) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp}, false, kStart);
  EXPECT_TRUE(leg.fixed());
  EXPECT_TRUE(Accepts(leg, kRtp, kStart));
  EXPECT_TRUE(AcceptsRtcp(leg, kRtcp));
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart));
  EXPECT_FALSE(Accepts(leg, kRtcp, kStart)) << "the right address, another port";
  EXPECT_FALSE(AcceptsRtcp(leg, kRtp));
  EXPECT_EQ(leg.rtp(), kRtp);
}

TEST(RtpLeg, IsHeardWhenItSendsUntilItIsMissedOrMoves) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp}, false, kStart);
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart));
  EXPECT_FALSE(leg.heard());
  EXPECT_TRUE(Accepts(leg, kRtp, kStart));
  EXPECT_TRUE(leg.heard());
  leg.Miss();
  EXPECT_FALSE(leg.heard());
  EXPECT_TRUE(Accepts(leg, kRtp, kStart));
  leg.SetRemote({kRtp, kRtcp}, false, kStart);
  EXPECT_TRUE(leg.heard()) << "the same SDP again";
  leg.SetRemote({kNat, kRtcp}, false, kStart);
  EXPECT_FALSE(leg.heard());
}

TEST(RtpLeg, CountsStrangersAndRemembersTheLastOne) {
  RtpLeg leg;
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart));
  EXPECT_EQ(leg.refused().wrong_source, 0u) << "nobody is a stranger before the SDP";
  leg.SetRemote({kRtp, kRtcp}, false, kStart);
  EXPECT_FALSE(Accepts(leg, kNat, kStart));
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart));
  EXPECT_TRUE(Accepts(leg, kRtp, kStart));
  EXPECT_EQ(leg.refused().wrong_source, 2u);
  EXPECT_EQ(leg.refused().stranger, kAttacker);
  EXPECT_EQ(leg.refused().not_authentic, 0u);
}

TEST(RtpLeg, LatchesOnceOnWhoSignalled) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp}, true, kStart, kNat.address);
  EXPECT_FALSE(leg.fixed());
  EXPECT_EQ(leg.rtp(), kRtp) << "where we send until then";
  EXPECT_TRUE(Accepts(leg, kNat, kStart + 1s));
  EXPECT_EQ(leg.rtp(), kNat);
  EXPECT_EQ(leg.rtcp(), (Endpoint{kNat.address, 61235}));
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart + 1s));
  EXPECT_FALSE(leg.fixed()) << "who fits better may still come";
  EXPECT_TRUE(Accepts(leg, kNat, kStart + SourceLatch::kWindow));
  EXPECT_TRUE(leg.fixed());
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart + 4s));
  EXPECT_FALSE(Accepts(leg, kRtp, kStart + 4s));
  EXPECT_TRUE(Accepts(leg, kNat, kStart + 600s));
}

TEST(RtpLeg, WithRtcpMuxBothGoToOneAddressAndComeFromThere) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp, true}, false, kStart);
  EXPECT_TRUE(leg.rtcp_mux());
  EXPECT_EQ(leg.rtcp(), kRtp);
  EXPECT_TRUE(AcceptsRtcp(leg, kRtp));
  EXPECT_FALSE(AcceptsRtcp(leg, kRtcp));
  leg.SetRemote({kRtp, kRtcp, false}, false, kStart);
  EXPECT_FALSE(leg.rtcp_mux());
  EXPECT_EQ(leg.rtcp(), kRtcp);
}

TEST(RtpLeg, ALatchWithRtcpMuxMovesBothToOneAddress) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp, true}, true, kStart, kNat.address);
  EXPECT_TRUE(Accepts(leg, kNat, kStart));
  EXPECT_EQ(leg.rtp(), kNat);
  EXPECT_EQ(leg.rtcp(), kNat);
}

TEST(RtpLeg, ForgottenItBelievesNobody) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp, true}, true, kStart);
  leg.Forget();
  EXPECT_FALSE(Accepts(leg, kRtp, kStart));
  EXPECT_FALSE(AcceptsRtcp(leg, kRtp));
  EXPECT_FALSE(leg.can_send());
  EXPECT_FALSE(leg.rtcp_mux());
  leg.SetRemote({kRtp, kRtcp, false}, false, kStart);
  EXPECT_TRUE(Accepts(leg, kRtp, kStart));
}

TEST(RtpLeg, TheSameSdpAgainKeepsALatch) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp}, true, kStart, kNat.address);        // 183
  leg.SetRemote({kRtp, kRtcp}, true, kStart + 30s, kNat.address);  // 200
  EXPECT_TRUE(Accepts(leg, kNat, kStart + 31s));
  leg.SetRemote({kRtp, kRtcp}, true, kStart + 32s, kNat.address);
  EXPECT_EQ(leg.rtp(), kNat);
  EXPECT_FALSE(Accepts(leg, kAttacker, kStart + 33s));
}

TEST(RtpLeg, NobodyLatchesOnHold) {
  RtpLeg leg;
  const TrunkStream hold{*Endpoint::Parse("0.0.0.0:4000"), kRtcp};
  leg.SetRemote(hold, true, kStart, kNat.address);
  EXPECT_FALSE(Accepts(leg, kNat, kStart + 1s));
  EXPECT_FALSE(leg.can_send());
}

TEST(RtpLeg, AnotherSdpStartsAnew) {
  RtpLeg leg;
  leg.SetRemote({kRtp, kRtcp}, true, kStart, kNat.address);
  EXPECT_TRUE(Accepts(leg, kNat, kStart));
  const Endpoint other = *Endpoint::Parse("192.0.2.99:5000");
  leg.SetRemote({other, kRtcp}, false, kStart + 1s);
  EXPECT_EQ(leg.rtp(), other);
  EXPECT_FALSE(Accepts(leg, kNat, kStart + 1s));
}

TEST(RtpLeg, NobodyIsSentToOnHold) {
  RtpLeg leg;
  leg.SetRemote({*Endpoint::Parse("0.0.0.0:4000"), kRtcp}, false, kStart);
  EXPECT_FALSE(leg.can_send());
  leg.SetRemote({{kRtp.address, 0}, kRtcp}, false, kStart);
  EXPECT_FALSE(leg.can_send());
  leg.SetRemote({kRtp, kRtcp}, false, kStart);
  EXPECT_TRUE(leg.can_send());
}

}  // namespace
}  // namespace lastmile::media

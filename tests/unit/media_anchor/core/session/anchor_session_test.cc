#include "media_anchor/core/anchor_session.h"

#include <gtest/gtest.h>

#include <random>

#include "media_anchor/core/packet_kind.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

class AnchorSessionTest : public SessionTest {};

TEST_F(AnchorSessionTest, RelaysBothWaysWithMappedTypes) {
  Connect();
  for (uint16_t i = 0; i < 100; ++i) {
    FromBrowser(browser_->Rtp(109, static_cast<uint16_t>(65500 + i)), From(5000));
    FromTrunk(PlainRtp(8, static_cast<uint16_t>(65480 + i)), trunk_.rtp);
    now_ += 20ms;
  }
  const auto out = TakeToTrunk();
  const auto in = TakeToBrowser();
  ASSERT_EQ(out.size(), 100u);
  ASSERT_EQ(in.size(), 100u);
  for (size_t i = 0; i < 100; ++i) {
    EXPECT_EQ(out[i].endpoint, trunk_.rtp);
    EXPECT_EQ(out[i].bytes[1] & 0x7f, 8);
    EXPECT_EQ(LoadBe16(&out[i].bytes[2]), static_cast<uint16_t>(LoadBe16(&out[0].bytes[2]) + i));
    EXPECT_EQ(in[i].path, From(5000));
    const auto plain = browser_->DecryptRtp(in[i].bytes);
    ASSERT_TRUE(plain);
    EXPECT_EQ((*plain)[1] & 0x7f, 109);
    EXPECT_EQ(plain->size(), 172u);
  }
  EXPECT_EQ(session_.stats().browser_to_trunk.packets, 100u);
  EXPECT_EQ(session_.stats().browser_to_trunk.bytes, 16000u);
  EXPECT_EQ(session_.stats().trunk_to_browser.packets, 100u);
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 0u);
}

// The fixture asks after every datagram that is said to be settled whether anything is left.
TEST_F(AnchorSessionTest, ARelayedPacketLeavesNothingElseToDo) {
  Connect();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  EXPECT_FALSE(settled_) << "reports begin with the first packet";
  for (uint16_t i = 2; i < 100; ++i) {
    FromBrowser(browser_->Rtp(109, i), From(5000));
    EXPECT_TRUE(settled_) << i;
    FromTrunk(PlainRtp(8, i), trunk_.rtp);
    EXPECT_TRUE(settled_) << i;
    now_ += 20ms;
  }
  Check(From(5000));
  EXPECT_FALSE(settled_);
  now_ += 11s;
  Timer();
  ASSERT_EQ(TakeEvents<BrowserSilent>().size(), 1u);
  FromBrowser(browser_->Rtp(109, 100), From(5000));
  EXPECT_FALSE(settled_) << "the browser is back";
  EXPECT_EQ(TakeEvents<BrowserHeard>().size(), 1u);
}

TEST_F(AnchorSessionTest, WorksAsDtlsClient) {
  browser_ = std::make_unique<FakeBrowser>(DtlsRole::kClient);
  Connect();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  EXPECT_EQ(TakeToTrunk().size(), 1u);
}

TEST_F(AnchorSessionTest, MediaWaitsForANominatedPair) {
  Update(browser_->Description(), trunk_);
  Check(From(5000), false);
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  ASSERT_TRUE(browser_->dtls_connected());
  EXPECT_TRUE(TakeEvents<BrowserConnected>().empty());
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  EXPECT_TRUE(TakeToBrowser().empty());
  Check(From(5000), true);
  EXPECT_EQ(TakeEvents<BrowserConnected>().size(), 1u);
  TakeToBrowser();
  FromTrunk(PlainRtp(8, 2), trunk_.rtp);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
}

TEST_F(AnchorSessionTest, MediaFollowsTheLatestNomination) {
  Connect(From(5000));
  Check(From(5001), false);
  FromBrowser(browser_->Rtp(109, 1), From(5001));
  EXPECT_EQ(TakeToTrunk().size(), 1u) << "a validated pair may carry media";
  TakeToBrowser();
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  EXPECT_EQ(TakeToBrowser().at(0).path, From(5000));
  Check(From(5001), true);
  TakeToBrowser();
  FromTrunk(PlainRtp(8, 2), trunk_.rtp);
  EXPECT_EQ(TakeToBrowser().at(0).path, From(5001));
  EXPECT_TRUE(TakeEvents<BrowserConnected>().empty()) << "it is said once";
}

TEST_F(AnchorSessionTest, SrtpFromAnUncheckedAddressIsDropped) {
  Connect();
  FromBrowser(browser_->Rtp(109, 1), From(6666));
  EXPECT_TRUE(TakeToTrunk().empty());
  EXPECT_EQ(session_.stats().browser_to_trunk.dropped, 1u);
}

TEST_F(AnchorSessionTest, AReplayIsDropped) {
  Connect();
  const Bytes packet = browser_->Rtp(109, 1);
  for (int i = 0; i < 10; ++i) FromBrowser(packet, From(5000));
  EXPECT_EQ(TakeToTrunk().size(), 1u);
  EXPECT_EQ(session_.stats().browser_to_trunk.dropped, 9u);
}

TEST_F(AnchorSessionTest, UnmappedTypesAreDroppedBothWays) {
  Connect();
  FromBrowser(browser_->Rtp(111, 1), From(5000));
  FromTrunk(PlainRtp(18, 1), trunk_.rtp);
  EXPECT_TRUE(TakeToTrunk().empty());
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_EQ(session_.stats().browser_to_trunk.dropped, 1u);
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 1u);
}

TEST_F(AnchorSessionTest, TrunkRtpFromElsewhereIsDropped) {
  Connect();
  FromTrunk(PlainRtp(8, 1), *Endpoint::Parse("203.0.113.66:4000"));
  FromTrunk(PlainRtp(8, 1), *Endpoint::Parse("203.0.113.5:4002"));
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 2u);
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
}

TEST_F(AnchorSessionTest, ALatchedTrunkIsSentTo) {
  Connect();
  TrunkRemote nat = trunk_;
  nat.latch = true;
  const Endpoint real = *Endpoint::Parse("203.0.113.200:6000");
  nat.signalled_from = real.address;
  Update(std::nullopt, nat);
  FromTrunk(PlainRtp(8, 1), real);
  FromTrunk(PlainRtp(8, 2), *Endpoint::Parse("203.0.113.200:6002"));
  EXPECT_EQ(TakeToBrowser().size(), 1u);
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  EXPECT_EQ(TakeToTrunk().at(0).endpoint, real);
}

TEST_F(AnchorSessionTest, OnHoldNothingGoesToTheTrunk) {
  Connect();
  Update(std::nullopt, TrunkRemote{*Endpoint::Parse("0.0.0.0:4000"), trunk_.rtcp, false});
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  EXPECT_TRUE(TakeToTrunk().empty());
  Update(std::nullopt, trunk_);
  FromBrowser(browser_->Rtp(109, 2), From(5000));
  EXPECT_EQ(TakeToTrunk().size(), 1u);
}

TEST_F(AnchorSessionTest, DtlsBeforeIceReachesNobody) {
  Update(browser_->Description(), trunk_);
  FakeBrowser attacker;
  attacker.StartDtls(context_->fingerprint(), now_);
  const auto hello = attacker.TakeDtls();
  ASSERT_FALSE(hello.empty());
  for (int i = 0; i < 1000; ++i) FromBrowser(hello[0], From(6666));
  EXPECT_TRUE(TakeToBrowser().empty());
  Check(From(5000));
  TakeToBrowser();
  for (int i = 0; i < 1000; ++i) FromBrowser(hello[0], From(6666));
  EXPECT_TRUE(TakeToBrowser().empty()) << "a checked pair opens the door for itself alone";
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  EXPECT_TRUE(browser_->dtls_connected());
}

TEST_F(AnchorSessionTest, AHelloBeforeTheSdpIsAnsweredWhenTheSdpComes) {
  Update(std::nullopt, trunk_);
  Check(From(5000));
  TakeToBrowser();
  browser_->StartDtls(context_->fingerprint(), now_);
  for (const Bytes& datagram : browser_->TakeDtls()) FromBrowser(datagram, From(5000));
  EXPECT_TRUE(TakeToBrowser().empty());
  Update(browser_->Description(), std::nullopt);  // no time passes: nothing is retransmitted
  Shuttle(From(5000));
  EXPECT_TRUE(browser_->dtls_connected());
  EXPECT_EQ(TakeEvents<BrowserConnected>().size(), 1u);
}

TEST_F(AnchorSessionTest, AHelloOfAPairThatNamedAnotherBrowserIsForgotten) {
  Update(std::nullopt, trunk_);
  FakeBrowser stranger;
  FromBrowser(
      test::BuildCheck(
          {.username = "gwgwgwgw:strange", .pwd = session_.ice().pwd, .use_candidate = true}),
      From(6666));
  stranger.StartDtls(context_->fingerprint(), now_);
  for (const Bytes& datagram : stranger.TakeDtls()) FromBrowser(datagram, From(6666));
  TakeToBrowser();
  Check(From(5000));
  TakeToBrowser();
  Update(browser_->Description(), std::nullopt);
  EXPECT_TRUE(TakeToBrowser().empty());
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  EXPECT_EQ(TakeEvents<BrowserConnected>().size(), 1u);
}

TEST_F(AnchorSessionTest, AnotherCertificateThanTheSdpsFailsTheSession) {
  BrowserRemote remote = browser_->Description();
  remote.fingerprints[0].digest[5] ^= 1;
  Update(remote, trunk_);
  Check(From(5000));
  browser_->StartDtls(context_->fingerprint(), now_);
  Shuttle(From(5000));
  const auto failed = TakeEvents<SessionFailed>();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].fault, SessionFault::kFingerprintMismatch);
  EXPECT_TRUE(TakeEvents<BrowserConnected>().empty());
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  Check(From(5000));
  EXPECT_TRUE(TakeToBrowser().empty()) << "a failed session is silent";
  EXPECT_EQ(session_.next_timeout(), kNever);
}

TEST_F(AnchorSessionTest, ANewSdpWithAnotherCertificateFailsTheSession) {
  Connect();
  BrowserRemote same = browser_->Description();
  same.ice_ufrag = "brow";
  Update(same, std::nullopt);
  EXPECT_TRUE(TakeEvents<SessionFailed>().empty());
  same.fingerprints[0].digest[5] ^= 1;
  Update(same, std::nullopt);
  const auto failed = TakeEvents<SessionFailed>();
  ASSERT_EQ(failed.size(), 1u);
  EXPECT_EQ(failed[0].fault, SessionFault::kFingerprintMismatch);
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  EXPECT_TRUE(TakeToTrunk().empty());
}

TEST_F(AnchorSessionTest, RtcpEndsOnEachLeg) {
  Connect();
  for (uint16_t i = 0; i < 50; ++i) {
    FromBrowser(browser_->Rtp(109, i), From(5000));
    FromTrunk(PlainRtp(8, i), trunk_.rtp);
    now_ += 20ms;
  }
  const uint32_t to_trunk_ssrc = LoadBe32(&TakeToTrunk().at(0).bytes[8]);
  TakeToBrowser();
  FromBrowser(browser_->Rtcp(), From(5000));
  EXPECT_TRUE(TakeToTrunk().empty()) << "the browser's report is not the trunk's";

  std::vector<ToTrunk> to_trunk;
  std::vector<ToBrowser> to_browser;
  const TimePoint end = now_ + RtcpReporter::kInterval * 3 / 2;
  while (session_.next_timeout() < end && (to_trunk.empty() || to_browser.empty())) {
    now_ = session_.next_timeout();
    Timer();
    for (auto& out : TakeToTrunk()) to_trunk.push_back(out);
    for (auto& out : TakeToBrowser()) to_browser.push_back(out);
  }
  ASSERT_FALSE(to_trunk.empty());
  ASSERT_FALSE(to_browser.empty());
  EXPECT_TRUE(to_trunk[0].rtcp);
  EXPECT_EQ(to_trunk[0].endpoint, trunk_.rtcp);
  EXPECT_TRUE(IsCompoundRtcp(to_trunk[0].bytes));
  EXPECT_EQ(to_trunk[0].bytes[1], 200);
  EXPECT_EQ(LoadBe32(&to_trunk[0].bytes[4]), to_trunk_ssrc);
  EXPECT_EQ(Classify(to_browser[0].bytes), PacketKind::kRtcp);
  const auto plain = browser_->DecryptRtcp(to_browser[0].bytes);
  ASSERT_TRUE(plain);
  EXPECT_TRUE(IsCompoundRtcp(*plain));
  EXPECT_EQ(LoadBe32(&(*plain)[28]), 0x1111u) << "the block is about what the browser sends";
}

TEST_F(AnchorSessionTest, EveryShortPacketFromEverySideIsSurvived) {
  Connect();
  std::mt19937 random(1);
  for (size_t size = 0; size <= 64; ++size) {
    for (int first = 0; first < 256; ++first) {
      Bytes datagram(size);
      for (uint8_t& b : datagram) b = static_cast<uint8_t>(random());
      if (size > 0) datagram[0] = static_cast<uint8_t>(first);
      // DTLS records of another epoch or content are DtlsTransport's own tests.
      if (first < 20 || first > 63) FromBrowser(datagram, From(5000));
      FromBrowser(datagram, From(6666));
      FromTrunk(datagram, *Endpoint::Parse("203.0.113.66:4000"));
      RtcpFromTrunk(datagram, trunk_.rtcp);
      // A good header with a mapped type is audio, however short.
      if (size > 1) datagram[1] = 77;
      FromTrunk(datagram, trunk_.rtp);
    }
  }
  EXPECT_TRUE(TakeToTrunk().empty());
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_TRUE(TakeEvents<SessionFailed>().empty());
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  EXPECT_EQ(TakeToTrunk().size(), 1u);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
}

}  // namespace
}  // namespace lastmile::media

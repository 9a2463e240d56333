#include <gtest/gtest.h>

#include "tests/support/rtcp_packets.h"
#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"
#include "tests/unit/media_anchor/core/srtp/srtp_test_util.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kCarrierSsrc = 0x2222;

// The carrier's end of one section: libsrtp under the gateway's keys.
class Carrier {
 public:
  explicit Carrier(uint64_t seed, SrtpProfile profile = SrtpProfile::kAes128CmHmacSha1_80)
      : keys_{MakeKeys(profile, seed), MakeKeys(profile, seed + 1)},
        in_(Make(MakeLibsrtp, keys_.send, SrtpDirection::kReceive)),
        out_(Make(MakeLibsrtp, keys_.receive, SrtpDirection::kSend)) {}

  const StreamKeys& keys() const { return keys_; }
  Bytes Rtp(uint8_t type, uint16_t sequence) {
    Bytes plain = MakePlainRtp(kCarrierSsrc, sequence);
    plain[1] = type;
    return ProtectRtp(*out_, plain).packet;
  }
  Bytes Rtcp(const Bytes& plain) { return ProtectRtcp(*out_, plain).packet; }
  Outcome Open(const Bytes& sealed) { return UnprotectRtp(*in_, sealed); }
  Outcome OpenRtcp(const Bytes& sealed) { return UnprotectRtcp(*in_, sealed); }

 private:
  StreamKeys keys_;
  std::unique_ptr<SrtpTransform> in_;
  std::unique_ptr<SrtpTransform> out_;
};

class SrtpSessionTest : public SessionTest {
 protected:
  void SecureTrunk() {
    TrunkRemote secure = trunk_;
    secure.srtp = carrier_.keys();
    Update(std::nullopt, secure);
  }
  Carrier carrier_{50};
};

TEST_F(SrtpSessionTest, AudioGoesFromSrtpToSrtpBothWays) {
  Connect();
  SecureTrunk();
  for (uint16_t i = 0; i < 20; ++i) {
    now_ += 20ms;
    FromBrowser(browser_->Rtp(109, i), From(5000));
    const auto sent = TakeToTrunk();
    ASSERT_EQ(sent.size(), 1u);
    const Outcome plain = carrier_.Open(sent[0].bytes);
    ASSERT_EQ(plain.error, "");
    EXPECT_EQ(plain.packet[1] & 0x7f, 8);
    FromTrunk(carrier_.Rtp(8, i), trunk_.rtp);
    const auto heard = TakeToBrowser();
    ASSERT_EQ(heard.size(), 1u);
    EXPECT_TRUE(browser_->DecryptRtp(heard[0].bytes));
  }
}

TEST_F(SrtpSessionTest, PlainRtpOfTheCarrierIsDropped) {
  Connect();
  SecureTrunk();
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 1u);
}

TEST_F(SrtpSessionTest, ReportsAreSrtcp) {
  Connect();
  SecureTrunk();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  TakeToTrunk();
  bool reported = false;
  for (int i = 0; i < 20 && !reported; ++i) {
    RunTimers(10s);
    for (const ToTrunk& sent : TakeToTrunk()) {
      EXPECT_TRUE(sent.rtcp);
      EXPECT_EQ(carrier_.OpenRtcp(sent.bytes).error, "");
      reported = true;
    }
    TakeToBrowser();
    session_.Update({SessionId{7}, std::nullopt, std::nullopt, std::nullopt}, now_);
  }
  EXPECT_TRUE(reported);
}

TEST_F(SrtpSessionTest, DigitsOfTheGatewayAreSrtp) {
  Connect();
  SecureTrunk();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  TakeToTrunk();
  ASSERT_TRUE(session_.SendDigit({SessionId{7}, 5, 100ms}, now_));
  size_t events = 0;
  for (int i = 0; i < 10; ++i) {
    now_ += 20ms;
    Timer();
    for (const ToTrunk& sent : TakeToTrunk()) {
      const Outcome plain = sent.rtcp ? carrier_.OpenRtcp(sent.bytes) : carrier_.Open(sent.bytes);
      EXPECT_EQ(plain.error, "");
      events += !sent.rtcp && (plain.packet[1] & 0x7f) == 101;
    }
  }
  EXPECT_GE(events, 5u);
}

TEST_F(SrtpSessionTest, VideoHasItsOwnKeysAndItsFeedbackIsSrtcp) {
  payloads_.push_back({.browser_pt = 96,
                       .trunk_pt = 97,
                       .trunk_pt_in = 97,
                       .clock_rate = 90000,
                       .telephone_event = false,
                       .video = true});
  session_.OpenVideo(random_, now_);
  Connect();
  Carrier video(70, SrtpProfile::kAeadAes128Gcm);
  const Endpoint at = *Endpoint::Parse("203.0.113.5:4100");
  TrunkRemote secure = trunk_;
  secure.srtp = carrier_.keys();
  secure.video = TrunkStream{at, at, true, video.keys()};
  Update(std::nullopt, secure);
  FromBrowser(browser_->Rtp(96, 0), From(5000));
  const auto sent = TakeToTrunk();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_NE(carrier_.Open(sent[0].bytes).error, "") << "not under the audio's key";
  const Outcome plain = video.Open(sent[0].bytes);
  ASSERT_EQ(plain.error, "");
  FromTrunk(video.Rtp(97, 0), at, MediaKind::kVideo);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
  // A request for a picture, on the port of RTP.
  now_ += 1s;
  FromTrunk(video.Rtcp(test::PictureLoss(1, LoadBe32(&plain.packet[8]))), at, MediaKind::kVideo);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
}

TEST_F(SrtpSessionTest, AKeyInAReinviteIsANewOneForTheCarriersMediaAlone) {
  Connect();
  SecureTrunk();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  ASSERT_EQ(carrier_.Open(TakeToTrunk().at(0).bytes).error, "");
  FromTrunk(carrier_.Rtp(8, 1), trunk_.rtp);
  Carrier other(90);
  TrunkRemote rekeyed = trunk_;
  rekeyed.srtp = StreamKeys{carrier_.keys().send, other.keys().receive};
  Update(std::nullopt, rekeyed);
  TakeToBrowser();
  FromBrowser(browser_->Rtp(109, 2), From(5000));
  EXPECT_EQ(carrier_.Open(TakeToTrunk().at(0).bytes).error, "") << "ours is the same";
  FromTrunk(other.Rtp(8, 2), trunk_.rtp);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
}

class SrtpBridgeTest : public BridgeTest {};

TEST_F(SrtpBridgeTest, CarriesSrtpToSrtpAndToPlainRtp) {
  Carrier first(50);
  Carrier second(60, SrtpProfile::kAes128CmHmacSha1_32);
  TrunkRemote secure_first = first_;
  TrunkRemote secure_second = second_;
  secure_first.srtp = first.keys();
  secure_second.srtp = second.keys();
  Update(secure_first, secure_second);
  Rtp(kFirst, first.Rtp(kFirstAudioIn, 1), first_.rtp);
  auto sent = TakeSent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(second.Open(sent[0].bytes).error, "");
  Rtp(kSecond, second.Rtp(kSecondAudioIn, 1), second_.rtp);
  sent = TakeSent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(first.Open(sent[0].bytes).error, "");
  RunTimers(20s);
  size_t reports = 0;
  for (const Sent& report : TakeSent()) {
    ASSERT_TRUE(report.rtcp);
    EXPECT_EQ((report.kind == kFirst ? first : second).OpenRtcp(report.bytes).error, "");
    ++reports;
  }
  EXPECT_GE(reports, 2u);
  Update(std::nullopt, second_);
  Rtp(kFirst, first.Rtp(kFirstAudioIn, 2), first_.rtp);
  sent = TakeSent();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].bytes.size(), 172u);
  EXPECT_EQ(sent[0].bytes[1] & 0x7f, kSecondAudioOut);
}

}  // namespace
}  // namespace lastmile::media

#include <gtest/gtest.h>

#include "tests/support/rtcp_packets.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

using test::Compound;
using test::FullIntraRequest;
using test::Nack;
using test::PictureLoss;

constexpr uint8_t kBrowserVideo = 96;
constexpr uint8_t kTrunkVideo = 101;    // the number of its telephone-event, too
constexpr uint8_t kTrunkVideoIn = 103;  // what it sends
constexpr uint32_t kBrowserSsrc = 0x3333;
constexpr uint32_t kTrunkSsrc = 0x4444;

class VideoSessionTest : public SessionTest {
 protected:
  VideoSessionTest() {
    payloads_.push_back({.browser_pt = kBrowserVideo,
                         .trunk_pt = kTrunkVideo,
                         .trunk_pt_in = kTrunkVideoIn,
                         .clock_rate = 90000,
                         .telephone_event = false,
                         .video = true});
    with_video_.video = video_;
  }
  void ConnectWithVideo() {
    session_.OpenVideo(random_, now_);
    Connect();
    Update(std::nullopt, with_video_);
  }
  void VideoFromBrowser(uint16_t number) {
    FromBrowser(browser_->Rtp(kBrowserVideo, number, kBrowserSsrc), From(5000));
  }
  void VideoFromTrunk(uint16_t number) {
    FromTrunk(PlainRtp(kTrunkVideoIn, number, kTrunkSsrc), video_.rtp, MediaKind::kVideo);
  }
  struct Sent {
    uint32_t ssrc = 0;
    uint16_t sequence = 0;
  };
  // One packet each way, so that both sources are known: what went to the trunk and the browser.
  std::pair<Sent, Sent> OneEachWay(uint16_t number) {
    TakeToTrunk();
    TakeToBrowser();
    VideoFromBrowser(number);
    VideoFromTrunk(number);
    const auto out = TakeToTrunk();
    const auto in = TakeToBrowser();
    if (out.size() != 1 || in.size() != 1) return {};
    const Bytes plain = browser_->DecryptRtp(in[0].bytes).value_or(Bytes(12));
    return {{LoadBe32(&out[0].bytes[8]), LoadBe16(&out[0].bytes[2])},
            {LoadBe32(&plain[8]), LoadBe16(&plain[2])}};
  }

  const TrunkStream video_{*Endpoint::Parse("203.0.113.5:4100"),
                           *Endpoint::Parse("203.0.113.5:4101"), false};
  TrunkRemote with_video_ = trunk_;
};

TEST_F(VideoSessionTest, VideoAndAudioFlowBothWaysBesideEachOther) {
  ConnectWithVideo();
  for (uint16_t i = 0; i < 50; ++i) {
    VideoFromBrowser(i);
    FromBrowser(browser_->Rtp(109, i), From(5000));
    VideoFromTrunk(i);
    FromTrunk(PlainRtp(8, i), trunk_.rtp);
    now_ += 20ms;
  }
  const auto out = TakeToTrunk();
  const auto in = TakeToBrowser();
  ASSERT_EQ(out.size(), 100u);
  ASSERT_EQ(in.size(), 100u);
  for (size_t i = 0; i < 100; ++i) {
    const bool is_video = i % 2 == 0;
    EXPECT_EQ(out[i].kind, is_video ? MediaKind::kVideo : MediaKind::kAudio);
    EXPECT_EQ(out[i].endpoint, is_video ? video_.rtp : trunk_.rtp);
    EXPECT_FALSE(out[i].rtcp);
    EXPECT_EQ(out[i].bytes[1] & 0x7f, is_video ? kTrunkVideo : 8);
    EXPECT_EQ(LoadBe32(&out[i].bytes[8]), LoadBe32(&out[i % 2].bytes[8]));
    const auto plain = browser_->DecryptRtp(in[i].bytes);
    ASSERT_TRUE(plain);
    EXPECT_EQ((*plain)[1] & 0x7f, is_video ? kBrowserVideo : 109);
  }
  EXPECT_NE(LoadBe32(&out[0].bytes[8]), LoadBe32(&out[1].bytes[8]));
  EXPECT_EQ(out[0].bytes[1] & 0x80, 0) << "the marker of video is the end of a picture";
  const SessionStats stats = session_.stats();
  EXPECT_EQ(stats.browser_to_trunk.packets, 50u);
  EXPECT_EQ(stats.trunk_to_browser.packets, 50u);
  EXPECT_EQ(stats.video_browser_to_trunk.packets, 50u);
  EXPECT_EQ(stats.video_browser_to_trunk.bytes, 50u * 160);
  EXPECT_EQ(stats.video_trunk_to_browser.packets, 50u);
  EXPECT_EQ(stats.trunk_to_browser.dropped + stats.video_trunk_to_browser.dropped, 0u);
}

TEST_F(VideoSessionTest, AnAudioSessionTakesNoVideo) {
  Connect();
  Update(std::nullopt, with_video_);
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  TakeToTrunk();
  for (uint16_t i = 0; i < 100; ++i) {
    VideoFromBrowser(i);
    VideoFromTrunk(i);
    FromTrunk(PlainRtp(kTrunkVideoIn, i, kTrunkSsrc), trunk_.rtp);
  }
  EXPECT_TRUE(TakeToTrunk().empty());
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_EQ(session_.stats().browser_to_trunk.dropped, 100u);
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 100u);
  EXPECT_EQ(session_.trunk(MediaKind::kVideo), nullptr);
  std::vector<ToBrowser> reports;
  for (int i = 0; i < 4 && reports.empty(); ++i) {
    RunTimers(RtcpReporter::kInterval * 3 / 2);
    reports = TakeToBrowser();
    TakeToTrunk();
  }
  ASSERT_EQ(reports.size(), 1u);
  const auto plain = browser_->DecryptRtcp(reports[0].bytes);
  ASSERT_TRUE(plain);
  ASSERT_EQ((*plain)[0], 0x81);
  EXPECT_EQ(LoadBe32(&(*plain)[8]), 0x1111u) << "the report is about the audio";
}

TEST_F(VideoSessionTest, EachPortTakesItsOwnMediaFromItsOwnSourceOnly) {
  ConnectWithVideo();
  FromTrunk(PlainRtp(kTrunkVideoIn, 1), trunk_.rtp, MediaKind::kVideo);  // audio's address
  FromTrunk(PlainRtp(8, 1), video_.rtp);
  FromTrunk(PlainRtp(kTrunkVideoIn, 1), *Endpoint::Parse("203.0.113.66:4100"), MediaKind::kVideo);
  FromTrunk(PlainRtp(8, 1), video_.rtp, MediaKind::kVideo);  // audio's type
  FromTrunk(PlainRtp(kTrunkVideo, 1), video_.rtp, MediaKind::kVideo);
  EXPECT_TRUE(TakeToBrowser().empty());
  EXPECT_EQ(session_.stats().video_trunk_to_browser.dropped, 4u);
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 1u);
}

TEST_F(VideoSessionTest, AudioAndVideoLatchEachForItself) {
  ConnectWithVideo();
  TrunkRemote nat = with_video_;
  nat.latch = true;
  const Endpoint real = *Endpoint::Parse("203.0.113.200:6100");
  nat.signalled_from = real.address;
  Update(std::nullopt, nat);
  FromTrunk(PlainRtp(kTrunkVideoIn, 1), real, MediaKind::kVideo);
  EXPECT_EQ(TakeToBrowser().size(), 1u);
  VideoFromBrowser(1);
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  const auto out = TakeToTrunk();
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[0].endpoint, real);
  EXPECT_EQ(out[1].endpoint, trunk_.rtp);
}

TEST_F(VideoSessionTest, ATrunkThatTakesNoVideoAnyMoreGetsNone) {
  ConnectWithVideo();
  OneEachWay(1);
  Update(std::nullopt, trunk_);
  VideoFromBrowser(2);
  VideoFromTrunk(2);
  EXPECT_TRUE(TakeToTrunk().empty());
  EXPECT_TRUE(TakeToBrowser().empty());
}

TEST_F(VideoSessionTest, ClosedAndOpenedAgainItGoesOnWithItsNumbers) {
  ConnectWithVideo();
  const auto [to_trunk, to_browser] = OneEachWay(1);
  session_.CloseVideo();
  EXPECT_EQ(session_.trunk(MediaKind::kVideo), nullptr);
  VideoFromBrowser(2);
  VideoFromTrunk(2);
  EXPECT_TRUE(TakeToTrunk().empty());
  EXPECT_TRUE(TakeToBrowser().empty());
  session_.OpenVideo(random_, now_);
  VideoFromTrunk(2);
  EXPECT_TRUE(TakeToBrowser().empty()) << "the trunk's address is to be said again";
  Update(std::nullopt, with_video_);
  const auto [later_to_trunk, later_to_browser] = OneEachWay(3);
  EXPECT_EQ(later_to_trunk.ssrc, to_trunk.ssrc);
  EXPECT_EQ(later_to_browser.ssrc, to_browser.ssrc);
  EXPECT_EQ(later_to_browser.sequence, static_cast<uint16_t>(to_browser.sequence + 2));
}

TEST_F(VideoSessionTest, TheBrowsersFeedbackReachesTheTrunkInItsNumbers) {
  ConnectWithVideo();
  const auto [to_trunk, to_browser] = OneEachWay(40000);
  FromBrowser(browser_->Rtcp(Compound({PictureLoss(9, to_browser.ssrc),
                                       FullIntraRequest(9, to_browser.ssrc, 77),
                                       Nack(9, to_browser.ssrc, {{to_browser.sequence, 0}})})),
              From(5000));
  const auto out = TakeToTrunk();
  ASSERT_EQ(out.size(), 1u);
  EXPECT_TRUE(out[0].rtcp);
  EXPECT_EQ(out[0].kind, MediaKind::kVideo);
  EXPECT_EQ(out[0].endpoint, video_.rtcp);
  ASSERT_TRUE(IsCompoundRtcp(out[0].bytes));
  EXPECT_EQ(LoadBe32(&out[0].bytes[4]), to_trunk.ssrc) << "from the source the trunk knows";
  const Feedback feedback = ParseFeedback(out[0].bytes, kTrunkSsrc);
  EXPECT_TRUE(feedback.picture_loss);
  EXPECT_TRUE(feedback.full_intra);
  ASSERT_EQ(feedback.nack_count, 1u);
  EXPECT_EQ(feedback.nacks()[0], (Feedback::Nack{40000, 0}));
}

TEST_F(VideoSessionTest, TheTrunksFeedbackReachesTheBrowserEncrypted) {
  ConnectWithVideo();
  const auto [to_trunk, to_browser] = OneEachWay(50000);
  const Bytes asked = Compound(
      {PictureLoss(9, to_trunk.ssrc), Nack(9, to_trunk.ssrc, {{to_trunk.sequence, 0xffff}})});
  RtcpFromTrunk(asked, video_.rtcp, MediaKind::kVideo);
  auto in = TakeToBrowser();
  ASSERT_EQ(in.size(), 1u);
  const auto plain = browser_->DecryptRtcp(in[0].bytes);
  ASSERT_TRUE(plain);
  ASSERT_TRUE(IsCompoundRtcp(*plain));
  EXPECT_EQ(LoadBe32(&(*plain)[4]), to_browser.ssrc);
  const Feedback feedback = ParseFeedback(*plain, kBrowserSsrc);
  EXPECT_TRUE(feedback.picture_loss);
  ASSERT_EQ(feedback.nack_count, 1u);
  EXPECT_EQ(feedback.nacks()[0], (Feedback::Nack{50000, 0}));

  RtcpFromTrunk(asked, *Endpoint::Parse("203.0.113.66:4101"), MediaKind::kVideo);
  RtcpFromTrunk(asked, trunk_.rtcp, MediaKind::kVideo);
  RtcpFromTrunk(asked, trunk_.rtcp, MediaKind::kAudio);
  EXPECT_TRUE(TakeToBrowser().empty()) << "from the wrong address or to the wrong port";
}

TEST_F(VideoSessionTest, FeedbackOnAudioAndReportsEndOnTheLeg) {
  ConnectWithVideo();
  OneEachWay(1);
  FromTrunk(PlainRtp(8, 1), trunk_.rtp);
  const auto audio = browser_->DecryptRtp(TakeToBrowser().at(0).bytes);
  ASSERT_TRUE(audio);
  const uint32_t audio_ssrc = LoadBe32(&(*audio)[8]);
  FromBrowser(browser_->Rtcp(Compound({PictureLoss(9, audio_ssrc),
                                       Nack(9, audio_ssrc, {{LoadBe16(&(*audio)[2]), 0}})})),
              From(5000));
  FromBrowser(browser_->Rtcp(), From(5000));
  EXPECT_TRUE(TakeToTrunk().empty());
}

TEST_F(VideoSessionTest, AFloodOfFeedbackIsBoundedBothWays) {
  ConnectWithVideo();
  const auto [to_trunk, to_browser] = OneEachWay(1);
  const TimePoint start = now_;
  for (int i = 0; i < 2000; ++i) {
    FromBrowser(browser_->Rtcp(PictureLoss(9, to_browser.ssrc)), From(5000));
    RtcpFromTrunk(Nack(9, to_trunk.ssrc, {{to_trunk.sequence, 0}}), video_.rtcp, MediaKind::kVideo);
    now_ += 1ms;
  }
  EXPECT_EQ(now_ - start, 2s);
  EXPECT_LE(TakeToTrunk().size(), 3u * FeedbackCarrier::kMaxPerSecond);
  EXPECT_LE(TakeToBrowser().size(), 3u * FeedbackCarrier::kMaxPerSecond);
}

TEST_F(VideoSessionTest, VideoHasReportsOfItsOwn) {
  ConnectWithVideo();
  const auto [to_trunk, to_browser] = OneEachWay(1);
  std::vector<ToTrunk> out;
  std::vector<ToBrowser> in;
  for (int i = 0; i < 2 && (out.empty() || in.empty()); ++i) {
    RunTimers(RtcpReporter::kInterval * 3 / 2);
    for (auto& one : TakeToTrunk()) out.push_back(one);
    for (auto& one : TakeToBrowser()) in.push_back(one);
  }
  ASSERT_EQ(out.size(), 1u);
  ASSERT_EQ(in.size(), 1u);
  EXPECT_EQ(out[0].kind, MediaKind::kVideo);
  EXPECT_EQ(out[0].endpoint, video_.rtcp);
  EXPECT_EQ(out[0].bytes[1], 200);
  EXPECT_EQ(LoadBe32(&out[0].bytes[4]), to_trunk.ssrc);
  EXPECT_EQ(LoadBe32(&out[0].bytes[28]), kTrunkSsrc);
  const auto plain = browser_->DecryptRtcp(in[0].bytes);
  ASSERT_TRUE(plain);
  EXPECT_EQ(LoadBe32(&(*plain)[4]), to_browser.ssrc);
  EXPECT_EQ(LoadBe32(&(*plain)[28]), kBrowserSsrc);
}

TEST_F(VideoSessionTest, WithRtcpMuxReportsAndFeedbackLeaveFromTheRtpSocket) {
  with_video_.rtcp_mux = true;
  with_video_.video->rtcp_mux = true;
  ConnectWithVideo();
  FromBrowser(browser_->Rtp(109, 1), From(5000));
  const auto [to_trunk, to_browser] = OneEachWay(1);
  FromBrowser(browser_->Rtcp(PictureLoss(9, to_browser.ssrc)), From(5000));
  const auto feedback = TakeToTrunk();
  ASSERT_EQ(feedback.size(), 1u);
  EXPECT_FALSE(feedback[0].rtcp);
  EXPECT_EQ(feedback[0].endpoint, video_.rtp);
  std::vector<ToTrunk> reports;
  for (int i = 0; i < 8 && reports.size() < 2; ++i) {
    RunTimers(RtcpReporter::kInterval * 3 / 2);
    for (auto& one : TakeToTrunk()) reports.push_back(one);
    TakeToBrowser();
  }
  ASSERT_GE(reports.size(), 2u);
  for (const ToTrunk& report : reports) {
    EXPECT_FALSE(report.rtcp);
    EXPECT_EQ(report.endpoint, report.kind == MediaKind::kVideo ? video_.rtp : trunk_.rtp);
    EXPECT_TRUE(IsCompoundRtcp(report.bytes));
  }
}

TEST_F(VideoSessionTest, RtcpOnTheRtpPortIsNeverMedia) {
  // The types RFC 5761 forbids: as media they would be relayed.
  for (uint8_t type : {64, 72, 73, 76, 77, 95}) {
    payloads_.push_back({.browser_pt = 120,
                         .trunk_pt = 120,
                         .trunk_pt_in = type,
                         .clock_rate = 8000,
                         .telephone_event = false});
  }
  for (const bool mux : {false, true}) {
    with_video_.rtcp_mux = mux;
    with_video_.video->rtcp_mux = mux;
    if (!mux) {
      ConnectWithVideo();
    } else {
      Update(std::nullopt, with_video_);
    }
    TakeToBrowser();
    for (uint8_t type : {64, 72, 73, 76, 77, 95}) {
      Bytes packet = PlainRtp(type, 1);
      FromTrunk(packet, trunk_.rtp);
      packet[1] |= 0x80;
      FromTrunk(packet, trunk_.rtp);
      FromTrunk(packet, video_.rtp, MediaKind::kVideo);
    }
    EXPECT_TRUE(TakeToBrowser().empty());
    const auto [to_trunk, to_browser] = OneEachWay(static_cast<uint16_t>(mux ? 200 : 100));
    FromTrunk(PictureLoss(9, to_trunk.ssrc), video_.rtp, MediaKind::kVideo);
    EXPECT_EQ(TakeToBrowser().size(), mux ? 1u : 0u) << "from `rtp` only where it is agreed on";
  }
}

}  // namespace
}  // namespace lastmile::media

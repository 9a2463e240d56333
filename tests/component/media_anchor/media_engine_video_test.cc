#include <gtest/gtest.h>

#include "media_anchor/core/rtcp.h"
#include "media_anchor/core/rtcp_feedback.h"
#include "tests/component/media_anchor/engine_fixture.h"
#include "tests/support/rtcp_packets.h"

namespace lastmile::media {
namespace {

using test::Compound;
using test::Nack;
using test::PictureLoss;
using test::TestRtp;

constexpr uint8_t kBrowserVideo = 96;
constexpr uint8_t kTrunkVideo = 8;  // the number of its audio, too: other ports
constexpr uint8_t kTrunkVideoIn = 105;
constexpr uint32_t kBrowserSsrc = 0xb0b0;
constexpr uint32_t kTrunkSsrc = 0xc0c0;

class MediaEngineVideoTest : public EngineTest {
 protected:
  static std::vector<PayloadMapping> Payloads() {
    auto payloads = TestPayloads();
    payloads.push_back({.browser_pt = kBrowserVideo,
                        .trunk_pt = kTrunkVideo,
                        .trunk_pt_in = kTrunkVideoIn,
                        .clock_rate = 90000,
                        .telephone_event = false,
                        .video = true});
    return payloads;
  }
  TrunkRemote TrunkWithVideo(TestCall& call, bool mux = false) {
    TrunkRemote remote = call.carrier.Description();
    remote.rtcp_mux = mux;
    remote.video = TrunkStream{camera_.rtp(), camera_.rtcp(), mux};
    return remote;
  }
  std::unique_ptr<TestCall> OpenVideoCall(bool mux = false) {
    auto call = std::make_unique<TestCall>(PeerOptions());
    call->id = ids_.Next();
    OpenSession open{.session = call->id,
                     .browser = call->browser.Description(),
                     .trunk = TrunkWithVideo(*call, mux),
                     .payloads = Payloads()};
    open.video = true;
    call->opened = Open(std::move(open));
    EXPECT_TRUE(call->opened.trunk.video);
    ports_ = call->opened.trunk.video.value_or(TrunkPorts{});
    return call;
  }
  static TestRtp Picture(uint8_t payload_type, uint16_t sequence, uint32_t ssrc) {
    return {.payload_type = payload_type,
            .marker = sequence % 3 == 0,
            .sequence = sequence,
            .timestamp = sequence * 3000u,
            .ssrc = ssrc,
            .payload = Bytes(1100, static_cast<uint8_t>(sequence))};
  }
  std::optional<TestRtp> ToTrunk(TestCall& call, uint16_t sequence) {
    call.browser.SendRtp(Picture(kBrowserVideo, sequence, kBrowserSsrc));
    std::optional<std::pair<TestRtp, Endpoint>> got;
    WaitFor([&] { return (got = camera_.Receive()).has_value(); }, WaitABit);
    if (!got) return std::nullopt;
    EXPECT_EQ(got->second, ports_.rtp);
    return got->first;
  }
  std::optional<TestRtp> ToBrowser(TestCall& call, uint16_t sequence) {
    camera_.Send(Picture(kTrunkVideoIn, sequence, kTrunkSsrc), ports_.rtp);
    std::optional<TestRtp> got;
    WaitFor([&] { return (got = call.browser.PopRtp()).has_value(); },
            [&] { call.browser.Poll(5ms); });
    return got;
  }
  // Of all RTCP that arrives, the first that asks `media_ssrc` for something.
  std::optional<Feedback> FeedbackAtTrunk(uint32_t media_ssrc, bool mux) {
    Feedback feedback;
    const bool came = WaitFor(
        [&] {
          while (const auto got = camera_.ReceiveRtcp(mux)) {
            EXPECT_TRUE(IsCompoundRtcp(got->first));
            EXPECT_EQ(got->second, mux ? ports_.rtp : ports_.rtcp);
            feedback = ParseFeedback(got->first, media_ssrc);
            if (!feedback.empty()) return true;
          }
          return false;
        },
        WaitABit);
    return came ? std::optional(feedback) : std::nullopt;
  }
  std::optional<Feedback> FeedbackAtBrowser(TestCall& call, uint32_t media_ssrc) {
    Feedback feedback;
    const bool came = WaitFor(
        [&] {
          while (const auto got = call.browser.PopRtcp()) {
            EXPECT_TRUE(IsCompoundRtcp(*got));
            feedback = ParseFeedback(*got, media_ssrc);
            if (!feedback.empty()) return true;
          }
          return false;
        },
        [&] { call.browser.Poll(5ms); });
    return came ? std::optional(feedback) : std::nullopt;
  }
  void ExpectFeedbackBothWays(TestCall& call, bool mux) {
    const auto out = ToTrunk(call, 100);
    const auto in = ToBrowser(call, 100);
    ASSERT_TRUE(out && in);
    call.browser.SendRtcp(
        Compound({PictureLoss(kBrowserSsrc, in->ssrc), Nack(1, in->ssrc, {{in->sequence, 0}})}));
    const auto at_trunk = FeedbackAtTrunk(kTrunkSsrc, mux);
    ASSERT_TRUE(at_trunk);
    EXPECT_TRUE(at_trunk->picture_loss);
    ASSERT_EQ(at_trunk->nack_count, 1u);
    EXPECT_EQ(at_trunk->nacks()[0].first, 100);
    camera_.SendRtcp(Compound({PictureLoss(kTrunkSsrc, out->ssrc)}), mux ? ports_.rtp : ports_.rtcp,
                     mux);
    const auto at_browser = FeedbackAtBrowser(call, kBrowserSsrc);
    ASSERT_TRUE(at_browser);
    EXPECT_TRUE(at_browser->picture_loss);
  }

  test::PlainRtpPeer camera_{Loopback(1)};  // the carrier's video
  TrunkPorts ports_;                        // ours for it
};

TEST_F(MediaEngineVideoTest, VideoFlowsBothWaysBesideAudioEachWithItsNumbers) {
  StartEngine();
  auto call = OpenVideoCall();
  EXPECT_EQ(engine_->gauges().ports_in_use, 4u);
  EXPECT_EQ(ports_.rtp.port % 2, 0);
  EXPECT_EQ(ports_.rtcp.port, ports_.rtp.port + 1);
  ASSERT_TRUE(Connect(*call));
  for (uint16_t i = 0; i < 30; ++i) {
    const auto number = static_cast<uint16_t>(65520 + i);
    const auto out = ToTrunk(*call, number);
    const auto in = ToBrowser(*call, number);
    ASSERT_TRUE(out && in) << i;
    EXPECT_EQ(out->payload_type, kTrunkVideo);
    EXPECT_EQ(in->payload_type, kBrowserVideo);
    EXPECT_EQ(out->marker, number % 3 == 0);
    EXPECT_EQ(in->marker, number % 3 == 0);
    EXPECT_EQ(out->payload, Bytes(1100, static_cast<uint8_t>(number)));
    EXPECT_EQ(in->payload, out->payload);
    EXPECT_TRUE(AudioFlowsBothWays(*call));
  }
  camera_.Send(Picture(kTrunkVideo, 1, kTrunkSsrc),
               ports_.rtp);  // what it takes, not what it sends
  ASSERT_TRUE(ToBrowser(*call, 14));
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.packets, 30u);
  EXPECT_EQ(stats.video_browser_to_trunk.packets, 30u);
  EXPECT_EQ(stats.video_browser_to_trunk.bytes, 30u * 1100);
  EXPECT_EQ(stats.video_trunk_to_browser.packets, 31u);
  EXPECT_EQ(stats.video_trunk_to_browser.dropped, 1u);
  EXPECT_EQ(engine_->gauges().ports_in_use, 0u);
}

TEST_F(MediaEngineVideoTest, PicturesAreAskedForBothWays) {
  StartEngine();
  auto call = OpenVideoCall();
  ASSERT_TRUE(Connect(*call));
  ExpectFeedbackBothWays(*call, false);
}

TEST_F(MediaEngineVideoTest, WithRtcpMuxAllRtcpOfTheTrunkUsesTheRtpPorts) {
  StartEngine();
  auto call = OpenVideoCall(true);
  ASSERT_TRUE(Connect(*call));
  ExpectFeedbackBothWays(*call, true);
  EXPECT_TRUE(AudioFlowsBothWays(*call));
  // The first report of audio comes within seven and a half seconds.
  std::optional<std::pair<Bytes, Endpoint>> report;
  EXPECT_TRUE(WaitFor([&] { return (report = call->carrier.ReceiveRtcp(true)).has_value(); },
                      [&] { call->browser.Poll(20ms); }));
  ASSERT_TRUE(report);
  EXPECT_TRUE(IsCompoundRtcp(report->first));
  EXPECT_EQ(report->second, call->opened.trunk.rtp);
  EXPECT_FALSE(call->carrier.ReceiveRtcp(false));
}

TEST_F(MediaEngineVideoTest, VideoComesAndGoesInMidCall) {
  StartEngine();
  auto call = OpenCall();
  EXPECT_FALSE(call->opened.trunk.video);
  ASSERT_TRUE(Connect(*call));
  std::optional<uint32_t> ssrc;
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(engine_->gauges().ports_in_use, 2u);
    UpdateSession update = UpdateOf(*call);
    update.video = true;
    EXPECT_TRUE(engine_->Post(update));
    const auto opened = WaitEvent<VideoOpened>(call->id);
    ASSERT_TRUE(opened);
    ports_ = opened->ports;
    EXPECT_EQ(engine_->gauges().ports_in_use, 4u);
    update = UpdateOf(*call);
    update.trunk = TrunkWithVideo(*call);
    update.payloads = Payloads();
    EXPECT_TRUE(engine_->Post(update));
    const auto out = [&] {  // the update may still be on its way
      std::optional<std::pair<TestRtp, Endpoint>> got;
      WaitFor([&] { return (got = camera_.Receive()).has_value(); },
              [&] {
                call->browser.SendRtp(Picture(kBrowserVideo, ++call->next, kBrowserSsrc));
                WaitABit();
              });
      while (camera_.Receive()) {
      }
      return got;
    }();
    ASSERT_TRUE(out);
    EXPECT_EQ(out->first.ssrc, ssrc.value_or(out->first.ssrc)) << "one key, one source";
    ssrc = out->first.ssrc;
    EXPECT_TRUE(ToBrowser(*call, call->next));
    update = UpdateOf(*call);
    update.video = false;
    EXPECT_TRUE(engine_->Post(update));
    EXPECT_TRUE(WaitFor([&] { return engine_->gauges().ports_in_use == 2; }, WaitABit));
    EXPECT_TRUE(AudioFlowsBothWays(*call));
    while (camera_.Receive()) {
    }
  }
  CloseCall(call->id);
  EXPECT_EQ(engine_->gauges().ports_in_use, 0u);
}

TEST_F(MediaEngineVideoTest, WithoutAPortForVideoTheCallGoesOnWithAudio) {
  MediaOptions options = LoopbackOptions();
  options.trunk_port_max = static_cast<uint16_t>(options.trunk_port_min + 1);
  StartEngine(options);
  const SessionId refused = ids_.Next();
  OpenSession open{.session = refused, .browser = {}, .trunk = {}, .payloads = {}};
  open.video = true;
  EXPECT_TRUE(engine_->Post(std::move(open)));
  const auto failed = WaitEvent<SessionFailed>(refused);
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->fault, SessionFault::kNoPort);
  EXPECT_EQ(engine_->gauges().ports_in_use, 0u) << "the pair of audio was given back";
  CloseCall(refused);

  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  UpdateSession update = UpdateOf(*call);
  update.video = true;
  EXPECT_TRUE(engine_->Post(update));
  const auto no_video = WaitEvent<VideoRefused>(call->id);
  ASSERT_TRUE(no_video);
  EXPECT_NE(no_video->reason.find(std::to_string(options.trunk_port_min)), std::string::npos);
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

}  // namespace
}  // namespace lastmile::media

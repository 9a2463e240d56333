#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/call/call_harness.h"
#include "tests/unit/gateway/log_capture.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const std::string kCarrierWithVideo =
    "v=0\r\no=c 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 0\r\n"
    "m=video 40010 RTP/AVPF 112\r\na=rtpmap:112 VP8/90000\r\na=rtcp-fb:112 nack pli\r\n";

media::SessionOpened OpenedWithVideo() {
  media::SessionOpened opened = OpenedSession();
  opened.trunk.video = {*Endpoint::Parse("192.0.2.1:30002"), *Endpoint::Parse("192.0.2.1:30003")};
  return opened;
}

const media::PayloadMapping* FindPayload(const media::UpdateSession& update, uint8_t browser_pt) {
  if (!update.payloads) return nullptr;
  for (const auto& mapping : *update.payloads) {
    if (mapping.browser_pt == browser_pt) return &mapping;
  }
  return nullptr;
}

TEST(CallAudio, TheLogSaysInTheEndHowItWas) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  harness.Feed(HungUp{Party::kCaller});
  test::LogCapture log;
  MediaClosed closed;
  closed.stats.trunk.received = media::StreamQuality{.packets = 50, .mos = 4.2};
  harness.Feed(closed);
  EXPECT_THAT(log.text(), HasSubstr("leg=trunk audio from it MOS 4.20"));
  EXPECT_EQ(harness.call().summary().media.trunk, closed.stats.trunk);
}

// --- transport ---

TEST(CallTransport, ABrowserHearsOfTheTcpPortAndATrunkNever) {
  constexpr const char* kTcp = " tcp 1520435199 192.0.2.1 443 typ host tcptype passive\r\n";
  media::SessionOpened opened = OpenedSession();
  opened.browser.tcp_candidates = {*Endpoint::Parse("192.0.2.1:443")};
  CallHarness outbound(CallDirection::kFromBrowser);
  outbound.Feed(Invited{testing::BrowserSdp()});
  outbound.Feed(MediaOpened{opened});
  EXPECT_THAT(outbound.Output<PlaceCallee>().offer, Not(HasSubstr("candidate")));
  outbound.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_THAT(outbound.Output<AnswerCaller>().sdp, HasSubstr(kTcp));

  CallHarness inbound(CallDirection::kFromTrunk);
  inbound.Feed(Invited{testing::TrunkSdp()});
  inbound.Feed(MediaOpened{opened});
  EXPECT_THAT(inbound.Output<PlaceCallee>().offer, HasSubstr(kTcp));
  inbound.Feed(CalleeAnswered{testing::BrowserSdp("active", "0 101")});
  EXPECT_THAT(inbound.Output<AnswerCaller>().sdp, Not(HasSubstr("candidate")));
}

TEST(CallTransport, CandidatesOfFullIceGoToTheBrowserAndThoseOfTheBrowserToTheAnchor) {
  media::SessionOpened opened = OpenedSession();
  opened.browser.candidates.clear();
  opened.browser.gathered = {{.type = media::IceCandidate::Type::kServerReflexive,
                              .at = *Endpoint::Parse("203.0.113.7:40000"),
                              .priority = 1694498815,
                              .foundation = "2",
                              .related = Endpoint::Parse("10.0.0.5:40001").value()}};
  CallHarness harness(CallDirection::kFromBrowser);
  harness.Feed(
      Invited{testing::BrowserSdp() +
              "a=candidate:7 1 udp 5 198.51.100.4 9000 typ srflx raddr 10.1.1.1 rport 4\r\n"
              "a=candidate:8 1 udp 6 8b0c1e3a.local 9001 typ host\r\n"});
  const auto remote = harness.Media<media::OpenSession>().browser;
  ASSERT_TRUE(remote);
  ASSERT_EQ(remote->candidates.size(), 1u);
  EXPECT_EQ(remote->candidates[0].type, media::IceCandidate::Type::kServerReflexive);
  EXPECT_EQ(remote->candidates[0].at, *Endpoint::Parse("198.51.100.4:9000"));
  EXPECT_EQ(remote->candidates[0].priority, 5u);
  EXPECT_EQ(remote->candidates[0].foundation, "7");
  harness.Feed(MediaOpened{opened});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, Not(HasSubstr("candidate")));
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  const std::string answer = harness.Output<AnswerCaller>().sdp;
  EXPECT_THAT(answer, HasSubstr("a=candidate:2 1 udp 1694498815 203.0.113.7 40000 typ srflx raddr "
                                "10.0.0.5 rport 40001\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("ice-lite")));
}

// --- video ---

TEST(CallVideo, ATrunkThatTakesItIsOfferedItAndBothSidesAgree) {
  CallHarness harness(CallDirection::kFromBrowser, {.video = {"VP8"}});
  harness.Feed(Invited{testing::BrowserVideoSdp()});
  EXPECT_TRUE(harness.Media<media::OpenSession>().video);
  harness.Feed(MediaOpened{OpenedWithVideo()});
  const std::string offer = harness.Output<PlaceCallee>().offer;
  EXPECT_THAT(offer, HasSubstr("m=video 30002 RTP/AVPF 112\r\n"));
  EXPECT_THAT(offer, Not(HasSubstr("H264")));

  EXPECT_EQ(harness.Feed(CalleeAnswered{kCarrierWithVideo}), "ack update answer:200+sdp");
  const auto update = harness.Media<media::UpdateSession>();
  ASSERT_TRUE(update.trunk && update.trunk->video);
  EXPECT_EQ(update.trunk->video->rtp.ToString(), "127.0.0.2:40010");
  const auto* video = FindPayload(update, 96);
  ASSERT_TRUE(video);
  EXPECT_TRUE(video->video);
  EXPECT_EQ(video->trunk_pt, 112);
  EXPECT_EQ(video->clock_rate, 90000u);
  EXPECT_FALSE(FindPayload(update, 0)->video);
  EXPECT_EQ(FindPayload(update, 0)->codec, media::AudioCodec::kPcmu);
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("a=group:BUNDLE 0 1"));
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("UDP/TLS/RTP/SAVPF 96\r\n"));
}

TEST(CallVideo, ATrunkThatTakesNoneGetsAudioOnlyAndTheBrowserKeepsItsTwoSections) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.Feed(Invited{testing::BrowserVideoSdp()});
  EXPECT_FALSE(harness.Media<media::OpenSession>().video);
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, Not(HasSubstr("m=video")));
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("a=group:BUNDLE 0\r\n"));
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF"));
}

TEST(CallVideo, ACarrierThatRejectsItLeavesAnAudioCall) {
  CallHarness harness(CallDirection::kFromBrowser, {.video = {"VP8"}});
  harness.Feed(Invited{testing::BrowserVideoSdp()});
  harness.Feed(MediaOpened{OpenedWithVideo()});
  std::string answer = kCarrierWithVideo;
  answer.replace(answer.find("m=video 40010"), 13, "m=video 0");
  EXPECT_EQ(harness.Feed(CalleeAnswered{answer}), "ack update answer:200+sdp");
  EXPECT_FALSE(harness.Media<media::UpdateSession>().trunk->video);
  EXPECT_FALSE(FindPayload(harness.Media<media::UpdateSession>(), 96));
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF"));
}

TEST(CallVideo, ACarriersVideoReachesTheBrowserIfTheTrunkTakesIt) {
  CallHarness harness(CallDirection::kFromTrunk, {.video = {"VP8"}});
  harness.Feed(Invited{kCarrierWithVideo});
  EXPECT_TRUE(harness.Media<media::OpenSession>().video);
  harness.Feed(MediaOpened{OpenedWithVideo()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("m=video 20000 UDP/TLS/RTP/SAVPF"));
  std::string browser = testing::BrowserVideoSdp("active", "0");
  browser.replace(browser.find("SAVPF 96 97"), 11, "SAVPF 112");
  for (size_t at; (at = browser.find(":96 ")) != std::string::npos;)
    browser.replace(at, 4, ":112 ");
  harness.Feed(CalleeAnswered{browser});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("m=video 30002 RTP/AVPF 112"));
  const auto* video = FindPayload(harness.Media<media::UpdateSession>(), 112);
  ASSERT_TRUE(video);
  EXPECT_TRUE(video->video);
}

TEST(CallVideo, ATrunkWithoutVideoRefusesACarriers) {
  CallHarness harness(CallDirection::kFromTrunk);
  harness.Feed(Invited{kCarrierWithVideo});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, Not(HasSubstr("m=video")));
  harness.Feed(CalleeAnswered{testing::BrowserSdp("active", "0")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("m=video 0 RTP/AVPF"));
}

TEST(CallVideo, AReofferWithoutItTurnsItOffForBoth) {
  CallHarness harness(CallDirection::kFromBrowser, {.video = {"VP8"}});
  harness.Feed(Invited{testing::BrowserVideoSdp()});
  harness.Feed(MediaOpened{OpenedWithVideo()});
  harness.Feed(CalleeAnswered{kCarrierWithVideo});
  harness.Feed(CallerAcked{});
  std::string off = testing::BrowserVideoSdp();
  off.replace(off.find("m=video 9"), 9, "m=video 0");
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {9}, off}), "update reoffer:200");
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("m=video 0 "));
  EXPECT_FALSE(FindPayload(harness.Media<media::UpdateSession>(), 96));
}

// --- what the trunk numbers, shares and asks for ---

TEST(CallMedia, EachSideReceivesWithTheNumbersOfItsOwnDescription) {
  CallHarness harness(CallDirection::kFromBrowser, {.codecs = {"opus", "PCMU"}});
  std::string offer = testing::BrowserSdp("actpass", "111 0");
  offer += "a=rtpmap:111 opus/48000/2\r\n";
  harness.Feed(Invited{offer});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("a=rtpmap:96 opus/48000/2"));
  harness.Feed(
      CalleeAnswered{"v=0\r\no=c 1 1 IN IP4 127.0.0.2\r\ns=-\r\nc=IN IP4 127.0.0.2\r\nt=0 0\r\n"
                     "m=audio 40000 RTP/AVP 107\r\na=rtpmap:107 opus/48000/2\r\n"});
  const auto* opus = FindPayload(harness.Media<media::UpdateSession>(), 111);
  ASSERT_TRUE(opus);
  EXPECT_EQ(opus->trunk_pt, 107);
  EXPECT_EQ(opus->trunk_pt_in, 96);
}

TEST(CallMedia, RtcpSharesThePortWhereTheTrunkTakesIt) {
  TrunkPolicy policy;
  policy.sdp.rtcp_mux = true;
  CallHarness harness(CallDirection::kFromBrowser, policy);
  harness.DriveTo(CallState::kCalling);
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("a=rtcp-mux\r\n"));
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101") + "a=rtcp-mux\r\n"});
  EXPECT_TRUE(harness.Media<media::UpdateSession>().trunk->rtcp_mux);

  CallHarness alone(CallDirection::kFromBrowser, policy);
  alone.DriveTo(CallState::kCalling);
  alone.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_FALSE(alone.Media<media::UpdateSession>().trunk->rtcp_mux);
  EXPECT_EQ(alone.Media<media::UpdateSession>().trunk->rtcp.ToString(), "127.0.0.2:40001");
}

TEST(CallMedia, PacketTimesCrossTheRelayAsItDoesNotRepacketise) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.Feed(Invited{testing::BrowserSdp() + "a=ptime:40\r\na=maxptime:60\r\n"});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("a=ptime:40\r\n"));
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("a=maxptime:60\r\n"));
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101") + "a=ptime:30\r\n"});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("a=ptime:30\r\n"));
}

// --- ICE restart ---

TEST(CallMedia, AnIceRestartIsAnsweredWithNewCredentialsAndTheSameFingerprint) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  std::string restart = testing::BrowserSdp();
  restart.replace(restart.find("bRwS\r"), 4, "neWu");
  restart.replace(restart.find("bRwSbRwS"), 24, "neWpneWpneWpneWpneWpneWp");
  const media::IceCredentials fresh{.ufrag = "freshUfr", .pwd = "freshfreshfreshfreshfres"};
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {9}, restart, fresh}), "update reoffer:200");
  EXPECT_EQ(harness.Media<media::UpdateSession>().restart, fresh);
  EXPECT_EQ(harness.Media<media::UpdateSession>().browser->ice_ufrag, "neWu");
  const std::string answer = harness.Output<AnswerReoffer>().sdp;
  EXPECT_THAT(answer, HasSubstr("a=ice-ufrag:freshUfr\r\n"));
  EXPECT_THAT(answer, HasSubstr("a=ice-pwd:freshfreshfreshfreshfres\r\n"));
  EXPECT_THAT(answer, HasSubstr("a=fingerprint:sha-256 AB:AB:"));

  const media::IceCredentials unused{.ufrag = "unused00", .pwd = "unused"};
  harness.Feed(Reoffered{Party::kCaller, {10}, restart, unused});
  EXPECT_FALSE(harness.Media<media::UpdateSession>().restart);
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("a=ice-ufrag:freshUfr\r\n"));
}

// --- a browser that comes back on another connection ---

TEST(CallRebound, TheBrowserIsOfferedNewCredentialsTheSameSectionAndTheCodecsInUse) {
  for (const CallDirection direction : {CallDirection::kFromBrowser, CallDirection::kFromTrunk}) {
    CallHarness harness(direction);
    harness.DriveTo(CallState::kConnected);
    const media::IceCredentials fresh{.ufrag = "freshUfr", .pwd = "freshfreshfreshfreshfres"};
    EXPECT_EQ(harness.Feed(BrowserBack{fresh}), "update offer");
    EXPECT_EQ(harness.Media<media::UpdateSession>().restart, fresh);
    const SendOffer offer = harness.Output<SendOffer>();
    EXPECT_EQ(offer.party, harness.from_browser() ? Party::kCaller : Party::kCallee);
    EXPECT_THAT(offer.sdp, HasSubstr("a=ice-ufrag:freshUfr\r\n"));
    EXPECT_THAT(offer.sdp, HasSubstr("a=setup:actpass\r\n"));
    EXPECT_THAT(offer.sdp, HasSubstr("a=mid:0\r\n"));
    EXPECT_THAT(offer.sdp, HasSubstr("a=candidate:"));
    EXPECT_THAT(offer.sdp, HasSubstr("UDP/TLS/RTP/SAVPF 0 101\r\n"));

    std::string answer = testing::BrowserSdp("active", "0 101");
    answer.replace(answer.find("bRwS\r"), 4, "neWu");
    answer.replace(answer.find("bRwSbRwS"), 24, "neWpneWpneWpneWpneWpneWp");
    EXPECT_EQ(harness.Feed(OfferAnswered{offer.party, 200, answer}), "update");
    EXPECT_EQ(harness.Media<media::UpdateSession>().browser->ice_ufrag, "neWu");
    EXPECT_EQ(harness.call().state(), CallState::kConnected);
  }
}

TEST(CallRebound, ABrowserThatHungUpMeanwhileEndsTheCallWithoutABye) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  harness.Feed(BrowserBack{{"freshUfr", "freshfreshfreshfreshfres"}});
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCaller, 481, ""}), "bye:caller bye:callee close");
}

TEST(CallRefresh, TheBrowserIsOfferedWhatItHas) {
  for (const CallDirection direction : {CallDirection::kFromBrowser, CallDirection::kFromTrunk}) {
    CallHarness harness(direction);
    harness.DriveTo(CallState::kConnected);
    EXPECT_EQ(harness.Feed(RefreshDue{}), "offer");
    const SendOffer offer = harness.Output<SendOffer>();
    EXPECT_EQ(offer.party, harness.from_browser() ? Party::kCaller : Party::kCallee);
    EXPECT_THAT(offer.sdp, HasSubstr("a=ice-ufrag:gwUf\r\n"));
    EXPECT_THAT(offer.sdp, HasSubstr("a=setup:actpass\r\n"));
    EXPECT_THAT(offer.sdp, HasSubstr("a=sendrecv\r\n"));
    EXPECT_EQ(harness.Feed(OfferAnswered{offer.party, 200, testing::BrowserSdp("active", "0 101")}),
              "update");
    EXPECT_FALSE(harness.Media<media::UpdateSession>().restart);
    EXPECT_EQ(harness.call().state(), CallState::kConnected);
  }
}

TEST(CallRebound, ARefusedOfferLeavesTheCallUp) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  harness.Feed(BrowserBack{{"freshUfr", "freshfreshfreshfreshfres"}});
  for (const int status : {488, 500, 503}) {
    EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCaller, status, ""}), "");
  }
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

}  // namespace
}  // namespace lastmile::call

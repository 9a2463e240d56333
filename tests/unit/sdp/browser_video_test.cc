#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::string Both() { return Capture("chromium-156-audio-video-offer.sdp"); }
std::string AudioOnly() { return Capture("chromium-156-audio-offer.sdp"); }

std::vector<std::string> Names(const std::vector<Codec>& codecs) {
  std::vector<std::string> names;
  for (const Codec& codec : codecs) {
    names.push_back(codec.name + "=" + std::to_string(codec.payload_type));
  }
  return names;
}

BrowserMedia TakeOffer(BrowserLeg& leg, const std::string& offer) {
  auto media = leg.TakeOffer(offer);
  EXPECT_TRUE(media) << media.error().reason;
  return media ? std::move(*media) : BrowserMedia{};
}
// Answers audio and, where it can be, video.
std::string Answer(BrowserLeg& leg, const std::string& offer) {
  const BrowserMedia media = TakeOffer(leg, offer);
  const auto audio = CommonCodecs(media.codecs, CarrierCodecs());
  if (!media.video) return leg.BuildAnswer(BrowserLocal(audio));
  return leg.BuildAnswer(BrowserLocal(audio, CommonCodecs(media.video->codecs, VideoCodecs())));
}
std::optional<BrowserVideo> VideoOf(const std::string& offer) {
  BrowserLeg leg(1);
  return TakeOffer(leg, offer).video;
}
// An edit of the video section alone.
std::string ReplaceInVideo(const std::string& offer, std::string_view from, std::string_view to) {
  const size_t at = offer.find("m=video");
  return offer.substr(0, at) + Replace(offer.substr(at), from, to);
}

TEST(BrowserVideo, ReadsChromiumsCodecsWithTheFeedbackThatCrosses) {
  const auto video = VideoOf(Both());
  ASSERT_TRUE(video);
  EXPECT_EQ(video->direction, Direction::kSendRecv);
  EXPECT_THAT(Names(video->codecs),
              ElementsAre("VP8=96", "H264=102", "H264=104", "H264=108", "H264=114", "H264=116",
                          "H264=39", "AV1=45", "VP9=98", "VP9=100"));
  for (const Codec& codec : video->codecs) {
    EXPECT_THAT(codec.feedback, ElementsAre("nack", "nack pli", "ccm fir"));
  }
}

TEST(BrowserVideo, ReadsFirefoxsCodecs) {
  const auto video = VideoOf(Capture("firefox-153-audio-video-offer.sdp"));
  ASSERT_TRUE(video);
  EXPECT_EQ(video->codecs.front().name, "VP8");
  EXPECT_THAT(video->codecs.front().feedback, ElementsAre("nack", "nack pli", "ccm fir"));
}

TEST(BrowserVideo, IsAnsweredInTheBundleOfTheAudio) {
  BrowserLeg leg(1);
  const std::string answer = Answer(leg, Both());
  EXPECT_THAT(answer, HasSubstr("a=group:BUNDLE 0 1\r\n"));
  EXPECT_THAT(answer, HasSubstr("m=audio 20000 UDP/TLS/RTP/SAVPF 0 8 126\r\n"));
  EXPECT_EQ(SectionOf(answer, 1), Crlf("m=video 20000 UDP/TLS/RTP/SAVPF 96 108\n"
                                       "c=IN IP4 192.0.2.10\n"
                                       "a=mid:1\n"
                                       "a=sendrecv\n"
                                       "a=rtcp-mux\n"
                                       "a=ice-ufrag:gwUf\n"
                                       "a=ice-pwd:gatewaypasswordof24chars\n"
                                       "a=fingerprint:sha-256 "
                                       "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"
                                       "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\n"
                                       "a=setup:passive\n"
                                       "a=rtpmap:96 VP8/90000\n"
                                       "a=rtcp-fb:96 nack\n"
                                       "a=rtcp-fb:96 nack pli\n"
                                       "a=rtcp-fb:96 ccm fir\n"
                                       "a=rtpmap:108 H264/90000\n"
                                       "a=fmtp:108 packetization-mode=1;profile-level-id=42e01f\n"
                                       "a=rtcp-fb:108 nack pli\n"));
}

TEST(BrowserVideo, IsRefusedByTheValues) {
  BrowserLeg leg(1);
  const BrowserMedia media = TakeOffer(leg, Both());
  BrowserLocalMedia local = BrowserLocal(CommonCodecs(media.codecs, CarrierCodecs()));
  const std::string refused = leg.BuildAnswer(local);
  EXPECT_THAT(refused, HasSubstr("a=group:BUNDLE 0\r\n"));
  EXPECT_EQ(SectionOf(refused, 1), Crlf("m=video 0 UDP/TLS/RTP/SAVPF 96\n"
                                        "c=IN IP4 0.0.0.0\n"
                                        "a=inactive\n"
                                        "a=mid:1\n"));
  local.video = BrowserLocalVideo{};  // without a codec there is nothing to answer with
  EXPECT_EQ(leg.BuildAnswer(local), refused);
}

TEST(BrowserVideo, HasItsOwnDirection) {
  BrowserLeg leg(1);
  const BrowserMedia media = TakeOffer(leg, ReplaceInVideo(Both(), "a=sendrecv", "a=sendonly"));
  ASSERT_TRUE(media.video);
  EXPECT_EQ(media.video->direction, Direction::kSendOnly);
  EXPECT_EQ(media.direction, Direction::kSendRecv);
  const std::string answer = leg.BuildAnswer(BrowserLocal(media.codecs, media.video->codecs));
  EXPECT_THAT(SectionOf(answer, 0), HasSubstr("a=sendrecv\r\n"));
  EXPECT_THAT(SectionOf(answer, 1), HasSubstr("a=recvonly\r\n"));
}

TEST(BrowserVideo, ThatCannotBeUsedRefusesNothingAndIsNeverAnswered) {
  const size_t video = Both().find("m=video");
  const std::string formats = LineWith(Both(), "m=video");
  const std::string offers[] = {
      ReplaceInVideo(Both(), "a=rtcp-mux\r\n", ""),
      ReplaceInVideo(Both(), "m=video 44668", "m=video 0"),
      ReplaceInVideo(Both(), "UDP/TLS/RTP/SAVPF", "RTP/AVPF"),
      ReplaceInVideo(Both(), "a=mid:1\r\n", ""),
      ReplaceInVideo(Both(), "a=mid:1", "a=mid:2"),
      ReplaceInVideo(Both(), "m=video", "m=text"),
      ReplaceInVideo(Both(), formats, "m=video 44668 UDP/TLS/RTP/SAVPF 97 118 119 120"),
      Replace(Both(), "BUNDLE 0 1", "BUNDLE 0"),
      Replace(Both(), "BUNDLE 0 1", "LS 0 1"),
      Replace(Both(), "a=group:BUNDLE 0 1", "a=group:BUNDLE 0\r\na=group:BUNDLE 1"),
  };
  ASSERT_NE(video, std::string::npos);
  for (const std::string& offer : offers) {
    BrowserLeg leg(1);
    const BrowserMedia media = TakeOffer(leg, offer);
    EXPECT_FALSE(media.video);
    const std::string answer = leg.BuildAnswer(BrowserLocal(media.codecs, VideoCodecs()));
    EXPECT_THAT(answer, Not(HasSubstr("BUNDLE 0 1")));
    EXPECT_THAT(SectionOf(answer, 1), HasSubstr(" 0 ")) << answer;
  }
}

TEST(BrowserVideo, OnlyTheFirstSectionThatCanBeUsedCounts) {
  const std::string video = SectionOf(Both(), 1);
  const std::string offer = Replace(Both(), "BUNDLE 0 1", "BUNDLE 0 1 2 3") +
                            Replace(video, "a=mid:1", "a=mid:2") +
                            Replace(video, "a=mid:1", "a=mid:3");
  BrowserLeg leg(1);
  EXPECT_THAT(Answer(leg, ReplaceInVideo(offer, "a=rtcp-mux\r\n", "")),
              HasSubstr("a=group:BUNDLE 0 2\r\n"));
  // The one in use stays the one in use, although now the first one could be used.
  const std::string answer = Answer(leg, offer);
  EXPECT_THAT(answer, HasSubstr("a=group:BUNDLE 0 2\r\n"));
  EXPECT_THAT(SectionOf(answer, 1), HasSubstr("m=video 0 "));
  EXPECT_THAT(SectionOf(answer, 2), HasSubstr("m=video 20000 "));
  EXPECT_THAT(SectionOf(answer, 3), HasSubstr("m=video 0 "));
}

TEST(BrowserVideo, BundleOnlySectionsTakeTheTransportOfTheFirst) {
  // Chromium with max-bundle, and an offer whose first section is the video.
  const std::string bundle_only = ReplaceInVideo(
      ReplaceInVideo(Both(), "m=video 44668", "m=video 0"), "a=mid:1", "a=bundle-only\r\na=mid:1");
  EXPECT_TRUE(VideoOf(ReplaceInVideo(bundle_only, "a=rtcp-mux\r\n", "")));

  std::string audio = SectionOf(Both(), 0);
  for (const char* line : {"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=rtcp-mux"}) {
    audio = Without(audio, line);
  }
  audio = Replace(Replace(audio, "m=audio 55646", "m=audio 0"), "a=mid", "a=bundle-only\r\na=mid");
  const std::string head = Both().substr(0, Both().find("m=audio"));
  const std::string offer =
      Replace(head, "BUNDLE 0 1", "BUNDLE 1 0") + SectionOf(Both(), 1) + audio;
  BrowserLeg leg(1);
  const BrowserMedia media = TakeOffer(leg, offer);
  EXPECT_EQ(media.ice_ufrag, "BhVo");
  EXPECT_EQ(media.fingerprints.size(), 1u);
  EXPECT_EQ(media.setup, Setup::kActpass);
  ASSERT_TRUE(media.video);
  const std::string answer = Answer(leg, offer);
  EXPECT_THAT(answer, HasSubstr("a=group:BUNDLE 1 0\r\n"));
  EXPECT_THAT(SectionOf(answer, 0), HasSubstr("m=video 20000 "));
}

TEST(BrowserVideo, IsAddedRemovedAndAddedAgainByTheBrowser) {
  BrowserLeg leg(1);
  const std::string removed =
      Replace(ReplaceInVideo(Both(), "m=video 44668", "m=video 0"), "BUNDLE 0 1", "BUNDLE 0");
  Answer(leg, Replace(Replace(AudioOnly(), "sHf8", "BhVo"), "qKOEZPOMM8sK4FqyNiGwFzhN",
                      "6F5MRVz0jG4QWYAdx4qirx4v"));
  for (int turn = 0; turn < 3; ++turn) {
    const std::string with = Answer(leg, Both());
    EXPECT_THAT(with, HasSubstr("a=group:BUNDLE 0 1\r\n"));
    EXPECT_THAT(SectionOf(with, 1), HasSubstr("m=video 20000 "));
    const std::string without = Answer(leg, removed);
    EXPECT_THAT(without, HasSubstr("a=group:BUNDLE 0\r\n"));
    EXPECT_THAT(SectionOf(without, 1), HasSubstr("m=video 0 "));
    EXPECT_THAT(SectionOf(without, 1), HasSubstr("a=mid:1\r\n"));
  }
}

TEST(BrowserVideo, IsOfferedBehindTheAudioAndItsLineStaysForLife) {
  BrowserLeg leg(1);
  const std::string offer = leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_THAT(offer, HasSubstr("a=group:BUNDLE 0 1\r\n"));
  EXPECT_THAT(SectionOf(offer, 1), HasSubstr("m=video 20000 UDP/TLS/RTP/SAVPF 112 113\r\n"));
  EXPECT_THAT(SectionOf(offer, 1), HasSubstr("a=setup:actpass\r\n"));
  EXPECT_THAT(SectionOf(offer, 1), HasSubstr("a=rtcp-fb:112 ccm fir\r\n"));
  // What the gateway offers, a browser could have offered.
  const std::string answer = Replace(offer, "a=setup:actpass", "a=setup:active");
  auto media = leg.TakeAnswer(answer);
  ASSERT_TRUE(media) << media.error().reason;
  ASSERT_TRUE(media->video);
  EXPECT_EQ(media->video->codecs, VideoCodecs());

  const std::string without = leg.BuildOffer(BrowserLocal(CarrierCodecs()));
  EXPECT_THAT(without, HasSubstr("a=group:BUNDLE 0\r\n"));
  EXPECT_EQ(SectionOf(without, 1),
            Crlf("m=video 0 UDP/TLS/RTP/SAVPF 112\nc=IN IP4 0.0.0.0\na=inactive\na=mid:1\n"));
  auto rejected = leg.TakeAnswer(Replace(without, "a=setup:actpass", "a=setup:active"));
  ASSERT_TRUE(rejected);
  EXPECT_FALSE(rejected->video);
  const std::string again = leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_EQ(SectionOf(again, 1), SectionOf(offer, 1));
}

TEST(BrowserVideo, AnOfferThatIsNotAnsweredLeavesTheSessionAsItWas) {
  BrowserLeg leg(1);
  Answer(leg, AudioOnly());
  leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  // The browser refused it, and still has one m-line.
  EXPECT_THAT(Answer(leg, AudioOnly()), Not(HasSubstr("m=video")));
  leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_FALSE(leg.TakeAnswer("v=0\r\n"));
  EXPECT_THAT(Answer(leg, AudioOnly()), Not(HasSubstr("m=video")));
}

TEST(BrowserVideo, IsOfferedOnTheLineTheBrowserHadForIt) {
  BrowserLeg leg(1);
  const BrowserMedia media = TakeOffer(leg, ReplaceInVideo(Both(), "a=rtcp-mux\r\n", ""));
  leg.BuildAnswer(BrowserLocal(CommonCodecs(media.codecs, CarrierCodecs())));
  const std::string offer = leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_THAT(SectionOf(offer, 1), HasSubstr("m=video 20000 "));
  EXPECT_EQ(SectionOf(offer, 2), "");
}

TEST(BrowserVideo, IsNotOfferedWhereThereIsNoPlaceForIt) {
  const std::string plain = Without(AudioOnly(), "a=group");
  BrowserLeg unbundled(1);
  Answer(unbundled, plain);
  EXPECT_THAT(unbundled.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs())),
              Not(HasSubstr("m=video")));
  // A line of another protocol or without a mid is not the browser's line for video; eight lines
  // are all that are read.
  std::string eight = AudioOnly();
  for (const char* line : {"video 9 RTP/AVP 31", "video 9 UDP/TLS/RTP/SAVPF 96", "text 9 TCP x",
                           "text 9 TCP x", "text 9 TCP x", "text 9 TCP x"}) {
    eight += std::string("m=") + line + "\r\n";
  }
  BrowserLeg full(1);
  Answer(full, eight + "m=text 9 TCP x\r\n");
  EXPECT_THAT(full.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs())),
              HasSubstr("a=group:BUNDLE 0\r\n"));
  BrowserLeg seven(1);
  Answer(seven, eight);
  EXPECT_THAT(seven.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs())),
              HasSubstr("a=group:BUNDLE 0 7\r\n"));
}

TEST(BrowserVideo, GetsAMidThatNobodyHas) {
  BrowserLeg leg(1);
  Answer(leg, Replace(Replace(AudioOnly(), "a=mid:0", "a=mid:1"), "BUNDLE 0", "BUNDLE 1"));
  const std::string offer = leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_THAT(offer, HasSubstr("a=group:BUNDLE 1 2\r\n"));
}

TEST(BrowserVideo, AnswersKeepWhatWasOffered) {
  const auto taken = [](std::string_view from, std::string_view to) {
    BrowserLeg leg(1);
    const std::string offer = leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
    const std::string answer = Replace(offer, "a=setup:actpass", "a=setup:active");
    auto media = leg.TakeAnswer(Replace(answer, from, to));
    EXPECT_TRUE(media) << media.error().reason;
    return media ? std::move(media->video) : std::nullopt;
  };
  EXPECT_FALSE(taken("m=video 20000", "m=video 0"));
  EXPECT_FALSE(taken("BUNDLE 0 1", "BUNDLE 0"));
  EXPECT_FALSE(taken("SAVPF 112 113", "SAVPF 120"));
  const auto vp9 = taken("SAVPF 112 113", "SAVPF 120\r\na=rtpmap:120 VP9/90000");
  EXPECT_FALSE(vp9);
  const auto h264 = taken("SAVPF 112 113", "SAVPF 113");
  ASSERT_TRUE(h264);
  EXPECT_THAT(Names(h264->codecs), ElementsAre("H264=113"));
  // The transport of the bundle is said once.
  BrowserLeg leg(1);
  const std::string offer = leg.BuildOffer(BrowserLocal(CarrierCodecs(), VideoCodecs()));
  std::string video = SectionOf(offer, 1);
  for (const char* line : {"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=rtcp-mux"}) {
    video = Without(video, line);
  }
  auto media = leg.TakeAnswer(
      Replace(Replace(offer, SectionOf(offer, 1), video), "a=setup:actpass", "a=setup:active"));
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_TRUE(media->video);
}

// --- ICE restart ---

std::string WithCredentials(std::string offer, std::string_view ufrag, std::string_view pwd) {
  offer = Replace(offer, LineWith(offer, "a=ice-ufrag"), "a=ice-ufrag:" + std::string(ufrag));
  return Replace(offer, LineWith(offer, "a=ice-pwd"), "a=ice-pwd:" + std::string(pwd));
}
constexpr const char* kPwd1 = "firstpasswordof26characters";
constexpr const char* kPwd2 = "otherpasswordof26characters";

TEST(BrowserIce, ARestartChangesBothCredentials) {
  BrowserLeg leg(1);
  const std::string first = WithCredentials(AudioOnly(), "one1", kPwd1);
  EXPECT_FALSE(TakeOffer(leg, first).ice_restart);
  Answer(leg, first);
  EXPECT_FALSE(TakeOffer(leg, first).ice_restart);
  const std::string restart = WithCredentials(AudioOnly(), "two2", kPwd2);
  EXPECT_TRUE(TakeOffer(leg, restart).ice_restart);
  EXPECT_TRUE(TakeOffer(leg, restart).ice_restart);  // it is not answered yet
  Answer(leg, restart);
  EXPECT_FALSE(TakeOffer(leg, restart).ice_restart);
}

TEST(BrowserIce, OneCredentialAloneIsRefused) {
  BrowserLeg leg(1);
  Answer(leg, WithCredentials(AudioOnly(), "one1", kPwd1));
  auto ufrag = leg.TakeOffer(WithCredentials(AudioOnly(), "two2", kPwd1));
  ASSERT_FALSE(ufrag);
  EXPECT_EQ(ufrag.error().reason,
            "SDP line 8, column 3: a=ice-ufrag is new and a=ice-pwd is not: an ICE restart changes "
            "both");
  auto pwd = leg.TakeOffer(WithCredentials(AudioOnly(), "one1", kPwd2));
  ASSERT_FALSE(pwd);
  EXPECT_THAT(pwd.error().reason, HasSubstr("a=ice-pwd is new and a=ice-ufrag is not"));
}

TEST(BrowserIce, AnAnswerMayRestartToo) {
  BrowserLeg leg(1);
  const auto answer = [&](std::string_view ufrag, std::string_view pwd) {
    leg.BuildOffer(BrowserLocal(CarrierCodecs()));
    return leg.TakeAnswer(WithCredentials(Capture("chromium-156-audio-answer.sdp"), ufrag, pwd));
  };
  EXPECT_FALSE(answer("one1", kPwd1)->ice_restart);
  EXPECT_FALSE(answer("one1", kPwd1)->ice_restart);
  EXPECT_TRUE(answer("two2", kPwd2)->ice_restart);
  EXPECT_FALSE(answer("two2", kPwd1));
}

}  // namespace
}  // namespace lastmile::sdp

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view kCarrier =
    "v=0\n"
    "o=pbx 1 1 IN IP4 203.0.113.5\n"
    "s=-\n"
    "c=IN IP4 203.0.113.5\n"
    "t=0 0\n"
    "m=audio 40000 RTP/AVP 0 101\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "m=video 40002 RTP/AVPF 97 34 98\n"
    "a=rtpmap:97 H264/90000\n"
    "a=fmtp:97 profile-level-id=42801F; packetization-mode=1\n"
    "a=rtpmap:98 VP8/90000\n"
    "a=rtcp-fb:* nack pli\n"
    "a=rtcp-fb:98 ccm fir\n"
    "a=rtcp-fb:98 ccm tmmbr\n"
    "a=rtcp-fb:nonsense\n";
std::string Carrier() { return Crlf(kCarrier); }

std::vector<std::string> Names(const std::vector<Codec>& codecs) {
  std::vector<std::string> names;
  for (const Codec& codec : codecs) {
    names.push_back(codec.name + "=" + std::to_string(codec.payload_type));
  }
  return names;
}

TrunkMedia TakeOffer(TrunkLeg& leg, const std::string& offer) {
  auto media = leg.TakeOffer(offer);
  EXPECT_TRUE(media) << media.error().reason;
  return media ? std::move(*media) : TrunkMedia{};
}
std::string Answer(TrunkLeg& leg, const std::string& offer) {
  const TrunkMedia media = TakeOffer(leg, offer);
  if (!media.video) return leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  return leg.BuildAnswer(TrunkLocal(CarrierCodecs(), media.video->codecs));
}
std::optional<TrunkVideo> VideoOf(const std::string& offer) {
  TrunkLeg leg(1);
  return TakeOffer(leg, offer).video;
}

TEST(TrunkVideo, IsOfferedBehindTheAudio) {
  TrunkLeg leg(9);
  const std::string offer = leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_EQ(offer, Crlf("v=0\n"
                        "o=- 9 1 IN IP4 198.51.100.20\n"
                        "s=-\n"
                        "c=IN IP4 198.51.100.20\n"
                        "t=0 0\n"
                        "m=audio 30000 RTP/AVP 0 8 101\n"
                        "a=rtpmap:0 PCMU/8000\n"
                        "a=rtpmap:8 PCMA/8000\n"
                        "a=rtpmap:101 telephone-event/8000\n"
                        "a=fmtp:101 0-15\n"
                        "m=video 30002 RTP/AVPF 112 113\n"
                        "a=rtpmap:112 VP8/90000\n"
                        "a=rtcp-fb:112 nack\n"
                        "a=rtcp-fb:112 nack pli\n"
                        "a=rtcp-fb:112 ccm fir\n"
                        "a=rtpmap:113 H264/90000\n"
                        "a=fmtp:113 packetization-mode=1;profile-level-id=42e01f\n"
                        "a=rtcp-fb:113 nack pli\n"));
  EXPECT_EQ(leg.said(), CarrierCodecs());
  EXPECT_EQ(leg.said_video(), VideoCodecs());
}

TEST(TrunkVideo, WithoutFeedbackIsPlainAvp) {
  std::vector<Codec> video = VideoCodecs();
  for (Codec& codec : video) codec.feedback.clear();
  const std::string offer = TrunkLeg(9).BuildOffer(TrunkLocal(CarrierCodecs(), video));
  EXPECT_THAT(offer, HasSubstr("m=video 30002 RTP/AVP 112 113\r\n"));
  EXPECT_THAT(offer, Not(HasSubstr("rtcp-fb")));
}

TEST(TrunkVideo, SaysItsOwnAddressRtcpPortAndDirection) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs(), VideoCodecs());
  local.video->rtp = *Endpoint::Parse("[2001:db8::5]:31000");
  local.video->rtcp = *Endpoint::Parse("[2001:db8::5]:31009");
  local.video->direction = Direction::kRecvOnly;
  const std::string offer = TrunkLeg(9).BuildOffer(local);
  EXPECT_THAT(offer, HasSubstr("m=video 31000 RTP/AVPF 112 113\r\n"
                               "c=IN IP6 2001:db8::5\r\n"
                               "a=rtcp:31009\r\n"
                               "a=rtpmap:112 "));
  EXPECT_TRUE(offer.ends_with("a=recvonly\r\n"));
  EXPECT_THAT(SectionOf(offer, 0), Not(HasSubstr("c=")));
}

TEST(TrunkVideo, ReadsTheCarriersAnswer) {
  TrunkLeg leg(9);
  leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  const std::string answer = Replace(Carrier(), "42801F", "42E01F") + "c=IN IP4 203.0.113.9\r\n" +
                             "a=rtcp:40009\r\na=sendonly\r\n";
  auto media = leg.TakeAnswer(answer);
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->rtp.ToString(), "203.0.113.5:40000");
  EXPECT_EQ(media->direction, Direction::kSendRecv);
  ASSERT_TRUE(media->video);
  EXPECT_EQ(media->video->rtp.ToString(), "203.0.113.9:40002");
  EXPECT_EQ(media->video->rtcp.ToString(), "203.0.113.9:40009");
  EXPECT_EQ(media->video->direction, Direction::kSendOnly);
  EXPECT_FALSE(media->video->held);
  EXPECT_THAT(Names(media->video->codecs), ElementsAre("H264=97", "VP8=98"));
  EXPECT_THAT(media->video->codecs[0].feedback, ElementsAre("nack pli"));
  EXPECT_THAT(media->video->codecs[1].feedback, ElementsAre("nack pli", "ccm fir"));
  // The answer to the browser has of its feedback what the carrier has.
  const auto common = CommonCodecs(VideoCodecs(), media->video->codecs);
  EXPECT_THAT(Names(common), ElementsAre("H264=113", "VP8=112"));
  EXPECT_THAT(common[1].feedback, ElementsAre("nack pli", "ccm fir"));
}

TEST(TrunkVideo, AnAnswerThatCannotBeUsedHasNoVideo) {
  const auto taken = [](const std::string& answer) {
    TrunkLeg leg(9);
    leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
    auto media = leg.TakeAnswer(answer);
    EXPECT_TRUE(media) << media.error().reason;
    return media && media->video;
  };
  EXPECT_TRUE(taken(Carrier()));
  EXPECT_FALSE(taken(Replace(Carrier(), "m=video 40002", "m=video 0")));
  EXPECT_FALSE(taken(Replace(Carrier(), "m=video", "m=text")));
  EXPECT_FALSE(taken(Replace(Carrier(), "RTP/AVPF", "RTP/SAVPF")));
  EXPECT_FALSE(taken(Replace(Carrier(), "97 34 98", "34")));
  EXPECT_FALSE(taken(Carrier() + "c=IN IP4 224.1.1.1/3\r\n"));
  // Baseline was not offered, and is another format than constrained baseline.
  EXPECT_FALSE(taken(Replace(Carrier(), "97 34 98", "97")));
  TrunkLeg audio_only(9);
  audio_only.BuildOffer(TrunkLocal(CarrierCodecs()));
  EXPECT_FALSE(audio_only.TakeAnswer(Carrier()));
}

TEST(TrunkVideo, IsHeldByItsAddressToo) {
  const auto video = VideoOf(Carrier() + "c=IN IP4 0.0.0.0\r\n");
  ASSERT_TRUE(video);
  EXPECT_TRUE(video->held);
  EXPECT_EQ(video->rtp, Endpoint{});
}

TEST(TrunkVideo, IsAnsweredOrRefusedByTheValues) {
  TrunkLeg leg(9);
  const std::string answer = Answer(leg, Carrier() + "a=recvonly\r\n");
  EXPECT_EQ(SectionOf(answer, 1), Crlf("m=video 30002 RTP/AVPF 97 98\n"
                                       "a=rtpmap:97 H264/90000\n"
                                       "a=fmtp:97 profile-level-id=42801F; packetization-mode=1\n"
                                       "a=rtcp-fb:97 nack pli\n"
                                       "a=rtpmap:98 VP8/90000\n"
                                       "a=rtcp-fb:98 nack pli\n"
                                       "a=rtcp-fb:98 ccm fir\n"
                                       "a=sendonly\n"));
  EXPECT_THAT(Names(leg.said_video()), ElementsAre("H264=97", "VP8=98"));
  const std::string refused = leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  EXPECT_EQ(SectionOf(refused, 1), "m=video 0 RTP/AVPF 97\r\n");
  EXPECT_THAT(leg.said_video(), IsEmpty());
  TrunkLeg plain(9);
  EXPECT_THAT(Answer(plain, Replace(Carrier(), "RTP/AVPF", "RTP/AVP")), Not(HasSubstr("rtcp-fb")));
  TrunkLeg none(9);
  TakeOffer(none, Replace(Carrier(), "m=video 40002", "m=video 0"));
  EXPECT_THAT(none.BuildAnswer(TrunkLocal(CarrierCodecs(), VideoCodecs())),
              HasSubstr("m=video 0 RTP/AVPF 97\r\n"));
}

TEST(TrunkVideo, IsAddedRemovedAndAddedAgainByTheCarrier) {
  TrunkLeg leg(9);
  Answer(leg, Carrier().substr(0, Carrier().find("m=video")));
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_THAT(SectionOf(Answer(leg, Carrier()), 1), HasSubstr("m=video 30002 "));
    EXPECT_EQ(SectionOf(Answer(leg, Replace(Carrier(), "m=video 40002", "m=video 0")), 1),
              "m=video 0 RTP/AVPF 97\r\n");
  }
}

TEST(TrunkVideo, IsAddedRemovedAndAddedAgainByTheGateway) {
  TrunkLeg leg(9);
  const auto offer = [&](const TrunkLocalMedia& local) {
    std::string text = leg.BuildOffer(local);
    EXPECT_TRUE(leg.TakeAnswer(text));  // each description of the gateway can be read as an answer
    return text;
  };
  EXPECT_EQ(SectionOf(offer(TrunkLocal(CarrierCodecs())), 1), "");
  for (int turn = 0; turn < 3; ++turn) {
    EXPECT_THAT(SectionOf(offer(TrunkLocal(CarrierCodecs(), VideoCodecs())), 1),
                HasSubstr("m=video 30002 RTP/AVPF 112 113\r\n"));
    EXPECT_EQ(SectionOf(offer(TrunkLocal(CarrierCodecs())), 1), "m=video 0 RTP/AVPF 112\r\n");
  }
}

TEST(TrunkVideo, IsOfferedOnTheLineTheCarrierHadForIt) {
  TrunkLeg leg(9);
  TakeOffer(leg, Replace(Carrier(), "40002 RTP/AVPF", "0 RTP/AVP"));
  leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  const std::string offer = leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_THAT(SectionOf(offer, 1), HasSubstr("m=video 30002 RTP/AVP 112 113\r\n"));
  EXPECT_THAT(offer, Not(HasSubstr("rtcp-fb")));
  // Not on one of a protocol that has nothing to do with it.
  TrunkLeg other(9);
  TakeOffer(other, Replace(Carrier(), "40002 RTP/AVPF", "0 TCP/MRCP"));
  other.BuildAnswer(TrunkLocal(CarrierCodecs()));
  const std::string added = other.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_THAT(SectionOf(added, 1), HasSubstr("m=video 0 TCP/MRCP"));
  EXPECT_THAT(SectionOf(added, 2), HasSubstr("m=video 30002 "));
}

TEST(TrunkVideo, IsNotOfferedAsTheNinthLine) {
  std::string offer = Carrier().substr(0, Carrier().find("m=video"));
  for (int i = 0; i < 7; ++i) offer += "m=text 9 TCP x\r\n";
  TrunkLeg leg(9);
  Answer(leg, offer);
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs())),
              Not(HasSubstr("m=video")));
  EXPECT_THAT(leg.said_video(), IsEmpty());
}

TEST(TrunkVideo, AnOfferThatIsNotAnsweredLeavesTheSessionAsItWas) {
  TrunkLeg leg(9);
  const std::string audio = Carrier().substr(0, Carrier().find("m=video"));
  Answer(leg, audio);
  leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_THAT(Answer(leg, audio), Not(HasSubstr("m=video")));
}

// --- packet times, RTCP on RTP's port, numbers by direction ---

TEST(TrunkMedia, PacketTimesAreReadAndWritten) {
  TrunkLeg leg(9);
  std::string offer = Carrier();
  offer = Replace(offer, "m=video", "a=ptime:30\r\na=maxptime:60\r\nm=video");
  const TrunkMedia media = TakeOffer(leg, offer);
  EXPECT_EQ(media.ptime, 30);
  EXPECT_EQ(media.maxptime, 60);
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.ptime = 30;
  local.maxptime = 60;
  EXPECT_THAT(SectionOf(leg.BuildAnswer(local), 0), HasSubstr("a=ptime:30\r\na=maxptime:60\r\n"));
  const TrunkMedia odd = TakeOffer(leg, Replace(offer, "maxptime:60", "maxptime:6.5"));
  EXPECT_EQ(odd.maxptime, std::nullopt);

  BrowserLeg browser(1);
  auto from_browser =
      browser.TakeOffer(Capture("chromium-156-audio-offer.sdp") + "a=maxptime:120\r\n");
  ASSERT_TRUE(from_browser);
  EXPECT_EQ(from_browser->maxptime, 120);
  BrowserLocalMedia to_browser = BrowserLocal(CommonCodecs(from_browser->codecs, CarrierCodecs()));
  to_browser.maxptime = 60;
  EXPECT_TRUE(browser.BuildAnswer(to_browser).ends_with("a=maxptime:60\r\n"));
}

TEST(TrunkMedia, RtcpSharesThePortWhereBothSidesWantIt) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs(), VideoCodecs());
  local.rtcp_mux = true;
  TrunkLeg leg(9);
  const std::string offer = leg.BuildOffer(local);
  EXPECT_THAT(SectionOf(offer, 0), HasSubstr("a=rtcp-mux\r\n"));
  EXPECT_THAT(SectionOf(offer, 1), HasSubstr("a=rtcp-mux\r\n"));
  auto muxed = leg.TakeAnswer(Replace(Carrier(), "m=video", "a=rtcp-mux\r\nm=video"));
  ASSERT_TRUE(muxed && muxed->video);
  EXPECT_TRUE(muxed->rtcp_mux);
  EXPECT_EQ(muxed->rtcp, muxed->rtp);
  EXPECT_FALSE(muxed->video->rtcp_mux);
  EXPECT_EQ(muxed->video->rtcp.port, 40003);
  // It was not offered: the line says nothing.
  TrunkLeg plain(9);
  plain.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  auto unasked = plain.TakeAnswer(Carrier() + "a=rtcp-mux\r\n");
  ASSERT_TRUE(unasked && unasked->video);
  EXPECT_FALSE(unasked->video->rtcp_mux);
}

TEST(TrunkMedia, RtcpMuxIsAnsweredWhereItWasOffered) {
  const std::string offer = Replace(Carrier(), "m=video", "a=rtcp-mux\r\nm=video");
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs(), VideoCodecs());
  local.rtcp_mux = true;
  local.rtcp.port = local.rtp.port;
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {}, .rtcp_mux = true});
  const TrunkMedia media = TakeOffer(leg, offer);
  EXPECT_TRUE(media.rtcp_mux);
  EXPECT_EQ(media.rtcp, media.rtp);
  const std::string answer = leg.BuildAnswer(local);
  EXPECT_THAT(SectionOf(answer, 0), HasSubstr("a=rtcp-mux\r\n"));
  EXPECT_THAT(SectionOf(answer, 0), Not(HasSubstr("a=rtcp:")));
  EXPECT_THAT(SectionOf(answer, 1), Not(HasSubstr("a=rtcp-mux")));
  local.rtcp_mux = false;
  EXPECT_THAT(leg.BuildAnswer(local), Not(HasSubstr("a=rtcp-mux")));
  // A trunk that does not: RTCP goes where it would without the line.
  TrunkLeg without(9);
  const TrunkMedia apart = TakeOffer(without, offer);
  EXPECT_FALSE(apart.rtcp_mux);
  EXPECT_EQ(apart.rtcp.port, 40001);
}

TEST(TrunkMedia, EachSideReceivesWithTheNumbersOfItsOwnDescription) {
  TrunkLeg leg(9);
  EXPECT_THAT(leg.said(), IsEmpty());
  leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  auto media =
      leg.TakeAnswer(Replace(Replace(Carrier(), "0 101", "0 96"), "a=rtpmap:101", "a=rtpmap:96"));
  ASSERT_TRUE(media && media->video);
  const auto audio = PairCodecs(CarrierCodecs(), media->codecs, leg.said());
  ASSERT_EQ(audio.size(), 2u);
  EXPECT_EQ(audio[1].trunk.payload_type, 96);
  EXPECT_EQ(audio[1].trunk_in.payload_type, 101);
  const auto video = PairCodecs(VideoCodecs(), media->video->codecs, leg.said_video());
  ASSERT_EQ(video.size(), 1u);
  EXPECT_EQ(video[0].trunk.payload_type, 98);
  EXPECT_EQ(video[0].trunk_in.payload_type, 112);
  // What the gateway did not say is not received, what the browser has twice is paired once.
  EXPECT_THAT(PairCodecs(CarrierCodecs(), media->codecs, {}), IsEmpty());
  std::vector<Codec> twice = CarrierCodecs();
  twice.push_back(twice[0]);
  EXPECT_EQ(PairCodecs(twice, media->codecs, leg.said()).size(), 2u);
}

TEST(TrunkMedia, SaidIsWhatRulesAndBudgetLeave) {
  TrunkLeg leg(9);
  TrunkProfile profile;
  Rule rule{.id = "no-pcma", .action = RuleAction::kDelete, .target = {}, .value = {}};
  rule.target.media = "audio";
  rule.target.line = "m=audio";
  rule.target.token = "8";
  profile.rules = {rule};
  profile.max_sdp_bytes = 290;
  leg.SetProfile(profile);
  leg.BuildOffer(TrunkLocal(CarrierCodecs(), VideoCodecs()));
  EXPECT_TRUE(leg.last_build().fits);
  EXPECT_THAT(Names(leg.said()), ElementsAre("PCMU=0", "telephone-event=101"));
  EXPECT_THAT(Names(leg.said_video()), ElementsAre("VP8=112"));
  // What is not said is not taken.
  auto media = leg.TakeAnswer(Replace(Replace(Carrier(), "42801F", "42E01F"), "97 34 98", "97"));
  ASSERT_TRUE(media);
  EXPECT_FALSE(media->video);
}

}  // namespace
}  // namespace lastmile::sdp

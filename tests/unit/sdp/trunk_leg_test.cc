#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr uint64_t kId = 0xFFFFFFFF00000009;  // only 32 bits show

constexpr std::string_view kCarrierAnswer =
    "v=0\n"
    "o=sbc 100 200 IN IP4 203.0.113.5\n"
    "s=call\n"
    "c=IN IP4 203.0.113.5\n"
    "t=0 0\n"
    "m=audio 40000 RTP/AVP 8 101\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "a=fmtp:101 0-16\n"
    "a=ptime:20\n";

TrunkLeg OfferedLeg() {
  TrunkLeg leg(kId);
  leg.BuildOffer(TrunkLocal(CarrierCodecs()));
  return leg;
}
Result<TrunkMedia, Refusal> TakeAnswer(const std::string& answer) {
  return OfferedLeg().TakeAnswer(answer);
}
Result<TrunkMedia, Refusal> TakeOffer(const std::string& offer) {
  return TrunkLeg(kId).TakeOffer(offer);
}
std::string Carrier() { return Crlf(kCarrierAnswer); }

TEST(TrunkLeg, OfferIsTheSmallestThatEverySipPeerReads) {
  TrunkLeg leg(kId);
  const std::string offer = leg.BuildOffer(TrunkLocal(CarrierCodecs()));
  EXPECT_EQ(offer, Crlf("v=0\n"
                        "o=- 9 1 IN IP4 198.51.100.20\n"
                        "s=-\n"
                        "c=IN IP4 198.51.100.20\n"
                        "t=0 0\n"
                        "m=audio 30000 RTP/AVP 0 8 101\n"
                        "a=rtpmap:0 PCMU/8000\n"
                        "a=rtpmap:8 PCMA/8000\n"
                        "a=rtpmap:101 telephone-event/8000\n"
                        "a=fmtp:101 0-15\n"));
}

TEST(TrunkLeg, LongestGsevenElevenOfferHasAtMost230Bytes) {
  TrunkLeg leg(UINT64_MAX);
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.rtp = *Endpoint::Parse("198.151.100.200:39998");
  local.rtcp = *Endpoint::Parse("198.151.100.200:39999");
  local.ptime = 20;
  const std::string offer = leg.BuildOffer(local);
  EXPECT_LE(offer.size(), 230u) << offer;
}

TEST(TrunkLeg, NothingOfWebRtcReachesTheCarrier) {
  for (const char* capture : {"chromium-156-audio-offer.sdp", "chromium-156-audio-video-offer.sdp",
                              "firefox-153-audio-offer.sdp", "firefox-153-audio-video-offer.sdp"}) {
    BrowserLeg browser(1);
    auto media = browser.TakeOffer(Capture(capture));
    ASSERT_TRUE(media) << media.error().reason;
    TrunkLeg trunk(kId);
    const std::string offer =
        trunk.BuildOffer(TrunkLocal(CodecsForOffer(media->codecs, CarrierPolicy())));
    EXPECT_LE(offer.size(), 230u) << offer;
    for (const char* word : {"ice", "candidate", "fingerprint", "setup", "BUNDLE", "group", "mid",
                             "msid", "ssrc", "extmap", "rtcp", "SAVP", "TLS", "crypto", "tls-id",
                             "opus", "video", "127.0.0.1", "sHf8"}) {
      EXPECT_THAT(offer, Not(HasSubstr(word)));
    }
  }
}

TEST(TrunkLeg, WritesRtcpPtimeAndDirectionOnlyWhereTheySaySomething) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.rtcp.port = 30005;
  local.ptime = 30;
  local.direction = Direction::kSendOnly;
  TrunkLeg leg(kId);
  EXPECT_THAT(leg.BuildOffer(local), HasSubstr("a=rtcp:30005\r\n"));
  local.rtcp = *Endpoint::Parse("198.51.100.21:30001");
  const std::string offer = leg.BuildOffer(local);
  EXPECT_THAT(offer, HasSubstr("a=rtcp:30001 IN IP4 198.51.100.21\r\n"));
  EXPECT_THAT(offer, HasSubstr("a=ptime:30\r\na=sendonly\r\n"));
  EXPECT_THAT(offer, HasSubstr("o=- 9 2 "));
}

TEST(TrunkLeg, WritesIpv6) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.rtp = *Endpoint::Parse("[2001:db8::5]:30000");
  local.rtcp = *Endpoint::Parse("[2001:db8::5]:30001");
  const std::string offer = TrunkLeg(kId).BuildOffer(local);
  EXPECT_THAT(offer, HasSubstr("o=- 9 1 IN IP6 2001:db8::5\r\n"));
  EXPECT_THAT(offer, HasSubstr("c=IN IP6 2001:db8::5\r\n"));
}

TEST(TrunkLeg, TakesTheCarriersAnswer) {
  auto media = TakeAnswer(Carrier());
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->rtp.ToString(), "203.0.113.5:40000");
  EXPECT_EQ(media->rtcp.ToString(), "203.0.113.5:40001");
  EXPECT_FALSE(media->held);
  EXPECT_EQ(media->direction, Direction::kSendRecv);
  ASSERT_EQ(media->codecs.size(), 2u);
  EXPECT_EQ(media->codecs[0].name, "PCMA");
  EXPECT_EQ(media->codecs[1].payload_type, 101);
  EXPECT_EQ(media->ptime, 20);
}

TEST(TrunkLeg, AcceptsWhatCarriersWrite) {
  // Media level c= wins over the session's.
  auto media = TakeAnswer(Replace(Carrier(), "a=rtpmap:8", "c=IN IP4 203.0.113.9\r\na=rtpmap:8"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->rtp.ToString(), "203.0.113.9:40000");
  // c= only at media level; no rtpmap at all; other numbers for telephone-event; LF line ends.
  media = TakeAnswer(
      "v=0\no=- 1 1 IN IP4 203.0.113.5\ns=-\nt=0 0\nm=audio 40000 RTP/AVPF 0 101\n"
      "c=IN IP4 203.0.113.5\n");
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->codecs.size(), 2u);
  EXPECT_TRUE(media->codecs[1].is_telephone_event());
  media = TakeAnswer(
      Replace(Replace(Carrier(), "AVP 8 101", "AVP 8 96"), "a=rtpmap:101", "a=rtpmap:96"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->codecs[1].payload_type, 96);
  // IPv6.
  media = TakeAnswer(Replace(Carrier(), "c=IN IP4 203.0.113.5", "c=IN IP6 2001:db8::7"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->rtcp.ToString(), "[2001:db8::7]:40001");
}

TEST(TrunkLeg, ReadsRtcpAttributes) {
  const auto rtcp = [](const std::string& attribute) {
    auto media = TakeAnswer(Carrier() + attribute + "\r\n");
    EXPECT_TRUE(media);
    return media ? media->rtcp.ToString() : std::string();
  };
  EXPECT_EQ(rtcp("a=rtcp:40005"), "203.0.113.5:40005");
  EXPECT_EQ(rtcp("a=rtcp:40005 IN IP4 203.0.113.6"), "203.0.113.6:40005");
  EXPECT_EQ(rtcp("a=rtcp:40005 IN IP4 0.0.0.0"), "203.0.113.5:40005");
  EXPECT_EQ(rtcp("a=rtcp:1 IN IP7 X"), "203.0.113.5:40001");
  EXPECT_EQ(rtcp("a=rtcp:0"), "203.0.113.5:40001");
  EXPECT_EQ(rtcp("a=rtcp:70000"), "203.0.113.5:40001");
  auto last = TakeAnswer(Replace(Carrier(), "m=audio 40000", "m=audio 65535"));
  ASSERT_TRUE(last);
  EXPECT_EQ(last->rtcp, last->rtp);
}

TEST(TrunkLeg, HoldIsReadInEveryForm) {
  auto media = TakeAnswer(Replace(Carrier(), "c=IN IP4 203.0.113.5", "c=IN IP4 0.0.0.0"));
  ASSERT_TRUE(media);
  EXPECT_TRUE(media->held);
  EXPECT_EQ(media->rtp, Endpoint{});
  EXPECT_EQ(media->rtcp, Endpoint{});
  media = TakeAnswer(Replace(Carrier(), "c=IN IP4 203.0.113.5", "c=IN IP6 ::"));
  ASSERT_TRUE(media);
  EXPECT_TRUE(media->held);
  media = TakeAnswer(Carrier() + "a=sendonly\r\n");
  ASSERT_TRUE(media);
  EXPECT_EQ(media->direction, Direction::kSendOnly);
  media = TakeAnswer(Replace(Carrier(), "t=0 0\r\n", "t=0 0\r\na=inactive\r\n"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->direction, Direction::kInactive);
}

TEST(TrunkLeg, RefusesAnswersWithASentenceAndAPlace) {
  const auto reason = [](const std::string& answer) {
    auto media = TakeAnswer(answer);
    EXPECT_FALSE(media) << answer;
    return media ? std::string() : media.error().reason;
  };
  EXPECT_EQ(reason(Replace(Carrier(), "c=IN IP4 203.0.113.5", "c=IN IP4 sbc.example.com")),
            "SDP line 4, column 10: the address is not an IP address; host names are not resolved");
  EXPECT_THAT(reason(Replace(Carrier(), "c=IN IP4 203.0.113.5", "c=IN IP4 224.2.1.1/127")),
              HasSubstr("multicast"));
  EXPECT_THAT(reason(Replace(Carrier(), "c=IN IP4 203.0.113.5\r\n", "")), HasSubstr("no c= line"));
  EXPECT_THAT(reason(Replace(Carrier(), "RTP/AVP", "RTP/SAVP")), HasSubstr("asks for SRTP"));
  EXPECT_THAT(reason(Replace(Carrier(), "RTP/AVP", "udptl")), HasSubstr("RTP/AVP or RTP/AVPF"));
  EXPECT_THAT(reason(Replace(Carrier(), "m=audio 40000", "m=audio 0")),
              HasSubstr("rejects the audio"));
  EXPECT_THAT(reason(Replace(Carrier(), "AVP 8 101", "AVP 18 101")),
              HasSubstr("none of the codecs"));
  EXPECT_THAT(reason(Replace(Carrier(), "AVP 8 101", "AVP 101")), HasSubstr("no codec"));
  EXPECT_THAT(reason("v=0"), HasSubstr("0 media sections, the offer has 1"));
  EXPECT_THAT(reason("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 \xC3\x84\r\n"),
              HasSubstr("line 2, column 33"));
  auto early = TrunkLeg(kId).TakeAnswer(Carrier());
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().reason, HasSubstr("no offer"));
}

TEST(TrunkLeg, AnswersTheCarriersOffer) {
  TrunkLeg leg(kId);
  const std::string offer = Replace(Carrier(), "t=0 0", "t=3034423619 3042462419");
  auto media = leg.TakeOffer(offer);
  ASSERT_TRUE(media) << media.error().reason;
  const TrunkLocalMedia local = TrunkLocal(CommonCodecs(media->codecs, CarrierCodecs()));
  const std::string answer = leg.BuildAnswer(local);
  EXPECT_EQ(answer, Crlf("v=0\n"
                         "o=- 9 1 IN IP4 198.51.100.20\n"
                         "s=-\n"
                         "c=IN IP4 198.51.100.20\n"
                         "t=3034423619 3042462419\n"
                         "m=audio 30000 RTP/AVP 8 101\n"
                         "a=rtpmap:8 PCMA/8000\n"
                         "a=rtpmap:101 telephone-event/8000\n"
                         "a=fmtp:101 0-15\n"));
  EXPECT_EQ(leg.BuildAnswer(local), answer);
}

TEST(TrunkLeg, AnswersATimeThatIsNoneWithAlways) {
  for (const char* time : {"", "t=x 0\r\n", "t=0 x\r\n", "t=0 0 0\r\n", "t=0\r\n"}) {
    TrunkLeg leg(kId);
    ASSERT_TRUE(leg.TakeOffer(Replace(Carrier(), "t=0 0\r\n", time)));
    EXPECT_THAT(leg.BuildAnswer(TrunkLocal(CarrierCodecs())), HasSubstr("\r\nt=0 0\r\n"));
  }
}

TEST(TrunkLeg, AnswersEverySectionOfTheOffer) {
  // Secure and plain audio side by side, fax and video: the plain audio is taken.
  const std::string offer = Replace(Carrier(), "m=audio 40000",
                                    "m=image 40010 udptl t38\r\n"
                                    "m=audio 40020 RTP/SAVP 0\r\n"
                                    "m=audio 40000") +
                            "m=video 40030 RTP/AVP 31 34\r\n";
  TrunkLeg leg(kId);
  ASSERT_TRUE(leg.TakeOffer(Replace(offer, "RTP/AVP 8", "RTP/AVPF 8")));
  const std::string answer = leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  EXPECT_THAT(answer, HasSubstr("m=image 0 udptl t38\r\n"
                                "m=audio 0 RTP/SAVP 0\r\n"
                                "m=audio 30000 RTP/AVPF 0 8 101\r\n"));
  EXPECT_TRUE(answer.ends_with("m=video 0 RTP/AVP 31\r\n")) << answer;
}

TEST(TrunkLeg, RefusesOffersItCannotUse) {
  const auto reason = [](const std::string& offer) {
    auto media = TakeOffer(offer);
    EXPECT_FALSE(media) << offer;
    return media ? std::string() : media.error().reason;
  };
  EXPECT_EQ(
      reason(Replace(Carrier(), "RTP/AVP", "RTP/SAVP")),
      "SDP line 6, column 3: the carrier asks for SRTP, and this trunk speaks plain RTP only");
  EXPECT_THAT(reason(Replace(Carrier(), "40000", "0")), HasSubstr("no audio section"));
  EXPECT_THAT(reason(Replace(Carrier(), "m=audio", "m=video")), HasSubstr("no audio section"));
  auto text = TakeOffer("no sdp");
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().sip_status, 400);
}

TEST(TrunkLeg, ReoffersKeepTheSectionInUse) {
  TrunkLeg leg(kId);
  const std::string two = Carrier() + "m=audio 40040 RTP/AVP 0\r\n";
  ASSERT_TRUE(leg.TakeOffer(two));
  leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  // The first section is switched off: the second one takes over and then stays.
  auto media = leg.TakeOffer(Replace(two, "m=audio 40000", "m=audio 0"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->rtp.port, 40040);
  EXPECT_THAT(leg.BuildAnswer(TrunkLocal(CarrierCodecs())),
              HasSubstr("m=audio 0 RTP/AVP 8\r\nm=audio 30000 RTP/AVP 0 8 101\r\n"));
  media = leg.TakeOffer(two);
  ASSERT_TRUE(media);
  EXPECT_EQ(media->rtp.port, 40040);
  auto fewer = leg.TakeOffer(Carrier());
  ASSERT_FALSE(fewer);
  EXPECT_THAT(fewer.error().reason, HasSubstr("1 media sections, the session has 2"));
}

TEST(AnswerDirection, IsRfc3264ForAll16Pairs) {
  using enum Direction;
  const struct {
    Direction offered, wanted, answer;
  } kTable[] = {
      {kSendRecv, kSendRecv, kSendRecv}, {kSendRecv, kSendOnly, kSendOnly},
      {kSendRecv, kRecvOnly, kRecvOnly}, {kSendRecv, kInactive, kInactive},
      {kSendOnly, kSendRecv, kRecvOnly}, {kSendOnly, kSendOnly, kInactive},
      {kSendOnly, kRecvOnly, kRecvOnly}, {kSendOnly, kInactive, kInactive},
      {kRecvOnly, kSendRecv, kSendOnly}, {kRecvOnly, kSendOnly, kSendOnly},
      {kRecvOnly, kRecvOnly, kInactive}, {kRecvOnly, kInactive, kInactive},
      {kInactive, kSendRecv, kInactive}, {kInactive, kSendOnly, kInactive},
      {kInactive, kRecvOnly, kInactive}, {kInactive, kInactive, kInactive},
  };
  for (const auto& row : kTable) {
    EXPECT_EQ(AnswerDirection(row.offered, row.wanted), row.answer)
        << NameOf(row.offered) << " " << NameOf(row.wanted);
  }
}

}  // namespace
}  // namespace lastmile::sdp

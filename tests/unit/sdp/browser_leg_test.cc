#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr uint64_t kId = 0x8000000000000007;  // the top bit never shows

std::string Chromium() { return Capture("chromium-156-audio-offer.sdp"); }
std::string ChromiumWithVideo() { return Capture("chromium-156-audio-video-offer.sdp"); }

// What the gateway answers when the carrier took PCMU and telephone-event.
BrowserLocalMedia LocalFor(const BrowserMedia& browser) {
  std::vector<Codec> chosen = CarrierCodecs();
  chosen.erase(chosen.begin() + 1);
  return BrowserLocal(CommonCodecs(browser.codecs, chosen));
}
std::string Answer(BrowserLeg& leg, std::string_view offer) {
  auto media = leg.TakeOffer(offer);
  EXPECT_TRUE(media) << media.error().reason;
  return media ? leg.BuildAnswer(LocalFor(*media)) : std::string();
}
Refusal RefusalOf(std::string_view offer) {
  auto media = BrowserLeg(kId).TakeOffer(offer);
  EXPECT_FALSE(media);
  return media ? Refusal{} : media.error();
}
BrowserLocalMedia OfferLocal() { return BrowserLocal(CarrierCodecs()); }

constexpr std::string_view kBrowserAnswer =
    "v=0\n"
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1\n"
    "s=-\n"
    "t=0 0\n"
    "a=group:BUNDLE 0\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 101\n"
    "c=IN IP4 0.0.0.0\n"
    "a=ice-ufrag:bRoW\n"
    "a=ice-pwd:browserpasswordof24chars\n"
    "a=fingerprint:sha-256 "
    "B9:AF:BE:0F:AB:D2:2D:BD:8B:79:66:D4:F6:35:05:55:E1:FC:92:2B:05:CE:C0:7D:37:68:D0:8F:26:7B:A1:"
    "A5\n"
    "a=setup:active\n"
    "a=mid:0\n"
    "a=sendrecv\n"
    "a=rtcp-mux\n"
    "a=rtpmap:0 PCMU/8000\n"
    "a=rtpmap:8 PCMA/8000\n"
    "a=rtpmap:101 telephone-event/8000\n";

TEST(BrowserLeg, ReadsChromiumsOffer) {
  auto media = BrowserLeg(kId).TakeOffer(Chromium());
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->ice_ufrag, "sHf8");
  EXPECT_EQ(media->ice_pwd, "qKOEZPOMM8sK4FqyNiGwFzhN");
  ASSERT_EQ(media->fingerprints.size(), 1u);
  EXPECT_EQ(media->fingerprints[0].hash, "sha-256");
  EXPECT_EQ(media->setup, Setup::kActpass);
  EXPECT_EQ(media->direction, Direction::kSendRecv);
  EXPECT_EQ(media->codecs.size(), 8u);
  EXPECT_EQ(media->ptime, std::nullopt);
}

TEST(BrowserLeg, AnswersChromiumsAudioOffer) {
  BrowserLeg leg(kId);
  EXPECT_EQ(Answer(leg, Chromium()),
            Crlf("v=0\n"
                 "o=- 7 1 IN IP4 0.0.0.0\n"
                 "s=-\n"
                 "t=0 0\n"
                 "a=group:BUNDLE 0\n"
                 "a=ice-lite\n"
                 "m=audio 20000 UDP/TLS/RTP/SAVPF 0 126\n"
                 "c=IN IP4 192.0.2.10\n"
                 "a=mid:0\n"
                 "a=sendrecv\n"
                 "a=rtcp-mux\n"
                 "a=ice-ufrag:gwUf\n"
                 "a=ice-pwd:gatewaypasswordof24chars\n"
                 "a=fingerprint:sha-256 "
                 "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"
                 "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\n"
                 "a=setup:passive\n"
                 "a=candidate:1 1 udp 2130706431 192.0.2.10 20000 typ host\n"
                 "a=end-of-candidates\n"
                 "a=rtcp-xr:rcvr-rtt=all\n"
                 "a=rtpmap:0 PCMU/8000\n"
                 "a=rtpmap:126 telephone-event/8000\n"
                 "a=fmtp:126 0-15\n"));
  EXPECT_TRUE(leg.gateway_is_dtls_server());
}

TEST(BrowserLeg, AnswersFirefoxsOffer) {
  BrowserLeg leg(kId);
  const std::string answer = Answer(leg, Capture("firefox-153-audio-video-offer.sdp"));
  EXPECT_THAT(answer, HasSubstr("a=group:BUNDLE 0\r\na=ice-lite\r\n"
                                "m=audio 20000 UDP/TLS/RTP/SAVPF 0 101\r\n"));
  EXPECT_THAT(answer, HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF 120\r\nc=IN IP4 0.0.0.0\r\n"
                                "a=inactive\r\na=mid:1\r\n"));
}

TEST(BrowserLeg, ReadsFirefoxsDialect) {
  // Fingerprint and a default direction at session level, names instead of candidate addresses.
  auto media = BrowserLeg(kId).TakeOffer(Capture("firefox-153-audio-offer.sdp"));
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->ice_ufrag, "7b090534");
  EXPECT_EQ(media->fingerprints.size(), 1u);
  EXPECT_EQ(media->codecs[0].fmtp, "maxplaybackrate=48000;stereo=1;useinbandfec=1");
  EXPECT_EQ(media->codecs[1].channels, 1);
  EXPECT_EQ(CodecsForOffer(media->codecs, CarrierPolicy()), CarrierCodecs());
}

TEST(BrowserLeg, TakesTheAnswersOfRealBrowsers) {
  for (const char* name : {"chromium-156-audio-answer.sdp", "firefox-153-audio-answer.sdp"}) {
    BrowserLeg leg(kId);
    leg.BuildOffer(OfferLocal());
    auto media = leg.TakeAnswer(Capture(name));
    ASSERT_TRUE(media) << name << ": " << media.error().reason;
    EXPECT_EQ(media->setup, Setup::kActive);
    EXPECT_EQ(media->codecs.size(), 3u);
  }
}

TEST(BrowserLeg, AnswersVideoWithPortZeroOutsideTheBundle) {
  BrowserLeg leg(kId);
  const std::string answer = Answer(leg, ChromiumWithVideo());
  EXPECT_THAT(answer, HasSubstr("a=group:BUNDLE 0\r\n"));
  EXPECT_THAT(answer, HasSubstr(Crlf("m=video 0 UDP/TLS/RTP/SAVPF 96\n"
                                     "c=IN IP4 0.0.0.0\n"
                                     "a=inactive\n"
                                     "a=mid:1\n")));
  EXPECT_LT(answer.find("m=audio 20000"), answer.find("m=video 0"));
}

TEST(BrowserLeg, KeepsOrderMidsAndProtocolsOfEverySection) {
  // Video and data first, audio last; only the audio is taken.
  const std::string chromium = ChromiumWithVideo();
  const size_t audio = chromium.find("m=audio");
  const size_t video = chromium.find("m=video");
  const std::string offer =
      Replace(chromium.substr(0, audio), "BUNDLE 0 1", "BUNDLE 1 data 0") + chromium.substr(video) +
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:data\r\na=sctp-port:5000\r\n" +
      chromium.substr(audio, video - audio);
  BrowserLeg leg(kId);
  const std::string answer = Answer(leg, offer);
  auto parsed = Parse(answer);
  ASSERT_TRUE(parsed) << parsed.error().ToString();
  ASSERT_EQ(parsed->media.size(), 3u);
  EXPECT_EQ(parsed->media[0].line().value, "video 0 UDP/TLS/RTP/SAVPF 96");
  EXPECT_EQ(parsed->media[1].line().value, "application 0 UDP/DTLS/SCTP webrtc-datachannel");
  EXPECT_EQ(FindAttribute(parsed->media[1].lines, "mid")->value, "mid:data");
  EXPECT_EQ(parsed->media[2].line().value, "audio 20000 UDP/TLS/RTP/SAVPF 0 126");
  EXPECT_THAT(answer, HasSubstr("a=group:BUNDLE 0\r\n"));
}

TEST(BrowserLeg, SaysNothingOfStreamsAndSources) {
  BrowserLeg leg(kId);
  const std::string answer = Answer(leg, ChromiumWithVideo());
  for (const char* word : {"msid", "ssrc", "extmap", "rtcp-fb", "rtcp-rsize", "trickle"}) {
    EXPECT_THAT(answer, Not(HasSubstr(word)));
  }
}

TEST(BrowserLeg, SameLocalMediaGivesSameBytesAndAChangeRaisesTheVersion) {
  BrowserLeg leg(kId);
  auto media = leg.TakeOffer(Chromium());
  ASSERT_TRUE(media);
  BrowserLocalMedia local = LocalFor(*media);
  const std::string first = leg.BuildAnswer(local);
  EXPECT_EQ(leg.BuildAnswer(local), first);
  local.codecs.pop_back();
  const std::string second = leg.BuildAnswer(local);
  EXPECT_EQ(LineWith(second, "o="), "o=- 7 2 IN IP4 0.0.0.0");
  EXPECT_EQ(leg.BuildAnswer(local), second);
  EXPECT_EQ(LineWith(leg.BuildAnswer(LocalFor(*media)), "o="), "o=- 7 3 IN IP4 0.0.0.0");
}

TEST(BrowserLeg, CarriesPtimeAndManyCandidatesBestFirst) {
  BrowserLeg leg(kId);
  auto media = leg.TakeOffer(Chromium() + "a=ptime:30\r\n");
  ASSERT_TRUE(media);
  EXPECT_EQ(media->ptime, 30);
  BrowserLocalMedia local = LocalFor(*media);
  local.ptime = 30;
  local.candidates = {*Endpoint::Parse("[2001:db8::10]:20000"),
                      *Endpoint::Parse("192.0.2.10:20001")};
  const std::string answer = leg.BuildAnswer(local);
  EXPECT_THAT(answer,
              HasSubstr("m=audio 20000 UDP/TLS/RTP/SAVPF 0 126\r\nc=IN IP6 2001:db8::10\r\n"));
  EXPECT_THAT(answer, HasSubstr("a=candidate:1 1 udp 2130706431 2001:db8::10 20000 typ host\r\n"
                                "a=candidate:2 1 udp 2130706175 192.0.2.10 20001 typ host\r\n"
                                "a=end-of-candidates\r\n"));
  EXPECT_THAT(answer, HasSubstr("a=ptime:30\r\n"));
}

// RFC 8839 section 5.1, and RFC 8445 section 5.1.4: the default is what is reached most likely.
TEST(BrowserLeg, AFullAgentsCandidatesAreWrittenAsTheyAreAndItIsNotLite) {
  BrowserLeg leg(kId);
  BrowserLocalMedia local = BrowserLocal(CarrierCodecs(), VideoCodecs());
  local.candidates.clear();
  const auto candidate = [](const std::string& value) { return *ParseCandidate(value); };
  local.gathered = {
      candidate("1 1 udp 2130706431 10.0.0.5 40000 typ host"),
      candidate("2 1 udp 1694498815 203.0.113.7 40000 typ srflx raddr 10.0.0.5 rport 40000"),
      candidate("3 1 udp 16777215 198.51.100.9 50000 typ relay raddr 203.0.113.7 rport 40000")};
  const std::string offer = leg.BuildOffer(local);
  EXPECT_THAT(offer, Not(HasSubstr("a=ice-lite")));
  EXPECT_THAT(SectionOf(offer, 0), HasSubstr("m=audio 50000 "));
  EXPECT_THAT(SectionOf(offer, 0), HasSubstr("c=IN IP4 198.51.100.9\r\n"));
  EXPECT_THAT(SectionOf(offer, 0),
              HasSubstr("a=candidate:1 1 udp 2130706431 10.0.0.5 40000 typ host\r\n"
                        "a=candidate:2 1 udp 1694498815 203.0.113.7 40000 typ srflx raddr 10.0.0.5 "
                        "rport 40000\r\n"
                        "a=candidate:3 1 udp 16777215 198.51.100.9 50000 typ relay raddr "
                        "203.0.113.7 rport 40000\r\n"
                        "a=end-of-candidates\r\n"));
  EXPECT_THAT(SectionOf(offer, 1), Not(HasSubstr("a=candidate"))) << "it shares the transport";
  local.gathered.pop_back();
  EXPECT_THAT(leg.BuildOffer(local), HasSubstr("m=audio 40000 "));
}

TEST(BrowserLeg, ReadsCandidatesThatAnAgentCouldCheck) {
  const auto candidates_of = [](const std::string& lines) {
    std::string offer = Chromium();
    while (offer.contains("\r\na=candidate")) offer = Without(offer, "a=candidate");
    auto media = BrowserLeg(kId).TakeOffer(offer + lines);
    EXPECT_TRUE(media) << media.error().reason;
    return media ? media->candidates : std::vector<Candidate>();
  };
  EXPECT_THAT(candidates_of("a=candidate:1 1 udp 5 8b0c1e3a.local 9 typ host\r\n"
                            "a=candidate:1 1 udp 5 host.example.com 9 typ host\r\n"
                            "a=candidate:1 2 udp 5 192.0.2.4 9 typ host\r\n"
                            "a=candidate:1 1 tcp 5 192.0.2.4 9 typ host tcptype active\r\n"
                            "a=candidate:1 1 udp 5 192.0.2.4 nine typ host\r\n"),
              IsEmpty());
  const auto two = candidates_of(
      "a=candidate:1 1 UDP 5 192.0.2.4 9 typ host generation 0\r\n"
      "a=candidate:2 1 udp 4 2001:db8::4 10 typ relay raddr :: rport 0\r\n");
  ASSERT_EQ(two.size(), 2u);
  EXPECT_EQ(two[0].ip, *IpAddress::Parse("192.0.2.4"));
  EXPECT_EQ(two[0].port, 9);
  EXPECT_EQ(two[0].priority, 5u);
  EXPECT_EQ(two[1].type, "relay");
}

// RFC 6544 section 4.2: 2^24 * 90 + 2^8 * (2^13 * 4 + 8191) + 255.
TEST(BrowserLeg, TcpCandidatesArePassiveAndBehindThoseOfUdp) {
  BrowserLeg leg(kId);
  BrowserLocalMedia local = BrowserLocal(CarrierCodecs(), VideoCodecs());
  local.candidates.push_back(*Endpoint::Parse("[2001:db8::10]:20000"));
  local.tcp_candidates = {*Endpoint::Parse("192.0.2.10:443"),
                          *Endpoint::Parse("[2001:db8::10]:443")};
  const std::string offer = leg.BuildOffer(local);
  EXPECT_THAT(SectionOf(offer, 0),
              HasSubstr("a=candidate:1 1 udp 2130706431 192.0.2.10 20000 typ host\r\n"
                        "a=candidate:2 1 udp 2130706175 2001:db8::10 20000 typ host\r\n"
                        "a=candidate:3 1 tcp 1520435199 192.0.2.10 443 typ host tcptype passive\r\n"
                        "a=candidate:4 1 tcp 1520434943 2001:db8::10 443 typ host tcptype "
                        "passive\r\n"
                        "a=end-of-candidates\r\n"));
  EXPECT_THAT(SectionOf(offer, 0), HasSubstr("m=audio 20000 ")) << "the default is UDP";
  EXPECT_THAT(SectionOf(offer, 1), Not(HasSubstr("a=candidate"))) << "it shares the transport";
  const auto described = Parse(offer);
  ASSERT_TRUE(described);
}

TEST(BrowserLeg, IsDtlsServerUnlessTheBrowserIs) {
  const struct {
    const char* setup;
    bool server;
    const char* answer;
  } kCases[] = {{"a=setup:actpass", true, "a=setup:passive"},
                {"a=setup:active", true, "a=setup:passive"},
                {"a=setup:passive", false, "a=setup:active"},
                {"a=x-none", true, "a=setup:passive"}};
  for (const auto& test : kCases) {
    BrowserLeg leg(kId);
    const std::string answer = Answer(leg, Replace(Chromium(), "a=setup:actpass", test.setup));
    EXPECT_EQ(LineWith(answer, "a=setup"), test.answer);
    EXPECT_EQ(leg.gateway_is_dtls_server(), test.server);
  }
}

TEST(BrowserLeg, KeepsItsDtlsRoleInReoffers) {
  BrowserLeg leg(kId);
  Answer(leg, Replace(Chromium(), "a=setup:actpass", "a=setup:passive"));
  for (const char* setup : {"a=setup:actpass", "a=setup:passive"}) {
    EXPECT_THAT(Answer(leg, Replace(Chromium(), "a=setup:actpass", setup)),
                HasSubstr("a=setup:active"));
  }
  auto flipped = leg.TakeOffer(Replace(Chromium(), "a=setup:actpass", "a=setup:active"));
  ASSERT_FALSE(flipped);
  EXPECT_THAT(flipped.error().reason, HasSubstr("other DTLS role"));
  EXPECT_FALSE(leg.gateway_is_dtls_server());
  // A new fingerprint is a new association: its role may be another one.
  const std::string renewed = Replace(Replace(Chromium(), "a=setup:actpass", "a=setup:active"),
                                      "sha-256 B9:", "sha-256 B8:");
  EXPECT_THAT(Answer(leg, renewed), HasSubstr("a=setup:passive"));
}

TEST(BrowserLeg, ReofferMayAddSectionsAndNeverLoseOne) {
  BrowserLeg leg(kId);
  Answer(leg, Chromium());
  EXPECT_THAT(Answer(leg, ChromiumWithVideo()), HasSubstr("m=video 0"));
  auto fewer = leg.TakeOffer(Chromium());
  ASSERT_FALSE(fewer);
  EXPECT_EQ(fewer.error().sip_status, 488);
  EXPECT_THAT(fewer.error().reason, HasSubstr("1 media sections, the session has 2"));
  // The gateway's own offer keeps the rejected section in its place.
  const std::string offer = leg.BuildOffer(OfferLocal());
  EXPECT_THAT(offer, HasSubstr("m=audio 20000 UDP/TLS/RTP/SAVPF 0 8 101\r\n"));
  EXPECT_THAT(offer, HasSubstr("m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"));
}

TEST(BrowserLeg, ARefusedOfferChangesNothing) {
  BrowserLeg leg(kId);
  const std::string before = Answer(leg, Chromium());
  EXPECT_FALSE(leg.TakeOffer(Replace(ChromiumWithVideo(), "a=rtcp-mux\r\n", "")));
  auto media = BrowserLeg(kId).TakeOffer(Chromium());
  EXPECT_EQ(leg.BuildAnswer(LocalFor(*media)), before);
}

TEST(BrowserLeg, HoldIsAnsweredAsRfc3264Says) {
  const struct {
    const char* offered;
    const char* answered;
  } kCases[] = {{"a=sendonly", "a=recvonly"},
                {"a=recvonly", "a=sendonly"},
                {"a=inactive", "a=inactive"},
                {"a=sendrecv", "a=sendrecv"}};
  for (const auto& test : kCases) {
    BrowserLeg leg(kId);
    const std::string offer = Replace(Chromium(), "a=sendrecv", test.offered);
    EXPECT_THAT(Answer(leg, offer), HasSubstr(std::string(test.answered) + "\r\n"));
  }
}

TEST(BrowserLeg, TakesCredentialsFromTheSessionLevelToo) {
  std::string offer = Chromium();
  for (const char* name : {"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup"}) {
    const std::string line = LineWith(offer, name) + "\r\n";
    offer = Replace(Replace(offer, line, ""), "t=0 0\r\n", "t=0 0\r\n" + line);
  }
  auto media = BrowserLeg(kId).TakeOffer(offer);
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->ice_ufrag, "sHf8");
  EXPECT_EQ(media->fingerprints.size(), 1u);
}

TEST(BrowserLeg, AudioWithoutBundleAndMidStaysWithout) {
  const std::string offer =
      Replace(Replace(Chromium(), "a=group:BUNDLE 0\r\n", ""), "a=mid:0\r\n", "");
  BrowserLeg leg(kId);
  const std::string answer = Answer(leg, offer);
  EXPECT_THAT(answer, Not(HasSubstr("BUNDLE")));
  EXPECT_THAT(answer, Not(HasSubstr("a=mid")));
}

TEST(BrowserLeg, IgnoresWeakFingerprintsBesideAStrongOne) {
  const std::string weak =
      "a=fingerprint:sha-1 AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\r\n";
  auto media = BrowserLeg(kId).TakeOffer(Chromium() + weak + "a=fingerprint:md5 AB\r\n");
  ASSERT_TRUE(media);
  EXPECT_EQ(media->fingerprints.size(), 1u);
  const std::string only =
      Replace(Chromium(), LineWith(Chromium(), "a=fingerprint") + "\r\n", weak);
  EXPECT_THAT(RefusalOf(only).reason, HasSubstr("weaker than sha-256"));
  std::string sha224 = "a=fingerprint:sha-224 AB";
  for (int i = 1; i < 28; ++i) sha224 += ":CD";
  EXPECT_THAT(RefusalOf(Replace(only, weak, sha224 + "\r\n")).reason, HasSubstr("weaker"));
}

TEST(BrowserLeg, RefusesWithASentenceAndAPlace) {
  const auto without = [](const char* name) {
    return Replace(Chromium(), LineWith(Chromium(), name) + "\r\n", "");
  };
  EXPECT_EQ(RefusalOf(without("a=ice-ufrag")).reason,
            "SDP line 8, column 3: the audio section has no a=ice-ufrag");
  EXPECT_THAT(RefusalOf(without("a=ice-pwd")).reason, HasSubstr("no a=ice-pwd"));
  EXPECT_THAT(RefusalOf(without("a=fingerprint")).reason, HasSubstr("no a=fingerprint"));
  EXPECT_THAT(RefusalOf(without("a=rtcp-mux")).reason, HasSubstr("no a=rtcp-mux"));
  EXPECT_EQ(RefusalOf(Replace(Chromium(), "a=ice-ufrag:sHf8", "a=ice-ufrag:sH:8")).reason,
            "SDP line 19, column 15: the ICE user name has a byte not allowed in it");
  EXPECT_EQ(RefusalOf(Replace(Chromium(), "a=setup:actpass", "a=setup:holdconn")).reason,
            "SDP line 23, column 9: a=setup has to be actpass, active or passive");
  EXPECT_THAT(RefusalOf(Replace(Chromium(), "UDP/TLS/RTP/SAVPF", "RTP/AVP")).reason,
              HasSubstr("has to be DTLS-SRTP"));
  EXPECT_THAT(RefusalOf(Replace(Chromium(), "111 63 9 0 8 13 110 126", "13 110 126")).reason,
              HasSubstr("no codec"));
  EXPECT_THAT(RefusalOf(Replace(Chromium(), "m=audio 33246", "m=audio 0")).reason,
              HasSubstr("no audio section that is in use"));
  EXPECT_THAT(RefusalOf(Replace(Chromium(), "a=mid:0", "a=mid:0 1")).reason, HasSubstr("a=mid"));
  EXPECT_EQ(RefusalOf("v=0\r\n").sip_status, 488);

  const Refusal hang = RefusalOf(
      "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 111 \xC4\r\n");
  EXPECT_EQ(hang.sip_status, 400);
  EXPECT_EQ(
      hang.reason,
      "SDP line 6, column 33: the byte 0xC4 is not allowed in the format list of the m= line");
}

TEST(BrowserLeg, OffersOneBundledAudioSection) {
  BrowserLeg leg(kId);
  EXPECT_EQ(leg.BuildOffer(OfferLocal()),
            Crlf("v=0\n"
                 "o=- 7 1 IN IP4 0.0.0.0\n"
                 "s=-\n"
                 "t=0 0\n"
                 "a=group:BUNDLE 0\n"
                 "a=ice-lite\n"
                 "m=audio 20000 UDP/TLS/RTP/SAVPF 0 8 101\n"
                 "c=IN IP4 192.0.2.10\n"
                 "a=mid:0\n"
                 "a=sendrecv\n"
                 "a=rtcp-mux\n"
                 "a=ice-ufrag:gwUf\n"
                 "a=ice-pwd:gatewaypasswordof24chars\n"
                 "a=fingerprint:sha-256 "
                 "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:"
                 "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB\n"
                 "a=setup:actpass\n"
                 "a=candidate:1 1 udp 2130706431 192.0.2.10 20000 typ host\n"
                 "a=end-of-candidates\n"
                 "a=rtpmap:0 PCMU/8000\n"
                 "a=rtpmap:8 PCMA/8000\n"
                 "a=rtpmap:101 telephone-event/8000\n"
                 "a=fmtp:101 0-15\n"));
}

TEST(BrowserLeg, WithoutACandidateStillSaysSomethingThatCanBeRead) {
  BrowserLeg leg(kId);
  BrowserLocalMedia local = OfferLocal();
  local.candidates.clear();
  EXPECT_TRUE(Parse(leg.BuildOffer(local)));
}

TEST(BrowserLeg, TakesTheAnswerToItsOffer) {
  BrowserLeg leg(kId);
  leg.BuildOffer(OfferLocal());
  auto media = leg.TakeAnswer(Crlf(kBrowserAnswer));
  ASSERT_TRUE(media) << media.error().reason;
  EXPECT_EQ(media->ice_ufrag, "bRoW");
  EXPECT_EQ(media->setup, Setup::kActive);
  EXPECT_EQ(media->codecs.size(), 3u);
  EXPECT_TRUE(leg.gateway_is_dtls_server());
  // The next offer asks for nothing new: the browser may keep its role.
  EXPECT_THAT(leg.BuildOffer(OfferLocal()), HasSubstr("a=setup:actpass"));
}

TEST(BrowserLeg, APassiveBrowserMakesTheGatewayTheClient) {
  BrowserLeg leg(kId);
  leg.BuildOffer(OfferLocal());
  const std::string passive = Replace(Crlf(kBrowserAnswer), "setup:active", "setup:passive");
  ASSERT_TRUE(leg.TakeAnswer(passive));
  EXPECT_FALSE(leg.gateway_is_dtls_server());
  leg.BuildOffer(OfferLocal());
  EXPECT_TRUE(leg.TakeAnswer(passive));
  EXPECT_FALSE(leg.TakeAnswer(Crlf(kBrowserAnswer)));  // flips the role of a live association
  EXPECT_FALSE(leg.gateway_is_dtls_server());
}

TEST(BrowserLeg, RefusesAnswersThatKeepNothing) {
  const auto refusal = [](const std::string& answer) {
    BrowserLeg leg(kId);
    leg.BuildOffer(OfferLocal());
    auto media = leg.TakeAnswer(answer);
    EXPECT_FALSE(media) << answer;
    return media ? std::string() : media.error().reason;
  };
  const std::string good = Crlf(kBrowserAnswer);
  EXPECT_THAT(refusal(Replace(good, "m=audio 9", "m=audio 0")), HasSubstr("rejects the audio"));
  EXPECT_THAT(refusal(Replace(good, "m=audio", "m=video")), HasSubstr("rejects the audio"));
  EXPECT_THAT(refusal(Replace(good, "setup:active", "setup:actpass")), HasSubstr("has to choose"));
  EXPECT_THAT(refusal(Replace(good, "a=rtcp-mux\r\n", "")), HasSubstr("rtcp-mux"));
  EXPECT_THAT(refusal(Replace(good, "SAVPF 0 8 101", "SAVPF 9 101")),
              HasSubstr("none of the codecs"));
  EXPECT_THAT(refusal(good + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"),
              HasSubstr("2 media sections, the offer has 1"));
  EXPECT_THAT(refusal("v=0"), HasSubstr("0 media sections"));
  EXPECT_THAT(refusal("nonsense"), HasSubstr("line 1"));
  auto early = BrowserLeg(kId).TakeAnswer(good);
  ASSERT_FALSE(early);
  EXPECT_THAT(early.error().reason, HasSubstr("no offer"));
}

TEST(BrowserLeg, MovesWithItsState) {
  BrowserLeg leg(kId);
  const std::string answer = Answer(leg, Chromium());
  BrowserLeg moved = std::move(leg);
  auto media = moved.TakeOffer(Chromium());
  EXPECT_EQ(moved.BuildAnswer(LocalFor(*media)), answer);
}

}  // namespace
}  // namespace lastmile::sdp

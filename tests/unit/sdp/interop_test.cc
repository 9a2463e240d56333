// Failures that users of other gateways reported in public, each at the level of offer and answer:
// above every test the symptom, and where it was reported.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/codecs.h"
#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string Chromium() { return Capture("chromium-156-audio-offer.sdp"); }
std::string ChromiumAnswer() { return Capture("chromium-156-audio-answer.sdp"); }

constexpr std::string_view kCarrier =
    "v=0\n"
    "o=sbc 100 200 IN IP4 203.0.113.5\n"
    "s=call\n"
    "c=IN IP4 203.0.113.5\n"
    "t=0 0\n"
    "m=audio 40000 RTP/AVP 0 101\n"
    "a=rtpmap:101 telephone-event/8000\n";

BrowserLocalMedia BrowserAnswerTo(const BrowserMedia& media) {
  return BrowserLocal(CommonCodecs(media.codecs, CarrierCodecs()));
}
std::string Answer(BrowserLeg& leg, const std::string& offer) {
  auto media = leg.TakeOffer(offer);
  EXPECT_TRUE(media) << media.error().reason;
  return media ? leg.BuildAnswer(BrowserAnswerTo(*media)) : std::string();
}

// versatica/JsSIP 795: "Failed to set SSL role", the far side turned a=setup around in a re-INVITE.
TEST(Interop, DtlsRoleHoldsThroughTwentyReoffersEitherWay) {
  for (const char* setup : {"a=setup:actpass", "a=setup:active", "a=setup:passive"}) {
    BrowserLeg leg(1);
    const std::string role =
        LineWith(Answer(leg, Replace(Chromium(), "a=setup:actpass", setup)), "a=setup");
    for (int turn = 0; turn < 20; ++turn) {
      EXPECT_EQ(LineWith(Answer(leg, Chromium()), "a=setup"), role);
      EXPECT_EQ(LineWith(leg.BuildOffer(BrowserLocal(CarrierCodecs())), "a=setup"),
                "a=setup:actpass");
      const char* kept = role == "a=setup:passive" ? "setup:active" : "setup:passive";
      const std::string answer = Replace(ChromiumAnswer(), LineWith(ChromiumAnswer(), "a=finger"),
                                         LineWith(Chromium(), "a=finger"));
      ASSERT_TRUE(leg.TakeAnswer(Replace(answer, "setup:active", kept)));
    }
  }
}

// sipwise/rtpengine 43 and 2156, pjsip/pjproject 4639, rtcweb-wg/jsep 72: audio died because an
// actpass re-offer was read as a change of roles.
TEST(Interop, ActpassInAReofferIsNoRoleChange) {
  BrowserLeg leg(1);
  Answer(leg, Replace(Chromium(), "a=setup:actpass", "a=setup:passive"));
  ASSERT_FALSE(leg.gateway_is_dtls_server());
  ASSERT_TRUE(leg.TakeOffer(Chromium()));
  EXPECT_FALSE(leg.gateway_is_dtls_server());
}

// The same threads: the role moves with a new certificate, and not before the answer.
TEST(Interop, OnlyANewFingerprintMayChangeTheRole) {
  BrowserLeg leg(1);
  Answer(leg, Chromium());
  const std::string passive = Replace(Chromium(), "a=setup:actpass", "a=setup:passive");
  EXPECT_FALSE(leg.TakeOffer(passive));
  EXPECT_TRUE(leg.gateway_is_dtls_server());
  EXPECT_THAT(Answer(leg, Replace(passive, "sha-256 B9:", "sha-256 B8:")),
              HasSubstr("a=setup:active\r\n"));
}

// sipwise/rtpengine 2145 and 211: handshake deadlock, nobody knew who was the client between offer
// and answer.
TEST(Interop, RoleIsKnownAsSoonAsTheOfferIsTaken) {
  BrowserLeg leg(1);
  ASSERT_TRUE(leg.TakeOffer(Replace(Chromium(), "a=setup:actpass", "a=setup:passive")));
  EXPECT_FALSE(leg.gateway_is_dtls_server());
}

// sipwise/rtpengine 1647: a PBX re-INVITE without ICE reached the browser without ICE, and it
// answered 488.
TEST(Interop, BrowserReofferComesFromItsOwnLegsState) {
  BrowserLeg browser(1);
  const std::string first = Answer(browser, Chromium());
  TrunkLeg trunk(2);
  trunk.BuildOffer(TrunkLocal(CarrierCodecs()));
  auto pbx = trunk.TakeOffer(Crlf(kCarrier));
  ASSERT_TRUE(pbx);
  const std::string reoffer =
      browser.BuildOffer(BrowserLocal(CommonCodecs(pbx->codecs, pbx->codecs)));
  for (const char* name : {"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=mid", "a=group",
                           "a=ice-lite", "a=rtcp-mux"}) {
    EXPECT_EQ(LineWith(reoffer, name), LineWith(first, name));
  }
  EXPECT_THAT(reoffer, Not(HasSubstr("203.0.113.5")));
}

// sipwise/rtpengine 786: media lost after the client's ICE restart, the answer kept the old ufrag.
// sipwise/rtpengine 1019: the relay waited for a handshake that a restart does not bring.
TEST(Interop, IceRestartShowsBothNewCredentials) {
  BrowserLeg leg(1);
  Answer(leg, Chromium());
  const std::string restart = Replace(Replace(Chromium(), "a=ice-ufrag:sHf8", "a=ice-ufrag:nEw1"),
                                      "a=ice-pwd:qKOE", "a=ice-pwd:nEwP");
  auto media = leg.TakeOffer(restart);
  ASSERT_TRUE(media);
  EXPECT_TRUE(media->ice_restart);
  EXPECT_EQ(media->ice_ufrag, "nEw1");
  EXPECT_TRUE(media->ice_pwd.starts_with("nEwP"));
  BrowserLocalMedia local = BrowserAnswerTo(*media);
  local.ice_ufrag = "gwU2";
  local.ice_pwd = "secondgatewaypassword24c";
  const std::string answer = leg.BuildAnswer(local);
  EXPECT_THAT(answer, HasSubstr("a=ice-ufrag:gwU2\r\na=ice-pwd:secondgatewaypassword24c\r\n"));
  EXPECT_THAT(answer, HasSubstr("a=setup:passive\r\n"));
  EXPECT_THAT(LineWith(answer, "o="), HasSubstr(" 2 IN IP4"));
}

// sipwise/rtpengine 1473: "The order of m-lines in answer doesn't match order in offer."
TEST(Interop, MediaSectionsKeepCountOrderAndMids) {
  BrowserLeg leg(1);
  const std::string offer = Capture("chromium-156-audio-video-offer.sdp");
  for (int turn = 0; turn < 3; ++turn) {
    auto asked = Parse(offer);
    auto answered = Parse(Answer(leg, offer));
    ASSERT_TRUE(asked && answered);
    ASSERT_EQ(answered->media.size(), asked->media.size());
    for (size_t i = 0; i < asked->media.size(); ++i) {
      EXPECT_EQ(answered->media[i].media().kind, asked->media[i].media().kind);
      EXPECT_EQ(FindAttribute(answered->media[i].lines, "mid")->value,
                FindAttribute(asked->media[i].lines, "mid")->value);
    }
  }
}

// The same: as video comes and goes in either side's offers.
TEST(Interop, SectionsStayThroughVideoComingAndGoing) {
  BrowserLeg browser(1);
  TrunkLeg trunk(2);
  const std::string both = Capture("chromium-156-audio-video-offer.sdp");
  const auto say = [&](bool video, bool offer) {
    const TrunkLocalMedia local =
        video ? TrunkLocal(CarrierCodecs(), VideoCodecs()) : TrunkLocal(CarrierCodecs());
    const std::string to_trunk = trunk.BuildOffer(local);
    EXPECT_TRUE(trunk.TakeAnswer(to_trunk));
    EXPECT_EQ(SectionOf(to_trunk, 1).starts_with("m=video 30002 "), video) << to_trunk;
    EXPECT_EQ(SectionOf(to_trunk, 2), "");
    BrowserLocalMedia wanted = BrowserLocal(CarrierCodecs());
    if (video) wanted.video = BrowserLocalVideo{.codecs = VideoCodecs()};
    if (!offer) {
      EXPECT_TRUE(browser.TakeOffer(both));
    }
    const std::string text = offer ? browser.BuildOffer(wanted) : browser.BuildAnswer(wanted);
    EXPECT_EQ(SectionOf(text, 1).starts_with("m=video 20000 "), video) << text;
    EXPECT_THAT(SectionOf(text, 0), HasSubstr("a=mid:0\r\n"));
    EXPECT_THAT(SectionOf(text, 1), HasSubstr("a=mid:1\r\n"));
    EXPECT_EQ(SectionOf(text, 2), "");
    if (offer) {
      EXPECT_TRUE(browser.TakeAnswer(Replace(text, "a=setup:actpass", "a=setup:active")));
    }
  };
  say(true, true);
  for (const auto& [video, offer] : {std::pair{false, true}, {true, true}, {true, true}}) {
    say(video, offer);
  }
  BrowserLeg other(3);
  browser = std::move(other);
  for (bool video : {true, false, true, false}) say(video, false);
}

// flutter-webrtc/dart-sip-ua 41: "RTCP-MUX is not enabled when it is required."
TEST(Interop, TheBrowserAlwaysGetsRtcpMux) {
  BrowserLeg leg(1);
  EXPECT_THAT(Answer(leg, Chromium()), HasSubstr("a=rtcp-mux\r\n"));
  EXPECT_THAT(leg.BuildOffer(BrowserLocal(CarrierCodecs())), HasSubstr("a=rtcp-mux\r\n"));
  // The carrier is not asked for it.
  EXPECT_THAT(TrunkLeg(2).BuildOffer(TrunkLocal(CarrierCodecs())), Not(HasSubstr("rtcp")));
}

constexpr Direction kDirections[] = {Direction::kSendRecv, Direction::kSendOnly,
                                     Direction::kRecvOnly, Direction::kInactive};

// livekit/sip 779: the carrier hung up when its sendonly was answered with sendrecv. All 16 pairs
// of RFC 3264 section 6.1, audio and video, on both legs.
TEST(Interop, EveryDirectionIsAnsweredWithOneThatFits) {
  const auto fits = [](Direction offered, Direction wanted, const std::string& section) {
    const Direction expected = AnswerDirection(offered, wanted);
    const auto parsed = Parse("v=0\r\n" + section);
    Direction said = Direction::kSendRecv;
    for (const Line& line : parsed->media.at(0).lines) {
      said = DirectionNamed(AttributeOf(line).name).value_or(said);
    }
    EXPECT_EQ(said, expected) << NameOf(offered) << " " << NameOf(wanted);
  };
  for (const Direction offered : kDirections) {
    for (const Direction wanted : kDirections) {
      TrunkLeg offerer(1);
      TrunkLocalMedia trunk = TrunkLocal(CarrierCodecs(), VideoCodecs());
      trunk.direction = offered;
      trunk.video->direction = wanted;
      TrunkLeg carrier(2);
      ASSERT_TRUE(carrier.TakeOffer(offerer.BuildOffer(trunk)));
      trunk.direction = wanted;
      trunk.video->direction = offered;
      const std::string trunk_answer = carrier.BuildAnswer(trunk);
      fits(offered, wanted, SectionOf(trunk_answer, 0));
      fits(wanted, offered, SectionOf(trunk_answer, 1));

      BrowserLocalMedia browser = BrowserLocal(CarrierCodecs(), VideoCodecs());
      browser.direction = offered;
      browser.video->direction = wanted;
      BrowserLeg leg(3);
      ASSERT_TRUE(leg.TakeOffer(BrowserLeg(4).BuildOffer(browser)));
      browser.direction = wanted;
      browser.video->direction = offered;
      const std::string browser_answer = leg.BuildAnswer(browser);
      fits(offered, wanted, SectionOf(browser_answer, 0));
      fits(wanted, offered, SectionOf(browser_answer, 1));
    }
  }
}

// The same: what stands for hold.
TEST(Interop, HoldIsNeverAnsweredWithSendrecv) {
  for (const char* hold : {"a=sendonly", "a=inactive"}) {
    TrunkLeg leg(1);
    auto media = leg.TakeOffer(Crlf(kCarrier) + hold + "\r\n");
    ASSERT_TRUE(media);
    const std::string answer = leg.BuildAnswer(TrunkLocal(media->codecs));
    EXPECT_TRUE(answer.ends_with(std::string_view(hold) == "a=sendonly" ? "a=recvonly\r\n"
                                                                        : "a=inactive\r\n"));
  }
}

// livekit/sip 661 and 603, meetecho/janus-gateway 851: one-way audio after a re-INVITE with a new
// port; 0.0.0.0 as an address to send to.
TEST(Interop, ANewAddressIsSeenAndHoldIsNoAddress) {
  TrunkLeg leg(1);
  ASSERT_TRUE(leg.TakeOffer(Crlf(kCarrier)));
  leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  auto moved = leg.TakeOffer(Replace(
      Replace(Crlf(kCarrier), "c=IN IP4 203.0.113.5", "c=IN IP4 203.0.113.77"), "40000", "40100"));
  ASSERT_TRUE(moved);
  EXPECT_EQ(moved->rtp.ToString(), "203.0.113.77:40100");
  leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  auto held = leg.TakeOffer(Replace(Crlf(kCarrier), "c=IN IP4 203.0.113.5", "c=IN IP4 0.0.0.0"));
  ASSERT_TRUE(held);
  EXPECT_TRUE(held->held);
  EXPECT_EQ(held->rtp, Endpoint{});
}

// livekit/sip 402 and 506: an INVITE without SDP was rejected. The gateway offers on both legs, the
// carrier's answer comes in the ACK, and its later offers find the same m-lines.
TEST(Interop, OfferlessInviteIsOfferedFromTheAnchor) {
  BrowserLeg browser(1);
  TrunkLeg trunk(2);
  browser.BuildOffer(BrowserLocal(CarrierCodecs()));
  auto answered = browser.TakeAnswer(ChromiumAnswer());
  ASSERT_TRUE(answered);
  trunk.BuildOffer(TrunkLocal(CodecsForOffer(answered->codecs, CarrierPolicy())));
  auto ack = trunk.TakeAnswer(Crlf(kCarrier));
  ASSERT_TRUE(ack) << ack.error().reason;
  EXPECT_EQ(PairCodecs(answered->codecs, ack->codecs).size(), 2u);
  for (int turn = 0; turn < 2; ++turn) {
    auto later = trunk.TakeOffer(Crlf(kCarrier) + "m=video 40002 RTP/AVP 31\r\n");
    ASSERT_TRUE(later);
    const std::string answer = trunk.BuildAnswer(TrunkLocal(later->codecs));
    EXPECT_THAT(SectionOf(answer, 0), HasSubstr("m=audio 30000 RTP/AVP 0 101\r\n"));
    EXPECT_EQ(SectionOf(answer, 1), "m=video 0 RTP/AVP 31\r\n");
  }
  EXPECT_FALSE(trunk.TakeOffer(Crlf(kCarrier)));
}

// The same from the browser: its INVITE has no offer, the ACK has the answer.
TEST(Interop, OfferlessInviteOfABrowserIsOfferedFromTheAnchor) {
  BrowserLeg browser(1);
  TrunkLeg trunk(2);
  trunk.BuildOffer(TrunkLocal(CarrierCodecs()));
  auto carrier = trunk.TakeAnswer(Crlf(kCarrier));
  ASSERT_TRUE(carrier);
  const std::string offer =
      browser.BuildOffer(BrowserLocal(CodecsForOffer(carrier->codecs, CarrierPolicy())));
  auto ack = browser.TakeAnswer(ChromiumAnswer());
  ASSERT_TRUE(ack) << ack.error().reason;
  EXPECT_EQ(PairCodecs(ack->codecs, carrier->codecs).size(), 2u);
  // A hold later on: same m-lines, same mid, same role.
  const std::string hold = Replace(Replace(ChromiumAnswer(), "a=sendrecv", "a=sendonly"),
                                   "setup:active", "setup:actpass");
  auto held = browser.TakeOffer(hold);
  ASSERT_TRUE(held) << held.error().reason;
  EXPECT_FALSE(held->ice_restart);
  const std::string answer = browser.BuildAnswer(BrowserLocal(CarrierCodecs()));
  EXPECT_THAT(answer, HasSubstr("a=recvonly\r\n"));
  EXPECT_EQ(LineWith(answer, "a=mid"), LineWith(offer, "a=mid"));
  EXPECT_EQ(LineWith(answer, "a=setup"), "a=setup:passive");
}

// onsip/SIP.js 771 and 242, ringcentral-web-phone 278: a 200 right after the 183 met a client in
// the wrong state. Both have the same bytes, so that it matters to nobody which one comes first.
TEST(Interop, The200SaysWhatThe183Said) {
  BrowserLeg browser(1);
  const std::string progress = Answer(browser, Chromium());
  auto media = BrowserLeg(2).TakeOffer(Chromium());
  ASSERT_TRUE(media);
  EXPECT_EQ(browser.BuildAnswer(BrowserAnswerTo(*media)), progress);
}

// meetecho/janus-gateway 936 and 1597: the media of the 200 differed from that of the 183 and was
// not passed on. The browser is told the same bytes as long as the codecs are the same.
TEST(Interop, ALateChangeInThe200StaysBehindTheAnchor) {
  BrowserLeg browser(1);
  TrunkLeg trunk(2);
  auto offer = browser.TakeOffer(Chromium());
  ASSERT_TRUE(offer);
  trunk.BuildOffer(TrunkLocal(CodecsForOffer(offer->codecs, CarrierPolicy())));
  auto early = trunk.TakeAnswer(Crlf(kCarrier));
  auto late =
      trunk.TakeAnswer(Replace(Crlf(kCarrier), "c=IN IP4 203.0.113.5", "c=IN IP4 203.0.113.8"));
  ASSERT_TRUE(early && late);
  EXPECT_NE(early->rtp, late->rtp);
  const auto told = [&](const TrunkMedia& media) {
    return browser.BuildAnswer(BrowserLocal(CommonCodecs(offer->codecs, media.codecs)));
  };
  EXPECT_EQ(told(*early), told(*late));
}

// The same: when the codecs differ, the browser is offered them within its own session.
TEST(Interop, OtherCodecsInThe200AreAReofferOfTheSameSession) {
  BrowserLeg browser(1);
  TrunkLeg trunk(2);
  const std::string first = Answer(browser, Chromium());
  trunk.BuildOffer(TrunkLocal(CarrierCodecs()));
  ASSERT_TRUE(trunk.TakeAnswer(Crlf(kCarrier)));
  auto late = trunk.TakeAnswer(Replace(Crlf(kCarrier), "RTP/AVP 0", "RTP/AVP 8"));
  ASSERT_TRUE(late);
  EXPECT_EQ(late->codecs.front().name, "PCMA");
  const std::string offer =
      browser.BuildOffer(BrowserLocal(CodecsForOffer(late->codecs, CarrierPolicy())));
  EXPECT_THAT(offer, HasSubstr("m=audio 20000 UDP/TLS/RTP/SAVPF 8 101\r\n"));
  EXPECT_THAT(LineWith(offer, "o="), HasSubstr("o=- 1 2 "));
  for (const char* name : {"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=mid", "a=group"}) {
    EXPECT_EQ(LineWith(offer, name), LineWith(first, name));
  }
}

// onsip/SIP.js 968, sipwise/rtpengine 1530, 1136, 963 and 1553, signalwire/freeswitch 1191,
// baresip/baresip 2062: digits were lost where telephone-event's clock was not the codec's.
TEST(Interop, OneTelephoneEventForEachAudioClock) {
  auto offer = BrowserLeg(1).TakeOffer(Chromium());
  ASSERT_TRUE(offer);
  const auto codecs = CodecsForOffer(offer->codecs, {"opus", "PCMU"});
  const std::string text = TrunkLeg(2).BuildOffer(TrunkLocal(codecs));
  EXPECT_THAT(text, HasSubstr("m=audio 30000 RTP/AVP 96 0 97 101\r\n"));
  EXPECT_THAT(text, HasSubstr("a=rtpmap:97 telephone-event/48000\r\n"));
  EXPECT_THAT(text, HasSubstr("a=rtpmap:101 telephone-event/8000\r\n"));
  const auto pairs = PairCodecs(offer->codecs, codecs);
  EXPECT_EQ(pairs.size(), 4u);
  for (const CodecPair& pair : pairs) {
    EXPECT_EQ(pair.browser.clock_rate, pair.trunk.clock_rate);
  }
}

// The same where one side has no telephone-event at the clock of its codec: Firefox has it at 8000
// Hz alone, beside opus.
TEST(Interop, TelephoneEventCrossesFromOneClockToAnother) {
  auto offer = BrowserLeg(1).TakeOffer(Capture("firefox-153-audio-offer.sdp"));
  ASSERT_TRUE(offer);
  const auto codecs = CodecsForOffer(offer->codecs, {"opus"});
  const std::string text = TrunkLeg(2).BuildOffer(TrunkLocal(codecs));
  EXPECT_THAT(text, HasSubstr("telephone-event/48000\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("telephone-event/8000\r\n")));
  const auto pairs = PairCodecs(offer->codecs, codecs);
  ASSERT_EQ(pairs.size(), 2u);
  EXPECT_EQ(pairs[1].browser.clock_rate, 8000u);
  EXPECT_EQ(pairs[1].trunk.clock_rate, 48000u);
}

// bigbluebutton/bigbluebutton 7559, baresip/re 917: a media server choked on the names that hide
// host addresses.
TEST(Interop, MdnsCandidatesAreNoMatter) {
  BrowserLeg leg(1);
  const std::string firefox = Capture("firefox-153-audio-offer.sdp");
  ASSERT_THAT(firefox, HasSubstr(".local"));
  EXPECT_THAT(Answer(leg, firefox), Not(HasSubstr(".local")));
}

}  // namespace
}  // namespace lastmile::sdp

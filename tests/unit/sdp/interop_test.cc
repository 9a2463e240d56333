// Failures that users of other gateways reported, each at the level of offer and answer.
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

// "Failed to set SSL role": the far side turned a=setup around in a re-INVITE.
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

// Audio died because an actpass re-offer was read as a change of roles.
TEST(Interop, ActpassInAReofferIsNoRoleChange) {
  BrowserLeg leg(1);
  Answer(leg, Replace(Chromium(), "a=setup:actpass", "a=setup:passive"));
  ASSERT_FALSE(leg.gateway_is_dtls_server());
  ASSERT_TRUE(leg.TakeOffer(Chromium()));
  EXPECT_FALSE(leg.gateway_is_dtls_server());
}

// Handshake deadlock: nobody knew who was the client between offer and answer.
TEST(Interop, RoleIsKnownAsSoonAsTheOfferIsTaken) {
  BrowserLeg leg(1);
  ASSERT_TRUE(leg.TakeOffer(Replace(Chromium(), "a=setup:actpass", "a=setup:passive")));
  EXPECT_FALSE(leg.gateway_is_dtls_server());
}

// A PBX re-INVITE without ICE reached the browser without ICE.
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

// Media lost after the client's ICE restart: the answer kept the old ufrag.
TEST(Interop, IceRestartShowsBothNewCredentials) {
  BrowserLeg leg(1);
  Answer(leg, Chromium());
  const std::string restart = Replace(Replace(Chromium(), "a=ice-ufrag:sHf8", "a=ice-ufrag:nEw1"),
                                      "a=ice-pwd:qKOE", "a=ice-pwd:nEwP");
  auto media = leg.TakeOffer(restart);
  ASSERT_TRUE(media);
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

// "The order of m-lines in answer doesn't match order in offer."
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

// "RTCP-MUX is not enabled when it is required."
TEST(Interop, TheBrowserAlwaysGetsRtcpMux) {
  BrowserLeg leg(1);
  EXPECT_THAT(Answer(leg, Chromium()), HasSubstr("a=rtcp-mux\r\n"));
  EXPECT_THAT(leg.BuildOffer(BrowserLocal(CarrierCodecs())), HasSubstr("a=rtcp-mux\r\n"));
}

// Carriers hang up when their sendonly is answered with sendrecv.
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

// One-way audio after a re-INVITE with a new port; 0.0.0.0 as an address to send to.
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

// INVITE without SDP: the gateway offers on both legs, the trunk's answer comes in the ACK.
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
}

// 200 right after 183, and 200 with other media than 183: the browser is told the same bytes as
// long as the codecs are the same.
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

// Digits were lost where telephone-event's clock was not the codec's.
TEST(Interop, OneTelephoneEventForEachAudioClock) {
  auto offer = BrowserLeg(1).TakeOffer(Chromium());
  ASSERT_TRUE(offer);
  const auto codecs = CodecsForOffer(offer->codecs, {"opus", "PCMU"});
  const std::string text = TrunkLeg(2).BuildOffer(TrunkLocal(codecs));
  EXPECT_THAT(text, HasSubstr("m=audio 30000 RTP/AVP 96 0 97 101\r\n"));
  EXPECT_THAT(text, HasSubstr("a=rtpmap:97 telephone-event/48000\r\n"));
  EXPECT_THAT(text, HasSubstr("a=rtpmap:101 telephone-event/8000\r\n"));
  for (const CodecPair& pair : PairCodecs(offer->codecs, codecs)) {
    EXPECT_EQ(pair.browser.clock_rate, pair.trunk.clock_rate);
  }
}

// A media server choked on the names that hide host addresses.
TEST(Interop, MdnsCandidatesAreNoMatter) {
  BrowserLeg leg(1);
  const std::string firefox = Capture("firefox-153-audio-offer.sdp");
  ASSERT_THAT(firefox, HasSubstr(".local"));
  EXPECT_THAT(Answer(leg, firefox), Not(HasSubstr(".local")));
}

}  // namespace
}  // namespace lastmile::sdp

// a=rtcp-xr (RFC 3611 section 5) on both legs: what is read of it, and what is said back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr uint64_t kId = 9;
constexpr RtcpXr kAll{.voip_metrics = true, .round_trip = RtcpXr::RoundTrip::kAll};

// A carrier's description, with lines of its session and of its audio.
std::string Carrier(const std::string& session, const std::string& audio) {
  return Crlf(
      "v=0\no=sbc 100 200 IN IP4 203.0.113.5\ns=call\nc=IN IP4 203.0.113.5\nt=0 0\n" + session +
      "m=audio 40000 RTP/AVP 8 101\na=rtpmap:8 PCMA/8000\na=rtpmap:101 telephone-event/8000\n" +
      audio);
}

RtcpXr AskedBy(const std::string& session, const std::string& audio) {
  return TrunkLeg(kId).TakeOffer(Carrier(session, audio))->xr;
}

std::string AnswerTo(const std::string& line) {
  TrunkLeg leg(kId);
  EXPECT_TRUE(leg.TakeOffer(Carrier("", line)));
  return leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
}

TEST(RtcpXr, IsReadAsCarriersAndPhonesWriteIt) {
  EXPECT_EQ(AskedBy("", ""), RtcpXr{});
  EXPECT_EQ(AskedBy("", "a=rtcp-xr:voip-metrics\n"), RtcpXr{.voip_metrics = true});
  EXPECT_EQ(
      AskedBy("a=rtcp-xr:rcvr-rtt=all:10000 stat-summary=loss,dup,jitt,TTL voip-metrics\n", ""),
      kAll);
  EXPECT_EQ(AskedBy("", "a=rtcp-xr:rcvr-rtt=sender\n"),
            RtcpXr{.round_trip = RtcpXr::RoundTrip::kSenders});
  EXPECT_EQ(AskedBy("a=rtcp-xr:voip-metrics\n", "a=rtcp-xr:rcvr-rtt=all\n"),
            RtcpXr{.round_trip = RtcpXr::RoundTrip::kAll})
      << "the section's own";
}

TEST(RtcpXr, WhatNobodyKnowsAsksForNothing) {
  for (const char* value : {"", ":", ":pkt-loss-rle=40 pkt-dup-rle", ":rcvr-rtt", ":rcvr-rtt=none",
                            ":rcvr-rtt=all:8", ":rcvr-rtt=all:-1", ":VOIP-METRICS"}) {
    EXPECT_EQ(AskedBy("", "a=rtcp-xr" + std::string(value) + "\n"), RtcpXr{}) << value;
  }
}

TEST(RtcpXr, TheAnswerToACarrierAsksForTheSame) {
  EXPECT_THAT(AnswerTo(""), Not(HasSubstr("rtcp-xr")));
  EXPECT_THAT(AnswerTo("a=rtcp-xr:voip-metrics\n"), HasSubstr("a=rtcp-xr:voip-metrics\r\n"));
  EXPECT_THAT(AnswerTo("a=rtcp-xr:stat-summary=loss voip-metrics rcvr-rtt=sender\n"),
              HasSubstr("a=rtcp-xr:rcvr-rtt=all voip-metrics\r\n"));
  EXPECT_THAT(AnswerTo("a=rtcp-xr:pkt-loss-rle\n"), Not(HasSubstr("rtcp-xr")));
}

TEST(RtcpXr, AnOfferToACarrierHasNoneUnlessTheCarrierOfferedIt) {
  TrunkLeg leg(kId);
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs())), Not(HasSubstr("rtcp-xr")));
  const auto answer = leg.TakeAnswer(Carrier("", "a=rtcp-xr:rcvr-rtt=all voip-metrics\n"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->xr, RtcpXr{.voip_metrics = true}) << "round trips take both to agree";
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs())), Not(HasSubstr("rtcp-xr")));

  ASSERT_TRUE(leg.TakeOffer(Carrier("", "a=rtcp-xr:rcvr-rtt=all\n")));
  leg.BuildAnswer(TrunkLocal(CarrierCodecs()));
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs())), HasSubstr("a=rtcp-xr:rcvr-rtt=all\r\n"));
  EXPECT_EQ(leg.TakeAnswer(Carrier("", "a=rtcp-xr:rcvr-rtt=all\n"))->xr.round_trip,
            RtcpXr::RoundTrip::kAll);
}

TEST(RtcpXr, ChromiumOffersRoundTripsAndIsAnswered) {
  BrowserLeg leg(kId);
  const auto media = leg.TakeOffer(Capture("chromium-156-audio-offer.sdp"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->xr, RtcpXr{.round_trip = RtcpXr::RoundTrip::kAll});
  EXPECT_THAT(leg.BuildAnswer(BrowserLocal(media->codecs)),
              HasSubstr("a=rtcp-xr:rcvr-rtt=all\r\n"));
  EXPECT_THAT(leg.BuildOffer(BrowserLocal(media->codecs)), HasSubstr("a=rtcp-xr:rcvr-rtt=all\r\n"));
}

TEST(RtcpXr, FirefoxOffersNoneAndHearsOfNone) {
  BrowserLeg leg(kId);
  const auto media = leg.TakeOffer(Capture("firefox-153-audio-offer.sdp"));
  ASSERT_TRUE(media);
  EXPECT_EQ(media->xr, RtcpXr{});
  EXPECT_THAT(leg.BuildAnswer(BrowserLocal(media->codecs)), Not(HasSubstr("rtcp-xr")));
}

}  // namespace
}  // namespace lastmile::sdp

#include "sdp/budget.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

std::vector<Codec> ManyCodecs() {
  return {{.name = "opus", .clock_rate = 48000, .channels = 2, .payload_type = 96, .fmtp = {}},
          {.name = "PCMU", .payload_type = 0, .fmtp = {}},
          {.name = "PCMA", .payload_type = 8, .fmtp = {}},
          {.name = "telephone-event", .clock_rate = 48000, .payload_type = 97, .fmtp = "0-15"},
          {.name = "telephone-event", .payload_type = 101, .fmtp = "0-15"}};
}

struct Built {
  std::string text;
  TrunkBuild build;
  TrunkLeg leg;
};
Built Build(size_t max_bytes, std::vector<Codec> codecs = ManyCodecs()) {
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {}, .max_sdp_bytes = max_bytes});
  TrunkLocalMedia local = TrunkLocal(std::move(codecs));
  local.ptime = 20;
  std::string text = leg.BuildOffer(local);
  return {text, leg.last_build(), std::move(leg)};
}
std::vector<std::string> Steps(const TrunkBuild& build) {
  std::vector<std::string> steps;
  for (const auto& removed : build.trail.removed()) {
    const std::string& rule = build.trail.note(removed.note)->rule;
    if (steps.empty() || steps.back() != rule) steps.push_back(rule);
  }
  return steps;
}

TEST(Budget, LeavesAloneWhatFits) {
  const Built built = Build(1300);
  EXPECT_TRUE(built.build.fits);
  EXPECT_EQ(built.build.bytes, built.text.size());
  EXPECT_EQ(built.build.bytes_before_budget, built.text.size());
  EXPECT_TRUE(built.build.trail.removed().empty());
}

TEST(Budget, GoesDownTheLadderNoFurtherThanNeeded) {
  const size_t all = Build(1300).text.size();
  const Built one = Build(all - 1);
  EXPECT_THAT(Steps(one.build), ElementsAre("budget.ptime"));
  EXPECT_EQ(one.build.bytes, all - std::string_view("a=ptime:20\r\n").size());
  EXPECT_EQ(one.build.bytes_before_budget, all);

  const Built more = Build(all - 100);
  EXPECT_THAT(Steps(more.build),
              ElementsAre("budget.ptime", "budget.events", "budget.rtpmap", "budget.extra-events"));
  EXPECT_THAT(more.text, HasSubstr("m=audio 30000 RTP/AVP 96 0 8 97\r\n"));
}

TEST(Budget, PacketTimesOtherThanTheUsualOnesStay) {
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.ptime = 30;
  local.maxptime = 60;
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {}, .max_sdp_bytes = 1});
  const std::string text = leg.BuildOffer(local);
  EXPECT_THAT(text, HasSubstr("a=ptime:30\r\n"));
  EXPECT_THAT(text, Not(HasSubstr("maxptime")));
}

TEST(Budget, WhatLooksLikeADefaultAndIsNoneStays) {
  auto parsed = Parse(
      "v=0\r\nm=audio 4000 RTP/AVP 0 96 101\r\na=rtpmap:96 x/8000\r\n"
      "a=rtpmap:101 telephone-event/8000\r\na=fmtp:96 0-15\r\na=rtpmap:broken\r\n");
  ASSERT_TRUE(parsed);
  EditTrail trail;
  const std::string before = Print(*parsed);
  EXPECT_TRUE(ShrinkToBudget(*parsed, before.size(), trail));
  EXPECT_FALSE(ShrinkToBudget(*parsed, 1, trail));
  EXPECT_THAT(Print(*parsed), HasSubstr("a=rtpmap:broken\r\n"));
  auto events = Parse("v=0\r\nm=audio 4000 RTP/AVP 101\r\na=rtpmap:101 telephone-event/8000\r\n");
  ASSERT_TRUE(events);
  EXPECT_FALSE(ShrinkToBudget(*events, 1, trail));
  EXPECT_THAT(Print(*events), HasSubstr("telephone-event"));
}

TEST(Budget, TheMostPreferredCodecStays) {
  const Built built = Build(1);
  EXPECT_FALSE(built.build.fits);
  EXPECT_TRUE(
      built.text.ends_with("m=audio 30000 RTP/AVP 96 97\r\n"
                           "a=rtpmap:96 opus/48000/2\r\n"
                           "a=rtpmap:97 telephone-event/48000\r\n"))
      << built.text;
  EXPECT_TRUE(Parse(built.text));
}

TEST(Budget, CarriersG711OfferShrinksToItsLeast) {
  const Built built = Build(100, CarrierCodecs());
  EXPECT_EQ(built.text, Crlf("v=0\n"
                             "o=- 9 1 IN IP4 198.51.100.20\n"
                             "s=-\n"
                             "c=IN IP4 198.51.100.20\n"
                             "t=0 0\n"
                             "m=audio 30000 RTP/AVP 0 101\n"
                             "a=rtpmap:101 telephone-event/8000\n"));
}

TEST(Budget, WhatWasTakenOutIsNotAcceptedInTheAnswer) {
  Built built = Build(100, CarrierCodecs());
  auto answer = built.leg.TakeAnswer(
      "v=0\no=- 1 1 IN IP4 203.0.113.5\ns=-\nc=IN IP4 203.0.113.5\nt=0 0\nm=audio 4000 RTP/AVP "
      "8\n");
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().reason, HasSubstr("none of the codecs"));
}

TEST(Budget, VideoGivesWayBeforeTheAudiosCodecsAndItsSectionNever) {
  std::vector<Codec> video = VideoCodecs();
  video.push_back(video[1]);  // another variant of H264
  video[2].payload_type = 114;
  video[2].fmtp = "packetization-mode=0;profile-level-id=42e01f";
  video.push_back({.name = "VP9", .clock_rate = 90000, .payload_type = 115, .fmtp = {}});
  const auto built = [&](size_t max_bytes) {
    TrunkLeg leg(9);
    leg.SetProfile({.rules = {}, .max_sdp_bytes = max_bytes});
    const std::string text = leg.BuildOffer(TrunkLocal(ManyCodecs(), video));
    EXPECT_TRUE(Parse(text));
    return std::pair(text, leg.last_build());
  };
  const auto [variant, variant_build] = built(500);
  EXPECT_THAT(variant, HasSubstr("m=audio 30000 RTP/AVP 96 0 8 97\r\n"));
  EXPECT_THAT(variant, HasSubstr("m=video 30002 RTP/AVPF 112 113 115\r\n"));
  const auto [one, one_build] = built(380);
  EXPECT_THAT(Steps(one_build), ElementsAre("budget.events", "budget.rtpmap", "budget.extra-events",
                                            "budget.video-codec"));
  EXPECT_THAT(one, HasSubstr("m=audio 30000 RTP/AVP 96 0 8 97\r\n"));
  EXPECT_THAT(one, HasSubstr("m=video 30002 RTP/AVPF 112\r\n"));
  const auto [least, least_build] = built(1);
  EXPECT_FALSE(least_build.fits);
  EXPECT_THAT(least, HasSubstr("m=audio 30000 RTP/AVP 96 97\r\n"));
  EXPECT_THAT(SectionOf(least, 1), HasSubstr("a=rtcp-fb:112 nack\r\n"));
}

TEST(Budget, WithoutAudioThereIsNothingToRemove) {
  auto video = Parse("v=0\r\nm=audio 0 RTP/AVP 0\r\nm=video 4000 RTP/AVP 31\r\na=ptime:20\r\n");
  ASSERT_TRUE(video);
  EditTrail trail;
  EXPECT_FALSE(ShrinkToBudget(*video, 20, trail));
  EXPECT_TRUE(ShrinkToBudget(*video, 100, trail));
  EXPECT_TRUE(trail.removed().empty());
}

TEST(Budget, VersionsGrowingLongerStayWithin) {
  TrunkLeg leg(9);
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  leg.SetProfile({.rules = {}, .max_sdp_bytes = leg.BuildOffer(local).size()});
  for (uint16_t turn = 0; turn < 20; ++turn) {
    local.rtp.port = static_cast<uint16_t>(30000 + 2 * (turn + 1));
    local.rtcp.port = static_cast<uint16_t>(local.rtp.port + 1);
    leg.BuildOffer(local);
    EXPECT_TRUE(leg.last_build().fits);
    EXPECT_LE(leg.last_build().bytes, leg.last_build().bytes_before_budget);
  }
  EXPECT_THAT(leg.BuildOffer(local), HasSubstr("o=- 9 21 "));
}

}  // namespace
}  // namespace lastmile::sdp

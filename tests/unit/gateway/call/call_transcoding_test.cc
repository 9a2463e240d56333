// Calls whose sides share no codec, and trunks that want each side to have its own.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string Browser(const std::string& formats, const std::string& setup = "actpass") {
  return testing::BrowserSdp(setup, formats) +
         "a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n"
         "a=rtpmap:9 G722/8000\r\n";
}

std::string Trunk(const std::string& formats) {
  return testing::TrunkSdp(formats) +
         "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/48000\r\n"
         "a=rtpmap:18 G729/8000\r\n";
}

// What the anchor is told of packets that come with that number.
const media::PayloadMapping* Find(const CallHarness& harness, int browser_pt, int trunk_pt_in) {
  const auto& update = harness.Media<media::UpdateSession>();
  if (!update.payloads) return nullptr;
  const auto found = std::ranges::find_if(*update.payloads, [&](const auto& mapping) {
    return mapping.browser_pt == browser_pt && mapping.trunk_pt_in == trunk_pt_in;
  });
  return found == update.payloads->end() ? nullptr : &*found;
}

void ExpectRecoding(const media::PayloadMapping* mapping, media::AudioCodec browser,
                    media::AudioCodec trunk) {
  ASSERT_TRUE(mapping);
  ASSERT_TRUE(mapping->recoding);
  EXPECT_EQ(mapping->recoding->browser, browser);
  EXPECT_EQ(mapping->recoding->trunk, trunk);
  EXPECT_EQ(mapping->clock_rate, RtpClockOf(browser));
  EXPECT_EQ(mapping->trunk_clock_rate, RtpClockOf(trunk));
}

class Outbound : public ::testing::Test {
 protected:
  // The offer to the trunk; "": the call was refused.
  std::string Invite(const std::string& offer) {
    harness_->Feed(Invited{offer});
    harness_->Feed(MediaOpened{OpenedSession()});
    return harness_->Output<PlaceCallee>().offer;
  }
  // The answer to the browser.
  std::string Answer(const std::string& sdp) {
    harness_->Feed(CalleeAnswered{sdp});
    return harness_->Output<AnswerCaller>().sdp;
  }
  void Use(TrunkPolicy policy) { harness_.emplace(CallDirection::kFromBrowser, std::move(policy)); }

  std::optional<CallHarness> harness_{std::in_place, CallDirection::kFromBrowser};
};

TEST_F(Outbound, ATrunkWithoutTheBrowsersCodecIsOfferedItsOwn) {
  const std::string offer = Invite(Browser("111 110"));
  EXPECT_THAT(offer, HasSubstr("RTP/AVP 0 8 101\r\n"));
  EXPECT_THAT(offer, Not(HasSubstr("opus")));
  EXPECT_LE(offer.size(), 230u);
  const std::string answer = Answer(Trunk("8 101"));
  EXPECT_THAT(answer, HasSubstr("SAVPF 111 110\r\n"));
  ExpectRecoding(Find(*harness_, 111, 8), media::AudioCodec::kOpus, media::AudioCodec::kPcma);
  const auto* events = Find(*harness_, 110, 101);
  ASSERT_TRUE(events);
  EXPECT_TRUE(events->telephone_event);
  EXPECT_EQ(events->clock_rate, 48000u);
  EXPECT_EQ(events->trunk_clock_rate, 8000u);
}

TEST_F(Outbound, WhateverTheTrunkAnswersWithIsTaken) {
  Invite(Browser("111 110"));
  Answer(Trunk("8 0 101"));
  ExpectRecoding(Find(*harness_, 111, 8), media::AudioCodec::kOpus, media::AudioCodec::kPcma);
  ExpectRecoding(Find(*harness_, 111, 0), media::AudioCodec::kOpus, media::AudioCodec::kPcmu);
  const auto& payloads = *harness_->Media<media::UpdateSession>().payloads;
  EXPECT_EQ(payloads.size(), 3u) << "and the events";
  const auto to_trunk = std::ranges::find(payloads, 111, &media::PayloadMapping::browser_pt);
  EXPECT_EQ(to_trunk->trunk_pt, 8) << "its first choice";
}

TEST_F(Outbound, WhatBothHaveIsRelayed) {
  EXPECT_THAT(Invite(Browser("111 0 110 101")), HasSubstr("RTP/AVP 0 101\r\n"));
  EXPECT_THAT(Answer(Trunk("0 101")), HasSubstr("SAVPF 0 101\r\n"));
  ASSERT_TRUE(Find(*harness_, 0, 0));
  EXPECT_FALSE(Find(*harness_, 0, 0)->recoding);
  EXPECT_FALSE(Find(*harness_, 111, 0));
}

TEST_F(Outbound, ATrunkThatForbidsItRefusesTheCall) {
  Use({.transcode = Transcode::kNever});
  EXPECT_EQ(harness_->Feed(Invited{Browser("111 110")}), "answer:488 ended");
  EXPECT_THAT(harness_->Output<AnswerCaller>().warning, HasSubstr("no codec in common"));
}

TEST_F(Outbound, ACodecThatNobodyHereKnowsIsRefused) {
  EXPECT_EQ(harness_->Feed(Invited{Browser("18") + "a=rtpmap:18 G729/8000\r\n"}),
            "answer:488 ended");
}

TEST_F(Outbound, ATrunkMayWantEachSideToHaveItsOwn) {
  Use({.codecs = {"PCMA"}, .transcode = Transcode::kAlways});
  EXPECT_THAT(Invite(Browser("111 8 0 110 101")), HasSubstr("RTP/AVP 8 101\r\n"));
  EXPECT_THAT(Answer(Trunk("8 101")), HasSubstr("SAVPF 111 110\r\n"));
  ExpectRecoding(Find(*harness_, 111, 8), media::AudioCodec::kOpus, media::AudioCodec::kPcma);
}

TEST_F(Outbound, AlsoThenTheSameCodecIsRelayed) {
  Use({.codecs = {"opus", "PCMU"}, .transcode = Transcode::kAlways});
  EXPECT_THAT(Invite(Browser("111 0 110 101")), HasSubstr("RTP/AVP 96 0 "));
  EXPECT_THAT(Answer(Trunk("96 0 97 101")), HasSubstr("SAVPF 111 110\r\n"));
  ASSERT_TRUE(Find(*harness_, 111, 96));
  EXPECT_FALSE(Find(*harness_, 111, 96)->recoding);
  ExpectRecoding(Find(*harness_, 111, 0), media::AudioCodec::kOpus, media::AudioCodec::kPcmu);
}

TEST_F(Outbound, PacketTimesAreThoseThatEachSideAsksFor) {
  Invite(Browser("111 110") + "a=ptime:40\r\n");
  Answer(Trunk("0 101") + "a=ptime:30\r\n");
  const auto* mapping = Find(*harness_, 111, 0);
  ASSERT_TRUE(mapping && mapping->recoding);
  EXPECT_EQ(mapping->recoding->browser_ptime, 40ms);
  EXPECT_EQ(mapping->recoding->trunk_ptime, 30ms);
}

TEST_F(Outbound, ATrunkThatChangesToAnotherCodecGoesOnWithTheSameBrowser) {
  Invite(Browser("111 9 110"));
  Answer(Trunk("0 101"));
  harness_->Feed(CallerAcked{});
  EXPECT_EQ(
      harness_->Feed(Reoffered{.party = Party::kCallee, .request = {3}, .sdp = Trunk("8 101")}),
      "update reoffer:200");
  ExpectRecoding(Find(*harness_, 111, 8), media::AudioCodec::kOpus, media::AudioCodec::kPcma);
  EXPECT_THAT(harness_->Output<AnswerReoffer>().sdp, HasSubstr("RTP/AVP 8 101\r\n"));
}

TEST_F(Outbound, DigitsOfAPageBecomeTonesWhereTheTrunkHasNoEvents) {
  TrunkPolicy policy;
  policy.dtmf = DtmfMode::kInband;
  Use(policy);
  Invite(Browser("111 110"));
  Answer(Trunk("0"));
  harness_->Feed(CallerAcked{});
  EXPECT_EQ(harness_->Feed(InfoReceived{.party = Party::kCaller,
                                        .request = {4},
                                        .content_type = kDtmfRelay,
                                        .body = "Signal=5\r\nDuration=160"}),
            "info:200 tones:5");
}

TEST(Inbound, ATrunkMayWantOpusForTheBrowserWhateverItHasItself) {
  CallHarness harness(CallDirection::kFromTrunk,
                      {.codecs = {"PCMU"}, .transcode = Transcode::kAlways});
  harness.Feed(Invited{Trunk("18 8 0 101")});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("opus/48000/2"));
  harness.Feed(CalleeAnswered{Browser("111 110", "active")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("RTP/AVP 0 101\r\n"))
      << "of its codecs those that the trunk may use";
  ExpectRecoding(Find(harness, 111, 0), media::AudioCodec::kOpus, media::AudioCodec::kPcmu);
}

TEST(Inbound, WhatTheTrunkMayNotUseIsRefusedAsEver) {
  CallHarness harness(CallDirection::kFromTrunk, {.codecs = {"opus"}});
  EXPECT_EQ(harness.Feed(Invited{Trunk("0 8 101")}), "answer:488 ended");
}

}  // namespace
}  // namespace lastmile::call

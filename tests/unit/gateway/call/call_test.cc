#include "gateway/call/call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(CallFromBrowser, OffersTheTrunkPlainAudioAndAnswersTheBrowserInItsOwnTerms) {
  CallHarness harness(CallDirection::kFromBrowser);
  EXPECT_EQ(harness.Feed(Invited{testing::BrowserSdp()}), "open");
  const auto open = harness.Media<media::OpenSession>();
  EXPECT_EQ(open.session.value, 7u);
  ASSERT_TRUE(open.browser);
  EXPECT_EQ(open.browser->ice_ufrag, "bRwS");
  EXPECT_EQ(open.browser->gateway_role, media::DtlsRole::kServer);
  EXPECT_FALSE(open.trunk);

  EXPECT_EQ(harness.Feed(MediaOpened{OpenedSession()}), "place");
  const std::string offer = harness.Output<PlaceCallee>().offer;
  EXPECT_THAT(offer, HasSubstr("m=audio 30000 RTP/AVP 0 8 101\r\n"));
  EXPECT_THAT(offer, HasSubstr("192.0.2.1"));
  EXPECT_THAT(offer, Not(HasSubstr("a=ice")));
  EXPECT_THAT(offer, Not(HasSubstr("fingerprint")));

  EXPECT_EQ(harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")}), "ack update answer:200+sdp");
  const auto update = harness.Media<media::UpdateSession>();
  ASSERT_TRUE(update.trunk);
  EXPECT_EQ(update.trunk->rtp.ToString(), "127.0.0.2:40000");
  EXPECT_EQ(update.trunk->rtcp.port, 40001);
  ASSERT_TRUE(update.payloads);
  EXPECT_EQ(update.payloads->size(), 2u);
  const std::string answer = harness.Output<AnswerCaller>().sdp;
  EXPECT_THAT(answer, HasSubstr("UDP/TLS/RTP/SAVPF 0 101"));
  EXPECT_THAT(answer, HasSubstr("a=setup:passive"));
  EXPECT_THAT(answer, HasSubstr("a=ice-ufrag:gwUf"));
}

TEST(CallFromBrowser, EarlyMediaGivesOneAnswerAndThe200RepeatsIt) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  EXPECT_EQ(harness.Feed(CalleeProgress{183, testing::TrunkSdp("0 101")}), "update");
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:183+sdp");
  const std::string early = harness.Output<AnswerCaller>().sdp;
  // A second fork's SDP moves the media and says nothing to the browser (J6).
  EXPECT_EQ(harness.Feed(CalleeProgress{183, testing::TrunkSdp("0 101")}), "update");
  EXPECT_EQ(harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")}), "ack update answer:200+sdp");
  EXPECT_EQ(harness.Output<AnswerCaller>().sdp, early);  // J7
}

TEST(CallFromBrowser, A200WithoutSdpAfterEarlyMediaStillAnswersWithSdp) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeProgress{183, testing::TrunkSdp()});
  EXPECT_EQ(harness.Feed(CalleeAnswered{""}), "ack answer:200+sdp");  // J8
}

TEST(CallFromBrowser, HopByHopAndSwallowedProgressIsNotPassedOn) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  EXPECT_EQ(harness.Feed(CalleeProgress{100, ""}), "");
  EXPECT_EQ(harness.Feed(CalleeProgress{199, ""}), "");
  EXPECT_EQ(harness.Feed(CalleeProgress{180, ""}), "");
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:180+sdp");
  EXPECT_EQ(harness.Feed(CalleeProgress{180, ""}), "");
  EXPECT_EQ(harness.Feed(CalleeProgress{183, ""}), "answer:183");
}

TEST(CallFromBrowser, UnusableEarlyMediaIsProgressWithoutSdp) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeProgress{183, "not sdp"});
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:183+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("a=ice-ufrag:gwUf"));
}

TEST(CallFromBrowser, NoCommonCodecIs488AndNamesWhatWasOffered) {
  Call call({1}, {7},
            {.trunk = {.codecs = {"PCMA"}, .transcode = Transcode::kNever}, .sdp_session_id = 1});
  std::vector<CallOutput> out;
  call.On(Invited{testing::BrowserSdp("actpass", "0 101")}, {}, out);
  ASSERT_EQ(out.size(), 2u);
  const auto& answer = std::get<AnswerCaller>(out[0]);
  EXPECT_EQ(answer.status, 488);
  EXPECT_THAT(answer.warning, HasSubstr("PCMU"));
}

// --- the trunk's budget ---

std::vector<CallOutput> OffersToTrunk(Call& call) {
  std::vector<CallOutput> out;
  call.On(Invited{testing::BrowserSdp()}, {}, out);
  out.clear();
  call.On(MediaOpened{OpenedSession()}, {}, out);
  return out;
}

TEST(CallFromBrowser, TheOfferGetsWhatTheInvitesHeadLeavesOfItsBudget) {
  Call roomy({1}, {7}, {.invite_head_bytes = 450, .sdp_session_id = 1});
  const std::string whole = std::get<PlaceCallee>(OffersToTrunk(roomy)[0]).offer;
  EXPECT_THAT(whole, HasSubstr("a=rtpmap:8 PCMA/8000"));
  Call tight({1}, {7}, {.invite_head_bytes = 1300 - whole.size() + 1, .sdp_session_id = 1});
  const std::string less = std::get<PlaceCallee>(OffersToTrunk(tight)[0]).offer;
  EXPECT_LT(less.size(), whole.size());
  EXPECT_THAT(less, HasSubstr("RTP/AVP 0 8 101"));
  EXPECT_FALSE(tight.summary().over_budget);
}

TEST(CallFromBrowser, WhatCannotBeMadeToFitIsSentOrRefusedAsTheTrunkSays) {
  Call sent({1}, {7}, {.invite_head_bytes = 1250, .sdp_session_id = 1});
  EXPECT_TRUE(std::holds_alternative<PlaceCallee>(OffersToTrunk(sent)[0]));
  EXPECT_TRUE(sent.summary().over_budget);

  Call refused(
      {1}, {7},
      {.trunk = {.refuse_over_budget = true}, .invite_head_bytes = 1250, .sdp_session_id = 1});
  const auto out = OffersToTrunk(refused);
  EXPECT_EQ(std::get<AnswerCaller>(out[0]).status, 513);
  EXPECT_THAT(std::get<AnswerCaller>(out[0]).warning, HasSubstr("over its budget"));
  EXPECT_TRUE(std::holds_alternative<media::CloseSession>(std::get<media::MediaCommand>(out[1])));
  EXPECT_EQ(refused.state(), CallState::kClosing);
  EXPECT_EQ(refused.summary().status, 513);
}

TEST(CallFromBrowser, RulesThatCannotBeAppliedDoNotStopTheCall) {
  TrunkPolicy policy;
  policy.sdp.rules = {{.id = "bad",
                       .action = sdp::RuleAction::kDelete,
                       .target = {.line = "m=audio"},
                       .value = ""}};
  Call call({1}, {7}, {.trunk = policy, .sdp_session_id = 1});
  EXPECT_TRUE(std::holds_alternative<PlaceCallee>(OffersToTrunk(call)[0]));
  EXPECT_NE(call.trunk_leg().last_build().rules_problem, "");
}

// --- what is left of a call ---

TEST(CallFromBrowser, TheSummaryHasSizesTimesAndTheCause) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.now += 1s;
  harness.DriveTo(CallState::kCalling);
  const size_t offered = harness.Output<PlaceCallee>().offer.size();
  harness.now += 2s;
  harness.Feed(CalleeAnswered{harness.CalleeAnswer()});
  const size_t answered = harness.Output<AnswerCaller>().sdp.size();
  harness.Feed(CallerAcked{});
  harness.Feed(HungUp{Party::kCallee, ""});
  harness.Feed(MediaClosed{{.browser_to_trunk = {.packets = 5}}});
  const CallSummary& summary = harness.call().summary();
  EXPECT_EQ(summary.status, 200);
  EXPECT_EQ(summary.reason, "the callee hung up");
  EXPECT_EQ(summary.answered, TimePoint{} + 3s);
  EXPECT_EQ(summary.sdp.offer_in, harness.CallerOffer().size());
  EXPECT_EQ(summary.sdp.offer_out, offered);
  EXPECT_EQ(summary.sdp.answer_in, harness.CalleeAnswer().size());
  EXPECT_EQ(summary.sdp.answer_out, answered);
  EXPECT_EQ(summary.media.browser_to_trunk.packets, 5u);
}

TEST(CallFromBrowser, TheSummaryOfACallThatNeverWasHasItsStatus) {
  CallHarness cancelled(CallDirection::kFromBrowser);
  cancelled.DriveTo(CallState::kCalling);
  cancelled.Feed(CallerCancelled{});
  EXPECT_EQ(cancelled.call().summary().status, 487);
  EXPECT_FALSE(cancelled.call().summary().answered);
  CallHarness rejected(CallDirection::kFromBrowser);
  rejected.DriveTo(CallState::kCalling);
  rejected.Feed(CalleeRejected{486, ""});
  EXPECT_EQ(rejected.call().summary().status, 486);
  EXPECT_EQ(rejected.call().summary().reason, "the callee answered 486");
}

TEST(CallFromBrowser, TheCarriersCodeReachesTheBrowserWithItsReason) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  EXPECT_EQ(harness.Feed(CalleeRejected{500, R"(Q.850;cause=38)"}), "answer:480 close");
  EXPECT_EQ(harness.Output<AnswerCaller>().reason_header, "Q.850;cause=38");
}

TEST(CallFromBrowser, WhyNobodyAnsweredIsToldToTheBrowserAndInTheSummary) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeRejected{503, "", "no server took the call"});
  EXPECT_EQ(harness.Output<AnswerCaller>().reason_header,
            R"(SIP;cause=503;text="no server took the call")");
  EXPECT_EQ(harness.Output<AnswerCaller>().warning, "no server took the call");
  EXPECT_EQ(harness.call().summary().reason, "no server took the call");
}

TEST(CallFromBrowser, ARefusedReofferLeavesTheCallUp) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {9}, "not sdp"}), "reoffer:400");
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST(CallFromTrunk, OffersTheBrowserIceAndDtlsAndAnswersTheTrunkPlainAudio) {
  CallHarness harness(CallDirection::kFromTrunk);
  EXPECT_EQ(harness.Feed(Invited{testing::TrunkSdp()}), "open");
  ASSERT_TRUE(harness.Media<media::OpenSession>().trunk);
  EXPECT_EQ(harness.Feed(MediaOpened{OpenedSession()}), "place");
  const std::string offer = harness.Output<PlaceCallee>().offer;
  EXPECT_THAT(offer, HasSubstr("UDP/TLS/RTP/SAVPF"));
  EXPECT_THAT(offer, HasSubstr("a=ice-lite"));
  EXPECT_THAT(offer, HasSubstr("a=setup:actpass"));

  EXPECT_EQ(harness.Feed(CalleeAnswered{testing::BrowserSdp("active", "0 101")}),
            "ack update answer:200+sdp");
  const auto update = harness.Media<media::UpdateSession>();
  ASSERT_TRUE(update.browser);
  EXPECT_EQ(update.browser->gateway_role, media::DtlsRole::kServer);
  const std::string answer = harness.Output<AnswerCaller>().sdp;
  EXPECT_THAT(answer, HasSubstr("m=audio 30000 RTP/AVP 0 101\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("a=ice")));
}

TEST(CallFromTrunk, ABrowserThatLostItsConnectionIsUnavailable) {
  CallHarness harness(CallDirection::kFromTrunk);
  harness.DriveTo(CallState::kCalling);
  EXPECT_EQ(harness.Feed(CalleeRejected{503, ""}), "answer:480 close");
}

TEST(Call, AMediaEngineThatNeverAnswersEndsTheCallInTime) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kOpeningMedia);
  EXPECT_EQ(harness.Wait(Call::kMediaOpenTimeout - 1ns), "");
  EXPECT_EQ(harness.Wait(1ns), "answer:503 close");
  EXPECT_EQ(harness.Wait(Call::kMediaCloseTimeout), "ended");
}

}  // namespace
}  // namespace lastmile::call

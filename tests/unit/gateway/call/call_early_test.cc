#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/call/call_harness.h"

// What happens before the conversation: several answers of a carrier that become one, UPDATE before
// the 200, and parties that want to be offered.
namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::string At(std::string sdp, const std::string& address) {
  sdp.replace(sdp.find("c=IN IP4 127.0.0.2"), 18, "c=IN IP4 " + address);
  return sdp;
}

// --- several answers, one for the browser (interop rows 17 and 18) ---

class CallForks : public ::testing::Test {
 protected:
  CallForks() { harness.DriveTo(CallState::kCalling); }
  std::string Progress(const std::string& address) {
    return harness.Feed(CalleeProgress{183, At(testing::TrunkSdp("0 101"), address)});
  }
  std::string MediaTo() {
    const auto& update = harness.Media<media::UpdateSession>();
    return update.trunk ? update.trunk->rtp.address.ToString() : "";
  }

  CallHarness harness{CallDirection::kFromBrowser};
};

TEST_F(CallForks, A200RightBehindThe183IsAllTheBrowserSees) {
  EXPECT_EQ(Progress("127.0.0.2"), "update");
  EXPECT_EQ(harness.Wait(Call::kMergeProgress - 1ms), "");
  EXPECT_EQ(harness.Feed(CalleeAnswered{At(testing::TrunkSdp("0 101"), "127.0.0.2")}),
            "ack update answer:200+sdp");
  EXPECT_EQ(harness.Wait(1s), "");
}

TEST_F(CallForks, A183ThatNo200FollowsIsLateByTheTimeOfMerging) {
  Progress("127.0.0.2");
  EXPECT_EQ(harness.call().next_timeout(), harness.now + Call::kMergeProgress);
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:183+sdp");
  EXPECT_EQ(harness.call().next_timeout(), kNever);
}

TEST_F(CallForks, TheAnchorFollowsTheNewestForkAndTheBrowserGetsOneAnswer) {
  Progress("127.0.0.2");
  harness.Wait(Call::kMergeProgress);
  EXPECT_EQ(Progress("127.0.0.3"), "update");
  EXPECT_EQ(MediaTo(), "127.0.0.3");
  EXPECT_EQ(Progress("127.0.0.4"), "update");
  EXPECT_EQ(MediaTo(), "127.0.0.4");
  EXPECT_EQ(harness.Feed(CalleeAnswered{At(testing::TrunkSdp("0 101"), "127.0.0.3")}),
            "ack update answer:200+sdp");
  EXPECT_EQ(MediaTo(), "127.0.0.3") << "the fork that answered";
}

// --- an answer ahead of the callee's own, so that the path is ready when it answers ---

TEST_F(CallForks, TheBrowserIsAnsweredWhileItRings) {
  EXPECT_EQ(harness.Feed(CalleeProgress{180, ""}), "");
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:180+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("SAVPF 0 8 101"));
  // Early media that comes later says nothing more to the browser (J6).
  EXPECT_EQ(harness.Feed(CalleeProgress{183, testing::TrunkSdp("0 101")}), "update answer:183");
  EXPECT_EQ(harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")}), "ack update answer:200+sdp");
  EXPECT_EQ(harness.Feed(CallerAcked{}), "");
}

TEST_F(CallForks, EarlyMediaRightBehindTheRingingTakesThePlaceOfAnAnswerAhead) {
  harness.Feed(CalleeProgress{180, ""});
  EXPECT_EQ(harness.Feed(CalleeProgress{183, testing::TrunkSdp("8 101")}), "update");
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:183+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("SAVPF 8 101"));
}

TEST_F(CallForks, AnAnswerAheadThatTheCarrierNarrowsIsFollowedByAnOffer) {
  harness.Feed(CalleeProgress{180, ""});
  harness.Wait(Call::kMergeProgress);
  harness.Feed(CalleeAnswered{testing::TrunkSdp("8 101")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("SAVPF 8 101"));
  EXPECT_EQ(harness.Feed(CallerAcked{}), "offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, Party::kCaller);
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("SAVPF 8 101"));
}

TEST_F(CallForks, AnAnswerAheadIsNoAnswerOfTheCallee) {
  harness.Feed(CalleeProgress{180, ""});
  harness.Wait(Call::kMergeProgress);
  EXPECT_EQ(harness.Feed(CalleeAnswered{""}), "ack answer:488 bye:callee close");
}

TEST_F(CallForks, AFailureBehindThe183IsNotPrecededByIt) {
  Progress("127.0.0.2");
  EXPECT_EQ(harness.Feed(CalleeRejected{486, ""}), "answer:486 close");
  EXPECT_EQ(harness.Wait(1s), "");
}

// Interop row 19.
TEST_F(CallForks, AnotherCodecInThe200ReachesTheAnchorAndTheBrowser) {
  Progress("127.0.0.2");
  harness.Wait(Call::kMergeProgress);
  EXPECT_EQ(harness.Feed(CalleeAnswered{testing::TrunkSdp("8 101")}), "ack update answer:200+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("SAVPF 8 101"));
  EXPECT_EQ(harness.Media<media::UpdateSession>().payloads->front().trunk_pt, 8);
}

TEST_F(CallForks, RingingRightBehindThe183IsOneProgressWithIt) {
  Progress("127.0.0.2");
  EXPECT_EQ(harness.Feed(CalleeProgress{180, ""}), "");
  EXPECT_EQ(harness.Wait(Call::kMergeProgress), "answer:183+sdp");
}

// --- UPDATE before the 200 (interop row 16, J13) ---

TEST_F(CallForks, AnUpdateIsAnsweredFromTheAnchorAndTheBrowserHearsNothing) {
  Progress("127.0.0.2");
  harness.Wait(Call::kMergeProgress);
  EXPECT_EQ(
      harness.Feed(Reoffered{Party::kCallee, {5}, At(testing::TrunkSdp("0 101"), "127.0.0.9")}),
      "update reoffer:200");
  EXPECT_EQ(MediaTo(), "127.0.0.9");
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("m=audio 30000 RTP/AVP 0 101"));
  // Its 200 repeats what the UPDATE replaced.
  EXPECT_EQ(harness.Feed(CalleeAnswered{At(testing::TrunkSdp("0 101"), "127.0.0.2")}),
            "ack answer:200+sdp");
  EXPECT_EQ(harness.call().state(), CallState::kAnswered);
}

TEST_F(CallForks, AnotherForksAnswerCountsAfterAnUpdate) {
  Progress("127.0.0.2");
  harness.Feed(Reoffered{Party::kCallee, {5}, At(testing::TrunkSdp("0 101"), "127.0.0.9")});
  EXPECT_EQ(harness.Feed(CalleeAnswered{At(testing::TrunkSdp("0 101"), "127.0.0.3")}),
            "ack update answer:200+sdp");
  EXPECT_EQ(MediaTo(), "127.0.0.3");
}

TEST_F(CallForks, ACodecChangedByAnUpdateIsInThe200) {
  harness.Feed(CalleeProgress{183, testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {5}, testing::TrunkSdp("8 101")}),
            "update reoffer:200");
  harness.Feed(CalleeAnswered{""});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("SAVPF 8 101"));
}

TEST_F(CallForks, AnUpdateBeforeTheAnswerIsGlare) {
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {5}, testing::TrunkSdp()}), "reoffer:491");
}

TEST_F(CallForks, AnUpdateWithoutACommonCodecIsRefusedAndTheCallGoesOn) {
  Progress("127.0.0.2");
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {5}, "not sdp"}), "reoffer:400");
  EXPECT_EQ(harness.call().state(), CallState::kCalling);
}

// --- a carrier's INVITE without an offer (interop row 15) ---

class LateOfferByTrunk : public ::testing::Test {
 protected:
  // Up to the browser's 200.
  std::string Ring(bool reliable = false) {
    const std::string opened = harness.Feed(Invited{"", reliable});
    harness.Feed(MediaOpened{OpenedSession()});
    return opened;
  }
  std::string BrowserAnswers(const std::string& formats = "0 8 101") {
    return harness.Feed(CalleeAnswered{testing::BrowserSdp("active", formats)});
  }

  CallHarness harness{CallDirection::kFromTrunk};
};

TEST_F(LateOfferByTrunk, TheBrowserIsOfferedAllTheTrunkCarries) {
  EXPECT_EQ(Ring(), "open");
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("SAVPF 0 8 101"));
}

TEST_F(LateOfferByTrunk, The200OffersAndTheAckAnswers) {
  Ring();
  EXPECT_EQ(harness.Feed(CalleeProgress{180, ""}), "answer:180");
  EXPECT_EQ(BrowserAnswers(), "ack update answer:200+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("m=audio 30000 RTP/AVP 0 8 101"));
  EXPECT_EQ(harness.Feed(CallerAcked{testing::TrunkSdp("0 101")}), "update");
  const auto& update = harness.Media<media::UpdateSession>();
  EXPECT_EQ(update.trunk->rtp, *Endpoint::Parse("127.0.0.2:40000"));
  EXPECT_EQ(update.payloads->size(), 2u);
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST_F(LateOfferByTrunk, ACodecOnlyTheBrowserTookIsTakenBack) {
  Ring();
  BrowserAnswers();
  EXPECT_EQ(harness.Feed(CallerAcked{testing::TrunkSdp("8 101")}), "update offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, Party::kCallee);
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("SAVPF 8 101"));
}

TEST_F(LateOfferByTrunk, AMissingOrBadAnswerEndsTheCallWithAReason) {
  for (const char* answer : {"", "not sdp"}) {
    CallHarness fresh(CallDirection::kFromTrunk);
    fresh.Feed(Invited{""});
    fresh.Feed(MediaOpened{OpenedSession()});
    fresh.Feed(CalleeAnswered{testing::BrowserSdp("active")});
    EXPECT_EQ(fresh.Feed(CallerAcked{answer}), "bye:caller bye:callee close");
    EXPECT_THAT(fresh.Output<HangUp>().reason_header, HasSubstr("SIP;cause=488;text="));
  }
}

TEST_F(LateOfferByTrunk, NoCodecInCommonEndsTheCall) {
  Ring();
  BrowserAnswers("0 101");
  EXPECT_EQ(harness.Feed(CallerAcked{testing::TrunkSdp("8 101")}), "bye:caller bye:callee close");
}

TEST_F(LateOfferByTrunk, AReliable18xCarriesTheOfferAndThePrackTheAnswer) {
  Ring(true);
  EXPECT_EQ(harness.Feed(CalleeProgress{180, ""}), "answer:180+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("RTP/AVP 0 8 101"));
  EXPECT_EQ(harness.Feed(CalleeProgress{183, ""}), "answer:183");
  EXPECT_EQ(harness.Feed(Reoffered{.party = Party::kCaller,
                                   .request = {6},
                                   .sdp = testing::TrunkSdp("0 101"),
                                   .prack = true}),
            "update reoffer:200");
  EXPECT_EQ(BrowserAnswers(), "ack update answer:200");
  EXPECT_EQ(harness.Feed(CallerAcked{}), "");
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST_F(LateOfferByTrunk, ABrowserThatAnswersBeforeThePrackIsNoHurry) {
  Ring(true);
  harness.Feed(CalleeProgress{180, ""});
  EXPECT_EQ(BrowserAnswers(), "ack update answer:200");
  EXPECT_EQ(harness.Feed(Reoffered{.party = Party::kCaller,
                                   .request = {6},
                                   .sdp = testing::TrunkSdp("8 101"),
                                   .prack = true}),
            "update reoffer:200");
  EXPECT_EQ(harness.Feed(CallerAcked{}), "offer") << "the browser would send PCMU";
}

TEST_F(LateOfferByTrunk, ABadAnswerInThePrackEndsTheCall) {
  Ring(true);
  harness.Feed(CalleeProgress{180, ""});
  EXPECT_EQ(harness.Feed(Reoffered{
                .party = Party::kCaller, .request = {6}, .sdp = "not sdp", .prack = true}),
            "reoffer:488 answer:488 cancel close");
}

TEST_F(LateOfferByTrunk, AnUpdateOfTheCallerNeedsASettledOffer) {
  Ring(true);
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {5}, testing::TrunkSdp()}), "reoffer:500");
  harness.Feed(CalleeProgress{180, ""});
  harness.Feed(Reoffered{
      .party = Party::kCaller, .request = {6}, .sdp = testing::TrunkSdp("0 101"), .prack = true});
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {7}, testing::TrunkSdp("0 101")}),
            "update reoffer:200");
  EXPECT_EQ(harness.Feed(Reoffered{.party = Party::kCaller,
                                   .request = {8},
                                   .sdp = testing::TrunkSdp("0 101"),
                                   .prack = true}),
            "reoffer:488");
}

// --- a browser's INVITE without an offer ---

TEST(LateOfferByBrowser, TheTrunkIsOfferedFromTheAnchorAndTheAckAnswers) {
  CallHarness harness(CallDirection::kFromBrowser);
  EXPECT_EQ(harness.Feed(Invited{""}), "open");
  EXPECT_EQ(harness.Feed(MediaOpened{OpenedSession()}), "place");
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("RTP/AVP 0 8 101"));
  // Nothing it could answer: an offer in an 18x that is not reliable does not count.
  EXPECT_EQ(harness.Feed(CalleeProgress{183, testing::TrunkSdp("8 101")}), "update answer:183");
  EXPECT_EQ(harness.Feed(CalleeAnswered{testing::TrunkSdp("8 101")}), "ack update answer:200+sdp");
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("SAVPF 8 101"));
  EXPECT_EQ(harness.Feed(CallerAcked{testing::BrowserSdp("active", "8 101")}), "update");
  EXPECT_TRUE(harness.Media<media::UpdateSession>().browser);
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST(LateOfferByBrowser, AMissingAnswerEndsTheCall) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.Feed(Invited{""});
  harness.Feed(MediaOpened{OpenedSession()});
  harness.Feed(CalleeAnswered{testing::TrunkSdp("8 101")});
  EXPECT_EQ(harness.Feed(CallerAcked{}), "bye:caller bye:callee close");
}

// --- a re-INVITE without an offer, and refreshes ---

class LateReoffer : public ::testing::Test {
 protected:
  LateReoffer() { harness.DriveTo(CallState::kConnected); }
  CallHarness harness{CallDirection::kFromBrowser};
};

TEST_F(LateReoffer, TheTrunkGetsWhatHoldsAndAnswersInItsAck) {
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {5}, ""}), "reoffer:200");
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("m=audio 30000 RTP/AVP 0 101"));
  EXPECT_EQ(harness.Feed(CalleeAcked{At(testing::TrunkSdp("0 101"), "127.0.0.7")}), "update");
  EXPECT_EQ(harness.Media<media::UpdateSession>().trunk->rtp.address.ToString(), "127.0.0.7");
}

TEST_F(LateReoffer, ACodecTheTrunkTakesBackInItsAckIsTakenFromTheBrowser) {
  CallHarness both(CallDirection::kFromBrowser);
  both.DriveTo(CallState::kCalling);
  both.Feed(CalleeAnswered{testing::TrunkSdp("8 0 101")});
  both.Feed(CallerAcked{});
  // The browser offered PCMU first, but what counts is what it was answered.
  both.Feed(Reoffered{Party::kCallee, {5}, ""});
  EXPECT_EQ(both.Feed(CalleeAcked{testing::TrunkSdp("8 101")}), "update");
  both.Feed(Reoffered{Party::kCallee, {6}, ""});
  EXPECT_THAT(both.Output<AnswerReoffer>().sdp, HasSubstr("RTP/AVP 8 101"));
}

TEST_F(LateReoffer, AHoldInTheAckIsToldToTheBrowser) {
  harness.Feed(Reoffered{Party::kCallee, {5}, ""});
  EXPECT_EQ(harness.Feed(CalleeAcked{testing::TrunkSdp("0 101", "sendonly")}), "update offer");
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("a=sendonly"));
}

TEST_F(LateReoffer, WithoutAnAnswerTheSessionStaysAsItWas) {
  harness.Feed(Reoffered{Party::kCallee, {5}, ""});
  EXPECT_EQ(harness.Feed(CalleeAcked{}), "");
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {6}, testing::TrunkSdp("0 101")}),
            "update reoffer:200");
}

TEST_F(LateReoffer, AnUpdateBeforeThatAckIsGlare) {
  harness.Feed(Reoffered{Party::kCallee, {5}, ""});
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {6}, testing::TrunkSdp("0 101")}),
            "reoffer:491");
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {7}, ""}), "reoffer:491");
}

TEST_F(LateReoffer, TheBrowserMayAskForAnOfferToo) {
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {5}, ""}), "reoffer:200");
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("a=setup:actpass"));
  EXPECT_EQ(harness.Feed(CallerAcked{testing::BrowserSdp("active", "0 101")}), "update");
}

TEST_F(LateReoffer, ARefreshOfTheTrunksSessionChangesNothing) {
  EXPECT_EQ(harness.Feed(RefreshDue{.of_browser = false}), "offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, Party::kCallee);
  const std::string first = harness.Output<SendOffer>().sdp;
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCallee, 200, testing::TrunkSdp("0 101")}), "update");
  harness.Feed(RefreshDue{.of_browser = false});
  EXPECT_EQ(harness.Output<SendOffer>().sdp, first) << "the same o= version";
}

}  // namespace
}  // namespace lastmile::call

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/call/call_snapshot.h"
#include "tests/unit/gateway/call/call_harness.h"

// What the parties of a transferred call are told; the table has what happens when.
namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The description of another party, at 127.0.0.3.
std::string TargetSdp(const std::string& formats = "0 101",
                      const std::string& direction = "sendrecv") {
  std::string sdp = testing::TrunkSdp(formats, direction);
  for (size_t at = 0; (at = sdp.find("127.0.0.2", at)) != std::string::npos;) sdp[at + 8] = '3';
  return sdp;
}

std::string OriginOf(const std::string& sdp) {
  const size_t at = sdp.find("o=");
  return sdp.substr(at, sdp.find('\r', at) - at);
}

class CallTransfer : public ::testing::TestWithParam<CallDirection> {
 protected:
  CallTransfer() { harness.DriveTo(CallState::kConnected); }

  Party browser() const { return harness.from_browser() ? Party::kCaller : Party::kCallee; }
  Party trunk() const { return Other(browser()); }
  std::string Refer(TrunkPolicy policy = {}, size_t head = 700) {
    return harness.Feed(
        TransferAsked{.request = {8}, .policy = std::move(policy), .invite_head_bytes = head});
  }
  std::string BrowserOffers(const std::string& direction) {
    std::string offer = testing::BrowserSdp("actpass", "0 101");
    offer.replace(offer.find("a=sendrecv"), 10, "a=" + direction);
    return harness.Feed(Reoffered{browser(), {9}, offer});
  }
  std::string BrowserAnswers(const std::string& direction) {
    std::string answer = testing::BrowserSdp("active", "0 101");
    answer.replace(answer.find("a=sendrecv"), 10, "a=" + direction);
    return harness.Feed(OfferAnswered{browser(), 200, answer});
  }
  void ExpectMediaAtTheTarget() {
    const auto& update = harness.Media<media::UpdateSession>();
    ASSERT_TRUE(update.trunk);
    EXPECT_EQ(update.trunk->rtp, *Endpoint::Parse("127.0.0.3:40000"));
    EXPECT_FALSE(update.browser);
    ASSERT_TRUE(update.payloads);
    EXPECT_FALSE(update.payloads->empty());
  }

  CallHarness harness{GetParam()};
};

TEST_P(CallTransfer, TheTargetIsOfferedTheSameMediaSessionByALegOfItsOwn) {
  harness.Feed(RefreshDue{.of_browser = false});
  const std::string old = harness.Output<SendOffer>().sdp;
  EXPECT_EQ(Refer(), "refer:202 notify:100 place-target");
  const std::string& offer = harness.Output<PlaceTarget>().offer;
  EXPECT_THAT(offer, HasSubstr("c=IN IP4 192.0.2.1\r\n"));
  EXPECT_THAT(offer, HasSubstr("m=audio 30000 RTP/AVP 0 "));
  EXPECT_NE(OriginOf(offer), OriginOf(old));
}

TEST_P(CallTransfer, TheBrowserHearsTheTargetWithoutAnySignalling) {
  Refer();
  EXPECT_EQ(harness.Feed(TargetProgress{183, TargetSdp()}), "notify:183");
  EXPECT_EQ(harness.Feed(TargetProgress{183, ""}), "") << "nothing new";
  EXPECT_EQ(harness.Feed(TargetAnswered{TargetSdp()}),
            harness.ByParty("ack-target update notify:200 bye:trunk swap"));
  ExpectMediaAtTheTarget();
  EXPECT_THAT(harness.Output<HangUp>().reason_header, HasSubstr("another party"));
  EXPECT_TRUE(harness.call().summary().transferred);
  // From now on it is the trunk leg's peer.
  EXPECT_EQ(BrowserOffers("sendonly"), "update reoffer:200 offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, trunk());
  EXPECT_EQ(harness.Feed(HungUp{trunk(), ""}), harness.ByParty("bye:browser close"));
}

TEST_P(CallTransfer, AnAnswerMayHaveBeenInAReliable18x) {
  Refer();
  harness.Feed(TargetProgress{183, TargetSdp()});
  EXPECT_EQ(harness.Feed(TargetAnswered{""}),
            harness.ByParty("ack-target update notify:200 bye:trunk swap"));
  ExpectMediaAtTheTarget();
}

TEST_P(CallTransfer, AfterAFailureTheOldPartyGoesOnAsBefore) {
  Refer();
  EXPECT_EQ(harness.Feed(TargetRejected{486}), "notify:486");
  EXPECT_FALSE(harness.call().summary().transferred);
  EXPECT_EQ(BrowserOffers("sendonly"), "update reoffer:200 offer");
  EXPECT_EQ(harness.Feed(OfferAnswered{trunk(), 200, testing::TrunkSdp("0 101", "recvonly")}),
            "update");
  EXPECT_EQ(harness.Media<media::UpdateSession>().trunk->rtp, *Endpoint::Parse("127.0.0.2:40000"));
  EXPECT_EQ(Refer(), "refer:202 notify:100 place-target") << "it may try again";
}

TEST_P(CallTransfer, ATransferorThatHungUpFirstLeavesTheBrowserToTheTarget) {
  Refer();
  EXPECT_EQ(harness.Feed(HungUp{trunk(), ""}), "");
  EXPECT_EQ(harness.Feed(TargetProgress{180, ""}), "") << "there is nobody to notify";
  EXPECT_EQ(harness.Feed(TargetAnswered{TargetSdp()}), "ack-target update swap");
  ExpectMediaAtTheTarget();
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST_P(CallTransfer, ItHearsTheTargetRingOnceTheTransferorIsGone) {
  Refer();
  EXPECT_EQ(harness.Feed(TargetProgress{183, TargetSdp()}), "notify:183");
  EXPECT_EQ(harness.Feed(HungUp{trunk(), ""}), "update");
  ExpectMediaAtTheTarget();
  EXPECT_EQ(BrowserOffers("sendonly"), "update reoffer:200");
  EXPECT_EQ(harness.Feed(TargetProgress{183, TargetSdp()}), "update");
  EXPECT_EQ(harness.Feed(TargetAnswered{""}), "ack-target update swap offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, trunk()) << "the hold";
}

TEST_P(CallTransfer, EarlyMediaOfNoUseIsNoAnswer) {
  Refer();
  harness.Feed(HungUp{trunk(), ""});
  EXPECT_EQ(harness.Feed(TargetProgress{183, "not sdp"}), "");
  EXPECT_EQ(harness.Feed(TargetAnswered{TargetSdp()}), "ack-target update swap");
  ExpectMediaAtTheTarget();
}

TEST_P(CallTransfer, IfThatFailsTheBrowserIsToldWhy) {
  Refer();
  harness.Feed(HungUp{trunk(), ""});
  EXPECT_EQ(harness.Feed(TargetRejected{486}), harness.ByParty("bye:browser close"));
  EXPECT_EQ(harness.Output<HangUp>().reason_header, "SIP;cause=486;text=\"the transfer failed\"");
  EXPECT_THAT(harness.call().summary().reason, HasSubstr("its target answered 486"));
}

// A transferor holds the call first: the browser is offered the end of that.
TEST_P(CallTransfer, AHoldOfTheTransferorEndsWithItsLeg) {
  EXPECT_EQ(harness.Feed(Reoffered{trunk(), {9}, testing::TrunkSdp("0 101", "sendonly")}),
            "update reoffer:200 offer");
  BrowserAnswers("recvonly");
  Refer();
  EXPECT_THAT(harness.Output<PlaceTarget>().offer, Not(HasSubstr("a=sendonly")));
  EXPECT_EQ(harness.Feed(TargetAnswered{TargetSdp()}),
            harness.ByParty("ack-target update notify:200 bye:trunk swap offer"));
  EXPECT_EQ(harness.Output<SendOffer>().party, browser());
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("a=sendrecv\r\n"));
}

TEST_P(CallTransfer, AHoldOfTheBrowserMeanwhileIsToldToTheTarget) {
  Refer();
  harness.Feed(HungUp{trunk(), ""});
  EXPECT_EQ(BrowserOffers("sendonly"), "update reoffer:200");
  EXPECT_EQ(harness.Feed(TargetAnswered{TargetSdp()}), "ack-target update swap offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, trunk());
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("a=sendonly\r\n"));
}

TEST_P(CallTransfer, AnswersOfALegThatIsOverEndNothing) {
  EXPECT_EQ(BrowserOffers("sendonly"), "update reoffer:200 offer");
  Refer();
  harness.Feed(HungUp{trunk(), ""});
  EXPECT_EQ(harness.Feed(OfferAnswered{trunk(), 481, ""}), "");
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST_P(CallTransfer, AnInviteThatDoesNotFitIsNotSentWhereTheTrunkSaysSo) {
  TrunkPolicy policy;
  policy.refuse_over_budget = true;
  EXPECT_EQ(Refer(policy, 1290), "refer:202 notify:100 notify:513");
  policy.refuse_over_budget = false;
  EXPECT_EQ(Refer(policy, 1290), "refer:202 notify:100 place-target");
}

TEST_P(CallTransfer, ATrunkWithoutTheCallsCodecsCannotBeItsTarget) {
  EXPECT_EQ(Refer({.codecs = {"opus"}, .transcode = Transcode::kNever}),
            "refer:202 notify:100 notify:488");
  EXPECT_EQ(BrowserOffers("sendrecv"), "update reoffer:200") << "the call goes on";
}

TEST_P(CallTransfer, ATrunkWithOtherCodecsIsATargetIfItMayBeTranscoded) {
  EXPECT_EQ(Refer({.codecs = {"opus"}}), "refer:202 notify:100 place-target");
}

// --- INVITE with Replaces ---

TEST_P(CallTransfer, AReplacingPartyIsAnsweredFromTheAnchor) {
  EXPECT_EQ(harness.Feed(TrunkReplaced{TargetSdp()}),
            harness.ByParty("update replacing:200 bye:trunk swap"));
  ExpectMediaAtTheTarget();
  EXPECT_THAT(harness.Output<AnswerReplacing>().sdp, HasSubstr("m=audio 30000 RTP/AVP 0 "));
  EXPECT_TRUE(harness.call().summary().transferred);
}

TEST_P(CallTransfer, AReplacingPartyWithoutAnOfferAnswersInItsAck) {
  EXPECT_EQ(harness.Feed(TrunkReplaced{""}), harness.ByParty("replacing:200 bye:trunk swap"));
  EXPECT_THAT(harness.Output<AnswerReplacing>().sdp, HasSubstr("m=audio 30000 RTP/AVP 0 "));
  const bool caller = trunk() == Party::kCaller;
  EXPECT_EQ(
      caller ? harness.Feed(CallerAcked{TargetSdp()}) : harness.Feed(CalleeAcked{TargetSdp()}),
      "update");
  ExpectMediaAtTheTarget();
}

TEST_P(CallTransfer, AReplacingPartyThatNeverAnswersEndsTheCall) {
  harness.Feed(TrunkReplaced{""});
  EXPECT_FALSE(harness.call().Snapshot(harness.now)) << "its leg has no session yet";
  const bool caller = trunk() == Party::kCaller;
  EXPECT_EQ(caller ? harness.Feed(CallerAcked{}) : harness.Feed(CalleeAcked{}),
            "bye:caller bye:callee close");
}

TEST_P(CallTransfer, AReplacingPartyWithoutTheCallsCodecsIsRefused) {
  EXPECT_EQ(harness.Feed(TrunkReplaced{TargetSdp("9 101")}), "replacing:488");
  EXPECT_THAT(harness.Output<AnswerReplacing>().warning, HasSubstr("none of the call's codecs"));
  harness.Feed(RefreshDue{.of_browser = false});
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("m=audio 30000 RTP/AVP 0 "));
}

// A browser that calls offers PCMA, too: it is told that it is to send that from now on.
TEST(CallTransferFromBrowser, AnotherCodecIsOfferedToTheBrowser) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  harness.Feed(TransferAsked{.request = {8}});
  EXPECT_EQ(harness.Feed(TargetAnswered{TargetSdp("8 101")}),
            "ack-target update notify:200 bye:callee swap offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, Party::kCaller);
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("SAVPF 8 101\r\n"));
}

INSTANTIATE_TEST_SUITE_P(Directions, CallTransfer,
                         ::testing::Values(CallDirection::kFromBrowser, CallDirection::kFromTrunk),
                         [](const auto& tested) {
                           return tested.param == CallDirection::kFromBrowser ? "FromBrowser"
                                                                              : "FromTrunk";
                         });

}  // namespace
}  // namespace lastmile::call

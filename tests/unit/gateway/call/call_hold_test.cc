#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// A connected call of a browser, which is the caller, with a trunk, the callee.
class CallHold : public ::testing::Test {
 protected:
  CallHold() { harness.DriveTo(CallState::kConnected); }

  std::string BrowserOffers(const std::string& direction) {
    std::string offer = testing::BrowserSdp();
    offer.replace(offer.find("a=sendrecv"), 10, "a=" + direction);
    return harness.Feed(Reoffered{Party::kCaller, {9}, offer});
  }
  std::string TrunkOffers(const std::string& direction) {
    return harness.Feed(Reoffered{Party::kCallee, {9}, testing::TrunkSdp("0 101", direction)});
  }
  std::string TrunkAnswers(const std::string& direction) {
    return harness.Feed(OfferAnswered{Party::kCallee, 200, testing::TrunkSdp("0 101", direction)});
  }
  std::string BrowserAnswers(const std::string& direction) {
    std::string answer = testing::BrowserSdp("active", "0 101");
    answer.replace(answer.find("a=sendrecv"), 10, "a=" + direction);
    return harness.Feed(OfferAnswered{Party::kCaller, 200, answer});
  }
  const std::string& Answer() const { return harness.Output<AnswerReoffer>().sdp; }
  const SendOffer& Offer() const { return harness.Output<SendOffer>(); }

  CallHarness harness{CallDirection::kFromBrowser};
};

TEST_F(CallHold, TheBrowsersIsAnsweredAtOnceAndThenToldToTheCarrier) {
  EXPECT_EQ(BrowserOffers("sendonly"), "update reoffer:200 offer");
  EXPECT_THAT(Answer(), HasSubstr("a=recvonly\r\n"));
  EXPECT_EQ(Offer().party, Party::kCallee);
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendonly\r\n"));
  EXPECT_THAT(Offer().sdp, HasSubstr("RTP/AVP 0 101\r\n"));
  EXPECT_EQ(TrunkAnswers("recvonly"), "update");

  EXPECT_EQ(BrowserOffers("sendrecv"), "update reoffer:200 offer");
  EXPECT_THAT(Answer(), HasSubstr("a=sendrecv\r\n"));
  EXPECT_THAT(Offer().sdp, Not(HasSubstr("a=sendonly")));
  EXPECT_EQ(TrunkAnswers("sendrecv"), "update");
}

TEST_F(CallHold, TheCarriersIsAnsweredAtOnceAndThenToldToTheBrowser) {
  EXPECT_EQ(TrunkOffers("sendonly"), "update reoffer:200 offer");
  EXPECT_THAT(Answer(), HasSubstr("a=recvonly\r\n"));
  EXPECT_EQ(Offer().party, Party::kCaller);
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendonly\r\n"));
  EXPECT_THAT(Offer().sdp, HasSubstr("a=ice-ufrag:gwUf\r\n")) << "a hold restarts no ICE";
  EXPECT_EQ(BrowserAnswers("recvonly"), "update");
  EXPECT_EQ(TrunkOffers("sendrecv"), "update reoffer:200 offer");
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendrecv\r\n"));
}

TEST(CallHoldBeforeTheAck, OfTheCarrierWaitsForTheBrowsersAck) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kAnswered);
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {9}, testing::TrunkSdp("0 101", "sendonly")}),
            "update reoffer:200");
  EXPECT_EQ(harness.Feed(CallerAcked{}), "offer");
  EXPECT_EQ(harness.Output<SendOffer>().party, Party::kCaller);
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("a=sendonly\r\n"));
}

TEST_F(CallHold, TheOldWayWithoutAnAddressIsAHoldToo) {
  std::string held = testing::TrunkSdp("0 101");
  held.replace(held.find("c=IN IP4 127.0.0.2"), 18, "c=IN IP4 0.0.0.0");
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {9}, held}), "update reoffer:200 offer");
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendonly\r\n"));
  EXPECT_FALSE(harness.Media<media::UpdateSession>().trunk);
}

TEST_F(CallHold, ARefreshThatChangesNothingStaysOnItsLeg) {
  EXPECT_EQ(TrunkOffers("sendrecv"), "update reoffer:200");
  EXPECT_EQ(BrowserOffers("sendrecv"), "update reoffer:200");
}

TEST_F(CallHold, ACarrierThatRefreshesWhileItIsHeldIsToldAgainThatItIs) {
  BrowserOffers("sendonly");
  TrunkAnswers("recvonly");
  EXPECT_EQ(TrunkOffers("sendrecv"), "update reoffer:200");
  EXPECT_THAT(Answer(), HasSubstr("a=sendonly\r\n"));
  // What it may not send is no wish of its own.
  EXPECT_EQ(TrunkOffers("recvonly"), "update reoffer:200");
}

TEST_F(CallHold, BothMayHoldAndEachEndsItsOwn) {
  TrunkOffers("sendonly");
  BrowserAnswers("recvonly");
  EXPECT_EQ(BrowserOffers("inactive"), "update reoffer:200 offer");
  EXPECT_EQ(Offer().party, Party::kCallee);
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendonly\r\n"));
  TrunkAnswers("inactive");
  EXPECT_EQ(TrunkOffers("recvonly"), "update reoffer:200 offer");
  EXPECT_EQ(Offer().party, Party::kCaller);
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendrecv\r\n"));
}

TEST_F(CallHold, ACarriersRefusalIsNotTheBrowsersBusiness) {
  BrowserOffers("sendonly");
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCallee, 488, ""}), "");
  EXPECT_EQ(harness.call().state(), CallState::kConnected);
}

TEST_F(CallHold, GlareIsTriedAgainAndForgottenWithTheCall) {
  BrowserOffers("sendonly");
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCallee, 491, ""}), "");
  EXPECT_EQ(harness.call().next_timeout(), harness.now + Call::OfferAgain({1}));
  EXPECT_EQ(harness.Wait(Call::OfferAgain({1})), "offer");
  EXPECT_THAT(Offer().sdp, HasSubstr("a=sendonly\r\n"));
  harness.Feed(OfferAnswered{Party::kCallee, 491, ""});
  harness.Feed(HungUp{Party::kCaller, ""});
  EXPECT_EQ(harness.Wait(Call::OfferAgain({1})), "");
}

TEST_F(CallHold, ACarrierThatLostTheCallEndsIt) {
  BrowserOffers("sendonly");
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCallee, 481, ""}), "bye:caller bye:callee close");
}

}  // namespace
}  // namespace lastmile::call

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/gateway/call/call_harness.h"

// Digits between the legs of a call.
namespace lastmile::call {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

InfoReceived Info(Party party, std::string body = "Signal=5\r\nDuration=160",
                  std::string type = kDtmfRelay) {
  return {.party = party, .request = {4}, .content_type = std::move(type), .body = std::move(body)};
}

// A trunk's SDP with these formats, of which the dynamic ones are known.
std::string Trunk(const std::string& formats) {
  return testing::TrunkSdp(formats) +
         "a=rtpmap:96 opus/48000/2\r\na=rtpmap:97 telephone-event/48000\r\na=fmtp:102 0-16\r\n"
         "a=rtpmap:102 telephone-event/8000\r\n";
}

std::string BrowserWithOpus(const std::string& formats) {
  return testing::BrowserSdp("actpass", formats) +
         "a=rtpmap:111 opus/48000/2\r\na=rtpmap:110 telephone-event/48000\r\n";
}

TrunkPolicy Policy(DtmfMode mode, std::vector<std::string> codecs = {"PCMU", "PCMA"}) {
  TrunkPolicy policy;
  policy.codecs = std::move(codecs);
  policy.dtmf = mode;
  return policy;
}

// A browser's call that the trunk answered with `answer`.
void Connect(CallHarness& harness, const std::string& offer, const std::string& answer) {
  harness.Feed(Invited{offer});
  harness.Feed(MediaOpened{OpenedSession()});
  harness.Feed(CalleeAnswered{answer});
  ASSERT_EQ(harness.Feed(CallerAcked{}), "");
  ASSERT_EQ(harness.call().state(), CallState::kConnected);
}

TEST(CallDigits, InfoOfTheBrowserIsAnsweredAtOnceAndBecomesAnEvent) {
  for (const CallDirection direction : {CallDirection::kFromBrowser, CallDirection::kFromTrunk}) {
    CallHarness harness(direction);
    harness.DriveTo(CallState::kConnected);
    const Party browser = harness.from_browser() ? Party::kCaller : Party::kCallee;
    EXPECT_EQ(harness.Feed(Info(browser)), "info:200 event:5");
    EXPECT_EQ(harness.Output<AnswerInfo>().party, browser);
    EXPECT_EQ(harness.Output<AnswerInfo>().request, sip::ServerRequestId{4});
    EXPECT_EQ(harness.Media<media::SendDigit>().session, media::SessionId{7});
    EXPECT_EQ(harness.Media<media::SendDigit>().duration, 160ms);
    EXPECT_EQ(harness.Feed(Info(browser, "#", "application/dtmf")), "info:200 event:11");
  }
}

TEST(CallDigits, InfoOfTheTrunkGoesToThePageAsInfoItUnderstands) {
  for (const CallDirection direction : {CallDirection::kFromBrowser, CallDirection::kFromTrunk}) {
    CallHarness harness(direction);
    harness.DriveTo(CallState::kConnected);
    const Party trunk = harness.from_browser() ? Party::kCallee : Party::kCaller;
    EXPECT_EQ(harness.Feed(Info(trunk, "5", "application/dtmf")),
              harness.from_browser() ? "info:200 send-info:caller" : "info:200 send-info:callee");
    EXPECT_EQ(harness.Output<SendInfo>().content_type, "application/dtmf-relay");
    EXPECT_EQ(harness.Output<SendInfo>().body, "Signal=5\r\nDuration=100\r\n");
  }
}

TEST(CallDigits, WhatIsNoDigitIsRefusedWithASentence) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  EXPECT_EQ(harness.Feed(Info(Party::kCaller, "Signal=horn")), "info:400");
  EXPECT_THAT(harness.Output<AnswerInfo>().warning, HasSubstr("Signal"));
  EXPECT_EQ(harness.Output<AnswerInfo>().accept, "");
  EXPECT_EQ(harness.Feed(Info(Party::kCaller, "{}", "application/json")), "info:415");
  EXPECT_EQ(harness.Output<AnswerInfo>().accept, "application/dtmf-relay, application/dtmf");
  EXPECT_EQ(harness.Feed(Info(Party::kCaller, "", "")), "info:200");
}

TEST(CallDigits, EveryStateAnswersAnInfo) {
  for (const CallState state : {CallState::kOpeningMedia, CallState::kCalling}) {
    CallHarness harness(CallDirection::kFromBrowser);
    harness.DriveTo(state);
    EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:503");
    EXPECT_THAT(harness.Output<AnswerInfo>().warning, HasSubstr("no audio yet"));
  }
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kClosing);
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:481");
}

// JsSIP sends digits from the first 18x on.
TEST(CallDigits, EarlyMediaTakesDigits) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kCalling);
  harness.Feed(CalleeProgress{180, ""});
  harness.Wait(Call::kMergeProgress);
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:503") << "the trunk has no audio yet";
  harness.Feed(CalleeProgress{183, testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 event:5");
}

TEST(CallDigits, SoManyWaitAndMoreAreRefused) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.DriveTo(CallState::kConnected);
  for (size_t i = 0; i < DigitPace::kMaxWaiting; ++i) {
    EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 event:5");
  }
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:503");
  EXPECT_THAT(harness.Output<AnswerInfo>().warning, HasSubstr("32 digits wait"));
  EXPECT_EQ(harness.Feed(DigitHeard{.from_browser = true, .event = 1}), "");
  EXPECT_EQ(harness.Feed(Info(Party::kCallee)), "info:200 send-info:caller")
      << "each way by itself";
  harness.now += 1s;
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 event:5");
}

// --- the trunk's way ---

TEST(CallDigits, WithoutTelephoneEventATrunkGetsTonesInG711) {
  CallHarness harness(CallDirection::kFromBrowser);
  Connect(harness, testing::BrowserSdp(), Trunk("0"));
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 tones:5");
}

TEST(CallDigits, WithoutTelephoneEventAndG711ATrunkGetsInfo) {
  CallHarness harness(CallDirection::kFromBrowser, Policy(DtmfMode::kRfc4733, {"opus"}));
  Connect(harness, BrowserWithOpus("111 0 110 101"), Trunk("96"));
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 send-info:callee");
  EXPECT_EQ(harness.Output<SendInfo>().body, "Signal=5\r\nDuration=160\r\n");
}

TEST(CallDigits, ATrunkThatWantsInfoIsOfferedNoTelephoneEventAndGetsInfo) {
  CallHarness harness(CallDirection::kFromBrowser, Policy(DtmfMode::kInfo));
  harness.Feed(Invited{testing::BrowserSdp()});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, Not(HasSubstr("telephone-event")));
  harness.Feed(CalleeAnswered{Trunk("0")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, HasSubstr("telephone-event/8000"))
      << "the browser may press keys in its own way";
  harness.Feed(CallerAcked{});
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 send-info:callee");
  EXPECT_EQ(harness.Feed(DigitHeard{.from_browser = true, .event = 10}), "send-info:callee");
  EXPECT_EQ(harness.Output<SendInfo>().body, "Signal=*\r\nDuration=100\r\n");
}

TEST(CallDigits, ATrunkThatWantsTonesGetsTonesAndItsTelephoneEventIsNotTaken) {
  CallHarness harness(CallDirection::kFromTrunk, Policy(DtmfMode::kInband));
  harness.Feed(Invited{Trunk("0 101")});
  harness.Feed(MediaOpened{OpenedSession()});
  harness.Feed(CalleeAnswered{testing::BrowserSdp("active", "0 101")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, Not(HasSubstr("telephone-event")));
  harness.Feed(CallerAcked{});
  EXPECT_EQ(harness.Feed(Info(Party::kCallee)), "info:200 tones:5");
  EXPECT_EQ(harness.Feed(DigitHeard{.from_browser = true, .event = 3}), "tones:3");
}

TEST(CallDigits, TonesNeedG711) {
  CallHarness harness(CallDirection::kFromBrowser, Policy(DtmfMode::kInband, {"opus"}));
  Connect(harness, BrowserWithOpus("111 0 110 101"), Trunk("96"));
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 send-info:callee");
}

TEST(CallDigits, AFlashIsAnEventOnlyWhereTheTrunkListsIt) {
  CallHarness plain(CallDirection::kFromBrowser);
  Connect(plain, testing::BrowserSdp(), Trunk("0 101"));
  EXPECT_EQ(plain.Feed(Info(Party::kCaller, "Signal=R")), "info:200 send-info:callee");
  EXPECT_EQ(plain.Output<SendInfo>().body, "Signal=!\r\nDuration=100\r\n");
  CallHarness flash(CallDirection::kFromBrowser);
  Connect(flash, testing::BrowserSdp(), Trunk("0 102"));
  EXPECT_EQ(flash.Feed(Info(Party::kCaller, "Signal=!")), "info:200 event:16");
}

// --- telephone-event in the descriptions ---

TEST(CallDigits, ABrowserWithoutTelephoneEventCanStillPressKeysByInfo) {
  CallHarness harness(CallDirection::kFromBrowser);
  harness.Feed(Invited{testing::BrowserSdp("actpass", "0 8")});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("telephone-event/8000"));
  harness.Feed(CalleeAnswered{Trunk("0 101")});
  EXPECT_THAT(harness.Output<AnswerCaller>().sdp, Not(HasSubstr("telephone-event")));
  harness.Feed(CallerAcked{});
  EXPECT_EQ(harness.Feed(Info(Party::kCaller)), "info:200 event:5");
  EXPECT_EQ(harness.Feed(DigitHeard{.from_browser = false, .event = 2}), "send-info:caller");
}

TEST(CallDigits, EventsAtTwoClocksAreMappedOntoEachOther) {
  CallHarness harness(CallDirection::kFromBrowser, Policy(DtmfMode::kRfc4733, {"opus", "PCMU"}));
  harness.Feed(Invited{BrowserWithOpus("111 0 110")});
  harness.Feed(MediaOpened{OpenedSession()});
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("telephone-event/48000"));
  EXPECT_THAT(harness.Output<PlaceCallee>().offer, HasSubstr("telephone-event/8000"));
  harness.Feed(CalleeAnswered{Trunk("96 101")});
  const std::string answer = harness.Output<AnswerCaller>().sdp;
  EXPECT_THAT(answer, HasSubstr("telephone-event/48000"));
  const auto payloads = harness.Media<media::UpdateSession>().payloads;
  ASSERT_TRUE(payloads);
  EXPECT_EQ(payloads->back(), (media::PayloadMapping{.browser_pt = 110,
                                                     .trunk_pt = 101,
                                                     .trunk_pt_in = 101,
                                                     .clock_rate = 48000,
                                                     .telephone_event = true,
                                                     .trunk_clock_rate = 8000}));
}

}  // namespace
}  // namespace lastmile::call

#include "gateway/call/bridge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "tests/support/sdp_samples.h"
#include "tests/unit/gateway/call/call_harness.h"

namespace lastmile::call {
namespace {

using ::testing::HasSubstr;

struct BridgeOutputName {
  std::string operator()(const media::MediaCommand& command) const {
    if (std::holds_alternative<media::OpenBridge>(command)) return "open";
    if (std::holds_alternative<media::UpdateBridge>(command)) return "update";
    if (std::holds_alternative<media::CloseSession>(command)) return "close";
    return "digit";
  }
  std::string operator()(const HangUp& h) const {
    return h.party == Party::kCaller ? "bye:first" : "bye:second";
  }
  std::string operator()(const SendOffer& o) const {
    return o.party == Party::kCaller ? "offer:first" : "offer:second";
  }
  std::string operator()(const TellTransferor& t) const {
    return "tell:" + std::to_string(t.status);
  }
  std::string operator()(const TakeLegs&) const { return "take"; }
  template <class T>
  std::string operator()(const T& other) const {
    return OutputName{}(other);
  }
};

// A blind transfer under a fake clock.
class BridgeHarness {
 public:
  explicit BridgeHarness(TrunkPolicy second = {})
      : bridge_({3}, {9},
                {.first = {.media = Half().media},
                 .second = {.policy = std::move(second)},
                 .sdp_session_id = 70}) {}

  // The leg of a call whose far end has answered: PCMU and digits.
  static TrunkHalf Half() {
    TrunkHalf half{.leg = sdp::TrunkLeg(50)};
    half.media = *half.leg->TakeOffer(testing::TrunkSdp("0 101"));
    sdp::TrunkLocalMedia local{.rtp = *Endpoint::Parse("192.0.2.1:30000"),
                               .rtcp = *Endpoint::Parse("192.0.2.1:30001"),
                               .codecs = half.media.codecs,
                               .ptime = {}};
    half.leg->BuildAnswer(local);
    return half;
  }
  static media::BridgeOpened Opened() {
    return {.session = {9},
            .first = {*Endpoint::Parse("192.0.2.1:31000"), *Endpoint::Parse("192.0.2.1:31001")},
            .second = {*Endpoint::Parse("192.0.2.1:32000"), *Endpoint::Parse("192.0.2.1:32001")}};
  }
  template <class Act>
  std::string Do(Act act) {
    outputs.clear();
    act(outputs);
    std::string names;
    for (const BridgeOutput& output : outputs) {
      if (!names.empty()) names += ' ';
      names += std::visit(BridgeOutputName{}, output);
    }
    return names;
  }
  std::string Feed(const CallInput& input) {
    return Do([&](auto& out) { bridge_.On(input, now, out); });
  }
  std::string Start() {
    return Do([&](auto& out) { bridge_.Start(now, out); });
  }
  std::string Open() {
    return Do([&](auto& out) { bridge_.OnOpened(Opened(), now, out); });
  }
  std::string TakeOver(Party party = Party::kCaller) {
    return Do([&](auto& out) { bridge_.TakeOver(party, Half(), now, out); });
  }
  std::string CallOver() {
    return Do([&](auto& out) { bridge_.OnCallOver(Party::kCaller, now, out); });
  }
  std::string Refresh(Party party) {
    return Do([&](auto& out) { bridge_.OnRefreshDue(party, out); });
  }
  std::string Wait(Duration duration) {
    now += duration;
    return Do([&](auto& out) { bridge_.OnTimer(now, out); });
  }
  void DriveTo(BridgeState state) {
    Start();
    if (state == BridgeState::kOpeningMedia) return;
    Open();
    if (state == BridgeState::kCalling) return;
    if (state == BridgeState::kBridged) {
      Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
      TakeOver();
      Feed(OfferAnswered{Party::kCaller, 200, testing::TrunkSdp("0 101")});
      return;
    }
    Feed(CalleeRejected{486, ""});
    if (state == BridgeState::kEnded) Feed(MediaClosed{});
  }
  template <class T>
  const T& Output() const {
    for (const BridgeOutput& output : outputs) {
      if (const T* wanted = std::get_if<T>(&output)) return *wanted;
    }
    static const T kNone{};
    return kNone;
  }
  Bridge& bridge() { return bridge_; }

  TimePoint now{};
  Bridge::Outputs outputs;

 private:
  Bridge bridge_;
};

struct Row {
  BridgeState from;
  const char* input;
  BridgeState to;
  const char* outputs;
};

constexpr BridgeState kOpening = BridgeState::kOpeningMedia;
constexpr BridgeState kCalling = BridgeState::kCalling;
constexpr BridgeState kBridged = BridgeState::kBridged;
constexpr BridgeState kClosing = BridgeState::kClosing;
constexpr BridgeState kEnded = BridgeState::kEnded;

// Every input in every state of a blind transfer.
constexpr Row kTable[] = {
    {kOpening, "opened", kCalling, "place"},
    {kOpening, "taken-over", kOpening, ""},
    {kOpening, "call-over", kClosing, "tell:480 close"},
    {kOpening, "media-failed", kClosing, "tell:503 close"},
    {kOpening, "media-closed", kOpening, ""},
    {kOpening, "progress", kOpening, ""},
    {kOpening, "answered", kOpening, ""},
    {kOpening, "rejected", kOpening, ""},
    {kOpening, "hung-up-first", kClosing, "tell:480 close"},
    {kOpening, "hung-up-second", kClosing, "tell:480 close"},
    {kOpening, "reoffered-first", kOpening, "reoffer:500"},
    {kOpening, "reoffered-second", kOpening, "reoffer:500"},
    {kOpening, "offer-answered", kOpening, ""},
    {kOpening, "offer-gone", kOpening, ""},
    {kOpening, "digit-info", kOpening, "info:503"},
    {kOpening, "digit-heard", kOpening, ""},
    {kOpening, "refresh", kOpening, ""},
    {kOpening, "shut-down", kClosing, "tell:503 close"},
    {kOpening, "timer", kClosing, "tell:503 close"},

    {kCalling, "opened", kCalling, ""},
    {kCalling, "taken-over", kCalling, "offer:first"},
    {kCalling, "call-over", kClosing, "cancel tell:480 close"},
    {kCalling, "media-failed", kClosing, "cancel tell:503 close"},
    {kCalling, "media-closed", kCalling, ""},
    {kCalling, "progress", kCalling, "tell:180"},
    {kCalling, "answered", kBridged, "ack update tell:200 take"},
    {kCalling, "rejected", kClosing, "tell:486 close"},
    {kCalling, "hung-up-first", kClosing, "cancel tell:480 close"},
    {kCalling, "hung-up-second", kClosing, "tell:480 close"},
    {kCalling, "reoffered-first", kCalling, "reoffer:500"},
    {kCalling, "reoffered-second", kCalling, "reoffer:491"},
    {kCalling, "offer-answered", kCalling, ""},
    {kCalling, "offer-gone", kCalling, ""},
    {kCalling, "digit-info", kCalling, "info:503"},
    {kCalling, "digit-heard", kCalling, ""},
    {kCalling, "refresh", kCalling, ""},
    {kCalling, "shut-down", kClosing, "cancel tell:503 close"},
    {kCalling, "timer", kCalling, ""},

    {kBridged, "opened", kBridged, ""},
    {kBridged, "call-over", kBridged, ""},
    {kBridged, "media-failed", kClosing, "bye:first bye:second close"},
    {kBridged, "media-closed", kBridged, ""},
    {kBridged, "progress", kBridged, ""},
    {kBridged, "answered", kBridged, ""},
    {kBridged, "rejected", kBridged, ""},
    {kBridged, "hung-up-first", kClosing, "bye:second close"},
    {kBridged, "hung-up-second", kClosing, "bye:first close"},
    {kBridged, "reoffered-first", kBridged, "update reoffer:200"},
    {kBridged, "reoffered-second", kBridged, "update reoffer:200"},
    {kBridged, "offer-answered", kBridged, ""},
    {kBridged, "offer-gone", kBridged, ""},
    {kBridged, "digit-info", kBridged, "info:200 digit"},
    {kBridged, "digit-heard", kBridged, "digit"},
    {kBridged, "refresh", kBridged, "offer:first"},
    {kBridged, "shut-down", kClosing, "bye:first bye:second close"},
    {kBridged, "timer", kBridged, ""},

    {kClosing, "opened", kClosing, ""},
    {kClosing, "taken-over", kClosing, "bye:first"},
    {kClosing, "call-over", kClosing, ""},
    {kClosing, "media-failed", kClosing, ""},
    {kClosing, "media-closed", kEnded, "ended"},
    {kClosing, "progress", kClosing, ""},
    {kClosing, "answered", kClosing, ""},
    {kClosing, "rejected", kClosing, ""},
    {kClosing, "hung-up-first", kClosing, ""},
    {kClosing, "hung-up-second", kClosing, ""},
    {kClosing, "reoffered-first", kClosing, "reoffer:481"},
    {kClosing, "reoffered-second", kClosing, "reoffer:481"},
    {kClosing, "offer-answered", kClosing, ""},
    {kClosing, "offer-gone", kClosing, ""},
    {kClosing, "digit-info", kClosing, "info:481"},
    {kClosing, "digit-heard", kClosing, ""},
    {kClosing, "refresh", kClosing, ""},
    {kClosing, "shut-down", kClosing, ""},
    {kClosing, "timer", kEnded, "ended"},
};

std::string Apply(BridgeHarness& harness, const std::string& input) {
  if (input == "opened") return harness.Open();
  if (input == "taken-over") return harness.TakeOver();
  if (input == "call-over") return harness.CallOver();
  if (input == "refresh") return harness.Refresh(Party::kCaller);
  if (input == "timer") return harness.Wait(1h);
  const std::string sdp = testing::TrunkSdp("0 101");
  const std::map<std::string, CallInput> inputs = {
      {"media-failed", MediaFailed{"no port is free"}},
      {"media-closed", MediaClosed{}},
      {"progress", CalleeProgress{180, ""}},
      {"answered", CalleeAnswered{sdp}},
      {"rejected", CalleeRejected{486, ""}},
      {"hung-up-first", HungUp{Party::kCaller, ""}},
      {"hung-up-second", HungUp{Party::kCallee, ""}},
      {"reoffered-first", Reoffered{Party::kCaller, {5}, sdp}},
      {"reoffered-second", Reoffered{Party::kCallee, {5}, sdp}},
      {"offer-answered", OfferAnswered{Party::kCaller, 200, sdp}},
      {"offer-gone", OfferAnswered{Party::kCaller, 481, ""}},
      {"digit-info", InfoReceived{Party::kCaller, {6}, kDtmfRelay, "Signal=5"}},
      {"digit-heard", DigitHeard{.from_browser = true, .event = 5}},
      {"shut-down", ShutDown{"stopping"}},
  };
  return harness.Feed(inputs.at(input));
}

TEST(BridgeWatch, BothTalkOnceTheyAreTogetherUntilOneHolds) {
  BridgeHarness harness;
  harness.Start();
  EXPECT_FALSE(harness.bridge().watch());
  harness.Open();
  EXPECT_EQ(harness.bridge().watch(), media::MediaWatch::kNothing);
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.bridge().watch(), media::MediaWatch::kNothing);
  harness.TakeOver();
  harness.Feed(OfferAnswered{Party::kCaller, 200, testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.bridge().watch(), media::MediaWatch::kTalk);
  harness.Feed(Reoffered{Party::kCallee, {5}, testing::TrunkSdp("0 101", "sendonly")});
  EXPECT_EQ(harness.bridge().watch(), media::MediaWatch::kHeldByTrunk);
  harness.Feed(Reoffered{Party::kCallee, {6}, testing::TrunkSdp("0 101")});
  harness.Feed(Reoffered{Party::kCaller, {7}, testing::TrunkSdp("0 101", "inactive")});
  EXPECT_EQ(harness.bridge().watch(), media::MediaWatch::kHeldByBrowser);
}

TEST(BridgeTable, EveryInputInEveryStateDoesWhatTheTableSays) {
  for (const Row& row : kTable) {
    SCOPED_TRACE(std::string(ToString(row.from)) + " x " + row.input);
    BridgeHarness harness;
    harness.DriveTo(row.from);
    ASSERT_EQ(harness.bridge().state(), row.from);
    EXPECT_EQ(Apply(harness, row.input), row.outputs);
    EXPECT_EQ(harness.bridge().state(), row.to);
  }
}

TEST(BridgeOffers, TheTakenLegGoesOnWithItsNextVersionAndTheBridgesPort) {
  BridgeHarness harness;
  harness.DriveTo(kCalling);
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  EXPECT_EQ(harness.TakeOver(), "update update offer:first");
  const std::string& offer = harness.Output<SendOffer>().sdp;
  EXPECT_THAT(offer, HasSubstr("o=- 50 2 "));
  EXPECT_THAT(offer, HasSubstr("m=audio 31000"));
}

TEST(BridgeOffers, AnOfferItsCallLeftUnansweredIsWaitedFor) {
  BridgeHarness harness;
  harness.DriveTo(kCalling);
  harness.Feed(CalleeAnswered{testing::TrunkSdp("0 101")});
  TrunkHalf half = BridgeHarness::Half();
  half.unanswered = 1;
  EXPECT_EQ(harness.Do([&](auto& out) {
    harness.bridge().TakeOver(Party::kCaller, std::move(half), harness.now, out);
  }),
            "update update");
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCaller, 488, ""}), "offer:first")
      << "what its call was refused is nothing to the bridge";
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCaller, 491, ""}), "");
  EXPECT_EQ(harness.Wait(Call::OfferAgain({3})), "offer:first");
  EXPECT_EQ(harness.Feed(OfferAnswered{Party::kCaller, 200, testing::TrunkSdp("0 101")}), "update");
}

TEST(BridgeOffers, AHoldIsPassedOnAndItsEndToo) {
  BridgeHarness harness;
  harness.DriveTo(kBridged);
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {5}, testing::TrunkSdp("0 101", "sendonly")}),
            "update reoffer:200 offer:first");
  EXPECT_THAT(harness.Output<SendOffer>().sdp, HasSubstr("a=sendonly"));
  harness.Feed(OfferAnswered{Party::kCaller, 200, testing::TrunkSdp("0 101", "recvonly")});
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCallee, {6}, testing::TrunkSdp("0 101")}),
            "update reoffer:200 offer:first");
}

TEST(BridgeOffers, ALateOfferIsAnsweredInItsAck) {
  BridgeHarness harness;
  harness.DriveTo(kBridged);
  EXPECT_EQ(harness.Feed(Reoffered{Party::kCaller, {5}, ""}), "reoffer:200");
  EXPECT_THAT(harness.Output<AnswerReoffer>().sdp, HasSubstr("m=audio 31000"));
  EXPECT_EQ(harness.Feed(CallerAcked{testing::TrunkSdp("0 101")}), "update");
}

TEST(BridgeOffers, WithoutACodecInCommonTheAudioIsTranscoded) {
  BridgeHarness harness(TrunkPolicy{.codecs = {"PCMA"}});
  EXPECT_NE(harness.Start(), "tell:488 ended");
}

TEST(BridgeOffers, WithoutACodecInCommonNothingIsOpenedWhereATrunkForbidsToTranscode) {
  BridgeHarness harness(TrunkPolicy{.codecs = {"PCMA"}, .transcode = Transcode::kNever});
  EXPECT_EQ(harness.Start(), "tell:488 ended");
  EXPECT_EQ(harness.bridge().state(), kEnded);
}

TEST(BridgeDigits, GoAsTheOthersTrunkWantsThem) {
  for (const auto& [mode, expected] : {std::pair(DtmfMode::kRfc4733, "info:200 digit"),
                                       std::pair(DtmfMode::kInband, "info:200 digit"),
                                       std::pair(DtmfMode::kInfo, "info:200 send-info:callee")}) {
    BridgeHarness harness(TrunkPolicy{.dtmf = mode});
    harness.DriveTo(kBridged);
    EXPECT_EQ(harness.Feed(InfoReceived{Party::kCaller, {6}, kDtmfRelay, "Signal=5"}), expected);
  }
}

}  // namespace
}  // namespace lastmile::call

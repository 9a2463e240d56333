#include "gateway/app/probe_report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace lastmile::app {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

const ProbeStep kGood{.name = "options", .detail = "200 in 3 ms"};
const ProbeStep kBad{.name = "connect",
                     .verdict = ProbeVerdict::kFailed,
                     .detail = "connection refused by 192.0.2.1:5060",
                     .advice = "another port"};
const ProbeStep kOpen{.name = "audio", .verdict = ProbeVerdict::kNotTold, .detail = "not tried"};

HeardAudio Heard(size_t sent, size_t received, size_t heard, size_t packets) {
  return {.tone = {.sent = sent, .received = received, .heard = heard, .level = -10.2},
          .packets = packets,
          .latched = false};
}

TEST(ProbeReport, AStepIsALineAndOneOfAdvice) {
  EXPECT_EQ(ToText(kGood, false), "ok   options  200 in 3 ms\n");
  EXPECT_EQ(
      ToText(kBad, false),
      "FAIL connect  connection refused by 192.0.2.1:5060\n              try: another port\n");
  EXPECT_EQ(ToText(kOpen, false), "-    audio    not tried\n");
}

TEST(ProbeReport, ColourIsForTerminals) {
  EXPECT_THAT(ToText(kGood, true), StartsWith("\x1b[32mok  \x1b[0m options"));
  EXPECT_THAT(ToText(kBad, true), StartsWith("\x1b[31mFAIL\x1b[0m connect"));
  EXPECT_THAT(ToText(kOpen, true), StartsWith("-    audio"));
}

TEST(ProbeReport, WhatThePeerSaysIsShownAsPlainText) {
  const std::string text = ToText(
      {.name = "call", .detail = "refused with 486 \x1b[2J\r\nok   call" + std::string(9999, 'x')},
      true);
  EXPECT_THAT(text, HasSubstr("486 ?[2J??ok   call"));
  EXPECT_LT(text.size(), 500U);
}

TEST(ProbeReport, ATrunkInOneLine) {
  const ProbeStep connected{.name = "connect", .detail = "192.0.2.1:5060 in 3 ms"};
  EXPECT_EQ(ToLine("acme", {connected, kGood}, false),
            "trunk acme: ok; 1 server; options 200 in 3 ms\n");
  EXPECT_EQ(ToLine("acme", {kGood, kBad}, false),
            "trunk acme: FAIL connect: connection refused by 192.0.2.1:5060; try: another port\n");
}

TEST(ProbeReport, Json) {
  EXPECT_EQ(ToJson("acme", {kGood, kOpen}),
            R"({"trunk":"acme","ok":true,"steps":[)"
            R"({"name":"options","verdict":"ok","detail":"200 in 3 ms","advice":""},)"
            R"({"name":"audio","verdict":"unknown","detail":"not tried","advice":""}]})");
  EXPECT_THAT(ToJson("acme", {kBad}), HasSubstr(R"("ok":false)"));
  EXPECT_THAT(ToJson("acme", {kBad}), HasSubstr(R"("verdict":"fail")"));
  EXPECT_THAT(ToJson("acme", {{.name = "call", .detail = "\xff\n\""}}), HasSubstr(R"(\n\")"));
}

TEST(ProbeReport, EveryFaultOfAStreamHasItsOwnAdvice) {
  std::set<std::string> all;
  for (int fault = 0; fault <= static_cast<int>(net::StreamFault::kOwnCertificate); ++fault) {
    const std::string advice = AdviceFor(static_cast<net::StreamFault>(fault));
    EXPECT_THAT(advice, Not(IsEmpty())) << fault;
    EXPECT_TRUE(all.insert(advice).second) << advice;
  }
}

TEST(ProbeReport, EveryFinalStatusHasAdvice) {
  for (int status = 300; status < 700; ++status) {
    EXPECT_THAT(AdviceForCall(status), Not(IsEmpty())) << status;
    EXPECT_THAT(AdviceForRegister(status), Not(IsEmpty())) << status;
  }
  EXPECT_THAT(AdviceForRegister(0), Not(IsEmpty()));
}

TEST(ProbeReport, HalfOfTheToneIsEnough) {
  const ProbeStep step = JudgeAudio(Heard(100, 55, 50, 55));
  EXPECT_EQ(step.verdict, ProbeVerdict::kOk);
  EXPECT_THAT(step.detail, EndsWith("50 of 100 packets came back, the tone at -10.2 dBm0 (sent at "
                                    "-10.0)"));
  EXPECT_EQ(JudgeAudio(Heard(100, 55, 49, 55)).verdict, ProbeVerdict::kFailed);
}

TEST(ProbeReport, WhatElseComesBackIsToldApart) {
  const ProbeStep other = JudgeAudio(Heard(100, 80, 0, 80));
  EXPECT_EQ(other.verdict, ProbeVerdict::kNotTold);
  EXPECT_THAT(other.detail, HasSubstr("but not ours"));
  const ProbeStep codec = JudgeAudio(Heard(100, 0, 0, 80));
  EXPECT_EQ(codec.verdict, ProbeVerdict::kFailed);
  EXPECT_THAT(codec.detail, HasSubstr("another codec"));
}

TEST(ProbeReport, OneWayIsToldWithItsUsualCause) {
  const ProbeStep nothing = JudgeAudio(Heard(100, 0, 0, 0));
  EXPECT_EQ(nothing.verdict, ProbeVerdict::kFailed);
  EXPECT_THAT(nothing.advice, HasSubstr("advertise"));
  HeardAudio elsewhere = Heard(100, 50, 50, 50);
  elsewhere.latched = true;
  EXPECT_THAT(JudgeAudio(elsewhere).advice, HasSubstr("nat: true"));
}

TEST(ProbeReport, WhoHangsUpMeanwhileIsNamed) {
  HeardAudio heard = Heard(40, 0, 0, 0);
  heard.ended_early = true;
  EXPECT_THAT(JudgeAudio(heard).detail, EndsWith("; the other side hung up meanwhile"));
}

TEST(ProbeReport, WhatTellsNothingIsNoFailure) {
  EXPECT_TRUE(IsGood({kGood, kOpen}));
  EXPECT_FALSE(IsGood({kGood, kBad}));
}

}  // namespace
}  // namespace lastmile::app

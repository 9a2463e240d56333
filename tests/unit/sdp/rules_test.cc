#include "sdp/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/offer_answer.h"
#include "sdp/parser.h"
#include "sdp/writer.h"
#include "tests/unit/sdp/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kText =
    "v=0\n"
    "o=- 1 1 IN IP4 192.0.2.1\n"
    "s=-\n"
    "c=IN IP4 192.0.2.1\n"
    "t=0 0\n"
    "a=ptime:10\n"
    "a=ptime:40\n"
    "a=rtpmap:101 telephone-event/48000\n"
    "m=audio 4000 RTP/AVP 0 101\n"
    "a=ptime:20\n"
    "a=fmtp:101 0-16\n"
    "a=rtpmap:101 telephone-event/8000\n"
    "m=video 4002 RTP/AVP 115\n"
    "a=nortpproxy:no\n"
    "a=fmtp:115 bitrate=64000;x=1\n"
    "a=fmtp:115 second\n"
    "m=audio 4004 RTP/AVP 8\n"
    "a=ptime:30\n"
    "m=video 4006 RTP/AVP 115\n"
    "a=nortpproxy:no\n"
    "a=fmtp:115 bitrate=64000;x=1\n";

std::string Apply(const std::vector<Rule>& rules, std::string_view text = kText) {
  auto parsed = Parse(text);
  EXPECT_TRUE(parsed);
  EditTrail trail;
  auto applied = ApplyRules(*parsed, rules, trail);
  EXPECT_TRUE(applied) << applied.error().message;
  return Print(*parsed);
}
std::string Problem(const std::vector<Rule>& rules) {
  auto parsed = Parse(kText);
  EditTrail trail;
  auto applied = ApplyRules(*parsed, rules, trail);
  EXPECT_FALSE(applied);
  EXPECT_EQ(Print(*parsed), kText);
  return applied ? std::string() : applied.error().message;
}
Rule Make(RuleAction action, RuleTarget target, std::string value = {}) {
  return {.id = "test", .action = action, .target = std::move(target), .value = std::move(value)};
}
// A target "media[index]", a line, its number, a word.
RuleTarget On(std::string media, std::optional<size_t> index, std::string line,
              std::optional<size_t> nth = {}, std::string token = {},
              std::optional<size_t> token_index = {}) {
  return {.media = std::move(media),
          .index = index,
          .line = std::move(line),
          .nth = nth,
          .token = std::move(token),
          .token_index = token_index};
}

// --- what scripts of another proxy do with its SDP variables, each as one rule ---

TEST(RuleAsInScripts, DeleteALineOfOneStream) {
  // stream(video[1]/a=nortpproxy) = NULL
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("video", 1, "a=nortpproxy"))}),
            Replace(std::string(kText), "m=video 4006 RTP/AVP 115\na=nortpproxy:no\n",
                    "m=video 4006 RTP/AVP 115\n"));
}

TEST(RuleAsInScripts, SetAValueInAStreamNamedByItsFirstLetter) {
  // stream(v[1]/a=nortpproxy:/[0]) = "yes"
  EXPECT_EQ(Apply({Make(RuleAction::kReplace, On("v", 1, "a=nortpproxy:", 0, "", 0), "yes")}),
            Replace(std::string(kText), "m=video 4006 RTP/AVP 115\na=nortpproxy:no\n",
                    "m=video 4006 RTP/AVP 115\na=nortpproxy:yes\n"));
}

TEST(RuleAsInScripts, SetAParameterInsideFmtp) {
  // stream(video[1]/a=fmtp:115/bitrate=) = 48000
  EXPECT_TRUE(Apply({Make(RuleAction::kSet, On("video", 1, "a=fmtp:115", 0, "bitrate="), "48000")})
                  .ends_with("a=fmtp:115 bitrate=48000;x=1\n"));
}

TEST(RuleAsInScripts, DeleteOneOccurrenceOfALine) {
  // stream(video[0]/a=fmtp:115[1]) = NULL, and [3], which is not there
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("video", 0, "a=fmtp:115", 1))}),
            Replace(std::string(kText), "a=fmtp:115 second\n", ""));
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("video", 0, "a=fmtp:115", 3))}), kText);
}

TEST(RuleAsInScripts, StreamsByIndexAndByKind) {
  // stream(/a=ptime), stream([1]/a=ptime), stream(audio[1]/a=ptime), stream(a[1]/a=ptime)
  const auto set = [](std::string media, std::optional<size_t> index) {
    return Apply({Make(RuleAction::kSet, On(std::move(media), index, "a=ptime:", 0), "60")});
  };
  EXPECT_EQ(set("", 0), Replace(std::string(kText), "a=ptime:20", "a=ptime:60"));
  EXPECT_EQ(set("", 2), Replace(std::string(kText), "a=ptime:30", "a=ptime:60"));
  EXPECT_EQ(set("audio", 1), set("", 2));
  EXPECT_EQ(set("a", 1), set("", 2));
}

TEST(RuleAsInScripts, SessionLines) {
  // session(a=ptime[0]) = NULL; session(a=ptime[1]); session(a=rtpmap/telephone-event\/) = "8000"
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("session", {}, "a=ptime", 0))}),
            Replace(std::string(kText), "a=ptime:10\n", ""));
  EXPECT_EQ(Apply({Make(RuleAction::kSet, On("session", {}, "a=ptime:", 1), "50")}),
            Replace(std::string(kText), "a=ptime:40", "a=ptime:50"));
  EXPECT_EQ(
      Apply({Make(RuleAction::kSet, On("session", {}, "a=rtpmap", 0, "telephone-event/"), "8000")}),
      Replace(std::string(kText), "telephone-event/48000", "telephone-event/8000"));
}

TEST(RuleAsInScripts, WordsOfAMediaLine) {
  // line(m=audio[0]/[3]) and by its text: only formats can be edited
  EXPECT_THAT(Apply({Make(RuleAction::kReplace, On("audio", 0, "m=audio", {}, "", 3), "18")}),
              HasSubstr("m=audio 4000 RTP/AVP 18 101\n"));
  for (size_t word : {0, 1, 2, 9}) {
    EXPECT_EQ(Apply({Make(RuleAction::kReplace, On("audio", 0, "m=audio", {}, "", word), "x")}),
              kText);
  }
}

TEST(RuleAsInScripts, RewriteAWholeLine) {
  // line([n]) = <changed line>, after looking for the parameter it has
  EXPECT_EQ(Apply({Make(RuleAction::kReplace, On("video", 0, "a=fmtp:115 bitrate="),
                        "a=fmtp:115 packetization-mode=1")}),
            Replace(std::string(kText), "a=fmtp:115 bitrate=64000;x=1",
                    "a=fmtp:115 packetization-mode=1"));
}

// --- the rest of the language ---

TEST(Rules, EveryMatchWhereNoNumberIsGiven) {
  const std::string text = Apply({Make(RuleAction::kDelete, On("", {}, "a="))});
  EXPECT_EQ(text.find("a=", text.find("m=audio")), std::string::npos);
  EXPECT_THAT(text, HasSubstr("a=ptime:10"));
}

TEST(Rules, SetAddsTheLineWhereItIsMissing) {
  EXPECT_EQ(Apply({Make(RuleAction::kSet, On("audio", 1, "a=maxptime:"), "60")}),
            Replace(std::string(kText), "a=ptime:30\n", "a=ptime:30\na=maxptime:60\r\n"));
  EXPECT_EQ(Apply({Make(RuleAction::kSet, On("audio", 1, "a=fmtp:8", {}, "mode="), "1")}), kText);
}

TEST(Rules, InsertGoesAfterItsLineOrWhereItBelongs) {
  EXPECT_THAT(Apply({Make(RuleAction::kInsert, On("audio", 0, "a=ptime"), "a=maxptime:60")}),
              HasSubstr("a=ptime:20\na=maxptime:60\r\na=fmtp:101"));
  EXPECT_THAT(Apply({Make(RuleAction::kInsert, On("audio", 0, ""), "b=AS:64")}),
              HasSubstr("m=audio 4000 RTP/AVP 0 101\nb=AS:64\r\na=ptime:20"));
}

TEST(Rules, NewSessionLinesKeepTheOrderOfTheRfc) {
  EXPECT_THAT(Apply({Make(RuleAction::kInsert, On("session", {}, ""), "b=CT:100"),
                     Make(RuleAction::kInsert, On("session", {}, ""), "i=words"),
                     Make(RuleAction::kInsert, On("session", {}, ""), "a=x")}),
              HasSubstr("s=-\ni=words\r\nc=IN IP4 192.0.2.1\nb=CT:100\r\nt=0 0\na=ptime:10\n"
                        "a=ptime:40\na=rtpmap:101 telephone-event/48000\na=x\r\nm=audio"));
}

TEST(Rules, DeletesWordsWithOneSeparator) {
  const std::string line = "v=0\nm=audio 1 RTP/AVP 0\na=fmtp:0 a=1;b=2;c=3\n";
  const auto without = [&](std::string token) {
    return Apply({Make(RuleAction::kDelete, On("audio", 0, "a=fmtp:0", {}, std::move(token)))},
                 line);
  };
  EXPECT_THAT(without("a="), HasSubstr("a=fmtp:0 b=2;c=3\n"));
  EXPECT_THAT(without("b="), HasSubstr("a=fmtp:0 a=1;c=3\n"));
  EXPECT_THAT(without("c="), HasSubstr("a=fmtp:0 a=1;b=2\n"));
  EXPECT_EQ(without("d="), line);
}

TEST(Rules, DeletingAFormatTakesItsLinesAlong) {
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("audio", 0, "m=audio", {}, "101"))}),
            Replace(std::string(kText),
                    "m=audio 4000 RTP/AVP 0 101\na=ptime:20\na=fmtp:101 0-16\n"
                    "a=rtpmap:101 telephone-event/8000\n",
                    "m=audio 4000 RTP/AVP 0\na=ptime:20\n"));
  // The last format stays.
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("audio", 1, "m=audio", {}, "8"))}), kText);
}

TEST(Rules, WhatIsNotThereIsLeftAlone) {
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("audio", 0, "m=audio", {}, "18"))}), kText);
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("audio", 0, "m=video", {}, "115"))}), kText);
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("session", {}, "m=audio", {}, "0"))}), kText);
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("audio", 5, "a=ptime"))}), kText);
  EXPECT_EQ(Apply({Make(RuleAction::kDelete, On("text", {}, "a=ptime"))}), kText);
  EXPECT_EQ(Apply({Make(RuleAction::kReplace, On("video", 0, "a=fmtp", {}, "", 7), "x")}), kText);
}

TEST(Rules, DeletingTheOnlyWordLeavesItsName) {
  EXPECT_THAT(Apply({Make(RuleAction::kDelete, On("audio", 0, "a=ptime", {}, "20"))}),
              HasSubstr("m=audio 4000 RTP/AVP 0 101\na=ptime:\na=fmtp"));
}

TEST(Rules, SeeWhatTheRuleBeforeDid) {
  EXPECT_THAT(Apply({Make(RuleAction::kInsert, On("audio", 1, ""), "a=x:1"),
                     Make(RuleAction::kSet, On("audio", 1, "a=x:"), "2")}),
              HasSubstr("a=x:2\r\n"));
}

TEST(Rules, MistakesAreToldAndChangeNothing) {
  EXPECT_THAT(Problem({{.id = {}, .target = On("", {}, "a=x"), .value = {}}}), HasSubstr("id"));
  EXPECT_THAT(Problem({Make(RuleAction::kDelete, On("", {}, ""))}), HasSubstr("which line"));
  EXPECT_THAT(Problem({Make(RuleAction::kDelete, On("", {}, "ptime"))}), HasSubstr("\"=\""));
  EXPECT_THAT(Problem({Make(RuleAction::kSet, On("session", {}, "o="), "x")}), HasSubstr("own"));
  EXPECT_THAT(Problem({Make(RuleAction::kReplace, On("session", {}, "s="), "v=1")}),
              HasSubstr("own"));
  EXPECT_THAT(Problem({Make(RuleAction::kInsert, On("audio", 0, ""), "a=x\r\na=y")}),
              HasSubstr("one line"));
  EXPECT_THAT(Problem({Make(RuleAction::kInsert, On("audio", 0, ""), "nonsense")}),
              HasSubstr("whole line"));
  EXPECT_THAT(Problem({Make(RuleAction::kInsert, On("audio", 0, ""), "m=audio 1 RTP/AVP 0")}),
              HasSubstr("m="));
  EXPECT_THAT(Problem({Make(RuleAction::kDelete, On("audio", 0, "m=audio"))}),
              HasSubstr("formats"));
  EXPECT_THAT(Problem({Make(RuleAction::kReplace, On("audio", 0, "m=audio", {}, "", 3), "\xC4")}),
              HasSubstr("break the description: line 9"));
  EXPECT_THAT(
      Problem({Make(RuleAction::kInsert, On("audio", 0, ""), "a=" + std::string(9000, 'x'))}),
      HasSubstr("longer"));
}

// The table of docs/sdp.md.
TEST(Rules, WishesOfTheManual) {
  const std::vector<std::pair<Rule, std::string>> kWishes = {
      {Make(RuleAction::kSet, On("audio", {}, "a=ptime:"), "30"), "a=ptime:30\r\n"},
      {Make(RuleAction::kDelete, On("audio", {}, "m=audio", {}, "8")),
       "m=audio 8000 RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101"},
      {Make(RuleAction::kReplace, On("audio", {}, "a=fmtp:101", {}, "0-15"), "0-16"),
       "a=fmtp:101 0-16\r\n"},
      {Make(RuleAction::kInsert, On("audio", {}, ""), "b=AS:80"),
       "RTP/AVP 0 8 101\r\nb=AS:80\r\na=rtpmap"},
      {Make(RuleAction::kSet, On("session", {}, "s="), "call"), "\r\ns=call\r\nc=IN IP4"},
  };
  TrunkLocalMedia local = TrunkLocal(CarrierCodecs());
  local.rtp.port = 8000;  // looks like a format and is none
  local.rtcp.port = 8001;
  for (const auto& [rule, expected] : kWishes) {
    TrunkLeg leg(9);
    leg.SetProfile({.rules = {rule}});
    EXPECT_THAT(leg.BuildOffer(local), HasSubstr(expected));
    EXPECT_EQ(leg.last_build().rules_problem, "");
  }
}

TEST(Rules, ApplyToWhatTheTrunkIsTold) {
  TrunkLeg leg(9);
  leg.SetProfile({.rules = {Make(RuleAction::kSet, On("audio", {}, "a=ptime:"), "30")}});
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs())), HasSubstr("a=ptime:30\r\n"));
  leg.SetProfile({.rules = {Make(RuleAction::kDelete, On("audio", {}, "m=audio"))}});
  EXPECT_THAT(leg.BuildOffer(TrunkLocal(CarrierCodecs())), Not(HasSubstr("ptime")));
  EXPECT_THAT(leg.last_build().rules_problem, HasSubstr("rule test: of an m= line"));
}

}  // namespace
}  // namespace lastmile::sdp

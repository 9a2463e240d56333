#include "sdp/preconditions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sdp/edit_reasons.h"
#include "sdp/offer_answer.h"
#include "tests/support/sdp_samples.h"

namespace lastmile::sdp {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(Preconditions, LinesAreReadWordByWord) {
  const auto curr = ParseCurr("qos local  sendrecv ");
  ASSERT_TRUE(curr);
  EXPECT_EQ(*curr, (Precondition{.type = "qos", .segment = Segment::kLocal, .ways = {true, true}}));
  const auto des = ParseDes("qos mandatory e2e recv");
  ASSERT_TRUE(des);
  EXPECT_EQ(*des, (Precondition{.type = "qos",
                                .strength = Strength::kMandatory,
                                .segment = Segment::kE2e,
                                .ways = {false, true}}));
  EXPECT_EQ(ParseDes("qos failure remote send")->strength, Strength::kNone);
}

TEST(Preconditions, WhatIsWrongIsToldWithItsPlace) {
  const std::pair<const char*, size_t> kBad[] = {{"", 0},
                                                 {"q;s mandatory local send", 0},
                                                 {"qos wanted local send", 4},
                                                 {"qos mandatory here send", 14},
                                                 {"qos mandatory local both", 20},
                                                 {"qos mandatory local", 19},
                                                 {"qos mandatory local send now", 25}};
  for (const auto& [value, offset] : kBad) {
    const auto des = ParseDes(value);
    ASSERT_FALSE(des) << value;
    EXPECT_EQ(des.error().offset, offset) << value;
  }
  EXPECT_FALSE(ParseCurr("qos local"));
}

// A carrier's offer with these lines, taken by a leg that then answers.
struct Taken {
  TrunkResources resources;
  std::string answer;  // the lines of RFC 3312, one after the other
};
Taken Take(const std::vector<std::string>& lines, bool answered = true) {
  std::string offer = testing::TrunkSdp();
  for (const std::string& line : lines) offer += "a=" + line + "\r\n";
  TrunkLeg leg(7);
  auto media = leg.TakeOffer(offer);
  EXPECT_TRUE(media) << media.error().reason;
  TrunkLocalMedia local{.rtp = *Endpoint::Parse("192.0.2.1:30000"),
                        .rtcp = *Endpoint::Parse("192.0.2.1:30001"),
                        .codecs = media->codecs,
                        .ptime = {}};
  local.resources = answered;
  leg.BuildAnswer(local);
  Taken taken{.resources = media->resources, .answer = {}};
  for (const Line& line : leg.last_build().tree.media.at(0).lines) {
    const std::string_view name = AttributeOf(line).name;
    if (name == "curr" || name == "des" || name == "conf") taken.answer += line.value + "\n";
  }
  return taken;
}

TEST(Preconditions, ACallerThatStillReservesIsToldThatTheGatewayDoesNot) {
  const Taken taken = Take({"curr:qos local none", "curr:qos remote none",
                            "des:qos mandatory local sendrecv", "des:qos none remote sendrecv"});
  EXPECT_TRUE(taken.resources.pending);
  EXPECT_EQ(taken.answer,
            "curr:qos local sendrecv\ncurr:qos remote none\n"
            "des:qos none local sendrecv\ndes:qos mandatory remote sendrecv\n"
            "conf:qos remote sendrecv\n");
}

TEST(Preconditions, ACallerThatIsReadyIsAnsweredAndNothingWaits) {
  const Taken taken =
      Take({"curr:qos local sendrecv", "curr:qos remote none", "des:qos mandatory local sendrecv",
            "des:qos mandatory remote sendrecv"});
  EXPECT_FALSE(taken.resources.pending);
  EXPECT_EQ(taken.answer,
            "curr:qos local sendrecv\ncurr:qos remote sendrecv\n"
            "des:qos mandatory local sendrecv\ndes:qos mandatory remote sendrecv\n");
}

TEST(Preconditions, WaysAreThoseOfWhoSaysThem) {
  const Taken taken = Take(
      {"curr:qos local send", "des:qos mandatory local sendrecv", "des:qos optional remote send"});
  EXPECT_TRUE(taken.resources.pending);
  EXPECT_EQ(taken.answer,
            "curr:qos local sendrecv\ncurr:qos remote recv\n"
            "des:qos optional local recv\ndes:qos none local send\n"
            "des:qos mandatory remote sendrecv\nconf:qos remote sendrecv\n");
}

TEST(Preconditions, EndToEndIsAsFarAsTheCallerSays) {
  EXPECT_EQ(Take({"curr:qos e2e none", "des:qos mandatory e2e sendrecv"}).answer,
            "curr:qos e2e none\ndes:qos mandatory e2e sendrecv\nconf:qos e2e sendrecv\n");
  EXPECT_FALSE(Take({"curr:qos e2e sendrecv", "des:qos mandatory e2e sendrecv"}).resources.pending);
}

TEST(Preconditions, WhatIsOnlyWishedForDelaysNobody) {
  EXPECT_FALSE(Take({"curr:qos local none", "des:qos optional local sendrecv"}).resources.pending);
  EXPECT_FALSE(
      Take({"curr:qos remote none", "des:qos mandatory remote sendrecv"}).resources.pending);
}

TEST(Preconditions, WhoDoesNotKnowThemSaysNothing) {
  const std::vector<std::string> lines = {"curr:qos local none",
                                          "des:qos mandatory local sendrecv"};
  EXPECT_EQ(Take(lines, false).answer, "");
  EXPECT_EQ(Take({}).answer, "");
}

TEST(Preconditions, WhatCannotBeHadIsTold) {
  EXPECT_THAT(Take({"des:sec mandatory e2e sendrecv"}).resources.impossible,
              HasSubstr("line 11, column 7: resources of a kind"));
  EXPECT_THAT(Take({"des:qos mandatory somewhere sendrecv"}).resources.impossible,
              HasSubstr("line 11, column 21: "));
  EXPECT_EQ(Take({"des:sec optional e2e sendrecv"}).resources.impossible, "");
  // What is there and cannot be read is not there.
  EXPECT_TRUE(Take({"curr:qos local all", "des:qos mandatory local sendrecv"}).resources.pending);
}

TEST(Preconditions, TheEditLogNamesTheirRule) {
  for (const char* line :
       {"curr:qos local none", "des:qos none local send", "conf:qos remote send"}) {
    const Note note = ReasonFor({.type = 'a', .value = line}, Fate::kAdded, Towards::kTrunk);
    EXPECT_EQ(note.rule, "leg.resources");
    EXPECT_THAT(note.reason, HasSubstr("RFC 3312"));
  }
}

TEST(Preconditions, AnAnswerWithThemFitsTheUsualBudget) {
  TrunkLeg leg(7);
  std::string offer = testing::TrunkSdp();
  for (const char* status : {"local", "remote", "e2e"}) {
    offer += std::string("a=curr:qos ") + status + " none\r\na=des:qos mandatory " + status +
             " send\r\na=des:qos optional " + status + " recv\r\n";
  }
  auto media = leg.TakeOffer(offer);
  ASSERT_TRUE(media);
  TrunkLocalMedia local{.rtp = *Endpoint::Parse("192.0.2.1:30000"),
                        .rtcp = *Endpoint::Parse("192.0.2.1:30001"),
                        .codecs = media->codecs,
                        .ptime = {}};
  local.resources = true;
  leg.BuildAnswer(local);
  EXPECT_TRUE(leg.last_build().fits);
  EXPECT_LE(leg.last_build().bytes, 560u);
}

}  // namespace
}  // namespace lastmile::sdp

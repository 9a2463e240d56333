#include "gateway/trunk/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::trunk {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const CallerAccount kAlice{
    .number = "+442071234567", .user = "alice", .host = "198.51.100.1", .at_the_pbx = false};

std::vector<std::string> LinesOf(const CallerIdentity& identity) {
  std::vector<std::string> lines = {"From: " + identity.from.ToString()};
  for (const sip::Header& header : identity.headers) {
    lines.push_back(header.name + ": " + header.value);
  }
  return lines;
}

std::vector<std::string> Built(const CallerIdPolicy& policy, const CallerWishes& wishes = {},
                               const CallerAccount& account = kAlice) {
  const auto identity = BuildIdentity(policy, account, wishes);
  if (!identity) {
    return {std::to_string(identity.error().status) + " " + identity.error().reason};
  }
  return LinesOf(*identity);
}

sip::Message InviteFrom(const std::string& user, const std::vector<sip::Header>& extra = {}) {
  sip::Message invite;
  invite.method = "INVITE";
  invite.from.display_name = "Said";
  invite.from.uri.user = user;
  invite.from.uri.host = "carrier.example";
  invite.extra = extra;
  return invite;
}

// --- numbers ---

TEST(CallerNumber, ManySpellingsAreOneNumber) {
  for (const char* number : {"+442071234567", "00442071234567", "02071234567", "+44 20 7123-4567",
                             "(020) 7123.4567", "+44/2071234567"}) {
    EXPECT_EQ(ToE164(number, "44"), "+442071234567") << number;
  }
  for (const char* number :
       {"+12025550123", "12025550123", "2025550123", "(202) 555-0123", "01112025550123"}) {
    EXPECT_EQ(ToE164(number, "1"), "+12025550123") << number;
  }
  EXPECT_EQ(ToE164("911234567", "34"), "+34911234567");  // no prefix in Spain
  EXPECT_EQ(ToE164("89161234567", "7"), "+79161234567");
}

TEST(CallerNumber, WhatCannotBeToldIsNotGuessed) {
  for (const char* number : {"", "+", "alice", "201", "+0123456", "+1234567890123456", "++4420712",
                             "020712345x", "442071234567", "00", "*31#"}) {
    EXPECT_EQ(ToE164(number, "44"), std::nullopt) << number;
  }
  EXPECT_EQ(ToE164("02071234567", ""), std::nullopt);
  EXPECT_EQ(ToE164("201", "34"), std::nullopt);
}

TEST(CallerNumber, IsWrittenAsTheTrunkWantsIt) {
  using enum NumberFormat;
  const auto written = [](NumberFormat format, const char* number, const char* country = "44") {
    return FormatNumber({.format = format, .country = country}, number);
  };
  EXPECT_EQ(written(kAsIs, "020 7123"), "020 7123");
  EXPECT_EQ(written(kE164, "02071234567"), "+442071234567");
  EXPECT_EQ(written(kNational, "+442071234567"), "02071234567");
  EXPECT_EQ(written(kNational, "+12025550123"), "+12025550123");
  EXPECT_EQ(written(kNational, "+12025550123", "1"), "2025550123");
  EXPECT_EQ(written(kInternational, "+442071234567"), "442071234567");
  EXPECT_EQ(written(kE164, "alice"), "alice");
  EXPECT_EQ(written(kE164, "201"), "201");
}

// --- towards the trunk ---

TEST(CallerIdentity, StandsWhereTheTrunkLooksForIt) {
  const std::string from = "From: <sip:+442071234567@198.51.100.1>";
  const std::string address = "<sip:+442071234567@198.51.100.1>";
  EXPECT_THAT(Built({.header = IdentityHeader::kFrom}), ElementsAre(from));
  EXPECT_THAT(Built({.header = IdentityHeader::kPAssertedIdentity}),
              ElementsAre(from, "P-Asserted-Identity: " + address));
  EXPECT_THAT(Built({.header = IdentityHeader::kPPreferredIdentity}),
              ElementsAre(from, "P-Preferred-Identity: " + address));
  EXPECT_THAT(
      Built({.header = IdentityHeader::kRemotePartyId}),
      ElementsAre(from, "Remote-Party-ID: " + address + ";party=calling;screen=yes;privacy=off"));
}

TEST(CallerIdentity, AnAnonymousCallerIsKnownToTheTrunkAlone) {
  const std::string from = "From: \"Anonymous\" <sip:anonymous@anonymous.invalid>";
  const CallerWishes wishes{.anonymous = true};
  EXPECT_THAT(Built({.header = IdentityHeader::kPAssertedIdentity, .display = true}, wishes),
              ElementsAre(from, "P-Asserted-Identity: \"alice\" <sip:+442071234567@198.51.100.1>",
                          "Privacy: id"));
  EXPECT_THAT(Built({.header = IdentityHeader::kRemotePartyId}, wishes),
              ElementsAre(from,
                          "Remote-Party-ID: <sip:+442071234567@198.51.100.1>;party=calling;"
                          "screen=yes;privacy=full",
                          "Privacy: id"));
  EXPECT_THAT(Built({.header = IdentityHeader::kFrom}, wishes),
              ElementsAre("433 the trunk takes no anonymous calls"));
}

TEST(CallerIdentity, TheDefaultStandsForNumbersThatCannotBeShown) {
  const CallerIdPolicy policy{.format = NumberFormat::kE164,
                              .country = "44",
                              .default_number = "+442070000000",
                              .allow = {"020 7123 4567"}};
  EXPECT_THAT(Built(policy), ElementsAre("From: <sip:+442071234567@198.51.100.1>"));
  CallerAccount account = kAlice;
  account.number = "+442079999999";
  const auto shown = ElementsAre("From: <sip:+442070000000@198.51.100.1>");
  EXPECT_THAT(Built(policy, {}, account), shown);
  account.number = "alice";
  EXPECT_THAT(Built(policy, {}, account), shown);
  EXPECT_THAT(Built({.default_number = "+442070000000"}, {}, account), shown);
}

TEST(CallerIdentity, WithoutADefaultTheCallIsRefused) {
  EXPECT_THAT(Built({.allow = {"+442070000000"}}),
              ElementsAre("403 the user's number may not be shown to the trunk"));
}

TEST(CallerIdentity, AnAccountAtThePbxIsItsCaller) {
  const CallerAccount pbx{
      .number = "201", .user = "carol", .host = "pbx.example", .at_the_pbx = true};
  EXPECT_THAT(
      Built({.header = IdentityHeader::kPAssertedIdentity,
             .format = NumberFormat::kE164,
             .country = "34",
             .default_number = "+34911234567",
             .allow = {"+34911234567"}},
            {}, pbx),
      ElementsAre("From: <sip:201@pbx.example>", "P-Asserted-Identity: <sip:201@pbx.example>"));
}

TEST(CallerIdentity, ANumberIsAUserPartWhateverIsInIt) {
  CallerAccount account = kAlice;
  account.number = "a@b>;x=\"1\" <sip:c\r\nVia: d";
  const auto lines = Built({.header = IdentityHeader::kPAssertedIdentity}, {}, account);
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_EQ(lines[1],
            "P-Asserted-Identity: "
            "<sip:a%40b%3E;x=%221%22%20%3Csip%3Ac%0D%0AVia%3A%20d@198.51.100.1>");
}

TEST(CallerIdentity, WhoSentTheCallOnIsTold) {
  const CallerWishes wishes{
      .diverted_by = "02079999999", .target = "600", .target_host = "carrier.example"};
  CallerIdPolicy policy{.format = NumberFormat::kE164, .country = "44"};
  EXPECT_THAT(Built(policy, wishes), ElementsAre("From: <sip:+442071234567@198.51.100.1>"));
  policy.diversion = DiversionHeader::kDiversion;
  EXPECT_EQ(Built(policy, wishes).at(1),
            "Diversion: <sip:+442079999999@198.51.100.1>;reason=deflection");
  EXPECT_EQ(Built(policy, {}).size(), 1u);
  policy.diversion = DiversionHeader::kHistoryInfo;
  EXPECT_EQ(Built(policy, wishes).at(1),
            "History-Info: <sip:+442079999999@198.51.100.1>;index=1, "
            "<sip:600@carrier.example>;index=1.1;mp=1");
  policy.header = IdentityHeader::kPAssertedIdentity;
  CallerWishes hidden = wishes;
  hidden.anonymous = true;
  EXPECT_EQ(Built(policy, hidden).back(),
            "History-Info: <sip:+442079999999@198.51.100.1?Privacy=history>;index=1, "
            "<sip:600@carrier.example>;index=1.1;mp=1");
}

// --- of a trunk ---

TEST(ShownCaller, OnlyATrustedTrunkIsBelieved) {
  const auto invite = InviteFrom(
      "+15550000001", {{"P-Asserted-Identity", "\"A, B\" <sip:+15550000002@x>, <tel:+15550000003>"},
                       {"Remote-Party-ID", "<sip:+15550000004@x>;party=calling"}});
  EXPECT_EQ(CallerOf(invite, false).number, "+15550000001");
  EXPECT_EQ(CallerOf(invite, false).display_name, "Said");
  EXPECT_EQ(CallerOf(invite, true).number, "+15550000002");
  EXPECT_EQ(CallerOf(invite, true).display_name, "A, B");
}

TEST(ShownCaller, RemotePartyIdAndTelUrisAreRead) {
  EXPECT_EQ(CallerOf(InviteFrom("1", {{"Remote-Party-ID", "<sip:+15550000004@x>"}}), true).number,
            "+15550000004");
  EXPECT_EQ(
      CallerOf(InviteFrom("1", {{"P-Asserted-Identity", "<tel:+15550000003;cpc=x>"}}), true).number,
      "+15550000003");
  for (const char* useless : {"", "<<<", "<sip:x>", "\"", "sip:", "<mailto:a@b>"}) {
    EXPECT_EQ(CallerOf(InviteFrom("1", {{"P-Asserted-Identity", useless}}), true).number, "1")
        << useless;
  }
}

TEST(ShownCaller, WhoWantsNotToBeShownIsNot) {
  const sip::Header asserted{"P-Asserted-Identity", "<sip:+15550000002@x>"};
  const std::vector<std::vector<sip::Header>> all = {
      {asserted, {"Privacy", "id"}},
      {asserted, {"Remote-Party-ID", "<sip:+15550000004@x>;privacy=full"}}};
  for (const auto& headers : all) {
    for (const bool trusted : {false, true}) {
      const ShownCaller caller = CallerOf(InviteFrom("+15550000001", headers), trusted);
      EXPECT_EQ(caller.number, "anonymous");
      EXPECT_EQ(caller.display_name, "Anonymous");
    }
  }
  EXPECT_EQ(CallerOf(InviteFrom("anonymous", {asserted}), true).number, "anonymous");
}

}  // namespace
}  // namespace lastmile::trunk

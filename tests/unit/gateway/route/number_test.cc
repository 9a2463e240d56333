#include "gateway/route/number.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lastmile::route {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const Numbering kUk{.country = "44", .international = "00", .national = "0"};
const Numbering kUs{.country = "1", .international = "011", .national = "1"};

// "kind text", or the sentence.
std::string Read(std::string_view dialled, const Numbering& numbering = kUk) {
  const auto number = Canonical(dialled, numbering);
  if (!number) return number.error().message;
  return std::string(ToString(number->kind)) + " " + number->text;
}

TEST(Number, SpellingsOfOneNumberAreOneNumber) {
  for (const char* spelling :
       {"+442071234567", "+44 20 7123 4567", "+44-20-7123-4567", "+44.20.7123.4567",
        "(+44) 20 7123 4567", "00442071234567", "00 44 (20) 7123-4567", "02071234567",
        "(020) 7123 4567", "+44 (0)20 7123 4567", "+4402071234567", "+440002071234567",
        "004402071234567", "+442071234567;npdi", "+442071234567;ext=12;isub=5",
        "2071234567;phone-context=+44", "02071234567;Phone-Context=+44",
        "71234567;phone-context=+44-20", "00442071234567;phone-context=+44"}) {
    EXPECT_EQ(Read(spelling), "phone number +442071234567") << spelling;
  }
  EXPECT_EQ(Read("0114420 71234567", kUs), "phone number +442071234567");
  EXPECT_EQ(Read("1-555-000-1001", kUs), "phone number +15550001001");
}

TEST(Number, ShortNumbersStayWhatTheyAre) {
  for (const char* number : {"112", "999", "600", "0", "01234", "*21", "*#06#", "#31#5"}) {
    EXPECT_EQ(Read(number), std::string("private number ") + number);
  }
  EXPECT_EQ(Read("112", kUs), "private number 112");
  EXPECT_EQ(Read("116117", kUs), "private number 116117");
  EXPECT_EQ(Read("6-0 0"), "private number 600");
}

TEST(Number, WithoutADialPlanDigitsAreNotTranslated) {
  EXPECT_EQ(Read("00442071234567", {}), "private number 00442071234567");
  EXPECT_EQ(Read("02071234567", {}), "private number 02071234567");
  EXPECT_EQ(Read("+44 20", {}), "phone number +4420");
}

TEST(Number, NamesStayAsTheyAre) {
  for (const char* name : {"alice", "Bob.Smith", "a-b_c~d", "3cx"}) {
    EXPECT_EQ(Read(name), std::string("name ") + name);
  }
}

TEST(Number, WhatIsNeitherIsRefusedWithASentence) {
  EXPECT_THAT(Read(""), HasSubstr("no number was dialled"));
  EXPECT_THAT(Read(" -"), HasSubstr("no number was dialled"));
  EXPECT_THAT(Read("+"), HasSubstr("digits only"));
  EXPECT_THAT(Read("++44"), HasSubstr("digits only"));
  EXPECT_THAT(Read("+44x"), HasSubstr("digits only"));
  EXPECT_THAT(Read("00+44207"), HasSubstr("digits only"));
  EXPECT_THAT(Read("+44#900"), HasSubstr("digits only"));
  EXPECT_THAT(Read("0044*900123456"), HasSubstr("digits only"));
  EXPECT_THAT(Read("+0044900"), HasSubstr("no country code begins with 0"));
  EXPECT_THAT(Read("000044900"), HasSubstr("no country code begins with 0"));
  EXPECT_THAT(Read("+4420712345678901"), HasSubstr("15 digits"));
  EXPECT_THAT(Read(std::string(33, '1')), HasSubstr("too long"));
  EXPECT_THAT(Read(std::string(129, ' ') + "1"), HasSubstr("too long"));
  EXPECT_THAT(Read("600;phone-context=example.com"), HasSubstr("phone-context"));
  EXPECT_THAT(Read("600;phone-context="), HasSubstr("phone-context"));
  EXPECT_THAT(Read("+600;phone-context=+44"), HasSubstr("phone-context"));
  EXPECT_THAT(Read("600;phone-context=+44;phone-context=+1"), HasSubstr("two phone-contexts"));
  EXPECT_THAT(Read("0044900123456;phone-context=+1"), HasSubstr("without the prefixes"));
  EXPECT_THAT(Read("0900123456;phone-context=+44-20"), HasSubstr("without the prefixes"));
  EXPECT_THAT(Read("alice;phone-context=+44"), HasSubstr("neither"));
  EXPECT_THAT(Read("alice@x"), HasSubstr("neither"));
  EXPECT_THAT(Read("a b"), HasSubstr("neither"));
}

TEST(Number, EveryOtherByteIsRefused) {
  const std::string_view separators = "-.() ";
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    if (std::isalnum(byte) || separators.find(c) != std::string_view::npos || c == ';') continue;
    EXPECT_THAT(Read(std::string("+4490") + c + "0123"), HasSubstr("digits only")) << byte;
    EXPECT_THAT(Read(std::string("60") + c + "0"), HasSubstr("digits only")) << byte;
  }
  // Digits of other scripts are bytes above 127: ARABIC-INDIC DIGIT FOUR, FULLWIDTH DIGIT NINE.
  EXPECT_THAT(Read("+\xd9\xa4\xd9\xa4"), HasSubstr("digits only"));
  EXPECT_THAT(Read("\xef\xbc\x99\xef\xbc\x99\xef\xbc\x99"), HasSubstr("digits only"));
}

TEST(Number, ErrorsDoNotQuoteTheNumber) {
  EXPECT_THAT(Read("+4420712345678901"), Not(HasSubstr("2071")));
}

TEST(Number, ATrunkGetsTheFormatItWants) {
  const Number number{NumberKind::kGlobal, "+442071234567"};
  const Number abroad{NumberKind::kGlobal, "+15550001001"};
  EXPECT_EQ(Formatted(number, NumberFormat::kCanonical, kUk), "+442071234567");
  EXPECT_EQ(Formatted(number, NumberFormat::kE164, kUk), "442071234567");
  EXPECT_EQ(Formatted(number, NumberFormat::kNational, kUk), "02071234567");
  EXPECT_EQ(Formatted(abroad, NumberFormat::kNational, kUk), "0015550001001");
  EXPECT_EQ(Formatted(number, NumberFormat::kInternational, kUk), "00442071234567");
  const Number emergency{NumberKind::kPrivate, "112"};
  EXPECT_EQ(Formatted(emergency, NumberFormat::kInternational, kUk), "112");
}

}  // namespace
}  // namespace lastmile::route

#include "base/host_name.h"

#include <gtest/gtest.h>

namespace lastmile {
namespace {

TEST(HostName, IsLowerCaseLettersDigitsDotsAndDashes) {
  for (const std::string name : {"a", "sip-1.acme.example", "192.0.2.1", "example."}) {
    EXPECT_TRUE(IsHostName(name)) << name;
  }
  for (const std::string& name :
       {std::string(""), std::string("Acme.example"), std::string("*.acme.example"),
        std::string("a b"), std::string("a\0b", 3), std::string("_sip._tcp.x"),
        std::string("\xc3\xa4.x"), std::string(254, 'a')}) {
    EXPECT_FALSE(IsHostName(name)) << name;
  }
  EXPECT_TRUE(IsHostName(std::string(253, 'a')));
}

TEST(HostName, LowerCaseIsThatOfAscii) {
  EXPECT_EQ(LowerCaseName("SIP.Acme-1.EXAMPLE@[`{\xc4"), "sip.acme-1.example@[`{\xc4");
}

}  // namespace
}  // namespace lastmile

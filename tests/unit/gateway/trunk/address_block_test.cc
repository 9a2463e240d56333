#include <gtest/gtest.h>

#include "gateway/trunk/trunk_edge.h"

namespace lastmile::trunk {
namespace {

bool Contains(const char* block, const char* address) {
  return AddressBlock::Parse(block)->Contains(*IpAddress::Parse(address));
}

TEST(AddressBlock, HoldsItsAddressesAndNoOthers) {
  EXPECT_TRUE(Contains("198.51.100.0/28", "198.51.100.15"));
  EXPECT_FALSE(Contains("198.51.100.0/28", "198.51.100.16"));
  EXPECT_TRUE(Contains("198.51.100.7", "198.51.100.7"));
  EXPECT_FALSE(Contains("198.51.100.7", "198.51.100.6"));
  EXPECT_TRUE(Contains("0.0.0.0/0", "203.0.113.1"));
  EXPECT_FALSE(Contains("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(Contains("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(Contains("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(AddressBlock, RefusesWhatIsNone) {
  for (const char* text : {"", "host", "198.51.100.0/33", "198.51.100.0/-1", "198.51.100.0/",
                           "198.51.100.0/8x", "2001:db8::/129"}) {
    EXPECT_FALSE(AddressBlock::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace lastmile::trunk

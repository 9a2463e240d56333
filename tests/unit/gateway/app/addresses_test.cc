#include "gateway/app/addresses.h"

#include <gtest/gtest.h>

namespace lastmile::app {
namespace {

TEST(Addresses, ABoundAddressIsTheOneThatIsTold) {
  const IpAddress address = *IpAddress::Parse("192.0.2.7");
  EXPECT_EQ(BrowserAddresses(address), std::vector<IpAddress>{address});
  EXPECT_EQ(TrunkAddress(address, *IpAddress::Parse("198.51.100.1")), address);
}

TEST(Addresses, TheWildcardMeansEveryInterfaceLoopbackLast) {
  const auto addresses = BrowserAddresses(IpAddress());
  ASSERT_FALSE(addresses.empty());
  bool loopback_seen = false;
  for (const IpAddress& address : addresses) {
    EXPECT_FALSE(address.is_any());
    EXPECT_FALSE(address.is_v6());
    EXPECT_TRUE(!loopback_seen || address.is_loopback());
    loopback_seen = loopback_seen || address.is_loopback();
  }
  EXPECT_TRUE(loopback_seen);
}

TEST(Addresses, ATrunkOnLoopbackIsToldLoopback) {
  EXPECT_EQ(TrunkAddress(IpAddress(), *IpAddress::Parse("127.0.0.1")),
            *IpAddress::Parse("127.0.0.1"));
}

}  // namespace
}  // namespace lastmile::app

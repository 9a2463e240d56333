#include "base/endpoint.h"

#include <gtest/gtest.h>

namespace lastmile {
namespace {

TEST(IpAddress, ParsesAndPrintsBothFamilies) {
  EXPECT_EQ(IpAddress::Parse("192.0.2.7")->ToString(), "192.0.2.7");
  EXPECT_EQ(IpAddress::Parse("[2001:db8::1]")->ToString(), "2001:db8::1");
  EXPECT_FALSE(IpAddress::Parse("example.com"));
  EXPECT_FALSE(IpAddress::Parse("1.2.3"));
  EXPECT_FALSE(IpAddress::Parse(""));
  EXPECT_FALSE(IpAddress::Parse(std::string_view("192.0.2.7\0x", 11)));
}

TEST(IpAddress, MappedIpv6IsTheIpv4AddressItMeans) {
  EXPECT_EQ(*IpAddress::Parse("::ffff:192.0.2.7"), *IpAddress::Parse("192.0.2.7"));
}

TEST(IpAddress, KnowsLoopbackAndAny) {
  EXPECT_TRUE(IpAddress::Parse("127.9.9.9")->is_loopback());
  EXPECT_TRUE(IpAddress::Parse("::1")->is_loopback());
  EXPECT_FALSE(IpAddress::Parse("::2")->is_loopback());
  EXPECT_TRUE(IpAddress().is_any());
  EXPECT_TRUE(IpAddress::Parse("::")->is_any());
}

TEST(Endpoint, RoundTripsThroughTextAndSockaddr) {
  for (const char* text : {"192.0.2.7:5060", "[2001:db8::1]:65535", "0.0.0.0:0"}) {
    auto endpoint = Endpoint::Parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->ToString(), text);
    sockaddr_storage storage;
    endpoint->ToSockaddr(storage);
    EXPECT_EQ(Endpoint::FromSockaddr(storage), *endpoint);
  }
}

TEST(Endpoint, RefusesWhatIsNotAddressAndPort) {
  for (const char* text : {"192.0.2.7", "192.0.2.7:", "192.0.2.7:65536", "192.0.2.7:-1", "::1:80",
                           "host:80", "[::1]80", ":80", "192.0.2.7:80x"}) {
    EXPECT_FALSE(Endpoint::Parse(text)) << text;
  }
}

}  // namespace
}  // namespace lastmile

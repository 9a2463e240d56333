#include "gateway/net/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>

namespace lastmile::net {
namespace {

using ::testing::HasSubstr;

TEST(Sentences, HostPortBracketsIpv6Once) {
  EXPECT_EQ(HostPort("sip.example.com", 5061), "sip.example.com:5061");
  EXPECT_EQ(HostPort("2001:db8::1", 5060), "[2001:db8::1]:5060");
  EXPECT_EQ(HostPort("[2001:db8::1]", 5060), "[2001:db8::1]:5060");
}

TEST(Sentences, ConnectFailuresNamePeerAndCause) {
  EXPECT_EQ(ConnectFailure(-ECONNREFUSED, "a:1"), "connection refused by a:1");
  EXPECT_EQ(ConnectFailure(-ENETUNREACH, "a:1"), "no route to a:1");
  EXPECT_EQ(ConnectFailure(-EMFILE, "a:1"),
            "cannot connect to a:1: this process has too many open files");
  EXPECT_THAT(ConnectFailure(-EPERM, "a:1"), HasSubstr("a:1: Operation not permitted"));
}

TEST(Sentences, ListenFailuresNameAddressAndCause) {
  EXPECT_EQ(ListenFailure(-EADDRINUSE, "127.0.0.1:5060"),
            "cannot listen on 127.0.0.1:5060: the port is in use by another program");
  EXPECT_THAT(ListenFailure(-EADDRNOTAVAIL, "x"), HasSubstr("does not have that address"));
}

TEST(Sentences, StreamFailuresNamePeerAndCause) {
  EXPECT_EQ(StreamFailure(-ECONNRESET, "a:1"), "connection reset by a:1");
  EXPECT_EQ(StreamFailure(-ETIMEDOUT, "a:1"),
            "a:1 stopped acknowledging: the connection timed out");
}

TEST(Sentences, SecondsAreWholeWhereTheyCanBe) {
  EXPECT_EQ(Seconds(5s), "5 s");
  EXPECT_EQ(Seconds(250ms), "250 ms");
}

TEST(Sentences, HostileNamesAreShortenedAndMadePrintable) {
  EXPECT_EQ(NameList({}), "nobody");
  EXPECT_EQ(NameList({"a.example", "b.example"}), "a.example, b.example");
  EXPECT_EQ(NameList({"a\r\nb\x1b[2J\xff"}), "a??b?[2J?");
  EXPECT_EQ(NameList({std::string(100, 'x')}).size(), 64u);
  EXPECT_EQ(NameList(std::vector<std::string>(11, "n")), "n, n, n, n, n, n, n, n and 3 more");
}

}  // namespace
}  // namespace lastmile::net

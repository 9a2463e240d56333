#include "sdp/attributes.h"

#include <gtest/gtest.h>

namespace lastmile::sdp {
namespace {

template <class T>
void ExpectBad(const View<T>& view, size_t offset) {
  ASSERT_FALSE(view);
  EXPECT_EQ(view.error().offset, offset) << view.error().message;
  EXPECT_FALSE(view.error().message.empty());
}

TEST(Attributes, Rtpmap) {
  EXPECT_EQ(*ParseRtpmap("111 opus/48000/2"), (Rtpmap{111, "opus", 48000, 2}));
  EXPECT_EQ(*ParseRtpmap("0 PCMU/8000"), (Rtpmap{0, "PCMU", 8000, 1}));
  EXPECT_EQ(ToValue(Rtpmap{111, "opus", 48000, 2}), "111 opus/48000/2");
  EXPECT_EQ(ToValue(Rtpmap{0, "PCMU", 8000, 1}), "0 PCMU/8000");
  ExpectBad(ParseRtpmap("128 x/8000"), 0);
  ExpectBad(ParseRtpmap("0"), 1);
  ExpectBad(ParseRtpmap("0 PCMU"), 2);
  ExpectBad(ParseRtpmap("0 /8000"), 2);
  ExpectBad(ParseRtpmap("0 PCMU/"), 7);
  ExpectBad(ParseRtpmap("0 PCMU/0"), 7);
  ExpectBad(ParseRtpmap("0 PCMU/8000/"), 12);
  ExpectBad(ParseRtpmap("0 PCMU/8000/256"), 12);
}

TEST(Attributes, Fmtp) {
  EXPECT_EQ(*ParseFmtp("101 0-15"), (Fmtp{"101", "0-15"}));
  EXPECT_EQ(*ParseFmtp("111 a=1; b=2"), (Fmtp{"111", "a=1; b=2"}));
  ExpectBad(ParseFmtp(""), 0);
  ExpectBad(ParseFmtp("101"), 3);
}

TEST(Attributes, PacketTimes) {
  EXPECT_EQ(*ParsePtime("20"), 20);
  for (const char* bad : {"", "0", "0.125", "-20", "20 20", "1001", "99999999999999999999"}) {
    EXPECT_FALSE(ParsePtime(bad)) << bad;
  }
}

TEST(Attributes, RtcpPortAndAddress) {
  EXPECT_EQ(*ParseRtcp("4001"), (Rtcp{4001, std::nullopt}));
  EXPECT_EQ(*ParseRtcp("9 IN IP4 192.0.2.1"), (Rtcp{9, *IpAddress::Parse("192.0.2.1")}));
  EXPECT_EQ(*ParseRtcp("9 IN IP6 2001:db8::1"), (Rtcp{9, *IpAddress::Parse("2001:db8::1")}));
  ExpectBad(ParseRtcp("x"), 0);
  ExpectBad(ParseRtcp("1 IN IP7 X"), 5);
  ExpectBad(ParseRtcp("1 IN IP4 host.example"), 9);
}

TEST(Attributes, Directions) {
  for (auto direction :
       {Direction::kSendRecv, Direction::kSendOnly, Direction::kRecvOnly, Direction::kInactive}) {
    EXPECT_EQ(DirectionNamed(NameOf(direction)), direction);
  }
  EXPECT_EQ(NameOf(Direction::kSendOnly), "sendonly");
  EXPECT_EQ(DirectionNamed("Sendonly"), std::nullopt);
}

TEST(Attributes, Candidates) {
  constexpr std::string_view kText =
      "1 1 udp 2122194687 192.0.2.1 33246 typ host generation 0 network-cost 50";
  auto candidate = ParseCandidate(kText);
  ASSERT_TRUE(candidate);
  EXPECT_EQ(candidate->priority, 2122194687u);
  EXPECT_EQ(candidate->ip, *IpAddress::Parse("192.0.2.1"));
  EXPECT_EQ(candidate->port, 33246);
  EXPECT_EQ(candidate->type, "host");
  EXPECT_EQ(candidate->extensions, "generation 0 network-cost 50");
  EXPECT_EQ(ToValue(*candidate), kText);
}

TEST(Attributes, CandidatesWithNamesHaveNoAddress) {
  auto candidate = ParseCandidate(
      "0 1 UDP 2122252543 dc21a9b9-2e4a-4d5e-9e5a-7d2c1c2f7a11.local 51472 typ host");
  ASSERT_TRUE(candidate);
  EXPECT_FALSE(candidate->ip);
  EXPECT_TRUE(candidate->address.ends_with(".local"));
}

TEST(Attributes, CandidatesThatAreNone) {
  ExpectBad(ParseCandidate(""), 0);
  ExpectBad(ParseCandidate(std::string(33, 'f') + " 1 udp 1 192.0.2.1 1 typ host"), 0);
  ExpectBad(ParseCandidate("1 0 udp 1 192.0.2.1 1 typ host"), 2);
  ExpectBad(ParseCandidate("1 x udp 1 192.0.2.1 1 typ host"), 2);
  ExpectBad(ParseCandidate("1 1"), 3);
  ExpectBad(ParseCandidate("1 1 udp 4294967296 192.0.2.1 1 typ host"), 8);
  ExpectBad(ParseCandidate("1 1 udp 1 \xC4 1 typ host"), 10);
  ExpectBad(ParseCandidate("1 1 udp 1 192.0.2.1 65536 typ host"), 20);
  ExpectBad(ParseCandidate("1 1 udp 1 192.0.2.1 1 host"), 22);
  ExpectBad(ParseCandidate("1 1 udp 1 192.0.2.1 1 typ"), 25);
}

TEST(Attributes, IceCredentials) {
  EXPECT_EQ(*ParseIceUfrag("sH/8+"), "sH/8+");
  EXPECT_EQ(*ParseIcePwd("qKOEZPOMM8sK4FqyNiGwFzhN"), "qKOEZPOMM8sK4FqyNiGwFzhN");
  ExpectBad(ParseIceUfrag("abc"), 0);
  ExpectBad(ParseIceUfrag("abcd efgh"), 5);
  ExpectBad(ParseIceUfrag("abc:d"), 3);
  ExpectBad(ParseIceUfrag(std::string(257, 'a')), 0);
  ExpectBad(ParseIcePwd(std::string(21, 'a')), 0);
  EXPECT_EQ(*ParseIceOptions("trickle ice2"), (std::vector<std::string>{"trickle", "ice2"}));
  ExpectBad(ParseIceOptions(""), 0);
}

TEST(Attributes, Fingerprints) {
  const std::string hex =
      "B9:AF:BE:0F:AB:D2:2D:BD:8B:79:66:D4:F6:35:05:55:E1:FC:92:2B:05:CE:C0:7D:37:68:D0:8F:26:7B:"
      "A1:A5";
  auto fingerprint = ParseFingerprint("SHA-256 " + hex);
  ASSERT_TRUE(fingerprint);
  EXPECT_EQ(fingerprint->hash, "sha-256");
  EXPECT_EQ(fingerprint->digest.size(), 32u);
  EXPECT_EQ(fingerprint->digest.front(), 0xB9);
  EXPECT_EQ(ToValue(*fingerprint), "sha-256 " + hex);
  std::string lower = hex;
  for (char& c : lower) c = static_cast<char>(std::tolower(c));
  EXPECT_EQ(*ParseFingerprint("sha-256 " + lower), *fingerprint);

  ExpectBad(ParseFingerprint("sha-999 " + hex), 0);
  ExpectBad(ParseFingerprint("sha-1 " + hex), 6);
  ExpectBad(ParseFingerprint("sha-256 " + hex + ":00"), 8);
  ExpectBad(ParseFingerprint("sha-256 " + hex + " x"), 8);
  ExpectBad(ParseFingerprint("sha-256 G" + hex.substr(1)), 8);
  ExpectBad(ParseFingerprint("sha-256 B9-" + hex.substr(3)), 8);
}

TEST(Attributes, SetupRoles) {
  for (auto setup : {Setup::kActpass, Setup::kActive, Setup::kPassive}) {
    EXPECT_EQ(*ParseSetup(NameOf(setup)), setup);
  }
  ExpectBad(ParseSetup("holdconn"), 0);
  ExpectBad(ParseSetup("active passive"), 0);
}

TEST(Attributes, MidsAndGroups) {
  EXPECT_EQ(*ParseMid("0"), "0");
  ExpectBad(ParseMid(""), 0);
  ExpectBad(ParseMid("a b"), 0);
  EXPECT_EQ(*ParseGroup("BUNDLE 0 1"), (Group{"BUNDLE", {"0", "1"}}));
  EXPECT_EQ(*ParseGroup("BUNDLE"), (Group{"BUNDLE", {}}));
  ExpectBad(ParseGroup(""), 0);
  ExpectBad(ParseGroup("BUNDLE 0 \xC4"), 9);
}

TEST(Attributes, StreamsAndSources) {
  EXPECT_EQ(*ParseMsid("stream track"), (Msid{"stream", "track"}));
  EXPECT_EQ(*ParseMsid("-"), (Msid{"-", ""}));
  ExpectBad(ParseMsid(""), 0);
  ExpectBad(ParseMsid("a b c"), 4);
  EXPECT_EQ(*ParseSsrc("4294967295 cname:x:y z"), (Ssrc{4294967295u, "cname", "x:y z"}));
  EXPECT_EQ(*ParseSsrc("1 flag"), (Ssrc{1, "flag", ""}));
  ExpectBad(ParseSsrc("4294967296 cname:x"), 0);
  ExpectBad(ParseSsrc("1"), 1);
}

TEST(Attributes, HeaderExtensions) {
  EXPECT_EQ(*ParseExtmap("1 urn:x"), (Extmap{1, std::nullopt, "urn:x", ""}));
  EXPECT_EQ(*ParseExtmap("2/sendonly urn:x a b"),
            (Extmap{2, Direction::kSendOnly, "urn:x", "a b"}));
  ExpectBad(ParseExtmap("x urn:x"), 0);
  ExpectBad(ParseExtmap("0 urn:x"), 0);
  ExpectBad(ParseExtmap("1/up urn:x"), 2);
  ExpectBad(ParseExtmap("1"), 1);
}

TEST(Attributes, CryptoLines) {
  EXPECT_EQ(*ParseCrypto("1 AES_CM_128_HMAC_SHA1_80 inline:abc|2^20 KDR=1"),
            (Crypto{1, "AES_CM_128_HMAC_SHA1_80", "inline:abc|2^20", "KDR=1"}));
  ExpectBad(ParseCrypto("1000000000 X inline:a"), 0);
  ExpectBad(ParseCrypto("1"), 1);
  ExpectBad(ParseCrypto("1 X"), 3);
}

TEST(Attributes, Feedback) {
  EXPECT_EQ(*ParseRtcpFb("* nack"), (RtcpFb{"*", "nack", ""}));
  EXPECT_EQ(*ParseRtcpFb("96 nack pli"), (RtcpFb{"96", "nack", "pli"}));
  ExpectBad(ParseRtcpFb("x nack"), 0);
  ExpectBad(ParseRtcpFb("96"), 2);
}

TEST(Attributes, TlsIdAndSctpPort) {
  EXPECT_EQ(*ParseTlsId("abc3de65cddef001be82"), "abc3de65cddef001be82");
  ExpectBad(ParseTlsId("short"), 0);
  ExpectBad(ParseTlsId("abc3de65cddef001be8!"), 0);
  EXPECT_EQ(*ParseSctpPort("5000"), 5000);
  ExpectBad(ParseSctpPort("webrtc"), 0);
}

TEST(Attributes, Connections) {
  EXPECT_EQ(ParseConnection("IN IP4 192.0.2.1")->address, *IpAddress::Parse("192.0.2.1"));
  EXPECT_EQ(ParseConnection("IN IP6 2001:db8::1")->address, *IpAddress::Parse("2001:db8::1"));
  EXPECT_FALSE(ParseConnection("IN IP4 192.0.2.1/127")->multicast);
  EXPECT_TRUE(ParseConnection("IN IP4 224.2.1.1/127/3")->multicast);
  EXPECT_TRUE(ParseConnection("IN IP6 ff15::101/3")->multicast);
  ExpectBad(ParseConnection("ATM IP4 192.0.2.1"), 0);
  ExpectBad(ParseConnection("IN IP5 192.0.2.1"), 3);
  ExpectBad(ParseConnection("IN IP4 2001:db8::1"), 7);
  ExpectBad(ParseConnection("IN IP4 sbc.example.com"), 7);
  ExpectBad(ParseConnection("IN IP4"), 6);
  ExpectBad(ParseConnection("IN IP4 192.0.2.1 x"), 17);
  EXPECT_EQ(ToConnectionValue(*IpAddress::Parse("192.0.2.1")), "IN IP4 192.0.2.1");
  EXPECT_EQ(ToConnectionValue(*IpAddress::Parse("2001:db8::1")), "IN IP6 2001:db8::1");
}

}  // namespace
}  // namespace lastmile::sdp

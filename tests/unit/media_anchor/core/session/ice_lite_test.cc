#include "media_anchor/core/ice_lite.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/support/stun_message.h"

namespace lastmile::media {
namespace {

using test::BuildCheck;
using test::CheckOptions;
using test::ParseStunAnswer;
using test::StunBuilder;

constexpr TimePoint kNow{100s};
const std::string kPwd = "0123456789abcdefghijklmn";

class IceLiteTest : public testing::Test {
 protected:
  CheckOptions Check() { return {.username = "gwgwgwgw:brow", .pwd = kPwd}; }
  Path From(uint16_t port) {
    return {{*IpAddress::Parse("192.0.2.55"), port}, *IpAddress::Parse("198.51.100.1")};
  }
  IceLite::Result Feed(const Bytes& datagram, const Path& path) {
    return ice_.OnDatagram(datagram, path, kNow, reply_);
  }
  // What must leave no trace at all.
  void ExpectIgnored(const Bytes& datagram) {
    const auto result = Feed(datagram, From(999));
    EXPECT_FALSE(result.authenticated);
    EXPECT_EQ(result.reply_size, 0u);
    EXPECT_FALSE(ice_.IsValidated(From(999)));
    EXPECT_FALSE(ice_.selected());
    EXPECT_FALSE(ice_.latest());
  }
  std::optional<test::StunAnswer> Answer(size_t size) {
    return ParseStunAnswer(ByteView(reply_).first(size), kPwd);
  }

  IceLite ice_{{"gwgwgwgw", kPwd}};
  std::array<uint8_t, IceLite::kMaxReply> reply_{};
};

TEST_F(IceLiteTest, AnswersAGoodCheckWithTheMappedAddress) {
  ice_.SetRemoteUfrag("brow");
  const auto result = Feed(BuildCheck(Check()), From(5000));
  EXPECT_TRUE(result.authenticated);
  const auto answer = Answer(result.reply_size);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, test::kStunBindingSuccess);
  EXPECT_EQ(answer->transaction_id, "abcdefghijkl");
  EXPECT_EQ(answer->mapped, From(5000).remote);
  EXPECT_TRUE(answer->integrity_ok);
  EXPECT_TRUE(answer->fingerprint_ok);
  EXPECT_TRUE(ice_.IsValidated(From(5000)));
  EXPECT_FALSE(ice_.selected()) << "no USE-CANDIDATE";
  EXPECT_EQ(ice_.latest(), From(5000));
}

TEST_F(IceLiteTest, AnswersOverIpv6) {
  const Path path{*Endpoint::Parse("[2001:db8::7]:5000"), *IpAddress::Parse("2001:db8::1")};
  const auto result = Feed(BuildCheck(Check()), path);
  EXPECT_TRUE(result.authenticated);
  const auto answer = Answer(result.reply_size);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->integrity_ok);
  EXPECT_TRUE(ice_.IsValidated(path));
}

TEST_F(IceLiteTest, TheLatestUseCandidateWins) {
  CheckOptions nominate = Check();
  nominate.use_candidate = true;
  Feed(BuildCheck(nominate), From(5000));
  EXPECT_EQ(ice_.selected(), From(5000));
  Feed(BuildCheck(Check()), From(5001));
  EXPECT_EQ(ice_.selected(), From(5000));
  Feed(BuildCheck(nominate), From(5001));
  EXPECT_EQ(ice_.selected(), From(5001));
  EXPECT_TRUE(ice_.IsValidated(From(5000)));
}

TEST_F(IceLiteTest, ThePairIncludesOurAddress) {
  Path other = From(5000);
  other.local = *IpAddress::Parse("198.51.100.2");
  Feed(BuildCheck(Check()), From(5000));
  EXPECT_FALSE(ice_.IsValidated(other));
  EXPECT_TRUE(ice_.HasRemote(From(5000).remote));
}

TEST_F(IceLiteTest, ThePairIncludesTheConnection) {
  Path first = From(5000);
  first.tcp = TcpId{1};
  Path second = From(5000);
  second.tcp = TcpId{2};
  CheckOptions nominate = Check();
  nominate.use_candidate = true;
  Feed(BuildCheck(nominate), first);
  EXPECT_EQ(ice_.selected(), first);
  EXPECT_FALSE(ice_.IsValidated(second)) << "another connection from the same address";
  EXPECT_FALSE(ice_.IsValidated(From(5000)));
  EXPECT_FALSE(ice_.HasRemote(From(5000).remote)) << "nothing came from there over UDP";
  Feed(BuildCheck(nominate), From(5000));
  EXPECT_EQ(ice_.selected(), From(5000));
  EXPECT_TRUE(ice_.HasRemote(From(5000).remote));
  EXPECT_TRUE(ice_.IsValidated(first));
}

TEST_F(IceLiteTest, WrongCredentialsGetNoAnswer) {
  ice_.SetRemoteUfrag("brow");
  CheckOptions check = Check();
  check.pwd = "wrongwrongwrongwrongwron";
  check.use_candidate = true;
  ExpectIgnored(BuildCheck(check));
  for (const char* username : {"gwgwgwgw:other", "gwgwgwgX:brow", "gwgwgwgw", "brow:gwgwgwgw",
                               "gwgwgwgw:", ":brow", ":", "gwgwgwgw:browser"}) {
    check = Check();
    check.username = username;
    ExpectIgnored(BuildCheck(check));
  }
}

TEST_F(IceLiteTest, IntegrityAndFingerprintAreBothNeeded) {
  const auto with_name = [] {
    StunBuilder builder(test::kStunBindingRequest);
    builder.Text(test::kStunUsername, "gwgwgwgw:brow");
    return builder;
  };
  ExpectIgnored(with_name().Build());
  ExpectIgnored(with_name().Fingerprint().Build());
  ExpectIgnored(with_name().Integrity(kPwd).Build());
  ExpectIgnored(StunBuilder(test::kStunBindingRequest).Integrity(kPwd).Fingerprint().Build());
  EXPECT_TRUE(Feed(with_name().Integrity(kPwd).Fingerprint().Build(), From(1)).authenticated);
}

TEST_F(IceLiteTest, OnlyBindingRequestsCount) {
  for (uint16_t type : {0x0011, 0x0101, 0x0111, 0x0003, 0x0002}) {
    ExpectIgnored(StunBuilder(type)
                      .Text(test::kStunUsername, "gwgwgwgw:brow")
                      .Integrity(kPwd)
                      .Fingerprint()
                      .Build());
  }
}

TEST_F(IceLiteTest, AttributesBehindTheIntegrityAreNotBelieved) {
  ExpectIgnored(StunBuilder(test::kStunBindingRequest)
                    .Text(test::kStunUsername, "gwgwgwgw:brow")
                    .Integrity(kPwd)
                    .Flag(test::kStunUseCandidate)
                    .Fingerprint()
                    .Build());
}

TEST_F(IceLiteTest, ABrowserThatThinksItIsControlledIsToldToChange) {
  CheckOptions check = Check();
  check.controlling = false;
  check.use_candidate = true;
  const auto result = Feed(BuildCheck(check), From(5000));
  EXPECT_FALSE(result.authenticated);
  const auto answer = Answer(result.reply_size);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, test::kStunBindingError);
  EXPECT_EQ(answer->error_code, 487);
  EXPECT_FALSE(ice_.selected());
}

TEST_F(IceLiteTest, ItIsToldSoWhateverItsTieBreaker) {
  for (uint8_t fill : {0x00, 0x01, 0xff}) {
    StunBuilder builder(test::kStunBindingRequest);
    builder.Text(test::kStunUsername, "gwgwgwgw:brow").Word(test::kStunPriority, 1);
    builder.Attribute(test::kStunControlled, Bytes(8, fill)).Flag(test::kStunUseCandidate);
    const auto result = Feed(builder.Integrity(kPwd).Fingerprint().Build(), From(5000));
    EXPECT_FALSE(result.authenticated);
    const auto answer = Answer(result.reply_size);
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->error_code, 487) << int{fill};
    EXPECT_TRUE(answer->integrity_ok);
    EXPECT_TRUE(answer->fingerprint_ok);
    EXPECT_FALSE(ice_.selected());
    EXPECT_FALSE(ice_.IsValidated(From(5000)));
  }
}

TEST_F(IceLiteTest, AnUnknownMandatoryAttributeGets420) {
  const Bytes check = StunBuilder(test::kStunBindingRequest)
                          .Text(test::kStunUsername, "gwgwgwgw:brow")
                          .Word(0x7abc, 1)
                          .Integrity(kPwd)
                          .Fingerprint()
                          .Build();
  const auto result = Feed(check, From(5000));
  EXPECT_FALSE(result.authenticated);
  ASSERT_TRUE(Answer(result.reply_size));
  EXPECT_EQ(Answer(result.reply_size)->error_code, 420);
}

TEST_F(IceLiteTest, ChecksMayComeBeforeTheBrowsersSdp) {
  CheckOptions check = Check();
  check.use_candidate = true;
  EXPECT_TRUE(Feed(BuildCheck(check), From(5000)).authenticated);
  check.username = "gwgwgwgw:stranger";
  EXPECT_TRUE(Feed(BuildCheck(check), From(6000)).authenticated);
  EXPECT_EQ(ice_.selected(), From(6000));
  ice_.SetRemoteUfrag("brow");
  EXPECT_TRUE(ice_.IsValidated(From(5000)));
  EXPECT_FALSE(ice_.IsValidated(From(6000)));
  EXPECT_FALSE(ice_.selected()) << "the pair it named is gone";
  EXPECT_FALSE(Feed(BuildCheck(check), From(6000)).authenticated);
}

TEST_F(IceLiteTest, ARestartOfTheBrowserKeepsThePairUntilItNominates) {
  ice_.SetRemoteUfrag("brow");
  CheckOptions check = Check();
  check.use_candidate = true;
  Feed(BuildCheck(check), From(5000));
  ice_.SetRemoteUfrag("neww");
  EXPECT_EQ(ice_.selected(), From(5000));
  EXPECT_FALSE(Feed(BuildCheck(check), From(5000)).authenticated);
  check.username = "gwgwgwgw:neww";
  EXPECT_TRUE(Feed(BuildCheck(check), From(5001)).authenticated);
  EXPECT_EQ(ice_.selected(), From(5001));
}

class IceRestartTest : public IceLiteTest {
 protected:
  IceRestartTest() {
    ice_.SetRemoteUfrag("brow");
    EXPECT_TRUE(Check("gwgwgwgw:brow", kPwd, 5000, true));
    ice_.Restart({"freshone", kFreshPwd});
  }
  bool Check(const std::string& username, const std::string& pwd, uint16_t port, bool nominate) {
    const Bytes check = BuildCheck({.username = username, .pwd = pwd, .use_candidate = nominate});
    const auto result = Feed(check, From(port));
    EXPECT_EQ(result.authenticated, result.reply_size > 0);
    if (result.authenticated) {
      const auto answer = ParseStunAnswer(ByteView(reply_).first(result.reply_size), pwd);
      EXPECT_TRUE(answer && answer->integrity_ok) << "answered with the password of the check";
    }
    return result.authenticated;
  }
  const std::string kFreshPwd = "zyxwvutsrqponmlkjihgfedc";
};

TEST_F(IceRestartTest, TheOldCredentialsHoldUntilANewPairIsNominated) {
  EXPECT_EQ(ice_.local(), (IceCredentials{"freshone", kFreshPwd}));
  EXPECT_TRUE(ice_.AcceptsUfrag("gwgwgwgw"));
  EXPECT_TRUE(Check("gwgwgwgw:brow", kPwd, 5000, false)) << "consent of the pair in use";
  ice_.SetRemoteUfrag("neww");
  EXPECT_TRUE(Check("gwgwgwgw:brow", kPwd, 5000, true));
  EXPECT_TRUE(Check("freshone:neww", kFreshPwd, 6000, false));
  EXPECT_EQ(ice_.selected(), From(5000)) << "checked, not nominated";
  EXPECT_TRUE(Check("gwgwgwgw:brow", kPwd, 5000, false));
  EXPECT_TRUE(Check("freshone:neww", kFreshPwd, 6000, true));
  EXPECT_EQ(ice_.selected(), From(6000));
  EXPECT_FALSE(ice_.AcceptsUfrag("gwgwgwgw"));
  EXPECT_FALSE(Check("gwgwgwgw:brow", kPwd, 5000, true));
  EXPECT_EQ(ice_.selected(), From(6000));
}

TEST_F(IceRestartTest, EachGenerationHasItsOwnPasswordAndPeer) {
  ice_.SetRemoteUfrag("neww");
  EXPECT_FALSE(Check("freshone:neww", kPwd, 6000, true));
  EXPECT_FALSE(Check("gwgwgwgw:brow", kFreshPwd, 6000, true));
  EXPECT_FALSE(Check("freshone:brow", kFreshPwd, 6000, true));
  EXPECT_FALSE(Check("gwgwgwgw:neww", kPwd, 6000, true));
  EXPECT_EQ(ice_.selected(), From(5000));
  EXPECT_FALSE(ice_.IsValidated(From(6000)));
}

TEST_F(IceRestartTest, ChecksMayComeBeforeTheBrowsersAnswer) {
  EXPECT_TRUE(Check("freshone:neww", kFreshPwd, 6000, false));
  EXPECT_TRUE(Check("freshone:stranger", kFreshPwd, 7000, false));
  ice_.SetRemoteUfrag("neww");
  EXPECT_TRUE(ice_.IsValidated(From(5000))) << "the pair in use named another browser ufrag";
  EXPECT_TRUE(ice_.IsValidated(From(6000)));
  EXPECT_FALSE(ice_.IsValidated(From(7000)));
  EXPECT_EQ(ice_.selected(), From(5000));
}

TEST_F(IceRestartTest, TheSamePathMayBeNominatedAgain) {
  ice_.SetRemoteUfrag("neww");
  EXPECT_TRUE(Check("freshone:neww", kFreshPwd, 5000, true));
  EXPECT_EQ(ice_.selected(), From(5000));
  EXPECT_FALSE(Check("gwgwgwgw:brow", kPwd, 5000, false));
}

TEST_F(IceRestartTest, ASecondRestartTakesThePlaceOfTheUnfinishedOne) {
  ice_.Restart({"thirdone", "thirdthirdthirdthirdthir"});
  EXPECT_FALSE(ice_.AcceptsUfrag("freshone"));
  EXPECT_FALSE(Check("freshone:neww", kFreshPwd, 6000, true));
  EXPECT_TRUE(Check("gwgwgwgw:brow", kPwd, 5000, false)) << "of the pair in use";
  EXPECT_TRUE(Check("thirdone:neww", "thirdthirdthirdthirdthir", 6000, true));
  EXPECT_FALSE(ice_.AcceptsUfrag("gwgwgwgw"));
}

TEST_F(IceLiteTest, ThePairsAreBoundedAndTheSelectedOneStays) {
  CheckOptions check = Check();
  check.use_candidate = true;
  Feed(BuildCheck(check), From(1));
  for (uint16_t port = 2; port < 200; ++port) Feed(BuildCheck(Check()), From(port));
  int validated = 0;
  for (uint16_t port = 1; port < 200; ++port) validated += ice_.IsValidated(From(port));
  EXPECT_EQ(validated, static_cast<int>(IceLite::kMaxPairs));
  EXPECT_TRUE(ice_.IsValidated(From(1)));
}

TEST_F(IceLiteTest, ALongUsernameIsAnsweredOrIgnoredButNeverOverflows) {
  for (size_t size : {400u, 504u, 505u, 600u, 1100u}) {
    CheckOptions check = Check();
    check.username = "gwgwgwgw:" + std::string(size, 'x');
    const auto result = Feed(BuildCheck(check), From(5000));
    EXPECT_EQ(result.authenticated, size <= 504) << size;
    EXPECT_EQ(result.reply_size > 0, size <= 504) << size;
    EXPECT_LE(result.reply_size, reply_.size());
  }
}

TEST_F(IceLiteTest, EveryTruncationAndEveryFlippedBitIsIgnored) {
  const Bytes good = BuildCheck(Check());
  for (size_t size = 0; size < good.size(); ++size) {
    ExpectIgnored(Bytes(good.begin(), good.begin() + static_cast<ptrdiff_t>(size)));
    Bytes with_length(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    if (size < 20) continue;
    StoreBe16(&with_length[2], static_cast<uint16_t>(size - 20));
    ExpectIgnored(with_length);
  }
  for (size_t i = 0; i < good.size() * 8; ++i) {
    Bytes flipped = good;
    flipped[i / 8] ^= static_cast<uint8_t>(1 << i % 8);
    ExpectIgnored(flipped);
  }
}

TEST_F(IceLiteTest, ShortAndRandomDatagramsAreIgnored) {
  std::mt19937 random(1);
  for (int round = 0; round < 20000; ++round) {
    Bytes datagram(round < 65 ? static_cast<size_t>(round) : random() % 200);
    for (uint8_t& b : datagram) b = static_cast<uint8_t>(random());
    if (datagram.size() >= 20) {
      StoreBe16(&datagram[0], 1);
      StoreBe16(&datagram[2], static_cast<uint16_t>(datagram.size() - 20));
      StoreBe32(&datagram[4], 0x2112a442);
    }
    ExpectIgnored(datagram);
  }
}

TEST_F(IceLiteTest, AFloodOfForgedChecksLeavesNoTrace) {
  CheckOptions check = Check();
  check.pwd = "guessguessguessguessgues";
  check.use_candidate = true;
  const Bytes forged = BuildCheck(check);
  for (int i = 0; i < 10000; ++i) {
    EXPECT_EQ(Feed(forged, From(static_cast<uint16_t>(i))).reply_size, 0u);
  }
  EXPECT_FALSE(ice_.selected());
  EXPECT_FALSE(ice_.latest());
}

TEST_F(IceLiteTest, TheCorpusOfStunMessagesIsSurvived) {
  const char* corpora = std::getenv("LASTMILE_CORPORA");
  if (corpora == nullptr) GTEST_SKIP() << "LASTMILE_CORPORA is not set";
  int files = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(corpora) / "stun")) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    ExpectIgnored(Bytes(text.begin(), text.end()));
    ++files;
  }
  EXPECT_GT(files, 0);
}

TEST(LocalUfragOf, IsWhatStandsBeforeTheColon) {
  const Bytes check = BuildCheck({.username = "abcd:efgh", .pwd = "x"});
  EXPECT_EQ(LocalUfragOf(check), "abcd");
  EXPECT_FALSE(LocalUfragOf(BuildCheck({.username = "abcd", .pwd = "x"})));
  EXPECT_FALSE(LocalUfragOf(Bytes(20)));
}

}  // namespace
}  // namespace lastmile::media

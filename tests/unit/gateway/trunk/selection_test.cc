#include "gateway/trunk/selection.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <deque>
#include <map>

namespace lastmile::trunk {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A name server of fixed answers that writes down what it is asked.
struct FakeNames {
  std::map<std::pair<std::string, DnsType>, DnsAnswer> answers;
  std::vector<std::string> asked;

  void Naptr(const std::string& name, std::vector<NaptrRecord> records) {
    answers[{name, DnsType::kNaptr}] = {
        .status = DnsStatus::kFound, .ttl = 60s, .pointers = std::move(records)};
  }
  void Srv(const std::string& name, std::vector<SrvRecord> records) {
    answers[{name, DnsType::kSrv}] = {
        .status = DnsStatus::kFound, .ttl = 30s, .services = std::move(records)};
  }
  void Address(const std::string& name, std::vector<std::string> addresses, Duration ttl = 90s) {
    DnsAnswer answer{.status = DnsStatus::kFound, .ttl = ttl};
    for (const auto& text : addresses) answer.addresses.push_back(*IpAddress::Parse(text));
    answers[{name, DnsType::kAddress}] = answer;
  }
  void Fail(const std::string& name, DnsType type, DnsStatus status, std::string reason) {
    answers[{name, type}] = {.status = status, .reason = std::move(reason)};
  }
  DnsAnswer Ask(const Selection::Query& query) {
    static constexpr std::array kNames = {"A ", "SRV ", "NAPTR "};
    asked.push_back(kNames[static_cast<size_t>(query.type)] + query.name);
    const auto found = answers.find({query.name, query.type});
    if (found != answers.end()) return found->second;
    return {.status = DnsStatus::kNoName, .reason = "the name " + query.name + " does not exist"};
  }
};

Selection Resolve(ConfiguredServer server, bool tls, FakeNames& names) {
  Selection selection(server, tls);
  std::deque<Selection::Query> open;
  for (int turn = 0; !selection.done() && turn < 100; ++turn) {
    for (auto& query : selection.TakeQueries()) open.push_back(std::move(query));
    if (open.empty()) break;
    const Selection::Query query = open.front();
    open.pop_front();
    selection.OnAnswer(query, names.Ask(query));
  }
  EXPECT_TRUE(selection.done());
  return selection;
}

std::vector<std::string> EndpointsOf(const Selection& selection) {
  std::vector<std::string> all;
  for (const ServerHost& host : selection.hosts()) {
    for (const Endpoint& endpoint : host.endpoints) all.push_back(endpoint.ToString());
  }
  return all;
}

TEST(Selection, AnAddressIsAskedForNothing) {
  FakeNames names;
  EXPECT_THAT(EndpointsOf(Resolve({.host = "192.0.2.1"}, true, names)),
              ElementsAre("192.0.2.1:5061"));
  EXPECT_THAT(EndpointsOf(Resolve({.host = "[2001:db8::1]", .port = 5070}, false, names)),
              ElementsAre("[2001:db8::1]:5070"));
  EXPECT_THAT(names.asked, IsEmpty());
}

TEST(Selection, APortPinsTheNameToItsAddresses) {
  FakeNames names;
  names.Address("sip.acme.example", {"192.0.2.1", "2001:db8::1"});
  const Selection found = Resolve({.host = "sip.acme.example", .port = 5070}, false, names);
  EXPECT_THAT(EndpointsOf(found), ElementsAre("192.0.2.1:5070", "[2001:db8::1]:5070"));
  EXPECT_THAT(names.asked, ElementsAre("A sip.acme.example"));
  EXPECT_EQ(found.ttl(), 90s);
}

TEST(Selection, ABareNameGoesByNaptrAndSrvOfItsTransport) {
  FakeNames names;
  names.Naptr("acme.example", {{20, 0, "SIPS+D2T", "_sips._tcp.backup.example"},
                               {10, 1, "SIP+D2U", "_sip._udp.acme.example"},
                               {10, 0, "sips+d2t", "_sips._tcp.main.example"}});
  names.Srv("_sips._tcp.main.example", {{2, 0, 5063, "b.example"}, {1, 0, 5062, "a.example"}});
  names.Address("a.example", {"192.0.2.1"});
  names.Address("b.example", {"192.0.2.2"}, 5s);
  const Selection found = Resolve({.host = "acme.example"}, true, names);
  EXPECT_THAT(EndpointsOf(found), ElementsAre("192.0.2.1:5062", "192.0.2.2:5063"));
  EXPECT_THAT(names.asked, ElementsAre("NAPTR acme.example", "SRV _sips._tcp.main.example",
                                       "A a.example", "A b.example"));
  EXPECT_EQ(found.ttl(), 5s);
}

TEST(Selection, WithoutNaptrTheTransportsSrvIsAskedAndWithoutThatTheAddress) {
  FakeNames names;
  names.Address("acme.example", {"192.0.2.7"});
  const Selection found = Resolve({.host = "acme.example"}, false, names);
  EXPECT_THAT(EndpointsOf(found), ElementsAre("192.0.2.7:5060"));
  EXPECT_THAT(names.asked,
              ElementsAre("NAPTR acme.example", "SRV _sip._tcp.acme.example", "A acme.example"));
}

TEST(Selection, ANaptrThatLeadsNowhereIsFollowedByTheNextOne) {
  FakeNames names;
  names.Naptr("acme.example", {{10, 0, "SIP+D2T", "_sip._tcp.gone.example"},
                               {20, 0, "SIP+D2T", "_sip._tcp.there.example"}});
  names.Srv("_sip._tcp.there.example", {{0, 0, 5060, "a.example"}});
  names.Address("a.example", {"192.0.2.1"});
  EXPECT_THAT(EndpointsOf(Resolve({.host = "acme.example"}, false, names)),
              ElementsAre("192.0.2.1:5060"));
}

TEST(Selection, NoSuchNameFailsWithTheSentenceAndIsSure) {
  FakeNames names;
  const Selection found = Resolve({.host = "nowhere.example"}, true, names);
  EXPECT_THAT(found.hosts(), IsEmpty());
  EXPECT_THAT(found.failure(), HasSubstr("nowhere.example does not exist"));
  EXPECT_FALSE(found.is_unsure());
}

TEST(Selection, AServerFailureIsNoProofThatNothingIsThere) {
  FakeNames names;
  for (const DnsType type : {DnsType::kNaptr, DnsType::kAddress}) {
    names.Fail("acme.example", type, DnsStatus::kFailed, "no name server answered");
  }
  const Selection found = Resolve({.host = "acme.example"}, false, names);
  EXPECT_TRUE(found.is_unsure());
  EXPECT_EQ(found.failure(), "no name server answered");
}

TEST(Selection, AServerFailureForNaptrAndSrvFallsThroughToTheAddress) {
  FakeNames names;
  names.Fail("acme.example", DnsType::kNaptr, DnsStatus::kFailed, "SERVFAIL");
  names.Fail("_sip._tcp.acme.example", DnsType::kSrv, DnsStatus::kFailed, "SERVFAIL");
  names.Address("acme.example", {"192.0.2.7"});
  const Selection found = Resolve({.host = "acme.example"}, false, names);
  EXPECT_THAT(EndpointsOf(found), ElementsAre("192.0.2.7:5060"));
  EXPECT_FALSE(found.is_unsure());
  EXPECT_EQ(found.failure(), "");
}

TEST(Selection, EmptyAnswersFallThrough) {
  FakeNames names;
  names.Naptr("acme.example", {});
  names.Srv("_sip._tcp.acme.example", {{0, 0, 0, "a.example"}, {0, 0, 5060, ""}});
  names.Address("acme.example", {});
  const Selection found = Resolve({.host = "acme.example"}, false, names);
  EXPECT_THAT(found.hosts(), IsEmpty());
  EXPECT_NE(found.failure(), "");
}

TEST(Selection, AServerWithIpv6AloneIsAServer) {
  FakeNames names;
  names.Address("six.example", {"2001:db8::6"});
  EXPECT_THAT(EndpointsOf(Resolve({.host = "six.example"}, false, names)),
              ElementsAre("[2001:db8::6]:5060"));
}

TEST(Selection, OneOfSeveralSrvTargetsWithoutAnAddressIsLeftOut) {
  FakeNames names;
  names.Srv("_sip._tcp.acme.example", {{0, 1, 5060, "gone.example"}, {0, 1, 5060, "a.example"}});
  names.Address("a.example", {"192.0.2.1"});
  EXPECT_THAT(EndpointsOf(Resolve({.host = "acme.example"}, false, names)),
              ElementsAre("192.0.2.1:5060"));
}

TEST(Selection, FiveHundredSrvRecordsCostSixteenQueriesAndNameTheFirstOnes) {
  FakeNames names;
  std::vector<SrvRecord> records;
  for (int i = 499; i >= 0; --i) {
    const std::string name = "s" + std::to_string(i) + ".example";
    records.push_back({static_cast<uint16_t>(i), 1, 5060, name});
    names.Address(name, {"192.0.2." + std::to_string(i % 250 + 1)});
  }
  names.Srv("_sip._tcp.acme.example", records);
  const Selection found = Resolve({.host = "acme.example"}, false, names);
  EXPECT_THAT(names.asked, SizeIs(Selection::kMaxQueries));
  EXPECT_THAT(found.hosts(), SizeIs(Selection::kMaxQueries - 2));
  EXPECT_EQ(EndpointsOf(found).front(), "192.0.2.1:5060");
}

TEST(Selection, FiveHundredSrvRecordsOfOneNameAreSixtyFourServers) {
  FakeNames names;
  std::vector<SrvRecord> records;
  for (int i = 0; i < 500; ++i) records.push_back({0, 1, static_cast<uint16_t>(6000 + i), "a.b"});
  names.Srv("_sip._tcp.acme.example", records);
  names.Address("a.b", {"192.0.2.1", "192.0.2.2"});
  const Selection found = Resolve({.host = "acme.example"}, false, names);
  EXPECT_THAT(EndpointsOf(found), SizeIs(Selection::kMaxEndpoints));
  EXPECT_THAT(names.asked, SizeIs(3));
}

TEST(Selection, NaptrRecordsThatLeadNowhereEnd) {
  FakeNames names;
  std::vector<NaptrRecord> records;
  for (int i = 0; i < 100; ++i) {
    records.push_back({1, 1, "SIP+D2T", "_sip._tcp.loop" + std::to_string(i) + ".example"});
  }
  names.Naptr("acme.example", records);
  names.Address("acme.example", {"192.0.2.1"});
  EXPECT_THAT(EndpointsOf(Resolve({.host = "acme.example"}, false, names)),
              ElementsAre("192.0.2.1:5060"));
  EXPECT_THAT(names.asked, SizeIs(Selection::kMaxQueries));
}

TEST(DrawOrder, LowerPrioritiesComeFirstWhateverTheWeights) {
  SeededRandom random(7);
  for (int i = 0; i < 1000; ++i) {
    const auto order = DrawOrder({{5, 1000}, {0, 1}, {0, 0}, {9, 0}}, random);
    EXPECT_EQ(order[2], 0U);
    EXPECT_EQ(order[3], 3U);
  }
}

// RFC 2782: 80 : 20, and what has no weight almost never.
TEST(DrawOrder, TenThousandDrawsFollowTheWeights) {
  SeededRandom random(1);
  std::array<int, 3> first{};
  for (int i = 0; i < 10000; ++i) ++first[DrawOrder({{1, 80}, {1, 20}, {1, 0}}, random).front()];
  std::printf("10000 draws of weights 80, 20 and 0: %d, %d, %d\n", first[0], first[1], first[2]);
  EXPECT_NEAR(first[0], 7920, 150);
  EXPECT_NEAR(first[1], 1980, 150);
  EXPECT_LT(first[2], 150);
}

TEST(DrawOrder, TheSameSeedGivesTheSameOrder) {
  SeededRandom one(3);
  SeededRandom two(3);
  const std::vector<PriorityWeight> entries(10, {1, 10});
  for (int i = 0; i < 20; ++i) EXPECT_EQ(DrawOrder(entries, one), DrawOrder(entries, two));
}

}  // namespace
}  // namespace lastmile::trunk

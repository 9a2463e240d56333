#include "gateway/net/dns_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

#include "gateway/net/dns_message.h"
#include "tests/component/net/fake_dns.h"
#include "tests/component/net/hub_world.h"

namespace lastmile::net {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

IpAddress Address(const char* text) { return *IpAddress::Parse(text); }

// The answer, and how long it took.
struct Heard {
  DnsAnswer answer;
  Duration took{};
};

Heard LookUp(HubWorld& world, const std::string& name, DnsType type) {
  std::optional<DnsAnswer> answer;
  const TimePoint start = MonotonicNow();
  bool inside = true;
  world.hub->LookUp(name, type, [&](DnsAnswer heard) {
    EXPECT_FALSE(inside);
    EXPECT_FALSE(answer) << "told twice";
    answer = std::move(heard);
  });
  inside = false;
  EXPECT_TRUE(world.RunUntil([&] { return answer.has_value(); }));
  return {answer.value_or(DnsAnswer{}), MonotonicNow() - start};
}

DnsAnswer LookUp(std::map<std::string, FakeName> names, const std::string& name, DnsType type) {
  FakeDns dns(std::move(names));
  HubWorld world(dns.servers());
  return LookUp(world, name, type).answer;
}

TEST(DnsQuery, GivesServicesAsTheyCameWithTheShortestTtl) {
  const SrvRecord far{.priority = 20, .weight = 5, .port = 5061, .target = "b.acme.test"};
  const SrvRecord near{.priority = 10, .weight = 60, .port = 5061, .target = "a.acme.test"};
  const auto answer =
      LookUp({{"_sips._tcp.acme.test", {{ServiceRecord(far, 90), ServiceRecord(near, 30)}}}},
             "_sips._tcp.acme.test", DnsType::kSrv);
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_EQ(answer.reason, "");
  EXPECT_EQ(answer.ttl, 30s);
  EXPECT_THAT(answer.services, ElementsAre(far, near));
  EXPECT_THAT(answer.addresses, IsEmpty());
}

TEST(DnsQuery, GivesThePointersThatSipKnows) {
  const NaptrRecord tls{50, 50, "SIPS+D2T", "_sips._tcp.acme.test"};
  const auto answer = LookUp(
      {{"acme.test",
        {{PointerRecord(tls), PointerRecord({1, 1, "E2U+sip", "acme.test"}, "u", "!^.*$!sip:a@b!"),
          PointerRecord({2, 1, "SIP+D2T", "acme.test"}, "a")}}}},
      "acme.test", DnsType::kNaptr);
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_THAT(answer.pointers, ElementsAre(tls));
}

TEST(DnsQuery, GivesAddressesOfBothFamiliesWithTheirTtl) {
  const auto answer = LookUp(
      {{"sip.acme.test",
        {{AddressRecord(Address("192.0.2.1"), 300), AddressRecord(Address("2001:db8::1"), 45)}}}},
      "sip.acme.test", DnsType::kAddress);
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_THAT(answer.addresses,
              ::testing::UnorderedElementsAre(Address("192.0.2.1"), Address("2001:db8::1")));
  EXPECT_EQ(answer.ttl, 45s);
}

TEST(DnsQuery, AddressesOfTheNewFamilyOnlyAreAddresses) {
  const auto answer = LookUp({{"six.acme.test", {{AddressRecord(Address("2001:db8::6"))}}}},
                             "six.acme.test", DnsType::kAddress);
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_THAT(answer.addresses, ElementsAre(Address("2001:db8::6")));
}

TEST(DnsQuery, ANameThatIsNotThereAndOneWithoutTheRecordAreTwoThings) {
  FakeDns dns({{"acme.test", FakeName{{AddressRecord(Address("192.0.2.1"))}}}});
  HubWorld world(dns.servers());
  for (const DnsType type : {DnsType::kAddress, DnsType::kSrv, DnsType::kNaptr}) {
    const DnsAnswer missing = LookUp(world, "no.acme.test", type).answer;
    EXPECT_EQ(missing.status, DnsStatus::kNoName);
    EXPECT_EQ(missing.reason, "the name no.acme.test does not exist");
  }
  const DnsAnswer services = LookUp(world, "acme.test", DnsType::kSrv).answer;
  EXPECT_EQ(services.status, DnsStatus::kNoRecord);
  EXPECT_EQ(services.reason, "the name acme.test has no SRV record");
  const DnsAnswer pointers = LookUp(world, "acme.test", DnsType::kNaptr).answer;
  EXPECT_EQ(pointers.reason, "the name acme.test has no NAPTR record");
}

TEST(DnsQuery, AServiceThatIsNotOfferedIsNoRecord) {
  const auto answer = LookUp({{"_sip._tcp.acme.test", {{ServiceRecord({0, 0, 0, "."})}}}},
                             "_sip._tcp.acme.test", DnsType::kSrv);
  EXPECT_EQ(answer.status, DnsStatus::kNoRecord);
  EXPECT_EQ(answer.reason, "_sip._tcp.acme.test is not offered (its SRV says so)");
}

TEST(DnsQuery, AServerThatFailsIsToldAtOnce) {
  FakeDns dns({{"acme.test", FakeName{.records = {}, .rcode = 2}}});
  HubWorld world(dns.servers());
  for (const DnsType type : {DnsType::kAddress, DnsType::kSrv, DnsType::kNaptr}) {
    const Heard heard = LookUp(world, "acme.test", type);
    EXPECT_EQ(heard.answer.status, DnsStatus::kFailed);
    EXPECT_EQ(heard.answer.reason, "the name servers have failed for acme.test");
    EXPECT_LT(heard.took, 1s);
  }
}

TEST(DnsQuery, SilenceEndsInTime) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  const Heard heard = LookUp(world, "silent.acme.test", DnsType::kSrv);
  EXPECT_EQ(heard.answer.status, DnsStatus::kFailed);
  EXPECT_EQ(heard.answer.reason, "no name server answered for silent.acme.test");
  EXPECT_GE(heard.took, 2s) << "a lost packet is made up for";
  EXPECT_LE(heard.took, DnsQuery::kTimeLimit + 500ms);
}

TEST(DnsQuery, SilentServersTogetherCostNoMore) {
  FakeDns one(std::map<std::string, FakeName>{});
  FakeDns two(std::map<std::string, FakeName>{});
  FakeDns three(std::map<std::string, FakeName>{});
  HubWorld world(one.servers() + "," + two.servers() + "," + three.servers());
  const Heard heard = LookUp(world, "silent.acme.test", DnsType::kAddress);
  EXPECT_EQ(heard.answer.reason, "no name server answered for silent.acme.test");
  EXPECT_LE(heard.took, DnsQuery::kTimeLimit + 500ms);
}

TEST(DnsQuery, AServerThatIsSilentAboutOneFamilyCostsTimeOnly) {
  FakeDns dns({{"old.acme.test", FakeName{.records = {AddressRecord(Address("192.0.2.1"))},
                                          .unanswered_types = {kFakeTypeAaaa}}}});
  HubWorld world(dns.servers());
  const Heard heard = LookUp(world, "old.acme.test", DnsType::kAddress);
  EXPECT_EQ(heard.answer.status, DnsStatus::kFound);
  EXPECT_THAT(heard.answer.addresses, ElementsAre(Address("192.0.2.1")));
  EXPECT_LE(heard.took, DnsQuery::kTimeLimit + 500ms);
}

TEST(DnsQuery, OfFiveHundredServicesOverTcpTheFirstOnesAreKept) {
  FakeName crowd;
  for (uint16_t i = 0; i < 500; ++i) {
    // Priorities count down: the best come last.
    const SrvRecord record{.priority = static_cast<uint16_t>(500 - i),
                           .weight = 0,
                           .port = 5060,
                           .target = "h" + std::to_string(i) + ".acme.test"};
    crowd.records.push_back(ServiceRecord(record));
  }
  FakeDns dns({{"_sip._tcp.acme.test", crowd}});
  HubWorld world(dns.servers());
  const Heard heard = LookUp(world, "_sip._tcp.acme.test", DnsType::kSrv);
  EXPECT_EQ(dns.tcp_questions(), 1);
  ASSERT_EQ(heard.answer.services.size(), kMaxDnsRecords);
  for (uint16_t i = 0; i < kMaxDnsRecords; ++i) {
    EXPECT_EQ(heard.answer.services[i].priority, i + 1);
  }
  EXPECT_LT(heard.took, 1s);
}

TEST(DnsQuery, AliasesAreFollowedAndCirclesEnd) {
  const SrvRecord record{.priority = 1, .weight = 0, .port = 5060, .target = "h.acme.test"};
  FakeRecord target = ServiceRecord(record);
  target.owner = "_sip._tcp.Real.test";
  FakeDns dns(
      {{"_sip._tcp.acme.test", FakeName{{AliasRecord("_sip._tcp.real.test", "", 20), target}}},
       {"a.acme.test",
        FakeName{{AliasRecord("b.acme.test"), AliasRecord("a.acme.test", "b.acme.test")}}},
       {"b.acme.test", FakeName{{AliasRecord("a.acme.test")}}}});
  HubWorld world(dns.servers());
  const DnsAnswer followed = LookUp(world, "_sip._tcp.acme.test", DnsType::kSrv).answer;
  EXPECT_THAT(followed.services, ElementsAre(record));
  EXPECT_EQ(followed.ttl, 20s);
  const DnsAnswer circle = LookUp(world, "a.acme.test", DnsType::kSrv).answer;
  EXPECT_EQ(circle.status, DnsStatus::kFailed);
  EXPECT_EQ(circle.reason, "the name a.acme.test is an alias (CNAME) that leads nowhere");
  const Heard address = LookUp(world, "a.acme.test", DnsType::kAddress);
  EXPECT_NE(address.answer.status, DnsStatus::kFound);
  EXPECT_LT(address.took, 1s);
}

TEST(DnsQuery, NamesThatAreNoneAreToldWithoutAsking) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  for (const std::string& name : {std::string(""), std::string(300, 'x')}) {
    for (const DnsType type : {DnsType::kAddress, DnsType::kSrv, DnsType::kNaptr}) {
      const Heard heard = LookUp(world, name, type);
      EXPECT_EQ(heard.answer.status, DnsStatus::kFailed);
      EXPECT_THAT(heard.answer.reason, HasSubstr("is not a host name"));
    }
  }
}

TEST(DnsQuery, TheHostsFileCountsForAddresses) {
  FakeDns dns(std::map<std::string, FakeName>{});
  HubWorld world(dns.servers());
  const DnsAnswer answer = LookUp(world, "localhost", DnsType::kAddress).answer;
  EXPECT_EQ(answer.status, DnsStatus::kFound);
  EXPECT_THAT(answer.addresses, ::testing::Contains(Address("127.0.0.1")));
}

TEST(DnsQuery, MoreThanMayBeUnderWayWaitTheirTurn) {
  FakeDns dns({{"acme.test", FakeName{{AddressRecord(Address("192.0.2.1"))}}}});
  HubWorld world(dns.servers());
  const size_t files = OpenFileCount();
  size_t found = 0;
  constexpr size_t kAsked = 3 * StreamHub::kMaxLookUps;
  for (size_t i = 0; i < kAsked; ++i) {
    world.hub->LookUp("acme.test", DnsType::kAddress, [&](const DnsAnswer& answer) {
      found += answer.status == DnsStatus::kFound ? 1 : 0;
    });
  }
  EXPECT_LE(OpenFileCount(), files + 3 * StreamHub::kMaxLookUps);
  EXPECT_TRUE(world.RunUntil([&] { return found == kAsked; }));
  EXPECT_TRUE(world.RunUntil([&] { return OpenFileCount() == files; }));
}

TEST(DnsQuery, TheEndOfTheHubCallsNobody) {
  FakeDns dns(std::map<std::string, FakeName>{});
  const size_t files = OpenFileCount();
  {
    HubWorld world(dns.servers());
    for (int i = 0; i < 100; ++i) {
      world.hub->LookUp("silent.acme.test", DnsType::kNaptr,
                        [](const DnsAnswer&) { ADD_FAILURE(); });
      // Answered from the hosts file, and told from the loop only.
      world.hub->LookUp("localhost", DnsType::kAddress, [](const DnsAnswer&) { ADD_FAILURE(); });
    }
    world.hub.reset();
    world.RunUntil([] { return false; }, 50ms);
  }
  EXPECT_EQ(OpenFileCount(), files);
}

}  // namespace
}  // namespace lastmile::net

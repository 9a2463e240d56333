// The whole gateway with a trunk that is a name: its servers are what a name server says, which
// changes while the gateway runs (RFC 3263; headless services of Kubernetes are like that).
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/component/gateway/two_servers.h"
#include "tests/component/net/fake_dns.h"

namespace lastmile::app {
namespace {

constexpr uint32_t kTtl = 1;  // seconds
constexpr char kService[] = "_sip._tcp.pbx.test";
constexpr int kServerFailure = 2;

// In a network of its own, whose name server is the test's.
class GatewayNamesTest : public TwoServersTest {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) != 0 || system("ip link set lo up") != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      GTEST_SKIP() << "namespaces need the rights of root, iproute2, and a root that is a mount";
    }
    std::ofstream(resolv_conf_) << "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
    ASSERT_EQ(mount(resolv_conf_.c_str(), "/etc/resolv.conf", nullptr, MS_BIND, nullptr), 0);
    mounted_ = true;
    dns_ = std::make_unique<net::FakeDns>(std::map<std::string, net::FakeName>{}, "127.0.0.1:53");
    TwoServersTest::SetUp();
  }
  void TearDown() override {
    if (gateway_) TwoServersTest::TearDown();
    if (mounted_) umount("/etc/resolv.conf");
    std::filesystem::remove(resolv_conf_);
  }
  void Configure(Config& config) override {
    Offer({carrier_.get(), backup_.get()});
    config.trunks.front().host = "pbx.test";
    config.trunks.front().port = 0;
  }
  // The name leads to these, the first one first.
  void Offer(const std::vector<test::SipCarrier*>& carriers) {
    net::FakeName service;
    std::map<std::string, net::FakeName> names;
    uint16_t rank = 0;
    for (const test::SipCarrier* carrier : carriers) {
      const std::string host = "pod" + std::to_string(++rank) + ".pbx.test";
      const SrvRecord record{
          .priority = rank, .weight = 1, .port = carrier->local().port, .target = host};
      service.records.push_back(net::ServiceRecord(record, kTtl));
      names[host].records.push_back(net::AddressRecord(carrier->local().address, kTtl));
    }
    names[kService] = service;
    names["pbx.test"] = {};
    dns_->Change(std::move(names));
  }
  // Whether a call is answered by the backup; nothing: by nobody.
  std::optional<bool> CallIsAtTheBackup(test::BrowserPhone& phone) {
    auto& call = phone.Dial("600");
    Until([&] { return call.state == State::kTalking || call.state == State::kEnded; });
    if (call.state != State::kTalking) return std::nullopt;
    // A carrier talks once it has the ACK, which comes after the 200 that the phone has.
    EXPECT_TRUE(Until([&] { return TalksAt(*carrier_) + TalksAt(*backup_) > 0; }));
    const bool at_backup = TalksAt(*backup_) > 0;
    phone.HangUp(call);
    EXPECT_TRUE(Until([&] { return TalksAt(*carrier_) + TalksAt(*backup_) == 0; }));
    return at_backup;
  }

  const std::string resolv_conf_ =
      ::testing::TempDir() + "lastmile_resolv." + std::to_string(getpid());
  std::unique_ptr<net::FakeDns> dns_;
  bool mounted_ = false;
};

TEST_F(GatewayNamesTest, CallsGoToTheServerThatTheNameRanksFirst) {
  const auto phone = RegisteredPhone();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(CallIsAtTheBackup(*phone), false);
}

// How soon after the record is over: TrunkFailover.AVanishedServerTakesNoNewCallTwoSecondsAfter...,
// with a clock of its own.
TEST_F(GatewayNamesTest, AServerThatIsNoLongerNamedGetsNoCallOnceTheNameServerHasSaidSo) {
  const auto phone = RegisteredPhone();
  ASSERT_EQ(CallIsAtTheBackup(*phone), false);
  Offer({backup_.get()});
  const TimePoint changed = MonotonicNow();
  TimePoint last_at_first = changed;
  const int before = dns_->Answered(kService);
  // Who asks again has read the answer before.
  while (dns_->Answered(kService) < before + 4 && MonotonicNow() < changed + 20s) {
    const bool has_heard = dns_->Answered(kService) >= before + 2;
    const TimePoint dialled = MonotonicNow();
    const auto at_backup = CallIsAtTheBackup(*phone);
    ASSERT_TRUE(at_backup) << "a call that nobody took";
    EXPECT_TRUE(*at_backup || !has_heard);
    if (!*at_backup) last_at_first = dialled;
  }
  EXPECT_GE(dns_->Answered(kService), before + 4);
  std::printf("SRV record of %u s withdrawn: the last call to that server %ld ms later\n", kTtl,
              Milliseconds(last_at_first - changed));
}

TEST_F(GatewayNamesTest, ANameServerThatFailsOrIsSilentTakesNobodyOut) {
  const auto phone = RegisteredPhone();
  ASSERT_EQ(CallIsAtTheBackup(*phone), false);
  for (const bool silent : {false, true}) {
    net::FakeName broken{.records = {}, .rcode = kServerFailure};
    if (silent) broken.unanswered_types = {33, 35, net::kFakeTypeA, net::kFakeTypeAaaa};
    dns_->Change({{"pbx.test", broken}, {kService, broken}});
    const TimePoint until = MonotonicNow() + 3s;
    while (MonotonicNow() < until) EXPECT_EQ(CallIsAtTheBackup(*phone), false);
  }
}

TEST_F(GatewayNamesTest, ANameThatIsWithdrawnEndsCallsAtOnceWithASentence) {
  const auto phone = RegisteredPhone();
  ASSERT_EQ(CallIsAtTheBackup(*phone), false);
  dns_->Change({});
  ASSERT_TRUE(Until([&] { return UpServers() == 0; }));
  const TimePoint dialled = MonotonicNow();
  auto& call = phone->Dial("600");
  ASSERT_TRUE(Until([&] { return call.state == State::kEnded; }));
  EXPECT_EQ(call.status, 503);
  EXPECT_LE(MonotonicNow() - dialled, 1s);
  Offer({backup_.get()});
  ASSERT_TRUE(Until([&] { return UpServers() == 1; }));
  EXPECT_EQ(CallIsAtTheBackup(*phone), true);
}

}  // namespace
}  // namespace lastmile::app

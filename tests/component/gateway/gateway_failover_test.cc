// The whole gateway with a trunk of two servers over real TCP: one is killed, out of reach, or
// comes and goes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "tests/component/gateway/two_servers.h"

namespace lastmile::app {
namespace {

using GatewayFailoverTest = TwoServersTest;

// T-15.
TEST_F(GatewayFailoverTest, NewCallsAreOnTheOtherServerWithinASecondOfAKill) {
  const auto phone = RegisteredPhone();
  CallOnce(*phone, true);
  EXPECT_EQ(TalksAt(*backup_), 0U);
  auto& standing = phone->Dial("600");
  ASSERT_TRUE(Until([&] { return standing.state == State::kTalking; }));
  KillTheFirst();
  Duration slowest{};
  for (int i = 0; i < 5; ++i) slowest = std::max(slowest, CallTheBackup(*phone));
  std::printf("killed server: 5 calls on the next one, the slowest answered after %ld ms\n",
              Milliseconds(slowest));
  EXPECT_LE(slowest, 1s);
  EXPECT_EQ(standing.state, State::kTalking) << "its media does not depend on the server";
  phone->HangUp(standing);
  EXPECT_TRUE(Until([&] { return standing.state == State::kEnded; }));
}

TEST_F(GatewayFailoverTest, WhenNoServerIsLeftTheCallerIsToldSo) {
  const auto phone = RegisteredPhone();
  KillTheFirst();
  Remove(*backup_);
  backup_.reset();
  ASSERT_TRUE(Until([&] { return UpServers() == 0; }));
  auto& call = phone->Dial("600");
  ASSERT_TRUE(Until([&] { return call.state == State::kEnded; }));
  EXPECT_EQ(call.status, 503);
  ExpectIdle();
}

// A route with two trunks of one server each: the second one is the backup.
class TwoTrunksTest : public TwoServersTest {
 protected:
  void Configure(Config& config) override {
    config.trunks.front().keepalive = 30s;
    trunk::Trunk other = config.trunks.front();
    other.name = "other";
    other.port = backup_->local().port;
    config.trunks.push_back(std::move(other));
    config.routing.routes.front().trunks.push_back({"other"});
    config.routing.routes.front().failover = {503, route::kNoAnswer};
  }
};

TEST_F(TwoTrunksTest, NewCallsAreOnTheOtherTrunkWithinASecondOfAKill) {
  const auto phone = RegisteredPhone();
  CallOnce(*phone, true);
  EXPECT_EQ(TalksAt(*backup_), 0U);
  KillTheFirst();
  Duration slowest{};
  for (int i = 0; i < 5; ++i) slowest = std::max(slowest, CallTheBackup(*phone));
  std::printf("killed trunk: 5 calls on the next one, the slowest answered after %ld ms\n",
              Milliseconds(slowest));
  EXPECT_LE(slowest, 1s);
  ExpectIdle();
}

// In a network of its own, where a rule drops what goes to the first server.
template <typename Base>
class InOwnNetwork : public Base {
 protected:
  void SetUp() override {
    if (unshare(CLONE_NEWNET) != 0 || system("ip link set lo up") != 0) {
      GTEST_SKIP() << "a network namespace needs the rights of root and iproute2";
    }
    if (system("iptables -w -S >/dev/null 2>&1") != 0) {
      GTEST_SKIP() << "a drop rule needs iptables";
    }
    Base::SetUp();
  }
  void TearDown() override {
    if (this->gateway_) Base::TearDown();
  }
  // `change`: -I or -D, to add or delete a rule for what goes to the first server.
  void Rule(const std::string& change, const std::string& target) {
    const std::string command = "iptables -w " + change + " INPUT -p tcp --dport " +
                                std::to_string(this->carrier_->local().port) + " -j " + target;
    ASSERT_EQ(system(command.c_str()), 0);
  }
  // Nothing reaches the first server any more, and nobody is told.
  void Swallow() { Rule("-I", "DROP"); }
  // T-16.
  void ExpectItIsLeftWithinThreeSeconds(test::BrowserPhone& phone, const char* what) {
    this->CallOnce(phone, true);
    Swallow();
    const Duration first = this->CallTheBackup(phone);
    const Duration next = this->CallTheBackup(phone);
    std::printf("black-holed %s: the call under way answered after %ld ms, the next after %ld ms\n",
                what, Base::Milliseconds(first), Base::Milliseconds(next));
    EXPECT_LE(first, 3s);
    EXPECT_LE(next, 1s);
  }
};

using BlackHoleTest = InOwnNetwork<TwoServersTest>;
using BlackHoledTrunkTest = InOwnNetwork<TwoTrunksTest>;

TEST_F(BlackHoledTrunkTest, ATrunkThatVanishesIsLeftWithinThreeSeconds) {
  const auto phone = RegisteredPhone();
  ExpectItIsLeftWithinThreeSeconds(*phone, "trunk");
}

TEST_F(BlackHoleTest, AServerThatVanishesIsLeftWithinThreeSeconds) {
  const auto phone = RegisteredPhone();
  ExpectItIsLeftWithinThreeSeconds(*phone, "server");
  EXPECT_EQ(UpServers(), 1U);
}

TEST_F(BlackHoleTest, AServerThatNeverTakesAConnectionIsLeftWithinThreeSeconds) {
  Swallow();
  const auto phone = RegisteredPhone();
  const Duration first = CallTheBackup(*phone);
  std::printf("server out of reach from the start: answered after %ld ms\n", Milliseconds(first));
  EXPECT_LE(first, 3s);
}

// T-17, in short.
TEST_F(BlackHoleTest, AServerThatComesAndGoesGetsNoCalls) {
  constexpr int kRounds = 8;
  const std::string reset = "REJECT --reject-with tcp-reset";
  const auto phone = RegisteredPhone();
  CallOnce(*phone, true);
  Rule("-I", reset);
  CallTheBackup(*phone);
  const int before = carrier_->accepted();
  const TimePoint begin = MonotonicNow();
  for (int round = 0; round < kRounds; ++round) {
    Rule("-D", reset);
    const TimePoint up = MonotonicNow();
    Until([] { return false; }, 500ms);
    CallTheBackup(*phone);
    Until([] { return false; }, up + 1s - MonotonicNow());
    Rule("-I", reset);
    Until([] { return false; }, 1s);
  }
  const auto seconds = static_cast<long>((MonotonicNow() - begin) / 1s);
  const int connections = carrier_->accepted() - before;
  std::printf("1 s up, 1 s down for %ld s: %d connections, no call\n", seconds, connections);
  EXPECT_LE(connections, seconds);
  EXPECT_TRUE(carrier_->calls().empty());
}

}  // namespace
}  // namespace lastmile::app

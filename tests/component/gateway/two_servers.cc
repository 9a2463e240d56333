#include "tests/component/gateway/two_servers.h"

namespace lastmile::app {
namespace {

trunk::ConfiguredServer ServerAt(const Endpoint& at, uint16_t priority) {
  return {.host = at.address.ToString(), .port = at.port, .priority = priority};
}

}  // namespace

void TwoServersTest::SetUp() {
  backup_ = std::make_unique<test::SipCarrier>();
  GatewayTest::SetUp();
  Add(*backup_);
}

void TwoServersTest::Configure(Config& config) {
  trunk::Trunk& trunk = config.trunks.front();
  trunk.servers = {ServerAt(carrier_->local(), 1), ServerAt(backup_->local(), 2)};
  trunk.keepalive = 30s;
}

size_t TwoServersTest::TalksAt(test::SipCarrier& carrier) {
  size_t count = 0;
  for (const auto& call : carrier.calls()) count += call.state == State::kTalking;
  return count;
}

Duration TwoServersTest::CallTheBackup(test::BrowserPhone& phone) {
  const size_t before = TalksAt(*backup_);
  const TimePoint dialled = MonotonicNow();
  auto& call = phone.Dial("600");
  EXPECT_TRUE(Until([&] { return TalksAt(*backup_) > before; }));
  const Duration took = MonotonicNow() - dialled;
  EXPECT_TRUE(Until([&] { return call.state == State::kTalking; }));
  EXPECT_EQ(call.status, 200);
  phone.HangUp(call);
  EXPECT_TRUE(Until([&] { return TalksAt(*backup_) == before; }));
  return took;
}

void TwoServersTest::KillTheFirst() {
  Remove(*carrier_);
  carrier_.reset();
}

size_t TwoServersTest::UpServers() {
  return gateway_->gauges().signalling.trunks.front().up_servers;
}

}  // namespace lastmile::app

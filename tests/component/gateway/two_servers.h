#ifndef LASTMILE_TESTS_COMPONENT_GATEWAY_TWO_SERVERS_H_
#define LASTMILE_TESTS_COMPONENT_GATEWAY_TWO_SERVERS_H_

#include <memory>

#include "tests/component/gateway/gateway_fixture.h"

namespace lastmile::app {

// The gateway with a trunk of two servers over real TCP: carrier_, and backup_ if that fails.
class TwoServersTest : public GatewayTest {
 protected:
  void SetUp() override;
  void Configure(Config& config) override;

  static size_t TalksAt(test::SipCarrier& carrier);
  // How long a call takes from the dialled number to the answer at the backup.
  Duration CallTheBackup(test::BrowserPhone& phone);
  void KillTheFirst();
  size_t UpServers();
  static long Milliseconds(Duration duration) { return static_cast<long>(duration / 1ms); }

  std::unique_ptr<test::SipCarrier> backup_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_TESTS_COMPONENT_GATEWAY_TWO_SERVERS_H_

#ifndef LASTMILE_TESTS_COMPONENT_GATEWAY_GATEWAY_FIXTURE_H_
#define LASTMILE_TESTS_COMPONENT_GATEWAY_GATEWAY_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/time.h"
#include "gateway/app/gateway.h"
#include "tests/support/browser_phone.h"
#include "tests/support/sip_carrier.h"

namespace lastmile::app {

using State = test::SipPhone::Call::State;

// The whole gateway in this process, with its threads and real sockets, between a carrier and
// browsers of the test's thread.
class GatewayTest : public testing::Test {
 protected:
  static constexpr int kUsers = 20;  // "user0" ...

  void SetUp() override;
  // What a test wants to be configured otherwise.
  virtual void Configure(Config&) {}
  void TearDown() override;

  std::unique_ptr<test::BrowserPhone> OpenPhone(int user = 0);
  std::unique_ptr<test::BrowserPhone> RegisteredPhone(int user = 0);
  // One of the phones that take turns; the test keeps it.
  void Add(test::SipPhone& phone) { phones_.push_back(&phone); }
  void Remove(test::SipPhone& phone) { std::erase(phones_, &phone); }

  // Lets everybody work until `done`; false: `limit` is over.
  bool Until(const std::function<bool()>& done, Duration limit = 10s);
  // The one call of the carrier that has not ended; waits for it to come.
  test::SipPhone::Call* CarrierCall();

  // Waits until both ends of one call talk; each then sends `packets` packets and hears the
  // other's, byte by byte.
  void ExpectAudioBothWays(test::BrowserPhone& phone, test::SipPhone::Call& at_browser,
                           test::SipPhone::Call& at_carrier, int packets);
  // Dials, talks and hangs up; `browser_ends` says who.
  void CallOnce(test::BrowserPhone& phone, bool browser_ends);
  // Waits until every gauge is 0, but for what is registered and connected.
  void ExpectIdle();

  std::unique_ptr<test::SipCarrier> carrier_;
  std::unique_ptr<Gateway> gateway_;
  Endpoint ws_;
  std::vector<test::SipPhone*> phones_;
};

}  // namespace lastmile::app

#endif  // LASTMILE_TESTS_COMPONENT_GATEWAY_GATEWAY_FIXTURE_H_

#include <gtest/gtest.h>

#include "tests/component/media_anchor/engine_fixture.h"

namespace lastmile::media {
namespace {

class MediaEngineRestartTest : public EngineTest {};

TEST_F(MediaEngineRestartTest, AnIceRestartMovesTheCallWithoutAGap) {
  StartEngine();
  test::WebrtcPeer::Options quick = PeerOptions();
  quick.consent_interval = 50ms;
  auto call = OpenCall(quick);
  ASSERT_TRUE(Connect(*call));
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(AudioFlowsBothWays(*call));
    // The ufrag of the restart before the last is taken only if the worker let go of it.
    const IceCredentials fresh{round % 2 == 0 ? "even1234" : "odd12345",
                               "zyxwvutsrqponmlkjihgfedc"};
    call->browser.RenewIce();
    UpdateSession update = UpdateOf(*call);
    update.browser = call->browser.Description();
    update.restart = fresh;
    EXPECT_TRUE(engine_->Post(update));
    // The browser has no answer yet: it goes on with the old credentials, which still count.
    const int answered = call->browser.checks_answered();
    EXPECT_TRUE(WaitFor([&] { return call->browser.checks_answered() >= answered + 3; },
                        [&] { call->browser.Poll(5ms); }));
    EXPECT_TRUE(AudioFlowsBothWays(*call));
    call->opened.browser.ice_ufrag = fresh.ufrag;
    call->opened.browser.ice_pwd = fresh.pwd;
    call->browser.SetGateway(call->opened.browser, MonotonicNow());
    const int before = call->browser.checks_answered();
    EXPECT_TRUE(WaitFor([&] { return call->browser.checks_answered() >= before + 2; },
                        [&] { call->browser.Poll(5ms); }));
    EXPECT_TRUE(AudioFlowsBothWays(*call));
  }
  EXPECT_FALSE(TakeEvent<BrowserConnected>(call->id));
  EXPECT_FALSE(TakeEvent<SessionFailed>(call->id));
  EXPECT_EQ(call->browser.undecryptable(), 0u);
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.dropped + stats.trunk_to_browser.dropped, 0u);
}

TEST_F(MediaEngineRestartTest, ARestartWithTheUfragOfAnotherSessionIsIgnored) {
  StartEngine();
  auto call = OpenCall();
  auto other = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(Connect(*other));
  UpdateSession update = UpdateOf(*call);
  update.restart = IceCredentials{other->opened.browser.ice_ufrag, "zyxwvutsrqponmlkjihgfedc"};
  EXPECT_TRUE(engine_->Post(update));
  for (const auto& one : {call.get(), other.get()}) {
    one->browser.SetGateway(one->opened.browser, MonotonicNow());  // a check at once
    const int answered = one->browser.checks_answered();
    EXPECT_TRUE(WaitFor([&] { return one->browser.checks_answered() > answered; },
                        [&] { one->browser.Poll(5ms); }));
    EXPECT_TRUE(AudioFlowsBothWays(*one));
  }
}

}  // namespace
}  // namespace lastmile::media

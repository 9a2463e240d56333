#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "tests/component/media_anchor/engine_fixture.h"
#include "tests/component/media_anchor/small_nat.h"
#include "tests/component/media_anchor/turn_server.h"

namespace lastmile::media {
namespace {

using test::SmallNat;
using test::TurnServer;
using Type = IceCandidate::Type;

FullIceOptions::Server ServerAt(const Endpoint& address) {
  return {.host = address.address.ToString(), .port = address.port};
}

// Full ICE with coturn.
class MediaEngineTurnTest : public EngineTest {
 protected:
  void StartWith(FullIceOptions full) {
    MediaOptions options = LoopbackOptions();
    options.full_ice = std::move(full);
    StartEngine(options);
  }
  static FullIceOptions Relayed(const TurnServer& server, const char* password) {
    return {.turn = {{.server = ServerAt(server.address()),
                      .username = TurnServer::kUser,
                      .password = password}},
            .private_peers = true};
  }
  // A call whose browser tells its address, without which no relay lets it in.
  std::unique_ptr<TestCall> OpenNamed() {
    auto call = std::make_unique<TestCall>(PeerOptions());
    call->id = ids_.Next();
    BrowserRemote remote = call->browser.Description();
    remote.candidates = {{.at = call->browser.local(), .priority = 2130706431, .foundation = "1"}};
    call->opened = Open({.session = call->id,
                         .browser = remote,
                         .trunk = call->carrier.Description(),
                         .payloads = TestPayloads()});
    return call;
  }
  static std::optional<IceCandidate> Find(const TestCall& call, Type type) {
    const auto& gathered = call.opened.browser.gathered;
    const auto found = std::ranges::find(gathered, type, &IceCandidate::type);
    return found == gathered.end() ? std::nullopt : std::optional(*found);
  }
  // The browser sends to that candidate alone, and hears nothing that comes from elsewhere.
  static void UseOnly(TestCall& call, const IceCandidate& candidate) {
    call.opened.browser.gathered = {candidate};
  }
};

TEST_F(MediaEngineTurnTest, ACallGoesOverTheRelay) {
  const TurnServer server;
  StartWith(Relayed(server, TurnServer::kPassword));
  auto call = OpenNamed();
  const auto relay = Find(*call, Type::kRelayed);
  ASSERT_TRUE(relay);
  EXPECT_TRUE(server.IsRelay(relay->at)) << relay->at.ToString();
  EXPECT_TRUE(relay->related);
  EXPECT_TRUE(Find(*call, Type::kHost));
  EXPECT_EQ(call->opened.browser.gathered.back().type, Type::kRelayed) << "the last resort";
  UseOnly(*call, *relay);
  ASSERT_TRUE(Connect(*call));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(AudioFlowsBothWays(*call)) << i;
  EXPECT_EQ(call->browser.undecryptable(), 0u);
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.trunk_to_browser.packets, 50u);
}

TEST_F(MediaEngineTurnTest, AServerMayBeAName) {
  const TurnServer server;
  FullIceOptions full = Relayed(server, TurnServer::kPassword);
  full.turn.front().server.host = "localhost";
  StartWith(full);
  auto call = OpenNamed();
  const auto relay = Find(*call, Type::kRelayed);
  ASSERT_TRUE(relay);
  EXPECT_TRUE(server.IsRelay(relay->at));
}

// The server has one place: it is free when the call is over.
TEST_F(MediaEngineTurnTest, TheRelayIsGivenBackWithTheCall) {
  const TurnServer server({"--total-quota=1"});
  StartWith(Relayed(server, TurnServer::kPassword));
  for (int round = 0; round < 3; ++round) {
    std::optional<IceCandidate> relay;
    EXPECT_TRUE(WaitFor(
        [&] {
          auto call = OpenNamed();
          relay = Find(*call, Type::kRelayed);
          CloseCall(call->id);
          return relay.has_value();
        },
        WaitABit))
        << round;
  }
}

TEST_F(MediaEngineTurnTest, ARelayThatRefusesTheAccountHoldsNoCallUp) {
  const TurnServer server;
  StartWith(Relayed(server, "wrong"));
  const TimePoint began = MonotonicNow();
  auto call = OpenNamed();
  EXPECT_LT(MonotonicNow() - began, 4s);
  EXPECT_FALSE(Find(*call, Type::kRelayed));
  ASSERT_TRUE(Connect(*call));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

TEST_F(MediaEngineTurnTest, AGatewayBehindANatIsReachedAtTheAddressThatStunTells) {
  const TurnServer server;
  SmallNat nat(server.address());
  StartWith({.stun = {ServerAt(nat.inside_of_server())}});
  test::WebrtcPeer::Options options = PeerOptions();
  options.behind_nat = true;
  auto call = std::make_unique<TestCall>(options);
  call->id = ids_.Next();
  call->opened = Open({.session = call->id,
                       .browser = call->browser.Description(),
                       .trunk = call->carrier.Description(),
                       .payloads = TestPayloads()});
  const auto reflexive = Find(*call, Type::kServerReflexive);
  ASSERT_TRUE(reflexive);
  EXPECT_EQ(reflexive->at, nat.outside());
  ASSERT_TRUE(reflexive->related);
  EXPECT_EQ(reflexive->related->address, Loopback(1));
  UseOnly(*call, *reflexive);
  ASSERT_TRUE(Connect(*call));
  const uint64_t before = nat.passed();
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(AudioFlowsBothWays(*call)) << i;
  EXPECT_GE(nat.passed(), before + 40);
}

TEST_F(MediaEngineTurnTest, TheNextStunServerIsAskedOnceOneDoesNotAnswer) {
  const TurnServer server;
  const test::PlainRtpPeer silent(Loopback(1));
  SmallNat nat(server.address());
  StartWith({.stun = {ServerAt(silent.rtp()), ServerAt(nat.inside_of_server())}});
  auto first = OpenCall();
  EXPECT_FALSE(Find(*first, Type::kServerReflexive));
  auto second = OpenCall();
  EXPECT_TRUE(Find(*second, Type::kServerReflexive));
}

}  // namespace
}  // namespace lastmile::media

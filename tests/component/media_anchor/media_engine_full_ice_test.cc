#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/component/media_anchor/engine_fixture.h"

namespace lastmile::media {
namespace {

using Type = IceCandidate::Type;

// An engine whose ICE is that of NiceAgents, on loopback.
class MediaEngineFullIceTest : public EngineTest {
 protected:
  static MediaOptions FullIce(FullIceOptions full = {}) {
    MediaOptions options = LoopbackOptions();
    options.full_ice = std::move(full);
    return options;
  }
  // A server that takes what it is sent and says nothing. Its port is free for nobody else.
  static FullIceOptions::Server Silent(const test::PlainRtpPeer& peer) {
    return {.host = Loopback(1).ToString(), .port = peer.rtp().port};
  }
  // Takes all from the browser's network without its knowing, and lets nothing of it out. How much
  // of what is lost is SRTP.
  int CutOff(TestCall& call, Duration how_long) {
    const TimePoint end = MonotonicNow() + how_long;
    std::array<uint8_t, 2048> lost;
    int media = 0;
    do {
      while (recv(call.browser.fd(), lost.data(), lost.size(), MSG_DONTWAIT) > 0) {
        media += lost[0] >> 6 == 2;  // RFC 7983 section 7
      }
      WaitABit();
    } while (MonotonicNow() < end);
    return media;
  }
};

TEST_F(MediaEngineFullIceTest, ABrowserThatNamesNoCandidatesComesByItsOwnChecks) {
  StartEngine(FullIce());
  EXPECT_TRUE(engine_->browser_sockets().empty());
  auto call = OpenCall();
  ASSERT_FALSE(call->opened.browser.gathered.empty());
  EXPECT_TRUE(call->opened.browser.candidates.empty());
  for (const IceCandidate& candidate : call->opened.browser.gathered) {
    EXPECT_EQ(candidate.type, Type::kHost);
    EXPECT_EQ(candidate.at.address, Loopback(1));
    EXPECT_NE(candidate.at.port, 0);
    EXPECT_NE(candidate.priority, 0u);
    EXPECT_FALSE(candidate.foundation.empty());
  }
  ASSERT_TRUE(Connect(*call));
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(AudioFlowsBothWays(*call));
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.packets, 20u);
  EXPECT_EQ(stats.trunk_to_browser.packets, 20u);
}

TEST_F(MediaEngineFullIceTest, TheGatewayMayBeTheDtlsClient) {
  StartEngine(FullIce());
  auto call = OpenCall(DtlsRole::kClient);
  ASSERT_TRUE(Connect(*call));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

// Two of them: the one that offers is controlling.
TEST_F(MediaEngineFullIceTest, AFullAgentThatAnswersGetsTheOffersCall) {
  StartEngine(FullIce({.private_peers = true}));
  test::PlainRtpPeer near(Loopback(1));
  test::PlainRtpPeer far(Loopback(1));
  const SessionId offers = ids_.Next();
  const SessionId answers = ids_.Next();
  const auto describe = [](const SessionOpened& opened, DtlsRole role) {
    const BrowserLocal& local = opened.browser;
    return BrowserRemote{.ice_ufrag = local.ice_ufrag,
                         .ice_pwd = local.ice_pwd,
                         .fingerprints = {local.fingerprint},
                         .gateway_role = role,
                         .candidates = local.gathered};
  };
  const auto offered = Open(
      {.session = offers, .browser = {}, .trunk = near.Description(), .payloads = TestPayloads()});
  const auto answered = Open({.session = answers,
                              .browser = describe(offered, DtlsRole::kClient),
                              .trunk = far.Description(),
                              .payloads = TestPayloads()});
  ASSERT_TRUE(engine_->Post(UpdateSession{.session = offers,
                                          .browser = describe(answered, DtlsRole::kServer),
                                          .trunk = {},
                                          .payloads = {}}));
  EXPECT_TRUE(WaitEvent<BrowserConnected>(offers));
  EXPECT_TRUE(WaitEvent<BrowserConnected>(answers));
  const test::TestRtp packet{.payload_type = kTrunkAudio,
                             .marker = false,
                             .sequence = 5,
                             .timestamp = 800,
                             .ssrc = 9,
                             .payload = Bytes(160, 0x33)};
  std::optional<std::pair<test::TestRtp, Endpoint>> got;
  near.Send(packet, offered.trunk.rtp);
  ASSERT_TRUE(WaitFor([&] { return (got = far.Receive()).has_value(); }, WaitABit));
  EXPECT_EQ(got->first.payload, packet.payload);
}

TEST_F(MediaEngineFullIceTest, ARestartKeepsKeysAndMedia) {
  StartEngine(FullIce());
  test::WebrtcPeer::Options quick = PeerOptions();
  quick.consent_interval = 50ms;
  auto call = OpenCall(quick);
  ASSERT_TRUE(Connect(*call));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(AudioFlowsBothWays(*call));
    const IceCredentials fresh{"fresh" + std::to_string(round), "zyxwvutsrqponmlkjihgfedc"};
    call->browser.RenewIce();
    UpdateSession update = UpdateOf(*call);
    update.browser = call->browser.Description();
    update.restart = fresh;
    ASSERT_TRUE(engine_->Post(update));
    call->opened.browser.ice_ufrag = fresh.ufrag;
    call->opened.browser.ice_pwd = fresh.pwd;
    call->browser.SetGateway(call->opened.browser, MonotonicNow());
    const int before = call->browser.checks_answered();
    EXPECT_TRUE(WaitFor([&] { return call->browser.checks_answered() >= before + 2; },
                        [&] { call->browser.Poll(5ms); }));
    EXPECT_TRUE(AudioFlowsBothWays(*call));
  }
  EXPECT_FALSE(TakeEvent<BrowserConnected>(call->id));
  EXPECT_FALSE(TakeEvent<BrowserSilent>(call->id));
  EXPECT_EQ(call->browser.undecryptable(), 0u);
}

// As after a re-INVITE that the browser refuses.
TEST_F(MediaEngineFullIceTest, ARestartThatTheBrowserDoesNotTakeLeavesThePairInUse) {
  StartEngine(FullIce());
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  UpdateSession update = UpdateOf(*call);
  update.restart = IceCredentials{"fresh123", "zyxwvutsrqponmlkjihgfedc"};
  ASSERT_TRUE(engine_->Post(update));
  const int before = call->browser.checks_answered();
  EXPECT_TRUE(WaitFor([&] { return call->browser.checks_answered() >= before + 2; },
                      [&] { call->browser.Poll(5ms); }));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

TEST_F(MediaEngineFullIceTest, ALostPathIsToldAndTheCallGoesOnWhenItIsBack) {
  StartEngine(FullIce());
  test::WebrtcPeer::Options quick = PeerOptions();
  quick.consent_interval = 200ms;
  auto call = OpenCall(quick);
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(AudioFlowsBothWays(*call));
  const auto carrier_speaks = [&](uint16_t sequence) {
    call->carrier.Send(
        {.payload_type = kTrunkAudio, .sequence = sequence, .payload = Bytes(160, 1)},
        call->opened.trunk.rtp);
  };
  carrier_speaks(9);
  EXPECT_EQ(CutOff(*call, 100ms), 1) << "it is still taken for there";
  bool told = false;
  for (int i = 0; i < 30 && !told; ++i) {
    CutOff(*call, 1s);
    told = TakeEvent<BrowserSilent>(call->id).has_value();
  }
  ASSERT_TRUE(told);
  carrier_speaks(10);
  EXPECT_EQ(CutOff(*call, 100ms), 0) << "nothing is sent to it without its consent";
  EXPECT_TRUE(WaitEvent<BrowserHeard>(call->id, [&] { call->browser.Poll(5ms); }));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
  EXPECT_FALSE(TakeEvent<SessionFailed>(call->id));
  EXPECT_FALSE(TakeEvent<BrowserConnected>(call->id));
  EXPECT_EQ(call->browser.undecryptable(), 0u);
}

TEST_F(MediaEngineFullIceTest, AServerThatDoesNotAnswerHoldsNoCallUp) {
  test::PlainRtpPeer nobody(Loopback(1));
  StartEngine(FullIce({.stun = {Silent(nobody)},
                       .turn = {{.server = Silent(nobody), .username = "u", .password = "p"}}}));
  const TimePoint began = MonotonicNow();
  auto call = OpenCall();
  EXPECT_LT(MonotonicNow() - began, 4s);
  ASSERT_TRUE(Connect(*call));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

TEST_F(MediaEngineFullIceTest, AServerWithoutAnAddressHoldsNoCallUp) {
  const FullIceOptions::Server nowhere{.host = "stun.invalid"};
  StartEngine(FullIce(
      {.stun = {nowhere}, .turn = {{.server = nowhere, .username = "u", .password = "p"}}}));
  for (int i = 0; i < 2; ++i) {
    const TimePoint began = MonotonicNow();
    auto call = OpenCall();
    EXPECT_LT(MonotonicNow() - began, 4s);
    ASSERT_TRUE(Connect(*call));
    EXPECT_TRUE(AudioFlowsBothWays(*call));
  }
}

// Each at another moment: before anything was gathered, while it is, with checks under way, in
// talk.
TEST_F(MediaEngineFullIceTest, SessionsCloseAtAnyMomentAndLeaveNothing) {
  test::PlainRtpPeer nobody(Loopback(1));
  MediaOptions options = FullIce({.stun = {Silent(nobody)}, .private_peers = true});
  options.workers = 2;
  StartEngine(options);
  // GLib has a thread of its own from the first time on that something is looked up.
  CloseCall(OpenCall()->id);
  const size_t idle = OpenDescriptors();
  for (int round = 0; round < 5; ++round) {
    std::vector<SessionId> open;
    for (int i = 0; i < 10; ++i) {
      open.push_back(ids_.Next());
      BrowserRemote remote = test::WebrtcPeer(PeerOptions()).Description();
      remote.candidates = {{.at = nobody.rtp(), .priority = 1, .foundation = "1"}};
      ASSERT_TRUE(engine_->Post(OpenSession{.session = open.back(),
                                            .browser = remote,
                                            .trunk = nobody.Description(),
                                            .payloads = TestPayloads()}));
    }
    if (round == 1) WaitABit();
    if (round >= 2) {
      for (const SessionId id : open) EXPECT_TRUE(WaitEvent<SessionOpened>(id));
    }
    if (round >= 3) poll(nullptr, 0, 100 * round);
    for (const SessionId id : open) CloseCall(id);
  }
  {
    auto call = OpenCall();
    ASSERT_TRUE(Connect(*call));
    CloseCall(call->id);
  }
  EXPECT_TRUE(WaitFor([&] { return OpenDescriptors() <= idle; }, WaitABit))
      << OpenDescriptors() << " instead of " << idle;
  EXPECT_EQ(engine_->gauges().sessions, 0u);
}

TEST_F(MediaEngineFullIceTest, AnEngineStopsWithSessionsOpen) {
  StartEngine(FullIce());
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(engine_->Post(OpenSession{.session = ids_.Next(), .browser = {}, .trunk = {}}));
  }
  engine_->Stop();
  EXPECT_TRUE(TakeEvent<SessionClosed>(call->id));
}

}  // namespace
}  // namespace lastmile::media

#include "media_anchor/io/media_engine.h"

#include <gtest/gtest.h>

#include "tests/component/media_anchor/engine_fixture.h"
#include "tests/support/stun_message.h"

namespace lastmile::media {
namespace {

using test::TestRtp;
using test::WebrtcPeer;

class MediaEngineTest : public EngineTest {};

TestRtp Audio(uint8_t payload_type, uint16_t sequence, uint8_t fill) {
  return {.payload_type = payload_type,
          .marker = false,
          .sequence = sequence,
          .timestamp = sequence * 160u,
          .ssrc = 4711,
          .payload = Bytes(160, fill)};
}

class MediaEngineRoleTest : public MediaEngineTest, public testing::WithParamInterface<DtlsRole> {};

TEST_P(MediaEngineRoleTest, AudioFlowsBothWaysWithMappedTypes) {
  StartEngine();
  auto call = OpenCall(GetParam());
  ASSERT_TRUE(Connect(*call));
  std::optional<TestRtp> first_out;
  std::optional<TestRtp> first_in;
  for (uint16_t i = 0; i < 50; ++i) {
    const auto fill = static_cast<uint8_t>(i);
    const auto out =
        BrowserToTrunk(*call, Audio(kBrowserAudio, static_cast<uint16_t>(65510 + i), fill));
    const auto in =
        TrunkToBrowser(*call, Audio(kTrunkAudio, static_cast<uint16_t>(65530 + i), fill));
    ASSERT_TRUE(out && in) << i;
    if (!first_out) first_out = out;
    if (!first_in) first_in = in;
    EXPECT_EQ(out->payload_type, kTrunkAudio);
    EXPECT_EQ(in->payload_type, kBrowserAudio);
    EXPECT_EQ(out->payload, Bytes(160, fill));
    EXPECT_EQ(in->payload, Bytes(160, fill));
    EXPECT_EQ(out->sequence, static_cast<uint16_t>(first_out->sequence + i));
    EXPECT_EQ(in->sequence, static_cast<uint16_t>(first_in->sequence + i));
    EXPECT_NE(out->ssrc, 4711u) << "the browser's SSRC is not the carrier's business";
  }
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.packets, 50u);
  EXPECT_EQ(stats.browser_to_trunk.bytes, 50u * 160);
  EXPECT_EQ(stats.browser_to_trunk.dropped, 0u);
  EXPECT_EQ(stats.trunk_to_browser.packets, 50u);
  EXPECT_EQ(stats.trunk_to_browser.dropped, 0u);
  EXPECT_EQ(call->browser.undecryptable(), 0u);
}

INSTANTIATE_TEST_SUITE_P(BothRoles, MediaEngineRoleTest,
                         testing::Values(DtlsRole::kServer, DtlsRole::kClient));

TEST_F(MediaEngineTest, DigitsAreRelayedAndUnknownTypesAreNot) {
  StartEngine();
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  call->browser.SendRtp(Audio(111, 1, 0));
  const auto digit = BrowserToTrunk(*call, Audio(126, 2, 5));
  ASSERT_TRUE(digit);
  EXPECT_EQ(digit->payload_type, 101);
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.packets, 1u);
  EXPECT_EQ(stats.browser_to_trunk.dropped, 1u);
}

// An inbound call: the browser's checks and its ClientHello are here before its SDP is.
TEST_F(MediaEngineTest, TheBrowserMayBeFasterThanItsSdp) {
  StartEngine();
  auto call = std::make_unique<TestCall>(PeerOptions());
  call->id = ids_.Next();
  call->opened = Open({.session = call->id,
                       .browser = std::nullopt,
                       .trunk = call->carrier.Description(),
                       .payloads = TestPayloads()});
  call->browser.SetGateway(call->opened.browser, MonotonicNow());
  ASSERT_TRUE(WaitFor([&] { return call->browser.checks_answered() >= 3; },
                      [&] { call->browser.Poll(5ms); }));
  EXPECT_FALSE(call->browser.connected());
  EXPECT_TRUE(engine_->Post(UpdateSession{.session = call->id,
                                          .browser = call->browser.Description(),
                                          .trunk = std::nullopt,
                                          .payloads = std::nullopt}));
  EXPECT_TRUE(WaitEvent<BrowserConnected>(call->id, [&] { call->browser.Poll(5ms); }));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

// An outbound call: the carrier's SDP comes with its answer, and may come again with another.
TEST_F(MediaEngineTest, TheTrunkMayComeLaterAndMove) {
  StartEngine();
  auto call = std::make_unique<TestCall>(PeerOptions());
  call->id = ids_.Next();
  call->opened = Open({.session = call->id,
                       .browser = call->browser.Description(),
                       .trunk = std::nullopt,
                       .payloads = TestPayloads()});
  ASSERT_TRUE(Connect(*call));
  // Audio goes on; from some packet on the carrier named last gets it.
  uint16_t sequence = 0;
  const auto audio_reaches = [&](test::PlainRtpPeer& carrier) {
    return WaitFor([&] { return carrier.Receive().has_value(); },
                   [&] {
                     call->browser.SendRtp(Audio(kBrowserAudio, ++sequence, 0));
                     WaitABit();
                   });
  };
  const auto update_trunk = [&](const test::PlainRtpPeer& carrier) {
    return engine_->Post(UpdateSession{.session = call->id,
                                       .browser = std::nullopt,
                                       .trunk = carrier.Description(),
                                       .payloads = std::nullopt});
  };
  EXPECT_TRUE(update_trunk(call->carrier));
  EXPECT_TRUE(audio_reaches(call->carrier));
  EXPECT_TRUE(TrunkToBrowser(*call, Audio(kTrunkAudio, 1, 0)));
  test::PlainRtpPeer other(Loopback(3));
  EXPECT_TRUE(update_trunk(other));
  EXPECT_TRUE(audio_reaches(other));
  EXPECT_GE(CloseCall(call->id).browser_to_trunk.packets, 2u);
}

TEST_F(MediaEngineTest, AnotherCertificateThanTheSdpsGetsNoMedia) {
  StartEngine();
  auto call = std::make_unique<TestCall>(PeerOptions());
  call->id = ids_.Next();
  BrowserRemote remote = call->browser.Description();
  remote.fingerprints[0].digest[0] ^= 1;
  call->opened = Open({.session = call->id,
                       .browser = remote,
                       .trunk = call->carrier.Description(),
                       .payloads = TestPayloads()});
  call->browser.SetGateway(call->opened.browser, MonotonicNow());
  const auto failed = WaitEvent<SessionFailed>(call->id, [&] { call->browser.Poll(5ms); });
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->fault, SessionFault::kFingerprintMismatch);
  EXPECT_FALSE(failed->reason.empty());
  EXPECT_FALSE(TakeEvent<BrowserConnected>(call->id));
  call->carrier.Send(Audio(kTrunkAudio, 1, 0), call->opened.trunk.rtp);
  WaitFor([&] { return call->browser.failed(); }, [&] { call->browser.Poll(5ms); });
  EXPECT_FALSE(call->browser.connected());
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.trunk_to_browser.packets, 0u);
  EXPECT_EQ(stats.browser_to_trunk.packets, 0u);
}

TEST_F(MediaEngineTest, RtpFromElsewhereIsNotRelayed) {
  StartEngine();
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(AudioFlowsBothWays(*call));
  test::PlainRtpPeer attacker(Loopback(66));
  for (uint16_t i = 0; i < 500; ++i) {
    attacker.Send(Audio(kTrunkAudio, i, 0xee), call->opened.trunk.rtp);
  }
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(AudioFlowsBothWays(*call)) << "compares payloads, so an injected one fails";
  }
  EXPECT_FALSE(attacker.Receive()) << "nothing is ever sent there";
  EXPECT_EQ(CloseCall(call->id).trunk_to_browser.packets, 21u);
}

TEST_F(MediaEngineTest, ACallerCannotTakeOverAnothersAddress) {
  StartEngine();
  auto victim = OpenCall();
  ASSERT_TRUE(Connect(*victim));
  auto attacker = OpenCall();
  // A check that is good for the attacker's own session, from the victim's address.
  const Bytes check = test::BuildCheck({.username = attacker->opened.browser.ice_ufrag + ":" +
                                                    attacker->browser.Description().ice_ufrag,
                                        .pwd = attacker->opened.browser.ice_pwd,
                                        .use_candidate = true});
  for (int i = 0; i < 20; ++i) victim->browser.SendRaw(check);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(AudioFlowsBothWays(*victim));
}

TEST_F(MediaEngineTest, ALatchedTrunkIsBelievedOnceAndThenLocked) {
  StartEngine();
  auto call = std::make_unique<TestCall>(PeerOptions());
  call->id = ids_.Next();
  TrunkRemote behind_nat = call->carrier.Description(true);
  behind_nat.rtp.address = Loopback(200);  // what its SDP says is not where it sends from
  behind_nat.rtcp.address = Loopback(200);
  behind_nat.signalled_from = Loopback(1);
  call->opened = Open({.session = call->id,
                       .browser = call->browser.Description(),
                       .trunk = behind_nat,
                       .payloads = TestPayloads()});
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(TrunkToBrowser(*call, Audio(kTrunkAudio, 1, 1)));
  test::PlainRtpPeer attacker(Loopback(66));
  for (uint16_t i = 0; i < 100; ++i) {
    attacker.Send(Audio(kTrunkAudio, i, 0xee), call->opened.trunk.rtp);
  }
  EXPECT_TRUE(AudioFlowsBothWays(*call));
  EXPECT_EQ(CloseCall(call->id).trunk_to_browser.packets, 2u);
}

TEST_F(MediaEngineTest, AReplayedPacketIsRelayedOnce) {
  StartEngine();
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  // In portions, since the kernel's buffer holds about 250 packets and drops the rest.
  const auto send_200 = [&](const Bytes& datagram) {
    for (int i = 0; i < 200; ++i) {
      call->browser.SendRaw(datagram);
      if (i % 50 == 49) call->browser.Poll(10ms);
    }
  };
  send_200(call->browser.Protect(Audio(kBrowserAudio, 1, 1)));
  Bytes forged = call->browser.Protect(Audio(kBrowserAudio, 2, 1));
  forged.back() ^= 1;
  send_200(forged);
  ASSERT_TRUE(BrowserToTrunk(*call, Audio(kBrowserAudio, 3, 1)));
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.packets, 2u);
  EXPECT_EQ(stats.browser_to_trunk.dropped, 399u);
}

TEST_F(MediaEngineTest, ABrowserThatFallsSilentIsReported) {
  MediaOptions options = LoopbackOptions();
  options.browser_silent_after = 300ms;
  StartEngine(options);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  call->browser.StopChecks();
  EXPECT_TRUE(WaitEvent<BrowserSilent>(call->id));
  CloseCall(call->id);
  EXPECT_EQ(engine_->gauges().sessions, 0u);
}

TEST_F(MediaEngineTest, AnAnswerLeavesFromTheAddressThePacketCameTo) {
  MediaOptions options = LoopbackOptions();
  options.browser_bind = IpAddress();
  options.browser_advertise = {Loopback(2), Loopback(3)};
  StartEngine(options);
  for (size_t candidate : {0u, 1u}) {
    auto call = OpenCall();
    ASSERT_EQ(call->opened.browser.candidates.size(), 2u);
    std::swap(call->opened.browser.candidates[0], call->opened.browser.candidates[candidate]);
    ASSERT_TRUE(Connect(*call)) << "the test browser takes answers from its candidate only";
    EXPECT_TRUE(AudioFlowsBothWays(*call));
  }
}

TEST_F(MediaEngineTest, AnIpv6WildcardServesIpv4Browsers) {
  MediaOptions options = LoopbackOptions();
  options.browser_bind = *IpAddress::Parse("::");
  options.browser_advertise = {Loopback(2)};
  engine_ = std::make_unique<MediaEngine>(options, events_);
  if (!engine_->Start()) GTEST_SKIP() << "no IPv6 here";
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  EXPECT_TRUE(AudioFlowsBothWays(*call));
}

}  // namespace
}  // namespace lastmile::media

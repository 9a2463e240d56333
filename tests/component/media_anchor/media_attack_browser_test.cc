// What is sent to the port of the browsers: S-05, S-06, S-10, S-11.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "tests/component/media_anchor/attack_fixture.h"
#include "tests/support/dtls_peer.h"
#include "tests/support/stun_message.h"

namespace lastmile::media {
namespace {

using test::StunBuilder;

class MediaAttackBrowserTest : public AttackTest {
 protected:
  static Bytes ClientHello() {
    test::DtlsPeer client;
    client.Start();
    Bytes hello;
    EXPECT_TRUE(client.PopDatagram(hello));
    return hello;
  }
  // The same that offers nothing but TLS_RSA_WITH_NULL_SHA.
  static Bytes NullCipherHello() {
    Bytes hello = ClientHello();
    // Record 13, handshake 12, version 2, random 32, no session id and no cookie 2.
    constexpr size_t kCipherList = 13 + 12 + 2 + 32 + 2;
    const size_t size = LoadBe16(&hello[kCipherList]);
    for (size_t i = 0; i < size; i += 2) StoreBe16(&hello[kCipherList + 2 + i], 0x0002);
    return hello;
  }
};

TEST_F(MediaAttackBrowserTest, S05_ClientHellosOfStrangersDisturbNoHandshake) {
  StartEngine(options_);
  const std::array<Bytes, 2> hellos{ClientHello(), NullCipherHello()};
  UdpSocket stranger = SocketAt(2);
  constexpr int kCalls = 100;
  int connected = 0;
  int sent = 0;
  std::vector<Duration> times;
  for (int i = 0; i < kCalls; ++i) {
    auto call = OpenCall();
    const TimePoint start = MonotonicNow();
    call->browser.SetGateway(call->opened.browser, start);
    // Ten thousand a second: twenty in the two milliseconds that the browser waits at most.
    const auto done = WaitEvent<BrowserConnected>(call->id, [&] {
      for (int n = 0; n < 20; ++n, ++sent) {
        stranger.SendTo(hellos[sent % 2], call->opened.browser.candidates[0]);
      }
      call->browser.Poll(2ms);
    });
    connected += done ? 1 : 0;
    times.push_back(MonotonicNow() - start);
    CloseCall(call->id);
  }
  EXPECT_EQ(connected, kCalls);
  EXPECT_EQ(Received(stranger), 0);
  std::ranges::sort(times);
  std::printf(
      "S-05: %d ClientHellos of a stranger during %d set-ups: %d connected, the slowest "
      "within %ld ms, 0 answers\n",
      sent, kCalls, connected, static_cast<long>(times.back() / 1ms));
}

TEST_F(MediaAttackBrowserTest, S06_MediaNeedsTheCertificateOfTheSdp) {
  StartEngine(options_);
  const test::WebrtcPeer any(PeerOptions());
  const DtlsFingerprint right = any.Description().fingerprints.front();
  DtlsFingerprint wrong = right;
  wrong.digest[0] ^= 1;
  const DtlsFingerprint sha1{"sha-1", Bytes(20, 1)};
  const struct {
    const char* name;
    std::vector<DtlsFingerprint> said;
    bool connects;
  } cases[] = {{"wrong", {wrong}, false},
               {"none", {}, false},
               {"SHA-1 alone", {sha1}, false},
               {"two wrong ones", {sha1, wrong}, false},
               {"two, one right", {sha1, right}, true}};
  for (const auto& c : cases) {
    auto call = std::make_unique<TestCall>(PeerOptions());
    call->id = ids_.Next();
    BrowserRemote remote = call->browser.Description();
    remote.fingerprints = c.said;
    call->opened = Open({.session = call->id,
                         .browser = remote,
                         .trunk = call->carrier.Description(),
                         .payloads = TestPayloads()});
    call->browser.SetGateway(call->opened.browser, MonotonicNow());
    std::string why;
    if (c.connects) {
      EXPECT_TRUE(WaitEvent<BrowserConnected>(call->id, [&] { call->browser.Poll(2ms); }));
      EXPECT_TRUE(
          WaitFor([&] { return call->browser.connected(); }, [&] { call->browser.Poll(2ms); }));
      EXPECT_TRUE(Talk(*call, 5).perfect());
      // A re-offer with another certificate is no hand-over of the call.
      UpdateSession other = UpdateOf(*call);
      other.browser = call->browser.Description();
      other.browser->fingerprints = {wrong};
      EXPECT_TRUE(engine_->Post(other));
    }
    const auto failed = WaitEvent<SessionFailed>(call->id, [&] { call->browser.Poll(2ms); });
    ASSERT_TRUE(failed) << c.name;
    EXPECT_EQ(failed->fault, SessionFault::kFingerprintMismatch);
    for (uint16_t i = 0; i < 20; ++i) {
      call->carrier.Send(Forged(kTrunkAudio, i), call->opened.trunk.rtp);
    }
    const SessionStats stats = CloseCall(call->id);
    const uint64_t before = c.connects ? 5 : 0;
    EXPECT_EQ(stats.trunk_to_browser.packets, before) << c.name;
    EXPECT_EQ(stats.browser_to_trunk.packets, before) << c.name;
    std::printf("S-06: fingerprint %s: %s0 bytes relayed, \"%s\"\n", c.name,
                c.connects ? "connects; then a re-offer with another: " : "",
                failed->reason.c_str());
  }
}

TEST_F(MediaAttackBrowserTest, S10_WithoutConsentNothingIsSent) {
  options_.browser_silent_after = 500ms;  // 10 s unless a test wants it
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(Talk(*call, 5).perfect());
  call->browser.StopChecks();
  const TimePoint silent_from = MonotonicNow();
  uint16_t sequence = call->next;
  int after = 0;
  int sent = 0;
  bool silent = false;
  Duration at{};
  while (MonotonicNow() < silent_from + 2s) {
    call->carrier.Send(Forged(kTrunkAudio, ++sequence), call->opened.trunk.rtp);
    call->browser.Poll(5ms);
    // What is there once the engine has said so was sent before.
    int heard = 0;
    while (call->browser.PopRtp()) ++heard;
    if (silent) {
      ++sent;
      after += heard;
    } else if (TakeEvent<BrowserSilent>(call->id)) {
      silent = true;
      at = MonotonicNow() - silent_from;
      call->browser.Poll(5ms);
      while (call->browser.PopRtp()) {
      }
    }
  }
  EXPECT_TRUE(silent);
  EXPECT_EQ(after, 0);
  std::printf(
      "S-10: consent withheld: silent after %ld ms (set: 500), then %d of %d packets of the "
      "carrier sent on\n",
      static_cast<long>(at / 1ms), after, sent);
  CloseCall(call->id);
}

TEST_F(MediaAttackBrowserTest, S11_StunThatIsNotAuthenticGetsNoAnswer) {
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  const BrowserLocal& gateway = call->opened.browser;
  const std::string username = gateway.ice_ufrag + ":" + call->browser.Description().ice_ufrag;
  const std::string wrong_pwd(24, 'x');
  constexpr uint16_t kIndication = 0x0011;
  constexpr uint16_t kAllocate = 0x0003;
  constexpr uint16_t kUnknown = 0x0099;
  const std::vector<Bytes> messages = {
      StunBuilder(test::kStunBindingRequest).Build(),
      StunBuilder(test::kStunBindingRequest).Fingerprint().Build(),
      StunBuilder(test::kStunBindingRequest).Text(test::kStunUsername, username).Build(),
      StunBuilder(test::kStunBindingRequest)
          .Text(test::kStunUsername, username)
          .Fingerprint()
          .Build(),
      StunBuilder(test::kStunBindingRequest)
          .Text(test::kStunUsername, username)
          .Word(kUnknown, 1)
          .Integrity(wrong_pwd)
          .Fingerprint()
          .Build(),
      StunBuilder(test::kStunBindingRequest)
          .Text(test::kStunUsername, std::string(513, 'u'))
          .Integrity(wrong_pwd)
          .Fingerprint()
          .Build(),
      test::BuildCheck({.username = username, .pwd = wrong_pwd, .use_candidate = true}),
      test::BuildCheck({.username = username, .pwd = wrong_pwd, .controlling = false}),
      test::BuildCheck({.username = "nobody:at-all", .pwd = gateway.ice_pwd}),
      StunBuilder(kIndication).Fingerprint().Build(),
      StunBuilder(kAllocate).Integrity(gateway.ice_pwd).Fingerprint().Build(),
      StunBuilder(test::kStunBindingSuccess).Fingerprint().Build(),
      StunBuilder(test::kStunBindingError).Fingerprint().Build(),
  };
  UdpSocket reflected = SocketAt(9);  // whose address the attacker would write
  int sent = 0;
  const Heard heard = Talk(*call, 100, [&] {
    for (int i = 0; i < 10; ++i) {
      for (const Bytes& message : messages) {
        reflected.SendTo(message, gateway.candidates[0]);
        ++sent;
        Bytes cut = message;
        cut.resize(random_() % message.size());
        reflected.SendTo(cut, gateway.candidates[0]);
        ++sent;
      }
    }
  });
  EXPECT_TRUE(heard.perfect());
  const int answers = Received(reflected);
  EXPECT_EQ(answers, 0);
  // Who has the password gets one answer to each check.
  const Bytes check = test::BuildCheck({.username = username, .pwd = gateway.ice_pwd});
  reflected.SendTo(check, gateway.candidates[0]);
  Bytes room(2048);
  Endpoint from;
  std::optional<size_t> size;
  ASSERT_TRUE(
      WaitFor([&] { return (size = reflected.Receive(room, from)).has_value(); }, WaitABit));
  EXPECT_LE(*size, check.size());
  std::printf(
      "S-11: %d messages of strangers: %d answers; %d of %d of the call lost. A check of %zu "
      "bytes has an answer of %zu\n",
      sent, answers, heard.lost, heard.spoken, check.size(), *size);
  CloseCall(call->id);
}

}  // namespace
}  // namespace lastmile::media

// What strangers, old peers and hostile parties send where media is expected: S-02, S-03, S-04,
// S-07, S-08, S-09.
#include <gtest/gtest.h>
#include <malloc.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "tests/component/media_anchor/attack_fixture.h"

namespace lastmile::media {
namespace {

// A million takes half a minute.
int BadTags() {
  const char* const wanted = std::getenv("LASTMILE_BAD_TAGS");
  return wanted == nullptr ? 100'000 : std::atoi(wanted);
}

// 64 sources, each with its windows and counters.
constexpr size_t kMostOfSources = 8'192;

// All arenas, also those of the engine's threads.
size_t HeapInUse() { return mallinfo2().uordblks; }

using test::PlainRtpPeer;
using test::TestRtp;

// An attacker who sends a stream to every port, numbered as a stream is.
class Sprayer {
 public:
  Sprayer(std::vector<Endpoint> ports, UdpSocket socket)
      : ports_(std::move(ports)), socket_(std::move(socket)) {}

  void Send(int packets, const TestRtp& like) {
    TestRtp packet = like;
    for (int i = 0; i < packets; ++i, ++sent_) {
      const Endpoint& to = ports_[at_];
      packet.sequence = sequence_;
      packet.timestamp = sequence_ * 160u;
      socket_.SendTo(to.port % 2 == 0 ? packet.Build() : Bytes{0x80, 200, 0, 1, 0, 0, 0, 1}, to);
      at_ = (at_ + 1) % ports_.size();
      if (at_ == 0) ++sequence_;
    }
  }
  int sent() const { return sent_; }
  UdpSocket& socket() { return socket_; }

 private:
  const std::vector<Endpoint> ports_;
  UdpSocket socket_;
  size_t at_ = 0;
  uint16_t sequence_ = 0;
  int sent_ = 0;
};

class MediaAttackRtpTest : public AttackTest {
 protected:
  // A call that is answered while the attacker sends to every port. Behind a NAT its carrier's SDP
  // names an address that is not where it sends from.
  std::unique_ptr<TestCall> CallUnderSpray(Sprayer& sprayer, bool nat) {
    auto call = std::make_unique<TestCall>(PeerOptions());
    call->id = ids_.Next();
    call->opened = Open({.session = call->id,
                         .browser = call->browser.Description(),
                         .trunk = std::nullopt,
                         .payloads = TestPayloads()});
    sprayer.Send(2'000, Forged(kTrunkAudio, 0));
    EXPECT_TRUE(Connect(*call));
    UpdateSession answered = UpdateOf(*call);
    answered.trunk = call->carrier.Description(nat);
    if (nat) {
      answered.trunk->rtp.address = answered.trunk->rtcp.address = Loopback(200);
      answered.trunk->signalled_from = Loopback(1);
    }
    EXPECT_TRUE(engine_->Post(answered));
    EXPECT_TRUE(engine_->Post(WatchMedia{call->id, MediaWatch::kTalk}));
    sprayer.Send(2'000, Forged(kTrunkAudio, 0));  // before the carrier's first word
    return call;
  }
  // Sends the browser's datagrams, in portions between words of the call.
  Heard TalkBehind(TestCall& call, const std::vector<Bytes>& datagrams, size_t portion) {
    size_t at = 0;
    return Talk(call, static_cast<int>((datagrams.size() + portion - 1) / portion), [&] {
      for (size_t i = 0; i < portion && at < datagrams.size(); ++i) {
        call.browser.SendRaw(datagrams[at++]);
      }
    });
  }
};

TEST_F(MediaAttackRtpTest, S02_ASprayOverAllPortsReachesNoEarAndGetsNothing) {
  StartEngine(options_);
  for (const bool nat : {false, true}) {
    Sprayer sprayer(TrunkPorts(), SocketAt(66));
    auto call = CallUnderSpray(sprayer, nat);
    const auto spray = [&] { sprayer.Send(100, Forged(kTrunkAudio, 0)); };
    // The browser's first word goes to the address of the SDP, where nobody is behind a NAT.
    const Heard first = Talk(*call, 1, spray);
    EXPECT_LE(first.lost, nat ? 1 : 0);
    EXPECT_EQ(first.foreign, 0);
    const Heard heard = Talk(*call, 200, spray);
    EXPECT_TRUE(heard.perfect()) << heard.lost << " lost, " << heard.foreign << " foreign";
    const int leaked = Received(sprayer.socket());
    EXPECT_EQ(leaked, 0);
    std::printf(
        "S-02: %s: %d packets over all ports, before, during and after set-up: %d to the "
        "attacker, %d injected, %d of %d lost\n",
        nat ? "behind a NAT" : "as its SDP says", sprayer.sent(), leaked, heard.foreign, heard.lost,
        heard.spoken);
    CloseCall(call->id);
  }
}

TEST_F(MediaAttackRtpTest, S03_SrtpThatIsNotAuthenticMovesNothing) {
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  auto other = OpenCall();  // the attacker has a call of his own, too
  ASSERT_TRUE(Connect(*other));
  UdpSocket stranger = SocketAt(66);
  const Endpoint gateway = call->opened.browser.candidates[0];
  uint16_t sequence = 0;
  constexpr int kRounds = 200;
  constexpr int kPortion = 50;
  const Heard heard = Talk(*call, kRounds, [&] {
    for (int i = 0; i < kPortion; ++i) {
      TestRtp forged = Forged(kBrowserAudio, ++sequence, 77);  // the victim's SSRC
      Bytes datagram = forged.Build();
      datagram.resize(datagram.size() + 16, 0x55);  // where the tag is
      stranger.SendTo(datagram, gateway);
      other->browser.SendRaw(datagram);
      call->browser.SendRaw(datagram);
    }
  });
  EXPECT_TRUE(heard.perfect()) << heard.lost << " lost, " << heard.foreign << " foreign";
  other->browser.Poll(0ms);
  EXPECT_FALSE(other->browser.PopRtp());
  const int leaked = Received(stranger);
  EXPECT_EQ(leaked, 0);
  std::printf(
      "S-03: %d packets with bad tags from three addresses: 0 address changes, %d to the "
      "attacker, %d of %d of the call lost\n",
      3 * kRounds * kPortion, leaked, heard.lost, heard.spoken);
  CloseCall(other->id);
  CloseCall(call->id);
}

TEST_F(MediaAttackRtpTest, S04_BadTagsEndNoCallAndFillNoLog) {
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(Talk(*call, 1).perfect());
  std::array<Bytes, 16> forged;
  for (size_t i = 0; i < forged.size(); ++i) {
    forged[i] = call->browser.Protect(Forged(kBrowserAudio, ++call->next, 77));
    forged[i].back() ^= static_cast<uint8_t>(i + 1);
  }
  const size_t lines = lines_logged();
  constexpr int kPortion = 200;
  const int rounds = BadTags() / kPortion;
  const TimePoint start = MonotonicNow();
  const Heard heard = Talk(*call, rounds, [&] {
    for (int i = 0; i < kPortion; ++i) call->browser.SendRaw(forged[i % forged.size()]);
  });
  const auto took = std::chrono::duration<double>(MonotonicNow() - start).count();
  EXPECT_TRUE(heard.perfect()) << heard.lost << " lost, " << heard.foreign << " foreign";
  EXPECT_LE(lines_logged(), lines + static_cast<size_t>(took) + 1);
  EXPECT_FALSE(TakeEvent<SessionFailed>(call->id));
  const size_t logged = lines_logged() - lines;
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.dropped, static_cast<uint64_t>(rounds) * kPortion);
  std::printf(
      "S-04: %d packets with bad tags in %.1f s: the call is up, %d of %d lost, %zu lines "
      "logged\n",
      rounds * kPortion, took, heard.lost, heard.spoken, logged);
}

TEST_F(MediaAttackRtpTest, S07_WhatWasCapturedIsNotRelayedAgain) {
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  std::vector<Bytes> captured;
  for (uint16_t i = 0; i < 250; ++i) {
    const TestRtp said{.payload_type = kBrowserAudio,
                       .marker = false,
                       .sequence = ++call->next,
                       .timestamp = call->next * 80u,
                       .ssrc = 77,
                       .payload = Bytes(160, 0x11)};
    captured.push_back(call->browser.Protect(said));
    call->browser.SendRaw(captured.back());
    std::optional<std::pair<TestRtp, Endpoint>> got;
    ASSERT_TRUE(WaitFor([&] { return (got = call->carrier.Receive()).has_value(); }, WaitABit));
  }
  std::vector<Bytes> replay;
  for (int round = 0; round < 40; ++round) {
    replay.insert(replay.end(), captured.begin(), captured.end());
  }
  const Heard heard = TalkBehind(*call, replay, 200);
  EXPECT_TRUE(heard.perfect()) << heard.lost << " lost, " << heard.foreign << " foreign";
  const SessionStats stats = CloseCall(call->id);
  EXPECT_EQ(stats.browser_to_trunk.dropped, replay.size());
  std::printf("S-07: %zu captured packets sent again: %d relayed, %d of %d of the call lost\n",
              replay.size(), heard.foreign, heard.lost, heard.spoken);
}

// A party of the call, with good keys, that has another SSRC in each packet.
TEST_F(MediaAttackRtpTest, S07_TenThousandSourcesAreNotTenThousandStates) {
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(Talk(*call, 1).perfect());
  std::vector<Bytes> flood;
  for (uint32_t i = 0; i < 10'000; ++i) {
    flood.push_back(call->browser.Protect(Forged(126, 1, 100'000 + i)));
  }
  // Of a type whose packets are relayed as they are: what is taken is heard.
  size_t at = 0;
  int heard = 0;
  const size_t before = HeapInUse();
  size_t at_the_bound = 0;
  while (at < flood.size()) {
    for (int i = 0; i < 200; ++i) call->browser.SendRaw(flood[at++]);
    const TimePoint until = MonotonicNow() + 20ms;
    while (MonotonicNow() < until) {
      while (call->carrier.Receive()) ++heard;
      WaitABit();
    }
    if (at_the_bound == 0) at_the_bound = HeapInUse();
  }
  const size_t after = HeapInUse();
  EXPECT_LE(heard, static_cast<int>(SrtpTransform::kMaxSsrcs));
  EXPECT_LE(at_the_bound, before + kMostOfSources);
  // Reports of RTCP and checks of ICE go on, which hold a little at times.
  EXPECT_LE(after, at_the_bound + 4'096) << "memory is not flat";
  EXPECT_TRUE(Talk(*call, 20).lost <= 2) << "the call's own source is still known";
  std::printf(
      "S-07: 10000 sources with good keys: %d relayed, the bound is %zu; the first 200 took %ld "
      "bytes of the heap, the others %ld; the call goes on\n",
      heard, SrtpTransform::kMaxSsrcs, static_cast<long>(at_the_bound - before),
      static_cast<long>(after - at_the_bound));
  CloseCall(call->id);
}

TEST_F(MediaAttackRtpTest, S08_PacketsOfEverySizeAndFirstByteAreSurvived) {
  StartEngine(options_);
  auto call = OpenCall();
  ASSERT_TRUE(Connect(*call));
  ASSERT_TRUE(Talk(*call, 1).perfect());
  // From the addresses that are believed: the carrier's two and the browser's.
  PlainRtpPeer& carrier = call->carrier;
  int sent = 0;
  uint8_t first = 0;
  const Heard heard = Talk(*call, 256, [&] {
    for (size_t size = 0; size <= 64; ++size) {
      Bytes datagram(size, static_cast<uint8_t>(random_()));
      if (size > 0) datagram[0] = first;
      // RTCP, or a type that was not agreed on: others would be another source of the call.
      if (size > 1) datagram[1] = static_cast<uint8_t>(size % 2 == 0 ? 192 + size / 2 : 17);
      carrier.SendRtcp(datagram, call->opened.trunk.rtp, true);
      carrier.SendRtcp(datagram, call->opened.trunk.rtcp);
      call->browser.SendRaw(datagram);
      sent += 3;
    }
    ++first;
  });
  EXPECT_EQ(heard.lost, 0);
  // RTCP whose lengths lie, of every type.
  int reports = 0;
  const Heard lied = Talk(*call, 32, [&] {
    for (const uint16_t length : {0, 1, 5, 6, 7, 28, 255, 4'095, 65'535}) {
      Bytes report(28, 0x81);
      report[0] = static_cast<uint8_t>(0x80 | (reports % 64));  // padding and count
      report[1] = static_cast<uint8_t>(192 + reports % 32);
      StoreBe16(&report[2], length);
      carrier.SendRtcp(report, call->opened.trunk.rtcp);
      carrier.SendRtcp(report, call->opened.trunk.rtp, true);
      call->browser.SendRtcp(report);
      reports += 3;
    }
  });
  EXPECT_TRUE(lied.perfect());
  EXPECT_FALSE(TakeEvent<SessionFailed>(call->id));
  std::printf(
      "S-08: %d datagrams of 0 to 64 bytes with every first byte and %d reports that lie: "
      "%d of %d of the call lost\n",
      sent, reports, heard.lost + lied.lost, heard.spoken + lied.spoken);
  CloseCall(call->id);
}

// S-09: the carriers of fifty calls that are over send on.
TEST_F(MediaAttackRtpTest, S09_OldCallsAreNotHeardInNewOnes) {
  constexpr int kOld = 50;
  constexpr int kNew = 200;
  options_.trunk_port_min = FindFreeRange(2 * (kOld + kNew));
  options_.trunk_port_max = static_cast<uint16_t>(options_.trunk_port_min + 2 * (kOld + kNew) - 1);
  StartEngine(options_);
  PlainRtpPeer old_carrier(Loopback(1));
  PlainRtpPeer new_carrier(Loopback(1));
  std::vector<Endpoint> old_ports;
  for (int i = 0; i < kOld; ++i) {
    const SessionId id = ids_.Next();
    const auto opened = Open({.session = id, .browser = {}, .trunk = {}, .payloads = {}});
    old_ports.push_back(opened.trunk.rtp);
    CloseCall(id);
  }
  Sprayer old_calls(old_ports, SocketAt(1));
  // At once, behind a NAT, so that whoever speaks from the carrier's address is believed.
  std::set<Endpoint> ports;
  std::vector<SessionId> calls;
  for (int i = 0; i < kNew; ++i) {
    calls.push_back(ids_.Next());
    const auto opened = Open({.session = calls.back(),
                              .browser = std::nullopt,
                              .trunk = new_carrier.Description(true),
                              .payloads = TestPayloads()});
    ports.insert(opened.trunk.rtp);
    old_calls.Send(kOld, Forged(kTrunkAudio, 0));
    for (const Endpoint& port : old_ports) old_carrier.Send(Forged(kTrunkAudio, 1), port);
  }
  for (const Endpoint& port : old_ports) EXPECT_FALSE(ports.contains(port)) << port.ToString();
  EXPECT_EQ(ports.size(), static_cast<size_t>(kNew));
  uint64_t foreign = 0;
  for (const SessionId id : calls) {
    const DirectionStats heard = CloseCall(id).trunk_to_browser;
    foreign += heard.packets + heard.dropped;
  }
  EXPECT_EQ(foreign, 0u);
  std::printf(
      "S-09: %d new calls while the carriers of %d old ones send on: %llu foreign packets\n", kNew,
      kOld, static_cast<unsigned long long>(foreign));
}

}  // namespace
}  // namespace lastmile::media

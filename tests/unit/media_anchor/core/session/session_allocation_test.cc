// Alone in its program: it replaces operator new.
#include <gtest/gtest.h>

#include <cstdlib>
#include <new>

#include "tests/support/rtcp_packets.h"
#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"
#include "tests/unit/media_anchor/core/srtp/srtp_test_util.h"

namespace {
size_t allocations = 0;
}

// noinline: or the compiler sees malloc() and free() where it wants pairs of operators.
[[gnu::noinline]] void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace lastmile::media {
namespace {

class SessionAllocationTest : public SessionTest {};

TEST_F(SessionAllocationTest, ARelayedPacketAllocatesNothing) {
  Connect();
  constexpr uint16_t kPackets = 500;
  std::vector<Bytes> from_browser;
  for (uint16_t i = 0; i < kPackets; ++i) from_browser.push_back(browser_->Rtp(109, i));
  const Path path = From(5000);
  Bytes room(AnchorSession::kRoom);
  size_t relayed = 0;
  size_t before = 0;
  for (uint16_t i = 0; i < kPackets; ++i) {
    if (i == 1) before = allocations;  // the first packet makes an SSRC known
    now_ += 20ms;
    std::ranges::copy(from_browser[i], room.begin());
    Outgoing out = session_.OnBrowserDatagram(room, from_browser[i].size(), path, now_);
    relayed += out.to == Outgoing::To::kTrunkRtp;
    room[0] = 0x80;
    room[1] = 8;
    StoreBe16(&room[2], i);
    StoreBe32(&room[4], i * 160u);
    StoreBe32(&room[8], 0x2222);
    out = session_.OnTrunkRtp(MediaKind::kAudio, room, 172, trunk_.rtp, now_);
    relayed += out.to == Outgoing::To::kBrowser;
    while (session_.PopOutgoing(out)) {
    }
    relayed += session_.PopEvent().has_value() ? 1000 : 0;
    session_.next_timeout();
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(relayed, 2u * kPackets);
}

TEST_F(SessionAllocationTest, ALookForSilenceThatFindsNothingNewAllocatesNothing) {
  MediaDoctor doctor{SessionId{7}};
  DirectionCounts flows{.known = true};
  DirectionCounts silent{.known = true};
  std::vector<MediaEvent> events;
  doctor.Watch(MediaWatch::kTalk, flows, silent, now_);
  const auto look = [&] {
    now_ = doctor.next_look();
    flows.through += 50;
    doctor.Look(flows, silent, now_, events);
  };
  for (int i = 0; i < 5; ++i) look();
  ASSERT_EQ(events.size(), 1u);
  const size_t before = allocations;
  for (int i = 0; i < 1000; ++i) look();
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(events.size(), 1u);
}

// SRTP on both legs, and in the middle a new key of the trunk that is not heard yet.
TEST_F(SessionAllocationTest, APacketBetweenSrtpAndSrtpAllocatesNothing) {
  Connect();
  constexpr SrtpProfile kProfile = SrtpProfile::kAes128CmHmacSha1_80;
  TrunkRemote secure = trunk_;
  secure.srtp = StreamKeys{MakeKeys(kProfile, 1), MakeKeys(kProfile, 2)};
  Update(std::nullopt, secure);
  const auto carrier = Make(MakeEvpSrtp, secure.srtp->receive, SrtpDirection::kSend);
  constexpr uint16_t kPackets = 400;
  std::vector<Bytes> from_browser;
  std::vector<Bytes> from_trunk;
  for (uint16_t i = 0; i < kPackets; ++i) {
    from_browser.push_back(browser_->Rtp(109, i));
    Bytes plain = MakePlainRtp(0x2222, i);
    plain[1] = 8;
    from_trunk.push_back(ProtectRtp(*carrier, plain).packet);
  }
  Bytes room(AnchorSession::kRoom);
  size_t relayed = 0;
  size_t before = 0;
  for (uint16_t i = 0; i < kPackets; ++i) {
    if (i == 200) {
      EXPECT_EQ(allocations - before, 0u);
      secure.srtp->receive = MakeKeys(kProfile, 3);
      Update(std::nullopt, secure);
    }
    if (i == 1 || i == 200) before = allocations;
    now_ += 20ms;
    std::ranges::copy(from_browser[i], room.begin());
    Outgoing out = session_.OnBrowserDatagram(room, from_browser[i].size(), From(5000), now_);
    relayed += out.to == Outgoing::To::kTrunkRtp;
    std::ranges::copy(from_trunk[i], room.begin());
    out = session_.OnTrunkRtp(MediaKind::kAudio, room, from_trunk[i].size(), trunk_.rtp, now_);
    relayed += out.to == Outgoing::To::kBrowser;
    while (session_.PopOutgoing(out)) {
    }
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(relayed, 2u * kPackets);
}

// Digits that come, with another clock, and digits of the gateway's own.
TEST_F(SessionAllocationTest, DigitsAllocateNothing) {
  payloads_[1].trunk_clock_rate = 48000;
  Connect();
  const Path path = From(5000);
  constexpr uint16_t kPackets = 400;
  std::vector<Bytes> from_browser;
  for (uint16_t i = 0; i < kPackets; ++i) {
    from_browser.push_back(browser_->Rtp(i % 10 < 5 && i < 200 ? 126 : 109, i));
  }
  Bytes room(AnchorSession::kRoom);
  size_t sent = 0;
  size_t before = 0;
  for (uint16_t i = 0; i < kPackets; ++i) {
    // The first packet makes an SSRC known, the first digit and report the room of what is sent by
    // itself.
    if (i == 1 || i == 300) before = allocations;
    if (i == 200) {
      EXPECT_EQ(allocations - before, 0u) << "relayed events";
    }
    if (i == 200 || i == 310) session_.SendDigit({SessionId{7}, 5, 100ms, i == 310}, now_);
    now_ += 20ms;
    std::ranges::copy(from_browser[i], room.begin());
    Outgoing out = session_.OnBrowserDatagram(room, from_browser[i].size(), path, now_);
    sent += out.to == Outgoing::To::kTrunkRtp;
    if (i < 200) continue;
    session_.OnTimer(now_);
    while (session_.PopOutgoing(out)) sent += out.to == Outgoing::To::kTrunkRtp;
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_GT(sent, 390u);
}

TEST_F(SessionAllocationTest, VideoAndItsFeedbackAllocateNothing) {
  payloads_.push_back({.browser_pt = 96,
                       .trunk_pt = 97,
                       .trunk_pt_in = 97,
                       .clock_rate = 90000,
                       .telephone_event = false,
                       .video = true});
  session_.OpenVideo(random_, now_);
  Connect();
  const Endpoint carrier = *Endpoint::Parse("203.0.113.5:4100");
  TrunkRemote trunk = trunk_;
  trunk.video = TrunkStream{carrier, carrier, true};
  Update(std::nullopt, trunk);
  FromBrowser(browser_->Rtp(96, 0), From(5000));
  FromTrunk(PlainRtp(97, 0), carrier, MediaKind::kVideo);
  const uint32_t to_trunk = LoadBe32(&TakeToTrunk().at(0).bytes[8]);
  const auto at_browser = browser_->DecryptRtp(TakeToBrowser().at(0).bytes);
  ASSERT_TRUE(at_browser);
  const Bytes plain = test::PictureLoss(1, to_trunk);
  constexpr uint16_t kRounds = 200;
  std::vector<Bytes> from_browser;
  for (uint16_t i = 1; i < kRounds; ++i) {
    from_browser.push_back(browser_->Rtp(96, i));
    from_browser.push_back(browser_->Rtcp(test::Compound(
        {test::PictureLoss(0x1111, LoadBe32(&(*at_browser)[8])),
         test::Nack(0x1111, LoadBe32(&(*at_browser)[8]), {{LoadBe16(&(*at_browser)[2]), 0}})})));
  }
  const Path path = From(5000);
  Bytes room(AnchorSession::kRoom);
  size_t sent = 0;
  size_t before = 0;
  for (size_t i = 0; i < from_browser.size(); ++i) {
    if (i == 2) before = allocations;  // the first feedback makes an SSRC known
    now_ += 30ms;
    std::ranges::copy(from_browser[i], room.begin());
    Outgoing out = session_.OnBrowserDatagram(room, from_browser[i].size(), path, now_);
    sent += out.to == Outgoing::To::kTrunkRtp;
    std::ranges::copy(plain, room.begin());
    out = session_.OnTrunkRtp(MediaKind::kVideo, room, plain.size(), carrier, now_);
    sent += out.to == Outgoing::To::kBrowser;
    session_.next_timeout();
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_GT(sent, from_browser.size() * 3 / 2);
}

TEST_F(BridgeTest, APacketBetweenTrunksAllocatesNothing) {
  Update(first_, second_);
  constexpr uint16_t kPackets = 500;
  std::vector<Bytes> packets;
  for (uint16_t i = 0; i < kPackets; ++i) packets.push_back(PlainRtp(kFirstAudioIn, i));
  Bytes room(AnchorSession::kRoom);
  size_t relayed = 0;
  const size_t before = allocations;
  for (const Bytes& packet : packets) {
    now_ += 20ms;
    std::ranges::copy(packet, room.begin());
    Outgoing out = bridge_.OnTrunkRtp(kFirst, room, packet.size(), first_.rtp, now_);
    relayed += out.to == Outgoing::To::kTrunkRtp;
    while (bridge_.PopOutgoing(out)) {
    }
    relayed += bridge_.PopEvent().has_value() ? 1000 : 0;
    bridge_.next_timeout();
  }
  EXPECT_EQ(allocations - before, 0u);
  EXPECT_EQ(relayed, kPackets);
}

}  // namespace
}  // namespace lastmile::media

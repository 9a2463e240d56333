#ifndef LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_BRIDGE_FIXTURE_H_
#define LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_BRIDGE_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "media_anchor/core/anchor_session.h"
#include "media_anchor/core/trunk_bridge.h"

namespace lastmile::media {

// A bridge under a fake clock; what it sends is collected, not sent.
class BridgeTest : public testing::Test {
 protected:
  struct Sent {
    Bytes bytes;
    Endpoint endpoint;
    bool rtcp;  // the socket it leaves from
    MediaKind kind;
  };
  static constexpr MediaKind kFirst = MediaKind::kAudio;
  static constexpr MediaKind kSecond = MediaKind::kSecondAudio;
  // The numbers differ in every direction.
  static constexpr uint8_t kFirstAudioOut = 8;
  static constexpr uint8_t kFirstAudioIn = 98;
  static constexpr uint8_t kSecondAudioOut = 100;
  static constexpr uint8_t kSecondAudioIn = 99;

  const TrunkRemote first_{*Endpoint::Parse("203.0.113.5:4000"),
                           *Endpoint::Parse("203.0.113.5:4001")};
  const TrunkRemote second_{*Endpoint::Parse("198.51.100.9:6000"),
                            *Endpoint::Parse("198.51.100.9:6001")};
  std::vector<PayloadMapping> payloads_ = {{.browser_pt = kFirstAudioOut,
                                            .trunk_pt = kSecondAudioOut,
                                            .trunk_pt_in = kSecondAudioIn,
                                            .clock_rate = 8000,
                                            .codec = AudioCodec::kPcma,
                                            .browser_pt_in = kFirstAudioIn},
                                           {.browser_pt = 101,
                                            .trunk_pt = 96,
                                            .trunk_pt_in = 97,
                                            .clock_rate = 8000,
                                            .telephone_event = true}};

  void Update(std::optional<TrunkRemote> first, std::optional<TrunkRemote> second) {
    bridge_.Update({SessionId{7}, std::move(first), std::move(second), payloads_}, now_);
  }
  void Rtp(MediaKind kind, const Bytes& datagram, const Endpoint& from) {
    room_.assign(AnchorSession::kRoom, 0);
    std::ranges::copy(datagram, room_.begin());
    const TimePoint timeout_before = bridge_.next_timeout();
    const Outgoing out = bridge_.OnTrunkRtp(kind, room_, datagram.size(), from, now_);
    Take(out);
    const size_t before = sent_.size() + events_.size();
    Collect();
    settled_ = out.settled;
    if (!settled_) return;
    EXPECT_EQ(sent_.size() + events_.size(), before);
    EXPECT_GE(bridge_.next_timeout(), timeout_before);
  }
  void Rtcp(MediaKind kind, const Bytes& datagram, const Endpoint& from) {
    room_.assign(AnchorSession::kRoom, 0);
    std::ranges::copy(datagram, room_.begin());
    Take(bridge_.OnTrunkRtcp(kind, room_, datagram.size(), from, now_));
    Collect();
  }
  void RunTimers(Duration time) {
    const TimePoint end = now_ + time;
    while (bridge_.next_timeout() <= end) {
      now_ = std::max(now_, bridge_.next_timeout());
      bridge_.OnTimer(now_);
      Collect();
    }
    now_ = end;
  }
  std::vector<Sent> TakeSent() { return std::exchange(sent_, {}); }

  TimePoint now_{1000s};
  SeededRandom random_{5};
  TrunkBridge bridge_{SessionId{7}, random_, now_};
  std::vector<MediaEvent> events_;
  bool settled_ = false;  // as the last datagram's Outgoing said

 private:
  void Take(const Outgoing& out) {
    if (out.to == Outgoing::To::kNone) return;
    EXPECT_NE(out.to, Outgoing::To::kBrowser);
    sent_.push_back({Bytes(out.bytes.begin(), out.bytes.end()), out.endpoint,
                     out.to == Outgoing::To::kTrunkRtcp, out.kind});
  }
  void Collect() {
    Outgoing out;
    while (bridge_.PopOutgoing(out)) Take(out);
    while (auto event = bridge_.PopEvent()) events_.push_back(std::move(*event));
  }

  Bytes room_;
  std::vector<Sent> sent_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_BRIDGE_FIXTURE_H_

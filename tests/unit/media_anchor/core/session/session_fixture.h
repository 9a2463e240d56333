#ifndef LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_SESSION_FIXTURE_H_
#define LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_SESSION_FIXTURE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "media_anchor/core/anchor_session.h"
#include "tests/support/stun_message.h"
#include "tests/unit/media_anchor/core/session/fake_browser.h"

namespace lastmile::media {

// A session under a fake clock; what it sends is collected, not sent.
class SessionTest : public testing::Test {
 protected:
  explicit SessionTest(bool full_ice = false) : full_ice_(full_ice) {}

  struct ToBrowser {
    Bytes bytes;
    Path path;
  };
  struct ToTrunk {
    Bytes bytes;
    Endpoint endpoint;
    bool rtcp;  // the socket it leaves from
    MediaKind kind;
  };

  static Path From(uint16_t port) {
    return {{*IpAddress::Parse("198.51.100.20"), port}, *IpAddress::Parse("192.0.2.1")};
  }
  const TrunkRemote trunk_{*Endpoint::Parse("203.0.113.5:4000"),
                           *Endpoint::Parse("203.0.113.5:4001"), false};
  std::vector<PayloadMapping> payloads_ = {
      {.browser_pt = 109, .trunk_pt = 8, .trunk_pt_in = 8, .clock_rate = 8000},
      {.browser_pt = 126,
       .trunk_pt = 101,
       .trunk_pt_in = 101,
       .clock_rate = 8000,
       .telephone_event = true}};

  void Update(std::optional<BrowserRemote> browser, std::optional<TrunkRemote> trunk) {
    session_.Update({SessionId{7}, std::move(browser), std::move(trunk), payloads_}, now_);
    Collect();
  }
  void FromBrowser(const Bytes& datagram, const Path& path) {
    Feed(datagram, [&](MutableByteView room) {
      return session_.OnBrowserDatagram(room, datagram.size(), path, now_);
    });
  }
  void FromTrunk(const Bytes& datagram, const Endpoint& from, MediaKind kind = MediaKind::kAudio) {
    Feed(datagram, [&](MutableByteView room) {
      return session_.OnTrunkRtp(kind, room, datagram.size(), from, now_);
    });
  }
  void RtcpFromTrunk(const Bytes& datagram, const Endpoint& from,
                     MediaKind kind = MediaKind::kAudio) {
    Feed(datagram, [&](MutableByteView room) {
      return session_.OnTrunkRtcp(kind, room, datagram.size(), from, now_);
    });
  }
  // Turns the session's timers until it sent something by itself or they are all later than that.
  void RunTimers(Duration at_most) {
    const TimePoint end = now_ + at_most;
    while (session_.next_timeout() <= end && to_trunk_.empty() && to_browser_.empty()) {
      now_ = session_.next_timeout();
      Timer();
    }
  }
  void Check(const Path& path, bool nominate = true) {
    FromBrowser(browser_->Check(session_.ice(), nominate), path);
  }
  // Carries DTLS between both until neither says anything.
  void Shuttle(const Path& path) {
    for (int round = 0; round < 50; ++round) {
      bool quiet = true;
      for (const Bytes& datagram : browser_->TakeDtls()) {
        FromBrowser(datagram, path);
        quiet = false;
      }
      for (const ToBrowser& out : TakeToBrowser()) {
        if (out.bytes[0] < 20 || out.bytes[0] > 63) continue;
        browser_->OnDtls(out.bytes, now_);
        quiet = false;
      }
      if (quiet) return;
    }
  }
  void Connect(const Path& path = From(5000)) {
    Update(browser_->Description(), trunk_);
    Check(path);
    browser_->StartDtls(context_->fingerprint(), now_);
    Shuttle(path);
    ASSERT_TRUE(browser_->dtls_connected());
    ASSERT_EQ(TakeEvents<BrowserConnected>().size(), 1u);
    to_browser_.clear();
  }
  void Timer() {
    session_.OnTimer(now_);
    Collect();
  }

  std::vector<ToBrowser> TakeToBrowser() { return std::exchange(to_browser_, {}); }
  std::vector<ToTrunk> TakeToTrunk() { return std::exchange(to_trunk_, {}); }
  template <class Event>
  std::vector<Event> TakeEvents() {
    std::vector<Event> found;
    for (const MediaEvent& event : events_) {
      if (const auto* one = std::get_if<Event>(&event)) found.push_back(*one);
    }
    std::erase_if(events_, [](const MediaEvent& e) { return std::holds_alternative<Event>(e); });
    return found;
  }

  const bool full_ice_;
  TimePoint now_{1000s};
  std::unique_ptr<DtlsContext> context_ = std::move(*DtlsContext::Create());
  SeededRandom random_{5};
  AnchorSession session_{
      *context_,
      {.id = SessionId{7}, .ice = {"gwgwgwgw", "0123456789abcdefghijklmn"}, .full_ice = full_ice_},
      random_,
      now_};
  std::unique_ptr<FakeBrowser> browser_ = std::make_unique<FakeBrowser>();
  bool settled_ = false;  // as the last datagram's Outgoing said

 private:
  void Take(const Outgoing& out) {
    const Bytes bytes(out.bytes.begin(), out.bytes.end());
    if (out.to == Outgoing::To::kBrowser) to_browser_.push_back({bytes, out.path});
    if (out.to == Outgoing::To::kTrunkRtp)
      to_trunk_.push_back({bytes, out.endpoint, false, out.kind});
    if (out.to == Outgoing::To::kTrunkRtcp)
      to_trunk_.push_back({bytes, out.endpoint, true, out.kind});
  }
  void Collect() {
    Outgoing out;
    while (session_.PopOutgoing(out)) Take(out);
    while (auto event = session_.PopEvent()) events_.push_back(std::move(*event));
  }

  // `on_datagram` gives it to the session. What says that it is settled must have left nothing.
  template <class OnDatagram>
  void Feed(const Bytes& datagram, OnDatagram on_datagram) {
    Bytes room(AnchorSession::kRoom);
    std::ranges::copy(datagram, room.begin());
    const TimePoint timeout_before = session_.next_timeout();
    const Outgoing out = on_datagram(MutableByteView(room));
    Take(out);
    const size_t before = to_browser_.size() + to_trunk_.size() + events_.size();
    Collect();
    settled_ = out.settled;
    if (!settled_) return;
    EXPECT_EQ(to_browser_.size() + to_trunk_.size() + events_.size(), before);
    EXPECT_GE(session_.next_timeout(), timeout_before);
  }

  std::vector<ToBrowser> to_browser_;
  std::vector<ToTrunk> to_trunk_;
  std::vector<MediaEvent> events_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_SESSION_FIXTURE_H_

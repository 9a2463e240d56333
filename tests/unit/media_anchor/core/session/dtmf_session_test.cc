#include <gtest/gtest.h>

#include "tests/unit/media_anchor/core/session/event_receiver.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

constexpr int kDigits = 1000;

std::vector<int> RandomDigits(uint32_t seed) {
  std::mt19937 random(seed);
  std::vector<int> digits;
  // Often the same key again: only its timestamp tells it from the one before.
  for (int i = 0; i < kDigits; ++i) {
    digits.push_back(i > 0 && random() % 4 == 0 ? digits.back() : static_cast<int>(random() % 16));
  }
  return digits;
}

// The clocks of the audio and of telephone-event on each side.
struct Clocks {
  uint32_t audio;
  uint32_t browser;
  uint32_t trunk;
  friend void PrintTo(const Clocks& clocks, std::ostream* out) {
    *out << clocks.audio << " browser " << clocks.browser << " trunk " << clocks.trunk;
  }
};

class DtmfSessionTest : public SessionTest {
 protected:
  static constexpr uint8_t kBrowserAudio = 109;
  static constexpr uint8_t kBrowserEvent = 126;
  static constexpr uint8_t kTrunkAudio = 8;
  static constexpr uint8_t kTrunkEvent = 101;

  void Connect(const Clocks& clocks) {
    payloads_[0].clock_rate = clocks.audio;
    payloads_[0].codec = AudioCodec::kPcma;
    payloads_[1].clock_rate = clocks.browser;
    payloads_[1].trunk_clock_rate = clocks.trunk;
    SessionTest::Connect();
  }
  // 20 ms of audio of the browser, timers included. What leaves for the trunk goes to `on_packet`.
  uint16_t keepalive_ = 0;

  template <class OnPacket>
  void Tick(EventSource& source, OnPacket on_packet) {
    const TimePoint end = now_ + 20ms;
    FromBrowser(browser_->Encrypt(source.Next()), From(5000));
    while (session_.next_timeout() < end) {
      now_ = std::max(now_, session_.next_timeout());
      Timer();
    }
    now_ = end;
    for (const ToTrunk& sent : TakeToTrunk()) {
      if (!sent.rtcp) on_packet(sent.bytes);
    }
    TakeToBrowser();
  }
  bool SendDigit(int event, Duration duration = 100ms, bool tones = false) {
    return session_.SendDigit({SessionId{7}, static_cast<uint8_t>(event), duration, tones}, now_);
  }
};

class DtmfClocksTest : public DtmfSessionTest, public testing::WithParamInterface<Clocks> {};

TEST_P(DtmfClocksTest, AThousandDigitsOfTheBrowserReachTheTrunkOverTwoLossyLinks) {
  Connect(GetParam());
  EventSource source({.audio = kBrowserAudio,
                      .audio_clock = GetParam().audio,
                      .event = kBrowserEvent,
                      .event_clock = GetParam().browser},
                     0x1111);
  EventReceiver carrier(kTrunkAudio, kTrunkEvent);
  LossyLink access(1);
  LossyLink trunk(2);
  const std::vector<int> digits = RandomDigits(3);
  const auto tick = [&] {
    for (const Bytes& arrived : access.Send(source.Next())) {
      FromBrowser(browser_->Encrypt(arrived), From(5000));
    }
    now_ += 20ms;
    Timer();
    for (const ToTrunk& sent : TakeToTrunk()) {
      if (sent.rtcp) continue;
      for (const Bytes& arrived : trunk.Send(sent.bytes)) carrier.On(arrived);
    }
    TakeToBrowser();
  };
  for (int i = 0; i < 10; ++i) tick();
  for (size_t i = 0; i < digits.size(); ++i) {
    source.Press(static_cast<uint8_t>(digits[i]), 3 + static_cast<int>(i % 4));
    while (source.pressing()) tick();
    for (int gap = 0; gap < 2; ++gap) tick();
  }
  for (int i = 0; i < 10; ++i) tick();
  EXPECT_EQ(carrier.codes(), digits);
  EXPECT_EQ(carrier.doubled(), 0);
  EXPECT_EQ(carrier.sources(), 1u);
  EXPECT_GT(access.lost() + trunk.lost(), 500);
  for (size_t i = 0; i < carrier.events().size(); ++i) {
    const auto& event = carrier.events()[i];
    EXPECT_LE(event.ticks, (3 + i % 4) * GetParam().trunk / 50);
    if (!event.ended) continue;
    EXPECT_EQ(event.ticks, (3 + i % 4) * GetParam().trunk / 50);
  }
}

TEST_P(DtmfClocksTest, AThousandDigitsOfTheTrunkReachTheBrowserOverTwoLossyLinks) {
  Connect(GetParam());
  EventSource source({.audio = kTrunkAudio,
                      .audio_clock = GetParam().audio,
                      .event = kTrunkEvent,
                      .event_clock = GetParam().trunk},
                     0x2222);
  EventReceiver page(kBrowserAudio, kBrowserEvent);
  LossyLink trunk(4);
  LossyLink access(5);
  const std::vector<int> digits = RandomDigits(6);
  const auto tick = [&] {
    FromBrowser(browser_->Rtp(kBrowserAudio, keepalive_++), From(5000));
    TakeToTrunk();
    for (const Bytes& arrived : trunk.Send(source.Next())) FromTrunk(arrived, trunk_.rtp);
    now_ += 20ms;
    Timer();
    for (const ToBrowser& sent : TakeToBrowser()) {
      for (const Bytes& arrived : access.Send(sent.bytes)) {
        if (const auto plain = browser_->DecryptRtp(arrived)) page.On(*plain);
      }
    }
  };
  for (int i = 0; i < 10; ++i) tick();
  for (size_t i = 0; i < digits.size(); ++i) {
    source.Press(static_cast<uint8_t>(digits[i]), 3 + static_cast<int>(i % 4));
    while (source.pressing()) tick();
    for (int gap = 0; gap < 2; ++gap) tick();
  }
  for (int i = 0; i < 10; ++i) tick();
  EXPECT_EQ(page.codes(), digits);
  EXPECT_EQ(page.doubled(), 0);
  EXPECT_EQ(page.sources(), 1u);
  EXPECT_GT(access.lost() + trunk.lost(), 500);
}

TEST_P(DtmfClocksTest, AThousandDigitsByCommandReachTheTrunkOverALossyLink) {
  Connect(GetParam());
  EventSource source({.audio = kBrowserAudio, .audio_clock = GetParam().audio}, 0x1111);
  EventReceiver sent(kTrunkAudio, kTrunkEvent);
  EventReceiver carrier(kTrunkAudio, kTrunkEvent);
  LossyLink trunk(7);
  const std::vector<int> digits = RandomDigits(8);
  const auto tick = [&] {
    Tick(source, [&](const Bytes& packet) {
      sent.On(packet);
      for (const Bytes& arrived : trunk.Send(packet)) carrier.On(arrived);
    });
  };
  for (int i = 0; i < 10; ++i) tick();
  for (const int digit : digits) {
    while (!SendDigit(digit, 70ms)) tick();
  }
  for (int i = 0; i < 500; ++i) tick();
  EXPECT_EQ(sent.doubled(), 0);
  EXPECT_EQ(sent.missing(), 0) << "the source lost nothing, and neither does who listens";
  EXPECT_EQ(carrier.codes(), digits);
  EXPECT_EQ(carrier.doubled(), 0);
  EXPECT_EQ(carrier.sources(), 1u);
  EXPECT_GT(trunk.lost(), 200);
  EXPECT_GT(carrier.audio(), 400) << "it comes back";
  for (const auto& event : sent.events()) {
    EXPECT_TRUE(event.ended);
    EXPECT_EQ(event.ticks, 4 * GetParam().trunk / 50);  // 70 ms are four packets
  }
}

INSTANTIATE_TEST_SUITE_P(Rates, DtmfClocksTest,
                         testing::Values(Clocks{8000, 8000, 8000}, Clocks{16000, 16000, 16000},
                                         Clocks{48000, 48000, 48000}, Clocks{48000, 48000, 8000},
                                         Clocks{48000, 8000, 48000}, Clocks{16000, 16000, 8000},
                                         Clocks{8000, 48000, 8000}));

TEST_F(DtmfSessionTest, ADigitIsOneEventOfTheAudiosSource) {
  Connect({8000, 8000, 8000});
  EventSource source({.audio = kBrowserAudio}, 0x1111);
  std::vector<Bytes> sent;
  const auto keep = [&](const Bytes& packet) { sent.push_back(packet); };
  for (int i = 0; i < 3; ++i) Tick(source, keep);
  ASSERT_TRUE(SendDigit(5, 100ms));
  for (int i = 0; i < 12; ++i) Tick(source, keep);
  // Audio that had come already, 5 packets of the digit, 2 more of its end, audio again.
  std::vector<Bytes> events;
  for (size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(LoadBe16(&sent[i][2]), static_cast<uint16_t>(LoadBe16(&sent[0][2]) + i));
    EXPECT_EQ(LoadBe32(&sent[i][8]), LoadBe32(&sent[0][8]));
    if ((sent[i][1] & 0x7f) == kTrunkEvent) events.push_back(sent[i]);
  }
  ASSERT_EQ(events.size(), 7u);
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].size(), 16u);
    EXPECT_EQ(events[i][1] >> 7, i == 0) << "the marker";
    EXPECT_EQ(LoadBe32(&events[i][4]), LoadBe32(&events[0][4]));
    EXPECT_EQ(events[i][12], 5);
    EXPECT_EQ(events[i][13] >> 7, i >= 4) << "the end";
    EXPECT_EQ(LoadBe16(&events[i][14]), 160 * std::min<size_t>(i + 1, 5));
  }
  const Bytes& last = sent.back();
  EXPECT_EQ(last[1] & 0x7f, kTrunkAudio);
  EXPECT_EQ(LoadBe32(&last[4]) - LoadBe32(&sent[0][4]), 14 * 160u) << "no time was lost";
}

TEST_F(DtmfSessionTest, WhileADigitIsSentTheBrowsersAudioIsHeldBack) {
  Connect({8000, 8000, 8000});
  EventSource source({.audio = kBrowserAudio}, 0x1111);
  std::vector<int> types;
  const auto keep = [&](const Bytes& packet) { types.push_back(packet[1] & 0x7f); };
  Tick(source, keep);
  ASSERT_TRUE(SendDigit(1, 100ms));
  ASSERT_TRUE(SendDigit(2, 100ms));
  for (int i = 0; i < 24; ++i) Tick(source, keep);
  const auto first = std::ranges::find(types, kTrunkEvent);
  const auto last = std::find(types.rbegin(), types.rend(), kTrunkEvent).base();
  EXPECT_EQ(std::ranges::count(types, kTrunkEvent), 14);
  // Only between the digits somebody may be heard: for 60 of the 80 ms.
  EXPECT_EQ(std::count(first, last, kTrunkAudio), 3);
  EXPECT_EQ(types.back(), kTrunkAudio);
}

TEST_F(DtmfSessionTest, DurationsAreKeptWithinBounds) {
  Connect({8000, 8000, 8000});
  EventSource source({.audio = kBrowserAudio}, 0x1111);
  EventReceiver sent(kTrunkAudio, kTrunkEvent);
  for (const Duration asked : {Duration(0ms), Duration(1ms), Duration(41ms), Duration(1h)}) {
    ASSERT_TRUE(SendDigit(1, asked));
  }
  for (int i = 0; i < 400; ++i) Tick(source, [&](const Bytes& packet) { sent.On(packet); });
  ASSERT_EQ(sent.events().size(), 4u);
  EXPECT_EQ(sent.events()[0].ticks, 320u);
  EXPECT_EQ(sent.events()[1].ticks, 320u);
  EXPECT_EQ(sent.events()[2].ticks, 480u);
  EXPECT_EQ(sent.events()[3].ticks, 48000u);
}

TEST_F(DtmfSessionTest, TheQueueHasAnEnd) {
  Connect({8000, 8000, 8000});
  for (size_t i = 0; i < kMaxDigits; ++i) EXPECT_TRUE(SendDigit(1));
  EXPECT_FALSE(SendDigit(2));
  EventSource source({.audio = kBrowserAudio}, 0x1111);
  EventReceiver sent(kTrunkAudio, kTrunkEvent);
  for (int i = 0; i < 500; ++i) Tick(source, [&](const Bytes& packet) { sent.On(packet); });
  EXPECT_EQ(sent.codes(), std::vector<int>(kMaxDigits, 1));
  EXPECT_TRUE(SendDigit(3));
}

TEST_F(DtmfSessionTest, ADigitWaitsForTheBrowsersOwnToBeOver) {
  Connect({8000, 8000, 8000});
  EventSource source({.audio = kBrowserAudio, .event = kBrowserEvent}, 0x1111);
  EventReceiver sent(kTrunkAudio, kTrunkEvent);
  const auto keep = [&](const Bytes& packet) { sent.On(packet); };
  Tick(source, keep);
  source.Press(4, 10);
  Tick(source, keep);
  ASSERT_TRUE(SendDigit(6));
  for (int i = 0; i < 40; ++i) Tick(source, keep);
  EXPECT_EQ(sent.codes(), (std::vector<int>{4, 6}));
  EXPECT_EQ(sent.events()[0].ticks, 1600u);
  EXPECT_EQ(sent.missing(), 0);
}

TEST_F(DtmfSessionTest, ADigitNeedsNoAudioOfTheBrowser) {
  Connect({8000, 8000, 8000});
  ASSERT_TRUE(SendDigit(7));
  EventReceiver sent(kTrunkAudio, kTrunkEvent);
  for (int i = 0; i < 20; ++i) {
    Timer();
    now_ += 20ms;
    for (const ToTrunk& out : TakeToTrunk()) {
      if (!out.rtcp) sent.On(out.bytes);
    }
  }
  EXPECT_EQ(sent.codes(), std::vector<int>{7});
  EXPECT_EQ(sent.missing(), 0);
}

TEST_F(DtmfSessionTest, ATrunkOnHoldGetsNoDigit) {
  Connect({8000, 8000, 8000});
  Update(std::nullopt, TrunkRemote{*Endpoint::Parse("0.0.0.0:4000"), trunk_.rtcp, false});
  ASSERT_TRUE(SendDigit(7));
  EventSource source({.audio = kBrowserAudio}, 0x1111);
  int sent = 0;
  for (int i = 0; i < 20; ++i) Tick(source, [&](const Bytes&) { ++sent; });
  EXPECT_EQ(sent, 0);
}

// --- a side without telephone-event ---

TEST_F(DtmfSessionTest, DigitsOfTheBrowserThatHaveNoTypeOnTheTrunkAreToldOnce) {
  payloads_[1].trunk_pt = payloads_[1].trunk_pt_in = kNoPayloadType;
  Connect({48000, 48000, 48000});
  EventSource source(
      {.audio = kBrowserAudio, .audio_clock = 48000, .event = kBrowserEvent, .event_clock = 48000},
      0x1111);
  LossyLink access(9);
  EventReceiver carrier(kTrunkAudio, kTrunkEvent);
  const std::vector<int> digits = RandomDigits(10);
  std::vector<int> heard;
  const auto tick = [&] {
    for (const Bytes& arrived : access.Send(source.Next())) {
      FromBrowser(browser_->Encrypt(arrived), From(5000));
    }
    now_ += 20ms;
    Timer();
    for (const ToTrunk& sent : TakeToTrunk()) {
      if (!sent.rtcp) carrier.On(sent.bytes);
    }
    TakeToBrowser();
    for (const DigitHeard& event : TakeEvents<DigitHeard>()) {
      EXPECT_TRUE(event.from_browser);
      heard.push_back(event.event);
    }
  };
  for (const int digit : digits) {
    tick();
    tick();
    source.Press(static_cast<uint8_t>(digit), 5);
    while (source.pressing()) tick();
  }
  EXPECT_EQ(heard, digits);
  EXPECT_TRUE(carrier.events().empty());
  EXPECT_EQ(carrier.doubled(), 0);
  EXPECT_GT(carrier.audio(), 1500);
}

TEST_F(DtmfSessionTest, AFloodOfEventsIsNotAFloodOfDigits) {
  payloads_[1].trunk_pt = payloads_[1].trunk_pt_in = kNoPayloadType;
  Connect({8000, 8000, 8000});
  for (uint16_t i = 0; i < 1000; ++i) {
    FromBrowser(browser_->Rtp(kBrowserEvent, i), From(5000));
    now_ += 1ms;
  }
  EXPECT_LE(TakeEvents<DigitHeard>().size(), 26u);
}

TEST_F(DtmfSessionTest, DigitsOfTheTrunkThatHaveNoTypeAtTheBrowserAreTold) {
  payloads_[1].browser_pt = kNoPayloadType;
  Connect({8000, 8000, 8000});
  EventSource source({.audio = kTrunkAudio, .event = kTrunkEvent}, 0x2222);
  source.Press(9, 5);
  for (int i = 0; i < 10; ++i) {
    FromTrunk(source.Next(), trunk_.rtp);
    now_ += 20ms;
  }
  const auto heard = TakeEvents<DigitHeard>();
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_FALSE(heard[0].from_browser);
  EXPECT_EQ(heard[0].event, 9);
  // And to the trunk digits go all the same.
  ASSERT_TRUE(SendDigit(3));
  Timer();
  const auto sent = TakeToTrunk();
  ASSERT_FALSE(sent.empty());
  EXPECT_EQ(sent.back().bytes[1], 0x80 | kTrunkEvent);
}

// --- tones ---

TEST_F(DtmfSessionTest, TonesTakeThePlaceOfTheAudioWithoutAGap) {
  Connect({8000, 8000, 8000});
  EventSource source({.audio = kBrowserAudio}, 0x1111);
  std::vector<Bytes> sent;
  const auto keep = [&](const Bytes& packet) { sent.push_back(packet); };
  for (int i = 0; i < 3; ++i) Tick(source, keep);
  ASSERT_TRUE(SendDigit(5, 100ms, true));
  for (int i = 0; i < 20; ++i) Tick(source, keep);
  int tones = 0;
  int silent = 0;
  for (size_t i = 0; i < sent.size(); ++i) {
    ASSERT_EQ(sent[i].size(), 172u);
    EXPECT_EQ(sent[i][1] & 0x7f, kTrunkAudio);
    EXPECT_EQ(LoadBe16(&sent[i][2]), static_cast<uint16_t>(LoadBe16(&sent[0][2]) + i));
    EXPECT_EQ(LoadBe32(&sent[i][8]), LoadBe32(&sent[0][8]));
    const auto samples = ByteView(sent[i]).subspan(12);
    const bool quiet = std::ranges::count(samples, 0xd5) == 160;
    silent += quiet;
    tones += !quiet && std::ranges::count(samples, 0x55) < 160;
  }
  EXPECT_EQ(tones, 5);
  EXPECT_EQ(silent, 4) << "the gap behind it";
  EXPECT_EQ(LoadBe32(&sent.back()[4]) - LoadBe32(&sent[0][4]), 22 * 160u);
}

TEST_F(DtmfSessionTest, WithoutTelephoneEventADigitGoesAsTonesAndAFlashNotAtAll) {
  payloads_.resize(1);
  payloads_[0].codec = AudioCodec::kPcmu;
  SessionTest::Connect();
  ASSERT_TRUE(SendDigit(5));
  ASSERT_TRUE(SendDigit(kFlash));
  int sent = 0;
  for (int i = 0; i < 40; ++i) {
    Timer();
    now_ += 20ms;
    for (const ToTrunk& out : TakeToTrunk()) sent += !out.rtcp;
  }
  EXPECT_EQ(sent, 9) << "100 ms of tones and 80 ms of silence";
}

}  // namespace
}  // namespace lastmile::media

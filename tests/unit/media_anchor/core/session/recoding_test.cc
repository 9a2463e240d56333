// Sessions and bridges whose sides share no codec.
#include <gtest/gtest.h>

#include "tests/support/codec_line.h"
#include "tests/unit/media_anchor/core/session/bridge_fixture.h"
#include "tests/unit/media_anchor/core/session/event_receiver.h"
#include "tests/unit/media_anchor/core/session/session_fixture.h"

namespace lastmile::media {
namespace {

using test::LinePacket;
using test::Samples;

constexpr uint8_t kOpus = 111;
constexpr uint8_t kPcmu = 0;
constexpr uint8_t kPcma = 8;
constexpr uint8_t kG722 = 9;
constexpr uint8_t kBrowserEvent = 110;
constexpr uint8_t kTrunkEvent = 101;

PayloadMapping Recoded(AudioCodec browser, AudioCodec trunk) {
  return {.browser_pt = test::TypeOf(browser),
          .trunk_pt = test::TypeOf(trunk),
          .trunk_pt_in = test::TypeOf(trunk),
          .clock_rate = RtpClockOf(browser),
          .trunk_clock_rate = RtpClockOf(trunk),
          .recoding = Recoding{.browser = browser, .trunk = trunk}};
}

Bytes ToBytes(const LinePacket& packet) {
  Bytes bytes(RtpHeader::kSize + packet.payload.size());
  std::ranges::copy(packet.payload, bytes.begin() + RtpHeader::kSize);
  WriteRtp(packet.header, bytes, packet.payload.size());
  return bytes;
}

LinePacket ToLine(Bytes bytes, TimePoint at) {
  const auto view = RtpView::Parse(bytes);
  return {view->header(), Bytes(view->payload().begin(), view->payload().end()), at};
}

std::vector<LinePacket> OfType(const std::vector<LinePacket>& packets, uint8_t type) {
  std::vector<LinePacket> found;
  std::ranges::copy_if(packets, std::back_inserter(found), [&](const LinePacket& packet) {
    return packet.header.payload_type == type;
  });
  return found;
}

void ExpectOneSource(const std::vector<LinePacket>& packets) {
  for (size_t i = 1; i < packets.size(); ++i) {
    EXPECT_EQ(packets[i].header.ssrc, packets[0].header.ssrc);
    EXPECT_EQ(packets[i].header.sequence, static_cast<uint16_t>(packets[0].header.sequence + i))
        << "packet " << i;
  }
}

void ExpectTone(AudioCodec codec, const std::vector<LinePacket>& packets, double hz) {
  const uint32_t rate = codec == AudioCodec::kG722 ? 16000 : 8000;
  const Samples heard = test::Hear(codec, packets, rate);
  ASSERT_GT(heard.size(), rate * 3 / 2);
  const auto found = test::FindTone(Pcm(heard).subspan(rate / 2, rate), rate, hz);
  EXPECT_NEAR(found.level, -10, 1.5);
  EXPECT_GT(found.purity, 20);
}

class RecodingTest : public SessionTest {
 protected:
  RecodingTest() {
    payloads_ = {Recoded(AudioCodec::kOpus, AudioCodec::kPcmu),
                 Recoded(AudioCodec::kOpus, AudioCodec::kPcma),
                 {.browser_pt = kBrowserEvent,
                  .trunk_pt = kTrunkEvent,
                  .trunk_pt_in = kTrunkEvent,
                  .clock_rate = 48000,
                  .telephone_event = true,
                  .trunk_clock_rate = 8000}};
  }
  std::vector<LinePacket> Tone(AudioCodec codec, double hz, Duration length, uint32_t ssrc = 0x77) {
    test::Sender sender{.ssrc = ssrc, .start = now_};
    return test::Packetize(codec, test::MakeTone(hz, -10, length), sender);
  }
  void RunUntil(TimePoint end) {
    while (session_.next_timeout() <= end) {
      now_ = std::max(now_, session_.next_timeout());
      Timer();
      Collect();
    }
    now_ = end;
  }
  // Sends each at its time, and waits a little.
  void FromBrowserAtTheirTime(const std::vector<LinePacket>& packets) {
    for (const LinePacket& packet : packets) {
      RunUntil(packet.at);
      FromBrowser(browser_->Encrypt(ToBytes(packet)), From(5000));
      Collect();
    }
    RunUntil(now_ + 300ms);
  }
  void FromTrunkAtTheirTime(const std::vector<LinePacket>& packets) {
    for (const LinePacket& packet : packets) {
      RunUntil(packet.at);
      FromTrunk(ToBytes(packet), trunk_.rtp);
      Collect();
    }
    RunUntil(now_ + 300ms);
  }
  bool IsSilentToTrunk() {
    const auto silent = TakeEvents<DirectionSilent>();
    return std::ranges::any_of(silent,
                               [](const DirectionSilent& event) { return !event.to_browser; });
  }
  std::vector<LinePacket> TakeHeardByTrunk() { return std::exchange(by_trunk_, {}); }
  std::vector<LinePacket> TakeHeardByBrowser() { return std::exchange(by_browser_, {}); }

 private:
  void Collect() {
    for (const ToTrunk& sent : TakeToTrunk()) {
      if (!sent.rtcp) by_trunk_.push_back(ToLine(sent.bytes, now_));
    }
    for (const ToBrowser& sent : TakeToBrowser()) {
      if (auto plain = browser_->DecryptRtp(sent.bytes)) {
        by_browser_.push_back(ToLine(*std::move(plain), now_));
      }
    }
  }

  std::vector<LinePacket> by_trunk_;
  std::vector<LinePacket> by_browser_;
};

TEST_F(RecodingTest, OpusOfTheBrowserIsPcmuForTheTrunk) {
  Connect();
  const auto sent = Tone(AudioCodec::kOpus, 1000, 2s);
  FromBrowserAtTheirTime(sent);
  const auto heard = TakeHeardByTrunk();
  EXPECT_NEAR(static_cast<double>(heard.size()), static_cast<double>(sent.size()), 15);
  EXPECT_EQ(OfType(heard, kPcmu).size(), heard.size());
  ExpectOneSource(heard);
  EXPECT_TRUE(heard.front().header.marker);
  for (size_t i = 1; i < heard.size(); ++i) {
    EXPECT_EQ(heard[i].header.timestamp - heard[i - 1].header.timestamp, 160u);
    EXPECT_EQ(heard[i].at - heard[i - 1].at, Duration(20ms));
  }
  ExpectTone(AudioCodec::kPcmu, heard, 1000);
  const DirectionStats stats = session_.stats().browser_to_trunk;
  EXPECT_EQ(stats.packets, heard.size());
  EXPECT_EQ(stats.bytes, 160 * heard.size());
  EXPECT_EQ(stats.dropped, 0u);
}

TEST_F(RecodingTest, WhateverCodecTheTrunkUsesIsOpusForTheBrowser) {
  Connect();
  for (const AudioCodec codec : {AudioCodec::kPcma, AudioCodec::kPcmu}) {
    FromTrunkAtTheirTime(Tone(codec, 440, 2s));
    const auto heard = TakeHeardByBrowser();
    EXPECT_EQ(OfType(heard, kOpus).size(), heard.size());
    EXPECT_GT(heard.size(), 90u);
    ExpectOneSource(heard);
    ExpectTone(AudioCodec::kOpus, heard, 440);
  }
  EXPECT_EQ(session_.stats().trunk_to_browser.dropped, 0u);
}

TEST_F(RecodingTest, WhatComesAfterwardsIsTheSameSource) {
  Connect();
  FromBrowserAtTheirTime(Tone(AudioCodec::kOpus, 1000, 1s));
  payloads_ = {{.browser_pt = kPcmu, .trunk_pt = kPcmu, .trunk_pt_in = kPcmu}};
  Update(std::nullopt, std::nullopt);
  FromBrowserAtTheirTime(Tone(AudioCodec::kPcmu, 1000, 1s, 0x78));
  payloads_ = {Recoded(AudioCodec::kOpus, AudioCodec::kPcmu)};
  Update(std::nullopt, std::nullopt);
  RunUntil(now_ + Passage::kCodecPause);
  FromBrowserAtTheirTime(Tone(AudioCodec::kOpus, 1000, 1s, 0x79));
  const auto heard = TakeHeardByTrunk();
  EXPECT_GT(heard.size(), 140u);
  ExpectOneSource(heard);
  for (size_t i = 1; i < heard.size(); ++i) {
    EXPECT_LT(heard[i].header.timestamp - heard[i - 1].header.timestamp, 8000u * 2);
  }
}

TEST_F(RecodingTest, ADigitOfTheBrowserGoesPastTheCodecs) {
  Connect();
  auto packets = Tone(AudioCodec::kOpus, 1000, 2s);
  constexpr size_t kFirst = 40;
  constexpr int kFrames = 5;
  for (int i = 0; i < kFrames + 2; ++i) {
    LinePacket& packet = packets[kFirst + static_cast<size_t>(i)];
    packet.header.payload_type = kBrowserEvent;
    packet.header.timestamp = packets[kFirst].header.timestamp;
    packet.header.marker = i == 0;
    packet.payload.assign(TelephoneEvent::kSize, 0);
    TelephoneEvent{.event = 7,
                   .end = i + 1 >= kFrames,
                   .duration = static_cast<uint16_t>(960 * std::min(i + 1, kFrames))}
        .Write(packet.payload);
  }
  FromBrowserAtTheirTime(packets);
  const auto heard = TakeHeardByTrunk();
  ExpectOneSource(heard);
  EventReceiver carrier(kPcmu, kTrunkEvent);
  for (const LinePacket& packet : heard) carrier.On(ToBytes(packet));
  ASSERT_EQ(carrier.codes(), std::vector<int>{7});
  EXPECT_EQ(carrier.events()[0].ticks, 160u * kFrames);
  EXPECT_TRUE(carrier.events()[0].ended);
}

TEST_F(RecodingTest, ADigitOfTheGatewayTakesThePlaceOfAudio) {
  Connect();
  const auto packets = Tone(AudioCodec::kOpus, 1000, 2s);
  const auto half = packets.begin() + 50;
  FromBrowserAtTheirTime({packets.begin(), half});
  EXPECT_TRUE(session_.SendDigit({SessionId{7}, 5, 100ms}, now_));
  FromBrowserAtTheirTime({half, packets.end()});
  const auto heard = TakeHeardByTrunk();
  ExpectOneSource(heard);
  EventReceiver carrier(kPcmu, kTrunkEvent);
  for (const LinePacket& packet : heard) carrier.On(ToBytes(packet));
  EXPECT_EQ(carrier.codes(), std::vector<int>{5});
  EXPECT_EQ(carrier.events()[0].ticks, 800u);
}

TEST_F(RecodingTest, ATrunkWithoutTelephoneEventGetsTones) {
  payloads_[2].trunk_pt = payloads_[2].trunk_pt_in = kNoPayloadType;
  Connect();
  auto packets = Tone(AudioCodec::kOpus, 1000, 1s);
  packets[40].header.payload_type = kBrowserEvent;
  packets[40].payload = {9, 0, 0, 0};
  FromBrowserAtTheirTime(packets);
  const auto digits = TakeEvents<DigitHeard>();
  ASSERT_EQ(digits.size(), 1u);
  EXPECT_EQ(digits[0].event, 9);
  TakeHeardByTrunk();
  EXPECT_TRUE(session_.SendDigit({SessionId{7}, 9, 500ms, true}, now_));
  RunUntil(now_ + 1s);
  const auto tones = TakeHeardByTrunk();
  EXPECT_GE(tones.size(), 25u);
  const Samples samples = test::Hear(AudioCodec::kPcmu, tones, 8000);
  EXPECT_GT(test::FindTone(Pcm(samples).first(3200), 8000, 852).level, -20);
}

TEST_F(RecodingTest, ASourceThatChangesItsCodecAllTheTimeIsNotFollowed) {
  Connect();
  auto packets = Tone(AudioCodec::kPcmu, 440, 2s);
  for (size_t i = 0; i < packets.size(); i += 2) packets[i].header.payload_type = kPcma;
  FromTrunkAtTheirTime(packets);
  const SessionStats stats = session_.stats();
  EXPECT_GE(stats.trunk_to_browser.dropped, 40u);
  EXPECT_GE(stats.trunk_to_browser.packets, 20u);
}

TEST_F(RecodingTest, ADeadSourceIsSilentForTheOtherSide) {
  Connect();
  FromBrowserAtTheirTime(Tone(AudioCodec::kOpus, 1000, 1s));
  RunUntil(now_ + Transcoder::kSilent);
  TakeHeardByTrunk();
  RunUntil(now_ + 3s);
  EXPECT_TRUE(TakeHeardByTrunk().empty());
}

TEST_F(RecodingTest, ADeadSourceIsToldInTimeThoughTheTranscoderGoesOn) {
  Connect();
  session_.Watch(MediaWatch::kTalk, now_);
  FromBrowserAtTheirTime(Tone(AudioCodec::kOpus, 1000, 5s));
  const TimePoint dead = now_ - 300ms;
  EXPECT_FALSE(IsSilentToTrunk());
  while (!IsSilentToTrunk() && now_ < dead + 10s) RunUntil(now_ + 100ms);
  EXPECT_LE(now_ - dead, 4s);
}

TEST_F(RecodingTest, ATrunkOnHoldGetsNothing) {
  Connect();
  const auto packets = Tone(AudioCodec::kOpus, 1000, 2s);
  const auto half = packets.begin() + 50;
  FromBrowserAtTheirTime({packets.begin(), half});
  TakeHeardByTrunk();
  TrunkRemote held = trunk_;
  held.rtp.port = held.rtcp.port = 0;
  Update(std::nullopt, held);
  FromBrowserAtTheirTime({half, packets.end()});
  EXPECT_TRUE(TakeHeardByTrunk().empty());
}

class RecodingBridgeTest : public BridgeTest {};

TEST_F(RecodingBridgeTest, TwoTrunksWithoutACommonCodecHearEachOther) {
  payloads_ = {Recoded(AudioCodec::kG722, AudioCodec::kPcma)};
  Update(first_, second_);
  test::Sender sender{.start = now_};
  const Samples tone = test::MakeTone(1000, -10, 2s);
  const auto wide = test::Packetize(AudioCodec::kG722, tone, sender);
  const auto narrow = test::Packetize(AudioCodec::kPcma, tone, sender);
  std::vector<LinePacket> to_first;
  std::vector<LinePacket> to_second;
  for (size_t i = 0; i < wide.size(); ++i) {
    RunTimers(wide[i].at - now_);
    Rtp(kFirst, ToBytes(wide[i]), first_.rtp);
    Rtp(kSecond, ToBytes(narrow[i]), second_.rtp);
    for (const Sent& sent : TakeSent()) {
      if (!sent.rtcp)
        (sent.kind == kFirst ? to_first : to_second).push_back(ToLine(sent.bytes, now_));
    }
  }
  ExpectOneSource(to_first);
  ExpectOneSource(to_second);
  EXPECT_EQ(OfType(to_first, kG722).size(), to_first.size());
  EXPECT_EQ(OfType(to_second, kPcma).size(), to_second.size());
  ExpectTone(AudioCodec::kG722, to_first, 1000);
  ExpectTone(AudioCodec::kPcma, to_second, 1000);
  EXPECT_EQ(bridge_.stats().browser_to_trunk.packets, to_second.size());
}

}  // namespace
}  // namespace lastmile::media

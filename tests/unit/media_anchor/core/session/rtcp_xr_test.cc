#include "media_anchor/core/rtcp_xr.h"

#include <gtest/gtest.h>

#include <random>

#include "media_anchor/core/rtcp.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kOurs = 0x11223344;
constexpr uint32_t kPeer = 0x55667788;

const Bytes kEmptyReport = {0x80, 201, 0, 1, 0x55, 0x66, 0x77, 0x88};
const Bytes kTime = {4, 0, 0, 2, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08};
// The times of another receiver, and of ours.
const Bytes kDelays = {5, 0, 0,    6,    0x99, 0x99, 0x99, 0x99, 0,    0,    0, 1, 0,    0,
                       0, 2, 0x11, 0x22, 0x33, 0x44, 0xaa, 0xbb, 0xcc, 0xdd, 0, 1, 0x80, 0};
const Bytes kVoip = {7,    0,    0,    8,    0x11, 0x22, 0x33, 0x44,  // about ours
                     8,    2,    128,  1,                             // loss, discard, densities
                     0x01, 0x2c, 0x27, 0x10,                          // burst 300 ms, gap 10 s
                     0x00, 0x50, 0x00, 0x3c,                          // 80 ms and 60 ms
                     0xe2, 0xb5, 55,   16,                            // -30 dBm, -75 dBm, 55 dB
                     88,   127,  42,   41,                            // R, none, 4.2, 4.1
                     0xf5, 0,    0x00, 0x28,                          // buffer 40 ms
                     0x00, 0x78, 0x01, 0x2c};                         // 120 ms, 300 ms
const VoipMetrics kMetrics{.ssrc = kOurs,
                           .loss_rate = 8,
                           .discard_rate = 2,
                           .burst_density = 128,
                           .gap_density = 1,
                           .burst_ms = 300,
                           .gap_ms = 10000,
                           .round_trip_ms = 80,
                           .end_system_ms = 60,
                           .signal_level = 0xe2,
                           .noise_level = 0xb5,
                           .echo_return_loss = 55,
                           .r_factor = 88,
                           .mos_lq = 42,
                           .mos_cq = 41,
                           .receiver_config = 0xf5,
                           .buffer_ms = 40,
                           .buffer_max_ms = 120,
                           .buffer_abs_max_ms = 300};

Bytes Joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

// An XR packet of the peer with those blocks.
Bytes Extended(std::initializer_list<Bytes> blocks) {
  Bytes packet = Joined({{0x80, 207, 0, 0, 0x55, 0x66, 0x77, 0x88}, Joined(blocks)});
  StoreBe16(&packet[2], static_cast<uint16_t>(packet.size() / 4 - 1));
  return packet;
}

Bytes Compound(const Bytes& extended) { return Joined({kEmptyReport, extended}); }

TEST(ExtendedReport, IsReadByteByByte) {
  const ExtendedReport report =
      ParseExtendedReport(Compound(Extended({kTime, kDelays, kVoip})), kOurs);
  EXPECT_EQ(report.time, (ReceiverTime{.ssrc = kPeer, .ntp = 0x0102030405060708}));
  EXPECT_EQ(report.delay,
            (ReceiverDelay{.ssrc = kOurs, .last_rr = 0xaabbccdd, .since_rr = 0x18000}));
  EXPECT_EQ(report.voip, kMetrics);
  EXPECT_FALSE(report.malformed);
}

TEST(ExtendedReport, IsWrittenByteByByte) {
  Bytes out(kMaxExtendedReport);
  const ExtendedReport report{
      .time = ReceiverTime{.ssrc = kPeer, .ntp = 0x0102030405060708},
      .delay = ReceiverDelay{.ssrc = kOurs, .last_rr = 0xaabbccdd, .since_rr = 0x18000},
      .voip = kMetrics};
  ASSERT_EQ(WriteExtendedReport(report, kPeer, out), kMaxExtendedReport);
  Bytes delay = kDelays;
  delay.erase(delay.begin() + 4, delay.begin() + 16);
  delay[3] = 3;
  EXPECT_EQ(out, Extended({kTime, delay, kVoip}));
  EXPECT_EQ(WriteExtendedReport({}, kPeer, out), 0u);
}

TEST(ExtendedReport, OfOthersSaysNothing) {
  const ExtendedReport report =
      ParseExtendedReport(Compound(Extended({kDelays, kVoip})), 0x12345678);
  EXPECT_EQ(report, ExtendedReport{});
}

TEST(ExtendedReport, BlocksOfOtherKindsAreSkipped) {
  const Bytes statistics = {6, 0xf0, 0, 9, 1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2, 2, 2,
                            2, 2,    2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2};
  const ExtendedReport report =
      ParseExtendedReport(Compound(Extended({statistics, {200, 1, 0, 0}, kTime})), kOurs);
  EXPECT_TRUE(report.time);
  EXPECT_FALSE(report.malformed);
  EXPECT_EQ(ParseExtendedReport(kEmptyReport, kOurs), ExtendedReport{});
}

TEST(ExtendedReport, WhatIsMalformedEndsIt) {
  Bytes too_long = kVoip;
  too_long[3] = 9;
  Bytes short_time = kTime;
  short_time[3] = 1;
  short_time.resize(8);
  Bytes odd_delays = kDelays;
  odd_delays[3] = 5;
  odd_delays.resize(24);
  for (const Bytes& bad : {too_long, short_time, odd_delays}) {
    const ExtendedReport report = ParseExtendedReport(Compound(Extended({bad, kTime})), kOurs);
    EXPECT_TRUE(report.malformed);
    EXPECT_FALSE(report.time || report.voip);
  }
  EXPECT_TRUE(ParseExtendedReport(Compound({0x80, 207, 0, 0}), kOurs).malformed) << "no SSRC";
}

TEST(ExtendedReport, AnyBytesAreRead) {
  std::mt19937 random(3);
  for (int i = 0; i < 20'000; ++i) {
    Bytes packet = Compound(Extended({kTime, kDelays, kVoip}));
    for (size_t n = random() % 6; n > 0; --n) {
      packet[8 + random() % (packet.size() - 8)] = static_cast<uint8_t>(random());
    }
    packet.resize(packet.size() - random() % 8 * (random() % 10));
    ParseExtendedReport(packet, kOurs);
  }
}

TEST(BurstMeter, LossesByThemselvesAreInGaps) {
  BurstMeter meter;
  EXPECT_EQ(meter.shape().gap_density, 0);
  for (int i = 0; i < 100; ++i) meter.OnPacket(0);
  EXPECT_EQ(meter.shape().gap_packets, 100);
  meter.OnPacket(1);
  for (int i = 1; i < 100; ++i) meter.OnPacket(0);
  EXPECT_DOUBLE_EQ(meter.shape().gap_density, 1.0 / 201);
  EXPECT_EQ(meter.shape().gap_packets, 201);
  EXPECT_EQ(meter.shape().burst_packets, 0);
}

TEST(BurstMeter, LossesCloseTogetherAreABurst) {
  BurstMeter meter;
  for (int burst = 0; burst < 4; ++burst) {
    for (int i = 0; i < 100; ++i) meter.OnPacket(0);
    meter.OnPacket(2);                              // two lost, one received,
    for (int i = 0; i < 3; ++i) meter.OnPacket(0);  // three more,
    meter.OnPacket(1);                              // one lost
    for (int i = 1; i < 50; ++i) meter.OnPacket(0);
  }
  const BurstMeter::Shape shape = meter.shape();
  EXPECT_DOUBLE_EQ(shape.burst_density, 3.0 / 7);
  EXPECT_DOUBLE_EQ(shape.burst_packets, 7);
  EXPECT_DOUBLE_EQ(shape.gap_packets, 600.0 / 5);
  EXPECT_EQ(shape.gap_density, 0);
}

TEST(BurstMeter, AnOutageCostsNoMoreThanItMay) {
  BurstMeter meter;
  meter.OnPacket(0);
  meter.OnPacket(3000);
  EXPECT_EQ(meter.shape().burst_packets, BurstMeter::kMostLost);
}

constexpr uint64_t Ntp(double seconds) { return static_cast<uint64_t>(seconds * 4294967296.0); }

class ExtendedReporterTest : public testing::Test {
 protected:
  ExtendedReport Build(ExtendedReporter& reporter, double at, bool sends = false) {
    Bytes out(kMaxExtendedReport);
    const auto received = ExtendedReporter::Received{
        .ssrc = kPeer,
        .quality = {.packets = 950, .lost = 50, .loss = 0.05, .jitter = 5ms},
        .codec = AudioCodec::kPcma,
        .rtt = 120ms,
        .per_packet = 20ms};
    out.resize(reporter.Build(received, sends, Ntp(at), out));
    return ParseExtendedReport(Joined({kEmptyReport, out}), kPeer);
  }
  static Bytes TimeAt(double seconds) {
    Bytes block = kTime;
    StoreBe32(&block[4], static_cast<uint32_t>(Ntp(seconds) >> 32));
    StoreBe32(&block[8], static_cast<uint32_t>(Ntp(seconds)));
    return Compound(Extended({block}));
  }

  ExtendedReporter reporter_{kOurs};
};

TEST_F(ExtendedReporterTest, SendsNothingThatWasNotAgreedOn) {
  reporter_.OnReport(TimeAt(100), Ntp(5));
  Bytes out(kMaxExtendedReport);
  EXPECT_EQ(reporter_.Build(std::nullopt, true, Ntp(6), out), 0u);
  EXPECT_EQ(Build(reporter_, 6), ExtendedReport{});
}

TEST_F(ExtendedReporterTest, SaysHowThePeerSounds) {
  reporter_.SetPlan({.voip_metrics = true});
  for (int i = 0; i < 50; ++i) reporter_.OnReceived(0);
  for (int i = 0; i < 50; ++i) reporter_.OnReceived(i == 0 ? 2 : 0);
  const ExtendedReport report = Build(reporter_, 5);
  EXPECT_FALSE(report.time || report.delay);
  ASSERT_TRUE(report.voip);
  EXPECT_EQ(report.voip->loss_rate, 12);  // of 256: 5 %
  EXPECT_EQ(report.voip->discard_rate, 0) << "a relay has no buffer";
  EXPECT_EQ(report.voip->burst_density, 255);
  EXPECT_EQ(report.voip->burst_ms, 40);
  EXPECT_EQ(report.voip->gap_ms, 1000);
  EXPECT_EQ(report.voip->round_trip_ms, 120);
  EXPECT_EQ(report.voip->r_factor, 75);  // 93.2 less 15.8 for the loss, 2.6 for 110 ms
  EXPECT_EQ(report.voip->mos_lq, 39);
  EXPECT_EQ(report.voip->mos_cq, 38);
  EXPECT_EQ(report.voip->signal_level, VoipMetrics::kUnknown);
}

TEST_F(ExtendedReporterTest, AnswersTimesOnce) {
  reporter_.SetPlan({.round_trip = XrPlan::RoundTrip::kAll});
  reporter_.OnReport(TimeAt(100.25), Ntp(5));
  ExtendedReport report = Build(reporter_, 5.5);
  ASSERT_TRUE(report.delay);
  EXPECT_EQ(report.delay->last_rr, (100u << 16) + 0x4000);
  EXPECT_EQ(report.delay->since_rr, 0x8000u);
  EXPECT_EQ(report.time, (ReceiverTime{.ssrc = kOurs, .ntp = Ntp(5.5)}));
  EXPECT_FALSE(Build(reporter_, 6).delay);
}

TEST_F(ExtendedReporterTest, OnlyASenderAnswersWhereThatWasAgreedOn) {
  reporter_.SetPlan({.round_trip = XrPlan::RoundTrip::kSenders});
  reporter_.OnReport(TimeAt(100), Ntp(5));
  EXPECT_FALSE(Build(reporter_, 5.5).delay);
  EXPECT_TRUE(Build(reporter_, 6, true).delay);
}

TEST_F(ExtendedReporterTest, TwoReceiversKnowTheirRoundTrip) {
  constexpr double kWay = 0.03;
  ExtendedReporter peer(kPeer);
  for (ExtendedReporter* one : {&reporter_, &peer}) {
    one->SetPlan({.round_trip = XrPlan::RoundTrip::kAll});
  }
  for (int i = 0; i < 5; ++i) {
    Bytes out(kMaxExtendedReport);
    out.resize(reporter_.Build(std::nullopt, false, Ntp(5.0 * i + 1), out));
    peer.OnReport(Joined({kEmptyReport, out}), Ntp(1000 + 5.0 * i + 1 + kWay));
    out.resize(kMaxExtendedReport);
    out.resize(peer.Build(std::nullopt, false, Ntp(1000 + 5.0 * i + 3), out));
    reporter_.OnReport(Joined({kEmptyReport, out}), Ntp(5.0 * i + 3 + kWay));
  }
  ASSERT_TRUE(reporter_.rtt() && peer.rtt());
  EXPECT_NEAR(static_cast<double>(reporter_.rtt()->count()), 60e6, 0.1e6);
  EXPECT_NEAR(static_cast<double>(peer.rtt()->count()), 60e6, 0.1e6);
}

TEST_F(ExtendedReporterTest, KeepsWhatThePeerSaysAndCountsWhatNobodyCanRead) {
  reporter_.OnReport(Compound(Extended({kVoip})), Ntp(5));
  EXPECT_EQ(reporter_.of_peer(), kMetrics);
  Bytes bad = kVoip;
  bad[3] = 7;
  reporter_.OnReport(Compound(Extended({bad})), Ntp(6));
  EXPECT_EQ(reporter_.of_peer(), kMetrics);
  EXPECT_EQ(reporter_.malformed(), 1u);
}

TEST(HeardIn, LeavesOutWhatIsUnknown) {
  EXPECT_FALSE(HeardIn(std::nullopt));
  const auto heard = HeardIn(kMetrics);
  ASSERT_TRUE(heard);
  EXPECT_DOUBLE_EQ(heard->loss, 8.0 / 256);
  EXPECT_DOUBLE_EQ(heard->discarded, 2.0 / 256);
  EXPECT_EQ(heard->rating, 88);
  EXPECT_EQ(heard->mos_lq, 4.2);
  EXPECT_EQ(heard->mos_cq, 4.1);
  EXPECT_EQ(heard->buffer, 40ms);
  const auto unknown = HeardIn(VoipMetrics{});
  EXPECT_FALSE(unknown->rating || unknown->mos_lq || unknown->mos_cq);
}

}  // namespace
}  // namespace lastmile::media

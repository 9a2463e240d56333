#include "media_anchor/core/rtcp.h"

#include <gtest/gtest.h>

#include <random>

namespace lastmile::media {
namespace {

constexpr uint32_t kOurSsrc = 0xaabbccdd;
constexpr uint32_t kPeerSsrc = 0x11223344;

class RtcpReporterTest : public testing::Test {
 protected:
  void Receive(uint16_t sequence, uint32_t timestamp, uint32_t ssrc = kPeerSsrc) {
    reporter_.OnReceived({.marker = false,
                          .payload_type = 0,
                          .sequence = sequence,
                          .timestamp = timestamp,
                          .ssrc = ssrc},
                         8000, now_);
  }
  Bytes Report() {
    Bytes out(RtcpReporter::kMaxReport);
    out.resize(reporter_.BuildReport(out, now_));
    return out;
  }

  SeededRandom random_{3};
  TimePoint now_{50s};
  RtcpReporter reporter_{kOurSsrc, random_, now_};
  uint16_t sequence_ = 0;
};

TEST_F(RtcpReporterTest, SaysNothingBeforeMediaFlows) {
  EXPECT_EQ(reporter_.next_report(), kNever);
  Receive(1, 160);
  EXPECT_GE(reporter_.next_report(), now_ + RtcpReporter::kInterval / 2);
  EXPECT_LE(reporter_.next_report(), now_ + RtcpReporter::kInterval * 3 / 2);
}

TEST_F(RtcpReporterTest, ASenderReportCountsWhatWasSent) {
  for (int i = 0; i < 50; ++i) {
    reporter_.OnSent({.marker = false,
                      .payload_type = 0,
                      .sequence = static_cast<uint16_t>(i),
                      .timestamp = 160u * static_cast<uint32_t>(i),
                      .ssrc = kOurSsrc},
                     160, 8000, now_);
    now_ += 20ms;
  }
  const Bytes report = Report();
  ASSERT_TRUE(IsCompoundRtcp(report));
  EXPECT_EQ(report[0], 0x80);  // no block: nothing was received
  EXPECT_EQ(report[1], 200);
  EXPECT_EQ(LoadBe32(&report[4]), kOurSsrc);
  EXPECT_EQ(LoadBe32(&report[8]), 1u);                // one second since the leg began
  EXPECT_EQ(LoadBe32(&report[16]), 160u * 49 + 160);  // the timestamp of now, not of the packet
  EXPECT_EQ(LoadBe32(&report[20]), 50u);
  EXPECT_EQ(LoadBe32(&report[24]), 50u * 160);
  EXPECT_EQ(report[28 + 1], 202);
  EXPECT_EQ(Report()[1], 201) << "nothing sent since the last report";
}

TEST_F(RtcpReporterTest, AReceiverReportCountsLossSinceTheLast) {
  for (uint16_t i = 0; i < 100; ++i) {
    if (i % 4 != 3) Receive(static_cast<uint16_t>(65500 + i), 160u * i);
    now_ += 20ms;
  }
  const Bytes report = Report();
  ASSERT_TRUE(IsCompoundRtcp(report));
  EXPECT_EQ(report[0], 0x81);
  EXPECT_EQ(report[1], 201);
  EXPECT_EQ(LoadBe32(&report[8]), kPeerSsrc);
  EXPECT_EQ(report[12], 24 * 256 / 99);  // the last one lost is not known as lost yet
  EXPECT_EQ(LoadBe32(&report[12]) & 0xffffff, 24u);
  EXPECT_EQ(LoadBe32(&report[16]), 65500u + 98);  // extended over the wrap
  EXPECT_EQ(LoadBe32(&report[20]), 0u);           // arrivals as even as the timestamps
  for (uint16_t i = 99; i < 200; ++i) Receive(static_cast<uint16_t>(65500 + i), 160u * i);
  EXPECT_EQ(Report()[12], 0) << "none lost since";
}

TEST_F(RtcpReporterTest, JitterFollowsRfc3550) {
  Receive(1, 160);
  now_ += 30ms;  // 10 ms late: 80 units, a sixteenth of it counts
  Receive(2, 320);
  EXPECT_EQ(LoadBe32(&Report()[20]), 5u);
}

TEST_F(RtcpReporterTest, AnswersASenderReportWithItsTime) {
  Receive(1, 160);
  Bytes sr(28);
  sr[0] = 0x80;
  sr[1] = 200;
  StoreBe16(&sr[2], 6);
  StoreBe32(&sr[4], kPeerSsrc);
  StoreBe32(&sr[8], 0x12345678);
  StoreBe32(&sr[12], 0x9abcdef0);
  EXPECT_TRUE(reporter_.OnReport(sr, now_));
  now_ += 1500ms;
  const Bytes report = Report();
  EXPECT_EQ(LoadBe32(&report[24]), 0x56789abcu);
  EXPECT_EQ(LoadBe32(&report[28]), 0x18000u);  // 1.5 s in 1/65536
}

TEST_F(RtcpReporterTest, ANewSourceStartsANewCount) {
  Receive(1, 160);
  Receive(500, 160, 0x5555);
  const Bytes report = Report();
  EXPECT_EQ(LoadBe32(&report[8]), 0x5555u);
  EXPECT_EQ(LoadBe32(&report[12]), 0u);
}

TEST_F(RtcpReporterTest, TypesThatWereNotAgreedOnBeginNoSource) {
  const auto receive_unknown = [&](uint16_t sequence, uint32_t ssrc) {
    reporter_.OnReceived(
        {.marker = false, .payload_type = 99, .sequence = sequence, .timestamp = 0, .ssrc = ssrc},
        0, now_);
  };
  receive_unknown(1, 0x5555);
  EXPECT_EQ(reporter_.next_report(), kNever);
  Receive(1, 160);
  receive_unknown(2, kPeerSsrc);
  receive_unknown(900, 0x5555);
  Receive(3, 480);
  const Bytes report = Report();
  EXPECT_EQ(LoadBe32(&report[8]), kPeerSsrc);
  EXPECT_EQ(LoadBe32(&report[12]), 0u) << "comfort noise of the source itself is no loss";
  EXPECT_EQ(LoadBe32(&report[16]), 3u);
}

// --- what becomes of the call's quality ---

TEST_F(RtcpReporterTest, QualityCountsWhatCameAndWhatDidNot) {
  EXPECT_FALSE(reporter_.quality({}, {}).received);
  // 10 s without loss, 5 s that lose every fifth packet, 10 s without.
  for (uint16_t i = 0; i < 1250; ++i) {
    const bool lost = i >= 501 && i < 751 && i % 5 == 0;
    if (!lost) Receive(static_cast<uint16_t>(65000 + i), 160u * i);
    now_ += 20ms;
  }
  const LegQuality quality = reporter_.quality(AudioCodec::kPcmu, {});
  ASSERT_TRUE(quality.received);
  EXPECT_EQ(quality.received->packets, 1200u);
  EXPECT_EQ(quality.received->lost, 50u);
  EXPECT_DOUBLE_EQ(quality.received->loss, 50.0 / 1250);
  EXPECT_NEAR(quality.received->worst_loss, 0.2, 0.01);
  EXPECT_EQ(quality.received->jitter, 0ns);
  EXPECT_NEAR(quality.received->mos.value_or(0), 3.98, 0.01);
  EXPECT_FALSE(quality.sent);
  EXPECT_FALSE(quality.rtt);
}

TEST_F(RtcpReporterTest, QualityGoesOnOverSourcesThatBeginAnew) {
  for (uint16_t i = 0; i < 100; ++i) {
    if (i % 10 != 5) Receive(i, 160u * i);
  }
  for (uint16_t i = 0; i < 100; ++i) Receive(static_cast<uint16_t>(40000 + i), 160u * i, 0x5555);
  const auto received = reporter_.quality({}, {}).received;
  ASSERT_TRUE(received);
  EXPECT_EQ(received->packets, 190u);
  EXPECT_EQ(received->lost, 10u);
  EXPECT_DOUBLE_EQ(received->loss, 0.05);
  EXPECT_DOUBLE_EQ(received->worst_loss, 0.05) << "of the whole, as long as no window is over";
  EXPECT_FALSE(received->mos) << "of a codec that nobody knows";
}

TEST_F(RtcpReporterTest, QualityHasTheMeanJitterOfTheCall) {
  const auto talk = [&](int packets, Duration late) {
    for (int i = 0; i < packets; ++i, now_ += 20ms) {
      const TimePoint on_time = now_;
      if (i % 2 == 1) now_ += late;
      ++sequence_;
      Receive(sequence_, 160u * sequence_);
      now_ = on_time;
    }
  };
  talk(250, 4ms);
  talk(250, 12ms);
  talk(1, 0ms);
  const auto received = reporter_.quality({}, {}).received;
  ASSERT_TRUE(received);
  EXPECT_NEAR(static_cast<double>(received->jitter.count()), 8e6, 0.5e6);
}

TEST_F(RtcpReporterTest, NeitherAnEventNorAnotherClockIsJitter) {
  const auto receive = [&](uint32_t timestamp, uint32_t clock_rate) {
    reporter_.OnReceived(
        {.payload_type = 0, .sequence = ++sequence_, .timestamp = timestamp, .ssrc = kPeerSsrc},
        clock_rate, now_);
    now_ += 20ms;
  };
  for (uint32_t i = 0; i < 50; ++i) receive(960 * i, 48000);
  for (int i = 0; i < 10; ++i) receive(48000, 0);  // a digit: one timestamp for all its packets
  for (uint32_t i = 60; i < 100; ++i) receive(960 * i, 48000);
  for (uint32_t i = 0; i < 50; ++i) receive(160 * i, 8000);
  EXPECT_EQ(LoadBe32(&Report()[20]), 0u);
  EXPECT_EQ(reporter_.quality({}, {}).received->jitter, 0ns);
}

// Two reporters at the ends of a line that takes 30 ms each way and loses each 20th packet one way.
TEST_F(RtcpReporterTest, BothEndsOfALineKnowItsRoundTripAndOneWhatTheOtherMisses) {
  constexpr Duration kWay = 30ms;
  RtcpReporter peer(kPeerSsrc, random_, now_);
  for (uint32_t i = 0; i < 1500; ++i) {
    const RtpHeader ours{
        .sequence = static_cast<uint16_t>(i), .timestamp = 160 * i, .ssrc = kOurSsrc};
    RtpHeader theirs = ours;
    theirs.ssrc = kPeerSsrc;
    reporter_.OnSent(ours, 160, 8000, now_);
    peer.OnSent(theirs, 160, 8000, now_);
    if (i % 20 != 7) peer.OnReceived(ours, 8000, now_ + kWay);
    reporter_.OnReceived(theirs, 8000, now_ + kWay);
    now_ += 20ms;
    if (now_ >= reporter_.next_report()) peer.OnReport(Report(), now_ + kWay);
    if (now_ >= peer.next_report()) {
      Bytes report(RtcpReporter::kMaxReport);
      report.resize(peer.BuildReport(report, now_));
      reporter_.OnReport(report, now_ + kWay);
    }
  }
  const LegQuality quality = reporter_.quality(AudioCodec::kPcma, AudioCodec::kPcma);
  ASSERT_TRUE(quality.rtt);
  EXPECT_NEAR(static_cast<double>(quality.rtt->count()), 60e6, 0.1e6);
  ASSERT_TRUE(quality.sent);
  EXPECT_EQ(quality.sent->packets, 1500u);
  EXPECT_NEAR(quality.sent->loss, 0.05, 0.005);
  EXPECT_NEAR(quality.sent->mos.value_or(0), 3.84, 0.03);
  EXPECT_EQ(quality.received->lost, 0u);
  EXPECT_GT(quality.received->mos.value_or(0), 4.36);
  ASSERT_TRUE(peer.quality({}, {}).rtt);
  EXPECT_NEAR(static_cast<double>(peer.quality({}, {}).rtt->count()), 60e6, 0.1e6);
}

TEST(IsCompoundRtcp, WantsSrOrRrFirstAndLengthsThatAddUp) {
  Bytes rr = {0x80, 201, 0, 1, 1, 2, 3, 4};
  EXPECT_TRUE(IsCompoundRtcp(rr));
  rr[1] = 203;
  EXPECT_FALSE(IsCompoundRtcp(rr));
  rr[1] = 201;
  rr[3] = 2;
  EXPECT_FALSE(IsCompoundRtcp(rr));
  rr[3] = 0;
  EXPECT_FALSE(IsCompoundRtcp(rr)) << "the rest has no version 2";
  rr[3] = 1;
  rr[0] = 0x40;
  EXPECT_FALSE(IsCompoundRtcp(rr));
}

TEST(IsCompoundRtcp, StaysInsideEveryShortPacket) {
  std::mt19937 random(1);
  SeededRandom seed(1);
  RtcpReporter reporter(kOurSsrc, seed, TimePoint(1s));
  for (size_t size = 0; size <= 64; ++size) {
    for (int first = 0; first < 256; ++first) {
      Bytes packet(size);
      for (uint8_t& b : packet) b = static_cast<uint8_t>(random() % 4 == 0 ? random() : 0);
      if (size > 0) packet[0] = static_cast<uint8_t>(first);
      if (size > 1) packet[1] = static_cast<uint8_t>(200 + random() % 3);
      EXPECT_EQ(reporter.OnReport(packet, TimePoint(2s)), IsCompoundRtcp(packet));
    }
  }
}

}  // namespace
}  // namespace lastmile::media

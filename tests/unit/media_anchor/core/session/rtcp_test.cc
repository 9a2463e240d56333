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

#include "media_anchor/core/rtcp_xr.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "media_anchor/core/e_model.h"

namespace lastmile::media {
namespace {

constexpr uint8_t kVersion2 = 0x80;
constexpr uint8_t kExtendedReportType = 207;
constexpr size_t kPacketHeader = 8;  // with the SSRC of who reports
constexpr size_t kBlockHeader = 4;

enum BlockType : uint8_t { kReceiverTime = 4, kReceiverDelay = 5, kVoipMetrics = 7 };
// Whole blocks.
constexpr size_t kTimeSize = 12;
constexpr size_t kDelaySize = 12;  // of one receiver, without the block's header
constexpr size_t kVoipSize = 36;

constexpr uint8_t kBestRating = 100;
constexpr uint8_t kWorstMos = 10;  // tenths
constexpr uint8_t kBestMos = 50;

uint32_t MiddleOf(uint64_t ntp) { return static_cast<uint32_t>(ntp >> 16); }

VoipMetrics ReadVoip(const uint8_t* block) {
  return {.ssrc = LoadBe32(block + 4),
          .loss_rate = block[8],
          .discard_rate = block[9],
          .burst_density = block[10],
          .gap_density = block[11],
          .burst_ms = LoadBe16(block + 12),
          .gap_ms = LoadBe16(block + 14),
          .round_trip_ms = LoadBe16(block + 16),
          .end_system_ms = LoadBe16(block + 18),
          .signal_level = block[20],
          .noise_level = block[21],
          .echo_return_loss = block[22],
          .gmin = block[23],
          .r_factor = block[24],
          .external_r_factor = block[25],
          .mos_lq = block[26],
          .mos_cq = block[27],
          .receiver_config = block[28],
          .buffer_ms = LoadBe16(block + 30),
          .buffer_max_ms = LoadBe16(block + 32),
          .buffer_abs_max_ms = LoadBe16(block + 34)};
}

void WriteVoip(const VoipMetrics& metrics, uint8_t* block) {
  StoreBe32(block + 4, metrics.ssrc);
  block[8] = metrics.loss_rate;
  block[9] = metrics.discard_rate;
  block[10] = metrics.burst_density;
  block[11] = metrics.gap_density;
  StoreBe16(block + 12, metrics.burst_ms);
  StoreBe16(block + 14, metrics.gap_ms);
  StoreBe16(block + 16, metrics.round_trip_ms);
  StoreBe16(block + 18, metrics.end_system_ms);
  block[20] = metrics.signal_level;
  block[21] = metrics.noise_level;
  block[22] = metrics.echo_return_loss;
  block[23] = metrics.gmin;
  block[24] = metrics.r_factor;
  block[25] = metrics.external_r_factor;
  block[26] = metrics.mos_lq;
  block[27] = metrics.mos_cq;
  block[28] = metrics.receiver_config;
  block[29] = 0;
  StoreBe16(block + 30, metrics.buffer_ms);
  StoreBe16(block + 32, metrics.buffer_max_ms);
  StoreBe16(block + 34, metrics.buffer_abs_max_ms);
}

// `block` with its header, as long as that says. False: its kind has another length.
bool ReadBlock(uint32_t reporter, ByteView block, uint32_t ssrc, ExtendedReport& report) {
  switch (block[0]) {
    case kReceiverTime:
      if (block.size() != kTimeSize) return false;
      if (!report.time) {
        report.time = {.ssrc = reporter,
                       .ntp = uint64_t{LoadBe32(&block[4])} << 32 | LoadBe32(&block[8])};
      }
      return true;
    case kReceiverDelay:
      if ((block.size() - kBlockHeader) % kDelaySize != 0) return false;
      for (size_t at = kBlockHeader; at < block.size(); at += kDelaySize) {
        if (LoadBe32(&block[at]) != ssrc || report.delay) continue;
        report.delay = {.ssrc = ssrc,
                        .last_rr = LoadBe32(&block[at + 4]),
                        .since_rr = LoadBe32(&block[at + 8])};
      }
      return true;
    case kVoipMetrics:
      if (block.size() != kVoipSize) return false;
      if (LoadBe32(&block[4]) == ssrc && !report.voip) report.voip = ReadVoip(block.data());
      return true;
    default:
      return true;
  }
}

// One XR packet. False: it is malformed.
bool ReadPacket(ByteView packet, uint32_t ssrc, ExtendedReport& report) {
  if (packet.size() < kPacketHeader) return false;
  const uint32_t reporter = LoadBe32(&packet[4]);
  for (ByteView rest = packet.subspan(kPacketHeader); !rest.empty();) {
    const size_t size = kBlockHeader + 4 * size_t{LoadBe16(&rest[2])};
    if (size > rest.size() || !ReadBlock(reporter, rest.first(size), ssrc, report)) return false;
    rest = rest.subspan(size);
  }
  return true;
}

void WriteBlockHeader(uint8_t* block, BlockType type, size_t size) {
  block[0] = type;
  block[1] = 0;
  StoreBe16(block + 2, static_cast<uint16_t>((size - kBlockHeader) / 4));
}

uint8_t Of256(double share) {
  return static_cast<uint8_t>(std::clamp(std::floor(256 * share), 0.0, 255.0));
}

uint16_t MillisecondsOf(double milliseconds) {
  return static_cast<uint16_t>(std::clamp(std::round(milliseconds), 0.0, 65535.0));
}

uint16_t MillisecondsOf(Duration duration) {
  return MillisecondsOf(std::chrono::duration<double, std::milli>(duration).count());
}

uint8_t TenthsOf(double mos) { return static_cast<uint8_t>(std::lround(10 * mos)); }

}  // namespace

ExtendedReport ParseExtendedReport(ByteView compound, uint32_t ssrc) {
  ExtendedReport report;
  while (compound.size() >= kBlockHeader && !report.malformed) {
    const size_t size = 4 * (size_t{LoadBe16(&compound[2])} + 1);
    if (size > compound.size()) break;
    if (compound[1] == kExtendedReportType) {
      report.malformed = !ReadPacket(compound.first(size), ssrc, report);
    }
    compound = compound.subspan(size);
  }
  return report;
}

size_t WriteExtendedReport(const ExtendedReport& report, uint32_t from_ssrc, MutableByteView out) {
  if (out.size() < kMaxExtendedReport) return 0;
  size_t size = kPacketHeader;
  if (report.time) {
    WriteBlockHeader(&out[size], kReceiverTime, kTimeSize);
    StoreBe32(&out[size + 4], static_cast<uint32_t>(report.time->ntp >> 32));
    StoreBe32(&out[size + 8], static_cast<uint32_t>(report.time->ntp));
    size += kTimeSize;
  }
  if (report.delay) {
    WriteBlockHeader(&out[size], kReceiverDelay, kBlockHeader + kDelaySize);
    StoreBe32(&out[size + 4], report.delay->ssrc);
    StoreBe32(&out[size + 8], report.delay->last_rr);
    StoreBe32(&out[size + 12], report.delay->since_rr);
    size += kBlockHeader + kDelaySize;
  }
  if (report.voip) {
    WriteBlockHeader(&out[size], kVoipMetrics, kVoipSize);
    WriteVoip(*report.voip, &out[size]);
    size += kVoipSize;
  }
  if (size == kPacketHeader) return 0;
  out[0] = kVersion2;
  out[1] = kExtendedReportType;
  StoreBe16(&out[2], static_cast<uint16_t>(size / 4 - 1));
  StoreBe32(&out[4], from_ssrc);
  return size;
}

std::optional<HeardQuality> HeardIn(const std::optional<VoipMetrics>& metrics) {
  if (!metrics) return std::nullopt;
  HeardQuality heard{.loss = metrics->loss_rate / 256.0,
                     .discarded = metrics->discard_rate / 256.0,
                     .buffer = std::chrono::milliseconds(metrics->buffer_ms)};
  // Beyond their ranges both are reserved, or unknown.
  if (metrics->r_factor <= kBestRating) heard.rating = metrics->r_factor;
  const auto mos = [](uint8_t tenths) {
    return tenths >= kWorstMos && tenths <= kBestMos ? std::optional(tenths / 10.0) : std::nullopt;
  };
  heard.mos_lq = mos(metrics->mos_lq);
  heard.mos_cq = mos(metrics->mos_cq);
  return heard;
}

// The algorithm of section 4.7.2, a packet at a time.
void BurstMeter::OnPacket(uint32_t lost_before) {
  for (uint32_t lost = std::min(lost_before, kMostLost); lost > 0; --lost) OnLost();
  ++received_;
}

void BurstMeter::OnLost() {
  if (lost_ == 0 || received_ >= kGmin) {
    if (lost_ == 1) {
      ++alone_;
    } else if (lost_ > 1) {
      ++gap_to_burst_;
    }
    lost_ = 1;
    within_gap_ += received_;
  } else {
    ++lost_;
    if (received_ == 0) {
      ++lost_in_row_;
    } else {
      ++lost_again_;
      received_in_burst_ += received_ - 1;
    }
  }
  received_ = 0;
}

BurstMeter::Shape BurstMeter::shape() const {
  // What is still under way counts as if its end were now.
  const auto gap = static_cast<double>(within_gap_ + received_);
  const auto bursts = static_cast<double>(gap_to_burst_ + (lost_ > 1 ? 1 : 0));
  const auto alone = static_cast<double>(alone_ + (lost_ == 1 ? 1 : 0));
  const auto again = static_cast<double>(lost_again_);
  const auto row = static_cast<double>(lost_in_row_);
  const auto in_burst = static_cast<double>(received_in_burst_);
  Shape shape;
  if (gap + alone > 0) shape.gap_density = alone / (gap + alone);
  shape.gap_packets = (gap + alone) / (bursts + 1);
  if (bursts > 0) {
    // Each burst begins with a loss that is in no other count.
    const double lost = bursts + again + row;
    const double all = lost + again + in_burst;
    shape.burst_density = lost / all;
    shape.burst_packets = all / bursts;
  }
  return shape;
}

void ExtendedReporter::OnReport(ByteView compound, uint64_t ntp) {
  const ExtendedReport report = ParseExtendedReport(compound, ssrc_);
  if (report.malformed) ++malformed_;
  if (report.time) {
    peer_time_ = report.time;
    peer_time_at_ = MiddleOf(ntp);
  }
  if (report.delay) {
    round_trip_.OnReport({.last_sr = report.delay->last_rr, .since_sr = report.delay->since_rr},
                         MiddleOf(ntp));
  }
  if (report.voip) of_peer_ = report.voip;
}

VoipMetrics ExtendedReporter::Describe(const Received& received) const {
  const StreamQuality& quality = received.quality;
  const BurstMeter::Shape shape = bursts_.shape();
  const double packet_ms = std::chrono::duration<double, std::milli>(received.per_packet).count();
  VoipMetrics metrics{.ssrc = received.ssrc,
                      .loss_rate = Of256(quality.loss),
                      .burst_density = Of256(shape.burst_density),
                      .gap_density = Of256(shape.gap_density),
                      .burst_ms = MillisecondsOf(shape.burst_packets * packet_ms),
                      .gap_ms = MillisecondsOf(shape.gap_packets * packet_ms),
                      .round_trip_ms = MillisecondsOf(received.rtt.value_or(Duration::zero())),
                      .gmin = BurstMeter::kGmin};
  if (!received.codec) return metrics;
  const double rating = RatingOf(quality, received.rtt);
  metrics.r_factor = static_cast<uint8_t>(std::lround(rating));
  metrics.mos_lq = TenthsOf(MosOf(TransmissionRating(kConcealedG711, quality.loss, {})));
  metrics.mos_cq = TenthsOf(MosOf(rating));
  return metrics;
}

size_t ExtendedReporter::Build(const std::optional<Received>& received, bool sends, uint64_t ntp,
                               MutableByteView out) {
  ExtendedReport report;
  if (plan_.round_trip != XrPlan::RoundTrip::kNone) {
    report.time = {.ssrc = ssrc_, .ntp = ntp};
    round_trip_.OnSenderReport(MiddleOf(ntp));
    const bool may_answer = sends || plan_.round_trip == XrPlan::RoundTrip::kAll;
    if (peer_time_ && may_answer) {
      report.delay = {.ssrc = peer_time_->ssrc,
                      .last_rr = MiddleOf(peer_time_->ntp),
                      .since_rr = MiddleOf(ntp) - peer_time_at_};
      peer_time_.reset();
    }
  }
  if (plan_.voip_metrics && received) report.voip = Describe(*received);
  return WriteExtendedReport(report, ssrc_, out);
}

}  // namespace lastmile::media

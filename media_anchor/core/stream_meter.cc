#include "media_anchor/core/stream_meter.h"

#include <algorithm>
#include <chrono>

#include "media_anchor/core/e_model.h"

namespace lastmile::media {
namespace {

constexpr uint8_t kSenderReport = 200;
constexpr uint8_t kReceiverReport = 201;
constexpr size_t kHeaderSize = 8;  // with the SSRC of who reports
constexpr size_t kSenderInfoSize = 20;
constexpr size_t kBlockSize = 24;
constexpr uint8_t kCountMask = 0x1f;
// More packets than a call sends between two reports: another stream, or another count.
constexpr uint32_t kMaxStep = 100'000;
constexpr double kNtpFraction = 65536;  // of a second
// Clocks tick in steps: on a short way the difference may be less than nothing, by 10 ms at most.
constexpr int32_t kRounding = 655;

int32_t SignExtended24(uint32_t value) { return static_cast<int32_t>(value << 8) >> 8; }

ReportBlock ReadBlock(uint32_t reporter, ByteView block) {
  return {.reporter = reporter,
          .lost = SignExtended24(LoadBe32(&block[4])),
          .highest = LoadBe32(&block[8]),
          .jitter = LoadBe32(&block[12]),
          .last_sr = LoadBe32(&block[16]),
          .since_sr = LoadBe32(&block[20])};
}

// `packet` is one packet, as long as its length field says.
std::optional<ReportBlock> FindInPacket(ByteView packet, uint32_t ssrc) {
  const bool sender = packet[1] == kSenderReport;
  if (!sender && packet[1] != kReceiverReport) return std::nullopt;
  size_t at = kHeaderSize + (sender ? kSenderInfoSize : 0);
  for (int left = packet[0] & kCountMask; left > 0; --left, at += kBlockSize) {
    if (packet.size() < at + kBlockSize) return std::nullopt;
    const ByteView block = packet.subspan(at, kBlockSize);
    if (LoadBe32(block.data()) == ssrc) return ReadBlock(LoadBe32(&packet[4]), block);
  }
  return std::nullopt;
}

}  // namespace

Duration FromSeconds(double seconds) {
  return std::chrono::round<Duration>(std::chrono::duration<double>(seconds));
}

double ShareOf(uint64_t lost, uint64_t expected) {
  if (expected == 0) return 0;
  return static_cast<double>(std::min(lost, expected)) / static_cast<double>(expected);
}

bool LossMeter::Close(uint64_t expected, uint64_t lost, TimePoint now) {
  if (expected < expected_ + kFewest) return false;
  const uint64_t lost_now = lost > lost_ ? lost - lost_ : 0;
  worst_ = std::max(worst_.value_or(0), ShareOf(lost_now, expected - expected_));
  expected_ = expected;
  lost_ = lost;
  Begin(now);
  return true;
}

double LossMeter::Worst(uint64_t expected, uint64_t lost) const {
  return worst_.value_or(ShareOf(lost, expected));
}

std::optional<ReportBlock> FindReportBlock(ByteView compound, uint32_t ssrc) {
  while (compound.size() >= kHeaderSize) {
    const size_t size = 4 * (size_t{LoadBe16(&compound[2])} + 1);
    if (size > compound.size()) return std::nullopt;
    if (size >= kHeaderSize) {
      if (const auto block = FindInPacket(compound.first(size), ssrc)) return block;
    }
    compound = compound.subspan(size);
  }
  return std::nullopt;
}

void SentCounter::OnPacket(uint16_t sequence) {
  const auto ahead = static_cast<int16_t>(sequence - highest_);
  if (packets_++ == 0) {
    span_ = 1;
    highest_ = sequence;
  } else if (ahead > 0) {
    span_ += static_cast<uint64_t>(ahead);
    highest_ = sequence;
  }
}

SentNumbers SentCounter::numbers() const {
  return {.packets = packets_, .missing = span_ > packets_ ? span_ - packets_ : 0};
}

// Of another reporter's count nobody knows where it began. The first report of all counts from the
// first packet.
std::optional<SentMeter::Step> SentMeter::StepTo(const ReportBlock& block,
                                                 const SentNumbers& sent) const {
  const auto missing = static_cast<int64_t>(sent.missing - missing_);
  if (!last_) {
    return Step{.expected = static_cast<int64_t>(sent.packets), .lost = block.lost - missing};
  }
  if (last_->reporter != block.reporter) return std::nullopt;
  const uint32_t expected = block.highest - last_->highest;
  if (expected > kMaxStep) return std::nullopt;
  return Step{.expected = std::max<int64_t>(expected - missing, 0),
              .lost = int64_t{block.lost} - last_->lost - missing};
}

void SentMeter::OnReport(const ReportBlock& block, const SentNumbers& sent, uint32_t clock_rate,
                         TimePoint now) {
  if (const auto step = StepTo(block, sent)) {
    expected_ += static_cast<uint64_t>(step->expected);
    lost_ += std::clamp(step->lost, -step->expected, step->expected);
  }
  last_ = block;
  missing_ = sent.missing;
  if (clock_rate != 0) jitter_.Add(static_cast<double>(block.jitter) / clock_rate);
  if (now >= loss_.window_ends()) {
    loss_.Close(expected_, static_cast<uint64_t>(std::max<int64_t>(lost_, 0)), now);
  }
}

std::optional<StreamQuality> SentMeter::quality(uint64_t sent) const {
  if (!last_) return std::nullopt;
  const auto lost = static_cast<uint64_t>(std::max<int64_t>(lost_, 0));
  return StreamQuality{.packets = sent,
                       .lost = lost,
                       .loss = ShareOf(lost, expected_),
                       .worst_loss = loss_.Worst(expected_, lost),
                       .jitter = FromSeconds(jitter_.value().value_or(0))};
}

void RoundTripMeter::OnSenderReport(uint32_t ntp_middle) {
  before_ = latest_;
  latest_ = ntp_middle;
}

void RoundTripMeter::OnReport(const ReportBlock& block, uint32_t ntp_middle) {
  if (block.last_sr == 0 || (block.last_sr != latest_ && block.last_sr != before_)) return;
  const auto units = static_cast<int32_t>(ntp_middle - block.last_sr - block.since_sr);
  if (units < -kRounding) return;
  seconds_.Add(std::max(units, 0) / kNtpFraction);
}

std::optional<Duration> RoundTripMeter::mean() const {
  return seconds_.value().transform(FromSeconds);
}

double RatingOf(const StreamQuality& quality, const std::optional<Duration>& rtt) {
  const Duration delay = rtt.value_or(Duration::zero()) / 2 + kReceiverBuffer + 2 * quality.jitter;
  return TransmissionRating(kConcealedG711, quality.loss, delay);
}

void AddMos(std::optional<AudioCodec> codec, const std::optional<Duration>& rtt,
            StreamQuality& quality) {
  if (codec) quality.mos = MosOf(RatingOf(quality, rtt));
}

}  // namespace lastmile::media

#include "media_anchor/core/rtcp.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "media_anchor/core/rtcp_feedback.h"

namespace lastmile::media {
namespace {

constexpr uint8_t kVersion2 = 0x80;
constexpr uint8_t kPaddingBit = 0x20;
constexpr uint8_t kSenderReport = 200;
constexpr uint8_t kReceiverReport = 201;
constexpr uint8_t kSourceDescription = 202;
constexpr uint8_t kCname = 1;
constexpr size_t kBlockSize = 24;
constexpr size_t kSenderInfoSize = 20;
// RFC 3550 appendix A.1.
constexpr uint16_t kMaxDropout = 3000;
constexpr uint16_t kMaxMisorder = 100;

void WriteHeader(uint8_t* out, uint8_t count, uint8_t type, size_t size) {
  out[0] = kVersion2 | count;
  out[1] = type;
  StoreBe16(out + 2, static_cast<uint16_t>(size / 4 - 1));
}

uint64_t NtpOf(Duration since_start) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since_start);
  const uint64_t rest = static_cast<uint64_t>((since_start - seconds).count());
  return static_cast<uint64_t>(seconds.count()) << 32 | (rest << 32) / 1'000'000'000;
}

uint32_t TicksOf(Duration duration, uint32_t clock_rate) {
  const auto us = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  return static_cast<uint32_t>(static_cast<uint64_t>(us) * clock_rate / 1'000'000);
}

}  // namespace

bool HasSoundRtcpLengths(ByteView packet) {
  for (size_t at = 0; at < packet.size();) {
    if (packet.size() - at < 4 || (packet[at] & 0xc0) != kVersion2) return false;
    const size_t size = 4 * (size_t{LoadBe16(&packet[at + 2])} + 1);
    if (size > packet.size() - at) return false;
    const bool is_last = at + size == packet.size();
    if ((packet[at] & kPaddingBit) && !is_last) return false;
    at += size;
  }
  return true;
}

bool IsCompoundRtcp(ByteView packet) {
  return packet.size() >= 8 && (packet[1] == kSenderReport || packet[1] == kReceiverReport) &&
         HasSoundRtcpLengths(packet);
}

RtcpReporter::RtcpReporter(uint32_t ssrc, RandomSource& random, TimePoint now)
    : ssrc_(ssrc),
      start_(now),
      jitter_of_schedule_(static_cast<uint32_t>(random.Next64())),
      next_(now),
      xr_(ssrc) {
  const std::string token = random.Token(cname_.size());  // RFC 7022 section 4.2
  std::copy(token.begin(), token.end(), cname_.begin());
  ScheduleNext(now);
}

void RtcpReporter::ScheduleNext(TimePoint now) {
  // 0.5 to 1.5 of the interval (RFC 3550 section 6.3.1), so that reports of many calls spread.
  next_ = now + kInterval / 2 + kInterval * (jitter_of_schedule_() % 1024) / 1024;
}

void RtcpReporter::OnSent(const RtpHeader& header, size_t payload_size, uint32_t clock_rate,
                          TimePoint now) {
  if (!active_) ScheduleNext(now);
  active_ = true;
  sent_since_report_ = true;
  sent_numbers_.OnPacket(header.sequence);
  bytes_sent_ += static_cast<uint32_t>(payload_size);
  last_timestamp_ = header.timestamp;
  last_clock_rate_ = clock_rate;
  last_sent_at_ = now;
}

void RtcpReporter::OnReceived(const RtpHeader& header, uint32_t clock_rate, TimePoint now) {
  // Packets of a type that was not agreed on may be anybody's.
  if (clock_rate == 0 && (!source_ || source_->ssrc != header.ssrc)) return;
  if (!active_) ScheduleNext(now);
  active_ = true;
  if (!source_) {
    loss_.Begin(now);
    first_received_at_ = now;
  }
  Count(header.sequence, header.ssrc);
  if (clock_rate != 0) MeasureJitter(header.timestamp, clock_rate, now);
  if (now < loss_.window_ends()) return;
  const Totals all = totals();
  if (loss_.Close(all.expected, all.lost, now)) jitter_.Add(source_->jitter_seconds());
}

void RtcpReporter::MeasureJitter(uint32_t timestamp, uint32_t clock_rate, TimePoint now) {
  Source& s = *source_;
  // Between two clocks nothing can be compared (RFC 7160 section 4).
  if (s.clock_rate != clock_rate) {
    s.clock_rate = clock_rate;
    s.transit.reset();
    s.jitter = 0;
  }
  const uint32_t transit = TicksOf(now - start_, clock_rate) - timestamp;
  if (s.transit) {
    const auto moved = static_cast<int32_t>(transit - *s.transit);
    s.jitter += (std::abs(static_cast<double>(moved)) - s.jitter) / 16;
  }
  s.transit = transit;
}

void RtcpReporter::Totals::Add(const Source& source) {
  received += source.received;
  expected += source.expected();
  // More came than was expected if packets came twice.
  if (source.expected() > source.received) lost += source.expected() - source.received;
}

RtcpReporter::Totals RtcpReporter::totals() const {
  Totals all = earlier_;
  if (source_) all.Add(*source_);
  return all;
}

std::optional<StreamQuality> RtcpReporter::received() const {
  if (!source_) return std::nullopt;
  const Totals all = totals();
  const double jitter = jitter_.value().value_or(source_->jitter_seconds());
  return StreamQuality{.packets = all.received,
                       .lost = all.lost,
                       .loss = ShareOf(all.lost, all.expected),
                       .worst_loss = loss_.Worst(all.expected, all.lost),
                       .jitter = FromSeconds(jitter)};
}

std::optional<Duration> RtcpReporter::rtt() const {
  // Who sends media is answered by every receiver report; who does not has its own times alone.
  const auto of_reports = round_trip_.mean();
  return of_reports ? of_reports : xr_.rtt();
}

std::optional<ExtendedReporter::Received> RtcpReporter::ReceivedOf(std::optional<AudioCodec> codec,
                                                                   TimePoint now) const {
  const auto quality = received();
  if (!quality) return std::nullopt;
  return ExtendedReporter::Received{
      .ssrc = source_->ssrc,
      .quality = *quality,
      .codec = codec,
      .rtt = rtt(),
      .per_packet = (now - first_received_at_) / static_cast<int64_t>(totals().expected)};
}

LegQuality RtcpReporter::quality(std::optional<AudioCodec> received_codec,
                                 std::optional<AudioCodec> sent_codec) const {
  LegQuality quality{.received = received(),
                     .sent = sent_.quality(sent_numbers_.numbers().packets),
                     .rtt = rtt(),
                     .heard = HeardIn(xr_.of_peer()),
                     .malformed_xr = xr_.malformed()};
  if (quality.received) AddMos(received_codec, quality.rtt, *quality.received);
  if (quality.sent) AddMos(sent_codec, quality.rtt, *quality.sent);
  return quality;
}

uint32_t RtcpReporter::NtpMiddle(TimePoint now) const {
  return static_cast<uint32_t>(NtpOf(now - start_) >> 16);
}

void RtcpReporter::Count(uint16_t sequence, uint32_t ssrc) {
  const uint16_t ahead =
      source_ ? static_cast<uint16_t>(sequence - static_cast<uint16_t>(source_->highest)) : 0;
  const uint16_t behind = static_cast<uint16_t>(-ahead);
  if (!source_ || source_->ssrc != ssrc || (ahead > kMaxDropout && behind > kMaxMisorder)) {
    if (source_) earlier_.Add(*source_);
    source_ = Source{.ssrc = ssrc, .first = sequence, .highest = sequence};
    xr_.OnReceived(0);
  } else if (ahead <= kMaxDropout) {
    source_->highest += ahead;
    if (ahead > 0) xr_.OnReceived(ahead - 1u);
  }
  ++source_->received;
}

bool RtcpReporter::OnReport(ByteView packet, TimePoint now) {
  if (!IsCompoundRtcp(packet)) return false;
  const bool has_sender_info = packet[1] == kSenderReport && packet.size() >= 8 + kSenderInfoSize &&
                               LoadBe16(&packet[2]) >= 6;
  if (has_sender_info && source_ && LoadBe32(&packet[4]) == source_->ssrc) {
    source_->last_sr = LoadBe32(&packet[10]);
    source_->last_sr_at = now;
  }
  const SentNumbers sent = sent_numbers_.numbers();
  const auto block = sent.packets == 0 ? std::nullopt : FindReportBlock(packet, ssrc_);
  if (block) {
    sent_.OnReport(*block, sent, last_clock_rate_, now);
    round_trip_.OnReport(*block, NtpMiddle(now));
  }
  xr_.OnReport(packet, NtpOf(now - start_));
  return true;
}

size_t RtcpReporter::BuildReport(MutableByteView out, TimePoint now,
                                 std::optional<AudioCodec> received) {
  if (out.size() < kMaxReport) return 0;
  const bool is_sender = sent_since_report_;
  const size_t blocks = source_ ? 1 : 0;
  const size_t info = is_sender ? kSenderInfoSize : 0;
  const size_t size = 8 + info + blocks * kBlockSize;
  WriteHeader(out.data(), static_cast<uint8_t>(blocks), is_sender ? kSenderReport : kReceiverReport,
              size);
  StoreBe32(&out[4], ssrc_);
  if (is_sender) {
    WriteSenderInfo(&out[8], now);
    round_trip_.OnSenderReport(NtpMiddle(now));
  }
  if (source_) WriteBlock(&out[8 + info], now);
  sent_since_report_ = false;
  ScheduleNext(now);
  const size_t head = size + WriteSdes(&out[size]);
  return head +
         xr_.Build(ReceivedOf(received, now), is_sender, NtpOf(now - start_), out.subspan(head));
}

size_t RtcpReporter::BuildFeedback(const Feedback& feedback, uint32_t media_ssrc,
                                   MutableByteView out) const {
  static_assert(kMaxFeedback >= kMaxReport + Feedback::kMaxSize);
  if (out.size() < kMaxFeedback) return 0;
  constexpr size_t kEmptyReport = 8;
  WriteHeader(out.data(), 0, kReceiverReport, kEmptyReport);
  StoreBe32(&out[4], ssrc_);
  const size_t head = kEmptyReport + WriteSdes(&out[kEmptyReport]);
  return head + WriteFeedback(feedback, ssrc_, media_ssrc, out.subspan(head));
}

void RtcpReporter::WriteSenderInfo(uint8_t* out, TimePoint now) const {
  const uint64_t ntp = NtpOf(now - start_);
  StoreBe32(out, static_cast<uint32_t>(ntp >> 32));
  StoreBe32(out + 4, static_cast<uint32_t>(ntp));
  StoreBe32(out + 8, last_timestamp_ + TicksOf(now - last_sent_at_, last_clock_rate_));
  StoreBe32(out + 12, static_cast<uint32_t>(sent_numbers_.numbers().packets));
  StoreBe32(out + 16, bytes_sent_);
}

void RtcpReporter::WriteBlock(uint8_t* out, TimePoint now) {
  Source& s = *source_;
  const uint32_t expected = s.expected();
  const int64_t lost = int64_t{expected} - int64_t{s.received};
  const uint32_t expected_now = expected - s.expected_before;
  const int64_t lost_now = int64_t{expected_now} - int64_t{s.received - s.received_before};
  s.expected_before = expected;
  s.received_before = s.received;
  StoreBe32(out, s.ssrc);
  StoreBe32(out + 4,
            static_cast<uint32_t>(std::clamp<int64_t>(lost, -0x800000, 0x7fffff)) & 0xffffff);
  out[4] = expected_now == 0 || lost_now <= 0
               ? 0
               : static_cast<uint8_t>(std::min<int64_t>(255, lost_now * 256 / expected_now));
  StoreBe32(out + 8, s.highest);
  StoreBe32(out + 12, static_cast<uint32_t>(std::min(s.jitter, 4294967295.0)));
  StoreBe32(out + 16, s.last_sr);
  StoreBe32(out + 20, s.last_sr == 0 ? 0 : static_cast<uint32_t>(NtpOf(now - s.last_sr_at) >> 16));
}

size_t RtcpReporter::WriteSdes(uint8_t* out) const {
  // Header, SSRC, item header and text, then at least one zero up to the next word.
  constexpr size_t kSize = (4 + 4 + 2 + std::tuple_size_v<decltype(cname_)> + 1 + 3) / 4 * 4;
  std::fill_n(out, kSize, 0);
  WriteHeader(out, 1, kSourceDescription, kSize);
  StoreBe32(out + 4, ssrc_);
  out[8] = kCname;
  out[9] = static_cast<uint8_t>(cname_.size());
  std::copy(cname_.begin(), cname_.end(), out + 10);
  return kSize;
}

}  // namespace lastmile::media

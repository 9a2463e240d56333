#include "media_anchor/core/relay.h"

#include <algorithm>

namespace lastmile::media {
namespace {

// Between two packets of different sources passes at least one packet's worth of time.
constexpr Duration kMinJoinGap = 20ms;

uint32_t TicksOf(Duration elapsed, uint32_t clock_rate) {
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(elapsed).count();
  return static_cast<uint32_t>(static_cast<uint64_t>(ms) * clock_rate / 1000);
}

}  // namespace

RelayStream::RelayStream(RandomSource& random, bool video)
    : video_(video),
      ssrc_(static_cast<uint32_t>(random.Next64())),
      // Below 2^15, so that neither side can guess a wrong roll-over count (RFC 3711
      // section 3.3.1).
      out_highest_(static_cast<uint16_t>(random.Next64() & 0x7fff)),
      out_timestamp_(static_cast<uint32_t>(random.Next64())) {}

void RelayStream::MapPayload(uint8_t in, uint8_t out, const PayloadMapping& mapping) {
  if (in >= payloads_.size() || out >= payloads_.size()) return;
  // The first packet of a source starts a talkspurt (RFC 3551 section 4.1). On telephone-event the
  // marker means the start of a digit (RFC 4733 section 2.2.2) and on video the end of a picture:
  // there it is not ours to set.
  payloads_[in] = {!mapping.telephone_event && !video_, out, mapping.clock_rate};
}

std::optional<RelayStream::Forwarded> RelayStream::Forward(const RtpView& packet, TimePoint now) {
  const RtpHeader& in = packet.header();
  const Payload& payload = payloads_[in.payload_type];
  if (payload.clock_rate == 0) return std::nullopt;
  const Step step = Track(in, now);
  if (step == Step::kDrop) return std::nullopt;
  if (step == Step::kJoin) Join(in, payload.clock_rate, now);

  RtpHeader out;
  out.marker = in.marker || (step == Step::kJoin && payload.marks_joins);
  out.payload_type = payload.out;
  out.sequence = static_cast<uint16_t>(in.sequence + sequence_offset_);
  out.timestamp = in.timestamp + timestamp_offset_;
  out.ssrc = ssrc_;
  if (const auto ahead = static_cast<int16_t>(out.sequence - out_highest_); ahead > 0) {
    out_span_ = static_cast<uint16_t>(std::min<int>(out_span_ + ahead, kMaxAge));
    out_highest_ = out.sequence;
    out_timestamp_ = out.timestamp;
    last_at_ = now;
  }
  return Forwarded{packet.Rewrite(out), out};
}

RelayStream::Step RelayStream::Track(const RtpHeader& in, TimePoint now) {
  if (started_ && in.ssrc == in_ssrc_) return TrackSequence(in.sequence);
  if (left_ssrc_ == in.ssrc && now - left_at_ < kLateWindow) return Step::kDrop;
  return Step::kJoin;
}

RelayStream::Step RelayStream::TrackSequence(uint16_t sequence) {
  const uint16_t ahead = sequence - in_highest_;
  const uint16_t behind = in_highest_ - sequence;
  if (ahead != 0 && ahead <= kMaxDropout) {
    in_seen_ = ahead < kMaxMisorder ? in_seen_ << ahead | 1 : 1;
    in_highest_ = sequence;
    jump_next_.reset();
    return Step::kForward;
  }
  if (behind < kMaxMisorder) {
    const Window bit = Window{1} << behind;
    if (in_seen_ & bit) return Step::kDrop;
    in_seen_ |= bit;
    return Step::kForward;
  }
  // Old video is sent again on request (RFC 4585), often in a row: late, not a jump.
  if (video_ && behind < kMaxAge) return Step::kDrop;
  // The source jumped or a stray came by. Two in a row are a jump (RFC 3550 appendix A.1).
  if (jump_next_ == sequence) return Step::kJoin;
  jump_next_ = static_cast<uint16_t>(sequence + 1);
  return Step::kDrop;
}

std::optional<uint16_t> RelayStream::SourceSequenceOf(uint16_t sequence) const {
  if (static_cast<uint16_t>(out_highest_ - sequence) >= out_span_) return std::nullopt;
  return static_cast<uint16_t>(sequence - sequence_offset_);
}

void RelayStream::Join(const RtpHeader& in, uint32_t clock_rate, TimePoint now) {
  uint32_t gap = 0;
  if (started_) {
    gap = TicksOf(std::max<Duration>(now - last_at_, kMinJoinGap), clock_rate);
    if (in.ssrc != in_ssrc_) {
      left_ssrc_ = in_ssrc_;
      left_at_ = now;
    }
  }
  started_ = true;
  in_ssrc_ = in.ssrc;
  in_highest_ = in.sequence;
  // What the new source numbered before this packet would take outgoing numbers that are used.
  in_seen_ = ~Window{0};
  out_span_ = 0;
  jump_next_.reset();
  sequence_offset_ = static_cast<uint16_t>(out_highest_ + 1 - in.sequence);
  timestamp_offset_ = out_timestamp_ + gap - in.timestamp;
}

void Relay::SetPayloads(std::span<const PayloadMapping> mappings) {
  to_trunk_.ClearPayloads();
  to_browser_.ClearPayloads();
  for (const PayloadMapping& mapping : mappings) {
    if (mapping.video != video_) continue;
    to_trunk_.MapPayload(mapping.browser_pt, mapping.trunk_pt, mapping);
    to_browser_.MapPayload(mapping.trunk_pt_in, mapping.browser_pt, mapping);
  }
}

}  // namespace lastmile::media

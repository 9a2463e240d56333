#include "media_anchor/core/relay_stream.h"

#include <algorithm>
#include <span>

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

void RelayStream::ClearPayloads() {
  payloads_ = {};
  recoded_count_ = 0;
  event_type_count_ = 0;
  tone_type_.reset();
}

void RelayStream::MapPayload(const Types& types, const PayloadMapping& mapping) {
  const bool leaves = types.out < payloads_.size();
  if (leaves && mapping.telephone_event && event_type_count_ < event_types_.size()) {
    event_types_[event_type_count_++] = {.number = types.out, .clock_rate = types.out_clock_rate};
  }
  const G711 law = LawOf(mapping.codec);
  if (leaves && law != G711::kNone && !tone_type_) {
    tone_type_ = {types.out, types.out_clock_rate, law};
  }
  if (clock_rate_ == 0 && !mapping.telephone_event) clock_rate_ = types.in_clock_rate;
  if (types.in >= payloads_.size() || payloads_[types.in].clock_rate != 0) return;
  if (!leaves && !mapping.telephone_event) return;
  // The first packet of a source starts a talkspurt (RFC 3551 section 4.1). On telephone-event the
  // marker means the start of a digit (RFC 4733 section 2.2.2) and on video the end of a picture:
  // there it is not ours to set.
  payloads_[types.in] = {.marks_joins = !mapping.telephone_event && !video_,
                         .event = mapping.telephone_event,
                         .codec = mapping.codec,
                         .out = types.out,
                         .clock_rate = types.in_clock_rate,
                         .out_clock_rate = types.out_clock_rate};
}

void RelayStream::MapRecoded(uint8_t number, uint32_t clock_rate, std::optional<AudioCodec> codec) {
  if (number >= payloads_.size() || recoded_count_ == recoded_.size()) return;
  const G711 law = LawOf(codec);
  if (law != G711::kNone && !tone_type_) tone_type_ = {number, clock_rate, law};
  if (codec && clock_rate_ == 0) clock_rate_ = clock_rate;
  recoded_[recoded_count_++] = {.marks_joins = codec.has_value(),
                                .event = !codec,
                                .codec = codec,
                                .out = number,
                                .clock_rate = clock_rate,
                                .out_clock_rate = clock_rate};
}

std::optional<RelayStream::Forwarded> RelayStream::Forward(const RtpView& packet, TimePoint now) {
  const Payload& payload = payloads_[packet.header().payload_type];
  return payload.clock_rate == 0 ? std::nullopt : ForwardAs(payload, packet, now);
}

std::optional<RelayStream::Forwarded> RelayStream::ForwardRecoded(const RtpView& packet,
                                                                  TimePoint now) {
  const auto types = std::span(recoded_).first(recoded_count_);
  const auto payload = std::ranges::find(types, packet.header().payload_type, &Payload::out);
  return payload == types.end() ? std::nullopt : ForwardAs(*payload, packet, now);
}

std::optional<RelayStream::Forwarded> RelayStream::ForwardAs(const Payload& payload,
                                                             const RtpView& packet, TimePoint now) {
  const RtpHeader& in = packet.header();
  const Step step = Track(in, now);
  if (step == Step::kDrop) return std::nullopt;
  bool joins = step == Step::kJoin;
  if (joins) Join(in, payload.event && clock_rate_ != 0 ? clock_rate_ : payload.clock_rate, now);
  const bool leaves = payload.out < payloads_.size();
  if (!leaves) Listen(packet, payload, now);
  if (!leaves || held_) {
    resume_ = true;
    ++withheld_;
    return std::nullopt;
  }
  if (resume_) {
    if (!Resume(in.sequence)) return std::nullopt;
    joins = true;
  }

  RtpHeader out;
  out.marker = in.marker || (joins && payload.marks_joins);
  out.payload_type = payload.out;
  out.sequence = static_cast<uint16_t>(in.sequence + sequence_offset_);
  out.timestamp = in.timestamp + timestamp_offset_;
  out.ssrc = ssrc_;
  const bool converts = payload.event && payload.clock_rate != payload.out_clock_rate;
  if (converts) {
    const auto timestamp = ConvertEvent(packet, payload, now);
    if (!timestamp) return std::nullopt;
    out.timestamp = *timestamp;
  }
  OnSent(out, payload, now);
  const MutableByteView rewritten = packet.Rewrite(out);
  if (!converts) return Forwarded{rewritten, out};
  return Forwarded{rewritten.first(RtpHeader::kSize + TelephoneEvent::kSize), out};
}

void RelayStream::OnSent(const RtpHeader& out, const Payload& payload, TimePoint now) {
  if (payload.event) event_at_ = now;
  const auto ahead = static_cast<int16_t>(out.sequence - out_highest_);
  if (ahead <= 0) return;
  out_span_ = static_cast<uint16_t>(std::min<int>(out_span_ + ahead, kMaxAge));
  out_highest_ = out.sequence;
  // The timestamp of an event is that of its beginning, perhaps long ago.
  if (payload.event && sent_) return;
  sent_ = true;
  out_timestamp_ = out.timestamp;
  last_at_ = now;
  if (payload.event) return;
  clock_rate_ = payload.clock_rate;
  codec_ = payload.codec;
  const G711 law = LawOf(codec_);
  if (law != G711::kNone) tone_type_ = {payload.out, payload.clock_rate, law};
}

// --- events ---

RtpHeader RelayStream::Insert(uint8_t payload_type, bool marker, uint32_t timestamp,
                              TimePoint now) {
  if (!sent_) {
    sent_ = true;
    out_timestamp_ = timestamp;
    last_at_ = now;
  }
  ++out_highest_;
  out_span_ = 0;
  resume_ = true;
  return {.marker = marker,
          .payload_type = payload_type,
          .sequence = out_highest_,
          .timestamp = timestamp,
          .ssrc = ssrc_};
}

uint32_t RelayStream::TimestampAt(TimePoint now) const {
  return sent_ ? out_timestamp_ + TicksOf(now - last_at_, clock_rate_) : out_timestamp_;
}

uint32_t RelayStream::StartEvent(TimePoint now) {
  uint32_t timestamp = TimestampAt(now);
  if (any_event_ && static_cast<int32_t>(timestamp - event_timestamp_) <= 0) {
    timestamp = event_timestamp_ + 1;
  }
  any_event_ = true;
  return event_timestamp_ = timestamp;
}

std::optional<OutgoingType> RelayStream::event_type() const {
  const auto types = std::span(event_types_).first(event_type_count_);
  const auto same_clock = std::ranges::find(types, clock_rate_, &OutgoingType::clock_rate);
  if (same_clock != types.end()) return *same_clock;
  return types.empty() ? std::nullopt : std::optional(types.front());
}

// The first packet since the source was held back takes the next number. False: it is from before.
bool RelayStream::Resume(uint16_t sequence) {
  if (sequence != in_highest_) return false;
  sequence_offset_ = static_cast<uint16_t>(out_highest_ + 1 - sequence);
  in_seen_ = ~Window{0};
  out_span_ = 0;
  resume_ = false;
  return true;
}

void RelayStream::Listen(const RtpView& packet, const Payload& payload, TimePoint now) {
  const auto event = TelephoneEvent::Parse(packet.payload());
  if (!event) return;
  const auto kind = events_.On(packet.header(), *event, payload.clock_rate);
  if (kind != EventTracker::Kind::kNew) return;
  if (heard_at_ && now - *heard_at_ < kMinDigit) return;
  heard_at_ = now;
  heard_ = event->event;
}

// Rewrites the duration and gives the timestamp of the event on our time line. Nothing: the packet
// is of no use any more.
std::optional<uint32_t> RelayStream::ConvertEvent(const RtpView& packet, const Payload& payload,
                                                  TimePoint now) {
  auto event = TelephoneEvent::Parse(packet.payload());
  if (!event) return std::nullopt;
  const auto kind = events_.On(packet.header(), *event, payload.clock_rate);
  if (kind == EventTracker::Kind::kStale) return std::nullopt;
  if (kind == EventTracker::Kind::kNew) converted_timestamp_ = StartEvent(now);
  // One event stays one event, whatever number of segments the other clock needs (RFC 4733 section
  // 2.5.1.3): a receiver that knows no segments would take each of them for a digit.
  const uint64_t ticks = uint64_t{events_.length()} * payload.out_clock_rate / payload.clock_rate;
  event->duration = static_cast<uint16_t>(std::min<uint64_t>(ticks, UINT16_MAX));
  event->Write(packet.payload());
  return converted_timestamp_;
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
  if (sent_) gap = TicksOf(std::max<Duration>(now - last_at_, kMinJoinGap), clock_rate);
  if (started_ && in.ssrc != in_ssrc_) {
    left_ssrc_ = in_ssrc_;
    left_at_ = now;
  }
  events_.Forget();
  resume_ = false;
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

}  // namespace lastmile::media

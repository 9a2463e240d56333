#include "media_anchor/codec/transcoder.h"

#include <algorithm>
#include <utility>

namespace lastmile::media {
namespace {

// Opus codes at its peer's rate by itself, better and cheaper than with a resampler behind it.
uint32_t RateFor(AudioCodec codec, AudioCodec peer) {
  return CanCodeAt(codec, NativeRateOf(peer)) ? NativeRateOf(peer) : NativeRateOf(codec);
}

}  // namespace

Result<std::unique_ptr<Transcoder>> Transcoder::Create(const TranscoderPlan& plan,
                                                       const RtpHeader& first) {
  Coders coders;
  coders.decode_rate = RateFor(plan.in.codec, plan.out.codec);
  coders.encode_rate = RateFor(plan.out.codec, plan.in.codec);
  coders.decoder = AudioDecoder::Create(plan.in.codec, coders.decode_rate);
  coders.encoder = AudioEncoder::Create(plan.out.codec, coders.encode_rate);
  const bool resamples = coders.decode_rate != coders.encode_rate;
  if (resamples) coders.resampler = Resampler::Create(coders.decode_rate, coders.encode_rate);
  if (!coders.decoder || !coders.encoder || (resamples && !coders.resampler)) {
    return Fail("There is no memory for a transcoder.");
  }
  return std::unique_ptr<Transcoder>(new Transcoder(plan, std::move(coders), first));
}

Transcoder::Transcoder(const TranscoderPlan& plan, Coders coders, const RtpHeader& first)
    : plan_(plan),
      ptime_(NearestPtime(plan.out.codec, plan.ptime)),
      out_ticks_(static_cast<uint32_t>(SamplesOf(ptime_, RtpClockOf(plan.out.codec)))),
      encoder_(std::move(coders.encoder)),
      resampler_(std::move(coders.resampler)),
      source_samples_(SamplesOf(ptime_, coders.decode_rate)),
      resampled_(resampler_ ? SamplesOf(ptime_, coders.encode_rate) : 0),
      source_(plan.in.codec, coders.decode_rate, std::move(coders.decoder)),
      next_(first) {
  if (plan.events) events_.emplace(*plan.events);
}

std::optional<Transcoder::Packet> Transcoder::OnPacket(const RtpHeader& header, ByteView payload,
                                                       TimePoint now, MutableByteView room) {
  const auto arrival = Classify(header, payload, now);
  if (!arrival) {
    ++stats_.refused;
    return std::nullopt;
  }
  const auto verdict = source_.Push(header, *arrival, payload, now);
  if (verdict == JitterBuffer::Verdict::kStray) return std::nullopt;
  if (verdict == JitterBuffer::Verdict::kNewStream && events_) events_->Forget();
  if (arrival->kind == JitterBuffer::Kind::kOther) {
    if (verdict == JitterBuffer::Verdict::kDoubled) return std::nullopt;
    return PassEvent(header, payload, now, room);
  }
  heard_at_ = now;
  Resume(now);
  return std::nullopt;
}

std::optional<JitterBuffer::Arrival> Transcoder::Classify(const RtpHeader& header, ByteView payload,
                                                          TimePoint now) const {
  using Kind = JitterBuffer::Kind;
  if (header.payload_type == plan_.in.payload_type) {
    const uint32_t ticks = TicksOf(plan_.in.codec, payload);
    if (ticks == 0) return std::nullopt;
    // Some send the tone of a digit beside its events.
    const bool is_tone = events_ && events_->HasTone(now);
    return JitterBuffer::Arrival{is_tone ? Kind::kMuted : Kind::kAudio, ticks};
  }
  if (events_ && header.payload_type == events_->types().in) {
    return JitterBuffer::Arrival{Kind::kOther};
  }
  if (plan_.noise_in == header.payload_type) return JitterBuffer::Arrival{Kind::kNoise};
  return std::nullopt;
}

std::optional<Transcoder::Packet> Transcoder::PassEvent(const RtpHeader& header, ByteView payload,
                                                        TimePoint now, MutableByteView room) {
  if (!line_at_) line_at_ = now;
  const auto passed = events_->On(header, payload, LineAt(now), now);
  if (!passed) return std::nullopt;
  passed->event.Write(room.subspan(RtpHeader::kSize, TelephoneEvent::kSize));
  RtpHeader out = next_;
  out.payload_type = *events_->types().out;
  out.timestamp = passed->timestamp;
  out.marker = passed->begins;
  return Send(out, TelephoneEvent::kSize, room);
}

std::optional<Transcoder::Packet> Transcoder::Pop(TimePoint now, MutableByteView room) {
  CatchUp(now);
  while (next() <= now) {
    const TimePoint at = *line_at_;
    const Pcm pcm = Resampled(source_.Take(source_samples_, at));
    RtpHeader out = next_;
    Advance(1);
    if (IsSilent(at)) {
      running_ = false;
      return std::nullopt;
    }
    const bool has_event = events_ && events_->types().out && events_->IsActive(at);
    if (!source_.begun() || has_event) continue;
    const size_t size =
        encoder_->Encode(pcm, room.subspan(RtpHeader::kSize, AudioEncoder::kMaxSize));
    if (size == 0) continue;
    out.payload_type = plan_.out.payload_type;
    out.marker = std::exchange(marks_, false);
    return Send(out, size, room);
  }
  return std::nullopt;
}

std::optional<uint8_t> Transcoder::TakeHeard() {
  return events_ ? events_->TakeHeard() : std::nullopt;
}

Transcoder::Packet Transcoder::Send(const RtpHeader& out, size_t payload_size,
                                    MutableByteView room) {
  ++next_.sequence;
  ++stats_.sent;
  return {WriteRtp(out, room, payload_size), out};
}

// The first packet after a pause starts a talkspurt (RFC 3551 section 4.1).
void Transcoder::Resume(TimePoint now) {
  if (running_) return;
  next_.timestamp = LineAt(now);
  line_at_ = now;
  running_ = true;
  marks_ = true;
}

void Transcoder::CatchUp(TimePoint now) {
  if (!running_ || now - *line_at_ <= kMostBehind) return;
  Advance((now - *line_at_) / ptime_);
}

void Transcoder::Advance(int64_t packets) {
  *line_at_ += packets * ptime_;
  next_.timestamp += static_cast<uint32_t>(packets) * out_ticks_;
}

uint32_t Transcoder::LineAt(TimePoint now) const {
  if (!line_at_) return next_.timestamp;
  const uint32_t clock = RtpClockOf(plan_.out.codec);
  if (now >= *line_at_) {
    return next_.timestamp + static_cast<uint32_t>(SamplesOf(now - *line_at_, clock));
  }
  return next_.timestamp - static_cast<uint32_t>(SamplesOf(*line_at_ - now, clock));
}

bool Transcoder::IsSilent(TimePoint now) const {
  return now - heard_at_ > (source_.in_noise() ? kSilentInNoise : kSilent);
}

Pcm Transcoder::Resampled(Pcm pcm) {
  if (!resampler_) return pcm;
  resampler_->Process(pcm, resampled_);
  return resampled_;
}

}  // namespace lastmile::media

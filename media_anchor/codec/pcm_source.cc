#include "media_anchor/codec/pcm_source.h"

#include <algorithm>
#include <utility>

namespace lastmile::media {
namespace {

// What is made when nothing is there, and what a concealed time is a multiple of.
constexpr Duration kPiece = 10ms;
constexpr Duration kStep = 2500us;

}  // namespace

PcmSource::PcmSource(AudioCodec codec, uint32_t rate, std::unique_ptr<AudioDecoder> decoder)
    : codec_(codec),
      rate_(rate),
      decoder_(std::move(decoder)),
      jitter_(RtpClockOf(codec), codec == AudioCodec::kOpus),
      queue_(rate, kLongestTake + kLongestPacket + PcmQueue::kLongestSplice) {}

JitterBuffer::Verdict PcmSource::Push(const RtpHeader& header, const JitterBuffer::Arrival& arrival,
                                      ByteView payload, TimePoint now) {
  const auto verdict = jitter_.Push(header, arrival, payload, now);
  if (verdict == JitterBuffer::Verdict::kNewStream) {
    decoder_->Reset();
    in_noise_ = false;
  }
  if (arrival.ticks > 0) packet_time_ = TimeOf(arrival.ticks, RtpClockOf(codec_));
  return verdict;
}

Pcm PcmSource::Take(size_t samples, TimePoint now) {
  queue_.Remove(std::exchange(taken_, 0));
  const size_t wanted = std::min(samples, SamplesOf(kLongestTake, rate_));
  const Duration ahead = TimeOf(static_cast<int64_t>(wanted), rate_) - packet_time_;
  const TimePoint start = now - std::max(ahead, Duration{});
  while (queue_.size() < wanted) Fill(start + queue_.time());
  taken_ = wanted;
  return queue_.First(wanted);
}

// Each turn adds samples or takes a number out of the jitter buffer, which holds a bounded number.
void PcmSource::Fill(TimePoint at) {
  const JitterBuffer::Pull pull = jitter_.Pop(at);
  switch (pull.kind) {
    case JitterBuffer::Pull::Kind::kAudio:
    case JitterBuffer::Pull::Kind::kMuted:
      Decode(pull);
      break;
    case JitterBuffer::Pull::Kind::kNoise:
      begun_ = true;
      in_noise_ = noise_.OnPacket(pull.payload);
      break;
    case JitterBuffer::Pull::Kind::kLost:
      Conceal(TimeOf(pull.ticks, RtpClockOf(codec_)), pull.payload);
      break;
    case JitterBuffer::Pull::Kind::kNothing:
      Starve();
      break;
  }
}

void PcmSource::Decode(const JitterBuffer::Pull& pull) {
  begun_ = true;
  in_noise_ = false;
  const size_t samples = decoder_->Decode(pull.payload, queue_.room());
  if (samples == 0) {
    ++stats_.broken;
    Conceal(TimeOf(pull.ticks, RtpClockOf(codec_)), {});
    return;
  }
  if (pull.kind == JitterBuffer::Pull::Kind::kMuted) {
    std::ranges::fill(queue_.room().first(samples), int16_t{0});
  }
  queue_.Add(samples);
  Adjust(pull.surplus);
}

void PcmSource::Conceal(Duration time, ByteView next) {
  const Duration whole = std::clamp<Duration>(time / kStep * kStep, kStep, kLongestPacket);
  const MutablePcm out = queue_.room().first(SamplesOf(whole, rate_));
  if (in_noise_) {
    noise_.Fill(out);
  } else {
    decoder_->Conceal(next, out);
    ++stats_.concealed;
  }
  queue_.Add(out.size());
}

void PcmSource::Starve() {
  const MutablePcm out = queue_.room().first(SamplesOf(kPiece, rate_));
  if (!begun_) {
    std::ranges::fill(out, int16_t{0});
    queue_.Add(out.size());
    return;
  }
  if (!in_noise_) ++stats_.starved;
  Conceal(kPiece, {});
}

void PcmSource::Adjust(Duration surplus) {
  if (surplus > kTooMuch && queue_.Shorten()) ++stats_.shortened;
  if (surplus < kTooLittle && queue_.Lengthen()) ++stats_.lengthened;
}

}  // namespace lastmile::media

#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_PCM_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_PCM_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/time.h"

// Audio as samples: 16 bits each, one channel. Pure. Thread: any, or their owner's.
namespace lastmile::media {

using Pcm = std::span<const int16_t>;
using MutablePcm = std::span<int16_t>;

// `rate` in samples, or ticks, a second.
constexpr size_t SamplesOf(Duration time, uint32_t rate) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(time);
  return static_cast<size_t>(seconds.count() * rate +
                             (time - seconds).count() * rate / 1'000'000'000);
}
constexpr Duration TimeOf(int64_t samples, uint32_t rate) {
  return Duration(samples / rate * 1'000'000'000 + samples % rate * 1'000'000'000 / rate);
}
int16_t Clip(float sample);

// The shift between `least` and `most` samples by which the last `window` samples of `pcm` resemble
// what is before them most: the period of a voice or a tone. `pcm` has most + window samples.
struct LagSearch {
  uint32_t rate = 0;  // of the samples; above 8 kHz a coarse search comes first
  size_t window = 0;
  size_t least = 0;
  size_t most = 0;
};
size_t BestLag(Pcm pcm, const LagSearch& search);

// Samples on their way from a decoder to an encoder. The room is allocated once.
class PcmQueue {
 public:
  PcmQueue(uint32_t rate, Duration capacity) : rate_(rate), samples_(SamplesOf(capacity, rate)) {}

  size_t size() const { return size_; }
  Duration time() const { return TimeOf(static_cast<int64_t>(size_), rate_); }
  // Written by the caller, then Add()ed.
  MutablePcm room() { return MutablePcm(samples_).subspan(size_); }
  void Add(size_t samples) { size_ += samples; }
  Pcm First(size_t samples) const { return Pcm(samples_).first(samples); }
  void Remove(size_t samples);
  void Clear() { size_ = 0; }

  // Takes out, or repeats, one period of what is queued, kShortestSplice to kLongestSplice, with a
  // cross-fade: the time that the audio takes changes, its pitch does not. False: too little is
  // queued, or there is no room.
  bool Shorten();
  bool Lengthen();

  static constexpr Duration kShortestSplice = 5ms;
  static constexpr Duration kLongestSplice = 15ms;
  static constexpr Duration kFade = 5ms;

 private:
  LagSearch search() const;

  const uint32_t rate_;
  std::vector<int16_t> samples_;
  size_t size_ = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_PCM_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_PCM_SOURCE_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_PCM_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/codec/audio_coder.h"
#include "media_anchor/codec/comfort_noise.h"
#include "media_anchor/codec/jitter_buffer.h"
#include "media_anchor/codec/pcm.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// The receiving half of a transcoder: packets of one codec in, an unbroken line of samples out.
// What is missing is concealed, what comes faster or slower than it is played is shortened or
// lengthened by periods of the voice. Sans-IO. Thread: its owner's. No allocation but
// JitterBuffer's.
class PcmSource {
 public:
  // At `rate` samples a second, which the decoder has.
  PcmSource(AudioCodec codec, uint32_t rate, std::unique_ptr<AudioDecoder> decoder);

  JitterBuffer::Verdict Push(const RtpHeader& header, const JitterBuffer::Arrival& arrival,
                             ByteView payload, TimePoint now);
  // The next samples, at most kLongestTake, at `now`; lent until the next call. If they are of
  // several packets, the last one has to be due, and all are played that much later.
  Pcm Take(size_t samples, TimePoint now);
  // Something of the stream was played; before that there is silence.
  bool begun() const { return begun_; }
  // Its sender has told that it pauses and how that sounds.
  bool in_noise() const { return in_noise_; }

  struct Stats {
    uint64_t broken = 0;      // packets that were stored and could not be decoded
    uint64_t concealed = 0;   // pieces of audio: lost, broken, or not there in time
    uint64_t starved = 0;     // those of them for which nothing was there
    uint64_t shortened = 0;   // times
    uint64_t lengthened = 0;  // times
  };
  const Stats& stats() const { return stats_; }
  const JitterBuffer& jitter() const { return jitter_; }

  static constexpr Duration kLongestTake = 60ms;
  // Audio that waited so much longer, or shorter, than the target is shortened or lengthened. More
  // than a tick of the worker's, which decides when the first packet is played.
  static constexpr Duration kTooMuch = 30ms;
  static constexpr Duration kTooLittle = 0ms;

 private:
  void Fill(TimePoint at);
  void Decode(const JitterBuffer::Pull& pull);
  void Conceal(Duration time, ByteView next);
  void Starve();
  void Adjust(Duration surplus);

  const AudioCodec codec_;
  const uint32_t rate_;
  const std::unique_ptr<AudioDecoder> decoder_;
  JitterBuffer jitter_;
  PcmQueue queue_;
  ComfortNoise noise_;
  Stats stats_;
  Duration packet_time_{};  // of the packet that came last
  size_t taken_ = 0;        // samples at the front of queue_ that are lent
  bool begun_ = false;
  bool in_noise_ = false;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_PCM_SOURCE_H_

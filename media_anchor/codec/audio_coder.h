#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_AUDIO_CODER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_AUDIO_CODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/codec/pcm.h"
#include "media_anchor/core/audio_codec.h"

namespace lastmile::media {

// Samples a second.
constexpr uint32_t NativeRateOf(AudioCodec codec) {
  switch (codec) {
    case AudioCodec::kOpus:
      return 48000;
    case AudioCodec::kG722:
      return 16000;
    case AudioCodec::kPcmu:
    case AudioCodec::kPcma:
      break;
  }
  return 8000;
}
// Opus codes at these rates by itself (RFC 6716 section 2), the others at their own only.
constexpr bool CanCodeAt(AudioCodec codec, uint32_t rate) {
  return rate == NativeRateOf(codec) ||
         (codec == AudioCodec::kOpus && (rate == 8000 || rate == 16000));
}
// What a packet holds at most (RFC 6716 section 3.1); for other codecs it is our limit.
inline constexpr Duration kLongestPacket = 120ms;
// How long the audio of a payload is, in RTP ticks. 0: it is none, or longer than kLongestPacket.
uint32_t TicksOf(AudioCodec codec, ByteView payload);
// The time a packet may be made of that is next to `ptime`: 10 to 60 ms in steps of 10 ms, without
// 30 and 50 ms for Opus, which has no such frames.
Duration NearestPtime(AudioCodec codec, Duration ptime);

// Payloads of one stream to samples, in the order of the stream. Thread: its owner's. Decode() and
// Conceal() allocate nothing: libopus works on the stack, spandsp in its state.
class AudioDecoder {
 public:
  // Nothing: the codec does not decode at that rate (CanCodeAt), or the library has no memory.
  static std::unique_ptr<AudioDecoder> Create(AudioCodec codec, uint32_t rate);
  virtual ~AudioDecoder() = default;

  // Writes the samples to the start of `out`, which has room for kLongestPacket, and returns how
  // many. 0: the payload is broken. Stereo becomes mono.
  virtual size_t Decode(ByteView payload, MutablePcm out) = 0;
  // Fills `out`, a multiple of 2.5 ms, in place of what got lost. `next`: the payload right behind
  // it, if it is there; Opus has a coarse copy of what was before in it (in-band FEC).
  virtual void Conceal(ByteView next, MutablePcm out) = 0;
  // Another stream begins.
  virtual void Reset() = 0;
};

// Samples to payloads. Thread: its owner's. Encode() allocates nothing.
class AudioEncoder {
 public:
  static std::unique_ptr<AudioEncoder> Create(AudioCodec codec, uint32_t rate);
  virtual ~AudioEncoder() = default;

  // `pcm` is NearestPtime() long, `out` kMaxSize. Returns the size of the payload; 0: the library
  // failed.
  virtual size_t Encode(Pcm pcm, MutableByteView out) = 0;

  // Fits into a datagram on every path; G.711 of 60 ms has 480 bytes, Opus as it is set here 300.
  static constexpr size_t kMaxSize = 1200;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_AUDIO_CODER_H_

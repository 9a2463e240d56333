#include "media_anchor/codec/audio_coder.h"

#include <algorithm>

#include "media_anchor/codec/g711_coder.h"
#include "media_anchor/codec/g722_coder.h"
#include "media_anchor/codec/opus_coder.h"

namespace lastmile::media {

uint32_t TicksOf(AudioCodec codec, ByteView payload) {
  // G.711 and G.722 have a byte a tick.
  const size_t ticks = codec == AudioCodec::kOpus ? OpusTicksOf(payload) : payload.size();
  return ticks <= SamplesOf(kLongestPacket, RtpClockOf(codec)) ? static_cast<uint32_t>(ticks) : 0;
}

Duration NearestPtime(AudioCodec codec, Duration ptime) {
  const Duration steps = std::clamp<Duration>((ptime + 5ms) / 10ms * 10ms, 10ms, 60ms);
  const bool no_frame = codec == AudioCodec::kOpus && (steps == 30ms || steps == 50ms);
  return no_frame ? steps - 10ms : steps;
}

std::unique_ptr<AudioDecoder> AudioDecoder::Create(AudioCodec codec, uint32_t rate) {
  if (!CanCodeAt(codec, rate)) return nullptr;
  switch (codec) {
    case AudioCodec::kOpus:
      return MakeOpusDecoder(rate);
    case AudioCodec::kG722:
      return MakeG722Decoder();
    case AudioCodec::kPcmu:
      return MakeG711Decoder(G711::kMuLaw);
    case AudioCodec::kPcma:
      return MakeG711Decoder(G711::kALaw);
  }
  return nullptr;
}

std::unique_ptr<AudioEncoder> AudioEncoder::Create(AudioCodec codec, uint32_t rate) {
  if (!CanCodeAt(codec, rate)) return nullptr;
  switch (codec) {
    case AudioCodec::kOpus:
      return MakeOpusEncoder(rate);
    case AudioCodec::kG722:
      return MakeG722Encoder();
    case AudioCodec::kPcmu:
      return MakeG711Encoder(G711::kMuLaw);
    case AudioCodec::kPcma:
      return MakeG711Encoder(G711::kALaw);
  }
  return nullptr;
}

}  // namespace lastmile::media

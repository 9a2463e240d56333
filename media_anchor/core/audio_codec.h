#ifndef LASTMILE_MEDIA_ANCHOR_CORE_AUDIO_CODEC_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_AUDIO_CODEC_H_

#include <cstdint>
#include <optional>

#include "media_anchor/core/g711.h"

// The codecs that the gateway can turn into each other. Pure. Thread: any.
namespace lastmile::media {

enum class AudioCodec { kOpus, kG722, kPcmu, kPcma };

// Of the timestamps, Hz. That of G.722 is half its sampling rate (RFC 3551 section 4.5.2).
constexpr uint32_t RtpClockOf(AudioCodec codec) {
  return codec == AudioCodec::kOpus ? 48000 : 8000;
}

constexpr G711 LawOf(AudioCodec codec) {
  switch (codec) {
    case AudioCodec::kPcmu:
      return G711::kMuLaw;
    case AudioCodec::kPcma:
      return G711::kALaw;
    case AudioCodec::kOpus:
    case AudioCodec::kG722:
      break;
  }
  return G711::kNone;
}
constexpr G711 LawOf(std::optional<AudioCodec> codec) {
  return codec ? LawOf(*codec) : G711::kNone;
}

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_AUDIO_CODEC_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_OPUS_CODER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_OPUS_CODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "media_anchor/codec/audio_coder.h"

// Opus (RFC 6716, RFC 7587) by libopus, at any of its rates: 8, 16 or 48 kHz here. What is encoded
// is mono, voice, with in-band FEC. Nothing: there is no memory.
namespace lastmile::media {

std::unique_ptr<AudioDecoder> MakeOpusDecoder(uint32_t rate);
std::unique_ptr<AudioEncoder> MakeOpusEncoder(uint32_t rate);
// Of 48 kHz. 0: it is no packet of Opus.
size_t OpusTicksOf(ByteView payload);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_OPUS_CODER_H_

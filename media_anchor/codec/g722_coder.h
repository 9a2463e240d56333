#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_G722_CODER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_G722_CODER_H_

#include <memory>

#include "media_anchor/codec/audio_coder.h"

// G.722 at 64 kbit/s (RFC 3551 section 4.5.2) and 16 kHz by spandsp, with Concealer for what got
// lost. Nothing: there is no memory.
namespace lastmile::media {

std::unique_ptr<AudioDecoder> MakeG722Decoder();
std::unique_ptr<AudioEncoder> MakeG722Encoder();

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_G722_CODER_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_G711_CODER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_G711_CODER_H_

#include <memory>

#include "media_anchor/codec/audio_coder.h"
#include "media_anchor/core/g711.h"

// G.711 (RFC 3551 section 4.5.14) at 8 kHz, with Concealer for what got lost.
namespace lastmile::media {

std::unique_ptr<AudioDecoder> MakeG711Decoder(G711 law);
std::unique_ptr<AudioEncoder> MakeG711Encoder(G711 law);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_G711_CODER_H_

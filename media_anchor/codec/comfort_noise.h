#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_COMFORT_NOISE_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_COMFORT_NOISE_H_

#include <cstdint>

#include "base/bytes.h"
#include "media_anchor/codec/pcm.h"

namespace lastmile::media {

// The noise of a line on which nobody speaks (RFC 3389), as loud as the sender says; its spectrum
// is left to the ear and is white. Thread: its owner's. No allocation.
class ComfortNoise {
 public:
  // The payload of a comfort noise packet. False: it is none.
  bool OnPacket(ByteView payload);
  void Fill(MutablePcm out);

 private:
  int32_t peak_ = 0;
  uint32_t state_ = 1;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_COMFORT_NOISE_H_

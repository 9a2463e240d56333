#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_RESAMPLER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_RESAMPLER_H_

#include <cstdint>
#include <memory>

#include "media_anchor/codec/pcm.h"

namespace lastmile::media {

// Samples of one rate to samples of another, by speexdsp. Thread: its owner's. Process() allocates
// nothing.
class Resampler {
 public:
  // Nothing: there is no memory.
  static std::unique_ptr<Resampler> Create(uint32_t from, uint32_t to);
  virtual ~Resampler() = default;

  // Fills `out`, which is as long in time as `in`.
  virtual void Process(Pcm in, MutablePcm out) = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_RESAMPLER_H_

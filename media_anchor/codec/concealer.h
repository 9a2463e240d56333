#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_CONCEALER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_CONCEALER_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "media_anchor/codec/pcm.h"

namespace lastmile::media {

// Audio in place of what got lost, for codecs that have no way of their own, at any sampling rate:
// the last period of the voice is repeated, after kHold it fades and after kFaded there is silence;
// what comes then is faded in over kBlend. (G.711 appendix I does about that, at 8 kHz only.)
// Thread: its owner's. Allocates when it is made.
class Concealer {
 public:
  explicit Concealer(uint32_t rate);

  // Decoded samples, in order; their start is changed behind a gap.
  void OnDecoded(MutablePcm pcm);
  void Conceal(MutablePcm out);
  void Reset();

  static constexpr Duration kHold = 20ms;
  static constexpr Duration kFaded = 80ms;
  static constexpr Duration kBlend = 5ms;

 private:
  void BeginGap();
  int16_t NextSample();
  void Remember(Pcm pcm);

  const uint32_t rate_;
  const LagSearch search_;
  std::vector<int16_t> history_;  // what was heard last
  std::vector<int16_t> period_;   // the one that is repeated; period_size_ of it
  size_t period_size_ = 0;
  size_t concealed_ = 0;  // samples of this gap
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_CONCEALER_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_E_MODEL_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_E_MODEL_H_

#include "base/time.h"

// What a call would be worth to people who hear it, by the E-model of ITU-T G.107: a rating R from
// the codec, the loss and the delay. Every other parameter has the standard's default. Its scale is
// that of narrowband telephony, 93.2 at best: calls of all codecs are compared on it. Pure. Thread:
// any.
namespace lastmile::media {

// How a codec sounds and what loss does to it.
struct CodecImpairment {
  double ie = 0;   // equipment impairment factor
  double bpl = 0;  // packet-loss robustness factor
};

// G.711 with a receiver that conceals what is lost (G.113 appendix I).
inline constexpr CodecImpairment kConcealedG711{.ie = 0, .bpl = 25.1};

// R, 0 to 93.2. `loss`: the share of the packets that did not arrive, 0 to 1, each by chance.
// `delay`: from mouth to ear.
double TransmissionRating(const CodecImpairment& codec, double loss, Duration delay);

// The mean opinion score of a rating (annex B): 1 bad to 4.5 excellent.
double MosOf(double rating);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_E_MODEL_H_

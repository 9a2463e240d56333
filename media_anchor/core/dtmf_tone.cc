#include "media_anchor/core/dtmf_tone.h"

#include <algorithm>
#include <array>

#include "media_anchor/core/g711.h"

namespace lastmile::media {
namespace {

struct Pair {
  double low;
  double high;
};
// By event: 0 to 9, *, #, A to D.
constexpr std::array<Pair, 16> kPairs = {{{941, 1336},
                                          {697, 1209},
                                          {697, 1336},
                                          {697, 1477},
                                          {770, 1209},
                                          {770, 1336},
                                          {770, 1477},
                                          {852, 1209},
                                          {852, 1336},
                                          {852, 1477},
                                          {941, 1209},
                                          {941, 1477},
                                          {697, 1633},
                                          {770, 1633},
                                          {852, 1633},
                                          {941, 1633}}};

}  // namespace

bool HasTones(uint8_t event) { return event < kPairs.size(); }

void FillTones(uint8_t event, G711 law, uint32_t first, MutableByteView out) {
  if (!HasTones(event)) return FillSilence(law, out);
  const Pair& pair = kPairs[event];
  FillTones({pair.low, -9}, {pair.high, -7}, law, first, out);
}

void FillSilence(G711 law, MutableByteView out) { std::ranges::fill(out, EncodeG711(law, 0)); }

}  // namespace lastmile::media

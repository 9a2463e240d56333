#ifndef LASTMILE_MEDIA_ANCHOR_CORE_G711_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_G711_H_

#include <cstdint>

#include "base/bytes.h"

// G.711 as ITU-T has it: one byte a sample, 8,000 samples a second, and sounds in it. Pure. Thread:
// any.
namespace lastmile::media {

enum class G711 { kNone, kMuLaw, kALaw };  // which of its laws a codec is

inline constexpr double kG711Rate = 8000;  // samples a second
// A sine of 0 dBm0 lies 3.14 dB (A-law) or 3.17 dB (mu-law) below the largest one G.711 can say
// (ITU-T G.711 table 5): of 16-bit samples its peak is about 22,800.
inline constexpr double kPeakOfZeroDbm0 = 22800;

uint8_t EncodeG711(G711 law, int sample);  // 16 bits; what is larger is clipped
int DecodeG711(G711 law, uint8_t code);

struct Tone {
  double hz = 0;
  double dbm0 = 0;
};
// The two together, from their sample number `first` on.
void FillTones(const Tone& one, const Tone& other, G711 law, uint32_t first, MutableByteView out);
void FillTone(const Tone& tone, G711 law, uint32_t first, MutableByteView out);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_G711_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_DTMF_TONE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_DTMF_TONE_H_

#include <cstdint>

#include "base/bytes.h"
#include "media_anchor/core/leg_plan.h"

// The digits of a telephone as sound (ITU-T Q.23), in G.711 at 8 kHz. Pure. Thread: any.
namespace lastmile::media {

// Whether the event is a digit with tones: 0 to 9, *, #, A to D.
bool HasTones(uint8_t event);
// Fills `out`, one byte a sample, with the two tones of `event` from their sample number `first`
// on: the lower one at -9 dBm0, the higher one at -7 dBm0, as a telephone sends them.
void FillTones(uint8_t event, G711 law, uint32_t first, MutableByteView out);
void FillSilence(G711 law, MutableByteView out);

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_DTMF_TONE_H_

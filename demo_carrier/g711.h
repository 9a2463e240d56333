#ifndef LASTMILE_DEMO_CARRIER_G711_H_
#define LASTMILE_DEMO_CARRIER_G711_H_

#include <cstdint>

// ITU-T G.711: one byte a sample of 8 kHz, 16-bit linear samples. Pure; thread: any.
namespace lastmile::demo_carrier {

enum class Codec { kPcmu, kPcma };

uint8_t EncodeG711(Codec codec, int16_t sample);
int16_t DecodeG711(Codec codec, uint8_t byte);

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_G711_H_

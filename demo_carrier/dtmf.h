#ifndef LASTMILE_DEMO_CARRIER_DTMF_H_
#define LASTMILE_DEMO_CARRIER_DTMF_H_

#include <cstdint>
#include <optional>

#include "base/bytes.h"

namespace lastmile::demo_carrier {

// Telephone events as they come in RTP (RFC 4733 section 2.3): each key once, although its packet
// is sent many times while the key is down and three times at its end. Pure; thread: its owner's.
class DtmfListener {
 public:
  // A key ('0'-'9', '*', '#', 'A'-'D') when its first packet comes. `timestamp`: of the RTP packet,
  // the same for all packets of one key press.
  std::optional<char> OnEvent(uint32_t timestamp, ByteView payload);

 private:
  std::optional<uint32_t> last_timestamp_;
};

}  // namespace lastmile::demo_carrier

#endif  // LASTMILE_DEMO_CARRIER_DTMF_H_

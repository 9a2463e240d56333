#ifndef LASTMILE_MEDIA_ANCHOR_CORE_TONE_ECHO_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_TONE_ECHO_H_

#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/random.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// What came back of a tone. Levels in dBm0.
struct ToneEchoReport {
  size_t sent = 0;      // packets
  size_t received = 0;  // of the tone's payload type
  size_t heard = 0;     // of those received: the tone is nearly all that is in them
  double level = 0;     // of the tone where it was heard, on average
};

// A tone in G.711 over RTP, sent to who sends back what it gets: whether audio passes both ways.
// Sans-IO. Thread: its owner's.
class ToneEcho {
 public:
  ToneEcho(G711 law, uint8_t payload_type, RandomSource& random);

  // The next 20 ms, as a packet at the start of `room`, which has kPacketSize bytes.
  MutableByteView NextPacket(MutableByteView room);
  void OnPacket(MutableByteView packet);
  ToneEchoReport report() const;

  static constexpr size_t kSamples = 160;  // a packet
  static constexpr size_t kPacketSize = RtpHeader::kSize + kSamples;
  // The frequency that telephone lines are measured with (ITU-T O.22), not far from its level.
  static constexpr double kHz = 1020;
  static constexpr double kLevel = -10;       // dBm0, as it is sent
  static constexpr double kQuietest = -45;    // dBm0; what is quieter was not heard
  static constexpr double kLeastShare = 0.8;  // of a packet's power

 private:
  const G711 law_;
  RtpHeader next_;
  uint32_t first_sample_ = 0;
  ToneEchoReport report_;
  double power_heard_ = 0;  // sum over the packets heard, of 0 dBm0
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_TONE_ECHO_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_TELEPHONE_EVENT_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_TELEPHONE_EVENT_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// One event block of a packet (RFC 4733 section 2.3). Host byte order.
struct TelephoneEvent {
  static constexpr size_t kSize = 4;

  uint8_t event = 0;
  bool end = false;
  uint8_t volume = 10;    // below 0 dBm0, in dB
  uint16_t duration = 0;  // so far, in ticks of the type's clock

  // The first block of a payload; nothing if it is shorter than one.
  static std::optional<TelephoneEvent> Parse(ByteView payload);
  void Write(MutableByteView payload) const;
};

// Tells the packets of one source's events apart: which are of a new event and which say more of
// the one that is known, whatever got lost or came late. Thread: its owner's. No allocation.
class EventTracker {
 public:
  enum class Kind {
    kNew,     // the first of its event that came
    kGoesOn,  // the known event goes on; perhaps in its next segment
    kStale,   // of an event before that
  };
  // `clock_rate` of the type, Hz.
  Kind On(const RtpHeader& header, const TelephoneEvent& event, uint32_t clock_rate);
  // How long the known event is, over all its segments, in ticks.
  uint32_t length() const { return before_segment_ + duration_; }
  void Forget() { known_ = false; }

 private:
  bool IsNextSegment(const RtpHeader& header, const TelephoneEvent& event) const;

  bool known_ = false;
  bool ended_ = false;
  uint8_t event_ = 0;
  uint16_t duration_ = 0;        // of the segment
  uint32_t timestamp_ = 0;       // of the segment
  uint32_t before_segment_ = 0;  // ticks of the segments before it
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_TELEPHONE_EVENT_H_

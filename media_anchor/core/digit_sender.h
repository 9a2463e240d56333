#ifndef LASTMILE_MEDIA_ANCHOR_CORE_DIGIT_SENDER_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_DIGIT_SENDER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/relay.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// Digits that the gateway itself puts into one direction of the audio, one after the other: as
// telephone-events (RFC 4733 section 2.5.1), or as tones in G.711. A packet every kDigitPeriod; an
// event's last packet three times. Meanwhile the stream's source is held; between digits it may be
// heard for a moment. Thread: its owner's. No allocation.
class DigitSender {
 public:
  // RTP header and 20 ms of G.711.
  static constexpr size_t kMaxPacket = RtpHeader::kSize + 160;

  // Behind those that wait. False: kMaxDigits wait.
  bool Add(const SendDigit& digit, TimePoint now);
  // When there is something to do for Pop(); kNever: all is sent.
  TimePoint next() const { return next_; }

  struct Packet {
    MutableByteView bytes;  // the start of `room`
    RtpHeader header;
  };
  // Writes the next packet that is due into `room` (kMaxPacket bytes). Nothing: none is due any
  // more. Holds the stream and lets it go.
  std::optional<Packet> Pop(RelayStream& stream, TimePoint now, MutableByteView room);

 private:
  enum class Way { kEvent, kTones, kNothing };

  bool Begin(RelayStream& stream, TimePoint now);
  size_t Write(MutableByteView payload) const;
  uint32_t frames() const;  // of the digit, without the gap behind it
  void Step(RelayStream& stream);

  std::array<SendDigit, kMaxDigits> waiting_{};
  size_t first_ = 0;  // in waiting_
  size_t count_ = 0;
  TimePoint next_ = kNever;

  // The digit that is being sent; valid while sending_.
  bool sending_ = false;
  SendDigit digit_;
  Way way_ = Way::kNothing;
  OutgoingType type_;
  uint32_t timestamp_ = 0;
  uint32_t frame_ = 0;  // the next one
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_DIGIT_SENDER_H_

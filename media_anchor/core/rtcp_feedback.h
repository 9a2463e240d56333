#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RTCP_FEEDBACK_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RTCP_FEEDBACK_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/relay.h"

namespace lastmile::media {

// What a receiver of video asks its sender for: a new picture (PLI, RFC 4585 section 6.3.1; FIR,
// RFC 5104 section 4.3.1) or lost packets (generic NACK, RFC 4585 section 6.2.1). A plain value.
struct Feedback {
  static constexpr size_t kMaxNacks = 64;  // what is asked beyond that is asked again
  static constexpr size_t kMaxSize = 12 + 20 + 12 + 4 * kMaxNacks;  // bytes of WriteFeedback()

  // One word of a NACK: packet `first` and, for every bit n of `then`, packet first + 1 + n.
  struct Nack {
    uint16_t first = 0;
    uint16_t then = 0;
    bool operator==(const Nack&) const = default;
  };

  bool picture_loss = false;
  std::optional<uint8_t> full_intra{};  // FIR's command number
  size_t nack_count = 0;
  std::array<Nack, kMaxNacks> nack_room;  // valid up to nack_count

  std::span<const Nack> nacks() const { return std::span(nack_room).first(nack_count); }
  bool asks_for_picture() const { return picture_loss || full_intra.has_value(); }
  bool empty() const { return !asks_for_picture() && nack_count == 0; }
};

// What a plain RTCP datagram, compound or reduced (RFC 5506), asks of the sender `media_ssrc`.
// Empty if the lengths do not add up.
Feedback ParseFeedback(ByteView rtcp, uint32_t media_ssrc);
// Writes the packets of `feedback` into `out` (Feedback::kMaxSize bytes) and returns their size.
size_t WriteFeedback(const Feedback& feedback, uint32_t from_ssrc, uint32_t media_ssrc,
                     MutableByteView out);

// Carries feedback of one direction through the relay: maps sources and numbers, and bounds how
// much of it goes through, so that nobody is hit through us. Thread: its owner's. No allocation.
class FeedbackCarrier {
 public:
  // RTCP of the peer that gets `media`. Nothing: it asks for nothing that `media` sent, or too
  // often. Else the feedback for the source of `media`, in its numbers.
  std::optional<Feedback> Carry(ByteView rtcp, const RelayStream& media, TimePoint now);

  static constexpr int kMaxPerSecond = 20;
  // Of these, NACKs leave so many to requests for a picture.
  static constexpr int kReservedForPictures = 5;

 private:
  bool TakeTurn(bool for_picture, TimePoint now);

  static constexpr Duration kTurn = Duration(1s) / kMaxPerSecond;
  Duration credit_ = 1s;
  TimePoint credited_at_{};
  std::optional<uint8_t> full_intra_in_;  // the latest command number of the peer
  uint8_t full_intra_out_ = 0;            // and ours for it
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RTCP_FEEDBACK_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_EVENT_PASSAGE_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_EVENT_PASSAGE_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/rtp_view.h"
#include "media_anchor/core/telephone_event.h"

namespace lastmile::media {

// telephone-event (RFC 4733) as the two sides of a transcoder have it. Hz.
struct EventTypes {
  uint8_t in = 0;
  uint32_t in_clock = 8000;
  std::optional<uint8_t> out = std::nullopt;  // nothing: the other side has none, events are told
  uint32_t out_clock = 8000;
  bool operator==(const EventTypes&) const = default;
};

// Events on their way past the codecs: durations in the other clock, timestamps of the outgoing
// time line. Thread: its owner's. No allocation.
class EventPassage {
 public:
  explicit EventPassage(const EventTypes& types) : types_(types) {}

  struct Passed {
    TelephoneEvent event;
    uint32_t timestamp = 0;
    bool begins = false;
  };
  // `line`: the outgoing time line now. Nothing: the packet is of no use, or there is no type that
  // it could leave as.
  std::optional<Passed> On(const RtpHeader& header, ByteView payload, uint32_t line, TimePoint now);
  // Another stream begins.
  void Forget();
  // An event is going on.
  bool IsActive(TimePoint now) const { return active_at_ && now - *active_at_ < kPause; }
  // What comes as audio is its tone.
  bool HasTone(TimePoint now) const {
    return IsActive(now) || (ended_at_ && now - *ended_at_ < kTail);
  }
  // The event that began last and that has no type to leave as.
  std::optional<uint8_t> TakeHeard() { return std::exchange(heard_, std::nullopt); }
  const EventTypes& types() const { return types_; }

  // An event that sends no packet for so long is over or lost: senders repeat every 50 ms at most
  // (RFC 4733 section 2.5.1.2).
  static constexpr Duration kPause = 60ms;
  // Who sends tones beside events sends the last of them with the event's end, and a codec that
  // looks ahead has some of it in its next packet.
  static constexpr Duration kTail = 40ms;

 private:
  uint32_t Begin(uint32_t line);

  const EventTypes types_;
  EventTracker tracker_;
  uint32_t timestamp_ = 0;  // of the last event; valid once any_
  bool any_ = false;
  std::optional<TimePoint> active_at_;  // its last packet came
  std::optional<TimePoint> ended_at_;   // the first packet with its end came
  std::optional<uint8_t> heard_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_EVENT_PASSAGE_H_

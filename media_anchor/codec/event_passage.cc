#include "media_anchor/codec/event_passage.h"

#include <algorithm>

namespace lastmile::media {

std::optional<EventPassage::Passed> EventPassage::On(const RtpHeader& header, ByteView payload,
                                                     uint32_t line, TimePoint now) {
  auto event = TelephoneEvent::Parse(payload);
  if (!event) return std::nullopt;
  const auto kind = tracker_.On(header, *event, types_.in_clock);
  if (kind == EventTracker::Kind::kStale) return std::nullopt;
  const bool begins = kind == EventTracker::Kind::kNew;
  if (begins) timestamp_ = Begin(line);
  if (event->end && (active_at_ || begins)) ended_at_ = now;
  active_at_ = event->end ? std::nullopt : std::optional(now);
  if (!types_.out) {
    if (begins) heard_ = event->event;
    return std::nullopt;
  }
  // One event stays one, as in RelayStream: a receiver may not know segments.
  const uint64_t ticks = uint64_t{tracker_.length()} * types_.out_clock / types_.in_clock;
  event->duration = static_cast<uint16_t>(std::min<uint64_t>(ticks, UINT16_MAX));
  return Passed{*event, timestamp_, begins};
}

void EventPassage::Forget() {
  tracker_.Forget();
  active_at_.reset();
  ended_at_.reset();
}

// Two events with one timestamp would be one.
uint32_t EventPassage::Begin(uint32_t line) {
  const bool taken = any_ && static_cast<int32_t>(line - timestamp_) <= 0;
  any_ = true;
  return taken ? timestamp_ + 1 : line;
}

}  // namespace lastmile::media

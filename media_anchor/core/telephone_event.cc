#include "media_anchor/core/telephone_event.h"

#include <algorithm>

namespace lastmile::media {
namespace {

constexpr uint8_t kEndBit = 0x80;
constexpr uint8_t kVolumeBits = 0x3f;
// A segment is full with 0xffff ticks (RFC 4733 section 2.5.1.3); its last packets may be lost.
constexpr uint32_t kNearlyFull = 0xe000;
// A packet cannot be later than that; a timestamp further back is the start of another time line.
constexpr uint32_t kLatestSeconds = 2;

}  // namespace

std::optional<TelephoneEvent> TelephoneEvent::Parse(ByteView payload) {
  if (payload.size() < kSize) return std::nullopt;
  return TelephoneEvent{.event = payload[0],
                        .end = (payload[1] & kEndBit) != 0,
                        .volume = static_cast<uint8_t>(payload[1] & kVolumeBits),
                        .duration = LoadBe16(&payload[2])};
}

void TelephoneEvent::Write(MutableByteView payload) const {
  payload[0] = event;
  payload[1] = static_cast<uint8_t>((end ? kEndBit : 0) | (volume & kVolumeBits));
  StoreBe16(&payload[2], duration);
}

EventTracker::Kind EventTracker::On(const RtpHeader& header, const TelephoneEvent& event,
                                    uint32_t clock_rate) {
  const uint32_t behind = timestamp_ - header.timestamp;
  if (known_ && behind == 0) {
    duration_ = std::max(duration_, event.duration);
    ended_ |= event.end;
    return Kind::kGoesOn;
  }
  if (known_ && behind < kLatestSeconds * clock_rate) return Kind::kStale;
  const bool goes_on = known_ && IsNextSegment(header, event);
  before_segment_ = goes_on ? before_segment_ + (header.timestamp - timestamp_) : 0;
  known_ = true;
  ended_ = event.end;
  event_ = event.event;
  duration_ = event.duration;
  timestamp_ = header.timestamp;
  return goes_on ? Kind::kGoesOn : Kind::kNew;
}

bool EventTracker::IsNextSegment(const RtpHeader& header, const TelephoneEvent& event) const {
  const uint32_t ahead = header.timestamp - timestamp_;
  return !ended_ && !header.marker && event.event == event_ && duration_ >= kNearlyFull &&
         ahead >= kNearlyFull && ahead <= UINT16_MAX;
}

}  // namespace lastmile::media

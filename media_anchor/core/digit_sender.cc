#include "media_anchor/core/digit_sender.h"

#include <algorithm>

#include "media_anchor/core/dtmf_tone.h"
#include "media_anchor/core/telephone_event.h"

namespace lastmile::media {
namespace {

constexpr uint32_t kSamples = 160;   // of G.711 in kDigitPeriod
constexpr uint32_t kEndRepeats = 2;  // RFC 4733 section 2.5.1.4: the last packet goes three times
constexpr uint32_t kGapFrames = kDigitGap / kDigitPeriod;
static_assert(kEndRepeats <= kGapFrames);

// Ticks of `count` packet periods.
uint32_t TicksOf(uint32_t count, uint32_t clock_rate) {
  constexpr uint32_t kPerSecond = 1s / kDigitPeriod;
  return static_cast<uint32_t>(uint64_t{count} * clock_rate / kPerSecond);
}

}  // namespace

bool DigitSender::Add(const SendDigit& digit, TimePoint now) {
  if (count_ == waiting_.size()) return false;
  SendDigit& slot = waiting_[(first_ + count_) % waiting_.size()];
  slot = digit;
  slot.duration = std::clamp<Duration>(digit.duration, kMinDigit, kMaxDigit);
  ++count_;
  if (next_ == kNever) next_ = now;
  return true;
}

std::optional<DigitSender::Packet> DigitSender::Pop(RelayStream& stream, TimePoint now,
                                                    MutableByteView room) {
  while (next_ <= now) {
    if (!sending_ && !Begin(stream, now)) continue;
    const size_t size = Write(room.subspan(RtpHeader::kSize));
    if (size == 0) {
      Step(stream);
      continue;
    }
    const bool marks = way_ == Way::kEvent && frame_ == 0;
    const uint32_t timestamp =
        way_ == Way::kTones ? timestamp_ + TicksOf(frame_, stream.clock_rate()) : timestamp_;
    const RtpHeader header = stream.Insert(type_.number, marks, timestamp, now);
    Step(stream);
    return Packet{WriteRtp(header, room, size), header};
  }
  return std::nullopt;
}

// False: not now; next_ says when again.
bool DigitSender::Begin(RelayStream& stream, TimePoint now) {
  if (count_ == 0) {
    next_ = kNever;
    return false;
  }
  // A digit of the source's own is on its way: not into the middle of it.
  if (stream.InEvent(now)) {
    next_ = now + kDigitPeriod;
    return false;
  }
  digit_ = waiting_[first_];
  first_ = (first_ + 1) % waiting_.size();
  --count_;
  sending_ = true;
  frame_ = 0;
  const auto events = stream.event_type();
  const auto tones = HasTones(digit_.event) ? stream.tone_type() : std::nullopt;
  way_ = events && !(digit_.tones && tones) ? Way::kEvent : tones ? Way::kTones : Way::kNothing;
  if (way_ != Way::kNothing) type_ = way_ == Way::kEvent ? *events : *tones;
  timestamp_ = stream.StartEvent(now);
  stream.Hold(way_ != Way::kNothing);
  return true;
}

uint32_t DigitSender::frames() const {
  return static_cast<uint32_t>((digit_.duration + kDigitPeriod - Duration(1)) / kDigitPeriod);
}

// The payload of frame_; 0: nothing is sent then.
size_t DigitSender::Write(MutableByteView payload) const {
  if (way_ == Way::kEvent) {
    if (frame_ >= frames() + kEndRepeats) return 0;
    const uint32_t ticks = TicksOf(std::min(frame_ + 1, frames()), type_.clock_rate);
    TelephoneEvent{.event = digit_.event,
                   .end = frame_ + 1 >= frames(),
                   .duration = static_cast<uint16_t>(std::min<uint32_t>(ticks, UINT16_MAX))}
        .Write(payload);
    return TelephoneEvent::kSize;
  }
  if (way_ == Way::kNothing) return 0;
  const MutableByteView samples = payload.first(kSamples);
  if (frame_ < frames()) {
    FillTones(digit_.event, type_.law, frame_ * kSamples, samples);
  } else {
    FillSilence(type_.law, samples);
  }
  return kSamples;
}

void DigitSender::Step(RelayStream& stream) {
  ++frame_;
  next_ += kDigitPeriod;
  // The gap of an event is the source's once the event is told; that of tones has to be silent.
  if (way_ == Way::kEvent && frame_ >= frames() + kEndRepeats) stream.Hold(false);
  if (frame_ < frames() + kGapFrames) return;
  stream.Hold(false);
  sending_ = false;
}

}  // namespace lastmile::media

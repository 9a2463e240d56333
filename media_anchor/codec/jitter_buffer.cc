#include "media_anchor/codec/jitter_buffer.h"

#include <algorithm>

#include "media_anchor/codec/pcm.h"

namespace lastmile::media {
namespace {

// 20 ms of all codecs, of Opus at up to 96 kbit/s.
constexpr size_t kUsualPayload = 240;

}  // namespace

JitterBuffer::JitterBuffer(uint32_t clock_rate, bool has_copies)
    : clock_rate_(clock_rate), has_copies_(has_copies) {
  for (Slot& slot : slots_) slot.payload.reserve(kUsualPayload);
}

JitterBuffer::Verdict JitterBuffer::Push(const RtpHeader& header, const Arrival& arrival,
                                         ByteView payload, TimePoint now) {
  ++stats_.received;
  if (IsStray(header, now)) {
    ++stats_.strays;
    return Verdict::kStray;
  }
  const bool timed = arrival.kind != Kind::kOther;
  const bool begins = !started_ || header.ssrc != ssrc_ || jump_next_ == header.sequence ||
                      (timed && Jumps(header, now));
  if (begins) BeginStream(header, now);
  jump_next_.reset();

  const auto ahead = static_cast<int16_t>(header.sequence - static_cast<uint16_t>(highest_));
  const int64_t number = highest_ + ahead;
  highest_ = std::max(highest_, number);
  int64_t at = last_at_;
  if (timed) {
    at = last_at_ = TicksAt(header.timestamp);
    delay_.On(TransitOf(at, now));
  }
  if (number < next_ && !playing_) next_ = std::max(number, highest_ - int64_t{kSlots} + 1);
  if (number < next_) {
    ++stats_.late;
    return Verdict::kLate;
  }
  if (Holds(number)) {
    ++stats_.doubled;
    return Verdict::kDoubled;
  }
  MakeRoomFor(number);
  Slot& slot = SlotOf(number);
  slot.number = number;
  slot.kind = arrival.kind;
  slot.at = at;
  slot.ticks = arrival.ticks;
  if (timed) slot.payload.assign(payload.begin(), payload.end());
  return begins ? Verdict::kNewStream : Verdict::kStored;
}

bool JitterBuffer::IsStray(const RtpHeader& header, TimePoint now) {
  if (!started_) return false;
  if (header.ssrc != ssrc_) return left_ssrc_ == header.ssrc && now - left_at_ < kLateWindow;
  const auto ahead = static_cast<int16_t>(header.sequence - static_cast<uint16_t>(highest_));
  if (ahead <= kMaxDropout && ahead >= -kMaxMisorder) return false;
  // Two in a row are a jump.
  if (jump_next_ == header.sequence) return false;
  jump_next_ = static_cast<uint16_t>(header.sequence + 1);
  return true;
}

bool JitterBuffer::Jumps(const RtpHeader& header, TimePoint now) const {
  if (delay_.empty()) return false;
  const Duration off = TransitOf(TicksAt(header.timestamp), now) - delay_.base();
  return off > kJump || off < -kJump;
}

void JitterBuffer::BeginStream(const RtpHeader& header, TimePoint now) {
  if (started_ && header.ssrc != ssrc_) {
    left_ssrc_ = ssrc_;
    left_at_ = now;
  }
  ++stats_.streams;
  started_ = true;
  ssrc_ = header.ssrc;
  origin_ = now;
  // High enough that a packet from before the first one has a number, too.
  highest_ = next_ = (int64_t{1} << 16) + header.sequence;
  last_at_ = header.timestamp;
  playing_ = false;
  starved_at_.reset();
  lossy_at_.reset();
  for (Slot& slot : slots_) slot.number.reset();
  delay_.Reset();
}

int64_t JitterBuffer::TicksAt(uint32_t timestamp) const {
  return last_at_ + static_cast<int32_t>(timestamp - static_cast<uint32_t>(last_at_));
}

Duration JitterBuffer::TransitOf(int64_t ticks, TimePoint now) const {
  return now - origin_ - TimeOf(ticks, clock_rate_);
}

Duration JitterBuffer::SurplusOf(int64_t ticks, TimePoint at) const {
  return TransitOf(ticks, at) - delay_.base() - TargetAt(at);
}

Duration JitterBuffer::TargetAt(TimePoint at) const {
  const bool waits = has_copies_ && lossy_at_ && at - *lossy_at_ < kLossy;
  return std::min(delay_.target() + (waits ? packet_time_ : Duration{}), DelayEstimate::kMost);
}

// The oldest ones go.
void JitterBuffer::MakeRoomFor(int64_t number) {
  const int64_t oldest = number - int64_t{kSlots} + 1;
  for (; next_ < oldest && next_ <= highest_; ++next_) {
    Slot& slot = SlotOf(next_);
    if (slot.number != next_) continue;
    slot.number.reset();
    ++stats_.discarded;
  }
  next_ = std::max(next_, oldest);
}

// Nothing: none is there. Numbers of kOther that are next are passed by.
JitterBuffer::Slot* JitterBuffer::FirstSlot() {
  for (; Holds(next_) && SlotOf(next_).kind == Kind::kOther; ++next_) SlotOf(next_).number.reset();
  for (int64_t number = next_; number <= highest_; ++number) {
    Slot& slot = SlotOf(number);
    if (slot.number == number && slot.kind != Kind::kOther) return &slot;
  }
  return nullptr;
}

JitterBuffer::Pull JitterBuffer::Pop(TimePoint at) {
  while (Slot* const head = FirstSlot()) {
    const Duration surplus = SurplusOf(head->at, at);
    const bool too_late = TargetAt(at) + surplus > DelayEstimate::kMost + kLongestLoss;
    if (too_late && *head->number != highest_) {
      Discard(*head);
      continue;
    }
    if (!playing_) {
      if (surplus < Duration{}) return Nothing(at);
      return Take(*head, surplus);
    }
    const int64_t missing = head->at - play_at_;
    if (missing > 0 && *head->number > next_ && TimeOf(missing, clock_rate_) <= kLongestLoss) {
      if (starved_at_) {
        PassBy(*head, at);
        continue;
      }
      return Lose(*head, at);
    }
    // The sender paused, or much is lost.
    if (missing > 0 && surplus < Duration{}) return Nothing(at);
    return Take(*head, surplus);
  }
  return Nothing(at);
}

void JitterBuffer::Discard(Slot& slot) {
  next_ = *slot.number + 1;
  play_at_ = slot.at + slot.ticks;
  slot.number.reset();
  ++stats_.discarded;
}

JitterBuffer::Pull JitterBuffer::Nothing(TimePoint at) {
  if (playing_ && !starved_at_) starved_at_ = at;
  return {};
}

JitterBuffer::Pull JitterBuffer::Take(Slot& slot, Duration surplus) {
  playing_ = true;
  starved_at_.reset();
  next_ = *slot.number + 1;
  play_at_ = slot.at + slot.ticks;
  if (slot.ticks > 0) packet_time_ = TimeOf(slot.ticks, clock_rate_);
  slot.number.reset();
  if (!Holds(next_)) surplus = std::min(surplus, Duration{});
  Pull pull{.payload = slot.payload, .ticks = slot.ticks, .surplus = surplus};
  switch (slot.kind) {
    case Kind::kNoise:
      pull.kind = Pull::Kind::kNoise;
      break;
    case Kind::kMuted:
      pull.kind = Pull::Kind::kMuted;
      break;
    case Kind::kAudio:
    case Kind::kOther:
      pull.kind = Pull::Kind::kAudio;
      break;
  }
  return pull;
}

JitterBuffer::Pull JitterBuffer::Lose(const Slot& head, TimePoint at) {
  const int64_t before = play_at_;
  const bool last = *head.number - next_ == 1;
  PassOne(head);
  lossy_at_ = at;
  Pull pull{.kind = Pull::Kind::kLost, .ticks = static_cast<uint32_t>(play_at_ - before)};
  if (last && head.kind == Kind::kAudio) pull.payload = head.payload;
  return pull;
}

// What was missing turns out to be lost, and something has been heard in its place: as many of the
// lost ones as that was long.
void JitterBuffer::PassBy(const Slot& head, TimePoint at) {
  const auto heard = static_cast<int64_t>(SamplesOf(at - *starved_at_, clock_rate_));
  const int64_t until = std::min(play_at_ + heard, head.at);
  starved_at_.reset();
  lossy_at_ = at;
  while (next_ < *head.number && play_at_ < until) PassOne(head);
}

// One of those that are lost before `head`; they share what is missing.
void JitterBuffer::PassOne(const Slot& head) {
  const int64_t packets = *head.number - next_;
  play_at_ += std::max<int64_t>((head.at - play_at_) / packets, 1);
  ++next_;
  ++stats_.lost;
}

}  // namespace lastmile::media

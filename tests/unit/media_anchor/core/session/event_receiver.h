#ifndef LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_EVENT_RECEIVER_H_
#define LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_EVENT_RECEIVER_H_

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "base/bytes.h"

namespace lastmile::media {

// A receiver of telephone-events as RFC 4733 section 2.5.2 describes it, and no more clever: an
// event is known by its timestamp. Its code is not that of the gateway.
class EventReceiver {
 public:
  struct Event {
    int code = 0;
    uint32_t timestamp = 0;
    uint32_t ticks = 0;  // the longest duration heard of
    bool ended = false;
  };

  EventReceiver(uint8_t audio_type, uint8_t event_type)
      : audio_type_(audio_type), event_type_(event_type) {}

  void On(const Bytes& packet) {
    const uint16_t number = LoadBe16(&packet[2]);
    if (!numbers_.empty()) extended_ += static_cast<int16_t>(number - last_number_);
    last_number_ = number;
    ++numbers_[extended_];
    ssrcs_[LoadBe32(&packet[8])] = true;
    const uint8_t type = packet[1] & 0x7f;
    if (type == audio_type_) ++audio_;
    if (type != event_type_) return;
    const uint32_t timestamp = LoadBe32(&packet[4]);
    for (auto it = events_.rbegin(); it != events_.rend() && it != events_.rbegin() + 3; ++it) {
      if (it->timestamp == timestamp) return Add(*it, packet);
    }
    events_.push_back({.code = packet[12], .timestamp = timestamp});
    Add(events_.back(), packet);
  }

  const std::vector<Event>& events() const { return events_; }
  std::vector<int> codes() const {
    std::vector<int> codes;
    for (const Event& event : events_) codes.push_back(event.code);
    return codes;
  }
  int audio() const { return audio_; }
  size_t sources() const { return ssrcs_.size(); }
  // Numbers that came twice, and numbers between the first and the last that never came.
  int doubled() const {
    int count = 0;
    for (const auto& [number, times] : numbers_) count += times - 1;
    return count;
  }
  int64_t missing() const {
    if (numbers_.empty()) return 0;
    return numbers_.rbegin()->first - numbers_.begin()->first + 1 -
           static_cast<int64_t>(numbers_.size());
  }

 private:
  static void Add(Event& event, const Bytes& packet) {
    event.ticks = std::max<uint32_t>(event.ticks, LoadBe16(&packet[14]));
    event.ended |= (packet[13] & 0x80) != 0;
  }

  const uint8_t audio_type_;
  const uint8_t event_type_;
  std::vector<Event> events_;
  std::map<int64_t, int> numbers_;
  std::map<uint32_t, bool> ssrcs_;
  int64_t extended_ = 0;
  uint16_t last_number_ = 0;
  int audio_ = 0;
};

// A network that loses one packet of 20, and brings another one of 50 after its successor.
class LossyLink {
 public:
  explicit LossyLink(uint32_t seed) : random_(seed) {}

  // What arrives now that `packet` was sent.
  std::vector<Bytes> Send(const Bytes& packet) {
    if (random_() % 20 == 0) {
      ++lost_;
      return {};
    }
    if (!late_ && random_() % 50 == 0) {
      late_ = packet;
      return {};
    }
    std::vector<Bytes> arrived = {packet};
    if (late_) arrived.push_back(*std::exchange(late_, std::nullopt));
    return arrived;
  }
  int lost() const { return lost_; }

 private:
  std::mt19937 random_;
  std::optional<Bytes> late_;
  int lost_ = 0;
};

// What a sender of audio and digits sends every 20 ms (RFC 4733 section 2.5.1): audio, and instead
// of it while a digit is pressed the event, its last packet three times.
class EventSource {
 public:
  struct Types {
    uint8_t audio = 0;
    uint32_t audio_clock = 8000;
    uint8_t event = 101;
    uint32_t event_clock = 8000;
  };
  EventSource(Types types, uint32_t ssrc) : types_(types), ssrc_(ssrc) {}

  // `frames` packets of 20 ms and two more of its end.
  void Press(uint8_t code, int frames) {
    code_ = code;
    frames_ = frames;
    frame_ = 0;
    event_timestamp_ = timestamp_;
  }
  bool pressing() const { return frame_ < frames_ + 2; }
  Bytes Next() {
    const bool event = pressing();
    Bytes packet(event ? 16 : 172, 0x55);
    packet[0] = 0x80;
    packet[1] = static_cast<uint8_t>((event && frame_ == 0 ? 0x80 : 0) |
                                     (event ? types_.event : types_.audio));
    StoreBe16(&packet[2], sequence_++);
    StoreBe32(&packet[4], event ? event_timestamp_ : timestamp_);
    StoreBe32(&packet[8], ssrc_);
    if (event) WriteEvent(&packet[12]);
    timestamp_ += types_.audio_clock / 50;
    return packet;
  }

 private:
  void WriteEvent(uint8_t* out) {
    const int length = std::min(++frame_, frames_);
    out[0] = code_;
    out[1] = static_cast<uint8_t>((frame_ >= frames_ ? 0x80 : 0) | 10);
    StoreBe16(out + 2, static_cast<uint16_t>(length * static_cast<int>(types_.event_clock / 50)));
  }

  const Types types_;
  const uint32_t ssrc_;
  uint16_t sequence_ = 65000;
  uint32_t timestamp_ = 0xffff0000;
  uint32_t event_timestamp_ = 0;
  uint8_t code_ = 0;
  int frames_ = 0;
  int frame_ = 2;
};

}  // namespace lastmile::media

#endif  // LASTMILE_TESTS_UNIT_MEDIA_ANCHOR_CORE_SESSION_EVENT_RECEIVER_H_

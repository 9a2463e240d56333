#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RELAY_STREAM_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RELAY_STREAM_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/audio_codec.h"
#include "media_anchor/core/g711.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/rtp_view.h"
#include "media_anchor/core/telephone_event.h"

namespace lastmile::media {

// A type that the gateway may send with.
struct OutgoingType {
  uint8_t number = 0;
  uint32_t clock_rate = 0;  // Hz
  G711 law = G711::kNone;
};

// One direction of the relay: whatever sources come in, one source goes out, with one SSRC and
// with sequence numbers and timestamps that go on where they were (RFC 3550 sections 5.1 and 8.2).
// No outgoing sequence number is used twice within a cycle: the packet after it may be encrypted
// with a key stream made from that number (RFC 3711 section 9.1). Gaps in the incoming numbers stay
// visible as gaps, but not where the gateway held packets back. Thread: its owner's. No allocation.
//
// Timestamps have one time line, that of the audio, also those of a telephone-event with another
// clock rate than the audio's: what goes out must not jump between two. Only durations are told in
// the clock of the event.
class RelayStream {
 public:
  RelayStream(RandomSource& random, bool video);

  // One type as this direction sees it; `out` may be kNoPayloadType.
  struct Types {
    uint8_t in = 0;
    uint8_t out = 0;
    uint32_t in_clock_rate = 0;
    uint32_t out_clock_rate = 0;
  };
  void ClearPayloads();
  // Packets of type `in` leave as type `out`. Of several mappings of one type the first counts.
  // Types above 127 do not exist and map nothing, but events without an `out` are listened to.
  void MapPayload(const Types& types, const PayloadMapping& mapping);
  // What ForwardRecoded() takes. A number above 127 maps nothing.
  // Without a codec it is one of events.
  void MapRecoded(uint8_t number, uint32_t clock_rate, std::optional<AudioCodec> codec);

  struct Forwarded {
    MutableByteView packet;  // inside the one that came
    RtpHeader header;
  };
  // Rewrites the packet in place. Nothing if its type is in no mapping, or if it is a duplicate,
  // too late, or the first of an implausible jump; while the source is held; and for digits that
  // TakeHeard() tells.
  std::optional<Forwarded> Forward(const RtpView& packet, TimePoint now);
  // The same for a packet that was made of another codec: it has the type that it leaves as.
  std::optional<Forwarded> ForwardRecoded(const RtpView& packet, TimePoint now);
  // Packets that did not leave because of digits: in place of what the source sent, or as one.
  uint64_t withheld() const { return withheld_; }
  // The digit that began with the last packet of Forward() and that has no type to leave as.
  std::optional<uint8_t> TakeHeard() { return std::exchange(heard_, std::nullopt); }

  // --- packets of the gateway's own ---
  // True: what the source sends is held back, until false.
  void Hold(bool held) { held_ = held; }
  // The next number of the stream, and its SSRC.
  RtpHeader Insert(uint8_t payload_type, bool marker, uint32_t timestamp, TimePoint now);
  // A timestamp for an event that begins now, later than that of any event before.
  uint32_t StartEvent(TimePoint now);
  // The time line now.
  uint32_t TimestampAt(TimePoint now) const;
  // An event of the source is being relayed.
  bool InEvent(TimePoint now) const { return event_at_ && now - *event_at_ < kEventPause; }
  // telephone-event at the clock of the audio, else at any.
  std::optional<OutgoingType> event_type() const;
  // The G.711 codec that was sent last, else the first one mapped.
  const std::optional<OutgoingType>& tone_type() const { return tone_type_; }
  uint32_t clock_rate() const { return clock_rate_; }  // of the time line, Hz
  // Of the audio that left last, if it is known.
  std::optional<AudioCodec> codec() const { return codec_; }

  uint32_t ssrc() const { return ssrc_; }
  // The source that is relayed now; nothing before the first packet.
  std::optional<uint32_t> source_ssrc() const {
    return started_ ? std::optional(in_ssrc_) : std::nullopt;
  }
  // What that source numbered the packet that left, or would have left, with `sequence`; nothing if
  // it is none of its latest kMaxAge numbers.
  std::optional<uint16_t> SourceSequenceOf(uint16_t sequence) const;
  // 0: the type is in no mapping.
  uint32_t ClockRateOf(uint8_t in) const { return in < 128 ? payloads_[in].clock_rate : 0; }
  bool IsEvent(uint8_t in) const { return in < 128 && payloads_[in].event; }

  // A stray packet of the source that was just left does not bring it back for so long.
  static constexpr Duration kLateWindow = 500ms;
  // RFC 3550 appendix A.1.
  static constexpr uint16_t kMaxDropout = 3000;
  static constexpr uint16_t kMaxMisorder = 128;  // SRTP's windows hold no more
  static constexpr uint16_t kMaxAge = 1024;
  // An event that sends no packet for so long is over or lost: senders repeat every 50 ms at most
  // (RFC 4733 section 2.5.1.2).
  static constexpr Duration kEventPause = 60ms;

 private:
  struct Payload {
    bool marks_joins = false;
    bool event = false;
    std::optional<AudioCodec> codec;  // of audio, if it is known
    uint8_t out = 0;
    uint32_t clock_rate = 0;  // 0: not mapped
    uint32_t out_clock_rate = 0;
  };
  enum class Step { kForward, kJoin, kDrop };

  std::optional<Forwarded> ForwardAs(const Payload& payload, const RtpView& packet, TimePoint now);
  Step Track(const RtpHeader& in, TimePoint now);
  Step TrackSequence(uint16_t sequence);
  void Join(const RtpHeader& in, uint32_t clock_rate, TimePoint now);
  bool Resume(uint16_t sequence);
  void Listen(const RtpView& packet, const Payload& payload, TimePoint now);
  std::optional<uint32_t> ConvertEvent(const RtpView& packet, const Payload& payload,
                                       TimePoint now);
  void OnSent(const RtpHeader& out, const Payload& payload, TimePoint now);

  std::array<Payload, 128> payloads_{};
  std::array<Payload, 4> recoded_{};
  size_t recoded_count_ = 0;
  std::array<OutgoingType, 4> event_types_{};
  size_t event_type_count_ = 0;
  std::optional<OutgoingType> tone_type_;
  const bool video_;
  const uint32_t ssrc_;
  bool started_ = false;
  uint32_t in_ssrc_ = 0;
  std::optional<uint32_t> left_ssrc_;  // the source before in_ssrc_
  TimePoint left_at_;                  // valid with left_ssrc_
  uint16_t in_highest_ = 0;
  __extension__ using Window = unsigned __int128;
  static_assert(sizeof(Window) * 8 == kMaxMisorder);
  Window in_seen_ = 0;  // bit n: in_highest_ - n was forwarded or dropped for good
  std::optional<uint16_t> jump_next_;
  uint16_t sequence_offset_ = 0;   // out - in
  uint32_t timestamp_offset_ = 0;  // out - in
  uint16_t out_highest_;
  uint16_t out_span_ = 0;  // numbers up to out_highest_ that are the source's, at most kMaxAge
  // The time line: what left last of the audio, and when. Valid once sent_.
  bool sent_ = false;
  uint32_t out_timestamp_;
  TimePoint last_at_;
  uint32_t clock_rate_ = 0;  // 0: no audio was mapped yet
  std::optional<AudioCodec> codec_;

  bool held_ = false;
  uint64_t withheld_ = 0;
  // Packets of the source were held back or some of the gateway's own were sent: the numbers of the
  // source's next one begin anew.
  bool resume_ = false;
  std::optional<TimePoint> event_at_;  // an event of the source was relayed
  uint32_t converted_timestamp_ = 0;   // of the event in events_
  uint32_t event_timestamp_ = 0;       // that went out last by StartEvent(); valid once any_event_
  bool any_event_ = false;
  EventTracker events_;  // of the source, as far as they are converted or listened to
  std::optional<uint8_t> heard_;
  std::optional<TimePoint> heard_at_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RELAY_STREAM_H_

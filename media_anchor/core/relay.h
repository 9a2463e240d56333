#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RELAY_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RELAY_H_

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// One direction of the relay: whatever sources come in, one source goes out, with one SSRC and
// with sequence numbers and timestamps that go on where they were (RFC 3550 sections 5.1 and 8.2).
// No outgoing sequence number is used twice within a cycle: the packet after it may be encrypted
// with a key stream made from that number (RFC 3711 section 9.1). Gaps in the incoming numbers stay
// visible as gaps. Thread: its owner's. No allocation.
class RelayStream {
 public:
  RelayStream(RandomSource& random, bool video);

  void ClearPayloads() { payloads_ = {}; }
  // Packets of type `in` leave as type `out`. Types above 127 do not exist and map nothing.
  void MapPayload(uint8_t in, uint8_t out, const PayloadMapping& mapping);

  struct Forwarded {
    MutableByteView packet;  // inside the one that came
    RtpHeader header;
  };
  // Rewrites the packet in place. Nothing if its type is in no mapping, or if it is a duplicate,
  // too late, or the first of an implausible jump.
  std::optional<Forwarded> Forward(const RtpView& packet, TimePoint now);

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

  // A stray packet of the source that was just left does not bring it back for so long.
  static constexpr Duration kLateWindow = 500ms;
  // RFC 3550 appendix A.1.
  static constexpr uint16_t kMaxDropout = 3000;
  static constexpr uint16_t kMaxMisorder = 128;  // SRTP's windows hold no more
  static constexpr uint16_t kMaxAge = 1024;

 private:
  struct Payload {
    bool marks_joins = false;
    uint8_t out = 0;
    uint32_t clock_rate = 0;  // 0: not mapped
  };
  enum class Step { kForward, kJoin, kDrop };

  Step Track(const RtpHeader& in, TimePoint now);
  Step TrackSequence(uint16_t sequence);
  void Join(const RtpHeader& in, uint32_t clock_rate, TimePoint now);

  std::array<Payload, 128> payloads_{};
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
  uint32_t out_timestamp_;
  TimePoint last_at_;  // of out_highest_; valid once started_
};

// Both directions of audio or video and the payload types between them.
class Relay {
 public:
  Relay(RandomSource& random, bool video)
      : video_(video), to_trunk_(random, video), to_browser_(random, video) {}

  // Takes those of its own kind of media.
  void SetPayloads(std::span<const PayloadMapping> mappings);
  RelayStream& to_trunk() { return to_trunk_; }
  RelayStream& to_browser() { return to_browser_; }

 private:
  const bool video_;
  RelayStream to_trunk_;
  RelayStream to_browser_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RELAY_H_

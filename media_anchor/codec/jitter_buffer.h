#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_JITTER_BUFFER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_JITTER_BUFFER_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/codec/delay_estimate.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// Packets of one stream of audio from the network, in order and when their time has come: late
// enough that those which the network delays are there, as DelayEstimate has it, 20 to 200 ms.
// Reordered and doubled packets, wraps of both numbers, pauses of the sender (DTX) and a drifting
// clock are its everyday; another SSRC or numbers that jump begin a new stream. Sans-IO. Thread:
// its owner's. A slot's memory is allocated in the beginning and grows for a larger payload once.
class JitterBuffer {
 public:
  enum class Kind {
    kAudio,
    kMuted,  // audio that shall be heard as silence
    kNoise,  // RFC 3389
    kOther,  // takes a number of the stream, and no time
  };
  struct Arrival {
    Kind kind = Kind::kAudio;
    uint32_t ticks = 0;  // how long the audio is
  };
  enum class Verdict {
    kStored,
    kNewStream,  // and stored: what is decoded has nothing to do with what was
    kLate,
    kDoubled,
    kStray,  // of the source before, or the first of a jump that may be none
  };

  // `has_copies`: a packet tells of the one before it, too (in-band FEC). As long as some get lost,
  // a packet waits for the next one.
  JitterBuffer(uint32_t clock_rate, bool has_copies);

  Verdict Push(const RtpHeader& header, const Arrival& arrival, ByteView payload, TimePoint now);

  struct Pull {
    enum class Kind {
      kAudio,  // `payload`
      kMuted,  // the same
      kNoise,  // the payload of comfort noise; takes no time
      kLost,   // `ticks` of audio; `payload` is what stands behind it, if that is all that is lost
      kNothing,  // there is nothing to play now
    };
    Kind kind = Kind::kNothing;
    ByteView payload{};  // until the next Push()
    uint32_t ticks = 0;
    // kAudio, kMuted: it waited so much longer than the target delay. Not above 0 if the packet
    // behind it is not there: then there is nothing to catch up with.
    Duration surplus{};
  };
  // What has to be played at `at`, when all that was pulled before will have been.
  Pull Pop(TimePoint at);

  struct Stats {
    uint64_t received = 0;
    uint64_t late = 0;
    uint64_t doubled = 0;
    uint64_t strays = 0;
    uint64_t lost = 0;       // told by kLost
    uint64_t discarded = 0;  // came, and too many were before them
    uint64_t streams = 0;
  };
  const Stats& stats() const { return stats_; }
  Duration TargetAt(TimePoint at) const;

  // 320 ms of packets of 10 ms.
  static constexpr size_t kSlots = 32;
  // RFC 3550 appendix A.1.
  static constexpr int kMaxDropout = 3000;
  static constexpr int kMaxMisorder = 100;
  // A stray packet of the source that was just left does not bring it back for so long.
  static constexpr Duration kLateWindow = 500ms;
  // A packet whose time is so far off the others' is of another time line.
  static constexpr Duration kJump = 1s;
  // What is lost in a row is told up to here; more is a pause.
  static constexpr Duration kLongestLoss = 120ms;
  // After a loss the next one is expected for so long.
  static constexpr Duration kLossy = 10s;

 private:
  struct Slot {
    std::optional<int64_t> number;
    Kind kind = Kind::kOther;
    int64_t at = 0;  // RTP ticks
    uint32_t ticks = 0;
    Bytes payload;
  };

  bool IsStray(const RtpHeader& header, TimePoint now);
  bool Jumps(const RtpHeader& header, TimePoint now) const;
  void BeginStream(const RtpHeader& header, TimePoint now);
  int64_t TicksAt(uint32_t timestamp) const;
  Duration TransitOf(int64_t ticks, TimePoint now) const;
  // Whether the media at `ticks` has to be played at `at`, and how much later than that it is.
  Duration SurplusOf(int64_t ticks, TimePoint at) const;
  Slot& SlotOf(int64_t number) { return slots_[static_cast<size_t>(number) % kSlots]; }
  bool Holds(int64_t number) { return SlotOf(number).number == number; }
  void MakeRoomFor(int64_t number);
  Slot* FirstSlot();
  Pull Take(Slot& slot, Duration surplus);
  void Discard(Slot& slot);
  Pull Lose(const Slot& head, TimePoint at);
  void PassBy(const Slot& head, TimePoint at);
  void PassOne(const Slot& head);
  Pull Nothing(TimePoint at);

  const uint32_t clock_rate_;
  const bool has_copies_;
  std::array<Slot, kSlots> slots_;
  DelayEstimate delay_;
  Stats stats_;

  bool started_ = false;
  uint32_t ssrc_ = 0;
  std::optional<uint32_t> left_ssrc_;  // the source before ssrc_
  TimePoint left_at_;                  // valid with left_ssrc_
  std::optional<uint16_t> jump_next_;
  TimePoint origin_;                     // arrival of the stream's first packet
  int64_t highest_ = 0;                  // sequence number, counted on over wraps
  int64_t last_at_ = 0;                  // RTP ticks of the audio that came last, counted on
  bool playing_ = false;                 // something of the stream was pulled
  int64_t next_ = 0;                     // the number to pull next
  int64_t play_at_ = 0;                  // RTP ticks, where that begins if nothing is missing
  std::optional<TimePoint> starved_at_;  // since then there was nothing to play
  std::optional<TimePoint> lossy_at_;    // the last loss
  Duration packet_time_{};               // of the packet that was taken last
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_JITTER_BUFFER_H_

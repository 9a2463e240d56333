#ifndef LASTMILE_MEDIA_ANCHOR_CORE_STREAM_METER_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_STREAM_METER_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/core/audio_codec.h"
#include "media_anchor/core/leg_plan.h"

// How the two streams of one leg fare, from what is received of it and from its reports (RFC 3550
// section 6.4). Sans-IO. Thread: their owner's. No allocation.
namespace lastmile::media {

Duration FromSeconds(double seconds);

// A mean of what was added.
class Mean {
 public:
  void Add(double value) {
    sum_ += value;
    ++count_;
  }
  std::optional<double> value() const {
    return count_ == 0 ? std::nullopt : std::optional(sum_ / count_);
  }

 private:
  double sum_ = 0;
  uint32_t count_ = 0;
};

// The share of its packets that a stream lost, in all and in the worst window. It is told totals.
class LossMeter {
 public:
  // A window ends with the first Close() at or after this.
  TimePoint window_ends() const { return ends_; }
  void Begin(TimePoint now) { ends_ = now + kWindow; }
  // False: so few packets make no window, and it goes on.
  bool Close(uint64_t expected, uint64_t lost, TimePoint now);
  // 0 to 1. `expected`, `lost`: up to now. Before a window was over it is what was lost in all.
  double Worst(uint64_t expected, uint64_t lost) const;

  static constexpr Duration kWindow = 5s;
  static constexpr uint64_t kFewest = 50;  // packets: one of them is not much more than 1 %

 private:
  TimePoint ends_{};
  uint64_t expected_ = 0;  // when the window began
  uint64_t lost_ = 0;
  std::optional<double> worst_;
};

// Of 0 packets none is lost.
double ShareOf(uint64_t lost, uint64_t expected);

// What a leg says of the stream that is sent to it: a report block (RFC 3550 section 6.4.1).
struct ReportBlock {
  uint32_t reporter = 0;  // SSRC of who says it
  int32_t lost = 0;       // in all; negative if packets came twice
  uint32_t highest = 0;   // sequence number, extended
  uint32_t jitter = 0;    // timestamp units
  uint32_t last_sr = 0;   // middle 32 bits of the time of the last SR that it has; 0: none
  uint32_t since_sr = 0;  // 1/65536 s since that came
};
// In a compound packet with sound lengths (IsCompoundRtcp()), the block on `ssrc`.
std::optional<ReportBlock> FindReportBlock(ByteView compound, uint32_t ssrc);

// A stream as it is sent: its packets, and the numbers it has left out because what it relays had
// not come.
struct SentNumbers {
  uint64_t packets = 0;
  uint64_t missing = 0;
};
// Counts them.
class SentCounter {
 public:
  void OnPacket(uint16_t sequence);
  SentNumbers numbers() const;

 private:
  uint64_t packets_ = 0;
  uint64_t span_ = 0;  // numbers from the first packet's to the highest
  uint16_t highest_ = 0;
};

// How the stream that is sent to a leg arrives there, as the leg reports it. A receiver takes the
// numbers that were left out for lost packets: on this way they were not.
class SentMeter {
 public:
  // `sent`: up to now, at least one packet; `clock_rate` of the stream, Hz, 0: not known.
  void OnReport(const ReportBlock& block, const SentNumbers& sent, uint32_t clock_rate,
                TimePoint now);
  // Nothing: there was no report. Without a MOS.
  std::optional<StreamQuality> quality(uint64_t sent) const;

 private:
  // What a report of its own tells of the one before it.
  struct Step {
    int64_t expected = 0;
    int64_t lost = 0;
  };
  std::optional<Step> StepTo(const ReportBlock& block, const SentNumbers& sent) const;

  std::optional<ReportBlock> last_;
  uint64_t missing_ = 0;  // of the stream, at the last report
  uint64_t expected_ = 0;
  int64_t lost_ = 0;
  LossMeter loss_;
  Mean jitter_;  // s
};

// The time to a leg and back, from its reports on the sender reports that it was sent.
class RoundTripMeter {
 public:
  // A sender report leaves, with this in the middle of its NTP time.
  void OnSenderReport(uint32_t ntp_middle);
  // `ntp_middle` of now. What refers to none of the latest sender reports is not believed.
  void OnReport(const ReportBlock& block, uint32_t ntp_middle);
  std::optional<Duration> mean() const;

 private:
  uint32_t latest_ = 0;  // 0: none
  uint32_t before_ = 0;
  Mean seconds_;
};

// R of G.107, 0 to 93.2, as if it were G.711.
double RatingOf(const StreamQuality& quality, const std::optional<Duration>& rtt);
// Adds to what the meters say what it is worth to listeners. A codec that is not known has no MOS.
void AddMos(std::optional<AudioCodec> codec, const std::optional<Duration>& rtt,
            StreamQuality& quality);

// A receiver holds packets back for this long and for twice the jitter besides.
inline constexpr Duration kReceiverBuffer = 40ms;

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_STREAM_METER_H_

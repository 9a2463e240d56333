#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RTCP_XR_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RTCP_XR_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/bytes.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/stream_meter.h"

// Extended reports of RTCP (RFC 3611), the blocks that a voice call has a use for: VoIP metrics,
// receiver reference time and its answer. All others are skipped. Sans-IO. Thread: their owner's.
// No allocation.
namespace lastmile::media {

// VoIP metrics (section 4.7), with the units of the RFC. A default is what it has for "unknown".
struct VoipMetrics {
  static constexpr uint8_t kUnknown = 127;

  uint32_t ssrc = 0;         // of the stream that they are about
  uint8_t loss_rate = 0;     // of 256
  uint8_t discard_rate = 0;  // of 256
  uint8_t burst_density = 0;
  uint8_t gap_density = 0;
  uint16_t burst_ms = 0;
  uint16_t gap_ms = 0;
  uint16_t round_trip_ms = 0;
  uint16_t end_system_ms = 0;
  uint8_t signal_level = kUnknown;  // dBm, two's complement
  uint8_t noise_level = kUnknown;
  uint8_t echo_return_loss = kUnknown;  // dB
  uint8_t gmin = 16;
  uint8_t r_factor = kUnknown;
  uint8_t external_r_factor = kUnknown;
  uint8_t mos_lq = kUnknown;  // of 10
  uint8_t mos_cq = kUnknown;
  uint8_t receiver_config = 0;
  uint16_t buffer_ms = 0;  // of the jitter buffer: nominal, highest now, highest ever
  uint16_t buffer_max_ms = 0;
  uint16_t buffer_abs_max_ms = 0;
  bool operator==(const VoipMetrics&) const = default;
};

// A receiver's time (section 4.4), and what comes back on it (section 4.5).
struct ReceiverTime {
  uint32_t ssrc = 0;  // of the receiver
  uint64_t ntp = 0;
  bool operator==(const ReceiverTime&) const = default;
};
struct ReceiverDelay {
  uint32_t ssrc = 0;      // of the receiver that the time was from
  uint32_t last_rr = 0;   // the middle 32 bits of that time
  uint32_t since_rr = 0;  // 1/65536 s since that came
  bool operator==(const ReceiverDelay&) const = default;
};

// What one compound packet has of these.
struct ExtendedReport {
  std::optional<ReceiverTime> time = std::nullopt;
  std::optional<ReceiverDelay> delay = std::nullopt;
  std::optional<VoipMetrics> voip = std::nullopt;
  bool malformed = false;  // a block was longer than its packet, or not as long as its kind is
  bool operator==(const ExtendedReport&) const = default;
};
// Of a compound packet with sound lengths (IsCompoundRtcp()): the first time that is told, what is
// said to and about the source `ssrc`. What is malformed tells nothing, nor does what follows it.
ExtendedReport ParseExtendedReport(ByteView compound, uint32_t ssrc);
// Writes one XR packet of `from_ssrc` into `out` (kMaxExtendedReport bytes) and returns its size;
// 0: there is nothing to say.
size_t WriteExtendedReport(const ExtendedReport& report, uint32_t from_ssrc, MutableByteView out);
inline constexpr size_t kMaxExtendedReport = 8 + 12 + 16 + 36;

// Where packets were lost: bursts, in which fewer than kGmin come between two losses, and the gaps
// between them (section 4.7.2). A packet that came late counts as lost.
class BurstMeter {
 public:
  // A packet came; so many before it did not.
  void OnPacket(uint32_t lost_before);

  struct Shape {
    double burst_density = 0;  // share of its packets that are lost, 0 to 1
    double gap_density = 0;
    double burst_packets = 0;  // how long it is on average
    double gap_packets = 0;
  };
  Shape shape() const;

  static constexpr uint32_t kGmin = 16;
  // More lost in one place than this counts as this: its cost is bounded.
  static constexpr uint32_t kMostLost = 64;

 private:
  void OnLost();

  // Changes between: gap, received (1), burst, received (2), burst, lost (3), gap, lost (4).
  uint64_t within_gap_ = 0;         // 1 to 1
  uint64_t gap_to_burst_ = 0;       // 1 to 3; as often back
  uint64_t alone_ = 0;              // 1 to 4 and back: losses in gaps
  uint64_t received_in_burst_ = 0;  // 2 to 2
  uint64_t lost_again_ = 0;         // 2 to 3; as often back
  uint64_t lost_in_row_ = 0;        // 3 to 3
  uint64_t received_ = 0;           // since the last loss
  uint64_t lost_ = 0;               // in a row of losses with less than a gap between; 0: none yet
};

// What they say to people who have to read them; nothing: there were none.
std::optional<HeardQuality> HeardIn(const std::optional<VoipMetrics>& metrics);

// The extended reports of one leg: what it was agreed to send, and what came.
class ExtendedReporter {
 public:
  // `ssrc`: of what is sent on this leg.
  explicit ExtendedReporter(uint32_t ssrc) : ssrc_(ssrc) {}

  void SetPlan(const XrPlan& plan) { plan_ = plan; }
  // A packet of the peer came in order; so many before it did not.
  void OnReceived(uint32_t lost_before) { bursts_.OnPacket(lost_before); }
  // A compound packet with sound lengths. `ntp`: of now.
  void OnReport(ByteView compound, uint64_t ntp);

  // What is known of the peer's stream.
  struct Received {
    uint32_t ssrc = 0;
    StreamQuality quality{};
    std::optional<AudioCodec> codec = std::nullopt;
    std::optional<Duration> rtt = std::nullopt;
    Duration per_packet{};  // from one to the next
  };
  // Writes the packet that goes with a report, into `out` (kMaxExtendedReport bytes). 0: none.
  // `sends`: media was sent since the report before.
  size_t Build(const std::optional<Received>& received, bool sends, uint64_t ntp,
               MutableByteView out);

  // From what came back on our times: nothing says so of who sends no media.
  std::optional<Duration> rtt() const { return round_trip_.mean(); }
  const std::optional<VoipMetrics>& of_peer() const { return of_peer_; }
  uint64_t malformed() const { return malformed_; }

 private:
  VoipMetrics Describe(const Received& received) const;

  const uint32_t ssrc_;
  XrPlan plan_;
  BurstMeter bursts_;
  RoundTripMeter round_trip_;
  std::optional<ReceiverTime> peer_time_;  // not answered yet
  uint32_t peer_time_at_ = 0;              // the middle 32 bits of our time then
  std::optional<VoipMetrics> of_peer_;
  uint64_t malformed_ = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RTCP_XR_H_

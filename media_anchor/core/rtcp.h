#ifndef LASTMILE_MEDIA_ANCHOR_CORE_RTCP_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_RTCP_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/rtcp_xr.h"
#include "media_anchor/core/rtp_view.h"
#include "media_anchor/core/stream_meter.h"

namespace lastmile::media {

struct Feedback;

// Whether version, padding and lengths of every packet in the datagram add up (RFC 3550 appendix
// A.2).
bool HasSoundRtcpLengths(ByteView packet);
// Whether the bytes are also a compound packet: it begins with SR or RR (RFC 3550 section 6.1).
bool IsCompoundRtcp(ByteView packet);

// RTCP of one leg. RTCP ends here: the two legs have other sources, numbers and names, so a report
// of one side means nothing on the other and would show its CNAME. The reporter says what the
// gateway sent on this leg and how it receives the peer's stream (RFC 3550 section 6.4), about
// every five seconds, as soon as a packet went either way. NTP times are those of the monotonic
// clock, as section 4 allows. Thread: its owner's. No allocation.
class RtcpReporter {
 public:
  static constexpr size_t kMaxReport = 80 + kMaxExtendedReport;
  static constexpr size_t kMaxFeedback = 512;
  static constexpr Duration kInterval = 5s;

  // `ssrc`: of what is sent on this leg. Draws a CNAME and a seed from `random`.
  RtcpReporter(uint32_t ssrc, RandomSource& random, TimePoint now);

  // Which extended reports go with the others from now on.
  void SetExtended(const XrPlan& plan) { xr_.SetPlan(plan); }

  void OnSent(const RtpHeader& header, size_t payload_size, uint32_t clock_rate, TimePoint now);
  // `clock_rate` 0: of no known type, or an event, whose timestamp is not that of its packet. Says
  // nothing about jitter and begins no new source.
  void OnReceived(const RtpHeader& header, uint32_t clock_rate, TimePoint now);
  // A plain compound packet of the peer. False: malformed.
  bool OnReport(ByteView packet, TimePoint now);

  // Something was sent or received.
  bool active() const { return active_; }
  // kNever until then.
  TimePoint next_report() const { return active_ ? next_ : kNever; }
  // Writes a compound SR or RR with SDES, and XR if it is planned, into `out` (kMaxReport bytes)
  // and returns its size. `received`: the codec of the peer's stream.
  size_t BuildReport(MutableByteView out, TimePoint now,
                     std::optional<AudioCodec> received = std::nullopt);
  // Writes `feedback` for the peer's source `media_ssrc` as a minimal compound packet (RFC 4585
  // section 3.1) into `out` (kMaxFeedback bytes) and returns its size. The reports go on as before.
  size_t BuildFeedback(const Feedback& feedback, uint32_t media_ssrc, MutableByteView out) const;

  // What was received and, as the peer reports it, sent, of these codecs.
  LegQuality quality(std::optional<AudioCodec> received, std::optional<AudioCodec> sent) const;

 private:
  struct Source {
    uint32_t ssrc = 0;
    uint32_t first = 0;
    uint32_t highest = 0;  // extended by the cycles
    uint32_t received = 0;
    uint32_t expected_before = 0;
    uint32_t received_before = 0;
    std::optional<uint32_t> transit{};
    uint32_t clock_rate = 0;  // of `transit` and `jitter`, Hz
    double jitter = 0;        // timestamp units
    uint32_t last_sr = 0;     // the middle 32 bits of its NTP time, 0: none yet
    TimePoint last_sr_at{};

    uint32_t expected() const { return highest - first + 1; }
    double jitter_seconds() const { return clock_rate == 0 ? 0 : jitter / clock_rate; }
  };
  struct Totals {
    uint64_t received = 0;
    uint64_t expected = 0;
    uint64_t lost = 0;
    void Add(const Source& source);
  };

  void ScheduleNext(TimePoint now);
  void Count(uint16_t sequence, uint32_t ssrc);
  void MeasureJitter(uint32_t timestamp, uint32_t clock_rate, TimePoint now);
  Totals totals() const;
  std::optional<StreamQuality> received() const;
  std::optional<Duration> rtt() const;
  std::optional<ExtendedReporter::Received> ReceivedOf(std::optional<AudioCodec> codec,
                                                       TimePoint now) const;
  uint32_t NtpMiddle(TimePoint now) const;
  void WriteSenderInfo(uint8_t* out, TimePoint now) const;
  void WriteBlock(uint8_t* out, TimePoint now);
  size_t WriteSdes(uint8_t* out) const;

  const uint32_t ssrc_;
  const TimePoint start_;
  std::array<char, 16> cname_;
  std::minstd_rand jitter_of_schedule_;
  TimePoint next_;
  bool active_ = false;
  bool sent_since_report_ = false;
  uint32_t bytes_sent_ = 0;
  uint32_t last_timestamp_ = 0;
  uint32_t last_clock_rate_ = 0;
  TimePoint last_sent_at_;
  std::optional<Source> source_;
  TimePoint first_received_at_;
  Totals earlier_;  // of the sources before
  LossMeter loss_;
  Mean jitter_;  // s, at the end of each window
  SentCounter sent_numbers_;
  SentMeter sent_;
  RoundTripMeter round_trip_;
  ExtendedReporter xr_;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_RTCP_H_

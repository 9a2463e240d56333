#ifndef LASTMILE_MEDIA_ANCHOR_CORE_SOURCE_LATCH_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_SOURCE_LATCH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/endpoint.h"
#include "base/time.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// Whose RTP a trunk leg believes, and so where it sends its own (S-02). Who the SDP names, always.
// With `latch` the trunk may be behind a NAT, and another source can take that place if it fits
// better than the one before: the port, or else the address, that the SDP names or that the SDP
// came from, or, within a window, anybody who sends a stream. As good as before is not better, so
// that nobody who comes later has it. Sans-IO. Thread: its owner's (the media worker's). No
// allocation.
class SourceLatch {
 public:
  // Another SDP: what was believed is forgotten. `signalled_from`: the address that the SDP came
  // from, if it is known.
  void Begin(const Endpoint& named, bool latch, const std::optional<IpAddress>& signalled_from,
             TimePoint now);
  // The trunk has reason to speak from now on, it has answered: the window opens again. Who was
  // believed still is.
  void Listen(TimePoint now);

  const Endpoint& source() const { return source_; }
  // Whether a packet from there is worth a look. On hold none is (RFC 3264 sections 5.1, 8.4).
  bool MayBe(const Endpoint& from, TimePoint now) const;
  // The packet is from where MayBe() said yes. True: its source is believed now. `authentic`: it
  // was sealed with the trunk's key, and nothing fits better.
  bool Take(const Endpoint& from, const RtpHeader& header, bool authentic, TimePoint now);
  // Nobody else can take the place any more before Begin() or Listen().
  bool settled() const { return !latch_ || settled_; }

  // After Begin() or Listen(). Whom nothing but his packets speaks for is believed only in it, and
  // not in its first part: that is for those who have more to show.
  static constexpr Duration kWindow = 3s;
  static constexpr Duration kPatience = 500ms;
  // Of one source, numbered one by one: fewer are no stream.
  static constexpr int kStream = 5;
  // Strangers that are watched at a time.
  static constexpr size_t kStrangers = 4;

 private:
  enum class Match { kNone, kStranger, kAddress, kPort, kKey };  // what speaks for a source
  struct Stranger {
    Endpoint from;
    uint32_t ssrc = 0;
    uint16_t next = 0;
    int packets = 0;
  };

  Match MatchOf(const Endpoint& from) const;
  bool HasStream(const Endpoint& from, const RtpHeader& header);

  bool latch_ = false;
  bool settled_ = false;
  Endpoint named_;
  std::optional<IpAddress> signalled_from_;
  Endpoint source_;
  Match match_ = Match::kNone;  // of source_, once it was heard
  TimePoint since_;
  std::array<Stranger, kStrangers> strangers_{};
  size_t next_stranger_ = 0;
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_SOURCE_LATCH_H_

#ifndef LASTMILE_MEDIA_ANCHOR_CORE_PASSAGE_H_
#define LASTMILE_MEDIA_ANCHOR_CORE_PASSAGE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/time.h"
#include "media_anchor/codec/transcoder.h"
#include "media_anchor/core/leg_plan.h"
#include "media_anchor/core/media_pace.h"
#include "media_anchor/core/relay_stream.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// One direction of a session: what comes in is relayed, or decoded and encoded anew, type by type.
// A transcoder's packets are one more source of the relay, so that what goes out is one source
// whatever changes on the way, and the gateway's own packets find their place among them. A
// transcoder lives from the first packet of its codec on, as long as that codec is what comes.
// Thread: its owner's. No allocation per packet, but when the codec changes.
class Passage final : public RelayStream {
 public:
  enum class Way { kToTrunk, kToBrowser };
  Passage(RandomSource& random, bool video, Way way)
      : RelayStream(random, video), video_(video), way_(way), pace_(video) {}

  // Those of its own kind of media.
  void SetPayloads(std::span<const PayloadMapping> mappings);

  struct Outcome {
    std::optional<Forwarded> packet;  // inside the one that came
    bool waits = false;               // what comes of it is Pop()'s
    bool too_fast = false;            // as MediaPace says
  };
  Outcome Take(const RtpView& packet, TimePoint now);
  // When there is something to do for Pop().
  TimePoint next() const { return transcoder_ ? transcoder_->next() : kNever; }
  // The next packet that is due, written into `room` (Transcoder::kMaxPacket bytes). To be asked
  // until there is none.
  std::optional<Forwarded> Pop(TimePoint now, MutableByteView room);
  // The digit that began with the last packet of Take() and that has no type to leave as.
  std::optional<uint8_t> TakeDigit();

  // One of Pop()'s packets was sent.
  void CountRecoded() { ++recoded_; }
  // How many packets of the source got through, if `sent` were sent: a transcoder goes on for a
  // while when its source is dead.
  uint64_t GotThrough(uint64_t sent) const { return sent - recoded_ + decoded_ + withheld(); }

  // 0: the type is in no mapping.
  uint32_t ClockOf(uint8_t in) const;
  // What a reporter measures jitter by: 0 also of an event.
  uint32_t ClockForJitter(uint8_t in) const { return IsEvent(in) ? 0 : ClockOf(in); }
  // Of the audio that was let through last, as it came, if it is known.
  std::optional<AudioCodec> codec_in() const {
    return transcoder_ ? transcoder_->plan().in.codec : codec();
  }

  // A source that changes its codec all the time is not followed more often.
  static constexpr Duration kCodecPause = 500ms;

 private:
  RelayStream::Types TypesOf(const PayloadMapping& mapping) const;
  void AddPlan(const RelayStream::Types& types, const Recoding& recoding);
  void AddEvents(std::span<const PayloadMapping> mappings);
  const TranscoderPlan* PlanFor(uint8_t in) const;
  bool Follow(const TranscoderPlan* plan, TimePoint now);

  const bool video_;
  const Way way_;
  MediaPace pace_;
  std::vector<TranscoderPlan> plans_;
  std::unique_ptr<Transcoder> transcoder_;  // null: what comes is relayed
  uint32_t transcoders_ = 0;                // that were made; the last one's SSRC
  std::optional<TimePoint> followed_at_;
  uint64_t decoded_ = 0;  // packets that a transcoder took
  uint64_t recoded_ = 0;  // packets of transcoders that were sent
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CORE_PASSAGE_H_

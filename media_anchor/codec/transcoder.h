#ifndef LASTMILE_MEDIA_ANCHOR_CODEC_TRANSCODER_H_
#define LASTMILE_MEDIA_ANCHOR_CODEC_TRANSCODER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/time.h"
#include "media_anchor/codec/audio_coder.h"
#include "media_anchor/codec/event_passage.h"
#include "media_anchor/codec/pcm_source.h"
#include "media_anchor/codec/resampler.h"
#include "media_anchor/core/rtp_view.h"

namespace lastmile::media {

// What comes in and what has to go out.
struct TranscoderPlan {
  struct Audio {
    AudioCodec codec = AudioCodec::kPcmu;
    uint8_t payload_type = 0;
    bool operator==(const Audio&) const = default;
  };
  Audio in;
  Audio out;
  Duration ptime = 20ms;  // of what goes out; NearestPtime() of it is used
  std::optional<EventTypes> events = std::nullopt;
  std::optional<uint8_t> noise_in = std::nullopt;  // comfort noise (RFC 3389), 13 as a rule
  bool operator==(const TranscoderPlan&) const = default;
};

// One direction of a call whose sides share no codec: RTP of one codec in, RTP of another out, as
// one source with numbers that go on (RFC 3550 section 5.1). Audio is decoded when its time has
// come (PcmSource) and leaves every ptime; telephone-event passes at once, beside the codecs, and
// as long as it lasts neither its tone nor other audio leaves. When nothing has come for kSilent,
// nothing leaves, so that the other side sees a dead source as one. Sans-IO. Thread: its owner's
// (the media worker's). No allocation per packet but for a payload that is larger than any before.
class Transcoder {
 public:
  // `first`: SSRC, and the number and timestamp of the first packet that leaves; its other fields
  // do not count. Fails if a library has no memory.
  static Result<std::unique_ptr<Transcoder>> Create(const TranscoderPlan& plan,
                                                    const RtpHeader& first);

  struct Packet {
    MutableByteView bytes;  // the start of `room`
    RtpHeader header;
  };
  // A packet of the source. Others than those of the plan's payload types are dropped. Returns what
  // leaves at once, an event, which is written into `room`: its packet's bytes, or as many others.
  std::optional<Packet> OnPacket(const RtpHeader& header, ByteView payload, TimePoint now,
                                 MutableByteView room);
  // When there is something to do for Pop(); kNever: until a packet comes there is nothing.
  TimePoint next() const { return running_ ? *line_at_ : kNever; }
  // The next packet that is due. To be asked until there is none. A caller that is late gets what
  // is due at once, and what is overdue by more than kMostBehind not at all.
  std::optional<Packet> Pop(TimePoint now, MutableByteView room);
  // The event that began last and that has no type to leave as.
  std::optional<uint8_t> TakeHeard();

  const TranscoderPlan& plan() const { return plan_; }

  struct Stats {
    uint64_t sent = 0;     // packets
    uint64_t refused = 0;  // that came: of an unknown type, or no payload of their codec
  };
  const Stats& stats() const { return stats_; }
  const PcmSource& source() const { return source_; }

  static constexpr size_t kMaxPacket = RtpHeader::kSize + AudioEncoder::kMaxSize;
  // A browser's Opus tells of itself every 400 ms (DTX). A gateway that sends comfort noise may not
  // speak until the noise changes (RFC 3389 section 4).
  static constexpr Duration kSilent = 2s;
  static constexpr Duration kSilentInNoise = 30s;
  static constexpr Duration kMostBehind = 200ms;

 private:
  struct Coders {
    std::unique_ptr<AudioDecoder> decoder;
    std::unique_ptr<AudioEncoder> encoder;
    std::unique_ptr<Resampler> resampler;  // nothing: the rates are the same
    uint32_t decode_rate = 0;
    uint32_t encode_rate = 0;
  };
  Transcoder(const TranscoderPlan& plan, Coders coders, const RtpHeader& first);

  std::optional<JitterBuffer::Arrival> Classify(const RtpHeader& header, ByteView payload,
                                                TimePoint now) const;
  std::optional<Packet> PassEvent(const RtpHeader& header, ByteView payload, TimePoint now,
                                  MutableByteView room);
  Packet Send(const RtpHeader& out, size_t payload_size, MutableByteView room);
  void Resume(TimePoint now);
  void CatchUp(TimePoint now);
  void Advance(int64_t packets);
  uint32_t LineAt(TimePoint now) const;
  bool IsSilent(TimePoint now) const;
  Pcm Resampled(Pcm pcm);

  const TranscoderPlan plan_;
  const Duration ptime_;
  const uint32_t out_ticks_;  // of ptime_
  const std::unique_ptr<AudioEncoder> encoder_;
  const std::unique_ptr<Resampler> resampler_;  // nothing: the rates are the same
  const size_t source_samples_;                 // of ptime_, at the decoder's rate
  std::vector<int16_t> resampled_;
  PcmSource source_;
  std::optional<EventPassage> events_;
  Stats stats_;

  RtpHeader next_;  // its timestamp is that of what is due at *line_at_
  bool running_ = false;
  bool marks_ = false;                // the next packet of audio
  std::optional<TimePoint> line_at_;  // nothing: the time line has not begun
  TimePoint heard_at_;                // audio or noise came
};

}  // namespace lastmile::media

#endif  // LASTMILE_MEDIA_ANCHOR_CODEC_TRANSCODER_H_

#ifndef LASTMILE_TESTS_SUPPORT_CODEC_LINE_H_
#define LASTMILE_TESTS_SUPPORT_CODEC_LINE_H_

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "media_anchor/codec/audio_coder.h"
#include "media_anchor/codec/transcoder.h"
#include "tests/support/codec_signals.h"

// A sender and a receiver of audio around a transcoder, and the time between them.
namespace lastmile::media::test {

inline constexpr std::array<AudioCodec, 4> kCodecs = {AudioCodec::kOpus, AudioCodec::kG722,
                                                      AudioCodec::kPcmu, AudioCodec::kPcma};
std::string NameOf(AudioCodec codec);
uint8_t TypeOf(AudioCodec codec);  // 0, 8, 9 and 111
TranscoderPlan PlanOf(AudioCodec in, AudioCodec out, Duration ptime = 20ms);

struct LinePacket {
  RtpHeader header;
  Bytes payload;
  TimePoint at;
};

// The payloads of the samples, encoded as the codec's peers do: at its native rate.
std::vector<Bytes> EncodeAll(AudioCodec codec, const Samples& source, Duration ptime = 20ms);
Samples DecodeAll(AudioCodec codec, const std::vector<Bytes>& payloads, uint32_t rate);

struct Sender {
  Duration ptime = 20ms;
  uint16_t first_sequence = 100;
  uint32_t first_timestamp = 5000;
  uint32_t ssrc = 0x1234;
  TimePoint start = TimePoint{} + 1h;
};
// Packets of the samples, one every ptime.
std::vector<LinePacket> Packetize(AudioCodec codec, const Samples& source,
                                  const Sender& sender = {});

inline constexpr RtpHeader kFirstOut{
    .sequence = 0xfff0, .timestamp = 0xffffff00, .ssrc = 0xabcdef01};
inline std::unique_ptr<Transcoder> MakeTranscoder(const TranscoderPlan& plan) {
  return std::move(*Transcoder::Create(plan, kFirstOut));
}

// Hands the packets to the transcoder at their time, sorted by it, and takes what leaves when it is
// due, for `tail` longer than there are packets.
std::vector<LinePacket> Run(Transcoder& transcoder, std::vector<LinePacket> packets,
                            Duration tail = 300ms);
std::vector<Bytes> PayloadsOf(const std::vector<LinePacket>& packets);
// What a receiver without a jitter buffer hears.
Samples Hear(AudioCodec codec, const std::vector<LinePacket>& packets, uint32_t rate);

}  // namespace lastmile::media::test

#endif  // LASTMILE_TESTS_SUPPORT_CODEC_LINE_H_

// The first byte chooses the codecs and the ptime, the rest are packets: a byte that says how the
// header is, two bytes of size, and the payload. What leaves is checked: it is numbered without a
// gap, fits, and there is no more of it than time has passed.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>

#include "base/bytes.h"
#include "media_anchor/codec/transcoder.h"

namespace lastmile::media {
namespace {

constexpr std::array<AudioCodec, 4> kCodecs = {AudioCodec::kOpus, AudioCodec::kG722,
                                               AudioCodec::kPcmu, AudioCodec::kPcma};
constexpr uint8_t kAudio = 96;
constexpr uint8_t kEvent = 101;
constexpr uint8_t kNoise = 13;
// libopus takes a millisecond for the longest packets in this kind of build.
constexpr size_t kMostPackets = 200;

std::unique_ptr<Transcoder> Make(uint8_t choice) {
  const AudioCodec in = kCodecs[choice & 3];
  const AudioCodec out = kCodecs[choice >> 2 & 3];
  const TranscoderPlan plan{.in = {in, kAudio},
                            .out = {out, kAudio},
                            .ptime = (choice >> 4 & 7) * 10ms,
                            .events = EventTypes{kEvent, 48000, kEvent, 8000},
                            .noise_in = kNoise};
  auto transcoder = Transcoder::Create(plan, {.sequence = 65530, .ssrc = 7});
  if (!transcoder) std::abort();
  return std::move(*transcoder);
}

class Receiver {
 public:
  void On(const Transcoder::Packet& packet) {
    if (packet.header.sequence != next_++ || packet.header.ssrc != 7 ||
        packet.bytes.size() <= RtpHeader::kSize || packet.bytes.size() > Transcoder::kMaxPacket) {
      std::abort();
    }
  }

 private:
  uint16_t next_ = 65530;
};

// Bits of `how`: 0-1 type, 2-3 sequence, 4-5 timestamp, 6-7 arrival.
void Number(uint8_t how, RtpHeader& header, TimePoint& now) {
  static constexpr std::array<uint8_t, 4> kTypes = {kAudio, kAudio, kEvent, kNoise};
  static constexpr std::array<uint16_t, 4> kSteps = {1, 2, 65533, 20000};
  static constexpr std::array<uint32_t, 4> kTicks = {160, 960, 0, 0x80000000};
  static constexpr std::array<Duration, 4> kPauses = {20ms, 0ms, 60ms, 3s};
  header.payload_type = kTypes[how & 3];
  header.sequence += kSteps[how >> 2 & 3];
  header.timestamp += kTicks[how >> 4 & 3];
  now += kPauses[how >> 6];
}

void Run(ByteView bytes) {
  const auto transcoder = Make(bytes[0]);
  bytes = bytes.subspan(1);
  Receiver receiver;
  RtpHeader header{.ssrc = 1};
  TimePoint now = TimePoint{} + 1h;
  std::array<uint8_t, Transcoder::kMaxPacket> room;
  for (size_t i = 0; i < kMostPackets && bytes.size() >= 3; ++i) {
    Number(bytes[0], header, now);
    const size_t size = std::min<size_t>(LoadBe16(&bytes[1]) % 1600, bytes.size() - 3);
    const ByteView payload = bytes.subspan(3, size);
    bytes = bytes.subspan(3 + size);
    if (const auto passed = transcoder->OnPacket(header, payload, now, room)) receiver.On(*passed);
    // 200 ms at most, in packets of 10 ms, and the one that is due now.
    for (size_t left = 0; const auto packet = transcoder->Pop(now, room); ++left) {
      if (left > 21) std::abort();
      receiver.On(*packet);
    }
    if (transcoder->next() <= now) std::abort();
  }
}

}  // namespace
}  // namespace lastmile::media

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size > 0) lastmile::media::Run({data, size});
  return 0;
}

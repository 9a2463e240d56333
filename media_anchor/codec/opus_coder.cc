#include "media_anchor/codec/opus_coder.h"

#include <opus/opus.h>

#include <algorithm>
#include <utility>

#include "base/c_handle.h"

namespace lastmile::media {
namespace {

constexpr int kMono = 1;
// Beyond 5 a voice gains little and the time doubles (ADR 22).
constexpr int kComplexity = 5;
// From about 10 % on each packet carries a copy of the one before.
constexpr int kExpectedLossPercent = 10;

using DecodeState = CHandle<OpusDecoder, opus_decoder_destroy>;
using EncodeState = CHandle<OpusEncoder, opus_encoder_destroy>;

// What browsers use for a voice. RFC 7587 section 3.1.1 has 28 to 40 kbit/s for fullband speech and
// less for narrower bands, whose packets so have room for the copy of the one before.
constexpr opus_int32 kBitRate = 32000;

class Decoder final : public AudioDecoder {
 public:
  explicit Decoder(DecodeState state) : state_(std::move(state)) {}

  size_t Decode(ByteView payload, MutablePcm out) override {
    if (payload.empty()) return 0;
    const int samples =
        opus_decode(state_.get(), payload.data(), static_cast<opus_int32>(payload.size()),
                    out.data(), static_cast<int>(out.size()), 0);
    return static_cast<size_t>(std::max(samples, 0));
  }

  void Conceal(ByteView next, MutablePcm out) override {
    if (!next.empty() && Run(next, out, 1)) return;
    if (!Run({}, out, 0)) std::ranges::fill(out, int16_t{0});
  }

  void Reset() override { opus_decoder_ctl(state_.get(), OPUS_RESET_STATE); }

 private:
  // Without the copy of what was before, libopus conceals by itself.
  bool Run(ByteView next, MutablePcm out, int from_copy) {
    return opus_decode(state_.get(), next.empty() ? nullptr : next.data(),
                       static_cast<opus_int32>(next.size()), out.data(),
                       static_cast<int>(out.size()), from_copy) == static_cast<int>(out.size());
  }

  DecodeState state_;
};

class Encoder final : public AudioEncoder {
 public:
  explicit Encoder(EncodeState state) : state_(std::move(state)) {}

  size_t Encode(Pcm pcm, MutableByteView out) override {
    const opus_int32 size = opus_encode(state_.get(), pcm.data(), static_cast<int>(pcm.size()),
                                        out.data(), static_cast<opus_int32>(out.size()));
    return static_cast<size_t>(std::max(size, 0));
  }

 private:
  EncodeState state_;
};

}  // namespace

std::unique_ptr<AudioDecoder> MakeOpusDecoder(uint32_t rate) {
  DecodeState state(opus_decoder_create(static_cast<opus_int32>(rate), kMono, nullptr));
  return state ? std::make_unique<Decoder>(std::move(state)) : nullptr;
}

std::unique_ptr<AudioEncoder> MakeOpusEncoder(uint32_t rate) {
  EncodeState state(
      opus_encoder_create(static_cast<opus_int32>(rate), kMono, OPUS_APPLICATION_VOIP, nullptr));
  if (!state) return nullptr;
  opus_encoder_ctl(state.get(), OPUS_SET_BITRATE(kBitRate));
  opus_encoder_ctl(state.get(), OPUS_SET_COMPLEXITY(kComplexity));
  opus_encoder_ctl(state.get(), OPUS_SET_SIGNAL(OPUS_SIGNAL_VOICE));
  opus_encoder_ctl(state.get(), OPUS_SET_INBAND_FEC(1));
  opus_encoder_ctl(state.get(), OPUS_SET_PACKET_LOSS_PERC(kExpectedLossPercent));
  return std::make_unique<Encoder>(std::move(state));
}

size_t OpusTicksOf(ByteView payload) {
  if (payload.empty()) return 0;
  const int ticks = opus_packet_get_nb_samples(
      payload.data(), static_cast<opus_int32>(payload.size()), RtpClockOf(AudioCodec::kOpus));
  return static_cast<size_t>(std::max(ticks, 0));
}

}  // namespace lastmile::media

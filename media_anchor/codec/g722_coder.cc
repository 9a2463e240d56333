#include "media_anchor/codec/g722_coder.h"

// spandsp's headers stand on each other in this order.
// clang-format off
#include <spandsp/telephony.h>
#include <spandsp/g722.h>
// clang-format on

#include <utility>

#include "base/c_handle.h"
#include "media_anchor/codec/concealer.h"

namespace lastmile::media {
namespace {

constexpr int kBitRate = 64000;
constexpr size_t kSamplesPerByte = 2;

using DecodeState = CHandle<g722_decode_state_t, g722_decode_free>;
using EncodeState = CHandle<g722_encode_state_t, g722_encode_free>;

class G722Decoder final : public AudioDecoder {
 public:
  explicit G722Decoder(DecodeState state)
      : state_(std::move(state)), concealer_(NativeRateOf(AudioCodec::kG722)) {}

  size_t Decode(ByteView payload, MutablePcm out) override {
    if (payload.size() * kSamplesPerByte > out.size()) return 0;
    const int decoded =
        g722_decode(state_.get(), out.data(), payload.data(), static_cast<int>(payload.size()));
    const auto samples = static_cast<size_t>(decoded > 0 ? decoded : 0);
    concealer_.OnDecoded(out.first(samples));
    return samples;
  }
  void Conceal(ByteView /*next*/, MutablePcm out) override { concealer_.Conceal(out); }
  void Reset() override {
    g722_decode_init(state_.get(), kBitRate, 0);
    concealer_.Reset();
  }

 private:
  DecodeState state_;
  Concealer concealer_;
};

class G722Encoder final : public AudioEncoder {
 public:
  explicit G722Encoder(EncodeState state) : state_(std::move(state)) {}

  size_t Encode(Pcm pcm, MutableByteView out) override {
    if (pcm.size() > out.size() * kSamplesPerByte) return 0;
    const int size =
        g722_encode(state_.get(), out.data(), pcm.data(), static_cast<int>(pcm.size()));
    return static_cast<size_t>(size > 0 ? size : 0);
  }

 private:
  EncodeState state_;
};

}  // namespace

std::unique_ptr<AudioDecoder> MakeG722Decoder() {
  DecodeState state(g722_decode_init(nullptr, kBitRate, 0));
  return state ? std::make_unique<G722Decoder>(std::move(state)) : nullptr;
}

std::unique_ptr<AudioEncoder> MakeG722Encoder() {
  EncodeState state(g722_encode_init(nullptr, kBitRate, 0));
  return state ? std::make_unique<G722Encoder>(std::move(state)) : nullptr;
}

}  // namespace lastmile::media

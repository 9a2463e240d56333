#include "media_anchor/codec/resampler.h"

#include <speex/speex_resampler.h>

#include <algorithm>
#include <utility>

#include "base/c_handle.h"

namespace lastmile::media {
namespace {

// The least that is flat to 3.4 kHz between 8 and 16 kHz: 3 takes 1 dB away there (ADR 22).
constexpr int kQuality = 4;

using State = CHandle<SpeexResamplerState, speex_resampler_destroy>;

class SpeexResampler final : public Resampler {
 public:
  explicit SpeexResampler(State state) : state_(std::move(state)) {}

  void Process(Pcm in, MutablePcm out) override {
    auto consumed = static_cast<spx_uint32_t>(in.size());
    auto made = static_cast<spx_uint32_t>(out.size());
    speex_resampler_process_int(state_.get(), 0, in.data(), &consumed, out.data(), &made);
    // Rates that divide each other come out even; nothing stays unwritten if that changes.
    std::ranges::fill(out.subspan(made), int16_t{0});
  }

 private:
  State state_;
};

}  // namespace

std::unique_ptr<Resampler> Resampler::Create(uint32_t from, uint32_t to) {
  State state(speex_resampler_init(1, from, to, kQuality, nullptr));
  return state ? std::make_unique<SpeexResampler>(std::move(state)) : nullptr;
}

}  // namespace lastmile::media

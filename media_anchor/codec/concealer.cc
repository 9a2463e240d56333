#include "media_anchor/codec/concealer.h"

#include <algorithm>

namespace lastmile::media {
namespace {

// Voices of 66 to 400 Hz.
constexpr Duration kShortestPeriod = 2500us;
constexpr Duration kLongestPeriod = 15ms;
constexpr Duration kCompared = 10ms;

}  // namespace

Concealer::Concealer(uint32_t rate)
    : rate_(rate),
      search_{.rate = rate,
              .window = SamplesOf(kCompared, rate),
              .least = SamplesOf(kShortestPeriod, rate),
              .most = SamplesOf(kLongestPeriod, rate)},
      history_(search_.window + search_.most),
      period_(search_.most) {}

void Concealer::Reset() {
  std::ranges::fill(history_, int16_t{0});
  concealed_ = 0;
}

void Concealer::OnDecoded(MutablePcm pcm) {
  if (concealed_ > 0) {
    const size_t blend = std::min(SamplesOf(kBlend, rate_), pcm.size());
    for (size_t i = 0; i < blend; ++i) {
      const float share = static_cast<float>(i + 1) / static_cast<float>(blend + 1);
      pcm[i] =
          Clip(static_cast<float>(NextSample()) * (1 - share) + static_cast<float>(pcm[i]) * share);
    }
    concealed_ = 0;
  }
  Remember(pcm);
}

void Concealer::Conceal(MutablePcm out) {
  if (concealed_ == 0) BeginGap();
  for (int16_t& sample : out) sample = NextSample();
  Remember(out);
}

// The end of the period is led over to what stands before its start, so that it can be repeated.
void Concealer::BeginGap() {
  period_size_ = BestLag(history_, search_);
  const Pcm last = Pcm(history_).last(period_size_);
  std::ranges::copy(last, period_.begin());
  const size_t blend = period_size_ / 4;
  const Pcm before = Pcm(history_).subspan(history_.size() - period_size_ - blend, blend);
  for (size_t i = 0; i < blend; ++i) {
    const float share = static_cast<float>(i + 1) / static_cast<float>(blend + 1);
    int16_t& sample = period_[period_size_ - blend + i];
    sample = Clip(static_cast<float>(sample) * (1 - share) + static_cast<float>(before[i]) * share);
  }
}

int16_t Concealer::NextSample() {
  const size_t hold = SamplesOf(kHold, rate_);
  const size_t faded = SamplesOf(kFaded, rate_);
  const size_t at = concealed_++;
  if (at >= faded) return 0;
  const auto sample = static_cast<float>(period_[at % period_size_]);
  if (at < hold) return Clip(sample);
  return Clip(sample * static_cast<float>(faded - at) / static_cast<float>(faded - hold));
}

void Concealer::Remember(Pcm pcm) {
  const Pcm last = pcm.last(std::min(pcm.size(), history_.size()));
  std::shift_left(history_.begin(), history_.end(), static_cast<ptrdiff_t>(last.size()));
  std::ranges::copy(last, history_.end() - static_cast<ptrdiff_t>(last.size()));
}

}  // namespace lastmile::media

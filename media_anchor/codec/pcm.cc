#include "media_anchor/codec/pcm.h"

#include <algorithm>
#include <cmath>

namespace lastmile::media {
namespace {

constexpr uint32_t kCoarseRate = 8000;

// Of the last `window` samples and those `lag` before them; every `step`th sample counts. The more
// the better; not above 0: they do not resemble each other.
double Likeness(Pcm pcm, size_t window, size_t lag, size_t step) {
  const Pcm late = pcm.last(window);
  const Pcm early = pcm.subspan(pcm.size() - window - lag, window);
  double product = 0, energy = 1;
  for (size_t i = 0; i < window; i += step) {
    product += double{static_cast<double>(late[i])} * early[i];
    energy += double{static_cast<double>(early[i])} * early[i];
  }
  return product * std::abs(product) / energy;
}

size_t BestOf(Pcm pcm, const LagSearch& search, size_t lag_step, size_t sample_step) {
  size_t best = search.least;
  double best_likeness = 0;
  for (size_t lag = search.least; lag <= search.most; lag += lag_step) {
    const double likeness = Likeness(pcm, search.window, lag, sample_step);
    if (likeness <= best_likeness) continue;
    best = lag;
    best_likeness = likeness;
  }
  return best;
}

int16_t Mix(int16_t from, int16_t to, size_t at, size_t length) {
  const float share = (static_cast<float>(at) + 0.5f) / static_cast<float>(length);
  return Clip(static_cast<float>(from) * (1 - share) + static_cast<float>(to) * share);
}

}  // namespace

int16_t Clip(float sample) {
  return static_cast<int16_t>(std::lrint(std::clamp(sample, -32768.0f, 32767.0f)));
}

size_t BestLag(Pcm pcm, const LagSearch& search) {
  const size_t step = std::max(1u, search.rate / kCoarseRate);
  const size_t coarse = BestOf(pcm, search, step, step);
  if (step == 1) return coarse;
  LagSearch fine = search;
  fine.least = std::max(search.least, coarse - (step - 1));
  fine.most = std::min(search.most, coarse + (step - 1));
  return BestOf(pcm, fine, 1, 1);
}

void PcmQueue::Remove(size_t samples) {
  std::copy(samples_.begin() + static_cast<ptrdiff_t>(samples),
            samples_.begin() + static_cast<ptrdiff_t>(size_), samples_.begin());
  size_ -= samples;
}

LagSearch PcmQueue::search() const {
  return {.rate = rate_,
          .window = SamplesOf(kFade, rate_),
          .least = SamplesOf(kShortestSplice, rate_),
          .most = SamplesOf(kLongestSplice, rate_)};
}

// The fade ends `window` samples behind sample number `most`: it leads from what is `lag` before
// there to what is there.
bool PcmQueue::Shorten() {
  const auto [rate, window, least, most] = search();
  if (size_ < window + most) return false;
  const size_t lag = BestLag(First(window + most), search());
  for (size_t i = 0; i < window; ++i) {
    samples_[most + i] = Mix(samples_[most - lag + i], samples_[most + i], i, window);
  }
  const auto begin = samples_.begin();
  std::copy(begin + static_cast<ptrdiff_t>(most), begin + static_cast<ptrdiff_t>(size_),
            begin + static_cast<ptrdiff_t>(most - lag));
  size_ -= lag;
  return true;
}

bool PcmQueue::Lengthen() {
  const auto [rate, window, least, most] = search();
  if (size_ < window + most || samples_.size() - size_ < most) return false;
  const size_t lag = BestLag(First(window + most), search());
  const auto begin = samples_.begin();
  std::copy_backward(begin + static_cast<ptrdiff_t>(most - lag),
                     begin + static_cast<ptrdiff_t>(size_),
                     begin + static_cast<ptrdiff_t>(size_ + lag));
  // What stood at most + i is at most + lag + i now; what stood at most - lag + i is at most + i,
  // and also where it was.
  for (size_t i = 0; i < window; ++i) {
    samples_[most + i] = Mix(samples_[most + lag + i], samples_[most + i], i, window);
  }
  size_ += lag;
  return true;
}

}  // namespace lastmile::media

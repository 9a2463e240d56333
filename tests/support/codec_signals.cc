#include "tests/support/codec_signals.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <random>

namespace lastmile::media::test {
namespace {

constexpr double kFullScale = 32767;

double FromDb(double db) { return std::pow(10, db / 20); }
double PowerDb(double power) { return 10 * std::log10(std::max(power, 1e-12)); }

// Two poles; its gain at the resonance is about one.
class Resonator {
 public:
  void Tune(double hz, double bandwidth) {
    const double r = std::exp(-std::numbers::pi * bandwidth / kSourceRate);
    const double angle = 2 * std::numbers::pi * hz / kSourceRate;
    a1_ = 2 * r * std::cos(angle);
    a2_ = -r * r;
    gain_ = (1 - r) * std::sqrt(1 - 2 * r * std::cos(2 * angle) + r * r);
  }
  double operator()(double in) {
    const double out = gain_ * in + a1_ * y1_ + a2_ * y2_;
    y2_ = y1_;
    return y1_ = out;
  }

 private:
  double a1_ = 0, a2_ = 0, gain_ = 0, y1_ = 0, y2_ = 0;
};

// One stage of a Butterworth low-pass.
class LowPass {
 public:
  LowPass(double hz, double q) {
    const double w = 2 * std::numbers::pi * hz / kSourceRate;
    const double alpha = std::sin(w) / (2 * q);
    b_ = (1 - std::cos(w)) / 2 / (1 + alpha);
    a1_ = -2 * std::cos(w) / (1 + alpha);
    a2_ = (1 - alpha) / (1 + alpha);
  }
  double operator()(double in) {
    const double out = b_ * (in + 2 * x1_ + x2_) - a1_ * y1_ - a2_ * y2_;
    x2_ = x1_;
    x1_ = in;
    y2_ = y1_;
    return y1_ = out;
  }

 private:
  double b_, a1_, a2_, x1_ = 0, x2_ = 0, y1_ = 0, y2_ = 0;
};

// Butterworth of the eighth order: what a telephone lets through.
class TelephoneBand {
 public:
  double operator()(double in) {
    for (LowPass& stage : stages_) in = stage(in);
    return in;
  }

 private:
  std::array<LowPass, 4> stages_ = {LowPass(3200, 0.5098), LowPass(3200, 0.6013),
                                    LowPass(3200, 0.9), LowPass(3200, 2.5629)};
};

// One sound of the voice.
struct Sound {
  std::array<double, 3> formants;  // Hz
  double pulses = 1;
  double hiss = 0.02;
};
constexpr std::array<Sound, 6> kSounds = {{{{730, 1090, 2440}},
                                           {{270, 2290, 3010}},
                                           {{300, 870, 2240}},
                                           {{530, 1840, 2480}},
                                           {{1800, 2600, 3100}, 0, 0.7},
                                           {{500, 1500, 2500}, 0, 0}}};

class Voice {
 public:
  explicit Voice(uint64_t seed) : random_(seed) {}

  double Next() {
    if (left_-- == 0) Choose();
    const double glide = 1.0 / 480;
    pitch_ += (pitch_target_ - pitch_) * glide * 0.1;
    pulses_ += (sound_.pulses - pulses_) * glide;
    hiss_ += (sound_.hiss - hiss_) * glide;
    phase_ += pitch_ / kSourceRate;
    double in = hiss_ * (Uniform() - 0.5) * 8;
    if (phase_ >= 1) {
      phase_ -= 1;
      in += pulses_ * 60;
    }
    double out = 0;
    for (size_t i = 0; i < formants_.size(); ++i)
      out += formants_[i](in) / static_cast<double>(i + 1);
    return band_(out);
  }

 private:
  double Uniform() { return static_cast<double>(random_() >> 11) * 0x1p-53; }
  void Choose() {
    sound_ = kSounds[random_() % kSounds.size()];
    left_ = static_cast<size_t>((0.08 + 0.17 * Uniform()) * kSourceRate);
    pitch_target_ = 90 + 90 * Uniform();
    for (size_t i = 0; i < formants_.size(); ++i) {
      formants_[i].Tune(sound_.formants[i], 60 + 40 * static_cast<double>(i));
    }
  }

  std::mt19937_64 random_;
  size_t left_ = 0;
  Sound sound_ = kSounds[0];
  double pitch_ = 120, pitch_target_ = 120, pulses_ = 0, hiss_ = 0, phase_ = 0;
  std::array<Resonator, 3> formants_;
  TelephoneBand band_;
};

int16_t ToSample(double value) {
  return static_cast<int16_t>(std::lround(std::clamp(value, -32768.0, 32767.0)));
}

// Of `out` and the source `delay` samples of the source before it.
double Correlation(Pcm out, size_t step, const Samples& source, size_t delay, size_t stride) {
  double sum = 0;
  for (size_t i = (delay + step - 1) / step; i < out.size(); i += stride) {
    const size_t at = i * step - delay;
    if (at >= source.size()) break;
    sum += static_cast<double>(out[i]) * source[at];
  }
  return sum;
}

size_t FindDelay(Pcm whole, size_t step, const Samples& source) {
  constexpr size_t kLongest = kSourceRate / 4;
  const Pcm out = whole.first(std::min(whole.size(), 3 * kSourceRate / step));
  const auto best = [&](size_t from, size_t to, size_t by, size_t stride) {
    size_t found = from;
    double most = -1;
    for (size_t delay = from; delay <= to; delay += by) {
      const double correlation = Correlation(out, step, source, delay, stride);
      if (correlation <= most) continue;
      most = correlation;
      found = delay;
    }
    return found;
  };
  // Signals below 3.4 kHz change little within 6 samples.
  const size_t coarse = best(0, kLongest, 6, 48 / step + 1);
  return best(coarse < 12 ? 0 : coarse - 12, coarse + 12, 1, 1);
}

}  // namespace

Samples MakeTone(double hz, double level, Duration length) {
  Samples samples(SamplesOf(length, kSourceRate));
  const double peak = kFullScale * FromDb(level);
  for (size_t i = 0; i < samples.size(); ++i) {
    samples[i] =
        ToSample(peak * std::sin(2 * std::numbers::pi * hz * static_cast<double>(i) / kSourceRate));
  }
  return samples;
}

Samples MakeSpeech(Duration length, uint64_t seed) {
  Voice voice(seed);
  std::vector<double> raw(SamplesOf(length, kSourceRate));
  double power = 0;
  for (double& sample : raw) {
    sample = voice.Next();
    power += sample * sample;
  }
  constexpr double kLevel = -23;  // of the whole, pauses included
  const double scale = kFullScale / std::numbers::sqrt2 * FromDb(kLevel) /
                       std::sqrt(power / static_cast<double>(raw.size()));
  Samples samples(raw.size());
  std::ranges::transform(raw, samples.begin(), [&](double x) { return ToSample(x * scale); });
  return samples;
}

Samples Narrow(const Samples& source) {
  TelephoneBand band;
  Samples samples(source.size());
  std::ranges::transform(source, samples.begin(), [&](double x) { return ToSample(band(x)); });
  return samples;
}

Samples AtRate(const Samples& source, uint32_t rate) {
  const size_t step = kSourceRate / rate;
  Samples samples;
  samples.reserve(source.size() / step + 1);
  for (size_t i = 0; i < source.size(); i += step) samples.push_back(source[i]);
  return samples;
}

double LevelOf(Pcm pcm) {
  double power = 0;
  for (const int16_t sample : pcm) power += static_cast<double>(sample) * sample;
  return PowerDb(2 * power / static_cast<double>(pcm.size()) / (kFullScale * kFullScale));
}

ToneFound FindTone(Pcm pcm, uint32_t rate, double hz) {
  double in_phase = 0, across = 0;
  for (size_t i = 0; i < pcm.size(); ++i) {
    const double angle = 2 * std::numbers::pi * hz * static_cast<double>(i) / rate;
    in_phase += pcm[i] * std::cos(angle);
    across += pcm[i] * std::sin(angle);
  }
  const auto count = static_cast<double>(pcm.size());
  const double peak = 2 * std::hypot(in_phase, across) / count / kFullScale;
  const double tone = peak * peak;
  const double all = std::pow(10, LevelOf(pcm) / 10);
  return {.level = PowerDb(tone), .purity = PowerDb(tone) - PowerDb(std::max(all - tone, 1e-12))};
}

Compared SegmentalSnr(Pcm out, uint32_t rate, const Samples& source) {
  constexpr double kSilence = -50;
  const size_t step = kSourceRate / rate;
  const size_t delay = FindDelay(out, step, source);
  const size_t segment = rate / 50;
  Compared compared{.delay = TimeOf(static_cast<int64_t>(delay), kSourceRate)};
  Samples expected(segment);
  for (size_t at = (delay + step - 1) / step; at + segment <= out.size(); at += segment) {
    const size_t from = at * step - delay;
    if (from + (segment - 1) * step >= source.size()) break;
    double noise = 1e-9, signal = 0;
    for (size_t i = 0; i < segment; ++i) {
      expected[i] = source[from + i * step];
      const double error = static_cast<double>(out[at + i]) - expected[i];
      noise += error * error;
      signal += static_cast<double>(expected[i]) * expected[i];
    }
    const double level = LevelOf(expected);
    if (level < kSilence) continue;
    compared.level_error += std::abs(std::max(LevelOf(out.subspan(at, segment)), kSilence) - level);
    compared.snr += std::clamp(10 * std::log10(signal / noise), -10.0, 35.0);
    ++compared.segments;
  }
  if (compared.segments == 0) return compared;
  compared.snr /= static_cast<double>(compared.segments);
  compared.level_error /= static_cast<double>(compared.segments);
  return compared;
}

}  // namespace lastmile::media::test

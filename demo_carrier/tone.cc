#include "demo_carrier/tone.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <string_view>

namespace lastmile::demo_carrier {
namespace {

constexpr size_t kFftSize = 8192;
constexpr double kPeak = 0.3 * 32767;
constexpr double kSilenceDb = -70;  // G.711's own quantisation of silence is below
constexpr double kLowestHz = 50;
constexpr size_t kShortest = kSampleRate / 4;  // less audio does not tell a frequency
constexpr double kTwoPi = 2 * std::numbers::pi;

// In place, decimation in time; the size is a power of two.
void Fft(std::vector<std::complex<double>>& values) {
  const size_t size = values.size();
  for (size_t i = 1, j = 0; i < size; ++i) {
    size_t bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) std::swap(values[i], values[j]);
  }
  for (size_t length = 2; length <= size; length *= 2) {
    const std::complex<double> root = std::polar(1.0, -kTwoPi / static_cast<double>(length));
    for (size_t start = 0; start < size; start += length) {
      std::complex<double> twiddle = 1;
      for (size_t k = 0; k < length / 2; ++k, twiddle *= root) {
        const auto even = values[start + k];
        const auto odd = values[start + k + length / 2] * twiddle;
        values[start + k] = even + odd;
        values[start + k + length / 2] = even - odd;
      }
    }
  }
}

double LevelDb(const std::vector<int16_t>& samples) {
  double sum = 0;
  for (int16_t sample : samples) sum += double{1} * sample * sample;
  const double mean = samples.empty() ? 0 : sum / static_cast<double>(samples.size());
  return mean > 0 ? std::max(10 * std::log10(mean / (32768.0 * 32768.0)), -127.0) : -127;
}

double LoudestHz(const std::vector<int16_t>& samples) {
  std::vector<std::complex<double>> spectrum(kFftSize);
  const double last = static_cast<double>(samples.size());
  for (size_t i = 0; i < samples.size(); ++i) {
    const double window = 0.5 - 0.5 * std::cos(kTwoPi * (static_cast<double>(i) + 0.5) / last);
    spectrum[i] = window * samples[i];
  }
  Fft(spectrum);
  const auto power = [&](size_t bin) { return std::log(std::norm(spectrum[bin]) + 1e-9); };
  size_t best = static_cast<size_t>(kLowestHz * kFftSize / kSampleRate);
  for (size_t bin = best; bin < kFftSize / 2 - 1; ++bin) {
    if (power(bin) > power(best)) best = bin;
  }
  // The top of the parabola through the best bin and its neighbours.
  const double left = power(best - 1), middle = power(best), right = power(best + 1);
  const double curve = left - 2 * middle + right;
  const double shift = curve < 0 ? 0.5 * (left - right) / curve : 0;
  return (static_cast<double>(best) + shift) * kSampleRate / kFftSize;
}

Heard Analyse(const std::vector<int16_t>& samples) {
  Heard heard{.hz = 0, .level_db = LevelDb(samples)};
  if (heard.level_db > kSilenceDb && samples.size() >= kShortest) heard.hz = LoudestHz(samples);
  return heard;
}

}  // namespace

void ToneSource::Set(double first_hz, double second_hz) {
  first_.step = kTwoPi * first_hz / kSampleRate;
  second_.step = kTwoPi * second_hz / kSampleRate;
}

void ToneSource::Fill(std::span<int16_t> samples) {
  for (int16_t& sample : samples) {
    double value = 0;
    for (Sine* sine : {&first_, &second_}) {
      if (sine->step == 0) continue;
      value += kPeak * std::sin(sine->phase);
      sine->phase = std::fmod(sine->phase + sine->step, kTwoPi);
    }
    sample = static_cast<int16_t>(std::lround(value));
  }
}

std::optional<std::pair<double, double>> DtmfPair(char digit) {
  constexpr std::string_view kKeys = "123A456B789C*0#D";
  constexpr double kRows[] = {697, 770, 852, 941};
  constexpr double kColumns[] = {1209, 1336, 1477, 1633};
  const size_t at = kKeys.find(digit);
  if (at == std::string_view::npos) return std::nullopt;
  return std::pair(kRows[at / 4], kColumns[at % 4]);
}

bool ToneMeter::Add(int16_t sample, Heard& heard) {
  samples_.push_back(sample);
  if (samples_.size() < kSampleRate) return false;
  heard = Take();
  return true;
}

Heard ToneMeter::Take() {
  const Heard heard = samples_.empty() ? Heard() : Analyse(samples_);
  samples_.clear();
  return heard;
}

}  // namespace lastmile::demo_carrier

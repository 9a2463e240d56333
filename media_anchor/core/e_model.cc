#include "media_anchor/core/e_model.h"

#include <algorithm>
#include <cmath>

namespace lastmile::media {
namespace {

// Of the defaults of G.107 table 2, as its clause 7 makes them.
constexpr double kSignalToNoise = 94.7688;  // Ro
constexpr double kSimultaneous = 1.4136;    // Is
constexpr double kEchoLoudness = 65;        // TELR, dB
constexpr double kListenerEcho = 110;       // WEPL, dB

// Idte: what is heard of oneself (7.4). `ms`: one way, as the echo's.
double TalkerEcho(double ms) {
  const double terv = kEchoLoudness - 40 * std::log10((1 + ms / 10) / (1 + ms / 150)) +
                      6 * std::exp(-0.3 * ms * ms);
  const double re = 80 + 2.5 * (terv - 14);
  const double half = (kSignalToNoise - re) / 2;
  return (half + std::sqrt(half * half + 100) - 1) * (1 - std::exp(-ms));
}

// Idle: what is heard of the other twice.
double ListenerEcho(double ms) {
  const double rle = 10.5 * (kListenerEcho + 7) * std::pow(2 * ms + 1, -0.25);
  const double half = (kSignalToNoise - rle) / 2;
  return half + std::sqrt(half * half + 169);
}

// Idd: what even a perfect line costs, above 100 ms.
double PureDelay(double ms) {
  if (ms <= 100) return 0;
  const double x = std::log2(ms / 100);
  const auto root = [](double base) { return std::pow(1 + std::pow(base, 6), 1.0 / 6); };
  return 25 * (root(x) - 3 * root(x / 3) + 2);
}

}  // namespace

double TransmissionRating(const CodecImpairment& codec, double loss, Duration delay) {
  const double ms = std::chrono::duration<double, std::milli>(delay).count();
  const double percent = 100 * std::clamp(loss, 0.0, 1.0);
  // 7.5, with BurstR 1.
  const double equipment = codec.ie + (95 - codec.ie) * percent / (percent + codec.bpl);
  const double rating = kSignalToNoise - kSimultaneous - TalkerEcho(ms) - ListenerEcho(ms) -
                        PureDelay(ms) - equipment;
  return std::max(rating, 0.0);
}

double MosOf(double rating) {
  const double r = std::clamp(rating, 0.0, 100.0);
  // Just above 0 the polynomial falls below its own beginning.
  return std::max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

}  // namespace lastmile::media
